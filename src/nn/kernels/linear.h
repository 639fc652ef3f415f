/* SPDX-License-Identifier: MIT */
/*
 * The three products of a dense layer over a matrix of m contiguous vectors of length n, M[k·n + i]:
 *
 *   combine   out_i = init_i + Σ_k c_k M[k·n + i]      (W x of a column-major W, Wᵀ d of a row-major one)
 *   dots      out_k = init_k + Σ_i M[k·n + i] a_i      (W x of a row-major W, Wᵀ d of a column-major one)
 *   update    Mbar[k·n + i] += scale c_k a_i           (the weight gradient, fused with either)
 *
 * `product` and `update` choose the halves and are compile-time constants, as is `padded`: a and out are workspace vectors, readable and writable up to
 * a whole vector and zero beyond n. Without it every access stops at the last element. The order of every sum depends on n and m alone, never on how
 * many accumulators a variant keeps.
 */
#ifndef CSI_LINEAR_H
#define CSI_LINEAR_H

#include "nn/kernels/activation.h"

INLINE void store_part(real *q, size_t left, bool padded, vreal a) {
    if (left >= VLANES) {
        v_store(q, a);
    } else if (padded) {
        v_store(q, v_keep(v_mask(left), a));
    } else {
        v_store_mask(q, v_mask(left), a);
    }
}

/* q += c·a over the first lanes. */
INLINE void add_part(real *q, bool whole, vmask mask, vreal c, vreal a) {
    if (whole) {
        v_store(q, v_fma(c, a, v_load(q)));
    } else {
        v_store_mask(q, mask, v_fma(c, a, v_load_mask(q, mask)));
    }
}

/* `width` vectors from element i on; the last one may be partial. */
INLINE void combine_block(int width, bool product, bool update, bool padded, size_t n, size_t m, const real *matrix,
                          const real *c, const real *init, real *out, const real *a, real scale, real *mbar, size_t i) {
    vreal sum[VBLOCK], factor[VBLOCK];
    const size_t last = n - i - (size_t)(width - 1) * VLANES;
    const vmask mask = v_mask(last);
    for (int w = 0; w < width; w++) {
        const size_t at = i + (size_t)w * VLANES;
        const bool whole = w < width - 1 || last >= VLANES;
        if (product) {
            sum[w] = init == NULL ? v_zero() : whole ? v_load(init + at) : v_load_mask(init + at, mask);
        }
        if (update) {
            factor[w] = padded || whole ? v_load(a + at) : v_load_mask(a + at, mask);
        }
    }
    for (size_t k = 0; k < m; k++) {
        const vreal ck = v_set1(c[k]);
        const vreal sk = v_set1(scale * c[k]);
        for (int w = 0; w < width; w++) {
            const size_t at = k * n + i + (size_t)w * VLANES;
            const bool whole = w < width - 1 || last >= VLANES;
            if (product) {
                sum[w] = v_fma(whole ? v_load(matrix + at) : v_load_mask(matrix + at, mask), ck, sum[w]);
            }
            if (update) {
                add_part(mbar + at, whole, mask, sk, factor[w]);
            }
        }
    }
    if (product) {
        for (int w = 0; w < width; w++) {
            const size_t at = i + (size_t)w * VLANES;
            store_part(out + at, n - at, padded, sum[w]);
        }
    }
}

INLINE void combine(bool product, bool update, bool padded, size_t n, size_t m, const real *matrix, const real *c,
                    const real *init, real *out, const real *a, real scale, real *mbar) {
    size_t i = 0;
    for (; n - i >= VBLOCK * VLANES; i += VBLOCK * VLANES) {
        combine_block(VBLOCK, product, update, padded, n, m, matrix, c, init, out, a, scale, mbar, i);
    }
#if VBLOCK > 4
    if (n - i > 3 * VLANES) {
        combine_block(4, product, update, padded, n, m, matrix, c, init, out, a, scale, mbar, i);
        i = n - i > 4 * VLANES ? i + 4 * VLANES : n;
    }
#endif
    while (n - i > VLANES) {
        combine_block(2, product, update, padded, n, m, matrix, c, init, out, a, scale, mbar, i);
        i = n - i > 2 * VLANES ? i + 2 * VLANES : n;
    }
    if (i < n) {
        combine_block(1, product, update, padded, n, m, matrix, c, init, out, a, scale, mbar, i);
    }
}

