/* SPDX-License-Identifier: MIT */
/* A gradient to be computed: a right-hand side, observation times and a loss, and how its error is measured. */
#ifndef BENCH_GRADIENT_TASK_H
#define BENCH_GRADIENT_TASK_H

#include <costate/rhs.h>
#include <stdbool.h>
#include <stddef.h>

/* Loss of the states at all observations (n_t x n_y), and its cotangents. */
typedef double (*gradient_loss)(const double *y, double *v, const void *ctx);

typedef struct gradient_task {
    const char *shape; /* e.g. "spiral-252-obs30" */
    const costate_rhs *rhs;
    const double *p;
    double t0;
    const double *y0;
    size_t n_t;
    const double *t;
    gradient_loss loss;
    const void *ctx;       /* passed to loss and published */
    const double *weight;  /* factor on each element of the gradient (p, then y0) before errors are taken; NULL: 1 */
    const double *scale;   /* size of each state, to which absolute tolerances are proportional; NULL: 1 */
    double cotangent;      /* with scale: the largest |v_ik| scale_k of the loss */
    double error_per_rtol; /* a gradient whose error is more rtol than this is taken for wrong, not for inaccurate */
    size_t stock_steps;    /* above the number of forward steps of stock CVODES at any tolerance used */
    /* Largest relative difference from known values; NULL when there are none. */
    double (*published)(double loss, const double *gradient, const void *ctx);
} gradient_task;

/* Absolute tolerance that goes with rtol everywhere, in units of the scale: rtol / 1000. Backward it is a fraction of
 * the largest cotangent. */
static inline double gradient_atol(double rtol) { return 1e-3 * rtol; }

/* Elements of the gradient: parameters, then initial state. */
static inline size_t gradient_size(const gradient_task *task) { return task->rhs->n_p + task->rhs->n_y; }

/* |weight (a - reference)| / |weight reference| in the Euclidean norm; infinite when a value is not finite. */
double gradient_error(const gradient_task *task, const double *a, const double *reference);

#endif
