/* SPDX-License-Identifier: MIT */
/*
 * The three products of a dense layer over a matrix of m contiguous vectors of length n, M[k·n + i]:
 *
 *   combine   out_i = init_i + Σ_k c_k M[k·n + i]      (W x of a column-major W, Wᵀ d of a row-major one)
 *   dots      out_k = init_k + Σ_i M[k·n + i] a_i      (W x of a row-major W, Wᵀ d of a column-major one)
 *   update    Mbar[k·n + i] += scale c_k a_i           (the weight gradient, fused with either)
 *
 * `product` and `update` choose the halves and are compile-time constants. Every access stops at the last element. The order of every sum depends
 * on n and m alone, never on how many accumulators a variant keeps.
 */
#ifndef CSI_LINEAR_H
#define CSI_LINEAR_H

#include "nn/kernels/part.h"

/* The operands of one product; which of them are used follows from `product` and `update`. */
typedef struct operands {
    size_t n, m;
    const real *matrix;
    const real *c, *a;
    const real *init; /* NULL for zero */
    real *out;
    bool room; /* out has room for a whole last vector: one store, which forwards to a later load as several do not */
    real scale;
    real *mbar;
} operands;

/*
 * Which halves of a product are wanted; PRODUCT_TANH and PRODUCT_RELU pass it through tanh (fast) and relu on the way out, which saves the most common
 * layers a trip through memory.
 */
typedef enum product_kind { PRODUCT, PRODUCT_TANH, PRODUCT_RELU, UPDATE, BOTH, N_KIND } product_kind;

/* The kind of product that includes the activation; PRODUCT where none does. */
INLINE product_kind product_kind_of(costate_act act, bool accurate) {
    return act == COSTATE_ACT_TANH && !accurate ? PRODUCT_TANH : act == COSTATE_ACT_RELU ? PRODUCT_RELU : PRODUCT;
}

INLINE vreal product_value(product_kind kind, vreal z) {
    return kind == PRODUCT_TANH ? tanh_fast(z) : kind == PRODUCT_RELU ? v_max(v_zero(), z) : z;
}

/* `width` vectors from element i on, of which the last may be partial. */
INLINE void combine_block(size_t width, product_kind kind, const operands *o, size_t i) {
    const bool product = kind != UPDATE, update = kind == UPDATE || kind == BOTH;
    vreal sum[VBLOCK], factor[VBLOCK];
    const size_t n = o->n, end = (width - 1) * VLANES, left = n - i - end;
    const vmask mask = v_mask(left);
    const bool whole = left >= VLANES;
    const real *init = o->init == NULL ? NULL : o->init + i, *a = update ? o->a + i : NULL;
    UNROLL for (size_t w = 0; w < width; w++) {
        const bool last = w + 1 == width;
        const size_t at = w * VLANES;
        sum[w] = !product || init == NULL ? v_zero() : last ? load_end(init + at, whole, mask) : v_load(init + at);
        factor[w] = !update ? v_zero() : last ? load_end(a + at, whole, mask) : v_load(a + at);
    }
    const real *q = product ? o->matrix + i : NULL, *c = o->c;
    real *qbar = update ? o->mbar + i : NULL, *out = product ? o->out + i : NULL;
    const real scale = o->scale;
    const bool whole_out = whole || o->room;
    for (size_t k = o->m; k > 0; k--, c++) {
        const vreal ck = v_set1(*c), sk = v_set1(scale * *c);
        UNROLL for (size_t w = 0; w < width; w++) {
            const bool last = w + 1 == width;
            const size_t at = w * VLANES;
            if (product) {
                sum[w] = v_fma(last ? load_end(q + at, whole, mask) : v_load(q + at), ck, sum[w]);
            }
            if (update) {
                const vreal old = last ? load_end(qbar + at, whole, mask) : v_load(qbar + at);
                store_part(qbar + at, last ? left : VLANES, v_fma(sk, factor[w], old));
            }
        }
        q = product ? q + n : NULL;
        qbar = update ? qbar + n : NULL;
    }
    UNROLL for (size_t w = 0; product && w < width; w++) {
        sum[w] = product_value(kind, sum[w]);
        store_part(out + w * VLANES, w + 1 < width || whole_out ? VLANES : left, sum[w]);
    }
}

