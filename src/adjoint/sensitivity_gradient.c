/* SPDX-License-Identifier: MIT */
/* The gradient of a loss from forward sensitivities, as the adjoint gives it (doc/math.md, equation 2). */
#include "adjoint/sensitivity_internal.h"
#include "core/finite.h"

#include <math.h>

/* Σ over the times [begin, end) of S_j(t_i)ᵀ v_i */
static double column_gradient(const costate_sensitivity *sens, size_t j, size_t begin, size_t end, const double *v) {
    const size_t n = sens->calls.rhs.n_y;
    double sum = 0.0;
    for (size_t i = begin; i < end; i++) {
        const double *column = sens->s + (i * sens->n_column + j) * n;
        for (size_t k = 0; k < n; k++) {
            sum += column[k] * v[i * n + k];
        }
    }
    return sum;
}

/* With y0 held fixed, moving t0 is moving y(t0) by −f; observations at t0 do not see it. */
static costate_status initial_time_gradient(costate_sensitivity *sens, const double *p, const double *v,
                                            double *t0bar) {
    const size_t n = sens->calls.rhs.n_y;
    const size_t n_p = sens->calls.rhs.n_p;
    const double t0 = sens->grid.t0;
    double *dydt = sens->y_rows;
    sens->rows_valid = false;
    sens->calls.p = p;
    const int answer = csi_call_f(&sens->calls, t0, sens->y0, dydt);
    sens->calls.p = NULL;
    if (answer != 0) {
        return csi_fail(&sens->detail, answer < 0 ? COSTATE_ERR_RHS_FAIL : COSTATE_ERR_RHS_RETRY,
                        "f answered %d at t = %.17g", answer, t0);
    }
    double sum = 0.0;
    for (size_t k = 0; k < n; k++) {
        sum -= column_gradient(sens, n_p + k, sens->n_at_start, sens->grid.n_t, v) * dydt[k];
    }
    if (!isfinite(sum)) {
        return csi_fail(&sens->detail, COSTATE_ERR_NONFINITE, "the gradient with respect to t0 is %g", sum);
    }
    *t0bar = sum;
    return COSTATE_OK;
}

static costate_status check_call(costate_sensitivity *sens, const double *p, size_t n_t, const double *v) {
    csi_detail *detail = &sens->detail;
    if (v == NULL || (p == NULL && sens->calls.rhs.n_p > 0)) {
        return csi_fail(detail, COSTATE_ERR_NULL, "%s is NULL", v == NULL ? "v" : "p");
    }
    if (!sens->solved) {
        return csi_fail(detail, COSTATE_ERR_STATE, "the last solve did not succeed");
    }
    if (n_t != sens->grid.n_t) {
        return csi_fail(detail, COSTATE_ERR_SIZE, "%zu cotangents for %zu times", n_t, sens->grid.n_t);
    }
    if (!csi_all_finite(v, n_t * sens->calls.rhs.n_y)) {
        return csi_fail(detail, COSTATE_ERR_NONFINITE, "v has NaN or infinity");
    }
    return COSTATE_OK;
}

costate_status costate_sensitivity_vjp(costate_sensitivity *sens, const double *p, size_t n_t, const double *v,
                                       double *y0bar, double *pbar, double *t0bar) {
    if (sens == NULL) {
        return COSTATE_ERR_NULL;
    }
    csi_detail_clear(&sens->detail);
    costate_status status = check_call(sens, p, n_t, v);
    if (status == COSTATE_OK && t0bar != NULL) {
        status = initial_time_gradient(sens, p, v, t0bar);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    const size_t n_p = sens->calls.rhs.n_p;
    for (size_t j = 0; pbar != NULL && j < n_p; j++) {
        pbar[j] += column_gradient(sens, j, 0, n_t, v);
    }
    for (size_t k = 0; y0bar != NULL && k < sens->calls.rhs.n_y; k++) {
        y0bar[k] = column_gradient(sens, n_p + k, 0, n_t, v);
    }
    return COSTATE_OK;
}

const costate_solve_counts *costate_sensitivity_counts(const costate_sensitivity *sens) {
    return sens != NULL ? &sens->counts : NULL;
}

const char *costate_sensitivity_detail(const costate_sensitivity *sens) {
    return sens != NULL ? sens->detail.text : "";
}
