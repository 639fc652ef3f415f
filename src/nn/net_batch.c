/* SPDX-License-Identifier: MIT */
/* The batch calls of a network in one precision: argument checks, the size of a tile of samples, dispatch. */
#include <costate/net.h>
#include "nn/kernels/kernels.h"
#include "core/real.h"
#include <stdint.h>

#if CSI_REAL_BITS == 64
#define KERNELS(net) ((net)->kernels->f64)
#else
#define KERNELS(net) ((net)->kernels->f32)
#endif

#define ALIGNMENT 64
#define LANES ((size_t)(64 / sizeof(real)))
/* Fewer samples than this leave many lanes empty: one by one they are faster. */
#define FEWEST (3 * LANES / 4)
/* Bytes of a tile's activations that are worth keeping in the cache nearest to the core. */
#define CACHED ((size_t)65536)
#define FEWEST_VECTORS ((size_t)4)
#define MOST_VECTORS ((size_t)16)

/* Rows of a tile: the activations, and four to spare. */
static size_t n_row(const costate_net *net) { return net->vectors[CSI_LANES].buffer[0] + 4; }

/* Vectors of a full tile: many, since the weight gradient is summed over lanes once per tile; the same for every instruction set. */
static size_t n_vector(const costate_net *net) {
    const size_t whole = CACHED / ALIGNMENT / n_row(net) / FEWEST_VECTORS * FEWEST_VECTORS;
    return whole < FEWEST_VECTORS ? FEWEST_VECTORS : whole > MOST_VECTORS ? MOST_VECTORS : whole;
}

size_t CSI_REAL(costate_net_batch_work_bytes)(const costate_net *net) {
    if (net == NULL) {
        return 0;
    }
    const size_t vector_bytes = ALIGNMENT * n_vector(net), least = CSI_REAL(costate_net_work_bytes)(net);
    if (n_row(net) > (SIZE_MAX - ALIGNMENT) / vector_bytes) {
        return SIZE_MAX;
    }
    const size_t bytes = n_row(net) * vector_bytes + ALIGNMENT - 1;
    return bytes > least ? bytes : least;
}

static real *align(void *work) {
    return (real *)(void *)((unsigned char *)work + (-(uintptr_t)work & (ALIGNMENT - 1)));
}

static costate_status check(const costate_net *net, const void *p, const void *x, const void *other, const void *work,
                            size_t work_bytes) {
    if (net == NULL || p == NULL || x == NULL || other == NULL || work == NULL) {
        return COSTATE_ERR_NULL;
    }
    return work_bytes < CSI_REAL(costate_net_work_bytes)(net) ? COSTATE_ERR_WORKSPACE : COSTATE_OK;
}

static bool one_by_one(const costate_net *net, size_t n, size_t work_bytes) {
    return n < FEWEST || work_bytes < CSI_REAL(costate_net_batch_work_bytes)(net);
}

costate_status CSI_REAL(costate_net_forward_batch)(const costate_net *net, const real *p, size_t n, const real *x,
                                                   real *y, void *work, size_t work_bytes) {
    costate_status status = check(net, p, x, y, work, work_bytes);
    if (status != COSTATE_OK) {
        return status;
    }
    if (!one_by_one(net, n, work_bytes)) {
        KERNELS(net)->forward_batch(net, p, n, x, y, n_vector(net) * LANES, align(work));
        return COSTATE_OK;
    }
    for (size_t k = 0; k < n && status == COSTATE_OK; k++) {
        status = CSI_REAL(costate_net_forward)(net, p, x + k * net->n_in, y + k * net->n_out, work, work_bytes);
    }
    return status;
}

costate_status CSI_REAL(costate_net_vjp_batch)(const costate_net *net, const real *p, size_t n, const real *x,
                                               const real *v, real scale, real *xbar, real *pbar, void *work,
                                               size_t work_bytes) {
    costate_status status = check(net, p, x, v, work, work_bytes);
    if (status != COSTATE_OK || (xbar == NULL && pbar == NULL)) {
        return status;
    }
    if (!one_by_one(net, n, work_bytes)) {
        KERNELS(net)->vjp_batch(net, p, n, x, v, scale, xbar, pbar, n_vector(net) * LANES, align(work));
        return COSTATE_OK;
    }
    for (size_t k = 0; k < n && status == COSTATE_OK; k++) {
        status = CSI_REAL(costate_net_vjp)(net, p, x + k * net->n_in, v + k * net->n_out, scale,
                                           xbar == NULL ? NULL : xbar + k * net->n_in, pbar, work, work_bytes);
    }
    return status;
}
