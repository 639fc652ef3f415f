/* SPDX-License-Identifier: MIT */
/* Plain C loops with libm, for the precision of bench_real.h. */
#include "naive.h"

#include "bench_real.h"
#include <tgmath.h>

#ifdef BENCH_RELAXED
#define NAIVE_NAME(stem) REAL_NAME(stem##_relaxed)
#else
#define NAIVE_NAME(stem) REAL_NAME(stem)
#endif

/* z = W x + b, the inner loop along the contiguous side. */
static void multiply(size_t n_out, size_t n_in, const real *restrict w, const real *restrict b, const real *restrict x,
                     real *restrict z) {
    for (size_t i = 0; i < n_out; i++) {
        z[i] = b[i];
    }
    if (n_out >= n_in) {
        for (size_t j = 0; j < n_in; j++) {
            for (size_t i = 0; i < n_out; i++) {
                z[i] += w[j * n_out + i] * x[j];
            }
        }
    } else {
        for (size_t i = 0; i < n_out; i++) {
            for (size_t j = 0; j < n_in; j++) {
                z[i] += w[i * n_in + j] * x[j];
            }
        }
    }
}

/* xbar = W' d, Wbar += d x', bbar += d. */
static void pull(size_t n_out, size_t n_in, const real *restrict w, const real *restrict x, const real *restrict d,
                 real *restrict xbar, real *restrict wbar, real *restrict bbar) {
    for (size_t j = 0; j < n_in; j++) {
        xbar[j] = 0;
    }
    if (n_out >= n_in) {
        for (size_t j = 0; j < n_in; j++) {
            for (size_t i = 0; i < n_out; i++) {
                xbar[j] += w[j * n_out + i] * d[i];
            }
            for (size_t i = 0; i < n_out; i++) {
                wbar[j * n_out + i] += d[i] * x[j];
            }
        }
    } else {
        for (size_t i = 0; i < n_out; i++) {
            for (size_t j = 0; j < n_in; j++) {
                xbar[j] += w[i * n_in + j] * d[i];
                wbar[i * n_in + j] += d[i] * x[j];
            }
        }
    }
    for (size_t i = 0; i < n_out; i++) {
        bbar[i] += d[i];
    }
}

static void activate(costate_act act, size_t n, real *restrict z) {
    if (act == COSTATE_ACT_TANH) {
        for (size_t i = 0; i < n; i++) {
            z[i] = tanh(z[i]);
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            z[i] = z[i] > 0 ? z[i] : 0;
        }
    }
}

static void differentiate(costate_act act, size_t n, const real *restrict a, real *restrict d) {
    if (act == COSTATE_ACT_TANH) {
        for (size_t i = 0; i < n; i++) {
            d[i] *= 1 - a[i] * a[i];
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            d[i] = a[i] > 0 ? d[i] : 0;
        }
    }
}

/* Leaves every layer's output in a, one after the other; returns the last one's place. */
static real *run_forward(const chain *c, const real *p, const real *x, real *a) {
    for (size_t l = 0;; l++) {
        const size_t n_in = c->width[l];
        const size_t n_out = c->width[l + 1];
        multiply(n_out, n_in, p, p + n_out * n_in, x, a);
        if (l + 1 == c->n_layer) {
            return a;
        }
        activate(c->act, n_out, a);
        p += n_out * (n_in + 1);
        x = a;
        a += n_out;
    }
}

void NAIVE_NAME(naive_forward)(const chain *c, const real *p, const real *x, real *y, real *work) {
    const real *out = run_forward(c, p, x, work + 2 * chain_widest(c));
    for (size_t i = 0; i < chain_n_out(c); i++) {
        y[i] = out[i];
    }
}

void NAIVE_NAME(naive_vjp)(const chain *c, const real *p, const real *x, const real *v, real *xbar, real *pbar,
                           real *work) {
    real *d = work;
    real *next = work + chain_widest(c);
    const real *a = run_forward(c, p, x, work + 2 * chain_widest(c));
    for (size_t i = 0; i < chain_n_out(c); i++) {
        d[i] = v[i];
    }
    size_t offset = chain_n_param(c);
    for (size_t l = c->n_layer; l-- > 0;) {
        const size_t n_in = c->width[l];
        const size_t n_out = c->width[l + 1];
        offset -= n_out * (n_in + 1);
        a -= l > 0 ? n_in : 0;
        real *wbar = pbar + offset;
        pull(n_out, n_in, p + offset, l > 0 ? a : x, d, l > 0 ? next : xbar, wbar, wbar + n_out * n_in);
        if (l > 0) {
            differentiate(c->act, n_in, a, next);
            real *swap = d;
            d = next;
            next = swap;
        }
    }
}
