/* SPDX-License-Identifier: MIT */
/* The SIMD vocabulary on AVX2 with FMA: two registers per vector. */
#ifndef CSI_SIMD_AVX2_H
#define CSI_SIMD_AVX2_H

#include "nn/kernels/simd_x86.h"

#if CSI_REAL_BITS == 64
typedef __m256d half;
typedef __m256d vquad;
#define OP(name) _mm256_##name##_pd
#define AS_INT(a) _mm256_castpd_si256(a)
#define HALF_LANES 4
#define SLEEF_CALL(name, ulp) Sleef_finz_##name##d4_##ulp##avx2
#else
typedef __m256 half;
typedef __m128 vquad;
#define OP(name) _mm256_##name##_ps
#define AS_INT(a) _mm256_castps_si256(a)
#define HALF_LANES 8
#define SLEEF_CALL(name, ulp) Sleef_finz_##name##f8_##ulp##avx2
#endif

typedef struct vreal {
    half lo, hi;
} vreal;
typedef vreal vbool;
typedef struct vmask {
    __m256i lo, hi;
} vmask;

static inline vreal v_pair(half lo, half hi) { return (vreal){lo, hi}; }
static inline vreal v_set1(real x) { return v_pair(OP(set1)(x), OP(set1)(x)); }
static inline vreal v_zero(void) { return v_pair(OP(setzero)(), OP(setzero)()); }
static inline vreal v_load(const real *q) { return v_pair(OP(loadu)(q), OP(loadu)(q + HALF_LANES)); }
static inline void v_store(real *q, vreal a) {
    OP(storeu)(q, a.lo);
    OP(storeu)(q + HALF_LANES, a.hi);
}

/* Lane k of a half is in the mask when k < n. */
static inline __m256i v_half_mask(int n) {
#if CSI_REAL_BITS == 64
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
#else
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
#endif
}

static inline vmask v_mask(size_t n) {
    const int count = n >= VLANES ? (int)VLANES : (int)n;
    return (vmask){v_half_mask(count), v_half_mask(count - HALF_LANES)};
}

/* Masked-off lanes are not accessed, so the upper half may lie beyond the caller's array. */
static inline vreal v_load_mask(const real *q, vmask m) {
    return v_pair(OP(maskload)(q, m.lo), OP(maskload)(q + HALF_LANES, m.hi));
}

#if CSI_REAL_BITS == 64
#define AS_REAL(a) _mm256_castsi256_pd(a)
#else
#define AS_REAL(a) _mm256_castsi256_ps(a)
#endif

#define BINARY(name, op)                                                                                               \
    static inline vreal name(vreal a, vreal b) { return v_pair(OP(op)(a.lo, b.lo), OP(op)(a.hi, b.hi)); }
#define TERNARY(name, op)                                                                                              \
    static inline vreal name(vreal a, vreal b, vreal c) {                                                              \
        return v_pair(OP(op)(a.lo, b.lo, c.lo), OP(op)(a.hi, b.hi, c.hi));                                             \
    }
BINARY(v_add, add)
BINARY(v_sub, sub)
BINARY(v_mul, mul)
BINARY(v_div, div)
BINARY(v_min, min)
BINARY(v_max, max)
BINARY(v_and, and)
BINARY(v_andnot, andnot)
BINARY(v_or, or)
BINARY(v_xor, xor)
TERNARY(v_fma, fmadd)
TERNARY(v_fnma, fnmadd)
TERNARY(v_mul_error, fmsub)
#undef BINARY
#undef TERNARY

static inline vreal v_keep(vmask m, vreal a) { return v_and(v_pair(AS_REAL(m.lo), AS_REAL(m.hi)), a); }
static inline vreal v_abs(vreal a) { return v_andnot(v_set1(R(-0.0)), a); }
static inline vreal v_neg(vreal a) { return v_xor(v_set1(R(-0.0)), a); }
static inline vreal v_copysign(vreal a, vreal s) { return v_or(a, v_and(v_set1(R(-0.0)), s)); }
static inline vbool v_less(vreal a, vreal b) {
    return v_pair(OP(cmp)(a.lo, b.lo, _CMP_LT_OQ), OP(cmp)(a.hi, b.hi, _CMP_LT_OQ));
}
static inline vreal v_select(vbool c, vreal a, vreal b) {
    return v_pair(OP(blendv)(b.lo, a.lo, c.lo), OP(blendv)(b.hi, a.hi, c.hi));
}

#if CSI_REAL_BITS == 64
#define SHIFT(a) AS_REAL(_mm256_slli_epi64(AS_INT(a), 52))
#define EXPONENT_MAGIC                                                                                                 \
    0x1.80000000003ffp52 /* 1.5·2⁵² + 1023: an integer added to it shows up, biased, in the low bits */
#else
#define SHIFT(a) AS_REAL(_mm256_slli_epi32(AS_INT(a), 23))
#define EXPONENT_MAGIC 0x1.8000fep23f
#endif
static inline vreal v_exponent(vreal t) { return v_pair(SHIFT(t.lo), SHIFT(t.hi)); }

/* In two factors, the first of which is exact, so that a subnormal result is rounded once. */
static inline vreal v_ldexp(vreal a, vreal n) {
    const vreal magic = v_set1(EXPONENT_MAGIC);
    const vreal t = v_fma(n, v_set1(R(0.5)), magic);
    const vreal rest = v_sub(n, v_sub(t, magic));
    return v_mul(v_mul(a, v_exponent(t)), v_exponent(v_add(rest, magic)));
}

#if CSI_REAL_BITS == 64
static inline __m256d v_fold(vreal a) { return _mm256_add_pd(a.lo, a.hi); }

static inline vreal v_quads(const vquad *q) { return v_pair(q[0], q[1]); }
static inline vquad v_quad_zero(void) { return _mm256_setzero_pd(); }
static inline vreal v_extend(vquad q) { return v_pair(q, _mm256_setzero_pd()); }
#else
static inline __m128 v_fold(vreal a) { return x86_fold(_mm256_add_ps(a.lo, a.hi)); }

static inline vreal v_quads(const vquad *q) { return v_pair(_mm256_set_m128(q[1], q[0]), _mm256_set_m128(q[3], q[2])); }
static inline vquad v_quad_zero(void) { return _mm_setzero_ps(); }
static inline vreal v_extend(vquad q) { return v_pair(_mm256_zextps128_ps256(q), _mm256_setzero_ps()); }
#endif

static inline void v_store_first(real *q, size_t n, vreal a) { x86_store_first(q, n, a.lo, a.hi); }

static inline vquad v_sum4(vreal a, vreal b, vreal c, vreal d) {
    return x86_sum4(v_fold(a), v_fold(b), v_fold(c), v_fold(d));
}

#define SLEEF(name, ulp)                                                                                               \
    static inline vreal v_sleef_##name##_##ulp(vreal a) {                                                              \
        return v_pair(SLEEF_CALL(name, ulp)(a.lo), SLEEF_CALL(name, ulp)(a.hi));                                       \
    }
SLEEF(tanh, u10)
SLEEF(exp, u10)
SLEEF(expm1, u10)
SLEEF(log1p, u10)
SLEEF(erfc, u15)
SLEEF(sin, u10)
SLEEF(sin, u35)
SLEEF(cos, u10)
SLEEF(cos, u35)
#undef SLEEF
#undef SLEEF_CALL
#undef SHIFT
#undef EXPONENT_MAGIC
#undef AS_INT
#undef AS_REAL
#undef HALF_LANES
#undef OP

#endif
