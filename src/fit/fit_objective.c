/* SPDX-License-Identifier: MIT */
/* The loss of a fit and its gradient: solves, losses, cotangents, adjoints, and back to the unknowns. */
#include "core/finite.h"
#include "fit/fit_internal.h"
#include "ode/solve_counts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_counts(costate_solve_counts *total, const costate_solve_counts *part) {
    csi_solve_counts_add(total, part);
    total->seconds += part->seconds;
}

void csi_fit_count_solve(costate_fit *fit) { add_counts(&fit->counts.forward, costate_ensemble_counts(fit->ensemble)); }

void csi_fit_count_vjp(costate_fit *fit) {
    add_counts(&fit->counts.backward, costate_ensemble_vjp_counts(fit->ensemble));
}

costate_trajectories csi_fit_trajectories(const costate_fit *fit, size_t begin, size_t end) {
    return (costate_trajectories){.n = end - begin,
                                  .y0 = fit->y0 + begin * fit->n_y,
                                  .p = fit->own_p ? fit->own_p + begin * fit->n_p : fit->q,
                                  .own_p = fit->own_p != NULL,
                                  .t0 = fit->t0 + begin,
                                  .own_t0 = true,
                                  .t = fit->row_t,
                                  .first = fit->row_first + begin};
}

const double *csi_fit_trajectory_parameters(const costate_fit *fit, size_t trajectory) {
    return fit->own_p ? fit->own_p + trajectory * fit->n_p : fit->q;
}

/* Start of trajectory j. */
static costate_status prepare(costate_fit *fit, const double *x, size_t j) {
    const csi_segment *segment = &fit->segments[j];
    double *y0 = fit->y0 + j * fit->n_y;
    if (fit->own_p) {
        csi_fit_series_parameters(fit, segment->series, fit->q, fit->own_p + j * fit->n_p);
    }
    if (segment->state != SIZE_MAX) {
        fit->t0[j] = fit->t[segment->first];
        for (size_t i = 0; i < fit->n_y; i++) {
            y0[i] = fit->shooting_scale[i] * x[segment->state + i];
        }
        return COSTATE_OK;
    }
    fit->t0[j] = fit->q[csi_fit_time_offset(fit, segment->series)];
    if (fit->t0[j] > fit->t[segment->first]) {
        snprintf(fit->detail, sizeof(fit->detail), "series %zu: the initial time %.6g lies after the first observation",
                 segment->series, fit->t0[j]);
        return COSTATE_ERR_NONFINITE;
    }
    return csi_fit_initial_state(fit, segment->series, fit->q, csi_fit_trajectory_parameters(fit, j), y0);
}

/* The ensemble's text begins "trajectory j: "; a user knows the series. */
static costate_status ensemble_failed(costate_fit *fit, costate_status status, size_t begin) {
    static const char prefix[] = "trajectory ";
    const char *text = costate_ensemble_detail(fit->ensemble);
    char *rest;
    if (strncmp(text, prefix, sizeof(prefix) - 1) != 0) {
        return csi_fit_fail(fit, status, text);
    }
    const size_t j = begin + strtoul(text + sizeof(prefix) - 1, &rest, 10);
    snprintf(fit->detail, sizeof(fit->detail), "series %zu, from t = %.6g%s", fit->segments[j].series, fit->t0[j],
             rest);
    return status;
}

costate_status csi_fit_solve(costate_fit *fit, const double *x, size_t begin, size_t end) {
    if (!csi_all_finite(x, costate_fit_n_x(fit))) {
        return csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "an unknown is not finite");
    }
    csi_fit_bind(fit, x, fit->q);
    if (!csi_all_finite(fit->q, fit->n_q)) {
        return csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "a natural value is not finite");
    }
    for (size_t j = begin; j < end; j++) {
        const costate_status status = prepare(fit, x, j);
        if (status != COSTATE_OK) {
            return status;
        }
    }
    const costate_trajectories trajectories = csi_fit_trajectories(fit, begin, end);
    const costate_status status = costate_ensemble_solve(fit->ensemble, &trajectories, fit->y, fit->status + begin);
    csi_fit_count_solve(fit);
    return status == COSTATE_OK ? status : ensemble_failed(fit, status, begin);
}

/* pbar of trajectory j. */
static double *trajectory_pbar(const costate_fit *fit, size_t j) {
    return fit->own_p ? fit->own_pbar + j * fit->n_p : fit->qbar;
}

