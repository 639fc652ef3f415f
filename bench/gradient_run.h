/* SPDX-License-Identifier: MIT */
/* All ways of computing one spiral gradient: verified, timed, reported and compared at equal error. */
#ifndef BENCH_GRADIENT_RUN_H
#define BENCH_GRADIENT_RUN_H

#include "equal_error.h"
#include "gradient_case.h"
#include "harness.h"

#define GRADIENT_MAX_RTOL 10
#define GRADIENT_MAX_CURVE 12

/* (error, time) of one method over its tolerances, loosest first. */
typedef struct gradient_curve {
    char method[64];
    size_t n;
    error_point points[GRADIENT_MAX_RTOL];
} gradient_curve;

/* Tolerances to run, loosest first. */
typedef struct gradient_rtols {
    size_t n_ours;
    double ours[GRADIENT_MAX_RTOL];
    size_t n_other; /* a wider range, so that every error of ours can be matched */
    double other[GRADIENT_MAX_RTOL];
} gradient_rtols;

/* Curves of one task; the first is ours. */
typedef struct gradient_result {
    const spiral_task *task;
    size_t n_curve;
    gradient_curve curves[GRADIENT_MAX_CURVE];
} gradient_result;

/* Checks, times and prints every in-process method. False after bench_fail(): then nothing was timed. */
bool gradient_run(bench *b, const spiral_task *task, const gradient_rtols *rtols, gradient_result *result);

/* Prints what each other method costs at the error of ours. */
void gradient_report_equal_error(bench *b, const gradient_result *result);

#endif
