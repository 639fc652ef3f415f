/* SPDX-License-Identifier: MIT */
/* Gradients with respect to the unknowns from what the VJP of one trajectory gives. */
#include "inference/trajectory_row.h"

#include <math.h>
#include <string.h>

/* −λ(t0⁺)ᵀ f(t0, y0, p) */
static costate_status pull_time(costate_fit *fit, const csi_trajectory_row *row) {
    if (fit->rhs.f(row->t0, row->y0, row->p, fit->slope, fit->rhs_work, fit->rhs.ctx) != COSTATE_ANSWER_OK) {
        return csi_fit_fail(fit, COSTATE_ERR_RHS_FAIL, "the right-hand side failed at the initial time");
    }
    double sum = 0.0;
    for (size_t i = 0; i < fit->n_y; i++) {
        sum -= (row->y0bar[i] - (row->at_start ? row->at_start[i] : 0.0)) * fit->slope[i];
    }
    fit->qbar[csi_fit_time_offset(fit, row->series)] = sum;
    return COSTATE_OK;
}

costate_status csi_fit_pull_row(costate_fit *fit, const double *x, const csi_trajectory_row *row, double *gradient) {
    costate_status status = COSTATE_OK;
    memset(fit->qbar, 0, fit->n_q * sizeof(double));
    if (row->series != SIZE_MAX) {
        status = csi_fit_pull_initial_state(fit, row->series, row->p, row->y0bar, fit->qbar, row->pbar);
    }
    if (row->series != SIZE_MAX && status == COSTATE_OK && fit->estimates_time) {
        status = pull_time(fit, row);
    }
    for (size_t i = 0; i < fit->n_p; i++) {
        fit->qbar[i] += row->pbar[i];
    }
    if (row->noisebar) {
        memcpy(fit->qbar + fit->n_p, row->noisebar, fit->n_noise * sizeof(double));
    }
    csi_fit_pull_unknowns(fit, x, fit->qbar, gradient);
    return status;
}

double csi_fit_standard_error(const costate_fit *fit, const double *covariance, const double *gradient) {
    const size_t n = fit->n_unknown;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        double product = 0.0;
        for (size_t j = 0; j < n; j++) {
            product += covariance[i * n + j] * gradient[j];
        }
        sum += gradient[i] * product;
    }
    return sqrt(sum < 0.0 ? 0.0 : sum);
}
