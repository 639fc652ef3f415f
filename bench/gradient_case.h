/* SPDX-License-Identifier: MIT */
/* One way of computing a spiral gradient at one tolerance, set up once and timed many times. */
#ifndef BENCH_GRADIENT_CASE_H
#define BENCH_GRADIENT_CASE_H

#include "cvodes_stock.h"
#include "spiral.h"
#include <costate/adjoint.h>
#include <costate/solver.h>

/* X(enumerator, name) */
#define GRADIENT_METHOD_LIST(X)                                                                                        \
    X(COSTATE, "costate adams")                                                                                        \
    X(SOLVE_ONLY, "costate adams solve only")                                                                          \
    X(STOCK, "CVODES adjoint")                                                                                         \
    X(STOCK_ERROR_CONTROL, "CVODES adjoint quad-error")

typedef enum gradient_method {
#define GRADIENT_METHOD_ENUM(name, text) GRADIENT_##name,
    GRADIENT_METHOD_LIST(GRADIENT_METHOD_ENUM)
#undef GRADIENT_METHOD_ENUM
} gradient_method;

const char *gradient_method_name(gradient_method method);

/* Work of one gradient, both directions. */
typedef struct gradient_counts {
    size_t n_step;
    size_t n_step_back;
    size_t n_f;
    size_t n_vjp_y;
    size_t n_vjp_p;
} gradient_counts;

typedef struct gradient_case {
    gradient_method method;
    char variant[64]; /* "<method> rtol=1e-06" */
    double rtol;
    const spiral_task *task;
    costate_solver *solver;
    costate_adjoint *adjoint;
    cvodes_stock *stock;
    double y[2 * SPIRAL_N_T];
    double v[2 * SPIRAL_N_T];
    double loss;
    double *gradient; /* n_p parameters, then the initial state */
    bool failed;      /* some run did; never cleared */
} gradient_case;

/* Absolute tolerance that goes with rtol everywhere: rtol / 1000, backward as a fraction of the largest cotangent. */
double gradient_atol(double rtol);

bool gradient_case_create(gradient_method method, double rtol, const spiral_task *task, gradient_case *c);
void gradient_case_destroy(gradient_case *c);

/* Computes the gradient n times; ctx is a gradient_case. */
void gradient_case_run(void *ctx, size_t n);

/* Of the last run. */
gradient_counts gradient_case_counts(const gradient_case *c);

#endif
