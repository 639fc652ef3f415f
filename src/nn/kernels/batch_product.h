/* SPDX-License-Identifier: MIT */
/*
 * Products of a matrix of weights with rows of samples, in blocks of registers. Part of dense.c.
 *
 * A block is BATCH_GROUP sums, or elements, by BATCH_WIDTH vectors, or other elements.
 */
#ifndef CSI_BATCH_PRODUCT_H
#define CSI_BATCH_PRODUCT_H

#include "nn/kernels/part.h"

#define BATCH_GROUP ((size_t)4)
#if defined(CSI_ISA_AVX512)
#define BATCH_WIDTH ((size_t)4)
#else
#define BATCH_WIDTH ((size_t)1)
#endif

/* sum_u = init_u + Σ_k M(k, u) rows_k; strides in elements. */
typedef struct batch_terms {
    size_t n_term, row;
    size_t term_stride, sum_stride; /* from M(k, u) to M(k + 1, u) and to M(k, u + 1) */
    const real *rows;
} batch_terms;

/* `count` sums of `width` vectors from column s on. */
INLINE void batch_sum_block(size_t count, size_t width, const batch_terms *o, const real *matrix, const real *init,
                            size_t s, real *sums) {
    vreal sum[BATCH_GROUP][BATCH_WIDTH];
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = init == NULL ? v_zero() : v_set1(init[u]); }
    }
    const size_t row = o->row, step = o->term_stride, unit = o->sum_stride;
    const real *q = o->rows + s;
    for (size_t k = o->n_term; k > 0; k--, q += row, matrix += step) {
        vreal x[BATCH_WIDTH];
        UNROLL for (size_t w = 0; w < width; w++) { x[w] = v_load(q + w * VLANES); }
        UNROLL for (size_t u = 0; u < count; u++) {
            const vreal weight = v_set1(matrix[u * unit]);
            UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = v_fma(weight, x[w], sum[u][w]); }
        }
    }
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) { v_store(sums + u * row + s + w * VLANES, sum[u][w]); }
    }
}

typedef void batch_sum_fn(const batch_terms *o, const real *matrix, const real *init, real *sums);
#define COUNT(count)                                                                                                   \
    static OUTLINE void batch_sums_##count(const batch_terms *o, const real *matrix, const real *init, real *sums) {   \
        size_t s = 0;                                                                                                  \
        for (; s + BATCH_WIDTH * VLANES <= o->row; s += BATCH_WIDTH * VLANES) {                                        \
            batch_sum_block(count, BATCH_WIDTH, o, matrix, init, s, sums);                                             \
        }                                                                                                              \
        for (; s < o->row; s += VLANES) {                                                                              \
            batch_sum_block(count, 1, o, matrix, init, s, sums);                                                       \
        }                                                                                                              \
    }
COUNT(1)
COUNT(2)
COUNT(3)
COUNT(4)
#undef COUNT
static batch_sum_fn *const batch_sum_blocks[] = {batch_sums_1, batch_sums_2, batch_sums_3, batch_sums_4};

/* `count` ≤ BATCH_GROUP sums; `matrix` and `init` are at the first, and init may be NULL for zero. */
static void batch_sums(size_t count, const batch_terms *o, const real *matrix, const real *init, real *sums) {
    batch_sum_blocks[count - 1](o, matrix, init, sums);
}

/* to += scale·(the first `count` of the four sums) */
INLINE void batch_add_quad(size_t count, vquad sums, real scale, real *to) {
    v_store_first(to, count, v_fma(v_set1(scale), v_extend(sums), v_load_mask(to, v_mask(count))));
}

/* The same of the lane sums of four vectors. */
INLINE void batch_add_sums(size_t count, const vreal *sum, real scale, real *to) {
    batch_add_quad(count, v_sum4(sum[0], sum[1], sum[2], sum[3]), scale, to);
}

