/* SPDX-License-Identifier: MIT */
/* The products of one layer in either orientation of its weights. */
#ifndef CSI_LAYER_PRODUCT_H
#define CSI_LAYER_PRODUCT_H

#include "nn/kernels/linear.h"

/* Entry (i, j) of a layer's weights is `row`·i + `col`·j elements from the first. */
static size_t row_stride(const csi_layer *layer) { return layer->columns ? 1 : layer->n_in; }
static size_t col_stride(const csi_layer *layer) { return layer->columns ? layer->n_out : 1; }

/* out = W x + init, or what `kind` makes of it; `room` says that out is a workspace vector. */
INLINE void affine_kind(product_kind kind, const csi_layer *layer, const real *weight, const real *init, const real *x,
                        real *out, bool room) {
    if (layer->columns) {
        const operands o = {
            .n = layer->n_out, .m = layer->n_in, .matrix = weight, .c = x, .init = init, .out = out, .room = room};
        combine(kind, &o);
    } else {
        const operands o = {
            .n = layer->n_in, .m = layer->n_out, .matrix = weight, .a = x, .init = init, .out = out, .room = room};
        dots(kind, &o);
    }
}

static void affine(const csi_layer *layer, const real *weight, const real *init, const real *x, real *out, bool room) {
    affine_kind(PRODUCT, layer, weight, init, x, out, room);
}

static void layer_affine(const csi_layer *layer, const real *p, const real *x, real *z, bool room) {
    affine(layer, p + layer->weight, layer->has_bias ? p + layer->bias : NULL, x, z, room);
}

/* xbar = Wᵀ d unless NULL, Wbar += scale·d xᵀ unless NULL */
INLINE void transposed(const csi_layer *layer, const real *weight, const real *x, const real *d, real scale, real *xbar,
                       bool room, real *wbar) {
    const product_kind kind = wbar == NULL ? PRODUCT : xbar == NULL ? UPDATE : BOTH;
    operands o = {.matrix = weight, .out = xbar, .room = room, .scale = scale, .mbar = wbar};
    if (layer->columns) {
        o.n = layer->n_out;
        o.m = layer->n_in;
        o.a = d;
        o.c = x;
        dots(kind, &o);
    } else {
        o.n = layer->n_in;
        o.m = layer->n_out;
        o.a = x;
        o.c = d;
        combine(kind, &o);
    }
}

#endif
