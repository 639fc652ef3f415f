/* SPDX-License-Identifier: MIT */
/* Network kernels: forward, fused VJP, JVP, Jacobian and Hessian of a dense chain, for one precision and one instruction set. */
#include "nn/kernels/kernels.h"
#include "nn/kernels/linear.h"
#include "nn/kernels/act_pass.h"

#ifndef CSI_ISA_NAME
#define CSI_ISA_NAME generic
#endif

#if CSI_REAL_BITS == 64
#define AFFINE(net) ((net)->affine_f64)
#else
#define AFFINE(net) ((net)->affine_f32)
#endif

/* The four affine vectors of a network. */
static const real *in_scale(const costate_net *net) { return AFFINE(net); }
static const real *in_shift(const costate_net *net) { return AFFINE(net) + net->n_in; }
static const real *out_scale(const costate_net *net) { return AFFINE(net) + 2 * net->n_in; }
static const real *out_shift(const costate_net *net) { return AFFINE(net) + 2 * net->n_in + net->n_out; }

static void copy_in(size_t n, const real *from, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        v_store(to + i, v_load_mask(from + i, v_mask(n - i)));
    }
}

static void copy_out(size_t n, const real *from, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        store_part(to + i, n - i, false, v_load(from + i));
    }
}

/* to = a ∘ b for caller's arrays a, b of n elements and a padded `to`. */
static void product_in(size_t n, const real *a, const real *b, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        const vmask mask = v_mask(n - i);
        v_store(to + i, v_mul(v_load_mask(a + i, mask), v_load_mask(b + i, mask)));
    }
}

static void product_out(size_t n, const real *a, const real *b, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        const vmask mask = v_mask(n - i);
        store_part(to + i, n - i, false, v_mul(v_load_mask(a + i, mask), v_load_mask(b + i, mask)));
    }
}

/* z = W x + b (or b = NULL) */
INLINE void affine(const csi_layer *layer, bool padded, const real *weight, const real *bias, const real *x, real *z) {
    if (layer->columns) {
        combine(true, false, padded, layer->n_out, layer->n_in, weight, x, bias, z, NULL, 0, NULL);
    } else {
        dots(true, false, padded, layer->n_in, layer->n_out, weight, x, bias, z, NULL, 0, NULL);
    }
}

/* xbar = Wᵀ d if `product`, Wbar += scale·d xᵀ if `update` */
INLINE void transposed(const csi_layer *layer, bool product, bool update, bool padded, const real *weight,
                       const real *x, const real *d, real scale, real *xbar, real *wbar) {
    if (layer->columns) {
        dots(product, update, padded, layer->n_out, layer->n_in, weight, d, NULL, xbar, x, scale, wbar);
    } else {
        combine(product, update, padded, layer->n_in, layer->n_out, weight, d, NULL, xbar, x, scale, wbar);
    }
}

static void layer_affine(const csi_layer *layer, const real *p, const real *x, real *z) {
    affine(layer, true, p + layer->weight, layer->has_bias ? p + layer->bias : NULL, x, z);
}

static void layer_transposed(const csi_layer *layer, const real *p, const real *x, const real *d, real scale,
                             real *xbar, real *pbar) {
    const real *weight = p + layer->weight;
    if (pbar == NULL) {
        transposed(layer, true, false, true, weight, x, d, scale, xbar, NULL);
    } else if (xbar == NULL) {
        transposed(layer, false, true, true, weight, x, d, scale, NULL, pbar + layer->weight);
    } else {
        transposed(layer, true, true, true, weight, x, d, scale, xbar, pbar + layer->weight);
    }
}

/* x⁰ and, unless it is plain, its slope with respect to x; returns where x⁰ lies. */
static void input_forward(const costate_net *net, const real *x, real *work) {
    real *value = work + net->input_value, *slope = work + net->input_slope;
    if (net->input_is_plain) {
        copy_in(net->n_in, x, value);
        return;
    }
    for (size_t i = 0; i < net->n_in; i += VLANES) {
        const vmask mask = v_mask(net->n_in - i);
        const vreal scale = v_load_mask(in_scale(net) + i, mask);
        v_store(value + i, v_fma(scale, v_load_mask(x + i, mask), v_load_mask(in_shift(net) + i, mask)));
    }
    act_forward_slope(net->input_act, net->accurate, net->n_in, value, slope);
    product_in(net->n_in, slope, in_scale(net), slope);
}

