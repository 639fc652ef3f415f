/* SPDX-License-Identifier: MIT */
/* Multiply-adds on registers alone, as many at a time as hide their latency, with the widest vectors of this CPU. */
#include "compare/fma_peak.h"

#include "core/memory.h"

/* Two units of four cycles need eight chains, four units sixteen; AVX2 has sixteen registers for all. */
#if defined __AVX512F__
enum { N_LANE = 16, N_CHAIN = 12 };
#elif defined __AVX__
enum { N_LANE = 8, N_CHAIN = 12 };
#else
enum { N_LANE = 4, N_CHAIN = 16 };
#endif
enum { N_PASS = 1000 };

typedef float lanes __attribute__((vector_size(N_LANE * sizeof(float))));

static lanes fill(float value) {
    lanes all;
    for (int i = 0; i < N_LANE; i++) {
        all[i] = value;
    }
    return all;
}

/* Every chain tends to shift/(1 − factor): neither overflow nor denormals. */
static float spin(size_t n, float factor, float shift) {
    const lanes f = fill(factor);
    const lanes s = fill(shift);
    lanes chain[N_CHAIN];
    for (int k = 0; k < N_CHAIN; k++) {
        chain[k] = fill((float)k);
    }
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < N_CHAIN; k++) {
            chain[k] = chain[k] * f + s;
        }
    }
    lanes sum = fill(0.0f);
    for (int k = 0; k < N_CHAIN; k++) {
        sum += chain[k];
    }
    return sum[0];
}

/* Volatile: the compiler must neither know the factors nor find the sum unused. */
static void spin_task(size_t task, size_t worker, void *ctx) {
    const size_t *n = ctx;
    const volatile float factor = 0.5f;
    const volatile float shift = 1.0f;
    const volatile float sum = spin(*n, factor, shift);
    (void)task;
    (void)worker;
    (void)sum;
}

bool fma_peak_create(size_t n_thread, fma_peak *peak) {
    const costate_allocator alloc = csi_allocator(NULL);
    return csi_thread_pool_create(n_thread, &alloc, &peak->pool) == COSTATE_OK;
}

void fma_peak_destroy(fma_peak *peak) { csi_thread_pool_destroy(peak->pool); }

void fma_peak_run(void *ctx, size_t n) {
    const fma_peak *peak = ctx;
    size_t n_pass = n * N_PASS;
    csi_thread_pool_run(peak->pool, csi_thread_pool_size(peak->pool), spin_task, &n_pass);
}

double fma_peak_flop(const fma_peak *peak) {
    return 2.0 * N_LANE * N_CHAIN * N_PASS * (double)csi_thread_pool_size(peak->pool);
}
