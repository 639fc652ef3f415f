/* SPDX-License-Identifier: MIT */
/* The calls of layer.h: one layer on its own, for one sample and for many. Part of dense.c. */
#ifndef CSI_SINGLE_LAYER_H
#define CSI_SINGLE_LAYER_H

#include "nn/kernels/layer_batch_rows.h"
#include "nn/kernels/layer_product.h"

static csi_layer layer_shape(const costate_layer *layer) {
    return (csi_layer){
        .n_in = layer->n_in, .n_out = layer->n_out, .columns = csi_weights_by_column(layer->n_in, layer->n_out)};
}

static void layer_forward(const costate_layer *layer, const real *p, const real *x, real *y, real *cache) {
    const csi_layer shape = layer_shape(layer);
    const bool accurate = layer->accuracy == COSTATE_ACCURACY_ACCURATE;
    const product_kind kind = product_kind_of(layer->act, accurate);
    affine_kind(kind, &shape, p, layer->no_bias ? NULL : p + layer->n_in * layer->n_out, x, y, false);
    if (cache != NULL && !csi_slope_is_value(layer->act)) {
        act_forward_slope[layer->act][accurate](layer->n_out, y, y, cache);
        return;
    }
    if (kind == PRODUCT && layer->act != COSTATE_ACT_IDENTITY) {
        act_forward[layer->act][accurate](layer->n_out, y, y);
    }
    if (cache != NULL) {
        copy(layer->n_out, y, cache);
    }
}

static void layer_pullback(const costate_layer *layer, const real *p, const real *x, const real *v, real scale,
                           real *xbar, real *pbar, real *cache) {
    const csi_layer shape = layer_shape(layer);
    real *bbar = pbar != NULL && !layer->no_bias ? pbar + layer->n_in * layer->n_out : NULL;
    act_delta[layer->act](layer->n_out, cache, v, cache, scale, bbar);
    if (xbar != NULL || pbar != NULL) {
        transposed(&shape, p, x, cache, scale, xbar, false, pbar);
    }
}

static void layer_forward_batch(const costate_layer *layer, const real *p, size_t n, const real *x, real *y) {
    layer_batch o = {.n_in = layer->n_in,
                     .n_out = layer->n_out,
                     .n = n,
                     .weight = p,
                     .bias = layer->no_bias ? NULL : p + layer->n_in * layer->n_out,
                     .x = x,
                     .y = y,
                     .act = layer->act,
                     .accurate = layer->accuracy == COSTATE_ACCURACY_ACCURATE,
                     .pass = !layer_is_max(layer->act),
                     .least = layer->act == COSTATE_ACT_RELU ? 0 : (real)-INFINITY};
    if (csi_weights_by_column(layer->n_in, layer->n_out)) {
        layer_batch_by_column(&o);
    } else {
        layer_batch_by_row(&o);
    }
}

#endif
