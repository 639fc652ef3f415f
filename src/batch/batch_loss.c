/* SPDX-License-Identifier: MIT */
/* Losses of one output against one target, over a batch in one precision. */
#include "core/memory.h"
#include "batch/batch_weight.h"

#include <math.h>

/* Partial sums of the value, as many as the widest vector has doubles: their order is the same however they are kept. */
enum { N_SUM = 8 };

/* A span of elements with one factor: each span_… adds its values to the sums and, if wanted, writes the cotangents. */
typedef struct span {
    size_t n;
    const real *h;
    const real *target;
    real *hbar;    /* NULL if not wanted */
    double scale;  /* on the cotangent: weight and reduction */
    double weight; /* on the value */
    double delta;
} span;

typedef struct term {
    double value;
    double slope;
} term;

static inline term squared_term(double h, double d, double delta) {
    const double r = h - d;
    (void)delta;
    return (term){r * r, 2.0 * r};
}

/* The last choice of a slope is the argument itself: zero, or the NaN that has to come through. */
static inline term absolute_term(double h, double d, double delta) {
    const double r = h - d;
    (void)delta;
    return (term){fabs(r), r > 0.0 ? 1.0 : r < 0.0 ? -1.0 : r};
}

static inline term huber_term(double h, double d, double delta) {
    const double r = h - d;
    const double slope = r > delta ? delta : r < -delta ? -delta : r;
    return (term){slope * (r - 0.5 * slope), slope};
}

static inline term hinge_term(double h, double d, double delta) {
    const double margin = 1.0 - d * h;
    (void)delta;
    return (term){margin <= 0.0 ? 0.0 : margin, margin > 0.0 ? -d : margin <= 0.0 ? 0.0 : margin};
}

/* σ(h) − d as σ(h)(1 − d) − σ(−h)d: nothing cancels for d = 0 and 1. */
static inline term logistic_term(double h, double d, double delta) {
    const double e = exp(-fabs(h));
    const double small = e / (1.0 + e);
    const double large = 1.0 / (1.0 + e);
    const double yes = h > 0.0 ? large : small;
    const double no = h > 0.0 ? small : large;
    (void)delta;
    return (term){(h > 0.0 ? (1.0 - d) * h : -d * h) + log1p(e), yes * (1.0 - d) - no * d};
}

/* N_SUM elements at a time, so that element i always goes to sum i mod N_SUM. */
#define DEFINE_SPAN(name)                                                                                              \
    static void span_##name(const span *s, double *sums) {                                                             \
        const real *restrict h = s->h;                                                                                 \
        const real *restrict target = s->target;                                                                       \
        real *restrict hbar = s->hbar;                                                                                 \
        double sum[N_SUM] = {0.0};                                                                                     \
        const double scale = s->scale;                                                                                 \
        const double delta = s->delta;                                                                                 \
        size_t i = 0;                                                                                                  \
        for (; i + N_SUM <= s->n; i += N_SUM) {                                                                        \
            double slope[N_SUM];                                                                                       \
            for (size_t j = 0; j < N_SUM; j++) {                                                                       \
                const term t = name##_term((double)h[i + j], (double)target[i + j], delta);                            \
                sum[j] += t.value;                                                                                     \
                slope[j] = scale * t.slope;                                                                            \
            }                                                                                                          \
            for (size_t j = 0; hbar && j < N_SUM; j++) {                                                               \
                hbar[i + j] = (real)slope[j];                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t j = 0; i < s->n; i++, j++) {                                                                       \
            const term t = name##_term((double)h[i], (double)target[i], delta);                                        \
            sum[j] += t.value;                                                                                         \
            if (hbar) {                                                                                                \
                hbar[i] = (real)(scale * t.slope);                                                                     \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t j = 0; j < N_SUM; j++) {                                                                           \
            sums[j] += s->weight * sum[j];                                                                             \
        }                                                                                                              \
    }

DEFINE_SPAN(squared)
DEFINE_SPAN(absolute)
DEFINE_SPAN(huber)
DEFINE_SPAN(hinge)
DEFINE_SPAN(logistic)

typedef void (*span_fn)(const span *s, double *sums);

static span_fn span_of(costate_batch_loss_kind kind) {
    switch (kind) {
    case COSTATE_BATCH_LOSS_SQUARED: return span_squared;
    case COSTATE_BATCH_LOSS_ABSOLUTE: return span_absolute;
    case COSTATE_BATCH_LOSS_HUBER: return span_huber;
    case COSTATE_BATCH_LOSS_HINGE: return span_hinge;
    case COSTATE_BATCH_LOSS_LOGISTIC: return span_logistic;
    }
    return NULL;
}

/* No target outside what the loss is defined for; NaN is let through to the value. */
static bool targets_valid(costate_batch_loss_kind kind, size_t n, const real *target) {
    int n_bad = 0;
    if (kind == COSTATE_BATCH_LOSS_HINGE) {
        for (size_t i = 0; i < n; i++) {
            n_bad |= (target[i] < 1) & (target[i] > -1);
            n_bad |= (target[i] > 1) | (target[i] < -1);
        }
    } else if (kind == COSTATE_BATCH_LOSS_LOGISTIC) {
        for (size_t i = 0; i < n; i++) {
            n_bad |= (target[i] < 0) | (target[i] > 1);
        }
    }
    return n_bad == 0;
}

static double add_up(const double *sum) {
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static costate_status check(const costate_batch_loss *loss, size_t n, size_t k, const real *h, const real *target) {
    size_t count;
    if (!loss) {
        return COSTATE_ERR_NULL;
    }
    if (!span_of(loss->kind) || !reduction_known(loss->reduction) ||
        (loss->kind == COSTATE_BATCH_LOSS_HUBER && !(loss->delta > 0.0 && isfinite(loss->delta)))) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!csi_size_mul(n, k, &count)) {
        return COSTATE_ERR_OVERFLOW;
    }
    if (count > 0 && (!h || !target)) {
        return COSTATE_ERR_NULL;
    }
    return targets_valid(loss->kind, count, target) ? COSTATE_OK : COSTATE_ERR_ARGUMENT;
}

costate_status CSI_REAL(costate_batch_loss)(const costate_batch_loss *loss, size_t n, size_t k, const real *h,
                                            const real *target, const real *weight, double *value, real *hbar) {
    double total;
    double sums[N_SUM] = {0.0};
    const costate_status status = check(loss, n, k, h, target);
    if (status != COSTATE_OK) {
        return status;
    }
    if (!total_weight(n, NULL, weight, &total)) {
        return COSTATE_ERR_ARGUMENT;
    }
    const double factor = reduction_factor(loss->reduction, total, k);
    const span_fn add = span_of(loss->kind);
    /* Without weights the batch is one span, with them every sample is. */
    const size_t n_span = weight ? n : 1;
    const size_t length = weight ? k : n * k;
    for (size_t i = 0; length > 0 && i < n_span; i++) {
        const double w = weight ? (double)weight[i] : 1.0;
        const span s = {.n = length,
                        .h = h + i * length,
                        .target = target + i * length,
                        .hbar = hbar ? hbar + i * length : NULL,
                        .scale = w * factor,
                        .weight = w,
                        .delta = loss->delta};
        add(&s, sums);
    }
    if (value) {
        *value = factor * add_up(sums);
    }
    return COSTATE_OK;
}