/* The vectors at element i of `width` columns: sum[w] += M·a, Mbar += sk[w]·a. */
INLINE void dots_step(int width, bool product, bool update, size_t n, const real *matrix, vreal ai, bool whole,
                      vmask mask, const vreal *sk, real *mbar, size_t i, vreal *sum) {
    for (int w = 0; w < width; w++) {
        const size_t at = (size_t)w * n + i;
        if (product) {
            sum[w] = v_fma(whole ? v_load(matrix + at) : v_load_mask(matrix + at, mask), ai, sum[w]);
        }
        if (update) {
            add_part(mbar + at, whole, mask, sk[w], ai);
        }
    }
}

/* `width` ≤ 4 columns, with sums of their own over vectors of even and of odd index, which hides the latency of the fused multiply-add. */
INLINE vquad dots_panel(int width, bool product, bool update, bool padded, size_t n, const real *matrix, const real *a,
                        const real *c, real scale, real *mbar) {
    vreal even[4], odd[4], sk[4];
    for (int w = 0; w < 4; w++) {
        even[w] = odd[w] = v_zero();
        sk[w] = update && w < width ? v_set1(scale * c[w]) : v_zero();
    }
    size_t i = 0;
    for (; n - i >= 2 * VLANES; i += 2 * VLANES) {
        dots_step(width, product, update, n, matrix, v_load(a + i), true, v_mask(VLANES), sk, mbar, i, even);
        dots_step(width, product, update, n, matrix, v_load(a + i + VLANES), true, v_mask(VLANES), sk, mbar, i + VLANES, odd);
    }
    vreal *next = even;
    if (n - i >= VLANES) {
        dots_step(width, product, update, n, matrix, v_load(a + i), true, v_mask(VLANES), sk, mbar, i, even);
        i += VLANES;
        next = odd;
    }
    if (i < n) {
        const vmask mask = v_mask(n - i);
        const vreal ai = padded ? v_load(a + i) : v_load_mask(a + i, mask);
        if (next == even) {
            dots_step(width, product, update, n, matrix, ai, false, mask, sk, mbar, i, even);
        } else {
            dots_step(width, product, update, n, matrix, ai, false, mask, sk, mbar, i, odd);
        }
    }
    return v_sum4(v_add(even[0], odd[0]), v_add(even[1], odd[1]), v_add(even[2], odd[2]), v_add(even[3], odd[3]));
}

INLINE vquad dots_quad(size_t count, bool product, bool update, bool padded, size_t n, const real *matrix,
                       const real *a, const real *c, real scale, real *mbar) {
    switch (count) {
    case 1: return dots_panel(1, product, update, padded, n, matrix, a, c, scale, mbar);
    case 2: return dots_panel(2, product, update, padded, n, matrix, a, c, scale, mbar);
    case 3: return dots_panel(3, product, update, padded, n, matrix, a, c, scale, mbar);
    default: return dots_panel(4, product, update, padded, n, matrix, a, c, scale, mbar);
    }
}

INLINE void dots(bool product, bool update, bool padded, size_t n, size_t m, const real *matrix, const real *a,
                 const real *init, real *out, const real *c, real scale, real *mbar) {
    for (size_t k = 0; k < m; k += VLANES) {
        vquad quad[VLANES / 4];
        for (size_t q = 0; q < VLANES / 4; q++) {
            const size_t at = k + 4 * q;
            quad[q] = v_quad_zero();
            if (at < m) {
                quad[q] = dots_quad(m - at, product, update, padded, n, product ? matrix + at * n : NULL, a,
                                    update ? c + at : NULL, scale, update ? mbar + at * n : NULL);
            }
        }
        if (product) {
            const size_t left = m - k;
            const vreal sum = v_quads(quad);
            store_part(out + k, left, padded, init == NULL ? sum : v_add(v_load_mask(init + k, v_mask(left)), sum));
        }
    }
}

#endif
