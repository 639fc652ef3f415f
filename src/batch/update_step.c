/* SPDX-License-Identifier: MIT */
/* One step of a parameter update in one precision: a single pass over parameters, gradient and state. */
#include "core/real.h"
#include "batch/update_internal.h"

#include <float.h>
#include <math.h>

#if CSI_REAL_BITS == 64
#define SQRT sqrt
#define PRECISION COSTATE_UPDATE_F64
#else
#define SQRT sqrtf
#define PRECISION COSTATE_UPDATE_F32
#endif

/* Numbers of a step that are the same for all elements of a range. */
typedef struct factors {
    real rate;
    real shrink; /* on the gradient, from the limit of its norm */
    real limit;  /* of every element */
    real l1;
    real twice_l2;
    real keep; /* μ, ρ or β₁ */
    real take; /* 1 − ρ or 1 − β₁ */
    real keep2;
    real take2;
    real unbias1; /* rate/(1 − β₁ᵏ) */
    real unbias2; /* 1/(1 − β₂ᵏ) */
    real epsilon;
    real shift; /* rate·λ */
} factors;

/* Gradient of an element, limited, with its penalties. A NaN fails both comparisons and is kept. */
static inline real gradient(const factors *f, real p, real g) {
    const real shrunk = f->shrink * g;
    const real low = shrunk < -f->limit ? -f->limit : shrunk;
    const real limited = low > f->limit ? f->limit : low;
    const real sign = (real)(p > 0 ? 1 : 0) - (real)(p < 0 ? 1 : 0);
    return limited + (f->l1 * sign + f->twice_l2 * p);
}

static void descent(size_t n, const factors *given, real *restrict p, const real *restrict grad) {
    const factors f = *given;
    for (size_t i = 0; i < n; i++) {
        p[i] -= f.rate * gradient(&f, p[i], grad[i]);
    }
}

static void momentum(size_t n, const factors *given, real *restrict p, const real *restrict grad, real *restrict v) {
    const factors f = *given;
    for (size_t i = 0; i < n; i++) {
        v[i] = f.keep * v[i] - f.rate * gradient(&f, p[i], grad[i]);
        p[i] += v[i];
    }
}

static void nesterov(size_t n, const factors *given, real *restrict p, const real *restrict grad, real *restrict v) {
    const factors f = *given;
    for (size_t i = 0; i < n; i++) {
        const real step = f.rate * gradient(&f, p[i], grad[i]);
        v[i] = f.keep * v[i] - step;
        p[i] += f.keep * v[i] - step;
    }
}

/* RMSProp, and AdaGrad with keep = take = 1. */
static void scaled(size_t n, const factors *given, real *restrict p, const real *restrict grad, real *restrict s) {
    const factors f = *given;
    for (size_t i = 0; i < n; i++) {
        const real g = gradient(&f, p[i], grad[i]);
        s[i] = f.keep * s[i] + f.take * (g * g);
        p[i] -= f.rate * g / (SQRT(s[i]) + f.epsilon);
    }
}

/* Adam is AdamW without decay. */
static void adam(size_t n, const factors *given, real *restrict p, const real *restrict grad, real *restrict m,
                 real *restrict s) {
    const factors f = *given;
    for (size_t i = 0; i < n; i++) {
        const real g = gradient(&f, p[i], grad[i]);
        m[i] = f.keep * m[i] + f.take * g;
        s[i] = f.keep2 * s[i] + f.take2 * (g * g);
        p[i] -= f.unbias1 * m[i] / (SQRT(f.unbias2 * s[i]) + f.epsilon) + f.shift * p[i];
    }
}

static factors factors_of(const costate_update *u, double shrink) {
    const costate_update_options *o = &u->options;
    const double rate = costate_schedule_rate(&o->schedule, u->count);
    factors f = {.rate = (real)rate,
                 .shrink = (real)shrink,
                 .limit = (real)o->clip_value,
                 .epsilon = (real)o->epsilon,
                 .keep = 1,
                 .take = 1};
    if (o->kind == COSTATE_UPDATE_MOMENTUM || o->kind == COSTATE_UPDATE_NESTEROV) {
        f.keep = (real)o->momentum;
    } else if (o->kind == COSTATE_UPDATE_RMSPROP) {
        f.keep = (real)o->rho;
        f.take = (real)(1.0 - o->rho);
    } else if (o->kind == COSTATE_UPDATE_ADAM || o->kind == COSTATE_UPDATE_ADAMW) {
        const double k = (double)u->count + 1.0;
        f.keep = (real)o->beta1;
        f.take = (real)(1.0 - o->beta1);
        f.keep2 = (real)o->beta2;
        f.take2 = (real)(1.0 - o->beta2);
        f.unbias1 = (real)(rate / (1.0 - pow(o->beta1, k)));
        f.unbias2 = (real)(1.0 / (1.0 - pow(o->beta2, k)));
    }
    return f;
}

