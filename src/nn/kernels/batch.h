/* SPDX-License-Identifier: MIT */
/*
 * Many samples at once: forward pass and VJP of a tile of samples, one sample per SIMD lane. Part of dense.c.
 *
 * The workspace is rows of `row` reals, whole vectors: row i holds element i of every sample of the tile, at the offsets of the layout CSI_LANES.
 * Weights are broadcast. The cotangent of a layer's pre-activations replaces what its activation's slope was cached as, so that nothing but the
 * activations is stored. A sum over terms runs in their order; a sum over samples runs over the vectors of a tile, then over the lanes by the tree of
 * v_sum4(), then over the tiles. Neither depends on the shape of the register block.
 */
#ifndef CSI_BATCH_H
#define CSI_BATCH_H

#include "nn/kernels/batch_product.h"

#define BATCH_VALUE(layer) ((layer)->value[CSI_LANES])
#define BATCH_SLOPE(layer) ((layer)->slope[CSI_LANES])

/* `n` samples in rows of `row` ≥ n elements. */
typedef struct batch_tile {
    size_t n, row;
    real *work;
} batch_tile;

static real *batch_row(const batch_tile *tile, size_t i) { return tile->work + i * tile->row; }

/* Four rows between a product and what is done with it. */
static real *batch_spare(const costate_net *net, const batch_tile *tile) {
    return batch_row(tile, net->vectors[CSI_LANES].buffer[0]);
}

static size_t batch_group(size_t n, size_t first) { return n - first < BATCH_GROUP ? n - first : BATCH_GROUP; }

/* `count` ≤ BATCH_GROUP elements of samples of n_element each become rows, sample by sample. */
static void batch_pack_group(const batch_tile *tile, size_t n_element, size_t count, const real *from, real *rows) {
    const size_t row = tile->row;
    if (count == BATCH_GROUP) {
        for (size_t s = 0; s < tile->n; s++, from += n_element) {
            UNROLL for (size_t i = 0; i < BATCH_GROUP; i++) { rows[i * row + s] = from[i]; }
        }
    } else {
        for (size_t s = 0; s < tile->n; s++, from += n_element) {
            for (size_t i = 0; i < count; i++) {
                rows[i * row + s] = from[i];
            }
        }
    }
}

/* Elements `first` … of samples of n_element each become rows, with zeros behind the last sample. */
static void batch_pack(const batch_tile *tile, size_t n_element, size_t first, size_t count, const real *from,
                       real *rows) {
    for (size_t i = 0; i < count; i += BATCH_GROUP) {
        batch_pack_group(tile, n_element, batch_group(count, i), from + first + i, rows + i * tile->row);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t s = tile->n; s < tile->row; s++) {
            rows[i * tile->row + s] = 0;
        }
    }
}

static void batch_unpack_group(const batch_tile *tile, size_t n_element, size_t count, const real *rows, real *to) {
    const size_t row = tile->row;
    if (count == BATCH_GROUP) {
        for (size_t s = 0; s < tile->n; s++, to += n_element) {
            UNROLL for (size_t i = 0; i < BATCH_GROUP; i++) { to[i] = rows[i * row + s]; }
        }
    } else {
        for (size_t s = 0; s < tile->n; s++, to += n_element) {
            for (size_t i = 0; i < count; i++) {
                to[i] = rows[i * row + s];
            }
        }
    }
}

static void batch_unpack(const batch_tile *tile, size_t n_element, size_t first, size_t count, const real *rows,
                         real *to) {
    for (size_t i = 0; i < count; i += BATCH_GROUP) {
        batch_unpack_group(tile, n_element, batch_group(count, i), rows + i * tile->row, to + first + i);
    }
}

/* Zeros in the lanes behind the last sample, which must add nothing to a sum over samples, whatever came out there. */
static void batch_clear_tail(const batch_tile *tile, size_t count, real *rows) {
    const size_t last = tile->row - VLANES;
    const vmask mask = v_mask(tile->n - last);
    for (size_t i = 0; i < count && tile->n < tile->row; i++) {
        real *vector = rows + i * tile->row + last;
        v_store(vector, v_keep(mask, v_load(vector)));
    }
}