/* The loss of one observation: adds to *value and, if wanted, to the cotangents. */
static costate_status add_observation(costate_fit *fit, size_t j, size_t k, bool with_gradient, double *value) {
    const csi_segment *segment = &fit->segments[j];
    const size_t i = segment->first + k;
    const double *y = fit->y + (segment->row + k) * fit->n_y;
    const double *p = csi_fit_trajectory_parameters(fit, j);
    costate_status status = csi_fit_observe(fit, fit->t[i], y, p, fit->h);
    if (status != COSTATE_OK) {
        return status;
    }
    const costate_observation observation = csi_fit_observation(fit, segment->series, i, fit->q, fit->h);
    double term = (double)NAN;
    if (fit->loss.value(&observation, &term, with_gradient ? fit->hbar : NULL,
                        with_gradient ? fit->qbar + fit->n_p : NULL, fit->loss.ctx) != COSTATE_ANSWER_OK) {
        snprintf(fit->detail, sizeof(fit->detail), "series %zu: the loss failed at observation %zu, t = %.6g",
                 segment->series, observation.index, fit->t[i]);
        return COSTATE_ERR_RHS_FAIL;
    }
    *value += term;
    if (with_gradient) {
        status = csi_fit_observe_vjp(fit, fit->t[i], y, p, fit->hbar, fit->v + (segment->row + k) * fit->n_y,
                                     trajectory_pbar(fit, j));
    }
    return status;
}

/* The gap between the end of trajectory j and the start of the next. */
static void add_gap(costate_fit *fit, const double *x, size_t j, double *value, double *grad) {
    const size_t row = fit->segments[j].row + fit->segments[j].n;
    const double *next = x + fit->segments[j + 1].state;
    double *nextbar = grad ? grad + fit->segments[j + 1].state : NULL;
    for (size_t i = 0; i < fit->n_y; i++) {
        const double gap = fit->y[row * fit->n_y + i] / fit->shooting_scale[i] - next[i];
        *value += fit->shooting_weight * gap * gap;
        if (grad) {
            fit->v[row * fit->n_y + i] = 2.0 * fit->shooting_weight * gap / fit->shooting_scale[i];
            nextbar[i] -= 2.0 * fit->shooting_weight * gap;
        }
    }
}

static costate_status add_losses(costate_fit *fit, const double *x, size_t begin, size_t end, double *value,
                                 double *grad) {
    for (size_t j = begin; j < end; j++) {
        for (size_t k = 0; k < fit->segments[j].n; k++) {
            const costate_status status = add_observation(fit, j, k, grad != NULL, value);
            if (status != COSTATE_OK) {
                return status;
            }
        }
        if (fit->segments[j].joined) {
            add_gap(fit, x, j, value, grad);
        }
    }
    return isfinite(*value) ? COSTATE_OK : csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "the loss is not finite");
}

/* −λ(t0⁺)ᵀ f(t0, y0, p): the cotangents of observations at t0 are part of y0bar, but not of λ(t0⁺). */
static costate_status add_initial_time(costate_fit *fit, size_t j, double *tbar) {
    const csi_segment *segment = &fit->segments[j];
    const double *y0 = fit->y0 + j * fit->n_y;
    const size_t n_row = segment->n + (segment->joined ? 1 : 0);
    if (fit->rhs.f(fit->t0[j], y0, csi_fit_trajectory_parameters(fit, j), fit->slope, fit->rhs_work, fit->rhs.ctx) !=
        COSTATE_ANSWER_OK) {
        return csi_fit_fail(fit, COSTATE_ERR_RHS_FAIL, "the right-hand side failed at the initial time");
    }
    for (size_t i = 0; i < fit->n_y; i++) {
        double lam = fit->y0bar[j * fit->n_y + i];
        for (size_t k = 0; k < n_row && fit->row_t[segment->row + k] <= fit->t0[j]; k++) {
            lam -= fit->v[(segment->row + k) * fit->n_y + i];
        }
        *tbar -= lam * fit->slope[i];
    }
    return COSTATE_OK;
}

/* Cotangent of the start of trajectory j, to q or to the segment's state. */
static costate_status pull_start(costate_fit *fit, size_t j, double *grad) {
    const csi_segment *segment = &fit->segments[j];
    const double *y0bar = fit->y0bar + j * fit->n_y;
    if (segment->state != SIZE_MAX) {
        for (size_t i = 0; i < fit->n_y; i++) {
            grad[segment->state + i] += y0bar[i] * fit->shooting_scale[i];
        }
        return COSTATE_OK;
    }
    const costate_status status = csi_fit_pull_initial_state(
        fit, segment->series, csi_fit_trajectory_parameters(fit, j), y0bar, fit->qbar, trajectory_pbar(fit, j));
    return status == COSTATE_OK && fit->estimates_time
               ? add_initial_time(fit, j, fit->qbar + csi_fit_time_offset(fit, segment->series))
               : status;
}

