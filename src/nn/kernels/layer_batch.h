/* SPDX-License-Identifier: MIT */
/*
 * A dense layer with its weights by column for n samples that lie one after the other, y_s = act(W x_s + b).
 *
 * Lanes along the outputs: a block is some vectors of W's rows by some samples, whose elements of x are broadcast from
 * where they lie, so that nothing is packed. Every sum runs in the order of linear.h's combine.
 */
#ifndef CSI_LAYER_BATCH_H
#define CSI_LAYER_BATCH_H

#include "nn/kernels/act_pass.h"

/* A block's vectors of outputs at most, its samples by the number of these, and its vectors altogether. */
#if defined(CSI_ISA_AVX512)
#define LAYER_WIDTH 4
#define LAYER_COUNT 12
#define LAYER_COUNTS                                                                                                   \
    { LAYER_COUNT, LAYER_COUNT, 6, 6 }
#define LAYER_VECTORS ((size_t)24)
#define LAYER_UNROLL _Pragma("GCC unroll 12")
#else
#define LAYER_WIDTH 1
#define LAYER_COUNT 6
#define LAYER_COUNTS                                                                                                   \
    { LAYER_COUNT }
#define LAYER_VECTORS ((size_t)6)
#define LAYER_UNROLL UNROLL
#endif

static const size_t layer_counts[LAYER_WIDTH] = LAYER_COUNTS;

/* One or two rows beyond whole vectors are dots with x when they have these many elements, in vectors. */
#define LAYER_DOTS_LEAST ((size_t)1)
#define LAYER_DOTS_MOST ((size_t)16)

/* Columns of W that all samples meet before the next ones do, their sums waiting in y. */
#define LAYER_TERMS ((size_t)128)

typedef struct layer_batch {
    size_t n_in, n_out, n;
    size_t n_row;  /* outputs that the blocks give */
    size_t n_term; /* columns whose products they add */
    bool resumed;  /* to what y holds */
    const real *weight, *bias, *x;
    real *y;
    costate_act act;
    bool accurate;
    bool pass;  /* the activation takes a pass */
    real least; /* otherwise it is max(z, least) */
    real *z;    /* room for a block, for the pass */
} layer_batch;

INLINE bool layer_is_max(costate_act act) { return act == COSTATE_ACT_IDENTITY || act == COSTATE_ACT_RELU; }

/* Activation and stores of a block whose values are in o->z, sample by sample. */
static OUTLINE void layer_block_pass(const layer_batch *o, size_t width, size_t count, size_t i, size_t s) {
    const real *z = o->z;
    act_forward[o->act][o->accurate](count * width * VLANES, z, o->z);
    real *y = o->y + s * o->n_out + i;
    for (size_t c = 0; c < count; c++, y += o->n_out) {
        for (size_t w = 0; w < width; w++, z += VLANES) {
            store_part(y + w * VLANES, o->n_row - i - w * VLANES, v_load(z));
        }
    }
}

/*
 * `width` vectors of outputs from i on, of which the last may be partial, of `count` samples from s on. A last vector
 * is stored whole where y goes on: what it overwrites is the beginning of later samples, which come later.
 */