static void batch_scale_shift(size_t row, size_t count, const real *scale, const real *shift, real *rows) {
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; s < row; s += VLANES) {
            real *q = rows + i * row + s;
            v_store(q, shift == NULL ? v_mul(v_set1(scale[i]), v_load(q))
                                     : v_fma(v_set1(scale[i]), v_load(q), v_set1(shift[i])));
        }
    }
}

/* x⁰, and unless the input is plain its slope with respect to x. */
static const real *batch_input(const costate_net *net, const batch_tile *tile, const real *x) {
    const csi_vectors *vectors = &net->vectors[CSI_LANES];
    real *value = batch_row(tile, vectors->input_value), *slope = batch_row(tile, vectors->input_slope);
    batch_pack(tile, net->n_in, 0, net->n_in, x, value);
    if (net->input_is_plain) {
        return value;
    }
    if (net->input_is_scaled) {
        batch_scale_shift(tile->row, net->n_in, in_scale(net), in_shift(net), value);
    }
    act_forward_slope[net->input_act][net->accurate](net->n_in * tile->row, value, value, slope);
    if (net->input_is_scaled) {
        batch_scale_shift(tile->row, net->n_in, in_scale(net), NULL, slope);
    }
    return value;
}

/* Values of the layer and, if wanted, what its slope needs, the activation of each group of units while it is in the cache. */
static void batch_layer(const costate_net *net, const csi_layer *layer, const batch_tile *tile, const real *p,
                        const real *x, bool want_slope) {
    const batch_terms terms = {.n_term = layer->n_in,
                               .row = tile->row,
                               .term_stride = col_stride(layer),
                               .sum_stride = row_stride(layer),
                               .rows = x};
    for (size_t i = 0; i < layer->n_out; i += BATCH_GROUP) {
        const size_t count = batch_group(layer->n_out, i), n = count * tile->row;
        real *value = batch_row(tile, BATCH_VALUE(layer) + i), *slope = batch_row(tile, BATCH_SLOPE(layer) + i);
        batch_sums(count, &terms, p + layer->weight + i * row_stride(layer),
                   layer->has_bias ? p + layer->bias + i : NULL, value);
        if (want_slope && slope != value) {
            act_forward_slope[layer->act][net->accurate](n, value, value, slope);
        } else if (layer->act != COSTATE_ACT_IDENTITY) {
            act_forward[layer->act][net->accurate](n, value, value);
        }
    }
}

static const real *batch_layers(const costate_net *net, size_t n_layer, const batch_tile *tile, const real *p,
                                const real *x0, bool want_slope) {
    const real *x = x0;
    for (size_t l = 0; l < n_layer; l++) {
        batch_layer(net, &net->layers[l], tile, p, x, want_slope);
        x = batch_row(tile, BATCH_VALUE(&net->layers[l]));
    }
    return x;
}

/* Cotangents of the last layer's pre-activations from those of the outputs. */
static void batch_output_delta(const costate_net *net, const batch_tile *tile, const real *v) {
    const csi_layer *layer = &net->layers[net->n_layer - 1];
    const bool identity = layer->act == COSTATE_ACT_IDENTITY;
    for (size_t i = 0; i < net->n_out; i += BATCH_GROUP) {
        const size_t count = batch_group(net->n_out, i);
        real *delta = batch_row(tile, BATCH_SLOPE(layer) + i), *vbar = identity ? delta : batch_spare(net, tile);
        batch_pack(tile, net->n_out, i, count, v, vbar);
        if (!net->output_is_plain) {
            batch_scale_shift(tile->row, count, out_scale(net) + i, NULL, vbar);
        }
        if (!identity) {
            act_delta[layer->act](count * tile->row, delta, vbar, delta, 0, NULL);
        }
    }
}

