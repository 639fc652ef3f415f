/* SPDX-License-Identifier: MIT */
/* Evaluation calls of a network in one precision: argument checks, workspace alignment, dispatch. */
#include <costate/net.h>
#include "nn/kernels/kernels.h"
#include "nn/kernels/real.h"
#include <stdint.h>

#if CSI_REAL_BITS == 64
#define KERNELS(net) ((net)->kernels->f64)
#else
#define KERNELS(net) ((net)->kernels->f32)
#endif

#define ALIGNMENT 64

/* Bytes for n elements at any alignment of the block. */
static size_t work_bytes_for(size_t n) {
    return n > (SIZE_MAX - ALIGNMENT) / sizeof(real) ? SIZE_MAX : n * sizeof(real) + ALIGNMENT - 1;
}

static real *align(void *work) {
    return (real *)(void *)((unsigned char *)work + (-(uintptr_t)work & (ALIGNMENT - 1)));
}

size_t CSI_REAL(costate_net_work_bytes)(const costate_net *net) {
    return net == NULL ? 0 : work_bytes_for(net->n_work);
}

size_t CSI_REAL(costate_net_hessian_work_bytes)(const costate_net *net) {
    return net == NULL ? 0 : work_bytes_for(net->n_hessian_work);
}

#if CSI_RED_ZONE > 0
/* Poisons or clears the red zone behind each vector of the workspace. */
static void guard_vectors(const costate_net *net, real *block, bool poison) {
    const size_t n_vector = 6 + 2 * net->n_layer;
    for (size_t k = 0; k < n_vector; k++) {
        const csi_layer *layer = k < 6 ? NULL : &net->layers[(k - 6) / 2];
        const size_t offset = k == 0       ? net->input_value
                              : k == 1     ? net->input_slope
                              : k < 6      ? net->buffer[k - 2]
                              : k % 2 == 0 ? layer->value
                                           : layer->slope;
        real *end = block + offset + (k < 2 ? csi_pad(net->n_in) : k < 6 ? net->widest : csi_pad(layer->n_out));
        if (poison) {
            CSI_POISON(end, CSI_RED_ZONE * sizeof(real));
        } else {
            CSI_UNPOISON(end, CSI_RED_ZONE * sizeof(real));
        }
    }
}
#define GUARDED(net, block, call) (guard_vectors(net, block, true), (call), guard_vectors(net, block, false))
#else
#define GUARDED(net, block, call) (call)
#endif

/* The checks every call shares; the aligned workspace on success. */
static costate_status begin(const costate_net *net, const real *p, const real *x, void *work, size_t work_bytes,
                            real **aligned) {
    if (net == NULL || p == NULL || x == NULL || work == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (work_bytes < work_bytes_for(net->n_work)) {
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

costate_status CSI_REAL(costate_net_forward_batch)(const costate_net *net, const real *p, size_t n, const real *x,
                                                   real *y, void *work, size_t work_bytes) {
    real *block;
    const costate_status status = begin(net, p, x, work, work_bytes, &block);
    if (status != COSTATE_OK || y == NULL) {
        return status != COSTATE_OK ? status : COSTATE_ERR_NULL;
    }
    for (size_t k = 0; k < n; k++) {
        GUARDED(net, block, KERNELS(net)->forward(net, p, x + k * net->n_in, y + k * net->n_out, block));
    }
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

costate_status CSI_REAL(costate_net_vjp_batch)(const costate_net *net, const real *p, size_t n, const real *x,
                                               const real *v, real scale, real *xbar, real *pbar, void *work,
                                               size_t work_bytes) {
    real *block;
    const costate_status status = begin(net, p, x, work, work_bytes, &block);
    if (status != COSTATE_OK || v == NULL) {
        return status != COSTATE_OK ? status : COSTATE_ERR_NULL;
    }
    for (size_t k = 0; k < n && (xbar != NULL || pbar != NULL); k++) {
        GUARDED(net, block,
                KERNELS(net)->vjp(net, p, x + k * net->n_in, v + k * net->n_out, scale,
                                  xbar == NULL ? NULL : xbar + k * net->n_in, pbar, block));
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
    if (net != NULL && net->n_hessian_work == SIZE_MAX) {
        return COSTATE_ERR_WORKSPACE;
    }
    if (status != COSTATE_OK || hess == NULL) {
        return status != COSTATE_OK ? status : COSTATE_ERR_NULL;
    }
    if (work_bytes < work_bytes_for(net->n_hessian_work)) {
        return COSTATE_ERR_WORKSPACE;
    }
    GUARDED(net, block, KERNELS(net)->hessian(net, p, x, y, jac, hess, block));
    return COSTATE_OK;
}
