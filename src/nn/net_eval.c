/* SPDX-License-Identifier: MIT */
/* Evaluation calls of a network in one precision: argument checks, workspace alignment, dispatch. */
#include <costate/net.h>
#include "nn/kernels/kernels.h"
#include "core/real.h"
#include <stdint.h>

#if CSI_REAL_BITS == 64
#define KERNELS(net) ((net)->kernels->f64)
#else
#define KERNELS(net) ((net)->kernels->f32)
#endif

#define VECTORS(net) (&(net)->vectors[CSI_REAL_INDEX])
#define ALIGNMENT 64

/* Bytes for n elements at any alignment of the block. */
static size_t work_bytes_for(size_t n) {
    return n > (SIZE_MAX - ALIGNMENT) / sizeof(real) ? SIZE_MAX : n * sizeof(real) + ALIGNMENT - 1;
}

static real *align(void *work) {
    return (real *)(void *)((unsigned char *)work + (-(uintptr_t)work & (ALIGNMENT - 1)));
}

size_t CSI_REAL(costate_net_work_bytes)(const costate_net *net) {
    return net == NULL ? 0 : work_bytes_for(VECTORS(net)->n_work);
}

size_t CSI_REAL(costate_net_hessian_work_bytes)(const costate_net *net) {
    return net == NULL ? 0 : work_bytes_for(VECTORS(net)->n_hessian_work);
}

size_t CSI_REAL(costate_net_kept_bytes)(const costate_net *net) {
    return net == NULL ? 0 : VECTORS(net)->n_kept * sizeof(real);
}

#if CSI_RED_ZONE > 0
static void guard_end(const real *end, bool poison) {
    if (poison) {
        CSI_POISON(end, CSI_RED_ZONE * sizeof(real));
    } else {
        CSI_UNPOISON(end, CSI_RED_ZONE * sizeof(real));
    }
}

/* Poisons or clears the red zone behind each vector of the workspace, or of the kept part of its cache. */
static void guard_vectors(const costate_net *net, const real *block, size_t n_block, bool poison) {
    const csi_vectors *vectors = VECTORS(net);
    if (vectors->input_value < n_block) {
        guard_end(block + vectors->input_value + csi_pad(2 * net->n_in, CSI_REAL_INDEX), poison);
    }
    for (size_t k = 0; k < 2 * net->n_layer; k++) {
        const csi_layer *layer = &net->layers[k / 2];
        const size_t offset = k % 2 == 0 ? layer->value[CSI_REAL_INDEX] : layer->slope[CSI_REAL_INDEX];
        if (offset < n_block) {
            guard_end(block + offset + csi_pad(layer->n_out, CSI_REAL_INDEX), poison);
        }
    }
    for (size_t k = 0; k < 4 && vectors->buffer[k] < n_block; k++) {
        guard_end(block + vectors->buffer[k] + vectors->widest, poison);
    }
}
#define GUARDED_BLOCK(net, block, n_block, call)                                                                       \
    (guard_vectors(net, block, n_block, true), (call), guard_vectors(net, block, n_block, false))
#else
#define GUARDED_BLOCK(net, block, n_block, call) (call)
#endif
#define GUARDED(net, block, call) GUARDED_BLOCK(net, block, VECTORS(net)->n_work, call)
#define GUARDED_KEPT(net, kept, call) GUARDED_BLOCK(net, (const real *)(kept), VECTORS(net)->n_kept, call)

