/* SPDX-License-Identifier: MIT */
/* Second derivatives of one observation's loss along a tangent. */
#include "inference/derivative_along.h"
#include "inference/hessian.h"

#include <costate/rhs.h>
#include <math.h>
#include <string.h>

/* An observation, with the tangents of all that its loss depends on. */
typedef struct observed {
    csi_hessian *hessian;
    size_t series;
    size_t i; /* over all series */
    const double *y;
    const double *s;
    const double *p;
} observed;

/* Gradient of the loss: ybar is overwritten, pbar and noisebar are added to. */
static costate_status gradient(const observed *at, const double *y, const double *p, const double *noise, double *ybar,
                               double *pbar, double *noisebar) {
    costate_fit *fit = at->hessian->fit;
    const double t = fit->t[at->i];
    const costate_status status = csi_fit_observe(fit, t, y, p, fit->h);
    if (status != COSTATE_OK) {
        return status;
    }
    costate_observation observation = csi_fit_observation(fit, at->series, at->i, fit->q, fit->h);
    observation.noise = noise;
    double value;
    if (fit->loss.value(&observation, &value, fit->hbar, noisebar, fit->loss.ctx) != COSTATE_ANSWER_OK) {
        return csi_fit_fail(fit, COSTATE_ERR_RHS_FAIL, "the loss failed");
    }
    return csi_fit_observe_vjp(fit, t, y, p, fit->hbar, ybar, pbar);
}

static void displace(size_t n, const double *x, double offset, const double *u, double *point) {
    for (size_t i = 0; i < n; i++) {
        point[i] = x[i] + offset * u[i];
    }
}

/* sum += weight · (ybar, pbar, noisebar) at a point of the line. */
static int add_gradient(double offset, double weight, void *ctx) {
    const observed *at = ctx;
    csi_hessian *h = at->hessian;
    const costate_fit *fit = h->fit;
    displace(fit->n_y, at->y, offset, at->s, h->point_y);
    displace(fit->n_p, at->p, offset, h->uq, h->point_p);
    displace(fit->n_noise, fit->q + fit->n_p, offset, h->uq + fit->n_p, h->point_noise);
    memset(h->pbar, 0, fit->n_p * sizeof(double));
    memset(h->noisebar, 0, fit->n_noise * sizeof(double));
    if (gradient(at, h->point_y, h->point_p, h->point_noise, h->ybar, h->pbar, h->noisebar) != COSTATE_OK) {
        return COSTATE_ANSWER_RETRY;
    }
    double *sum = h->sum;
    for (size_t i = 0; i < fit->n_y; i++) {
        *sum++ += weight * h->ybar[i];
    }
    for (size_t i = 0; i < fit->n_p; i++) {
        *sum++ += weight * h->pbar[i];
    }
    for (size_t i = 0; i < fit->n_noise; i++) {
        *sum++ += weight * h->noisebar[i];
    }
    return COSTATE_ANSWER_OK;
}

static void add(size_t n, const double *a, double *sum) {
    for (size_t i = 0; i < n; i++) {
        sum[i] += a[i];
    }
}

costate_status csi_hessian_observe(csi_hessian *hessian, size_t j, size_t k) {
    costate_fit *fit = hessian->fit;
    const size_t n = fit->n_y;
    const csi_segment *segment = &fit->segments[j];
    const bool at_start = fit->t[segment->first + k] <= fit->t0[j];
    double *row_bar = hessian->statebar + (segment->row + k) * 2 * n;
    const double *row = hessian->state + (segment->row + k) * 2 * n;
    row = at_start ? hessian->start + j * 2 * n : row;
    observed at = {.hessian = hessian,
                   .series = segment->series,
                   .i = segment->first + k,
                   .y = row,
                   .s = row + n,
                   .p = hessian->parameter + j * hessian->rhs.n_p};
    double *pbar = hessian->parameterbar + j * hessian->rhs.n_p;
    costate_status status =
        gradient(&at, at.y, at.p, fit->q + fit->n_p, row_bar + n, pbar + fit->n_p, hessian->uqbar + fit->n_p);
    if (status != COSTATE_OK) {
        return status;
    }
    const csi_line line = {.add = add_gradient, .ctx = &at, .n = n + fit->n_p + fit->n_noise, .sum = hessian->sum};
    const double size = fmax(csi_tangent_size(&hessian->tangent, at.s), hessian->q_size);
    if (csi_derivative_along(&line, size) != COSTATE_ANSWER_OK) {
        return csi_fit_fail(fit, COSTATE_ERR_RHS_FAIL, "the loss cannot be evaluated near an observation");
    }
    memcpy(row_bar, hessian->sum, n * sizeof(double));
    add(fit->n_p, hessian->sum + n, pbar);
    add(fit->n_noise, hessian->sum + n + fit->n_p, hessian->qbar + fit->n_p);
    if (at_start) {
        /* A datum at t0 is one of the initial state, whose tangent in `start` leaves out that t0 may move. */
        add(2 * n, row_bar, hessian->startbar + j * 2 * n);
        memset(row_bar, 0, 2 * n * sizeof(double));
    }
    return COSTATE_OK;
}
