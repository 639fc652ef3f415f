/* SPDX-License-Identifier: MIT */
/* One library call per operation, for the precision of bench_real.h. */
#include "unfused.h"

#include "bench_real.h"
#include "sleef_pass.h"
#include <cblas.h>
#include <string.h>

#ifdef BENCH_F32
#define BLAS(stem) cblas_s##stem
#else
#define BLAS(stem) cblas_d##stem
#endif

/* What BLAS calls the stored matrix: column-major when n_out >= n_in, else row-major. */
static CBLAS_ORDER order_of(size_t n_out, size_t n_in) { return n_out >= n_in ? CblasColMajor : CblasRowMajor; }

static blasint leading(size_t n_out, size_t n_in) { return (blasint)(n_out >= n_in ? n_out : n_in); }

static void activate(costate_act act, size_t n, real *a) {
    if (act == COSTATE_ACT_TANH) {
        REAL_NAME(sleef_tanh)(n, a, a);
    } else {
        REAL_NAME(sleef_relu)(n, a, a);
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
        memcpy(a, p + n_out * n_in, n_out * sizeof *a);
        BLAS(gemv)
        (order_of(n_out, n_in), CblasNoTrans, (blasint)n_out, (blasint)n_in, 1, p, leading(n_out, n_in), x, 1, 1, a, 1);
        if (l + 1 == c->n_layer) {
            return a;
        }
        activate(c->act, n_out, a);
        p += n_out * (n_in + 1);
        x = a;
        a += n_out;
    }
}

void REAL_NAME(unfused_forward)(const chain *c, const real *p, const real *x, real *y, real *work) {
    const real *out = run_forward(c, p, x, work + 2 * chain_widest(c));
    memcpy(y, out, chain_n_out(c) * sizeof *y);
}

void REAL_NAME(unfused_vjp)(const chain *c, const real *p, const real *x, const real *v, real *xbar, real *pbar,
                            real *work) {
    real *d = work;
    real *next = work + chain_widest(c);
    const real *a = run_forward(c, p, x, work + 2 * chain_widest(c));
    memcpy(d, v, chain_n_out(c) * sizeof *d);
    size_t offset = chain_n_param(c);
    for (size_t l = c->n_layer; l-- > 0;) {
        const size_t n_in = c->width[l];
        const size_t n_out = c->width[l + 1];
        const CBLAS_ORDER order = order_of(n_out, n_in);
        offset -= n_out * (n_in + 1);
        a -= l > 0 ? n_in : 0;
        BLAS(ger)(order, (blasint)n_out, (blasint)n_in, 1, d, 1, l > 0 ? a : x, 1, pbar + offset, leading(n_out, n_in));
        BLAS(axpy)((blasint)n_out, 1, d, 1, pbar + offset + n_out * n_in, 1);
        BLAS(gemv)
        (order, CblasTrans, (blasint)n_out, (blasint)n_in, 1, p + offset, leading(n_out, n_in), d, 1, 0,
         l > 0 ? next : xbar, 1);
        if (l > 0) {
            differentiate(c->act, n_in, a, next);
            real *swap = d;
            d = next;
            next = swap;
        }
    }
}

#ifndef BENCH_F32
const char *unfused_begin(void) {
    openblas_set_num_threads(1);
    return openblas_get_corename();
}
#endif