/* Covariates are a series' own: what flows to them is no gradient of p, and ends in qbar of entries that nobody
 * estimates. */
static void sum_own_parameters(costate_fit *fit, size_t n) {
    for (size_t j = 0; fit->own_p && j < n; j++) {
        for (size_t i = 0; i < fit->n_p; i++) {
            fit->qbar[i] += fit->own_pbar[j * fit->n_p + i];
        }
    }
}

static costate_status pull_back(costate_fit *fit, const double *x, double *grad) {
    const costate_trajectories trajectories = csi_fit_trajectories(fit, 0, fit->n_segment);
    double *pbar = fit->own_p ? fit->own_pbar : fit->qbar;
    costate_status status =
        costate_ensemble_vjp(fit->ensemble, &trajectories, fit->v, fit->y0bar, fit->n_p > 0 ? pbar : NULL);
    csi_fit_count_vjp(fit);
    if (status != COSTATE_OK) {
        return ensemble_failed(fit, status, 0);
    }
    for (size_t j = 0; status == COSTATE_OK && j < fit->n_segment; j++) {
        status = pull_start(fit, j, grad);
    }
    sum_own_parameters(fit, fit->n_segment);
    csi_fit_pull_unknowns(fit, x, fit->qbar, grad);
    return status;
}

static void clear_gradients(costate_fit *fit, double *grad) {
    memset(grad, 0, costate_fit_n_x(fit) * sizeof(double));
    memset(fit->qbar, 0, fit->n_q * sizeof(double));
    if (fit->own_p) {
        memset(fit->own_pbar, 0, fit->n_segment * fit->n_p * sizeof(double));
    }
}

static costate_status evaluate(costate_fit *fit, const double *x, double *value, double *grad) {
    costate_status status = csi_fit_solve(fit, x, 0, fit->n_segment);
    *value = 0.0;
    if (status == COSTATE_OK && grad) {
        clear_gradients(fit, grad);
    }
    if (status == COSTATE_OK) {
        status = add_losses(fit, x, 0, fit->n_segment, value, grad);
    }
    if (status == COSTATE_OK && grad) {
        status = pull_back(fit, x, grad);
    }
    if (status == COSTATE_OK) {
        csi_fit_penalties(fit, x, value, grad);
        status = !isfinite(*value) ? csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "the loss is not finite") : COSTATE_OK;
    }
    return status == COSTATE_OK && grad && !csi_all_finite(grad, costate_fit_n_x(fit))
               ? csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "the gradient is not finite")
               : status;
}

costate_status costate_fit_objective(const double *x, double *value, double *grad, void *fit) {
    costate_fit *self = fit;
    if (!x || !value || !self) {
        return COSTATE_ERR_NULL;
    }
    self->detail[0] = '\0';
    const costate_status status = evaluate(self, x, value, grad);
    if (grad) {
        self->counts.n_gradient++;
    } else {
        self->counts.n_value++;
    }
    if (status != COSTATE_OK) {
        self->counts.n_fail++;
    }
    return status;
}

static size_t count_held_out_values(const costate_fit *fit) {
    size_t n = 0;
    for (size_t s = 0; s < fit->n_series; s++) {
        for (size_t i = fit->first[s] * fit->n_h; fit->held_out[s] && i < fit->first[s + 1] * fit->n_h; i++) {
            n += isnan(fit->data[i]) ? 0 : 1;
        }
    }
    return n;
}

costate_status costate_fit_validation(costate_fit *fit, const double *x, double *value) {
    if (!fit || !x || !value) {
        return COSTATE_ERR_NULL;
    }
    fit->detail[0] = '\0';
    const size_t n_value = count_held_out_values(fit);
    if (n_value == 0) {
        return csi_fit_fail(fit, COSTATE_ERR_STATE, "no series with data is held out");
    }
    const size_t end = fit->n_segment + fit->n_held_out;
    costate_status status = csi_fit_solve(fit, x, fit->n_segment, end);
    double sum = 0.0;
    if (status == COSTATE_OK) {
        status = add_losses(fit, x, fit->n_segment, end, &sum, NULL);
    }
    *value = sum / (double)n_value;
    return status;
}