INLINE void layer_block(size_t width, size_t count, const layer_batch *o, size_t i, size_t s) {
    vreal sum[LAYER_COUNT][LAYER_WIDTH];
    const size_t n_in = o->n_in, n_out = o->n_out, end = (width - 1) * VLANES, left = o->n_row - i - end;
    const vmask mask = v_mask(left);
    const bool whole = left >= VLANES;
    real *y = o->y + s * n_out + i;
    const real *bias = o->bias == NULL ? NULL : o->bias + i;
    UNROLL for (size_t w = 0; w < width; w++) {
        const real *at = bias == NULL ? NULL : bias + w * VLANES;
        const vreal init = bias == NULL ? v_zero() : w + 1 == width ? load_end(at, whole, mask) : v_load(at);
        LAYER_UNROLL for (size_t c = 0; c < count; c++) { sum[c][w] = init; }
    }
    if (o->resumed) {
        LAYER_UNROLL for (size_t c = 0; c < count; c++) {
            UNROLL for (size_t w = 0; w < width; w++) {
                const real *at = y + c * n_out + w * VLANES;
                sum[c][w] = w + 1 == width ? load_end(at, whole, mask) : v_load(at);
            }
        }
    }
    /* Three samples to a pointer leave registers for the loop. */
    const real *q = o->weight + i, *x[LAYER_COUNT / 3];
    LAYER_UNROLL for (size_t c = 0; c < count; c += 3) { x[c / 3] = o->x + (s + c) * n_in; }
    for (size_t k = o->n_term; k > 0; k--, q += n_out) {
        vreal column[LAYER_WIDTH];
        UNROLL for (size_t w = 0; w < width; w++) {
            column[w] = w + 1 == width ? load_end(q + end, whole, mask) : v_load(q + w * VLANES);
        }
        LAYER_UNROLL for (size_t c = 0; c < count; c++) {
            const vreal xc = v_set1(x[c / 3][c % 3 * n_in]);
            UNROLL for (size_t w = 0; w < width; w++) { sum[c][w] = v_fma(column[w], xc, sum[c][w]); }
        }
        LAYER_UNROLL for (size_t c = 0; c < count; c += 3) { x[c / 3]++; }
    }
    if (o->pass) {
        LAYER_UNROLL for (size_t c = 0; c < count; c++) {
            UNROLL for (size_t w = 0; w < width; w++) { v_store(o->z + (c * width + w) * VLANES, sum[c][w]); }
        }
        layer_block_pass(o, width, count, i, s);
        return;
    }
    const vreal least = v_set1(o->least);
    size_t rest = (o->n - s) * n_out - i - end;
    const bool at_end = rest < (count - 1) * n_out + VLANES;
    LAYER_UNROLL for (size_t c = 0; c < count; c++, y += n_out, rest -= n_out) {
        UNROLL for (size_t w = 0; w < width; w++) {
            const vreal value = v_max(least, sum[c][w]);
            if (w + 1 < width || !at_end) {
                v_store(y + w * VLANES, value);
            } else {
                store_end(y + w * VLANES, rest, value);
            }
        }
    }
}

/* One function per size of block. */
typedef void layer_block_fn(const layer_batch *o, size_t i, size_t s);
#define BLOCK(width, count)                                                                                            \
    static OUTLINE void layer_block_##width##_##count(const layer_batch *o, size_t i, size_t s) {                      \
        layer_block(width, count, o, i, s);                                                                            \
    }
#define UP_TO_6(X, width)                                                                                              \
    X(width, 1)                                                                                                        \
    X(width, 2)                                                                                                        \
    X(width, 3)                                                                                                        \
    X(width, 4)                                                                                                        \
    X(width, 5)                                                                                                        \
    X(width, 6)
#define UP_TO_12(X, width)                                                                                             \
    UP_TO_6(X, width) X(width, 7)                                                                                      \
    X(width, 8)                                                                                                        \
    X(width, 9)                                                                                                        \
    X(width, 10)                                                                                                       \
    X(width, 11)                                                                                                       \
    X(width, 12)
#define ENTRY(width, count) layer_block_##width##_##count,
#if LAYER_WIDTH == 4
UP_TO_12(BLOCK, 1)
UP_TO_12(BLOCK, 2)
UP_TO_6(BLOCK, 3)
UP_TO_6(BLOCK, 4)
static layer_block_fn *const layer_blocks[LAYER_WIDTH][LAYER_COUNT] = {
    {UP_TO_12(ENTRY, 1)}, {UP_TO_12(ENTRY, 2)}, {UP_TO_6(ENTRY, 3)}, {UP_TO_6(ENTRY, 4)}};
#else
UP_TO_6(BLOCK, 1)
static layer_block_fn *const layer_blocks[LAYER_WIDTH][LAYER_COUNT] = {{UP_TO_6(ENTRY, 1)}};
#endif
#undef ENTRY
#undef UP_TO_12
#undef UP_TO_6
#undef BLOCK

/* Vectors of the next block when `left` are to be done: no narrow one at the end where two of three do. */
static size_t layer_block_width(size_t left) {
    const size_t width = left == 5 || left == 6 ? 3 : left;
    return width < LAYER_WIDTH ? width : LAYER_WIDTH;
}

/* `width` vectors of outputs from i on, of all samples. */
static void layer_panel(const layer_batch *o, size_t width, size_t i) {
    const size_t most = layer_counts[width - 1];
    for (size_t s = 0; s < o->n;) {
        const size_t rest = o->n - s, count = rest <= most ? rest : rest < 2 * most ? (rest + 1) / 2 : most;
        layer_blocks[width - 1][count - 1](o, i, s);
        s += count;
    }
}

