/* SPDX-License-Identifier: MIT */
/* A right-hand side together with everything its callbacks are called with: parameters, scratch, and the counts they
 * add to. */
#ifndef CSI_RHS_CALLS_H
#define CSI_RHS_CALLS_H

#include <costate/alloc.h>
#include <costate/rhs.h>
#include <costate/solver.h>
#include <costate/status.h>

typedef struct csi_rhs_calls {
    costate_rhs rhs;
    const double *p;              /* parameters of the current solve */
    costate_solve_counts *counts; /* where calls are counted */
    void *work;                   /* the callbacks' scratch, aligned */
    void *work_block;
    double *unit; /* n_y elements: unit vectors for the Jacobian, all zero between calls */
    double *row;  /* n_y elements */
} csi_rhs_calls;

costate_status csi_rhs_calls_init(csi_rhs_calls *calls, const costate_rhs *rhs, costate_solve_counts *counts,
                                  const costate_allocator *alloc);
void csi_rhs_calls_clear(csi_rhs_calls *calls, const costate_allocator *alloc);

/* The calls below return the callback's answer unchanged. */
int csi_call_f(csi_rhs_calls *calls, double t, const double *y, double *dydt);
/* ybar or pbar may be NULL. */
int csi_call_vjp(csi_rhs_calls *calls, double t, const double *y, const double *v, double scale, double *ybar,
                 double *pbar);

/* ∂f/∂y, column-major, from jac, else jvp, else vjp; needs one of them. */
int csi_call_jacobian(csi_rhs_calls *calls, double t, const double *y, double *jac);

#endif
