/* SPDX-License-Identifier: MIT */
/* Naive long-double networks with error bounds: forward, VJP, JVP, Jacobian and Hessian. */
#ifndef REFERENCE_NET_H
#define REFERENCE_NET_H

#include "reference_value.h"
#include <costate/net.h>

/*
 * Everything comes from the formulas of the specification, except where a parameter lies in memory: that is asked of
 * costate_net_view(). Parameters, inputs and cotangents are exact; u is the unit roundoff of the precision under test.
 */
typedef struct reference_net {
    const costate_net_spec *spec;
    const costate_net *net;
    long double u;
} reference_net;

/* y: n_out values. */
void reference_forward(const reference_net *ref, const double *p, const double *x, reference_value *y);

/* xbar: n_in values; pbar: n_param values, pbar_before + scale·(∂y/∂p)ᵀv. */
void reference_vjp(const reference_net *ref, const double *p, const double *x, const double *v, double scale,
                   const double *pbar_before, reference_value *xbar, reference_value *pbar);

/* yu: n_out values; up may be NULL. */
void reference_jvp(const reference_net *ref, const double *p, const double *x, const double *u, const double *up,
                   reference_value *yu);

/* jac[i + n_out·j]. */
void reference_jacobian(const reference_net *ref, const double *p, const double *x, reference_value *jac);

/* hess[(k·n_in + i)·n_in + j]. */
void reference_hessian(const reference_net *ref, const double *p, const double *x, reference_value *hess);

/* Fails the running test at the first of n elements that is further from its reference than twice the bound, or NaN. */
void assert_matches_reference(const char *what, const double *got, const reference_value *want, size_t n,
                              long double u);

#endif
