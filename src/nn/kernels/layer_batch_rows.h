/* SPDX-License-Identifier: MIT */
/*
 * A dense layer with its weights by row for n samples that lie one after the other, y_s = act(W x_s + b).
 *
 * Dots of four rows with some samples at once, each in the order of linear.h's dots.
 */
#ifndef CSI_LAYER_BATCH_ROWS_H
#define CSI_LAYER_BATCH_ROWS_H

#include "nn/kernels/layer_batch.h"

#if defined(CSI_ISA_AVX512)
#define ROWS_COUNT 3
#else
#define ROWS_COUNT 1
#endif

/* Samples that meet a row before the next: their x stays in the cache near the core. */
#define ROWS_CHUNK ((size_t)24)

/* sum += rows q · samples x, one vector of each; `masked` that it is partial. */
INLINE void rows_step(size_t width, size_t count, const layer_batch *o, const real *q, const real *x, bool masked,
                      vmask mask, vreal sum[ROWS_COUNT][4]) {
    vreal xc[ROWS_COUNT];
    UNROLL for (size_t c = 0; c < count; c++) {
        xc[c] = masked ? v_load_mask(x + c * o->n_in, mask) : v_load(x + c * o->n_in);
    }
    UNROLL for (size_t w = 0; w < width; w++) {
        const vreal weight = masked ? v_load_mask(q + w * o->n_in, mask) : v_load(q + w * o->n_in);
        UNROLL for (size_t c = 0; c < count; c++) { sum[c][w] = v_fma(weight, xc[c], sum[c][w]); }
    }
}

/* `width` outputs from i on of `count` samples from s on, before the activation. */
INLINE void rows_block(size_t width, size_t count, const layer_batch *o, size_t i, size_t s) {
    vreal even[ROWS_COUNT][4], odd[ROWS_COUNT][4];
    UNROLL for (size_t c = 0; c < count; c++) {
        UNROLL for (size_t w = 0; w < 4; w++) { even[c][w] = odd[c][w] = v_zero(); }
    }
    const real *q = o->weight + i * o->n_in, *x = o->x + s * o->n_in;
    size_t left = o->n_in;
    for (; left > 2 * VLANES; left -= 2 * VLANES, q += 2 * VLANES, x += 2 * VLANES) {
        rows_step(width, count, o, q, x, false, v_mask(0), even);
        rows_step(width, count, o, q + VLANES, x + VLANES, false, v_mask(0), odd);
    }
    if (left > VLANES) {
        rows_step(width, count, o, q, x, false, v_mask(0), even);
        rows_step(width, count, o, q + VLANES, x + VLANES, true, v_mask(left - VLANES), odd);
    } else {
        rows_step(width, count, o, q, x, true, v_mask(left), even);
    }
    const vreal bias = o->bias == NULL ? v_zero() : v_load_mask(o->bias + i, v_mask(width));
    UNROLL for (size_t c = 0; c < count; c++) {
        UNROLL for (size_t w = 0; w < width; w++) { even[c][w] = v_add(even[c][w], odd[c][w]); }
        const vreal sum = v_extend(v_sum4(even[c][0], even[c][1], even[c][2], even[c][3]));
        v_store_first(o->y + (s + c) * o->n_out + i, width, o->bias == NULL ? sum : v_add(bias, sum));
    }
}

typedef void rows_fn(const layer_batch *o, size_t i, size_t s);
#define BLOCK(width, count)                                                                                            \
    static OUTLINE void rows_block_##width##_##count(const layer_batch *o, size_t i, size_t s) {                       \
        rows_block(width, count, o, i, s);                                                                             \
    }
#define WIDTHS(X, count)                                                                                               \
    X(1, count)                                                                                                        \
    X(2, count)                                                                                                        \
    X(3, count)                                                                                                        \
    X(4, count)
#define ENTRY(width, count) rows_block_##width##_##count,
WIDTHS(BLOCK, 1)
#if ROWS_COUNT == 3
WIDTHS(BLOCK, 2)
WIDTHS(BLOCK, 3)
static rows_fn *const rows_blocks[ROWS_COUNT][4] = {{WIDTHS(ENTRY, 1)}, {WIDTHS(ENTRY, 2)}, {WIDTHS(ENTRY, 3)}};
#else
static rows_fn *const rows_blocks[ROWS_COUNT][4] = {{WIDTHS(ENTRY, 1)}};
#endif
#undef ENTRY
#undef WIDTHS
#undef BLOCK

static void layer_batch_by_row(const layer_batch *o) {
    for (size_t begin = 0; begin < o->n; begin += ROWS_CHUNK) {
        const size_t end = o->n - begin < ROWS_CHUNK ? o->n : begin + ROWS_CHUNK;
        for (size_t i = 0; i < o->n_out; i += 4) {
            const size_t width = o->n_out - i < 4 ? o->n_out - i : 4;
            for (size_t s = begin; s < end; s += ROWS_COUNT) {
                rows_blocks[(end - s < ROWS_COUNT ? end - s : ROWS_COUNT) - 1][width - 1](o, i, s);
            }
        }
        if (o->act != COSTATE_ACT_IDENTITY) {
            real *y = o->y + begin * o->n_out;
            act_forward[o->act][o->accurate]((end - begin) * o->n_out, y, y);
        }
    }
}

#endif
