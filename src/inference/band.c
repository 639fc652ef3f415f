/* SPDX-License-Identifier: MIT */
/* Standard errors of trajectories and of any other function of the unknowns. */
#include "core/arena.h"
#include "core/finite.h"
#include "core/memory.h"
#include "inference/trajectory_row.h"

#include <costate/inference.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* One trajectory at the times of a band. */
typedef struct band_work {
    costate_fit *fit;
    const double *x;
    const double *covariance;
    size_t series; /* SIZE_MAX: from a known start */
    double t0;
    size_t n_t;
    const double *t;
    void *block;
    csi_arena arena;
    costate_trajectories trajectories;
    double *p;        /* n_p */
    double *y0;       /* n_y */
    double *y;        /* n_t × n_y */
    double *v;        /* n_t × n_y, zero but for the row in hand */
    double *y0bar;    /* n_y */
    double *pbar;     /* n_p */
    double *hbar;     /* max(n_h, n_y) */
    double *gradient; /* n_unknown */
} band_work;

static void lay_out(band_work *band, csi_arena *arena) {
    const costate_fit *fit = band->fit;
    band->p = csi_arena_take(arena, fit->n_p, sizeof(double));
    band->y0 = csi_arena_take(arena, fit->n_y, sizeof(double));
    band->y = csi_arena_take(arena, band->n_t, fit->n_y * sizeof(double));
    band->v = csi_arena_take(arena, band->n_t, fit->n_y * sizeof(double));
    band->y0bar = csi_arena_take(arena, fit->n_y, sizeof(double));
    band->pbar = csi_arena_take(arena, fit->n_p, sizeof(double));
    band->hbar = csi_arena_take(arena, fit->n_h > fit->n_y ? fit->n_h : fit->n_y, sizeof(double));
    band->gradient = csi_arena_take(arena, fit->n_unknown, sizeof(double));
}

static costate_status allocate(band_work *band) {
    csi_arena measured = csi_arena_measure();
    lay_out(band, &measured);
    if (!csi_arena_fits(&measured)) {
        return csi_fit_fail(band->fit, COSTATE_ERR_OVERFLOW, "too many times");
    }
    const size_t bytes = csi_arena_bytes(&measured);
    band->block = csi_alloc(&band->fit->alloc, bytes, 1);
    if (!band->block) {
        return csi_fit_fail(band->fit, COSTATE_ERR_MEMORY, "no room for a band");
    }
    band->arena = csi_arena_open(band->block, bytes);
    lay_out(band, &band->arena);
    memset(band->v, 0, band->n_t * band->fit->n_y * sizeof(double));
    memset(band->hbar, 0, (band->fit->n_h > band->fit->n_y ? band->fit->n_h : band->fit->n_y) * sizeof(double));
    return COSTATE_OK;
}

static void release(band_work *band) {
    csi_arena_close(&band->arena);
    csi_release(&band->fit->alloc, band->block);
}

/* The standard error of the quantity whose cotangents are in row i of v and in pbar. */
static costate_status row_error(band_work *band, size_t i, double *error) {
    costate_fit *fit = band->fit;
    const double *v = band->v + i * fit->n_y;
    costate_status status = costate_ensemble_vjp(fit->ensemble, &band->trajectories, band->v, band->y0bar, band->pbar);
    csi_fit_count_vjp(fit);
    if (status != COSTATE_OK) {
        return csi_fit_fail(fit, status, costate_ensemble_detail(fit->ensemble));
    }
    const csi_trajectory_row row = {.series = band->series,
                                    .t0 = band->t0,
                                    .y0 = band->y0,
                                    .p = band->p,
                                    .y0bar = band->y0bar,
                                    .at_start = band->t[i] == band->t0 ? v : NULL,
                                    .pbar = band->pbar};
    status = csi_fit_pull_row(fit, band->x, &row, band->gradient);
    *error = csi_fit_standard_error(fit, band->covariance, band->gradient);
    return status == COSTATE_OK && !isfinite(*error)
               ? csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "a standard error is not finite")
               : status;
}

static costate_status state_errors(band_work *band, size_t i, double *error) {
    const size_t n = band->fit->n_y;
    double *v = band->v + i * n;
    costate_status status = COSTATE_OK;
    for (size_t k = 0; k < n && status == COSTATE_OK; k++) {
        memset(band->pbar, 0, band->fit->n_p * sizeof(double));
        v[k] = 1.0;
        status = row_error(band, i, &error[k]);
        v[k] = 0.0;
    }
    return status;
}

static costate_status observed_errors(band_work *band, size_t i, double *error) {
    costate_fit *fit = band->fit;
    double *v = band->v + i * fit->n_y;
    costate_status status = COSTATE_OK;
    for (size_t k = 0; k < fit->n_h && status == COSTATE_OK; k++) {
        memset(band->pbar, 0, fit->n_p * sizeof(double));
        band->hbar[k] = 1.0;
        status = csi_fit_observe_vjp(fit, band->t[i], band->y + i * fit->n_y, band->p, band->hbar, v, band->pbar);
        band->hbar[k] = 0.0;
        if (status == COSTATE_OK) {
            status = row_error(band, i, &error[k]);
        }
    }
    memset(v, 0, fit->n_y * sizeof(double));
    return status;
}

