/* SPDX-License-Identifier: MIT */
/*
 * Activations and their derivatives on one vector. `act` and `accuracy` are compile-time constants at every call.
 *
 * Where the derivative is a function of the value a = act(z) (act_from_value), a alone is cached; otherwise the derivative itself is, since it shares
 * most of its work with the value.
 */
#ifndef CSI_ACTIVATION_H
#define CSI_ACTIVATION_H

#include <costate/act.h>
#include <stdbool.h>
#include "nn/kernels/elementary.h"
#include "nn/net_plan.h"

#define LEAKY_SLOPE R(0.01)
#define SQRT_HALF R(0.70710678118654752440)
#define INV_SQRT_2PI R(0.39894228040143267794)
#define GELU_A R(0.79788456080286535588) /* √(2/π) */
#define GELU_B R(0.044715)
/* Beyond this |z| the products z·s(z)(1 − s(z)) and z·exp(−z²) are zero; the clamp keeps ∞·0 out of them. */
#define FAR_TAIL R(1000.0)

/* Gate s = 1/(1 + e^−x) and 1 − s, each to full relative accuracy. */
INLINE vreal act_sigmoid(bool accurate, vreal x, vreal *complement) {
    const vreal minus = v_neg(v_abs(x));
    const vreal e = accurate ? v_sleef_exp_u10(minus) : exp_nonpositive(minus, v_zero());
    const vreal sum = v_add(v_set1(1), e);
    const vbool negative = v_less(x, v_zero());
    if (complement != NULL) {
        *complement = v_div(v_select(negative, v_set1(1), e), sum);
    }
    return v_div(v_select(negative, e, v_set1(1)), sum);
}

/* e^(−z²), with the rounding error of z² carried along. */
INLINE vreal act_gaussian(bool accurate, vreal z) {
    const vreal bounded = v_min(v_set1(FAR_TAIL), v_abs(z));
    const vreal square = v_mul(bounded, bounded);
    const vreal low = v_mul_error(bounded, bounded, square);
    if (accurate) {
        return v_mul(v_sleef_exp_u10(v_neg(square)), v_sub(v_set1(1), low));
    }
    return exp_nonpositive(v_neg(square), low);
}

INLINE vreal act_clamp(vreal z) { return v_min(v_set1(FAR_TAIL), v_max(v_set1(-FAR_TAIL), z)); }

INLINE vreal act_softplus(bool accurate, vreal z, vreal *d) {
    const vreal minus = v_neg(v_abs(z));
    const vreal e = accurate ? v_sleef_exp_u10(minus) : exp_nonpositive(minus, v_zero());
    if (d != NULL) {
        *d = v_div(v_select(v_less(z, v_zero()), e, v_set1(1)), v_add(v_set1(1), e));
    }
    return v_add(v_max(v_zero(), z), accurate ? v_sleef_log1p_u10(e) : log1p_unit(e));
}

/* zΦ(z) with Φ(z) = erfc(−z/√2)/2; Φ + zφ; φ(2 − z²). */
INLINE vreal act_gelu(bool accurate, vreal z, vreal *d, vreal *d2) {
    const vreal cdf = v_mul(v_set1(R(0.5)), v_sleef_erfc_u15(v_mul(v_set1(-SQRT_HALF), z)));
    if (d != NULL) {
        const vreal zc = act_clamp(z);
        const vreal pdf = v_mul(v_set1(INV_SQRT_2PI), act_gaussian(accurate, v_mul(v_set1(SQRT_HALF), zc)));
        *d = v_fma(zc, pdf, cdf);
        if (d2 != NULL) {
            *d2 = v_mul(pdf, v_fnma(zc, zc, v_set1(2)));
        }
    }
    return v_mul(v_max(v_set1(-FAR_TAIL), z), cdf);
}

/* z s(w) with w = 2u(z): derivative s + z s(1 − s) w′, second derivative s(1 − s)(2w′ + z w″ + z w′²(1 − 2s)). */
INLINE vreal act_gated(bool accurate, vreal z, vreal zc, vreal w, vreal w1, vreal w2, vreal *d, vreal *d2) {
    vreal complement;
    const vreal s = act_sigmoid(accurate, w, d != NULL ? &complement : NULL);
    if (d != NULL) {
        const vreal slope = v_mul(s, complement);
        *d = v_fma(v_mul(zc, slope), w1, s);
        if (d2 != NULL) {
            const vreal odd = v_mul(v_mul(w1, w1), v_sub(complement, s));
            *d2 = v_mul(slope, v_fma(zc, v_add(w2, odd), v_add(w1, w1)));
        }
    }
    return v_mul(v_max(v_set1(-FAR_TAIL), z), s);
}

