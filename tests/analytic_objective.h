/* SPDX-License-Identifier: MIT */
/* Functions with a known minimum that count their calls and can fail where or when a test wants. */
#ifndef ANALYTIC_OBJECTIVE_H
#define ANALYTIC_OBJECTIVE_H

#include <costate/optimize.h>
#include <stddef.h>

enum { ANALYTIC_MAX_N = 8 };

typedef enum analytic_kind {
    ANALYTIC_QUADRATIC, /* sum_i (i + 1) (x_i - i)^2, minimum 0 at x_i = i */
    ANALYTIC_ROSENBROCK /* sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2, minimum 0 at 1 */
} analytic_kind;

typedef enum analytic_fault {
    ANALYTIC_STATUS,
    ANALYTIC_NAN_VALUE,
    ANALYTIC_NAN_GRADIENT,
    ANALYTIC_INFINITE_VALUE
} analytic_fault;

typedef struct analytic_objective {
    analytic_kind kind;
    size_t n;
    double scale; /* factor on value and gradient */

    analytic_fault fault;
    costate_status status; /* what a faulty call returns with ANALYTIC_STATUS */
    size_t first;          /* index of the first faulty call, from 0 */
    size_t n_bad;          /* faulty calls in a row */
    double wall;           /* every call with x_0 > wall is faulty too */

    size_t n_call;
    size_t n_faulty;
    double last_x[ANALYTIC_MAX_N];
    double largest_x0;
} analytic_objective;

/* No fault. */
analytic_objective analytic(analytic_kind kind, size_t n);

/* costate_objective_fn; ctx is an analytic_objective. */
costate_status analytic_evaluate(const double *x, double *value, double *grad, void *ctx);

#endif
