/* SPDX-License-Identifier: MIT */
/* All ways of computing one gradient: verified against the reference, timed and printed. */
#ifndef BENCH_GRADIENT_RUN_H
#define BENCH_GRADIENT_RUN_H

#include "equal_error.h"
#include "gradient_case.h"
#include "gradient_reference.h"
#include "harness.h"
#include "rhs_kernels.h"

#define GRADIENT_MAX_RTOL 12
#define GRADIENT_MAX_CURVE 16

/* A method at the tolerances 10^-first, 10^-(first + step) … 10^-last, loosest first. */
typedef struct gradient_range {
    gradient_method method;
    int first;
    int last;
    int step;
} gradient_range;

/* What is run for one task. */
typedef struct gradient_plan {
    reference_plan reference;
    size_t n_range;
    const gradient_range *ranges; /* the first is what the others are compared with */
    bool kernels;                 /* time the right-hand side's callbacks along */
} gradient_plan;

/* Error, time and work of one method over its tolerances, loosest first. */
typedef struct gradient_curve {
    char name[64];
    bool has_gradient; /* false: a solve alone, its errors are 0 */
    size_t n;
    error_point points[GRADIENT_MAX_RTOL];
    gradient_counts counts[GRADIENT_MAX_RTOL]; /* zero for peers */
} gradient_curve;

typedef struct gradient_result {
    const gradient_task *task;
    size_t n_curve;
    gradient_curve curves[GRADIENT_MAX_CURVE];
    rhs_kernel_times kernels; /* zero if not timed */
} gradient_result;

/* 10^-decade, rounded once. */
double gradient_rtol(int decade);

/* Checks, times and prints every method of the plan. False after bench_fail(): then nothing was timed. */
bool gradient_run(bench *b, const gradient_task *task, const gradient_plan *plan, gradient_result *result);

/* The curve with this name; NULL if there is none. */
gradient_curve *gradient_find_curve(gradient_result *result, const char *name);

/* The curve with this name, created empty if there is none; NULL if there is no room. */
gradient_curve *gradient_add_curve(gradient_result *result, const char *name);

/* The point of a curve at a tolerance; NULL if it has none. */
const error_point *gradient_find_point(const gradient_curve *curve, double rtol);

#endif
