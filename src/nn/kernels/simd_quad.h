/* SPDX-License-Identifier: MIT */
/*
 * Blocks of 4 × 4 reals in the SIMD vocabulary, for data that goes from one row per sample to one row per element.
 *
 *   v_quad_load(q)  v_quad_store(q, a)   four reals, any alignment
 *   v_quad_add(a, b)                     IEEE
 *   v_quad_transpose(block)              block[i], element j becomes block[j], element i
 */
#ifndef CSI_SIMD_QUAD_H
#define CSI_SIMD_QUAD_H

#include "nn/kernels/simd.h"

#if defined(CSI_ISA_AVX512) || defined(CSI_ISA_AVX2)
#if CSI_REAL_BITS == 64

static inline vquad v_quad_load(const real *q) { return _mm256_loadu_pd(q); }
static inline void v_quad_store(real *q, vquad a) { _mm256_storeu_pd(q, a); }
static inline vquad v_quad_add(vquad a, vquad b) { return _mm256_add_pd(a, b); }

INLINE void v_quad_transpose(vquad *block) {
    const vquad a = _mm256_unpacklo_pd(block[0], block[1]), b = _mm256_unpackhi_pd(block[0], block[1]);
    const vquad c = _mm256_unpacklo_pd(block[2], block[3]), d = _mm256_unpackhi_pd(block[2], block[3]);
    block[0] = _mm256_permute2f128_pd(a, c, 0x20);
    block[1] = _mm256_permute2f128_pd(b, d, 0x20);
    block[2] = _mm256_permute2f128_pd(a, c, 0x31);
    block[3] = _mm256_permute2f128_pd(b, d, 0x31);
}

#else

static inline vquad v_quad_load(const real *q) { return _mm_loadu_ps(q); }
static inline void v_quad_store(real *q, vquad a) { _mm_storeu_ps(q, a); }
static inline vquad v_quad_add(vquad a, vquad b) { return _mm_add_ps(a, b); }
INLINE void v_quad_transpose(vquad *block) { _MM_TRANSPOSE4_PS(block[0], block[1], block[2], block[3]); }

#endif
#else

static inline vquad v_quad_load(const real *q) { return (vquad){{q[0], q[1], q[2], q[3]}}; }
static inline void v_quad_store(real *q, vquad a) { memcpy(q, a.x, sizeof a.x); }

static inline vquad v_quad_add(vquad a, vquad b) {
    return (vquad){{a.x[0] + b.x[0], a.x[1] + b.x[1], a.x[2] + b.x[2], a.x[3] + b.x[3]}};
}

INLINE void v_quad_transpose(vquad *block) {
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < i; j++) {
            const real swapped = block[i].x[j];
            block[i].x[j] = block[j].x[i];
            block[j].x[i] = swapped;
        }
    }
}

#endif
#endif
