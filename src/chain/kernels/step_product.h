/* SPDX-License-Identifier: MIT */
/*
 * Products of a matrix with the rows of some steps of a sequence, in blocks of registers. Part of chain_kernels.c.
 *
 * The vectors of all steps are columns alike, so that a block is full even where a row is a single vector. Sums over terms
 * run in their order, sums over samples over the steps, then the vectors of a row, then the lanes by the tree of v_sum4();
 * neither depends on the shape of the block.
 */
#ifndef CSI_STEP_PRODUCT_H
#define CSI_STEP_PRODUCT_H

#include "nn/kernels/batch_product.h"

/* out(t, u) = initial + Σ_k M(k, u) in(t, k), all of them rows; strides in elements. */
typedef struct step_terms {
    size_t row, n_step, n_term, n_sum;
    size_t term_stride, sum_stride; /* from M(k, u) to M(k + 1, u) and to M(k, u + 1) */
    size_t in_term, in_step;        /* from in(t, k) to in(t, k + 1) and to in(t + 1, k) */
    size_t out_sum, out_step;       /* from out(t, u) to out(t, u + 1) and to out(t + 1, u) */
    const real *matrix, *in;
    bool adds;           /* initial is what `out` holds, … */
    const real *init[2]; /* … else the sum of element u of these, NULL for zero */
    real *out;
} step_terms;

/* Where some columns start: vector s of step t. */
typedef struct step_columns {
    size_t in[BATCH_WIDTH], out[BATCH_WIDTH];
} step_columns;

INLINE vreal step_initial(const step_terms *o, size_t u, size_t at) {
    if (o->adds) {
        return v_load(o->out + u * o->out_sum + at);
    }
    const vreal a = o->init[0] == NULL ? v_zero() : v_set1(o->init[0][u]);
    return o->init[1] == NULL ? a : v_add(a, v_set1(o->init[1][u]));
}

/* Sums `first` … first + count − 1 of `width` columns. */
INLINE void step_sum_block(size_t count, size_t width, const step_terms *o, size_t first, const step_columns *at) {
    vreal sum[VBLOCK][BATCH_WIDTH];
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = step_initial(o, first + u, at->out[w]); }
    }
    const size_t row = o->in_term, step = o->term_stride, unit = o->sum_stride;
    const real *matrix = o->matrix + first * unit;
    const real *q[BATCH_WIDTH];
    UNROLL for (size_t w = 0; w < width; w++) { q[w] = o->in + at->in[w]; }
    for (size_t k = o->n_term; k > 0; k--, matrix += step) {
        vreal x[BATCH_WIDTH];
        UNROLL for (size_t w = 0; w < width; w++) {
            x[w] = v_load(q[w]);
            q[w] += row;
        }
        UNROLL for (size_t u = 0; u < count; u++) {
            const vreal weight = v_set1(matrix[u * unit]);
            UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = v_fma(weight, x[w], sum[u][w]); }
        }
    }
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) {
            v_store(o->out + (first + u) * o->out_sum + at->out[w], sum[u][w]);
        }
    }
}

typedef void step_sum_fn(const step_terms *o, size_t first, const step_columns *at);
#define BLOCK(name, count, width)                                                                                      \
    static OUTLINE void step_sums_##name(const step_terms *o, size_t first, const step_columns *at) {                  \
        step_sum_block(count, width, o, first, at);                                                                    \
    }
BLOCK(wide_1, 1, BATCH_WIDTH)
BLOCK(wide_2, 2, BATCH_WIDTH)
BLOCK(wide_3, 3, BATCH_WIDTH)
BLOCK(wide_4, 4, BATCH_WIDTH)
BLOCK(slim_1, 1, 1)
BLOCK(slim_2, 2, 1)
BLOCK(slim_3, 3, 1)
BLOCK(slim_4, 4, 1)
BLOCK(slim_all, VBLOCK, 1)
#undef BLOCK
/* Indexed by the width, one vector or a whole block, then by the number of sums. */
static step_sum_fn *const step_sum_blocks[][BATCH_GROUP] = {
    {step_sums_slim_1, step_sums_slim_2, step_sums_slim_3, step_sums_slim_4},
    {step_sums_wide_1, step_sums_wide_2, step_sums_wide_3, step_sums_wide_4}};