INLINE vreal act_gelu_tanh(bool accurate, vreal z, vreal *d, vreal *d2) {
    const vreal zc = act_clamp(z);
    const vreal square = v_mul(zc, zc);
    const vreal w = v_mul(v_mul(v_set1(2 * GELU_A), zc), v_fma(v_set1(GELU_B), square, v_set1(1)));
    const vreal w1 = v_mul(v_set1(2 * GELU_A), v_fma(v_set1(3 * GELU_B), square, v_set1(1)));
    const vreal w2 = v_mul(v_set1(12 * GELU_A * GELU_B), zc);
    return act_gated(accurate, z, zc, w, w1, w2, d, d2);
}

INLINE vreal act_silu(bool accurate, vreal z, vreal *d, vreal *d2) {
    return act_gated(accurate, z, act_clamp(z), z, v_set1(1), v_zero(), d, d2);
}

INLINE vreal act_sin(bool accurate, vreal z) { return accurate ? v_sleef_sin_u10(z) : v_sleef_sin_u35(z); }
INLINE vreal act_cos(bool accurate, vreal z) { return accurate ? v_sleef_cos_u10(z) : v_sleef_cos_u35(z); }

/* act′(z) from a = act(z). */
INLINE vreal act_from_value(costate_act act, vreal a) {
    const vreal one = v_set1(1);
    switch (act) {
    case COSTATE_ACT_TANH: return v_fnma(a, a, one);
    case COSTATE_ACT_SIGMOID: return v_fnma(a, a, a);
    case COSTATE_ACT_RELU: return v_select(v_less(v_zero(), a), one, v_zero());
    case COSTATE_ACT_LEAKY_RELU: return v_select(v_less(v_zero(), a), one, v_set1(LEAKY_SLOPE));
    case COSTATE_ACT_ELU: return v_select(v_less(v_zero(), a), one, v_add(a, one));
    default: return one;
    }
}

/* act(z); act′(z) when d is not NULL; act″(z) when d2 is not NULL, which needs d too. */
INLINE vreal act_value(costate_act act, bool accurate, vreal z, vreal *d, vreal *d2) {
    vreal a = z;
    switch (act) {
    case COSTATE_ACT_IDENTITY: break;
    case COSTATE_ACT_TANH: a = accurate ? v_sleef_tanh_u10(z) : tanh_fast(z); break;
    case COSTATE_ACT_SIGMOID: a = act_sigmoid(accurate, z, NULL); break;
    case COSTATE_ACT_RELU: a = v_max(v_zero(), z); break;
    case COSTATE_ACT_LEAKY_RELU: a = v_select(v_less(v_zero(), z), z, v_mul(v_set1(LEAKY_SLOPE), z)); break;
    case COSTATE_ACT_ELU:
        a = accurate ? v_sleef_expm1_u10(v_min(v_zero(), z)) : expm1_nonpositive(v_min(v_zero(), z));
        a = v_select(v_less(v_zero(), z), z, a);
        break;
    case COSTATE_ACT_SOFTPLUS: a = act_softplus(accurate, z, d); break;
    case COSTATE_ACT_GELU: return act_gelu(accurate, z, d, d2);
    case COSTATE_ACT_GELU_TANH: return act_gelu_tanh(accurate, z, d, d2);
    case COSTATE_ACT_SILU: return act_silu(accurate, z, d, d2);
    case COSTATE_ACT_SIN: a = act_sin(accurate, z); break;
    case COSTATE_ACT_CUBE: a = v_mul(v_mul(z, z), z); break;
    case COSTATE_ACT_GAUSSIAN: a = act_gaussian(accurate, z); break;
    }
    if (d == NULL) {
        return a;
    }
    if (csi_slope_is_value(act)) {
        *d = act_from_value(act, a);
    } else if (act == COSTATE_ACT_SIN) {
        *d = act_cos(accurate, z);
    } else if (act == COSTATE_ACT_CUBE) {
        *d = v_mul(v_mul(v_set1(3), z), z);
    } else if (act == COSTATE_ACT_GAUSSIAN) {
        *d = v_mul(v_mul(v_set1(-2), act_clamp(z)), a);
    }
    if (d2 != NULL) {
        const vreal one = v_set1(1);
        switch (act) {
        case COSTATE_ACT_TANH: *d2 = v_mul(v_mul(v_set1(-2), a), *d); break;
        case COSTATE_ACT_SIGMOID: *d2 = v_mul(*d, v_fnma(v_set1(2), a, one)); break;
        case COSTATE_ACT_ELU: *d2 = v_select(v_less(v_zero(), a), v_zero(), v_add(a, one)); break;
        case COSTATE_ACT_SOFTPLUS: *d2 = v_fnma(*d, *d, *d); break;
        case COSTATE_ACT_SIN: *d2 = v_neg(a); break;
        case COSTATE_ACT_CUBE: *d2 = v_mul(v_set1(6), z); break;
        case COSTATE_ACT_GAUSSIAN: {
            const vreal zc = act_clamp(z);
            *d2 = v_mul(v_fma(v_mul(v_set1(4), zc), zc, v_set1(-2)), a);
            break;
        }
        default: *d2 = v_zero(); break;
        }
    }
    return a;
}

#endif
