/* SPDX-License-Identifier: MIT */
/* What a method costs at the error of another: interpolation in its (error, time) curve. */
#ifndef BENCH_EQUAL_ERROR_H
#define BENCH_EQUAL_ERROR_H

#include <stddef.h>

/* One tolerance of one method. */
typedef struct error_point {
    double rtol;
    double error;
    double seconds;
} error_point;

typedef enum error_match {
    ERROR_MATCH_INTERPOLATED,
    ERROR_MATCH_AT_MOST, /* even the loosest tolerance is more accurate: its time bounds the answer from above */
    ERROR_MATCH_AT_LEAST /* no tolerance reaches the error: the tightest one's time bounds the answer from below */
} error_match;

/*
 * Seconds at `error`, log-log between the first two neighbours around it; points run from the loosest tolerance to the
 * tightest, n >= 1.
 */
double equal_error_seconds(size_t n, const error_point *points, double error, error_match *match);

#endif
