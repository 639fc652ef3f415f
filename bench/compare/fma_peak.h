/* SPDX-License-Identifier: MIT */
/* What the cores can do at most: multiply-adds in single precision on registers alone. */
#ifndef BENCH_FMA_PEAK_H
#define BENCH_FMA_PEAK_H

#include "core/thread_pool.h"
#include <stdbool.h>

typedef struct fma_peak {
    csi_thread_pool *pool;
} fma_peak;

/* False without memory or threads. */
bool fma_peak_create(size_t n_thread, fma_peak *peak);
void fma_peak_destroy(fma_peak *peak);

/* The work of a bench_case: n blocks on every thread. */
void fma_peak_run(void *ctx, size_t n);

/* Operations of a block, over all threads; a multiply-add is two. */
double fma_peak_flop(const fma_peak *peak);

#endif
