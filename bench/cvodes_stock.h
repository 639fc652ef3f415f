/* SPDX-License-Identifier: MIT */
/* The adjoint of CVODES as its manual shows it: CVodeF, CVodeB and a backward quadrature over all parameters. */
#ifndef BENCH_CVODES_STOCK_H
#define BENCH_CVODES_STOCK_H

#include "gradient_task.h"

typedef struct cvodes_stock_options {
    bool bdf; /* BDF and Newton's iteration with dense Jacobians, for which rhs->jac is needed; else Adams */
    double rtol;
    double atol;              /* forward; backward it is a fraction of the largest cotangent */
    const double *scale;      /* n_y factors on atol, backward divisors; not copied; NULL: 1 */
    bool quad_error_control;  /* the quadrature takes part in the backward error test */
    size_t steps_per_segment; /* forward steps between checkpoints */
} cvodes_stock_options;

/* What the last gradient cost. */
typedef struct cvodes_stock_counts {
    size_t n_step;      /* forward */
    size_t n_step_back; /* backward, all restarts */
    size_t n_f;
    size_t n_vjp_y;
    size_t n_vjp_p;
    size_t n_jac;
    size_t n_setup; /* factorisations, both directions */
} cvodes_stock_counts;

typedef struct cvodes_stock cvodes_stock;

/*
 * The same method in both directions (Adams with fixed-point iteration or BDF with Newton's), Hermite interpolation of
 * the forward solution (as in the examples of SUNDIALS; the polynomial alternative costs a little more and gains
 * nothing above an error of 1e-8); `rhs` is copied and calls the same kernels as costate's solver. NULL on failure.
 */
cvodes_stock *cvodes_stock_create(const costate_rhs *rhs, const cvodes_stock_options *options);
void cvodes_stock_destroy(cvodes_stock *stock);

/*
 * Gradient of the loss: y0bar and pbar are overwritten. The backward solve restarts at every observation. `y` and `v`
 * are scratch of n_t x n_y elements. False when CVODES reports a failure.
 */
bool cvodes_stock_gradient(cvodes_stock *stock, const double *p, double t0, const double *y0, size_t n_t,
                           const double *t, gradient_loss loss, const void *loss_ctx, double *y, double *v,
                           double *value, double *y0bar, double *pbar);

const cvodes_stock_counts *cvodes_stock_last_counts(const cvodes_stock *stock);

#endif
