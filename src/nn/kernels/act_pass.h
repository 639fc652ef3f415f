/* SPDX-License-Identifier: MIT */
/* Activation passes over padded workspace vectors: forward in place, and multiplication by the derivative. */
#ifndef CSI_ACT_PASS_H
#define CSI_ACT_PASS_H

#include "nn/kernels/activation.h"

/* Expands to one case per activation, with the activation and the accuracy as constants. */
#define EACH_ACT(name, text, formula)                                                                                  \
    case COSTATE_ACT_##name:                                                                                           \
        if (accurate) {                                                                                                \
            ACT_LOOP(COSTATE_ACT_##name, true);                                                                        \
        } else {                                                                                                       \
            ACT_LOOP(COSTATE_ACT_##name, false);                                                                       \
        }                                                                                                              \
        break;

INLINE void value_loop(costate_act act, bool accurate, size_t n, real *z) {
    for (size_t i = 0; i < n; i += VLANES) {
        v_store(z + i, v_keep(v_mask(n - i), act_value(act, accurate, v_load(z + i), NULL, NULL)));
    }
}

/* z becomes act(z). */
static void act_forward(costate_act act, bool accurate, size_t n, real *z) {
#define ACT_LOOP(a, b) value_loop(a, b, n, z)
    switch (act) { COSTATE_ACT_LIST(EACH_ACT) }
#undef ACT_LOOP
}

INLINE void slope_loop(costate_act act, bool accurate, size_t n, real *z, real *slope) {
    for (size_t i = 0; i < n; i += VLANES) {
        const vmask mask = v_mask(n - i);
        vreal d;
        const vreal a = act_value(act, accurate, v_load(z + i), &d, NULL);
        v_store(z + i, v_keep(mask, a));
        v_store(slope + i, v_keep(mask, d));
    }
}

/* z becomes act(z), slope act′(z). */
static void act_forward_slope(costate_act act, bool accurate, size_t n, real *z, real *slope) {
#define ACT_LOOP(a, b) slope_loop(a, b, n, z, slope)
    switch (act) { COSTATE_ACT_LIST(EACH_ACT) }
#undef ACT_LOOP
}

INLINE void curvature_loop(costate_act act, bool accurate, size_t n, real *z, real *slope, real *curvature) {
    for (size_t i = 0; i < n; i += VLANES) {
        const vmask mask = v_mask(n - i);
        vreal d, d2;
        const vreal a = act_value(act, accurate, v_load(z + i), &d, &d2);
        v_store(z + i, v_keep(mask, a));
        v_store(slope + i, v_keep(mask, d));
        v_store(curvature + i, v_keep(mask, d2));
    }
}

/* z becomes act(z), slope act′(z), curvature act″(z). */
static void act_forward_curvature(costate_act act, bool accurate, size_t n, real *z, real *slope, real *curvature) {
#define ACT_LOOP(a, b) curvature_loop(a, b, n, z, slope, curvature)
    switch (act) { COSTATE_ACT_LIST(EACH_ACT) }
#undef ACT_LOOP
}
#undef EACH_ACT

/* out = v ∘ act′ and, if bbar is not NULL, bbar += scale·out; `cached` is what act_is_from_value() says. */
INLINE void delta_loop(costate_act act, bool padded, size_t n, const real *v, const real *cached, real *out, real scale,
                       real *bbar) {
    const vreal s = v_set1(scale);
    for (size_t i = 0; i < n; i += VLANES) {
        const bool whole = n - i >= VLANES;
        const vmask mask = v_mask(n - i);
        const vreal vi = padded || whole ? v_load(v + i) : v_load_mask(v + i, mask);
        const vreal ci = padded || whole ? v_load(cached + i) : v_load_mask(cached + i, mask);
        const vreal d = v_mul(vi, act_is_from_value(act) ? act_from_value(act, ci) : ci);
        store_part(out + i, n - i, padded, d);
        if (bbar != NULL) {
            add_part(bbar + i, whole, mask, s, d);
        }
    }
}

INLINE void act_delta(costate_act act, bool padded, size_t n, const real *v, const real *cached, real *out, real scale,
                      real *bbar) {
#define DELTA(name) delta_loop(COSTATE_ACT_##name, padded, n, v, cached, out, scale, bbar)
    switch (act) {
    case COSTATE_ACT_IDENTITY: DELTA(IDENTITY); break;
    case COSTATE_ACT_TANH: DELTA(TANH); break;
    case COSTATE_ACT_SIGMOID: DELTA(SIGMOID); break;
    case COSTATE_ACT_RELU: DELTA(RELU); break;
    case COSTATE_ACT_LEAKY_RELU: DELTA(LEAKY_RELU); break;
    case COSTATE_ACT_ELU: DELTA(ELU); break;
    default: DELTA(SIN); break; /* any activation whose slope is cached */
    }
#undef DELTA
}

#endif