/* One function per width and kind, for the compiler to give each its own loop variables. */
typedef void combine_fn(const operands *o, size_t i);
#define COMBINE(name, width, kind)                                                                                     \
    static OUTLINE void combine_##name##_##width(const operands *o, size_t i) { combine_block(width, kind, o, i); }
#define COMBINE_KINDS(width)                                                                                           \
    COMBINE(product, width, PRODUCT)                                                                                   \
    COMBINE(tanh, width, PRODUCT_TANH)                                                                                 \
    COMBINE(relu, width, PRODUCT_RELU)                                                                                 \
    COMBINE(update, width, UPDATE)                                                                                     \
    COMBINE(both, width, BOTH)
#if VBLOCK == 8
#define EACH_WIDTH(X)                                                                                                  \
    X(1)                                                                                                               \
    X(2)                                                                                                               \
    X(3)                                                                                                               \
    X(4)                                                                                                               \
    X(5)                                                                                                               \
    X(6)                                                                                                               \
    X(7)                                                                                                               \
    X(8)
#else
#define EACH_WIDTH(X)                                                                                                  \
    X(1)                                                                                                               \
    X(2)                                                                                                               \
    X(3)                                                                                                               \
    X(4)
#endif
EACH_WIDTH(COMBINE_KINDS)
#undef COMBINE_KINDS
#undef COMBINE
#define PRODUCT_ENTRY(width) combine_product_##width,
#define TANH_ENTRY(width) combine_tanh_##width,
#define RELU_ENTRY(width) combine_relu_##width,
#define UPDATE_ENTRY(width) combine_update_##width,
#define BOTH_ENTRY(width) combine_both_##width,
static combine_fn *const combine_blocks[N_KIND][VBLOCK] = {{EACH_WIDTH(PRODUCT_ENTRY)},
                                                           {EACH_WIDTH(TANH_ENTRY)},
                                                           {EACH_WIDTH(RELU_ENTRY)},
                                                           {EACH_WIDTH(UPDATE_ENTRY)},
                                                           {EACH_WIDTH(BOTH_ENTRY)}};
#undef PRODUCT_ENTRY
#undef TANH_ENTRY
#undef RELU_ENTRY
#undef UPDATE_ENTRY
#undef BOTH_ENTRY

static OUTLINE void combine(product_kind kind, const operands *o) {
    for (size_t i = 0; i < o->n; i += VBLOCK * VLANES) {
        const size_t width = (o->n - i + VLANES - 1) / VLANES;
        combine_blocks[kind][(width < VBLOCK ? width : VBLOCK) - 1](o, i);
    }
}

/* One vector of each of `width` columns n apart: sum[w] += M·a, Mbar += sk[w]·a. */
INLINE void dots_step(size_t width, bool product, bool update, const real *q, real *qbar, size_t n, bool masked,
                      size_t left, vmask mask, vreal a, const vreal *sk, vreal *sum) {
    UNROLL for (size_t w = 0; w < width; w++) {
        if (product) {
            sum[w] = v_fma(masked ? v_load_mask(q + w * n, mask) : v_load(q + w * n), a, sum[w]);
        }
        if (update) {
            const vreal old = masked ? v_load_mask(qbar + w * n, mask) : v_load(qbar + w * n);
            store_part(qbar + w * n, masked ? left : VLANES, v_fma(sk[w], a, old));
        }
    }
}

