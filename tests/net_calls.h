/* SPDX-License-Identifier: MIT */
/* The calls of net.h in either precision through double arrays, with every array placed against inaccessible memory. */
#ifndef NET_CALLS_H
#define NET_CALLS_H

#include "net_fixture.h"

typedef enum net_real { NET_F64, NET_F32, N_NET_REAL } net_real;

/* Where each array of a call lies. */
typedef enum net_placement {
    PLACE_END,    /* its end touches an inaccessible page: aligned to its elements only */
    PLACE_START,  /* its start touches one: aligned to a page */
    PLACE_OFFSET, /* one element, or one byte of the workspace, after a page boundary */
    N_NET_PLACEMENT
} net_placement;

typedef struct net_calls {
    const costate_net *net;
    net_real real;
    net_placement placement;
} net_calls;

/* Unit roundoff. */
long double net_real_roundoff(net_real real);

/* The reference with the roundoff of the calls' precision. */
reference_net net_calls_reference(const net_calls *calls, const net_fixture *fixture);

/*
 * Each asserts that the call succeeds with exactly the workspace it asks for (full of NaN) and leaves its inputs alone. Outputs are full of
 * NaN before the call, except the accumulated pbar. All numbers given must be representable in the precision.
 */
void call_forward(const net_calls *calls, const double *p, const double *x, double *y);
void call_vjp(const net_calls *calls, const double *p, const double *x, const double *v, double scale, double *xbar,
              double *pbar);
/*
 * The forward call that keeps, with its block at its exact size, and the VJP that reads a copy of it. pbar is accumulated into; xbar or pbar
 * may be NULL.
 */
void call_kept(const net_calls *calls, const double *p, const double *x, const double *v, double scale, double *y,
               double *xbar, double *pbar);
void call_jvp(const net_calls *calls, const double *p, const double *x, const double *u, const double *up, double *y,
              double *yu);
void call_jacobian(const net_calls *calls, const double *p, const double *x, double *y, double *jac);
void call_hessian(const net_calls *calls, const double *p, const double *x, double *y, double *jac, double *hess);
void call_forward_batch(const net_calls *calls, const double *p, size_t n, const double *x, double *y);
void call_vjp_batch(const net_calls *calls, const double *p, size_t n, const double *x, const double *v, double scale,
                    double *xbar, double *pbar);
/* The same with the workspace that makes them go by tiles. */
void call_forward_tiles(const net_calls *calls, const double *p, size_t n, const double *x, double *y);
void call_vjp_tiles(const net_calls *calls, const double *p, size_t n, const double *x, const double *v, double scale,
                    double *xbar, double *pbar);

#endif
