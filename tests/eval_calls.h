/* SPDX-License-Identifier: MIT */
/* The calls of costate_eval.h on a network of the fixtures, with every array placed against inaccessible memory. */
#ifndef EVAL_CALLS_H
#define EVAL_CALLS_H

#include "net_calls.h"
#include <costate_eval.h>

typedef struct eval_calls {
    costate_eval_layer layers[NET_FIXTURE_MAX_LAYER];
    costate_eval_net net;
    net_placement placement;
} eval_calls;

/* The fixture's network, which must outlive calls; asserts that it passes validation. calls must not be moved. */
void eval_calls_make(eval_calls *calls, const net_fixture *fixture, net_placement placement);

/*
 * Each asserts that the call succeeds with exactly the scratch it asks for (full of NaN), refuses one element less without
 * writing anything, and leaves its inputs alone. Outputs are full of NaN before the call, except the accumulated pbar.
 */
void eval_forward(const eval_calls *calls, const double *p, const double *x, double *y);
void eval_vjp(const eval_calls *calls, const double *p, const double *x, const double *v, double scale, double *xbar,
              double *pbar);
void eval_jvp(const eval_calls *calls, const double *p, const double *x, const double *u, const double *up, double *y,
              double *yu);
void eval_jacobian(const eval_calls *calls, const double *p, const double *x, double *y, double *jac);
void eval_hessian(const eval_calls *calls, const double *p, const double *x, double *y, double *jac, double *hess);

#endif
