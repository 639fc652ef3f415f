/* SPDX-License-Identifier: MIT */
/* The gradient that the benchmarked ones are compared with, confirmed by a second route. */
#ifndef BENCH_GRADIENT_REFERENCE_H
#define BENCH_GRADIENT_REFERENCE_H

#include "harness.h"
#include "spiral.h"

/*
 * Gradient (n_p parameters, then the initial state) by costate's adjoint at rtol 1e-12. It must agree with the stock
 * CVODES adjoint at rtol 1e-12, for up to 300 parameters with forward sensitivities, and on the published problem with
 * its known values; prints the differences. False after bench_fail().
 */
bool gradient_reference(bench *b, const spiral_task *task, double *gradient);

/* |a - reference| / |reference| in the Euclidean norm; infinite when a value is not finite. */
double gradient_error(size_t n, const double *a, const double *reference);

#endif
