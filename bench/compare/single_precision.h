/* SPDX-License-Identifier: MIT */
/* Results in single precision beside those in double. */
#ifndef BENCH_SINGLE_PRECISION_H
#define BENCH_SINGLE_PRECISION_H

#include <stddef.h>

/* A copy to be released with free(); NULL without memory. */
double *single_widen(size_t n, const float *from);

/* ‖a − reference‖/‖reference‖, not finite if that norm is zero. */
double single_distance(size_t n, const float *a, const double *reference);

#endif
