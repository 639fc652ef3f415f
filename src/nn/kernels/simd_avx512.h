/* SPDX-License-Identifier: MIT */
/* The SIMD vocabulary on AVX-512 (F, DQ, VL): one register per vector. */
#ifndef CSI_SIMD_AVX512_H
#define CSI_SIMD_AVX512_H

#include "nn/kernels/simd_x86.h"

#if CSI_REAL_BITS == 64
typedef __m512d vreal;
typedef __m256d vquad;
typedef __mmask8 vmask;
typedef __mmask8 vbool;
#define OP(name) _mm512_##name##_pd
#define SLEEF_CALL(name, ulp) Sleef_finz_##name##d8_##ulp##avx512f
#else
typedef __m512 vreal;
typedef __m128 vquad;
typedef __mmask16 vmask;
typedef __mmask16 vbool;
#define OP(name) _mm512_##name##_ps
#define SLEEF_CALL(name, ulp) Sleef_finz_##name##f16_##ulp##avx512f
#endif

static inline vreal v_set1(real x) { return OP(set1)(x); }
static inline vreal v_zero(void) { return OP(setzero)(); }
static inline vreal v_load(const real *q) { return OP(loadu)(q); }
static inline void v_store(real *q, vreal a) { OP(storeu)(q, a); }
static inline vmask v_mask(size_t n) { return (vmask)_bzhi_u32(0xffffu, (unsigned)(n < VLANES ? n : VLANES)); }
static inline vreal v_load_mask(const real *q, vmask m) { return OP(maskz_loadu)(m, q); }
static inline void v_store_mask(real *q, vmask m, vreal a) { OP(mask_storeu)(q, m, a); }
static inline vreal v_keep(vmask m, vreal a) { return OP(maskz_mov)(m, a); }
static inline vreal v_add(vreal a, vreal b) { return OP(add)(a, b); }
static inline vreal v_sub(vreal a, vreal b) { return OP(sub)(a, b); }
static inline vreal v_mul(vreal a, vreal b) { return OP(mul)(a, b); }
static inline vreal v_div(vreal a, vreal b) { return OP(div)(a, b); }
static inline vreal v_fma(vreal a, vreal b, vreal c) { return OP(fmadd)(a, b, c); }
static inline vreal v_fnma(vreal a, vreal b, vreal c) { return OP(fnmadd)(a, b, c); }
static inline vreal v_mul_error(vreal a, vreal b, vreal ab) { return OP(fmsub)(a, b, ab); }
static inline vreal v_min(vreal a, vreal b) { return OP(min)(a, b); }
static inline vreal v_max(vreal a, vreal b) { return OP(max)(a, b); }
static inline vreal v_abs(vreal a) { return OP(abs)(a); }
static inline vreal v_neg(vreal a) { return OP(xor)(a, v_set1(R(-0.0))); }
static inline vreal v_copysign(vreal a, vreal s) { return OP(or)(a, OP(and)(s, v_set1(R(-0.0)))); }
static inline vreal v_select(vbool c, vreal a, vreal b) { return OP(mask_blend)(c, b, a); }
static inline vreal v_ldexp(vreal a, vreal n) { return OP(scalef)(a, n); }

#if CSI_REAL_BITS == 64
static inline vbool v_less(vreal a, vreal b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
static inline vreal v_exponent(vreal t) { return _mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(t), 52)); }

static inline void v_store_first(real *q, size_t n, vreal a) {
    x86_store_first(q, n, _mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
}

static inline __m256d v_fold(vreal a) { return _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1)); }

static inline vreal v_quads(const vquad *q) { return _mm512_insertf64x4(_mm512_castpd256_pd512(q[0]), q[1], 1); }
static inline vquad v_quad_zero(void) { return _mm256_setzero_pd(); }
static inline vreal v_extend(vquad q) { return _mm512_zextpd256_pd512(q); }
#else
static inline vbool v_less(vreal a, vreal b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vreal v_exponent(vreal t) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(t), 23)); }

static inline void v_store_first(real *q, size_t n, vreal a) {
    x86_store_first(q, n, _mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
}

static inline __m128 v_fold(vreal a) {
    return x86_fold(_mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1)));
}

