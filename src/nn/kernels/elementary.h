/* SPDX-License-Identifier: MIT */
/*
 * tanh, sigmoid, exp, expm1 and softplus in the SIMD vocabulary: error ≤ 4 ulp (measured: doc/kernels.md), no branches, the same bits on every FMA unit.
 *
 * All share one argument reduction, x = n ln 2 + r with |r| ≤ ln(2)/2, and one polynomial, e^r − 1 = r + r² q(r), with q by Remez
 * exchange for the relative error. log1p(e) = 2 atanh(e/(2 + e)) uses a second one.
 */
#ifndef CSI_ELEMENTARY_H
#define CSI_ELEMENTARY_H

#include "nn/kernels/simd.h"

#if CSI_REAL_BITS == 64
#define ROUND_MAGIC 0x1.80000000003ffp52 /* 1.5·2⁵² + 1023: rounds to an integer and biases it for v_exponent() */
#define LN2 0x1.62e42fefa39efp-1
#define LN2_HIGH 0x1.62e42fefa3800p-1 /* 42 bits, so that n·LN2_HIGH is exact */
#define LN2_LOW 0x1.ef35793c76730p-45
#define LOG2E 0x1.71547652b82fep+0
#define EXP_LOWEST (-746.0)  /* e^x rounds to zero below */
#define TANH_HIGHEST 20.0    /* tanh rounds to one above */
#define EXPM1_LOWEST (-40.0) /* e^x − 1 rounds to −1 below */
#else
#define ROUND_MAGIC 0x1.8000fep23f
#define LN2 0x1.62e430p-1f
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f
#define LOG2E 0x1.715476p+0f
#define EXP_LOWEST (-104.0f)
#define TANH_HIGHEST 10.0f
#define EXPM1_LOWEST (-20.0f)
#endif

/* q of e^r − 1 = r + r² q(r), Estrin's scheme for a short chain. */
static inline vreal expm1_tail(vreal r, vreal r2) {
#if CSI_REAL_BITS == 64
    const vreal a = v_fma(r, v_set1(0x1.555555555555cp-3), v_set1(0x1.0000000000005p-1));
    const vreal b = v_fma(r, v_set1(0x1.111111110e6e1p-7), v_set1(0x1.555555555210fp-5));
    const vreal c = v_fma(r, v_set1(0x1.a01a01b5d6628p-13), v_set1(0x1.6c16c17f35260p-10));
    const vreal d = v_fma(r, v_set1(0x1.71ddea050710cp-19), v_set1(0x1.a019a683f2936p-16));
    const vreal e = v_fma(r, v_set1(0x1.af76b299d2343p-26), v_set1(0x1.28a2b3b942033p-22));
    const vreal r4 = v_mul(r2, r2);
    const vreal ab = v_fma(b, r2, a), cd = v_fma(d, r2, c);
    return v_fma(v_fma(e, r4, cd), r4, ab);
#else
    const vreal a = v_fma(r, v_set1(0x1.5554b0p-3f), v_set1(0x1.000000p-1f));
    const vreal b = v_fma(r, v_set1(0x1.12281cp-7f), v_set1(0x1.555486p-5f));
    return v_fma(v_fma(r2, v_set1(0x1.6d9932p-10f), b), r2, a);
#endif
}

/* ROUND_MAGIC + n with n the integer nearest to x / ln 2; |x| must stay far below the range of n. */
static inline vreal round_exponent(vreal x) { return v_fma(x, v_set1(LOG2E), v_set1(ROUND_MAGIC)); }

/* e^r − 1 for |r| ≤ ln(2)/2 */
static inline vreal expm1_reduced(vreal r) {
    const vreal r2 = v_mul(r, r);
    return v_fma(r2, expm1_tail(r, r2), r);
}

/* e^(x − low) for x ≤ 88 (709 in f64), subnormal results included; low is a correction to x, |low| ≪ 1. */
static inline vreal exp_nonpositive(vreal x, vreal low) {
    const vreal bounded = v_max(v_set1(EXP_LOWEST), x);
    const vreal n = v_sub(round_exponent(bounded), v_set1(ROUND_MAGIC));
    const vreal r = v_sub(v_fnma(n, v_set1(LN2_LOW), v_fnma(n, v_set1(LN2_HIGH), bounded)), low);
    return v_ldexp(v_add(v_set1(1), expm1_reduced(r)), n);
}

/*
 * e^x − 1 where its relative error is not that of e^x: one constant for ln 2 is enough, since its error, n·2⁻⁵⁵, is damped by what e^x − 1 is used for (tanh: by
 * 2/(e^x − 1) for large n; x < 0: by e^x).
 */
static inline vreal expm1_damped(vreal x) {
    const vreal t = round_exponent(x);
    const vreal n = v_sub(t, v_set1(ROUND_MAGIC));
    const vreal p = expm1_reduced(v_fnma(n, v_set1(LN2), x));
    const vreal scale = v_exponent(t);
    return v_fma(scale, p, v_sub(scale, v_set1(1)));
}

/* tanh |x| = u/(u + 2) with u = e^(2|x|) − 1. */
static inline vreal tanh_fast(vreal x) {
    const vreal y = v_min(v_set1(TANH_HIGHEST), v_abs(x));
    const vreal u = expm1_damped(v_add(y, y));
    return v_copysign(v_div(u, v_add(u, v_set1(2))), x);
}

/* e^x − 1 for x ≤ 0. */
static inline vreal expm1_nonpositive(vreal x) { return expm1_damped(v_max(v_set1(EXPM1_LOWEST), x)); }

/* log(1 + e) for 0 ≤ e ≤ 1: 2s + s³ P(s²) with s = e/(2 + e). */
static inline vreal log1p_unit(vreal e) {
    const vreal s = v_div(e, v_add(v_set1(2), e));
    const vreal w = v_mul(s, s);
#if CSI_REAL_BITS == 64
    const vreal w2 = v_mul(w, w), w4 = v_mul(w2, w2);
    const vreal a = v_fma(w, v_set1(0x1.999999999ddcep-2), v_set1(0x1.5555555555547p-1));
    const vreal b = v_fma(w, v_set1(0x1.c71c73a46cc32p-3), v_set1(0x1.24924921a4905p-2));
    const vreal c = v_fma(w, v_set1(0x1.3b1cb9e05108ep-3), v_set1(0x1.745cc2e018518p-3));
    const vreal d = v_fma(w, v_set1(0x1.ef0defff4a07fp-4), v_set1(0x1.10757df7d149dp-3));
    const vreal f = v_fma(w, v_set1(0x1.59a28b266914dp-3), v_set1(0x1.58ef148ae065dp-4));
    const vreal ab = v_fma(b, w2, a), cd = v_fma(d, w2, c);
    const vreal tail = v_fma(v_fma(f, w4, cd), w4, ab);
#else
    const vreal a = v_fma(w, v_set1(0x1.99cf5ep-2f), v_set1(0x1.555508p-1f));
    const vreal b = v_fma(w, v_set1(0x1.1e38f8p-2f), v_set1(0x1.1ee1dcp-2f));
    const vreal tail = v_fma(b, v_mul(w, w), a);
#endif
    return v_fma(v_mul(s, w), tail, v_add(s, s));
}

#endif
