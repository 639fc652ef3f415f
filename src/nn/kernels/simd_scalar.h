/* SPDX-License-Identifier: MIT */
/*
 * The SIMD vocabulary in plain C, for the `fma` and `generic` variants: a vector is an array of VLANES reals.
 * With a hardware fused multiply-add it gives the bits of the vector variants; without, a·b + c rounds twice.
 */
#ifndef CSI_SIMD_SCALAR_H
#define CSI_SIMD_SCALAR_H

#include <stdbool.h>
#include <string.h>

#define LANES (512 / CSI_REAL_BITS)
#define QUADS (LANES / 4)

typedef struct vreal {
    real x[LANES];
} vreal;
typedef struct vquad {
    real x[4];
} vquad;
typedef struct vbool {
    bool x[LANES];
} vbool;
typedef size_t vmask;

#if CSI_REAL_BITS == 64
typedef uint64_t bits;
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define C_FN(name) name
#define SLEEF_TYPE d1
#else
typedef uint32_t bits;
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define C_FN(name) name##f
#define SLEEF_TYPE f1
#endif

#if defined(__FMA__) || (CSI_REAL_BITS == 64 && defined(__FP_FAST_FMA)) ||                                             \
    (CSI_REAL_BITS == 32 && defined(__FP_FAST_FMAF))
#define HAS_FMA 1
#else
#define HAS_FMA 0
#endif

static inline real fma1(real a, real b, real c) {
#if HAS_FMA
    return C_FN(fma)(a, b, c);
#else
    return a * b + c;
#endif
}

/* Without a fused multiply-add: Dekker's product of Veltkamp halves (Numer. Math. 18, 1971). */
static inline real mul_error1(real a, real b, real ab) {
#if HAS_FMA
    return C_FN(fma)(a, b, -ab);
#else
    const real split = (real)((bits)1 << ((MANTISSA_BITS + 2) / 2)) + 1;
    const real ta = split * a, tb = split * b;
    const real a1 = ta - (ta - a), a2 = a - a1, b1 = tb - (tb - b), b2 = b - b1;
    return a2 * b2 - (((ab - a1 * b1) - a2 * b1) - a1 * b2);
#endif
}

static inline real exponent1(real t) {
    bits u;
    memcpy(&u, &t, sizeof u);
    u <<= MANTISSA_BITS;
    memcpy(&t, &u, sizeof u);
    return t;
}

/* In two factors, the first of which is exact, so that a subnormal result is rounded once. */
static inline real ldexp1(real a, real n) {
    const real magic = R(1.5) * (real)((bits)1 << MANTISSA_BITS) + EXPONENT_BIAS;
    const real t = fma1(n, R(0.5), magic);
    const real rest = n - (t - magic);
    return a * exponent1(t) * exponent1(rest + magic);
}

#define EACH(expression)                                                                                               \
    vreal r;                                                                                                           \
    for (size_t i = 0; i < VLANES; i++) {                                                                              \
        r.x[i] = (expression);                                                                                         \
    }                                                                                                                  \
    return r

static inline vreal v_set1(real x) { EACH(x); }
static inline vreal v_zero(void) { EACH(0); }
static inline vreal v_load(const real *q) { EACH(q[i]); }
static inline vmask v_mask(size_t n) { return n; }
static inline vreal v_load_mask(const real *q, vmask m) { EACH(i < m ? q[i] : 0); }
static inline vreal v_keep(vmask m, vreal a) { EACH(i < m ? a.x[i] : 0); }
static inline vreal v_add(vreal a, vreal b) { EACH(a.x[i] + b.x[i]); }
static inline vreal v_sub(vreal a, vreal b) { EACH(a.x[i] - b.x[i]); }
static inline vreal v_mul(vreal a, vreal b) { EACH(a.x[i] * b.x[i]); }
static inline vreal v_div(vreal a, vreal b) { EACH(a.x[i] / b.x[i]); }
static inline vreal v_fma(vreal a, vreal b, vreal c) { EACH(fma1(a.x[i], b.x[i], c.x[i])); }
static inline vreal v_fnma(vreal a, vreal b, vreal c) { EACH(fma1(-a.x[i], b.x[i], c.x[i])); }
static inline vreal v_mul_error(vreal a, vreal b, vreal ab) { EACH(mul_error1(a.x[i], b.x[i], ab.x[i])); }
static inline vreal v_min(vreal a, vreal b) { EACH(a.x[i] < b.x[i] ? a.x[i] : b.x[i]); }
static inline vreal v_max(vreal a, vreal b) { EACH(a.x[i] > b.x[i] ? a.x[i] : b.x[i]); }
static inline vreal v_abs(vreal a) { EACH(C_FN(fabs)(a.x[i])); }
static inline vreal v_neg(vreal a) { EACH(-a.x[i]); }
static inline vreal v_copysign(vreal a, vreal s) { EACH(C_FN(copysign)(a.x[i], s.x[i])); }
static inline vreal v_select(vbool c, vreal a, vreal b) { EACH(c.x[i] ? a.x[i] : b.x[i]); }
static inline vreal v_exponent(vreal t) { EACH(exponent1(t.x[i])); }
static inline vreal v_ldexp(vreal a, vreal n) { EACH(ldexp1(a.x[i], n.x[i])); }
static inline vreal v_quads(const vquad *q) { EACH(q[i / 4].x[i % 4]); }