/* `width` columns from k on, with sums of their own over vectors of even and of odd index, which hides the latency of the fused multiply-add. */
INLINE vquad dots_panel(size_t width, bool product, bool update, const operands *o, size_t k) {
    vreal even[4], odd[4], sk[4];
    UNROLL for (size_t w = 0; w < 4; w++) {
        even[w] = odd[w] = v_zero();
        sk[w] = update && w < width ? v_set1(o->scale * o->c[k + w]) : v_zero();
    }
    const size_t n = o->n;
    const real *q = product ? o->matrix + k * n : NULL, *a = o->a;
    real *qbar = update ? o->mbar + k * n : NULL;
    size_t left = n;
    /* At least one element is left for the masked steps. */
    for (; left > 2 * VLANES; left -= 2 * VLANES) {
        dots_step(width, product, update, q, qbar, n, false, 0, v_mask(0), v_load(a), sk, even);
        dots_step(width, product, update, product ? q + VLANES : NULL, update ? qbar + VLANES : NULL, n, false, 0,
                  v_mask(0), v_load(a + VLANES), sk, odd);
        a += 2 * VLANES;
        q = product ? q + 2 * VLANES : NULL;
        qbar = update ? qbar + 2 * VLANES : NULL;
    }
    if (left > VLANES) {
        const vmask mask = v_mask(left - VLANES);
        dots_step(width, product, update, q, qbar, n, false, 0, v_mask(0), v_load(a), sk, even);
        dots_step(width, product, update, product ? q + VLANES : NULL, update ? qbar + VLANES : NULL, n, true,
                  left - VLANES, mask, v_load_mask(a + VLANES, mask), sk, odd);
    } else {
        const vmask mask = v_mask(left);
        dots_step(width, product, update, q, qbar, n, true, left, mask, v_load_mask(a, mask), sk, even);
    }
    UNROLL for (size_t w = 0; w < width; w++) { even[w] = v_add(even[w], odd[w]); }
    return product ? v_sum4(even[0], even[1], even[2], even[3]) : v_quad_zero();
}

typedef vquad panel_fn(const operands *o, size_t k);
#define PANEL(width)                                                                                                   \
    static OUTLINE vquad dots_product_##width(const operands *o, size_t k) {                                           \
        return dots_panel(width, true, false, o, k);                                                                   \
    }                                                                                                                  \
    static OUTLINE vquad dots_update_##width(const operands *o, size_t k) {                                            \
        return dots_panel(width, false, true, o, k);                                                                   \
    }                                                                                                                  \
    static OUTLINE vquad dots_both_##width(const operands *o, size_t k) { return dots_panel(width, true, true, o, k); }
PANEL(1)
PANEL(2)
PANEL(3)
PANEL(4)
#undef PANEL
static panel_fn *const dots_panels[N_KIND][4] = {{dots_product_1, dots_product_2, dots_product_3, dots_product_4},
                                                 {dots_product_1, dots_product_2, dots_product_3, dots_product_4},
                                                 {dots_product_1, dots_product_2, dots_product_3, dots_product_4},
                                                 {dots_update_1, dots_update_2, dots_update_3, dots_update_4},
                                                 {dots_both_1, dots_both_2, dots_both_3, dots_both_4}};

/* Four columns, or as many as there are, from k on. */
INLINE vquad dots_quad(product_kind kind, const operands *o, size_t k) {
    const size_t left = o->m - k;
    return dots_panels[kind][(left < 4 ? left : 4) - 1](o, k);
}

static OUTLINE void dots(product_kind kind, const operands *o) {
    for (size_t k = 0; k < o->m; k += VLANES) {
        const size_t left = o->m - k;
        vreal sum;
        if (left <= 4) {
            sum = v_extend(dots_quad(kind, o, k));
        } else {
            vquad quad[VLANES / 4];
            for (size_t q = 0; q < VLANES / 4; q++) {
                quad[q] = 4 * q < left ? dots_quad(kind, o, k + 4 * q) : v_quad_zero();
            }
            sum = v_quads(quad);
        }
        if (kind != UPDATE) {
            sum = o->init == NULL ? sum : v_add(load_part(o->init + k, left), sum);
            store_part(o->out + k, o->room ? VLANES : left, product_value(kind, sum));
        }
    }
}

#endif
