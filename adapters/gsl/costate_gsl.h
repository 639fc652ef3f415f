/* SPDX-License-Identifier: MIT */
/* A right-hand side of the library as a system of GSL's ordinary differential equations (gsl_odeiv2). */
#ifndef COSTATE_GSL_H
#define COSTATE_GSL_H

#include <costate/rhs.h>
#include <gsl/gsl_odeiv2.h>

/* The system, to be passed to gsl_odeiv2_driver_alloc_*(); a bridge serves one thread and one driver at a time. */
typedef struct costate_gsl {
    gsl_odeiv2_system system;
    costate_rhs rhs;
    const double *p;
    void *work;    /* aligned to 64 bytes, as the callbacks may expect */
    double *a, *b; /* n_y each */
    double *jac;   /* n_y², column-major */
} costate_gsl;

/*
 * The right-hand side is copied; p (n_p elements) and its ctx must outlive the bridge. System function and Jacobian come
 * from f and from jac, jvp or vjp, whichever is set first; ∂f/∂t by a central difference, which only GSL's implicit
 * methods look at. RETRY makes GSL halve the step; FAIL ends the integration with GSL_EBADFUNC.
 *
 * The bridge must not be moved. Answers GSL_SUCCESS, GSL_EINVAL (no or too many states, f or every derivative missing) or
 * GSL_ENOMEM.
 */
int costate_gsl_create(costate_gsl *bridge, const costate_rhs *rhs, const double *p);

void costate_gsl_destroy(costate_gsl *bridge);

#endif
