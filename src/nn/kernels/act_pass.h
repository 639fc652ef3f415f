/* SPDX-License-Identifier: MIT */
/* Activation passes over a vector of n elements: a = act(z), where a may be z, with the derivatives on the side. */
#ifndef CSI_ACT_PASS_H
#define CSI_ACT_PASS_H

#include "nn/kernels/part.h"

INLINE void value_loop(costate_act act, bool accurate, size_t n, const real *z, real *a) {
    for (; n > VLANES; n -= VLANES, z += VLANES, a += VLANES) {
        v_store(a, act_value(act, accurate, v_load(z), NULL, NULL));
    }
    store_part(a, n, act_value(act, accurate, load_part(z, n), NULL, NULL));
}

INLINE void slope_loop(costate_act act, bool accurate, size_t n, const real *z, real *a, real *slope) {
    for (size_t i = 0; i < n; i += VLANES) {
        vreal d;
        const vreal value = act_value(act, accurate, load_part(z + i, n - i), &d, NULL);
        store_part(a + i, n - i, value);
        store_part(slope + i, n - i, d);
    }
}

INLINE void curvature_loop(costate_act act, bool accurate, size_t n, real *z, real *slope, real *curvature) {
    for (size_t i = 0; i < n; i += VLANES) {
        vreal d, d2;
        const vreal a = act_value(act, accurate, load_part(z + i, n - i), &d, &d2);
        store_part(z + i, n - i, a);
        store_part(slope + i, n - i, d);
        store_part(curvature + i, n - i, d2);
    }
}

/* The pull-back of an activation: out = v ∘ act′ and, if bbar is not NULL, bbar += scale·out. `cached` is what csi_slope_is_value() says. */
INLINE void delta_step(costate_act act, size_t left, const real *cached, const real *v, real *out, vreal scale,
                       real *bbar) {
    const vreal slope = load_part(cached, left);
    const vreal d = v_mul(load_part(v, left), csi_slope_is_value(act) ? act_from_value(act, slope) : slope);
    store_part(out, left, d);
    if (bbar != NULL) {
        store_part(bbar, left, v_fma(scale, d, load_part(bbar, left)));
    }
}

INLINE void delta_loop(costate_act act, size_t n, const real *cached, const real *v, real *out, real scale,
                       real *bbar) {
    size_t i = 0;
    for (; i + VLANES <= n; i += VLANES) {
        delta_step(act, VLANES, cached + i, v + i, out + i, v_set1(scale), bbar == NULL ? NULL : bbar + i);
    }
    if (i < n) {
        delta_step(act, n - i, cached + i, v + i, out + i, v_set1(scale), bbar == NULL ? NULL : bbar + i);
    }
}

/* One function per activation, accuracy and pass, so that each call jumps straight to a loop with everything constant. */
#define PASSES(name, text, formula)                                                                                    \
    static void fast_##text(size_t n, const real *z, real *a) { value_loop(COSTATE_ACT_##name, false, n, z, a); }      \
    static void accurate_##text(size_t n, const real *z, real *a) { value_loop(COSTATE_ACT_##name, true, n, z, a); }   \
    static void fast_slope_##text(size_t n, const real *z, real *a, real *slope) {                                     \
        slope_loop(COSTATE_ACT_##name, false, n, z, a, slope);                                                         \
    }                                                                                                                  \
    static void accurate_slope_##text(size_t n, const real *z, real *a, real *slope) {                                 \
        slope_loop(COSTATE_ACT_##name, true, n, z, a, slope);                                                          \
    }                                                                                                                  \
    static void fast_curvature_##text(size_t n, real *z, real *slope, real *curvature) {                               \
        curvature_loop(COSTATE_ACT_##name, false, n, z, slope, curvature);                                             \
    }                                                                                                                  \
    static void accurate_curvature_##text(size_t n, real *z, real *slope, real *curvature) {                           \
        curvature_loop(COSTATE_ACT_##name, true, n, z, slope, curvature);                                              \
    }                                                                                                                  \
    static void delta_##text(size_t n, const real *cached, const real *v, real *out, real scale, real *bbar) {         \
        if (bbar == NULL) {                                                                                            \
            delta_loop(COSTATE_ACT_##name, n, cached, v, out, scale, NULL);                                            \
        } else {                                                                                                       \
            delta_loop(COSTATE_ACT_##name, n, cached, v, out, scale, bbar);                                            \
        }                                                                                                              \
    }
COSTATE_ACT_LIST(PASSES)
#undef PASSES

/* Indexed by activation, then by accuracy (false: fast). */
#define PASS(name, text, formula) {fast_##text, accurate_##text},
static void (*const act_forward[][2])(size_t n, const real *z, real *a) = {COSTATE_ACT_LIST(PASS)};
#undef PASS
#define PASS(name, text, formula) {fast_slope_##text, accurate_slope_##text},
static void (*const act_forward_slope[][2])(size_t n, const real *z, real *a, real *slope) = {COSTATE_ACT_LIST(PASS)};
#undef PASS
#define PASS(name, text, formula) {fast_curvature_##text, accurate_curvature_##text},
static void (*const act_forward_curvature[][2])(size_t n, real *z, real *slope,
                                                real *curvature) = {COSTATE_ACT_LIST(PASS)};
#undef PASS

/* Indexed by activation. */
#define PASS(name, text, formula) delta_##text,
static void (*const act_delta[])(size_t n, const real *cached, const real *v, real *out, real scale,
                                 real *bbar) = {COSTATE_ACT_LIST(PASS)};
#undef PASS

#endif
