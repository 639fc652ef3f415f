/* SPDX-License-Identifier: MIT */
/* The single-layer calls in one precision: argument checks and dispatch. */
#include <costate/layer.h>
#include "nn/kernels/kernels.h"
#include "core/real.h"

#if CSI_REAL_BITS == 64
#define KERNELS(layer) ((layer)->kernels->f64)
#else
#define KERNELS(layer) ((layer)->kernels->f32)
#endif

costate_status CSI_REAL(costate_layer_forward)(const costate_layer *layer, const real *p, const real *x, real *y,
                                               real *cache) {
    if (layer == NULL || p == NULL || x == NULL || y == NULL) {
        return COSTATE_ERR_NULL;
    }
    KERNELS(layer)->layer_forward(layer, p, x, y, cache);
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_layer_forward_batch)(const costate_layer *layer, const real *p, size_t n, const real *x,
                                                     real *y) {
    if (layer == NULL || p == NULL || x == NULL || y == NULL) {
        return COSTATE_ERR_NULL;
    }
    KERNELS(layer)->layer_forward_batch(layer, p, n, x, y);
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_layer_pullback)(const costate_layer *layer, const real *p, const real *x, const real *v,
                                                real scale, real *xbar, real *pbar, real *cache) {
    if (layer == NULL || p == NULL || x == NULL || v == NULL || cache == NULL) {
        return COSTATE_ERR_NULL;
    }
    KERNELS(layer)->layer_pullback(layer, p, x, v, scale, xbar, pbar, cache);
    return COSTATE_OK;
}
