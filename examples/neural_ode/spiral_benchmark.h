/* SPDX-License-Identifier: MIT */
/* The cubic spiral of Chen et al. (2018), the benchmark of neural ODE libraries. */
#ifndef SPIRAL_BENCHMARK_H
#define SPIRAL_BENCHMARK_H

#include "command_line.h"
#include "fit_result.h"

/*
 * Fits dy/dt = N(y^3; p) to 30 points in [0, 1.5] of the spiral y0' = -0.1 y0^3 - 2 y1^3, y1' = 2 y0^3 - 0.1 y1^3, y(0) = (2, 0), by Adam on the
 * sum of squared errors. EXIT_SUCCESS with the result; else says why and returns EXIT_FIT.
 */
int spiral_benchmark(const command_line *options, fit_result *result);

#endif