/* to[w·n_a + u] += scale·(the lane sum of sum[w][u]) */
INLINE void batch_add_block(size_t count, size_t width, vreal sum[BATCH_WIDTH][BATCH_GROUP], real scale, size_t n_a,
                            real *to) {
#if defined(CSI_ISA_AVX512)
    if (width == BATCH_WIDTH) {
        vquad total[BATCH_WIDTH];
        v_sum16(sum, total);
        UNROLL for (size_t w = 0; w < width; w++) { batch_add_quad(count, total[w], scale, to + w * n_a); }
        return;
    }
#endif
    UNROLL for (size_t w = 0; w < width; w++) { batch_add_sums(count, sum[w], scale, to + w * n_a); }
}

/* to[w·n_a + u] += scale·⟨a_u, b_w⟩ for `count` rows a and `width` rows b. */
INLINE void batch_outer_block(size_t count, size_t width, size_t row, const real *a, const real *b, size_t n_a,
                              real scale, real *to) {
    vreal sum[BATCH_WIDTH][BATCH_GROUP];
    UNROLL for (size_t w = 0; w < width; w++) {
        UNROLL for (size_t u = 0; u < BATCH_GROUP; u++) { sum[w][u] = v_zero(); }
    }
    for (size_t s = 0; s < row; s += VLANES) {
        vreal x[BATCH_GROUP];
        UNROLL for (size_t u = 0; u < count; u++) { x[u] = v_load(a + u * row + s); }
        UNROLL for (size_t w = 0; w < width; w++) {
            const vreal y = v_load(b + w * row + s);
            UNROLL for (size_t u = 0; u < count; u++) { sum[w][u] = v_fma(x[u], y, sum[w][u]); }
        }
    }
    batch_add_block(count, width, sum, scale, n_a, to);
}

typedef void batch_outer_fn(size_t row, const real *a, size_t n_b, const real *b, size_t n_a, real scale, real *to);
#define COUNT(count)                                                                                                   \
    static OUTLINE void batch_outer_##count(size_t row, const real *a, size_t n_b, const real *b, size_t n_a,          \
                                            real scale, real *to) {                                                    \
        size_t w = 0;                                                                                                  \
        for (; w + BATCH_WIDTH <= n_b; w += BATCH_WIDTH) {                                                             \
            batch_outer_block(count, BATCH_WIDTH, row, a, b + w * row, n_a, scale, to + w * n_a);                      \
        }                                                                                                              \
        for (; w < n_b; w++) {                                                                                         \
            batch_outer_block(count, 1, row, a, b + w * row, n_a, scale, to + w * n_a);                                \
        }                                                                                                              \
    }
COUNT(1)
COUNT(2)
COUNT(3)
COUNT(4)
#undef COUNT
static batch_outer_fn *const batch_outer_blocks[] = {batch_outer_1, batch_outer_2, batch_outer_3, batch_outer_4};

/* to[w·n_a + u] += scale·⟨a_u, b_w⟩ for n_a rows a and n_b rows b. */
static void batch_outer(size_t row, size_t n_a, const real *a, size_t n_b, const real *b, real scale, real *to) {
    for (size_t u = 0; u < n_a; u += BATCH_GROUP) {
        const size_t count = n_a - u < BATCH_GROUP ? n_a - u : BATCH_GROUP;
        batch_outer_blocks[count - 1](row, a + u * row, n_b, b, n_a, scale, to + u);
    }
}

INLINE void batch_row_group(size_t count, size_t row, const real *rows, real scale, real *to) {
    vreal sum[BATCH_GROUP] = {v_zero(), v_zero(), v_zero(), v_zero()};
    for (size_t s = 0; s < row; s += VLANES) {
        UNROLL for (size_t u = 0; u < count; u++) { sum[u] = v_add(sum[u], v_load(rows + u * row + s)); }
    }
    batch_add_sums(count, sum, scale, to);
}

/* to[i] += scale·(the sum of row i) */
static void batch_row_sums(size_t row, size_t n, const real *rows, real scale, real *to) {
    for (size_t i = 0; i < n; i += BATCH_GROUP) {
        if (n - i >= BATCH_GROUP) {
            batch_row_group(BATCH_GROUP, row, rows + i * row, scale, to + i);
        } else {
            batch_row_group(n - i, row, rows + i * row, scale, to + i);
        }
    }
}

#endif