/* Elements [from, to), which have the same penalties. */
static void step_range(costate_update *u, const factors *f, size_t from, size_t to, real *p, const real *grad) {
    const size_t n = to - from;
    real *first = (real *)u->state[0] + (u->n_state > 0 ? from : 0);
    real *second = (real *)u->state[1] + (u->n_state > 1 ? from : 0);
    switch (u->options.kind) {
    case COSTATE_UPDATE_DESCENT: descent(n, f, p + from, grad + from); break;
    case COSTATE_UPDATE_MOMENTUM: momentum(n, f, p + from, grad + from, first); break;
    case COSTATE_UPDATE_NESTEROV: nesterov(n, f, p + from, grad + from, first); break;
    case COSTATE_UPDATE_RMSPROP:
    case COSTATE_UPDATE_ADAGRAD: scaled(n, f, p + from, grad + from, first); break;
    case COSTATE_UPDATE_ADAM:
    case COSTATE_UPDATE_ADAMW: adam(n, f, p + from, grad + from, first, second); break;
    }
}

/* Sum of the squares in a unit, in the order of eight partial sums. */
static double sum_of_squares(size_t n, const real *x, double unit) {
    enum { N_SUM = 8 };
    double sum[N_SUM] = {0.0};
    size_t i = 0;
    for (; i + N_SUM <= n; i += N_SUM) {
        for (size_t j = 0; j < N_SUM; j++) {
            const double y = (double)x[i + j] / unit;
            sum[j] += y * y;
        }
    }
    for (size_t j = 0; i < n; i++, j++) {
        const double y = (double)x[i] / unit;
        sum[j] += y * y;
    }
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

/* Size of the largest element; NaN if there is one. */
static double largest(size_t n, const real *x) {
    double top = 0.0;
    for (size_t i = 0; i < n && top == top; i++) {
        const double size = fabs((double)x[i]);
        top = size <= top ? top : size;
    }
    return top;
}

/* Factor that brings the gradient to the norm `clip`; false if an element is not finite. */
static bool shrink_to(double clip, size_t n, const real *grad, double *shrink) {
    double unit = 1.0;
    *shrink = 1.0;
    if (!isfinite(clip)) {
        return true;
    }
    double square = sum_of_squares(n, grad, unit);
    if (!(square > DBL_MIN / DBL_EPSILON && square < HUGE_VAL)) {
        unit = largest(n, grad);
        if (!isfinite(unit)) {
            return false;
        }
        if (unit == 0.0) {
            return true;
        }
        /* The squares leave the range of numbers; in units of the largest element they do not. */
        square = sum_of_squares(n, grad, unit);
    }
    const double norm = sqrt(square);
    const double limit = clip / unit;
    *shrink = limit < norm ? limit / norm : 1.0;
    return true;
}

/* The ranges with their penalties, and what lies between them without. */
static void step_all(costate_update *u, factors f, real *p, const real *grad) {
    const costate_update_options *o = &u->options;
    const real shift = o->kind == COSTATE_UPDATE_ADAMW ? (real)((double)f.rate * o->decay) : 0;
    size_t done = 0;
    for (size_t i = 0; i < o->n_range; i++) {
        const costate_penalty_range *r = &o->range[i];
        const size_t end = r->offset + r->length;
        factors inside = f;
        inside.l1 = (real)r->l1;
        inside.twice_l2 = (real)(2.0 * r->l2);
        inside.shift = shift;
        step_range(u, &f, done, r->offset, p, grad);
        step_range(u, &inside, r->offset, end, p, grad);
        done = end;
    }
    f.shift = o->n_range == 0 ? shift : 0;
    step_range(u, &f, done, u->n, p, grad);
}

costate_status CSI_REAL(costate_update_step)(costate_update *update, real *p, const real *grad) {
    double shrink;
    if (!update || (update->n > 0 && (!p || !grad))) {
        return COSTATE_ERR_NULL;
    }
    if (update->options.precision != PRECISION) {
        return COSTATE_ERR_UNSUPPORTED;
    }
    if (!shrink_to(update->options.clip_norm, update->n, grad, &shrink)) {
        return COSTATE_ERR_NONFINITE;
    }
    if (update->n > 0) {
        step_all(update, factors_of(update, shrink), p, grad);
    }
    update->count++;
    return COSTATE_OK;
}
