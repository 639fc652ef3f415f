/* SPDX-License-Identifier: MIT */
/* A right-hand side of the library as a system of GSL's ordinary differential equations (gsl_odeiv2). */
#include "costate_gsl.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_machine.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* GSL halves the step on any failure but GSL_EBADFUNC. */
static int answer(int code) { return code == COSTATE_ANSWER_OK ? GSL_SUCCESS : code > 0 ? GSL_FAILURE : GSL_EBADFUNC; }

static int all_finite(const double *array, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(array[i])) {
            return 0;
        }
    }
    return 1;
}

static int system_function(double t, const double *y, double *dydt, void *params) {
    const costate_gsl *bridge = params;
    const costate_rhs *rhs = &bridge->rhs;
    const int status = answer(rhs->f(t, y, bridge->p, dydt, bridge->work, rhs->ctx));
    return status != GSL_SUCCESS || all_finite(dydt, rhs->n_y) ? status : GSL_FAILURE;
}

/* One unit vector through jvp gives a column, through vjp a row; GSL wants rows. */
static int product_jacobian(const costate_gsl *bridge, double t, const double *y, double *dfdy) {
    const costate_rhs *rhs = &bridge->rhs;
    const size_t n = rhs->n_y;
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < n; i++) {
            bridge->a[i] = i == k ? 1.0 : 0.0;
        }
        const int status =
            answer(rhs->jvp ? rhs->jvp(t, y, bridge->p, bridge->a, NULL, bridge->b, bridge->work, rhs->ctx)
                            : rhs->vjp(t, y, bridge->p, bridge->a, 1.0, bridge->b, NULL, bridge->work, rhs->ctx));
        if (status != GSL_SUCCESS) {
            return status;
        }
        for (size_t i = 0; i < n; i++) {
            dfdy[rhs->jvp ? i * n + k : k * n + i] = bridge->b[i];
        }
    }
    return GSL_SUCCESS;
}

static int dense_jacobian(const costate_gsl *bridge, double t, const double *y, double *dfdy) {
    const costate_rhs *rhs = &bridge->rhs;
    const size_t n = rhs->n_y;
    const int status = answer(rhs->jac(t, y, bridge->p, bridge->jac, bridge->work, rhs->ctx));
    for (size_t i = 0; status == GSL_SUCCESS && i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            dfdy[i * n + j] = bridge->jac[i + n * j];
        }
    }
    return status;
}

static int system_jacobian(double t, const double *y, double *dfdy, double *dfdt, void *params) {
    const costate_gsl *bridge = params;
    const size_t n = bridge->rhs.n_y;
    const double h = GSL_ROOT3_DBL_EPSILON * fmax(1.0, fabs(t));
    int status = bridge->rhs.jac ? dense_jacobian(bridge, t, y, dfdy) : product_jacobian(bridge, t, y, dfdy);
    if (status == GSL_SUCCESS) {
        status = system_function(t + h, y, bridge->a, params);
    }
    if (status == GSL_SUCCESS) {
        status = system_function(t - h, y, bridge->b, params);
    }
    for (size_t i = 0; status == GSL_SUCCESS && i < n; i++) {
        dfdt[i] = (bridge->a[i] - bridge->b[i]) / (2.0 * h);
    }
    return status != GSL_SUCCESS || all_finite(dfdy, n * n) ? status : GSL_FAILURE;
}

int costate_gsl_create(costate_gsl *bridge, const costate_rhs *rhs, const double *p) {
    static const size_t most = (size_t)1 << 24; /* n² numbers stay addressable */
    *bridge = (costate_gsl){.rhs = *rhs, .p = p};
    const size_t n = rhs->n_y;
    if (n == 0 || n > most || rhs->f == NULL || (rhs->jac == NULL && rhs->jvp == NULL && rhs->vjp == NULL)) {
        return GSL_EINVAL;
    }
    /* aligned_alloc() wants a multiple of the alignment. */
    if (rhs->work_bytes <= SIZE_MAX / 2) {
        bridge->work = aligned_alloc(64, (rhs->work_bytes / 64 + 1) * 64);
        bridge->a = malloc((n + 2) * n * sizeof(double));
    }
    if (bridge->work == NULL || bridge->a == NULL) {
        costate_gsl_destroy(bridge);
        return GSL_ENOMEM;
    }
    bridge->b = bridge->a + n;
    bridge->jac = bridge->b + n;
    bridge->system = (gsl_odeiv2_system){system_function, system_jacobian, n, bridge};
    return GSL_SUCCESS;
}

void costate_gsl_destroy(costate_gsl *bridge) {
    free(bridge->work);
    free(bridge->a);
    bridge->work = NULL;
    bridge->a = NULL;
}