/* Wᵀ d, group by group: through the activation below onto its slopes, or with slopes of the input to xbar. */
static void batch_under(const costate_net *net, const csi_layer *layer, const batch_tile *tile, const real *p,
                        real *xbar) {
    const bool first = layer == net->layers;
    const size_t input_slope = net->vectors[CSI_LANES].input_slope;
    const batch_terms terms = {.n_term = layer->n_out,
                               .row = tile->row,
                               .term_stride = row_stride(layer),
                               .sum_stride = col_stride(layer),
                               .rows = batch_row(tile, BATCH_SLOPE(layer))};
    real *spare = batch_spare(net, tile);
    for (size_t j = 0; j < layer->n_in; j += BATCH_GROUP) {
        const size_t count = batch_group(layer->n_in, j), n = count * tile->row;
        batch_sums(count, &terms, p + layer->weight + j * col_stride(layer), NULL, spare);
        if (!first) {
            real *delta = batch_row(tile, BATCH_SLOPE(layer - 1) + j);
            act_delta[layer[-1].act](n, delta, spare, delta, 0, NULL);
        } else {
            if (!net->input_is_plain) {
                multiply(n, spare, batch_row(tile, input_slope + j), spare);
            }
            batch_unpack(tile, net->n_in, j, count, spare, xbar);
        }
    }
}

static void batch_gradient(const csi_layer *layer, const batch_tile *tile, real *x, real scale, real *pbar) {
    real *delta = batch_row(tile, BATCH_SLOPE(layer));
    batch_clear_tail(tile, layer->n_out, delta);
    batch_clear_tail(tile, layer->n_in, x);
    if (layer->columns) {
        batch_outer(tile->row, layer->n_out, delta, layer->n_in, x, scale, pbar + layer->weight);
    } else {
        batch_outer(tile->row, layer->n_in, x, layer->n_out, delta, scale, pbar + layer->weight);
    }
    if (layer->has_bias) {
        batch_row_sums(tile->row, layer->n_out, delta, scale, pbar + layer->bias);
    }
}

static void batch_tile_forward(const costate_net *net, const batch_tile *tile, const real *p, const real *x, real *y) {
    batch_layers(net, net->n_layer, tile, p, batch_input(net, tile, x), false);
    real *value = batch_row(tile, BATCH_VALUE(&net->layers[net->n_layer - 1]));
    if (!net->output_is_plain) {
        batch_scale_shift(tile->row, net->n_out, out_scale(net), out_shift(net), value);
    }
    batch_unpack(tile, net->n_out, 0, net->n_out, value, y);
}

static void batch_tile_vjp(const costate_net *net, const batch_tile *tile, const real *p, const real *x, const real *v,
                           real scale, real *xbar, real *pbar) {
    batch_layers(net, n_layer_kept(net), tile, p, batch_input(net, tile, x), true);
    batch_output_delta(net, tile, v);
    for (size_t l = net->n_layer; l-- > 0;) {
        const csi_layer *layer = &net->layers[l];
        if (pbar != NULL) {
            const size_t under = l == 0 ? net->vectors[CSI_LANES].input_value : BATCH_VALUE(layer - 1);
            batch_gradient(layer, tile, batch_row(tile, under), scale, pbar);
        }
        if (l > 0 || xbar != NULL) {
            batch_under(net, layer, tile, p, xbar);
        }
    }
}

static batch_tile batch_tile_at(size_t left, size_t most, real *work) {
    const size_t n = left < most ? left : most;
    return (batch_tile){.n = n, .row = (n + VLANES - 1) / VLANES * VLANES, .work = work};
}

static void batch_forward(const costate_net *net, const real *p, size_t n, const real *x, real *y, size_t n_tile,
                          real *work) {
    for (size_t k = 0; k < n; k += n_tile) {
        const batch_tile tile = batch_tile_at(n - k, n_tile, work);
        batch_tile_forward(net, &tile, p, x + k * net->n_in, y + k * net->n_out);
    }
}

static void batch_vjp(const costate_net *net, const real *p, size_t n, const real *x, const real *v, real scale,
                      real *xbar, real *pbar, size_t n_tile, real *work) {
    for (size_t k = 0; k < n; k += n_tile) {
        const batch_tile tile = batch_tile_at(n - k, n_tile, work);
        batch_tile_vjp(net, &tile, p, x + k * net->n_in, v + k * net->n_out, scale,
                       xbar == NULL ? NULL : xbar + k * net->n_in, pbar);
    }
}

#endif
