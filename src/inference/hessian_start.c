/* SPDX-License-Identifier: MIT */
/* The start of a trajectory and its tangent, and what their cotangents are to natural values and their tangents. */
#include "inference/derivative_along.h"
#include "inference/hessian.h"

#include <costate/rhs.h>
#include <math.h>
#include <string.h>

static double dot(size_t n, const double *a, const double *b) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

static costate_status initial_failed(costate_fit *fit) {
    return csi_fit_fail(fit, COSTATE_ERR_RHS_FAIL, "the derivative of the initial state failed");
}

/* s0 = (∂y0/∂p) up, one row after another. */
static costate_status initial_tangent(csi_hessian *h, size_t series, const double *p, double *s0) {
    costate_fit *fit = h->fit;
    if (!fit->initial.f) {
        memcpy(s0, h->uq + csi_fit_state_offset(fit, series), fit->n_y * sizeof(double));
        return COSTATE_OK;
    }
    memset(h->unit, 0, fit->n_y * sizeof(double));
    for (size_t i = 0; i < fit->n_y; i++) {
        memset(h->pbar, 0, fit->n_p * sizeof(double));
        h->unit[i] = 1.0;
        const int answer = fit->initial.vjp(series, p, h->unit, h->pbar, fit->initial.ctx);
        h->unit[i] = 0.0;
        if (answer != COSTATE_ANSWER_OK) {
            return initial_failed(fit);
        }
        s0[i] = dot(fit->n_p, h->pbar, h->uq);
    }
    return COSTATE_OK;
}

/* Moving t0 at a fixed y0 is moving the state by −f. */
costate_status csi_hessian_start(csi_hessian *hessian, size_t j) {
    costate_fit *fit = hessian->fit;
    const size_t n = fit->n_y;
    const size_t series = fit->segments[j].series;
    const double *p = hessian->parameter + j * hessian->rhs.n_p;
    double *start = hessian->start + j * 2 * n;
    double *initial = hessian->initial + j * 2 * n;
    memcpy(start, fit->y0 + j * n, n * sizeof(double));
    const costate_status status = initial_tangent(hessian, series, p, start + n);
    if (status != COSTATE_OK) {
        return status;
    }
    memcpy(initial, start, 2 * n * sizeof(double));
    const double ut = hessian->uq[csi_fit_time_offset(fit, series)];
    if (ut == 0.0) {
        return COSTATE_OK;
    }
    if (fit->rhs.f(fit->t0[j], start, p, fit->slope, hessian->rhs_work, fit->rhs.ctx) != COSTATE_ANSWER_OK) {
        return csi_fit_fail(fit, COSTATE_ERR_RHS_FAIL, "the right-hand side failed at the initial time");
    }
    for (size_t i = 0; i < n; i++) {
        initial[n + i] -= ut * fit->slope[i];
    }
    return COSTATE_OK;
}

/* The model at a time near the initial one. */
typedef struct timed {
    csi_hessian *hessian;
    size_t j;
} timed;

static int add_slope(double offset, double weight, void *ctx) {
    const timed *at = ctx;
    csi_hessian *h = at->hessian;
    const costate_fit *fit = h->fit;
    const int answer = fit->rhs.f(fit->t0[at->j] + offset, fit->y0 + at->j * fit->n_y,
                                  h->parameter + at->j * h->rhs.n_p, h->ybar, h->rhs_work, fit->rhs.ctx);
    for (size_t i = 0; i < fit->n_y && answer == COSTATE_ANSWER_OK; i++) {
        h->sum[i] += weight * h->ybar[i];
    }
    return answer;
}