/* Values of every layer and, with `slopes`, what the derivatives need. */
INLINE void layers_forward(const costate_net *net, const real *p, const real *x, real *work, bool slopes) {
    input_forward(net, x, work);
    const real *input = work + net->input_value;
    for (size_t l = 0; l < net->n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        real *value = work + layer->value;
        layer_affine(layer, p, input, value);
        if (slopes && layer->slope != layer->value) {
            act_forward_slope(layer->act, net->accurate, layer->n_out, value, work + layer->slope);
        } else if (layer->act != COSTATE_ACT_IDENTITY) {
            act_forward(layer->act, net->accurate, layer->n_out, value);
        }
        input = value;
    }
}

static void output_forward(const costate_net *net, const real *work, real *y) {
    const real *value = work + net->layers[net->n_layer - 1].value;
    if (net->output_is_plain) {
        copy_out(net->n_out, value, y);
        return;
    }
    for (size_t i = 0; i < net->n_out; i += VLANES) {
        const vmask mask = v_mask(net->n_out - i);
        const vreal scaled =
            v_fma(v_load_mask(out_scale(net) + i, mask), v_load(value + i), v_load_mask(out_shift(net) + i, mask));
        store_part(y + i, net->n_out - i, false, scaled);
    }
}

/* v at the outputs to the padded cotangent of the last layer's values; the same map takes tangents the other way. */
static void output_cotangent(const costate_net *net, const real *v, real *to) {
    if (net->output_is_plain) {
        copy_in(net->n_out, v, to);
    } else {
        product_in(net->n_out, v, out_scale(net), to);
    }
}

/* Reverse pass over the cached values: starts from buffer 0, leaves the cotangent of x⁰ in the buffer it returns. */
static real *layers_reverse(const costate_net *net, const real *p, real scale, bool want_xbar, real *pbar, real *work) {
    real *d = work + net->buffer[0], *next = work + net->buffer[1];
    for (size_t l = net->n_layer; l-- > 0;) {
        const csi_layer *layer = &net->layers[l];
        const real *x = work + (l > 0 ? net->layers[l - 1].value : net->input_value);
        real *bbar = pbar != NULL && layer->has_bias ? pbar + layer->bias : NULL;
        if (layer->act != COSTATE_ACT_IDENTITY || bbar != NULL) {
            act_delta(layer->act, true, layer->n_out, d, work + layer->slope, d, scale, bbar);
        }
        if (l > 0 || want_xbar || pbar != NULL) {
            layer_transposed(layer, p, x, d, scale, l > 0 || want_xbar ? next : NULL, pbar);
        }
        real *swap = d;
        d = next;
        next = swap;
    }
    return d;
}

static void input_cotangent(const costate_net *net, const real *from, const real *work, real *xbar) {
    if (net->input_is_plain) {
        copy_out(net->n_in, from, xbar);
    } else {
        product_out(net->n_in, from, work + net->input_slope, xbar);
    }
}

/* Tangent pass over the cached values: from buffer `d` to the one it returns. */
static real *layers_tangent(const costate_net *net, const real *p, const real *up, real *d, real *next, real *work) {
    for (size_t l = 0; l < net->n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        const real *x = work + (l > 0 ? net->layers[l - 1].value : net->input_value);
        if (up != NULL) {
            layer_affine(layer, up, x, next);
            affine(layer, true, p + layer->weight, next, d, next);
        } else {
            affine(layer, true, p + layer->weight, NULL, d, next);
        }
        if (layer->act != COSTATE_ACT_IDENTITY) {
            act_delta(layer->act, true, layer->n_out, next, work + layer->slope, next, 0, NULL);
        }
        real *swap = d;
        d = next;
        next = swap;
    }
    return d;
}

static void output_tangent(const costate_net *net, const real *from, real *to) {
    if (net->output_is_plain) {
        copy_out(net->n_out, from, to);
    } else {
        product_out(net->n_out, from, out_scale(net), to);
    }
}

static void net_forward(const costate_net *net, const real *p, const real *x, real *y, real *work) {
    layers_forward(net, p, x, work, false);
    output_forward(net, work, y);
}

static void net_vjp(const costate_net *net, const real *p, const real *x, const real *v, real scale, real *xbar,
                    real *pbar, real *work) {
    layers_forward(net, p, x, work, true);
    output_cotangent(net, v, work + net->buffer[0]);
    const real *x0bar = layers_reverse(net, p, scale, xbar != NULL, pbar, work);
    if (xbar != NULL) {
        input_cotangent(net, x0bar, work, xbar);
    }
}

