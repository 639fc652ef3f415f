/* SPDX-License-Identifier: MIT */
/* Loads and stores of a vector that may reach beyond the end of an array. */
#ifndef CSI_PART_H
#define CSI_PART_H

#include "nn/kernels/activation.h"

/* A vector of which `left` elements exist. Where masks cost nothing there is no branch. */
INLINE vreal load_part(const real *q, size_t left) {
    return (__builtin_constant_p(left) || !V_MASK_IS_FREE) && left >= VLANES ? v_load(q) : v_load_mask(q, v_mask(left));
}

/* The same with the mask at hand; `whole` says that it is full. */
INLINE vreal load_end(const real *q, bool whole, vmask mask) {
    return !V_MASK_IS_FREE && whole ? v_load(q) : v_load_mask(q, mask);
}

INLINE void store_part(real *q, size_t left, vreal a) {
    if (left >= VLANES) {
        v_store(q, a);
    } else {
        v_store_first(q, left, a);
    }
}

/* store_part() where the array ends, so that nothing of it is masked out and its loads delayed. */
INLINE void store_end(real *q, size_t left, vreal a) {
#if defined(CSI_ISA_AVX512)
    v_store_mask(q, v_mask(left), a);
#else
    store_part(q, left, a);
#endif
}

#endif
