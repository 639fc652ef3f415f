/* SPDX-License-Identifier: MIT */
/* Timing of a right-hand side's callbacks. */
#include "rhs_kernels.h"

#include <stdlib.h>

struct rhs_kernels {
    costate_rhs rhs;
    double t;
    double *block; /* everything below */
    double *y;
    double *v;
    double *dydt;
    double *ybar;
    double *pbar;
    const double *p;
    void *work;
    void *kept;
};

static size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static bool allocate(rhs_kernels *k) {
    const size_t n_y = k->rhs.n_y;
    k->block = calloc(4 * n_y + k->rhs.n_p, sizeof *k->block);
    k->work = aligned_alloc(64, padded(k->rhs.work_bytes) + 64);
    k->kept = aligned_alloc(64, padded(k->rhs.kept_bytes) + 64);
    if (!k->block || !k->work || !k->kept) {
        return false;
    }
    k->y = k->block;
    k->v = k->y + n_y;
    k->dydt = k->v + n_y;
    k->ybar = k->dydt + n_y;
    k->pbar = k->ybar + n_y;
    return true;
}

static bool has_kept(const rhs_kernels *k) { return k->rhs.f_keep && k->rhs.vjp_kept; }

static bool callbacks_work(rhs_kernels *k) {
    const costate_rhs *r = &k->rhs;
    return r->f(k->t, k->y, k->p, k->dydt, k->work, r->ctx) == COSTATE_ANSWER_OK &&
           r->vjp(k->t, k->y, k->p, k->v, 1.0, k->ybar, k->pbar, k->work, r->ctx) == COSTATE_ANSWER_OK &&
           (!has_kept(k) || r->f_keep(k->t, k->y, k->p, k->dydt, k->kept, k->work, r->ctx) == COSTATE_ANSWER_OK);
}

rhs_kernels *rhs_kernels_create(const costate_rhs *rhs, double t, const double *y, const double *p) {
    rhs_kernels *k = calloc(1, sizeof *k);
    if (!k) {
        return NULL;
    }
    k->rhs = *rhs;
    k->t = t;
    k->p = p;
    bool ok = allocate(k);
    for (size_t i = 0; ok && i < rhs->n_y; i++) {
        k->y[i] = y[i];
        k->v[i] = 1.0 + 0.1 * (double)i;
    }
    if (!ok || !callbacks_work(k)) {
        rhs_kernels_destroy(k);
        return NULL;
    }
    return k;
}

void rhs_kernels_destroy(rhs_kernels *kernels) {
    if (kernels) {
        free(kernels->block);
        free(kernels->work);
        free(kernels->kept);
        free(kernels);
    }
}

static void run_f(void *ctx, size_t n) {
    rhs_kernels *k = ctx;
    for (size_t i = 0; i < n; i++) {
        k->rhs.f(k->t, k->y, k->p, k->dydt, k->work, k->rhs.ctx);
    }
}

static void run_vjp(void *ctx, size_t n) {
    rhs_kernels *k = ctx;
    for (size_t i = 0; i < n; i++) {
        k->rhs.vjp(k->t, k->y, k->p, k->v, 1e-9, k->ybar, k->pbar, k->work, k->rhs.ctx);
    }
}

static void run_f_keep(void *ctx, size_t n) {
    rhs_kernels *k = ctx;
    for (size_t i = 0; i < n; i++) {
        k->rhs.f_keep(k->t, k->y, k->p, k->dydt, k->kept, k->work, k->rhs.ctx);
    }
}

static void run_vjp_kept(void *ctx, size_t n) {
    rhs_kernels *k = ctx;
    for (size_t i = 0; i < n; i++) {
        k->rhs.vjp_kept(k->t, k->y, k->p, k->v, 1e-9, k->ybar, k->pbar, k->kept, k->work, k->rhs.ctx);
    }
}

/* Too small a change to matter, but the next call has to wait for it. */
static void feed_back(size_t n, const double *result, double *argument) {
    for (size_t i = 0; i < n; i++) {
        argument[i] += 1e-30 * result[i];
    }
}

static void run_f_chained(void *ctx, size_t n) {
    rhs_kernels *k = ctx;
    for (size_t i = 0; i < n; i++) {
        has_kept(k) ? run_f_keep(k, 1) : run_f(k, 1);
        feed_back(k->rhs.n_y, k->dydt, k->y);
    }
}

static void run_vjp_chained(void *ctx, size_t n) {
    rhs_kernels *k = ctx;
    for (size_t i = 0; i < n; i++) {
        has_kept(k) ? run_vjp_kept(k, 1) : run_vjp(k, 1);
        feed_back(k->rhs.n_y, k->ybar, k->v);
    }
}

size_t rhs_kernels_cases(rhs_kernels *kernels, bench_case *cases) {
    if (!kernels) {
        return 0;
    }
    size_t n = 0;
    cases[n++] = (bench_case){.variant = "rhs f", .run = run_f, .ctx = kernels};
    cases[n++] = (bench_case){.variant = "rhs vjp", .run = run_vjp, .ctx = kernels};
    cases[n++] = (bench_case){.variant = "rhs f chained", .run = run_f_chained, .ctx = kernels};
    cases[n++] = (bench_case){.variant = "rhs vjp chained", .run = run_vjp_chained, .ctx = kernels};
    if (has_kept(kernels)) {
        cases[n++] = (bench_case){.variant = "rhs f_keep", .run = run_f_keep, .ctx = kernels};
        cases[n++] = (bench_case){.variant = "rhs vjp_kept", .run = run_vjp_kept, .ctx = kernels};
    }
    return n;
}

rhs_kernel_times rhs_kernels_times(const rhs_kernels *kernels, const bench_case *cases) {
    rhs_kernel_times times = {0};
    if (kernels) {
        times.f = cases[0].time.median;
        times.vjp = cases[1].time.median;
        times.f_chained = cases[2].time.median;
        times.vjp_chained = cases[3].time.median;
        if (has_kept(kernels)) {
            times.f_keep = cases[4].time.median;
            times.vjp_kept = cases[5].time.median;
        }
    }
    return times;
}