/* The cotangent bar of `initial` goes to t0, and through f to the state and the parameters. */
static int pull_time(csi_hessian *h, size_t j, double *bar) {
    const costate_fit *fit = h->fit;
    const size_t n = fit->n_y;
    const size_t q = csi_fit_time_offset(fit, fit->segments[j].series);
    const double *p = h->parameter + j * h->rhs.n_p;
    const double *initial = h->initial + j * 2 * n;
    const double ut = h->uq[q];
    timed at = {.hessian = h, .j = j};
    const csi_line line = {.add = add_slope, .ctx = &at, .n = n, .sum = h->sum};
    int answer = h->rhs.f(fit->t0[j], initial, p, h->slopes, h->rhs_work, h->rhs.ctx);
    h->qbar[q] -= dot(2 * n, bar, h->slopes);
    h->uqbar[q] -= dot(n, bar + n, h->slopes);
    if (answer != COSTATE_ANSWER_OK || ut == 0.0) {
        return answer;
    }
    const double span = fit->row_t[fit->row_first[j + 1] - 1] - fit->t0[j];
    answer = csi_derivative_along(&line, 1.0 / (span > 0.0 ? span : 1.0));
    if (answer != COSTATE_ANSWER_OK) {
        return answer;
    }
    h->qbar[q] -= ut * dot(n, bar + n, h->sum);
    answer = fit->rhs.vjp(fit->t0[j], initial, p, bar + n, -ut, h->ybar, h->parameterbar + j * h->rhs.n_p, h->rhs_work,
                          fit->rhs.ctx);
    for (size_t i = 0; i < n && answer == COSTATE_ANSWER_OK; i++) {
        bar[i] -= ut * h->ybar[i];
    }
    return answer;
}

/* Where initial states come from: pullback of a cotangent w at points of the line p + offset · up. */
typedef struct started {
    csi_hessian *hessian;
    size_t series;
    const double *p;
    const double *w;
} started;

static int add_initial(double offset, double weight, void *ctx) {
    const started *at = ctx;
    csi_hessian *h = at->hessian;
    const costate_fit *fit = h->fit;
    for (size_t i = 0; i < fit->n_p; i++) {
        h->point_p[i] = at->p[i] + offset * h->uq[i];
    }
    memset(h->pbar, 0, fit->n_p * sizeof(double));
    const int answer = fit->initial.vjp(at->series, h->point_p, at->w, h->pbar, fit->initial.ctx);
    for (size_t i = 0; i < fit->n_p && answer == COSTATE_ANSWER_OK; i++) {
        h->sum[i] += weight * h->pbar[i];
    }
    return answer;
}

costate_status csi_hessian_pull_start(csi_hessian *hessian, size_t j) {
    costate_fit *fit = hessian->fit;
    const size_t n = fit->n_y;
    const size_t series = fit->segments[j].series;
    const double *p = hessian->parameter + j * hessian->rhs.n_p;
    double *pbar = hessian->parameterbar + j * hessian->rhs.n_p;
    double *bar = hessian->initialbar + j * 2 * n;
    if (fit->estimates_time && pull_time(hessian, j, bar) != COSTATE_ANSWER_OK) {
        return csi_fit_fail(fit, COSTATE_ERR_RHS_FAIL, "the right-hand side failed at the initial time");
    }
    for (size_t i = 0; i < 2 * n; i++) {
        bar[i] += hessian->startbar[j * 2 * n + i];
    }
    costate_status status = csi_fit_pull_initial_state(fit, series, p, bar, hessian->qbar, pbar);
    if (status == COSTATE_OK) {
        status = csi_fit_pull_initial_state(fit, series, p, bar + n, hessian->uqbar, pbar + fit->n_p);
    }
    if (status != COSTATE_OK || !fit->initial.f) {
        return status;
    }
    started at = {.hessian = hessian, .series = series, .p = p, .w = bar + n};
    const csi_line line = {.add = add_initial, .ctx = &at, .n = fit->n_p, .sum = hessian->sum};
    if (csi_derivative_along(&line, hessian->tangent.p_size) != COSTATE_ANSWER_OK) {
        return initial_failed(fit);
    }
    for (size_t i = 0; i < fit->n_p; i++) {
        pbar[i] += hessian->sum[i];
    }
    return COSTATE_OK;
}
