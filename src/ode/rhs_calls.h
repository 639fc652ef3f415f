/* SPDX-License-Identifier: MIT */
/* A right-hand side together with everything its callbacks are called with: parameters, scratch, and the counts they
 * add to. */
#ifndef CSI_RHS_CALLS_H
#define CSI_RHS_CALLS_H

#include <costate/alloc.h>
#include <costate/rhs.h>
#include <costate/solver.h>
#include <costate/status.h>
#include <stdbool.h>

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
static inline int csi_call_f(csi_rhs_calls *calls, double t, const double *y, double *dydt) {
    calls->counts->n_f++;
    return calls->rhs.f(t, y, calls->p, dydt, calls->work, calls->rhs.ctx);
}

/* ybar or pbar may be NULL. */
int csi_call_vjp(csi_rhs_calls *calls, double t, const double *y, const double *v, double scale, double *ybar,
                 double *pbar);

/* The same with what f leaves for its VJP at the same place; needs rhs.f_keep and rhs.vjp_kept. */
static inline int csi_call_f_keep(csi_rhs_calls *calls, double t, const double *y, double *dydt, void *kept) {
    calls->counts->n_f++;
    return calls->rhs.f_keep(t, y, calls->p, dydt, kept, calls->work, calls->rhs.ctx);
}

int csi_call_vjp_kept(csi_rhs_calls *calls, double t, const double *y, const double *v, double scale, double *ybar,
                      double *pbar, const void *kept);

/* True if both of them are there. */
static inline bool csi_rhs_keeps(const costate_rhs *rhs) { return rhs->f_keep != NULL && rhs->vjp_kept != NULL; }

/* ∂f/∂y, column-major, from jac, else jvp, else vjp; needs one of them. */
int csi_call_jacobian(csi_rhs_calls *calls, double t, const double *y, double *jac);

#endif