static void step_sums(const step_terms *o) {
    const size_t n_vector = o->row / VLANES, n_column = o->n_step * n_vector;
    for (size_t j = 0; j < n_column;) {
        const size_t width = n_column - j < BATCH_WIDTH ? 1 : BATCH_WIDTH;
        step_columns at;
        for (size_t w = 0; w < width; w++, j++) {
            at.in[w] = j / n_vector * o->in_step + j % n_vector * VLANES;
            at.out[w] = j / n_vector * o->out_step + j % n_vector * VLANES;
        }
        size_t u = 0;
        for (; width == 1 && u + VBLOCK <= o->n_sum; u += VBLOCK) {
            step_sums_slim_all(o, u, &at);
        }
        for (; u < o->n_sum; u += BATCH_GROUP) {
            const size_t count = o->n_sum - u < BATCH_GROUP ? o->n_sum - u : BATCH_GROUP;
            step_sum_blocks[width > 1][count - 1](o, u, &at);
        }
    }
}

/* to[w·n_a + u] += Σ_t ⟨a(t, u), b(t, w)⟩ of rows; strides in elements. */
typedef struct step_factors {
    size_t row, n_step, n_a, n_b;
    size_t a_unit, a_step, b_unit, b_step; /* from one row to that of the next unit, and of the next step */
    const real *a, *b;
    real *to;
} step_factors;

INLINE void step_outer_block(size_t count, size_t width, const step_factors *o, size_t u, size_t w) {
    vreal sum[BATCH_WIDTH][BATCH_GROUP];
    UNROLL for (size_t j = 0; j < width; j++) {
        UNROLL for (size_t i = 0; i < BATCH_GROUP; i++) { sum[j][i] = v_zero(); }
    }
    const size_t row = o->row, a_unit = o->a_unit, b_unit = o->b_unit;
    const real *a = o->a + u * a_unit, *b = o->b + w * b_unit;
    for (size_t t = o->n_step; t > 0; t--, a += o->a_step, b += o->b_step) {
        for (size_t s = 0; s < row; s += VLANES) {
            vreal x[BATCH_GROUP];
            UNROLL for (size_t i = 0; i < count; i++) { x[i] = v_load(a + i * a_unit + s); }
            UNROLL for (size_t j = 0; j < width; j++) {
                const vreal y = v_load(b + j * b_unit + s);
                UNROLL for (size_t i = 0; i < count; i++) { sum[j][i] = v_fma(x[i], y, sum[j][i]); }
            }
        }
    }
    batch_add_block(count, width, sum, 1, o->n_a, o->to + w * o->n_a + u);
}

typedef void step_outer_fn(const step_factors *o, size_t w);
/* Of all a, with `width` of b. */
#define WIDTH(name, width)                                                                                             \
    static OUTLINE void step_outer_##name(const step_factors *o, size_t w) {                                           \
        size_t u = 0;                                                                                                  \
        for (; u + BATCH_GROUP <= o->n_a; u += BATCH_GROUP) {                                                          \
            step_outer_block(BATCH_GROUP, width, o, u, w);                                                             \
        }                                                                                                              \
        for (; u < o->n_a; u++) {                                                                                      \
            step_outer_block(1, width, o, u, w);                                                                       \
        }                                                                                                              \
    }
WIDTH(wide, BATCH_WIDTH)
WIDTH(slim, 1)
#undef WIDTH

static void step_outer(const step_factors *o) {
    size_t w = 0;
    for (; w + BATCH_WIDTH <= o->n_b; w += BATCH_WIDTH) {
        step_outer_wide(o, w);
    }
    for (; w < o->n_b; w++) {
        step_outer_slim(o, w);
    }
}

/* to[i] += the sum over samples and steps of row i of each step */
static void step_row_sums(size_t row, size_t n_step, size_t step, size_t n, const real *rows, real *to) {
    for (size_t i = 0; i < n; i += BATCH_GROUP) {
        const size_t count = n - i < BATCH_GROUP ? n - i : BATCH_GROUP;
        vreal sum[BATCH_GROUP] = {v_zero(), v_zero(), v_zero(), v_zero()};
        for (size_t t = 0; t < n_step; t++) {
            for (size_t u = 0; u < count; u++) {
                for (size_t s = 0; s < row; s += VLANES) {
                    sum[u] = v_add(sum[u], v_load(rows + t * step + (i + u) * row + s));
                }
            }
        }
        batch_add_sums(count, sum, 1, to + i);
    }
}

#endif
