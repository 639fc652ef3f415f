/* SPDX-License-Identifier: MIT */
/*
 * The reverse pass through a hidden layer with few inputs and few outputs (CSI_NARROW), in one pass over its n units:
 *
 *   e_i = act′(z_i) Σ_k d_k W⁺[k·n + i],   W̄⁺[k·n + i] += s d_k a_i,
 *   b̄_i += s e_i,   W̄[j·n + i] += s x_j e_i,   x̄_j = Σ_i W[j·n + i] e_i
 *
 * W by columns, the W⁺ of the layer above by rows. The same operations in the same order as the separate passes of linear.h and act_pass.h.
 */
#ifndef CSI_HIDDEN_REVERSE_H
#define CSI_HIDDEN_REVERSE_H

#include "nn/kernels/act_pass.h"

typedef struct hidden_reverse_operands {
    size_t n, n_below, n_above;
    const real *a, *slope;       /* `slope` is not used where act_from_value() gives it */
    const real *below, *x;       /* W and its input */
    const real *above, *d;       /* W⁺ and the cotangent it takes */
    real *below_bar, *above_bar; /* not used without update */
    real *bias_bar;              /* NULL for no bias */
    real *xbar;                  /* NULL if not wanted */
    real scale;
} hidden_reverse_operands;

/* The factors of every vector of units: d, s d and s x, in every lane. */
typedef struct hidden_factors {
    vreal d[CSI_NARROW], sd[CSI_NARROW], sx[CSI_NARROW], scale;
} hidden_factors;

/* The first c[k], or another of the n there are, in every lane. */
INLINE vreal hidden_factor(const real *c, size_t k, size_t n) { return v_set1(c[k < n ? k : 0]); }

/* One vector of units from i on, of which `left` exist; sum[j] += W[j·n + i] e_i. Neither layer has more than `most` narrow ends. */
INLINE void hidden_reverse_step(size_t most, bool from_value, bool update, bool part, const hidden_reverse_operands *o,
                                const hidden_factors *f, size_t i, size_t left, vreal *sum) {
    const vmask mask = v_mask(part ? left : VLANES);
#define LOAD(q) (part ? v_load_mask((q), mask) : v_load(q))
#define ADD(q, s, v) store_part((q), part ? left : VLANES, v_fma((s), (v), LOAD(q)))
    const size_t n = o->n;
    const vreal a = LOAD(o->a + i);
    vreal u = v_zero();
    UNROLL for (size_t k = 0; k < most; k++) {
        if (k == 0 || k < o->n_above) {
            u = v_fma(LOAD(o->above + k * n + i), f->d[k], u);
            if (update) {
                ADD(o->above_bar + k * n + i, f->sd[k], a);
            }
        }
    }
    vreal e = v_mul(u, from_value ? act_from_value(COSTATE_ACT_TANH, a) : LOAD(o->slope + i));
    e = part ? v_keep(mask, e) : e;
    if (update && o->bias_bar != NULL) {
        ADD(o->bias_bar + i, f->scale, e);
    }
    UNROLL for (size_t j = 0; j < most; j++) {
        if (j == 0 || j < o->n_below) {
            sum[j] = v_fma(LOAD(o->below + j * n + i), e, sum[j]);
            if (update) {
                ADD(o->below_bar + j * n + i, f->sx[j], e);
            }
        }
    }
#undef ADD
#undef LOAD
}

/* Sums over vectors of even and of odd index apart. The operands are copied because stores of vectors may alias anything but locals. */
INLINE void hidden_reverse_pass(size_t most, bool from_value, bool update, const hidden_reverse_operands *given) {
    const hidden_reverse_operands local = *given, *o = &local;
    hidden_factors f = {.scale = v_set1(o->scale)};
    vreal sum[CSI_NARROW], other[CSI_NARROW];
    UNROLL for (size_t k = 0; k < CSI_NARROW; k++) {
        sum[k] = other[k] = v_zero();
        if (k < most) {
            f.d[k] = hidden_factor(o->d, k, o->n_above);
            f.sd[k] = v_mul(f.scale, f.d[k]);
            f.sx[k] = update ? v_mul(f.scale, hidden_factor(o->x, k, o->n_below)) : v_zero();
        }
    }
    size_t i = 0, left = o->n;
    for (; left > 2 * VLANES; left -= 2 * VLANES, i += 2 * VLANES) {
        hidden_reverse_step(most, from_value, update, false, o, &f, i, left, sum);
        hidden_reverse_step(most, from_value, update, false, o, &f, i + VLANES, left, other);
    }
    if (left > VLANES) {
        hidden_reverse_step(most, from_value, update, false, o, &f, i, left, sum);
        UNROLL for (size_t j = 0; j < most; j++) {
            const vreal swap = sum[j];
            sum[j] = other[j];
            other[j] = swap;
        }
        i += VLANES;
        left -= VLANES;
    }
    hidden_reverse_step(most, from_value, update, true, o, &f, i, left, sum);
    UNROLL for (size_t j = 0; j < most; j++) { sum[j] = v_add(sum[j], other[j]); }
    if (o->xbar != NULL) {
        store_part(o->xbar, o->n_below, v_extend(v_sum4(sum[0], sum[1], sum[2], sum[3])));
    }
}

typedef void hidden_reverse_fn(const hidden_reverse_operands *o);
#define PASS(most)                                                                                                     \
    static OUTLINE void hidden_tanh_##most(const hidden_reverse_operands *o) {                                         \
        hidden_reverse_pass(most, true, false, o);                                                                     \
    }                                                                                                                  \
    static OUTLINE void hidden_tanh_update_##most(const hidden_reverse_operands *o) {                                  \
        hidden_reverse_pass(most, true, true, o);                                                                      \
    }
PASS(1)
PASS(2)
PASS(3)
PASS(4)
#undef PASS
static OUTLINE void hidden_slope(const hidden_reverse_operands *o) { hidden_reverse_pass(CSI_NARROW, false, false, o); }
static OUTLINE void hidden_slope_update(const hidden_reverse_operands *o) {
    hidden_reverse_pass(CSI_NARROW, false, true, o);
}

static hidden_reverse_fn *const hidden_tanh[2][CSI_NARROW] = {
    {hidden_tanh_1, hidden_tanh_2, hidden_tanh_3, hidden_tanh_4},
    {hidden_tanh_update_1, hidden_tanh_update_2, hidden_tanh_update_3, hidden_tanh_update_4}};

/* For the activations of csi_layer.fused. */
INLINE void hidden_reverse(costate_act act, bool update, const hidden_reverse_operands *o) {
    if (act == COSTATE_ACT_TANH) {
        const size_t most = o->n_above > o->n_below ? o->n_above : o->n_below;
        hidden_tanh[update][most - 1](o);
    } else {
        (update ? hidden_slope_update : hidden_slope)(o);
    }
}

#endif