/* p and y0 are set. */
static costate_status solve(band_work *band) {
    costate_fit *fit = band->fit;
    band->trajectories =
        (costate_trajectories){.n = 1, .y0 = band->y0, .p = band->p, .t0 = &band->t0, .n_t = band->n_t, .t = band->t};
    const costate_status status = costate_ensemble_solve(fit->ensemble, &band->trajectories, band->y, NULL);
    csi_fit_count_solve(fit);
    return status == COSTATE_OK ? status : csi_fit_fail(fit, status, costate_ensemble_detail(fit->ensemble));
}

static costate_status fill(band_work *band, double *y, double *y_error, double *h, double *h_error) {
    costate_fit *fit = band->fit;
    costate_status status = solve(band);
    if (status == COSTATE_OK && y) {
        memcpy(y, band->y, band->n_t * fit->n_y * sizeof(double));
    }
    for (size_t i = 0; i < band->n_t && status == COSTATE_OK; i++) {
        if (h) {
            status = csi_fit_observe(fit, band->t[i], band->y + i * fit->n_y, band->p, h + i * fit->n_h);
        }
        if (y_error && status == COSTATE_OK) {
            status = state_errors(band, i, y_error + i * fit->n_y);
        }
        if (h_error && status == COSTATE_OK) {
            status = observed_errors(band, i, h_error + i * fit->n_h);
        }
    }
    return status;
}

/* What the calls have in common. */
static costate_status begin(costate_fit *fit, const double *x) {
    fit->detail[0] = '\0';
    if (fit->shooting > 0) {
        return csi_fit_fail(fit, COSTATE_ERR_STATE, "multiple shooting is on");
    }
    if (!csi_all_finite(x, fit->n_unknown)) {
        return csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "an unknown is not finite");
    }
    csi_fit_bind(fit, x, fit->q);
    return COSTATE_OK;
}

costate_status costate_fit_band(costate_fit *fit, const double *x, const double *covariance, size_t series, size_t n_t,
                                const double *t, double *y, double *y_error, double *h, double *h_error) {
    if (!fit || !x || !covariance || !t) {
        return COSTATE_ERR_NULL;
    }
    costate_status status = begin(fit, x);
    if (status == COSTATE_OK && (series >= fit->n_series || n_t == 0)) {
        status = csi_fit_fail(fit, COSTATE_ERR_ARGUMENT, n_t == 0 ? "no times" : "no such series");
    }
    if (status != COSTATE_OK) {
        return status;
    }
    band_work band = {.fit = fit, .x = x, .covariance = covariance, .series = series, .n_t = n_t, .t = t};
    status = allocate(&band);
    if (status != COSTATE_OK) {
        return status;
    }
    band.t0 = fit->q[csi_fit_time_offset(fit, series)];
    csi_fit_series_parameters(fit, series, fit->q, band.p);
    status = csi_fit_initial_state(fit, series, fit->q, band.p, band.y0);
    if (status == COSTATE_OK) {
        status = fill(&band, y, y_error, h, h_error);
    }
    release(&band);
    return status;
}

costate_status costate_fit_band_from(costate_fit *fit, const double *x, const double *covariance, double t0,
                                     const double *y0, const double *covariate, size_t n_t, const double *t, double *y,
                                     double *y_error, double *h, double *h_error) {
    if (!fit || !x || !covariance || !y0 || !t || (fit->n_covariate > 0 && !covariate)) {
        return COSTATE_ERR_NULL;
    }
    costate_status status = begin(fit, x);
    if (status == COSTATE_OK && n_t == 0) {
        status = csi_fit_fail(fit, COSTATE_ERR_ARGUMENT, "no times");
    }
    if (status != COSTATE_OK) {
        return status;
    }
    band_work band = {.fit = fit, .x = x, .covariance = covariance, .series = SIZE_MAX, .t0 = t0, .n_t = n_t, .t = t};
    status = allocate(&band);
    if (status != COSTATE_OK) {
        return status;
    }
    csi_fit_parameters(fit, covariate, fit->q, band.p);
    memcpy(band.y0, y0, fit->n_y * sizeof(double));
    status = fill(&band, y, y_error, h, h_error);
    release(&band);
    return status;
}

static costate_status quantity(costate_fit *fit, const double *x, const double *covariance, size_t i,
                               costate_quantity_fn f, void *ctx, double *gradient, double *value, double *error) {
    memset(fit->qbar, 0, fit->n_q * sizeof(double));
    if (f(i, fit->q, value, fit->qbar, ctx) != COSTATE_ANSWER_OK) {
        return csi_fit_fail(fit, COSTATE_ERR_RHS_FAIL, "the callback for a quantity failed");
    }
    csi_fit_pull_unknowns(fit, x, fit->qbar, gradient);
    *error = csi_fit_standard_error(fit, covariance, gradient);
    return isfinite(*value) && isfinite(*error)
               ? COSTATE_OK
               : csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "a quantity or its standard error is not finite");
}

costate_status costate_fit_quantities(costate_fit *fit, const double *x, const double *covariance, size_t n,
                                      costate_quantity_fn f, void *ctx, double *value, double *error) {
    if (!fit || !x || !covariance || !f || !value || !error) {
        return COSTATE_ERR_NULL;
    }
    costate_status status = begin(fit, x);
    if (status != COSTATE_OK) {
        return status;
    }
    double *gradient = csi_alloc(&fit->alloc, fit->n_unknown, sizeof(double));
    if (!gradient) {
        return csi_fit_fail(fit, COSTATE_ERR_MEMORY, "no room for a gradient");
    }
    for (size_t i = 0; i < n && status == COSTATE_OK; i++) {
        status = quantity(fit, x, covariance, i, f, ctx, gradient, &value[i], &error[i]);
    }
    csi_release(&fit->alloc, gradient);
    return status;
}