static inline vreal v_quads(const vquad *q) {
    const __m256 low = _mm256_set_m128(q[1], q[0]), high = _mm256_set_m128(q[3], q[2]);
    return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}
static inline vquad v_quad_zero(void) { return _mm_setzero_ps(); }
static inline vreal v_extend(vquad q) { return _mm512_zextps128_ps512(q); }
#endif

static inline vquad v_sum4(vreal a, vreal b, vreal c, vreal d) {
    return x86_sum4(v_fold(a), v_fold(b), v_fold(c), v_fold(d));
}

#if CSI_REAL_BITS == 32
/* The folds of four vectors at a time, in the order of v_fold(): lane k of the result holds that of vector k. */
static inline vreal x86_fold4(vreal a, vreal b, vreal c, vreal d) {
    const vreal ab = v_add(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    const vreal cd = v_add(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    return v_add(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
}

static inline __m512d x86_pairs(vreal a) { return _mm512_castps_pd(a); }
static inline vreal x86_low_pairs(vreal a, vreal b) {
    return _mm512_castpd_ps(_mm512_unpacklo_pd(x86_pairs(a), x86_pairs(b)));
}
static inline vreal x86_high_pairs(vreal a, vreal b) {
    return _mm512_castpd_ps(_mm512_unpackhi_pd(x86_pairs(a), x86_pairs(b)));
}

static inline void v_sum16(vreal sum[4][4], vquad *total) {
    const vreal a = x86_fold4(sum[0][0], sum[1][0], sum[2][0], sum[3][0]);
    const vreal b = x86_fold4(sum[0][1], sum[1][1], sum[2][1], sum[3][1]);
    const vreal c = x86_fold4(sum[0][2], sum[1][2], sum[2][2], sum[3][2]);
    const vreal d = x86_fold4(sum[0][3], sum[1][3], sum[2][3], sum[3][3]);
    const vreal ab01 = _mm512_unpacklo_ps(a, b), ab23 = _mm512_unpackhi_ps(a, b);
    const vreal cd01 = _mm512_unpacklo_ps(c, d), cd23 = _mm512_unpackhi_ps(c, d);
    const vreal all = v_add(v_add(x86_low_pairs(ab01, cd01), x86_high_pairs(ab01, cd01)),
                            v_add(x86_low_pairs(ab23, cd23), x86_high_pairs(ab23, cd23)));
    total[0] = _mm512_castps512_ps128(all);
    total[1] = _mm512_extractf32x4_ps(all, 1);
    total[2] = _mm512_extractf32x4_ps(all, 2);
    total[3] = _mm512_extractf32x4_ps(all, 3);
}
#else
static inline void v_sum16(vreal sum[4][4], vquad *total) {
    for (size_t w = 0; w < 4; w++) {
        total[w] = x86_sum4(v_fold(sum[w][0]), v_fold(sum[w][1]), v_fold(sum[w][2]), v_fold(sum[w][3]));
    }
}
#endif

static inline vreal v_sleef_tanh_u10(vreal a) { return SLEEF_CALL(tanh, u10)(a); }
static inline vreal v_sleef_exp_u10(vreal a) { return SLEEF_CALL(exp, u10)(a); }
static inline vreal v_sleef_expm1_u10(vreal a) { return SLEEF_CALL(expm1, u10)(a); }
static inline vreal v_sleef_log1p_u10(vreal a) { return SLEEF_CALL(log1p, u10)(a); }
static inline vreal v_sleef_erfc_u15(vreal a) { return SLEEF_CALL(erfc, u15)(a); }
static inline vreal v_sleef_sin_u10(vreal a) { return SLEEF_CALL(sin, u10)(a); }
static inline vreal v_sleef_sin_u35(vreal a) { return SLEEF_CALL(sin, u35)(a); }
static inline vreal v_sleef_cos_u10(vreal a) { return SLEEF_CALL(cos, u10)(a); }
static inline vreal v_sleef_cos_u35(vreal a) { return SLEEF_CALL(cos, u35)(a); }

#undef OP
#undef SLEEF_CALL

#endif