static void net_jvp(const costate_net *net, const real *p, const real *x, const real *u, const real *up, real *y,
                    real *yu, real *work) {
    layers_forward(net, p, x, work, true);
    if (net->input_is_plain) {
        copy_in(net->n_in, u, work + net->buffer[0]);
    } else {
        product_in(net->n_in, u, work + net->input_slope, work + net->buffer[0]);
    }
    output_tangent(net, layers_tangent(net, p, up, work + net->buffer[0], work + net->buffer[1], work), yu);
    if (y != NULL) {
        output_forward(net, work, y);
    }
}

/* Unit vector j of n elements, times `factor`, padded. */
static void unit_vector(size_t n, size_t j, real factor, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        v_store(to + i, v_zero());
    }
    to[j] = factor;
}

/* Column by column in forward mode or row by row in reverse mode, whichever takes fewer passes. */
static void net_jacobian(const costate_net *net, const real *p, const real *x, real *y, real *jac, real *work) {
    layers_forward(net, p, x, work, true);
    if (net->n_in <= net->n_out) {
        for (size_t j = 0; j < net->n_in; j++) {
            const real factor = net->input_is_plain ? 1 : work[net->input_slope + j];
            unit_vector(net->n_in, j, factor, work + net->buffer[0]);
            const real *column =
                layers_tangent(net, p, NULL, work + net->buffer[0], work + net->buffer[1], work);
            output_tangent(net, column, jac + j * net->n_out);
        }
    } else {
        real *row = work + net->buffer[2];
        for (size_t i = 0; i < net->n_out; i++) {
            unit_vector(net->n_out, i, net->output_is_plain ? 1 : out_scale(net)[i], work + net->buffer[0]);
            input_cotangent(net, layers_reverse(net, p, 0, true, NULL, work), work, row);
            for (size_t j = 0; j < net->n_in; j++) {
                jac[j * net->n_out + i] = row[j];
            }
        }
    }
    if (y != NULL) {
        output_forward(net, work, y);
    }
}

/* First tangents T_i and second ones S_ij (i ≤ j) of one layer's values, each `widest` elements apart. */
typedef struct second_order {
    real *first, *second;
} second_order;

static void hessian_input(const costate_net *net, const real *x, real *work, second_order at) {
    const size_t n = net->n_in;
    real *slope = work + net->buffer[0], *curvature = work + net->buffer[1];
    real *value = work + net->input_value;
    for (size_t i = 0; i < n; i++) {
        value[i] = in_scale(net)[i] * x[i] + in_shift(net)[i];
    }
    act_forward_curvature(net->input_act, net->accurate, n, value, slope, curvature);
    real *second = at.second;
    for (size_t i = 0; i < n; i++) {
        const real scale = in_scale(net)[i];
        unit_vector(n, i, slope[i] * scale, at.first + i * net->widest);
        for (size_t j = i; j < n; j++, second += net->widest) {
            unit_vector(n, i, i == j ? curvature[i] * scale * scale : 0, second);
        }
    }
}

/* S'_ij = act′ ∘ W S_ij + act″ ∘ W T_i ∘ W T_j and T'_i = act′ ∘ W T_i */
static void hessian_layer(const costate_net *net, const csi_layer *layer, const real *weight, const real *slope,
                          const real *curvature, second_order from, second_order to) {
    for (size_t i = 0; i < net->n_in; i++) {
        affine(layer, true, weight, NULL, from.first + i * net->widest, to.first + i * net->widest);
    }
    const real *in = from.second;
    real *out = to.second;
    for (size_t i = 0; i < net->n_in; i++) {
        const real *ti = to.first + i * net->widest;
        for (size_t j = i; j < net->n_in; j++, in += net->widest, out += net->widest) {
            const real *tj = to.first + j * net->widest;
            affine(layer, true, weight, NULL, in, out);
            for (size_t k = 0; k < layer->n_out; k += VLANES) {
                const vreal bend = v_mul(v_mul(v_load(curvature + k), v_load(ti + k)), v_load(tj + k));
                v_store(out + k, v_fma(v_load(slope + k), v_load(out + k), bend));
            }
        }
    }
    for (size_t i = 0; i < net->n_in; i++) {
        real *ti = to.first + i * net->widest;
        for (size_t k = 0; k < layer->n_out; k += VLANES) {
            v_store(ti + k, v_mul(v_load(slope + k), v_load(ti + k)));
        }
    }
}

