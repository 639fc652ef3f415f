/* SPDX-License-Identifier: MIT */
/* The solutions of reaction and network as a CSV file and as a picture. */
#ifndef ROBER_OUTPUT_H
#define ROBER_OUTPUT_H

#include "rober_verdict.h"

#include <stdbool.h>

/* Columns t, u1, u2, u3 (reaction), n1, n2, n3 (network). False after a line on standard error. */
bool rober_output_csv(const char *path, const rober_verdict *verdict);

/* Concentrations in units of yscale against the logarithm of time; the result is that of gnuplot_draw(). */
bool rober_output_picture(const char *path, const rober_data *data, const rober_verdict *verdict);

#endif
