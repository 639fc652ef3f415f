/* SPDX-License-Identifier: MIT */
/* Dense layer: multiply, activation, transpose-multiply. Part of chain_kernels.c. */
#ifndef CSI_DENSE_TILE_H
#define CSI_DENSE_TILE_H

#include "chain/dense_shape.h"
#include "chain/kernels/chain_tile.h"

/* Sums computed together over one vector of a narrow tile: as many as keep both multipliers busy. */
#if defined(CSI_ISA_AVX512)
#define DENSE_GROUP ((size_t)12)
#define DENSE_UNROLL _Pragma("GCC unroll 12")
#else
#define DENSE_GROUP BATCH_GROUP
#define DENSE_UNROLL UNROLL
#endif

/* DENSE_GROUP sums over vector s. */
static OUTLINE void dense_narrow_sums(const batch_terms *o, const real *matrix, const real *init, size_t s,
                                      real *sums) {
    vreal sum[DENSE_GROUP];
    DENSE_UNROLL for (size_t u = 0; u < DENSE_GROUP; u++) { sum[u] = init == NULL ? v_zero() : v_set1(init[u]); }
    const real *q = o->rows + s;
    for (size_t k = o->n_term; k > 0; k--, q += o->row, matrix += o->term_stride) {
        const vreal x = v_load(q);
        DENSE_UNROLL for (size_t u = 0; u < DENSE_GROUP; u++) {
            sum[u] = v_fma(v_set1(matrix[u * o->sum_stride]), x, sum[u]);
        }
    }
    DENSE_UNROLL for (size_t u = 0; u < DENSE_GROUP; u++) { v_store(sums + u * o->row + s, sum[u]); }
}

/* As many of n sums as one call computes, and their number. */
static size_t dense_sums(size_t n, const batch_terms *o, const real *matrix, const real *init, real *sums) {
    if (o->row < BATCH_WIDTH * VLANES && n >= DENSE_GROUP) {
        for (size_t s = 0; s < o->row; s += VLANES) {
            dense_narrow_sums(o, matrix, init, s, sums);
        }
        return DENSE_GROUP;
    }
    const size_t count = n < BATCH_GROUP ? n : BATCH_GROUP;
    batch_sums(count, o, matrix, init, sums);
    return count;
}

static costate_status dense_forward(const chain_tile *tile) {
    const size_t n_in = tile_n_in(tile), n_out = tile->layer->n_out;
    const real *bias = tile->layer->no_bias ? NULL : tile->p + n_in * n_out;
    const batch_terms terms = {.n_term = n_in, .row = tile->row, .term_stride = 1, .sum_stride = n_in, .rows = tile->x};
    size_t count;
    for (size_t i = 0; i < n_out; i += count) {
        count =
            dense_sums(n_out - i, &terms, tile->p + i * n_in, bias == NULL ? NULL : bias + i, tile->y + i * tile->row);
        tile_activate(tile, i, count);
    }
    return COSTATE_OK;
}

/* `count` rows of the weight gradient by `width` vectors of inputs from i on: += Σ over the samples, in their order. */
INLINE void dense_gradient_block(size_t count, size_t width, const chain_tile *tile, const real *samples, size_t n_in,
                                 size_t o, size_t i) {
    const size_t pitch = csi_dense_pitch(n_in);
    const real *v = tile->v + o * tile->row, *x = samples + i;
    vreal sum[BATCH_GROUP][BATCH_GROUP];
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = v_zero(); }
    }
    for (size_t s = 0; s < tile->n; s++, x += pitch) {
        vreal at[BATCH_GROUP];
        UNROLL for (size_t w = 0; w < width; w++) { at[w] = v_load(x + w * VLANES); }
        UNROLL for (size_t u = 0; u < count; u++) {
            const vreal factor = v_set1(v[u * tile->row + s]);
            UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = v_fma(factor, at[w], sum[u][w]); }
        }
    }
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) {
            const size_t left = n_in - i - w * VLANES;
            real *to = tile->pbar + (o + u) * n_in + i + w * VLANES;
            store_part(to, left, v_add(load_part(to, left), sum[u][w]));
        }
    }
}

/* Vectors of inputs in a block of the weight gradient. */
#if defined(CSI_ISA_AVX512)
#define DENSE_WIDTH ((size_t)4)
#else
#define DENSE_WIDTH ((size_t)1)
#endif

static OUTLINE void dense_gradient_rows(const chain_tile *tile, const real *samples, size_t n_in, size_t o) {
    size_t i = 0;
    for (; i + DENSE_WIDTH * VLANES <= n_in; i += DENSE_WIDTH * VLANES) {
        dense_gradient_block(BATCH_GROUP, DENSE_WIDTH, tile, samples, n_in, o, i);
    }
    for (; i < n_in; i += VLANES) {
        dense_gradient_block(BATCH_GROUP, 1, tile, samples, n_in, o, i);
    }
}

static OUTLINE void dense_gradient_row(const chain_tile *tile, const real *samples, size_t n_in, size_t o) {
    for (size_t i = 0; i < n_in; i += VLANES) {
        dense_gradient_block(1, 1, tile, samples, n_in, o, i);
    }
}

/* The weight gradient with lanes along the inputs, which become samples one after the other in the scratch. */
static void dense_transposed_gradient(const chain_tile *tile, size_t n_in, size_t n_out) {
    const size_t pitch = csi_dense_pitch(n_in);
    real *samples = tile->scratch;
    for (size_t i = 0; i < n_in; i++) {
        for (size_t s = 0; s < tile->n; s++) {
            samples[s * pitch + i] = tile->x[i * tile->row + s];
        }
    }
    for (size_t s = 0; s < tile->n; s++) {
        for (size_t i = n_in; i < pitch; i++) {
            samples[s * pitch + i] = 0;
        }
    }
    size_t o = 0;
    for (; o + BATCH_GROUP <= n_out; o += BATCH_GROUP) {
        dense_gradient_rows(tile, samples, n_in, o);
    }
    for (; o < n_out; o++) {
        dense_gradient_row(tile, samples, n_in, o);
    }
}

static costate_status dense_vjp(const chain_tile *tile) {
    const size_t n_in = tile_n_in(tile), n_out = tile->layer->n_out;
    tile_delta(tile, 0, n_out);
    if (tile->pbar != NULL) {
        if (csi_dense_transposes(n_in, n_out) && tile->row <= CSI_DENSE_FEW) {
            dense_transposed_gradient(tile, n_in, n_out);
        } else {
            batch_outer(tile->row, n_in, tile->x, n_out, tile->v, 1, tile->pbar);
        }
        if (!tile->layer->no_bias) {
            batch_row_sums(tile->row, n_out, tile->v, 1, tile->pbar + n_in * n_out);
        }
    }
    if (tile->xbar != NULL) {
        const batch_terms terms = {
            .n_term = n_out, .row = tile->row, .term_stride = n_in, .sum_stride = 1, .rows = tile->v};
        for (size_t j = 0; j < n_in;) {
            j += dense_sums(n_in - j, &terms, tile->p + j, NULL, tile->xbar + j * tile->row);
        }
    }
    return COSTATE_OK;
}

#endif