/* The checks every call shares; the aligned workspace on success. */
static costate_status begin(const costate_net *net, const real *p, const real *x, void *work, size_t work_bytes,
                            real **aligned) {
    if (net == NULL || p == NULL || x == NULL || work == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (work_bytes < work_bytes_for(VECTORS(net)->n_work)) {
        return COSTATE_ERR_WORKSPACE;
    }
    *aligned = align(work);
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_net_forward)(const costate_net *net, const real *p, const real *x, real *y, void *work,
                                             size_t work_bytes) {
    real *block;
    const costate_status status = begin(net, p, x, work, work_bytes, &block);
    if (status != COSTATE_OK || y == NULL) {
        return status != COSTATE_OK ? status : COSTATE_ERR_NULL;
    }
    GUARDED(net, block, KERNELS(net)->forward(net, p, x, y, block));
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_net_vjp)(const costate_net *net, const real *p, const real *x, const real *v,
                                         real scale, real *xbar, real *pbar, void *work, size_t work_bytes) {
    real *block;
    const costate_status status = begin(net, p, x, work, work_bytes, &block);
    if (status != COSTATE_OK || v == NULL) {
        return status != COSTATE_OK ? status : COSTATE_ERR_NULL;
    }
    if (xbar != NULL || pbar != NULL) {
        GUARDED(net, block, KERNELS(net)->vjp(net, p, x, v, scale, xbar, pbar, block));
    }
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_net_forward_keep)(const costate_net *net, const real *p, const real *x, real *y,
                                                  void *kept, size_t kept_bytes) {
    if (net == NULL || p == NULL || x == NULL || y == NULL || (kept == NULL && VECTORS(net)->n_kept > 0)) {
        return COSTATE_ERR_NULL;
    }
    if (kept_bytes < VECTORS(net)->n_kept * sizeof(real)) {
        return COSTATE_ERR_WORKSPACE;
    }
    GUARDED_KEPT(net, kept, KERNELS(net)->forward_keep(net, p, x, y, kept));
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_net_vjp_kept)(const costate_net *net, const real *p, const real *x, const real *v,
                                              real scale, real *xbar, real *pbar, const void *kept, size_t kept_bytes,
                                              void *work, size_t work_bytes) {
    real *block;
    const costate_status status = begin(net, p, x, work, work_bytes, &block);
    if (status == COSTATE_ERR_NULL || v == NULL || (kept == NULL && VECTORS(net)->n_kept > 0)) {
        return COSTATE_ERR_NULL;
    }
    if (status != COSTATE_OK || kept_bytes < VECTORS(net)->n_kept * sizeof(real)) {
        return COSTATE_ERR_WORKSPACE;
    }
    if (xbar != NULL || pbar != NULL) {
        GUARDED(net, block,
                GUARDED_KEPT(net, kept, KERNELS(net)->vjp_kept(net, p, x, v, scale, xbar, pbar, kept, block)));
    }
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_net_jvp)(const costate_net *net, const real *p, const real *x, const real *u,
                                         const real *up, real *y, real *yu, void *work, size_t work_bytes) {
    real *block;
    const costate_status status = begin(net, p, x, work, work_bytes, &block);
    if (status != COSTATE_OK || u == NULL || yu == NULL) {
        return status != COSTATE_OK ? status : COSTATE_ERR_NULL;
    }
    GUARDED(net, block, KERNELS(net)->jvp(net, p, x, u, up, y, yu, block));
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_net_jacobian)(const costate_net *net, const real *p, const real *x, real *y, real *jac,
                                              void *work, size_t work_bytes) {
    real *block;
    const costate_status status = begin(net, p, x, work, work_bytes, &block);
    if (status != COSTATE_OK || jac == NULL) {
        return status != COSTATE_OK ? status : COSTATE_ERR_NULL;
    }
    GUARDED(net, block, KERNELS(net)->jacobian(net, p, x, y, jac, block));
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_net_hessian)(const costate_net *net, const real *p, const real *x, real *y, real *jac,
                                             real *hess, void *work, size_t work_bytes) {
    real *block;
    const costate_status status = begin(net, p, x, work, work_bytes, &block);
    if (net != NULL && VECTORS(net)->n_hessian_work == SIZE_MAX) {
        return COSTATE_ERR_WORKSPACE;
    }
    if (status != COSTATE_OK || hess == NULL) {
        return status != COSTATE_OK ? status : COSTATE_ERR_NULL;
    }
    if (work_bytes < work_bytes_for(VECTORS(net)->n_hessian_work)) {
        return COSTATE_ERR_WORKSPACE;
    }
    GUARDED(net, block, KERNELS(net)->hessian(net, p, x, y, jac, hess, block));
    return COSTATE_OK;
}
