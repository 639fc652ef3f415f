/* SPDX-License-Identifier: MIT */
/* One series of a fit: its parameters, initial state and observations. */
#include "fit/fit_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

costate_status csi_fit_fail(costate_fit *fit, costate_status status, const char *detail) {
    snprintf(fit->detail, sizeof(fit->detail), "%s", detail);
    return status;
}

void csi_fit_series_parameters(const costate_fit *fit, size_t series, const double *q, double *p) {
    csi_fit_parameters(fit, fit->covariate + series * fit->n_covariate, q, p);
}

void csi_fit_parameters(const costate_fit *fit, const double *covariate, const double *q, double *p) {
    memcpy(p, q, fit->n_p * sizeof(double));
    for (size_t k = 0; k < fit->n_covariate; k++) {
        p[fit->covariate_index[k]] = covariate[k];
    }
}

size_t csi_fit_state_offset(const costate_fit *fit, size_t series) {
    return fit->n_p + fit->n_noise + series * fit->n_y;
}

size_t csi_fit_time_offset(const costate_fit *fit, size_t series) {
    return fit->n_p + fit->n_noise + fit->n_series * fit->n_y + series;
}

costate_status csi_fit_initial_state(costate_fit *fit, size_t series, const double *q, const double *p, double *y0) {
    if (!fit->initial.f) {
        memcpy(y0, q + csi_fit_state_offset(fit, series), fit->n_y * sizeof(double));
        return COSTATE_OK;
    }
    if (fit->initial.f(series, p, y0, fit->initial.ctx) != COSTATE_ANSWER_OK) {
        snprintf(fit->detail, sizeof(fit->detail), "series %zu: the callback for the initial state failed", series);
        return COSTATE_ERR_RHS_FAIL;
    }
    return COSTATE_OK;
}

costate_status csi_fit_pull_initial_state(costate_fit *fit, size_t series, const double *p, const double *y0bar,
                                          double *qbar, double *pbar) {
    if (!fit->initial.f) {
        double *bar = qbar + csi_fit_state_offset(fit, series);
        for (size_t i = 0; i < fit->n_y; i++) {
            bar[i] += y0bar[i];
        }
        return COSTATE_OK;
    }
    if (fit->initial.vjp(series, p, y0bar, pbar, fit->initial.ctx) != COSTATE_ANSWER_OK) {
        snprintf(fit->detail, sizeof(fit->detail), "series %zu: the derivative of the initial state failed", series);
        return COSTATE_ERR_RHS_FAIL;
    }
    return COSTATE_OK;
}

costate_status csi_fit_observe(costate_fit *fit, double t, const double *y, const double *p, double *h) {
    if (!fit->observable.f) {
        memcpy(h, y, fit->n_y * sizeof(double));
        return COSTATE_OK;
    }
    if (fit->observable.f(t, y, p, h, fit->observable.ctx) != COSTATE_ANSWER_OK) {
        snprintf(fit->detail, sizeof(fit->detail), "the observable failed at t = %.6g", t);
        return COSTATE_ERR_RHS_FAIL;
    }
    return COSTATE_OK;
}

costate_status csi_fit_observe_vjp(costate_fit *fit, double t, const double *y, const double *p, const double *hbar,
                                   double *ybar, double *pbar) {
    if (!fit->observable.f) {
        memcpy(ybar, hbar, fit->n_y * sizeof(double));
        return COSTATE_OK;
    }
    if (fit->observable.vjp(t, y, p, hbar, ybar, pbar, fit->observable.ctx) != COSTATE_ANSWER_OK) {
        snprintf(fit->detail, sizeof(fit->detail), "the observable's derivative failed at t = %.6g", t);
        return COSTATE_ERR_RHS_FAIL;
    }
    return COSTATE_OK;
}

costate_observation csi_fit_observation(const costate_fit *fit, size_t series, size_t i, const double *q,
                                        const double *h) {
    return (costate_observation){.series = series,
                                 .index = i - fit->first[series],
                                 .t = fit->t[i],
                                 .n_h = fit->n_h,
                                 .h = h,
                                 .data = fit->data + i * fit->n_h,
                                 .weight = fit->weight + series * fit->n_h,
                                 .noise = q + fit->n_p};
}

size_t costate_fit_n_q(const costate_fit *fit) { return fit ? fit->n_q : 0; }

size_t costate_fit_n_t(const costate_fit *fit, size_t series) {
    return fit && series < fit->n_series ? fit->first[series + 1] - fit->first[series] : 0;
}

size_t costate_fit_offset(const costate_fit *fit, costate_fit_part part, size_t series) {
    if (!fit) {
        return SIZE_MAX;
    }
    switch (part) {
    case COSTATE_FIT_PARAMETER: return 0;
    case COSTATE_FIT_NOISE: return fit->n_p;
    case COSTATE_FIT_INITIAL_STATE: return series < fit->n_series ? csi_fit_state_offset(fit, series) : SIZE_MAX;
    case COSTATE_FIT_INITIAL_TIME: return series < fit->n_series ? csi_fit_time_offset(fit, series) : SIZE_MAX;
    }
    return SIZE_MAX;
}

const costate_fit_counts *costate_fit_get_counts(const costate_fit *fit) { return fit ? &fit->counts : NULL; }

const char *costate_fit_detail(const costate_fit *fit) { return fit ? fit->detail : ""; }
