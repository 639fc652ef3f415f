/* SPDX-License-Identifier: MIT */
/*
 * A hidden layer with tanh, few inputs and few outputs (CSI_NARROW) and the product of the layer above, in one pass over its n units:
 *
 *   a_i = tanh(b_i + Σ_j x_j W[j·n + i]),   y_k = b⁺_k + Σ_i W⁺[k·n + i] a_i
 *
 * W by columns, the W⁺ of the layer above by rows. The same operations in the same order as the separate products of linear.h.
 */
#ifndef CSI_HIDDEN_FORWARD_H
#define CSI_HIDDEN_FORWARD_H

#include "nn/kernels/linear.h"

typedef struct hidden_forward_operands {
    size_t n, n_below, n_above;
    const real *below, *bias, *x;   /* W, b or NULL, and x */
    const real *above, *above_bias; /* W⁺, b⁺ or NULL */
    real *a;                        /* room for whole vectors; NULL if not wanted */
    real *y;
} hidden_forward_operands;

/* Σ_i W⁺[k·n + i] a_i so far, over vectors of even and of odd index. */
typedef struct hidden_sums {
    vreal even[CSI_NARROW], odd[CSI_NARROW];
} hidden_sums;

/* `width` vectors from unit i on, of which the last may be partial. */
INLINE void hidden_forward_block(size_t width, const hidden_forward_operands *o, size_t i, hidden_sums *sums) {
    vreal a[VBLOCK];
    const size_t n = o->n, left = n - i - (width - 1) * VLANES;
    const vmask mask = v_mask(left);
    const bool whole = left >= VLANES;
    UNROLL for (size_t w = 0; w < width; w++) {
        const real *q = o->bias == NULL ? NULL : o->bias + i + w * VLANES;
        a[w] = o->bias == NULL ? v_zero() : w + 1 == width ? load_end(q, whole, mask) : v_load(q);
    }
    const real *row = o->below + i;
    for (size_t j = 0; j < o->n_below; j++, row += n) {
        const vreal x = v_set1(o->x[j]);
        UNROLL for (size_t w = 0; w < width; w++) {
            const real *q = row + w * VLANES;
            a[w] = v_fma(w + 1 == width ? load_end(q, whole, mask) : v_load(q), x, a[w]);
        }
    }
    UNROLL for (size_t w = 0; w < width; w++) {
        a[w] = tanh_fast(a[w]);
        a[w] = w + 1 == width ? v_keep(mask, a[w]) : a[w];
    }
    for (size_t w = 0; o->a != NULL && w < width; w++) {
        v_store(o->a + i + w * VLANES, a[w]);
    }
    vreal even[CSI_NARROW], odd[CSI_NARROW];
    UNROLL for (size_t k = 0; k < CSI_NARROW; k++) {
        even[k] = i > 0 ? sums->even[k] : v_zero();
        odd[k] = i > 0 ? sums->odd[k] : v_zero();
        if (k < o->n_above) {
            row = o->above + k * n + i;
            UNROLL for (size_t w = 0; w < width; w++) {
                const real *q = row + w * VLANES;
                vreal *sum = w % 2 == 0 ? &even[k] : &odd[k];
                *sum = v_fma(w + 1 == width ? load_end(q, whole, mask) : v_load(q), a[w], *sum);
            }
        }
    }
    UNROLL for (size_t k = 0; left > VLANES && k < CSI_NARROW; k++) {
        sums->even[k] = even[k];
        sums->odd[k] = odd[k];
    }
    if (left <= VLANES) {
        UNROLL for (size_t k = 0; k < CSI_NARROW; k++) { even[k] = v_add(even[k], odd[k]); }
        const vreal y = v_extend(v_sum4(even[0], even[1], even[2], even[3]));
        const real *init = o->above_bias;
        store_part(o->y, o->n_above, init == NULL ? y : v_add(load_part(init, o->n_above), y));
    }
}

/* One function per width, as in linear.h. */
typedef void hidden_forward_fn(const hidden_forward_operands *o, size_t i, hidden_sums *sums);
#define FORWARD(width)                                                                                                 \
    static OUTLINE void hidden_forward_##width(const hidden_forward_operands *o, size_t i, hidden_sums *sums) {        \
        hidden_forward_block(width, o, i, sums);                                                                       \
    }
#define ENTRY(width) hidden_forward_##width,
EACH_WIDTH(FORWARD)
static hidden_forward_fn *const hidden_forward_blocks[VBLOCK] = {EACH_WIDTH(ENTRY)};
#undef ENTRY
#undef FORWARD

INLINE void hidden_forward(const hidden_forward_operands *o) {
    hidden_sums sums;
    for (size_t i = 0; i < o->n; i += VBLOCK * VLANES) {
        const size_t width = (o->n - i + VLANES - 1) / VLANES;
        hidden_forward_blocks[(width < VBLOCK ? width : VBLOCK) - 1](o, i, &sums);
    }
}

#endif
