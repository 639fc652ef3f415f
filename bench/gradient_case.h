/* SPDX-License-Identifier: MIT */
/* One way of computing a gradient at one tolerance, set up once and timed many times. */
#ifndef BENCH_GRADIENT_CASE_H
#define BENCH_GRADIENT_CASE_H

#include "cvodes_stock.h"
#include "gradient_method.h"
#include "gradient_task.h"
#include <costate/adjoint.h>
#include <costate/solver.h>

/* Work of one gradient: steps by direction, the rest of both together. */
typedef struct gradient_counts {
    size_t n_step;
    size_t n_step_back;
    size_t n_f;
    size_t n_vjp_y;
    size_t n_vjp_p;
    size_t n_jac;
    size_t n_setup; /* factorisations */
} gradient_counts;

typedef struct gradient_case {
    gradient_method method;
    char variant[64]; /* "<method> rtol=1e-06" */
    double rtol;
    const gradient_task *task;
    costate_solver *solver;
    costate_adjoint *adjoint;
    cvodes_stock *stock;
    double *y;        /* n_t x n_y */
    double *v;        /* n_t x n_y */
    double *gradient; /* parameters, then the initial state */
    double loss;
    bool failed; /* some run did; never cleared */
} gradient_case;

bool gradient_case_create(gradient_method method, double rtol, const gradient_task *task, gradient_case *c);
void gradient_case_destroy(gradient_case *c);

/* Computes the gradient n times; ctx is a gradient_case. */
void gradient_case_run(void *ctx, size_t n);

/* Of the last run. */
gradient_counts gradient_case_counts(const gradient_case *c);

/* What the library says of the last failure; "" if nothing. */
const char *gradient_case_detail(const gradient_case *c);

#endif
