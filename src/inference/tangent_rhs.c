/* SPDX-License-Identifier: MIT */
/* A right-hand side together with its tangent along one direction (doc/math.md, "Second derivatives"). */
#include "inference/tangent_rhs.h"

#include "core/memory.h"
#include "inference/derivative_along.h"

#include <math.h>
#include <string.h>

/* The parts of the callbacks' scratch: the model's own first, because it has to be aligned. */
typedef struct scratch {
    void *model;
    double *y;    /* n_y */
    double *ybar; /* n_y */
    double *p;    /* n_p */
    double *sum;  /* n_y + n_p */
} scratch;

static scratch parts_of(const csi_tangent_rhs *context, void *work) {
    const size_t model_bytes = (context->rhs.work_bytes + CSI_ALIGNMENT - 1) / CSI_ALIGNMENT * CSI_ALIGNMENT;
    scratch parts = {.model = work, .y = (double *)(void *)((unsigned char *)work + model_bytes)};
    parts.ybar = parts.y + context->rhs.n_y;
    parts.p = parts.ybar + context->rhs.n_y;
    parts.sum = parts.p + context->rhs.n_p;
    return parts;
}

static bool work_bytes(const costate_rhs *rhs, size_t *bytes) {
    size_t states;
    size_t parameters;
    size_t count;
    return csi_size_mul(rhs->n_y, 3, &states) && csi_size_mul(rhs->n_p, 2, &parameters) &&
           csi_size_add(states, parameters, &count) && csi_size_mul(count, sizeof(double), &count) &&
           csi_size_add(rhs->work_bytes, CSI_ALIGNMENT - 1, bytes) && csi_size_add(*bytes, count, bytes);
}

/* One row of the Jacobian after another; exact, and needs nothing but vjp. */
static int tangent_by_vjp(const csi_tangent_rhs *context, double t, const double *y, const double *p, const double *s,
                          const double *up, double *dsdt, const scratch *parts) {
    const costate_rhs *rhs = &context->rhs;
    double *unit = parts->y;
    double *pbar = parts->sum;
    int answer = COSTATE_ANSWER_OK;
    memset(unit, 0, rhs->n_y * sizeof(double));
    for (size_t i = 0; i < rhs->n_y && answer == COSTATE_ANSWER_OK; i++) {
        memset(pbar, 0, rhs->n_p * sizeof(double));
        unit[i] = 1.0;
        answer = rhs->vjp(t, y, p, unit, 1.0, parts->ybar, pbar, parts->model, rhs->ctx);
        unit[i] = 0.0;
        double sum = 0.0;
        for (size_t j = 0; j < rhs->n_y; j++) {
            sum += parts->ybar[j] * s[j];
        }
        for (size_t j = 0; j < rhs->n_p; j++) {
            sum += pbar[j] * up[j];
        }
        dsdt[i] = sum;
    }
    return answer;
}

static int tangent_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const csi_tangent_rhs *context = ctx;
    const costate_rhs *rhs = &context->rhs;
    const scratch parts = parts_of(context, work);
    const double *s = y + rhs->n_y;
    const double *up = p + rhs->n_p;
    double *dsdt = dydt + rhs->n_y;
    const int answer = rhs->f(t, y, p, dydt, parts.model, rhs->ctx);
    if (answer != COSTATE_ANSWER_OK) {
        return answer;
    }
    return rhs->jvp ? rhs->jvp(t, y, p, s, up, dsdt, parts.model, rhs->ctx)
                    : tangent_by_vjp(context, t, y, p, s, up, dsdt, &parts);
}

/* A vjp of the model at points of the line (y, p) + offset · (s, up). */
typedef struct line_vjp {
    const costate_rhs *rhs;
    const scratch *parts;
    double t;
    const double *y;
    const double *p;
    const double *w;
    bool with_p;
} line_vjp;

static int add_vjp(double offset, double weight, void *ctx) {
    const line_vjp *at = ctx;
    const size_t n = at->rhs->n_y;
    const size_t n_p = at->rhs->n_p;
    const scratch *parts = at->parts;
    for (size_t i = 0; i < n; i++) {
        parts->y[i] = at->y[i] + offset * at->y[n + i];
    }
    for (size_t i = 0; i < n_p; i++) {
        parts->p[i] = at->p[i] + offset * at->p[n_p + i];
    }
    const int answer = at->rhs->vjp(at->t, parts->y, parts->p, at->w, weight, parts->ybar,
                                    at->with_p ? parts->sum + n : NULL, parts->model, at->rhs->ctx);
    for (size_t i = 0; i < n && answer == COSTATE_ANSWER_OK; i++) {
        parts->sum[i] += weight * parts->ybar[i];
    }
    return answer;
}

double csi_tangent_size(const csi_tangent_rhs *context, const double *s) {
    double size = context->p_size;
    for (size_t i = 0; i < context->rhs.n_y; i++) {
        size = fmax(size, fabs(s[i]) / context->magnitude[i]);
    }
    return size;
}

/* With v = (v, w): ybar = f_yᵀ v + d/dε f_yᵀ w, sbar = f_yᵀ w, and the same for p. */
static int tangent_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                       double *pbar, void *work, void *ctx) {
    const csi_tangent_rhs *context = ctx;
    const costate_rhs *rhs = &context->rhs;
    const size_t n = rhs->n_y;
    const scratch parts = parts_of(context, work);
    line_vjp at = {.rhs = rhs, .parts = &parts, .t = t, .y = y, .p = p, .w = v + n, .with_p = pbar && rhs->n_p > 0};
    const csi_line line = {.add = add_vjp, .ctx = &at, .n = n + (at.with_p ? rhs->n_p : 0), .sum = parts.sum};
    int answer = rhs->vjp(t, y, p, v, scale, ybar, pbar, parts.model, rhs->ctx);
    if (answer == COSTATE_ANSWER_OK) {
        answer = rhs->vjp(t, y, p, at.w, scale, ybar ? ybar + n : NULL, pbar ? pbar + rhs->n_p : NULL, parts.model,
                          rhs->ctx);
    }
    if (answer == COSTATE_ANSWER_OK) {
        answer = csi_derivative_along(&line, csi_tangent_size(context, y + n));
    }
    for (size_t i = 0; i < n && ybar && answer == COSTATE_ANSWER_OK; i++) {
        ybar[i] += parts.sum[i];
    }
    for (size_t i = 0; i < rhs->n_p && pbar && answer == COSTATE_ANSWER_OK; i++) {
        pbar[i] += scale * parts.sum[n + i];
    }
    return answer;
}

costate_status csi_tangent_rhs_init(const csi_tangent_rhs *context, costate_rhs *rhs) {
    /* The callbacks only read it. */
    *rhs = (costate_rhs){.ctx = (void *)context, .f = tangent_f, .vjp = tangent_vjp};
    return csi_size_mul(context->rhs.n_y, 2, &rhs->n_y) && csi_size_mul(context->rhs.n_p, 2, &rhs->n_p) &&
                   work_bytes(&context->rhs, &rhs->work_bytes)
               ? COSTATE_OK
               : COSTATE_ERR_OVERFLOW;
}