static void hessian_output(const costate_net *net, second_order at, real *jac, real *hess) {
    const size_t n = net->n_in;
    const real *second = at.second;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i; j < n; j++, second += net->widest) {
            for (size_t k = 0; k < net->n_out; k++) {
                const real value = out_scale(net)[k] * second[k];
                hess[(k * n + i) * n + j] = value;
                hess[(k * n + j) * n + i] = value;
            }
        }
        for (size_t k = 0; jac != NULL && k < net->n_out; k++) {
            jac[i * net->n_out + k] = out_scale(net)[k] * at.first[i * net->widest + k];
        }
    }
}

static void net_hessian(const costate_net *net, const real *p, const real *x, real *y, real *jac, real *hess,
                        real *work) {
    const size_t n_second = net->n_in * (net->n_in + 1) / 2;
    second_order now = {work + net->n_work, work + net->n_work + net->n_in * net->widest};
    second_order next = {now.second + n_second * net->widest, now.second + (n_second + net->n_in) * net->widest};
    real *slope = work + net->buffer[0], *curvature = work + net->buffer[1];
    unit_vector(net->n_in, 0, 0, work + net->input_value);
    hessian_input(net, x, work, now);
    const real *input = work + net->input_value;
    for (size_t l = 0; l < net->n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        real *value = work + layer->value;
        layer_affine(layer, p, input, value);
        act_forward_curvature(layer->act, net->accurate, layer->n_out, value, slope, curvature);
        hessian_layer(net, layer, p + layer->weight, slope, curvature, now, next);
        const second_order swap = now;
        now = next;
        next = swap;
        input = value;
    }
    hessian_output(net, now, jac, hess);
    if (y != NULL) {
        output_forward(net, work, y);
    }
}

static csi_layer layer_shape(const costate_layer *layer) {
    return (csi_layer){.n_in = layer->n_in, .n_out = layer->n_out, .columns = layer->n_out >= layer->n_in};
}

/* The activation runs in padded blocks, so that the caller's arrays need no padding. */
static void layer_forward(const costate_layer *layer, const real *p, const real *x, real *y, real *cache) {
    enum { BLOCK = 128 };
    real value[BLOCK], slope[BLOCK];
    const csi_layer shape = layer_shape(layer);
    const bool accurate = layer->accuracy == COSTATE_ACCURACY_ACCURATE;
    affine(&shape, false, p, layer->no_bias ? NULL : p + layer->n_in * layer->n_out, x, y);
    for (size_t at = 0; at < layer->n_out; at += BLOCK) {
        const size_t n = layer->n_out - at < BLOCK ? layer->n_out - at : BLOCK;
        copy_in(n, y + at, value);
        if (cache != NULL && !act_is_from_value(layer->act)) {
            act_forward_slope(layer->act, accurate, n, value, slope);
            copy_out(n, slope, cache + at);
        } else {
            act_forward(layer->act, accurate, n, value);
            if (cache != NULL) {
                copy_out(n, value, cache + at);
            }
        }
        copy_out(n, value, y + at);
    }
}

static void layer_pullback(const costate_layer *layer, const real *p, const real *x, const real *v, real scale,
                           real *xbar, real *pbar, real *cache) {
    const csi_layer shape = layer_shape(layer);
    real *bbar = pbar != NULL && !layer->no_bias ? pbar + layer->n_in * layer->n_out : NULL;
    act_delta(layer->act, false, layer->n_out, v, cache, cache, scale, bbar);
    if (xbar != NULL && pbar != NULL) {
        transposed(&shape, true, true, false, p, x, cache, scale, xbar, pbar);
    } else if (xbar != NULL) {
        transposed(&shape, true, false, false, p, x, cache, scale, xbar, NULL);
    } else if (pbar != NULL) {
        transposed(&shape, false, true, false, p, x, cache, scale, NULL, pbar);
    }
}

#if CSI_REAL_BITS == 64
#define TABLE CSI_JOIN(csi_kernels_f64_, CSI_ISA_NAME)
extern const csi_kernels_f64 TABLE;
const csi_kernels_f64 TABLE = {
#else
#define TABLE CSI_JOIN(csi_kernels_f32_, CSI_ISA_NAME)
extern const csi_kernels_f32 TABLE;
const csi_kernels_f32 TABLE = {
#endif
    net_forward, net_vjp, net_jvp, net_jacobian, net_hessian, layer_forward, layer_pullback};