/* The same of a layer with more columns than LAYER_TERMS: the activation comes with the last. */
static void layer_long_panel(const layer_batch *o, size_t width, size_t i) {
    layer_batch part = *o;
    for (size_t k = 0; k < o->n_in; k += part.n_term) {
        const size_t left = o->n_in - k;
        const bool last = left <= LAYER_TERMS;
        part.n_term = last ? left : LAYER_TERMS;
        part.weight = o->weight + k * o->n_out;
        part.x = o->x + k;
        part.resumed = k > 0;
        part.pass = last && o->pass;
        part.least = last ? o->least : (real)-INFINITY;
        layer_panel(&part, width, i);
    }
}

/* From the last outputs to the first, as whole stores want it. */
static void layer_blocks_by_column(const layer_batch *o) {
    for (size_t left = (o->n_row + VLANES - 1) / VLANES; left > 0;) {
        const size_t width = layer_block_width(left);
        left -= width;
        if (o->n_term == o->n_in) {
            layer_panel(o, width, left * VLANES);
        } else {
            layer_long_panel(o, width, left * VLANES);
        }
    }
}

/* ⟨row, x_s⟩ for four samples, or as many as there are; `row` goes on with zeros. */
static OUTLINE vquad layer_dots(const layer_batch *o, const real *row, size_t s) {
    const size_t n_in = o->n_in, last = o->n - 1;
    const real *x[4];
    vreal sum[4];
    UNROLL for (size_t c = 0; c < 4; c++) {
        x[c] = o->x + (s + c < last ? s + c : last) * n_in;
        sum[c] = v_zero();
    }
    size_t k = 0;
    for (; k + VLANES < n_in; k += VLANES) {
        const vreal weight = v_load(row + k);
        UNROLL for (size_t c = 0; c < 4; c++) { sum[c] = v_fma(weight, v_load(x[c] + k), sum[c]); }
    }
    const vmask mask = v_mask(n_in - k);
    const vreal weight = v_load(row + k);
    UNROLL for (size_t c = 0; c < 4; c++) { sum[c] = v_fma(weight, v_load_mask(x[c] + k, mask), sum[c]); }
    return v_sum4(sum[0], sum[1], sum[2], sum[3]);
}

/* Output i of every sample. */
static void layer_row(const layer_batch *o, size_t i) {
    real row[LAYER_DOTS_MOST * VLANES], z[VLANES];
    const size_t n_in = o->n_in, n_out = o->n_out;
    for (size_t k = 0; k < n_in; k++) {
        row[k] = o->weight[k * n_out + i];
    }
    for (size_t k = n_in; k % VLANES > 0; k++) {
        row[k] = 0;
    }
    const vreal bias = v_set1(o->bias == NULL ? 0 : o->bias[i]), least = v_set1(o->least);
    for (size_t s = 0; s < o->n; s += VLANES) {
        const size_t count = o->n - s < VLANES ? o->n - s : VLANES;
        vquad quads[VLANES / 4];
        for (size_t q = 0; q < VLANES / 4; q++) {
            quads[q] = 4 * q < count ? layer_dots(o, row, s + 4 * q) : v_quad_zero();
        }
        const vreal sum = v_add(bias, v_quads(quads));
        v_store(z, o->pass ? sum : v_max(least, sum));
        if (o->pass) {
            act_forward[o->act][o->accurate](VLANES, z, z);
        }
        for (size_t c = 0; c < count; c++) {
            o->y[(s + c) * n_out + i] = z[c];
        }
    }
}

/* Outputs that the blocks give: not one or two beyond whole vectors where dots cost less. Shape alone decides. */
static size_t layer_rows_of_blocks(size_t n_in, size_t n_out) {
    const size_t few = n_out % VLANES;
    const bool dots = (few == 1 || few == 2) && n_out > VLANES && n_in >= LAYER_DOTS_LEAST * VLANES &&
                      n_in <= LAYER_DOTS_MOST * VLANES;
    return dots ? n_out - few : n_out;
}

static void layer_batch_by_column(layer_batch *o) {
    _Alignas(64) real z[LAYER_VECTORS * VLANES];
    o->z = z;
    o->n_row = layer_rows_of_blocks(o->n_in, o->n_out);
    o->n_term = o->n_in <= 2 * LAYER_TERMS ? o->n_in : LAYER_TERMS;
    layer_blocks_by_column(o);
    for (size_t i = o->n_row; i < o->n_out; i++) {
        layer_row(o, i);
    }
}

#endif
