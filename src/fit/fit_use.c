/* SPDX-License-Identifier: MIT */
/* Using a fit: trajectories within and beyond the data, and residuals. */
#include "core/finite.h"
#include "core/memory.h"
#include "fit/fit_internal.h"

#include <math.h>
#include <string.h>

/* A single trajectory from fit->state, with fit->p. */
static costate_status solve_one(costate_fit *fit, double t0, size_t n_t, const double *t, double *y) {
    const costate_trajectories one = {.n = 1, .y0 = fit->state, .p = fit->p, .t0 = &t0, .n_t = n_t, .t = t};
    const costate_status status = costate_ensemble_solve(fit->ensemble, &one, y, NULL);
    csi_fit_count_solve(fit);
    return status == COSTATE_OK ? status : csi_fit_fail(fit, status, costate_ensemble_detail(fit->ensemble));
}

/* Room for the states of a prediction whose caller wants none. */
static costate_status make_room(costate_fit *fit, size_t n_t) {
    size_t count;
    if (n_t <= fit->n_prediction) {
        return COSTATE_OK;
    }
    double *larger = csi_size_mul(n_t, fit->n_y, &count) ? csi_alloc(&fit->alloc, count, sizeof(double)) : NULL;
    if (!larger) {
        return csi_fit_fail(fit, COSTATE_ERR_MEMORY, "no memory for a prediction");
    }
    csi_release(&fit->alloc, fit->prediction);
    fit->prediction = larger;
    fit->n_prediction = n_t;
    return COSTATE_OK;
}

static costate_status solve_and_observe(costate_fit *fit, double t0, size_t n_t, const double *t, double *y,
                                        double *h) {
    costate_status status = y ? COSTATE_OK : make_room(fit, n_t);
    double *states = y ? y : fit->prediction;
    if (status == COSTATE_OK) {
        status = solve_one(fit, t0, n_t, t, states);
    }
    for (size_t i = 0; status == COSTATE_OK && h && i < n_t; i++) {
        status = csi_fit_observe(fit, t[i], states + i * fit->n_y, fit->p, h + i * fit->n_h);
    }
    return status;
}

static costate_status begin_prediction(costate_fit *fit, const double *x, const double *covariate) {
    fit->detail[0] = '\0';
    if (!csi_all_finite(x, costate_fit_n_x(fit))) {
        return csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "an unknown is not finite");
    }
    csi_fit_bind(fit, x, fit->q);
    csi_fit_parameters(fit, covariate, fit->q, fit->p);
    return COSTATE_OK;
}

static const double *series_covariate(const costate_fit *fit, size_t series) {
    return fit->covariate + series * fit->n_covariate;
}

costate_status costate_fit_predict(costate_fit *fit, const double *x, size_t series, size_t n_t, const double *t,
                                   double *y, double *h) {
    if (!fit || !x || !t) {
        return COSTATE_ERR_NULL;
    }
    if (series >= fit->n_series || n_t == 0) {
        return csi_fit_fail(fit, COSTATE_ERR_ARGUMENT, n_t == 0 ? "no times" : "no such series");
    }
    costate_status status = begin_prediction(fit, x, series_covariate(fit, series));
    if (status == COSTATE_OK) {
        status = csi_fit_initial_state(fit, series, fit->q, fit->p, fit->state);
    }
    return status == COSTATE_OK ? solve_and_observe(fit, fit->q[csi_fit_time_offset(fit, series)], n_t, t, y, h)
                                : status;
}

costate_status costate_fit_predict_from(costate_fit *fit, const double *x, double t0, const double *y0,
                                        const double *covariate, size_t n_t, const double *t, double *y, double *h) {
    if (!fit || !x || !y0 || !t || (fit->n_covariate > 0 && !covariate)) {
        return COSTATE_ERR_NULL;
    }
    const costate_status status = begin_prediction(fit, x, covariate);
    if (status != COSTATE_OK) {
        return status;
    }
    memcpy(fit->state, y0, fit->n_y * sizeof(double));
    return n_t == 0 ? csi_fit_fail(fit, COSTATE_ERR_ARGUMENT, "no times") : solve_and_observe(fit, t0, n_t, t, y, h);
}

costate_status costate_fit_residuals(costate_fit *fit, const double *x, size_t series, double *residual) {
    if (!fit || !x || !residual) {
        return COSTATE_ERR_NULL;
    }
    if (!fit->loss.residual) {
        return csi_fit_fail(fit, COSTATE_ERR_UNSUPPORTED, "the loss has no residual");
    }
    if (series >= fit->n_series) {
        return csi_fit_fail(fit, COSTATE_ERR_ARGUMENT, "no such series");
    }
    const size_t first = fit->first[series];
    const size_t n_t = fit->first[series + 1] - first;
    const costate_status status = costate_fit_predict(fit, x, series, n_t, fit->t + first, NULL, residual);
    for (size_t i = 0; status == COSTATE_OK && i < n_t; i++) {
        double *row = residual + i * fit->n_h;
        memcpy(fit->h, row, fit->n_h * sizeof(double));
        const costate_observation observation = csi_fit_observation(fit, series, first + i, fit->q, fit->h);
        fit->loss.residual(&observation, row, fit->loss.ctx);
    }
    return status;
}
