/* SPDX-License-Identifier: MIT */
/* What the AVX2 and AVX-512 vocabularies share: the ends of stores and sums, on 256-bit halves. */
#ifndef CSI_SIMD_X86_H
#define CSI_SIMD_X86_H

#include <immintrin.h>

#if CSI_REAL_BITS == 64

static inline void x86_store_first(real *q, size_t n, __m256d low, __m256d high) {
    if (n & 4) {
        _mm256_storeu_pd(q, low);
        low = high;
        q += 4;
    }
    __m128d two = _mm256_castpd256_pd128(low);
    if (n & 2) {
        _mm_storeu_pd(q, two);
        two = _mm256_extractf128_pd(low, 1);
        q += 2;
    }
    if (n & 1) {
        _mm_store_sd(q, two);
    }
}

/* (l0 + l1) + (l2 + l3) of each argument's lanes. */
static inline __m256d x86_sum4(__m256d a, __m256d b, __m256d c, __m256d d) {
    const __m256d ab = _mm256_add_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    const __m256d cd = _mm256_add_pd(_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
    return _mm256_add_pd(_mm256_permute2f128_pd(ab, cd, 0x20), _mm256_permute2f128_pd(ab, cd, 0x31));
}

#else

static inline void x86_store_first(real *q, size_t n, __m256 low, __m256 high) {
    if (n & 8) {
        _mm256_storeu_ps(q, low);
        low = high;
        q += 8;
    }
    __m128 four = _mm256_castps256_ps128(low);
    if (n & 4) {
        _mm_storeu_ps(q, four);
        four = _mm256_extractf128_ps(low, 1);
        q += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)(void *)q, four);
        four = _mm_movehl_ps(four, four);
        q += 2;
    }
    if (n & 1) {
        _mm_store_ss(q, four);
    }
}

static inline __m128 x86_sum4(__m128 a, __m128 b, __m128 c, __m128 d) {
    _MM_TRANSPOSE4_PS(a, b, c, d);
    return _mm_add_ps(_mm_add_ps(a, b), _mm_add_ps(c, d));
}

/* The halves of 256 bits added. */
static inline __m128 x86_fold(__m256 a) { return _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1)); }

#endif
#endif