static inline void v_store_first(real *q, size_t n, vreal a) {
    for (size_t i = 0; i < VLANES && i < n; i++) {
        q[i] = a.x[i];
    }
}
static inline void v_store(real *q, vreal a) { memcpy(q, a.x, sizeof a.x); }

static inline vbool v_less(vreal a, vreal b) {
    vbool r;
    for (size_t i = 0; i < VLANES; i++) {
        r.x[i] = a.x[i] < b.x[i];
    }
    return r;
}

/* The tree of the vector variants: halves folded until four lanes are left, then pairs of neighbours. */
static inline real sum1(vreal a) {
    for (size_t width = VLANES / 2; width >= 4; width /= 2) {
        for (size_t i = 0; i < width; i++) {
            a.x[i] += a.x[i + width];
        }
    }
    return (a.x[0] + a.x[1]) + (a.x[2] + a.x[3]);
}

static inline vquad v_sum4(vreal a, vreal b, vreal c, vreal d) { return (vquad){{sum1(a), sum1(b), sum1(c), sum1(d)}}; }
static inline vreal v_extend(vquad q) { EACH(i < 4 ? q.x[i] : 0); }
static inline vquad v_quad_zero(void) { return (vquad){{0, 0, 0, 0}}; }

#if defined(__FMA__)
#define SLEEF_CALL(name, ulp) CSI_JOIN(CSI_JOIN(Sleef_finz_##name, SLEEF_TYPE), _##ulp##purecfma)
#else
#define SLEEF_CALL(name, ulp) CSI_JOIN(CSI_JOIN(Sleef_##name, SLEEF_TYPE), _##ulp##purec)
#endif
static inline vreal v_sleef_tanh_u10(vreal a) { EACH(SLEEF_CALL(tanh, u10)(a.x[i])); }
static inline vreal v_sleef_exp_u10(vreal a) { EACH(SLEEF_CALL(exp, u10)(a.x[i])); }
static inline vreal v_sleef_expm1_u10(vreal a) { EACH(SLEEF_CALL(expm1, u10)(a.x[i])); }
static inline vreal v_sleef_log1p_u10(vreal a) { EACH(SLEEF_CALL(log1p, u10)(a.x[i])); }
static inline vreal v_sleef_erfc_u15(vreal a) { EACH(SLEEF_CALL(erfc, u15)(a.x[i])); }
static inline vreal v_sleef_sin_u10(vreal a) { EACH(SLEEF_CALL(sin, u10)(a.x[i])); }
static inline vreal v_sleef_sin_u35(vreal a) { EACH(SLEEF_CALL(sin, u35)(a.x[i])); }
static inline vreal v_sleef_cos_u10(vreal a) { EACH(SLEEF_CALL(cos, u10)(a.x[i])); }
static inline vreal v_sleef_cos_u35(vreal a) { EACH(SLEEF_CALL(cos, u35)(a.x[i])); }

#undef EACH
#undef SLEEF_CALL
#undef SLEEF_TYPE
#undef C_FN
#undef HAS_FMA

#endif
