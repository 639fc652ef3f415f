/* SPDX-License-Identifier: MIT */
/* Network kernels: forward, fused VJP, JVP, Jacobian and Hessian of a dense chain, for one precision and one instruction set. */
#include "nn/kernels/kernels.h"
#include "nn/kernels/hidden_forward.h"
#include "nn/kernels/hidden_reverse.h"
#include "nn/kernels/layer_product.h"

#ifndef CSI_ISA_NAME
#define CSI_ISA_NAME generic
#endif

#if CSI_REAL_BITS == 64
#define AFFINE(net) ((net)->affine_f64)
#else
#define AFFINE(net) ((net)->affine_f32)
#endif

/* Where the vectors of this precision lie. */
#define VECTORS(net) (&(net)->vectors[CSI_REAL_INDEX])
#define VALUE(layer) ((layer)->value[CSI_REAL_INDEX])
#define SLOPE(layer) ((layer)->slope[CSI_REAL_INDEX])

/* The four affine vectors of a network. */
static const real *in_scale(const costate_net *net) { return AFFINE(net); }
static const real *in_shift(const costate_net *net) { return AFFINE(net) + net->n_in; }
static const real *out_scale(const costate_net *net) { return AFFINE(net) + 2 * net->n_in; }
static const real *out_shift(const costate_net *net) { return AFFINE(net) + 2 * net->n_in + net->n_out; }

static void copy(size_t n, const real *from, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        store_part(to + i, n - i, load_part(from + i, n - i));
    }
}

/* to = a ∘ b */
static void multiply(size_t n, const real *a, const real *b, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        store_part(to + i, n - i, v_mul(load_part(a + i, n - i), load_part(b + i, n - i)));
    }
}

/* to = scale ∘ x + shift */
static void scale_shift(size_t n, const real *scale, const real *x, const real *shift, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        const size_t left = n - i;
        store_part(to + i, left, v_fma(load_part(scale + i, left), load_part(x + i, left), load_part(shift + i, left)));
    }
}

/* x⁰, and unless it is x itself or `slope` is NULL its slope with respect to x, in the cache. */
INLINE const real *input_values(const costate_net *net, const real *x, real *cache, bool want_slope) {
    if (net->input_is_plain) {
        return x;
    }
    real *value = cache + VECTORS(net)->input_value, *slope = cache + VECTORS(net)->input_slope;
    if (net->input_is_scaled) {
        scale_shift(net->n_in, in_scale(net), x, in_shift(net), value);
        x = value;
    }
    if (!want_slope) {
        act_forward[net->input_act][net->accurate](net->n_in, x, value);
        return value;
    }
    act_forward_slope[net->input_act][net->accurate](net->n_in, x, value, slope);
    if (net->input_is_scaled) {
        multiply(net->n_in, slope, in_scale(net), slope);
    }
    return value;
}

static const real *input_forward(const costate_net *net, const real *x, real *cache) {
    return input_values(net, x, cache, true);
}

/* x⁰ where input_forward() was called for the same x. */
static const real *input_kept(const costate_net *net, const real *x, const real *cache) {
    return net->input_is_plain ? x : cache + VECTORS(net)->input_value;
}

/* act(z) in place, and unless `slope` is NULL what its derivative needs. */
INLINE void activate(const costate_net *net, const csi_layer *layer, size_t n, real *z, real *slope) {
    if (slope != NULL && slope != z) {
        act_forward_slope[layer->act][net->accurate](n, z, z, slope);
    } else if (layer->act != COSTATE_ACT_IDENTITY) {
        act_forward[layer->act][net->accurate](n, z, z);
    }
}

/* z = act(W x + b), and unless `slope` is NULL what its derivative needs; `room` as in affine_kind(). */
INLINE void layer_values(const costate_net *net, const csi_layer *layer, const real *p, const real *x, real *z,
                         real *slope, bool room) {
    const product_kind kind = product_kind_of(layer->act, net->accurate);
    if (kind != PRODUCT) {
        affine_kind(kind, layer, p + layer->weight, layer->has_bias ? p + layer->bias : NULL, x, z, room);
        return;
    }
    const size_t n = room ? (layer->n_out + VLANES - 1) / VLANES * VLANES : layer->n_out;
    layer_affine(layer, p, x, z, room);
    activate(net, layer, n, z, slope);
}

/* Values of the first `n_layer` layers and what their derivatives need; the last of these values, or x0. */
static const real *layers_forward(const costate_net *net, size_t n_layer, const real *p, const real *x0, real *cache) {
    const real *x = x0;
    for (size_t l = 0; l < n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        layer_values(net, layer, p, x, cache + VALUE(layer), cache + SLOPE(layer), true);
        x = cache + VALUE(layer);
    }
    return x;
}

static void output_forward(const costate_net *net, const real *value, real *y) {
    if (net->output_is_plain) {
        copy(net->n_out, value, y);
    } else {
        scale_shift(net->n_out, out_scale(net), value, out_shift(net), y);
    }
}

/* Tangents of the last layer's values to those of the outputs; cotangents take the same map the other way. */
static void output_scale(const costate_net *net, const real *from, real *to) {
    if (net->output_is_plain) {
        copy(net->n_out, from, to);
    } else {
        multiply(net->n_out, from, out_scale(net), to);
    }
}

/* Cotangent of a layer's pre-activations from that of its values, v to d, and the bias gradient. */
static void layer_delta(const csi_layer *layer, const real *v, real scale, real *pbar, const real *cache, real *d) {
    real *bbar = pbar != NULL && layer->has_bias ? pbar + layer->bias : NULL;
    act_delta[layer->act](layer->n_out, cache + SLOPE(layer), v, d, scale, bbar);
}

/* to += scale·v */
static void add_scaled(size_t n, real scale, const real *v, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        store_part(to + i, n - i, v_fma(v_set1(scale), load_part(v + i, n - i), load_part(to + i, n - i)));
    }
}

/* The same for the last layer, from the cotangent of the outputs; returned in place where it is that. */
static const real *output_delta(const costate_net *net, const real *v, real scale, real *pbar, const real *cache,
                                real *work) {
    const csi_layer *last = &net->layers[net->n_layer - 1];
    real *d = work + VECTORS(net)->buffer[0];
    if (!net->output_is_plain) {
        multiply(net->n_out, v, out_scale(net), d);
        v = d;
    }
    if (last->act != COSTATE_ACT_IDENTITY) {
        layer_delta(last, v, scale, pbar, cache, d);
        return d;
    }
    if (pbar != NULL && last->has_bias) {
        add_scaled(net->n_out, scale, v, pbar + last->bias);
    }
    return v;
}

/* Through the layer above a fused one, and that one, from d to the cotangent of its input. */
static void fused_reverse(const csi_layer *layer, const real *p, const real *x, const real *d, real scale, real *xbar,
                          real *pbar, const real *cache) {
    const csi_layer *above = layer + 1;
    const hidden_reverse_operands o = {.n = layer->n_out,
                                       .n_below = layer->n_in,
                                       .n_above = above->n_out,
                                       .a = cache + VALUE(layer),
                                       .slope = cache + SLOPE(layer),
                                       .below = p + layer->weight,
                                       .x = x,
                                       .above = p + above->weight,
                                       .d = d,
                                       .below_bar = pbar == NULL ? NULL : pbar + layer->weight,
                                       .above_bar = pbar == NULL ? NULL : pbar + above->weight,
                                       .bias_bar = pbar != NULL && layer->has_bias ? pbar + layer->bias : NULL,
                                       .xbar = xbar,
                                       .scale = scale};
    hidden_reverse(layer->act, pbar != NULL, &o);
}

/* Reverse pass over the cached values: from the outputs' cotangent v to that of x⁰, in x0bar unless that is NULL. */
static void layers_reverse(const costate_net *net, const real *p, const real *x0, const real *v, real scale,
                           real *x0bar, real *pbar, const real *cache, real *work) {
    const real *d = output_delta(net, v, scale, pbar, cache, work);
    const csi_layer *layer = &net->layers[net->n_layer - 1];
    for (size_t turn = 1;; turn++) {
        const bool fused = layer > net->layers && layer[-1].fused;
        const csi_layer *lowest = fused ? layer - 1 : layer;
        const bool at_input = lowest == net->layers;
        const real *x = at_input ? x0 : cache + VALUE(lowest - 1);
        real *out = at_input ? x0bar : work + VECTORS(net)->buffer[turn % 2];
        if (fused) {
            fused_reverse(lowest, p, x, d, scale, out, pbar, cache);
        } else if (out != NULL || pbar != NULL) {
            transposed(layer, p + layer->weight, x, d, scale, out, !at_input,
                       pbar == NULL ? NULL : pbar + layer->weight);
        }
        if (at_input) {
            return;
        }
        layer = lowest - 1;
        if (layer->act != COSTATE_ACT_IDENTITY || pbar != NULL) {
            layer_delta(layer, out, scale, pbar, cache, out);
        }
        d = out;
    }
}

/* Tangent pass over the cached values: from buffer 0 to the buffer it returns. */
static const real *layers_tangent(const costate_net *net, const real *p, const real *up, const real *x0, real *work) {
    real *u = work + VECTORS(net)->buffer[0], *out = work + VECTORS(net)->buffer[1];
    const real *x = x0;
    for (size_t l = 0; l < net->n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        if (up != NULL) {
            layer_affine(layer, up, x, out, true);
        }
        affine(layer, p + layer->weight, up != NULL ? out : NULL, u, out, true);
        if (layer->act != COSTATE_ACT_IDENTITY) {
            layer_delta(layer, out, 0, NULL, work, out);
        }
        real *swap = u;
        u = out;
        out = swap;
        x = work + VALUE(layer);
    }
    return u;
}

/* Layers whose values the reverse pass reads: a last one without activation is not among them. */
static size_t n_layer_kept(const costate_net *net) {
    return net->n_layer - (net->layers[net->n_layer - 1].act == COSTATE_ACT_IDENTITY ? 1 : 0);
}

/* z = the layer above a fused one with tanh, before its activation, and that one's values in `a` unless NULL. */
INLINE void fused_forward(const csi_layer *layer, const real *p, const real *x, real *a, real *z) {
    const csi_layer *above = layer + 1;
    const hidden_forward_operands o = {.n = layer->n_out,
                                       .n_below = layer->n_in,
                                       .n_above = above->n_out,
                                       .below = p + layer->weight,
                                       .bias = layer->has_bias ? p + layer->bias : NULL,
                                       .x = x,
                                       .above = p + above->weight,
                                       .above_bias = above->has_bias ? p + above->bias : NULL,
                                       .a = a,
                                       .y = z};
    hidden_forward(&o);
}

/* The outputs and, with `keep`, what the reverse pass needs in the cache; the last layer's values go straight to y where nothing else reads them. */
INLINE void values(const costate_net *net, const real *p, const real *x, real *y, real *cache, bool keep) {
    const csi_layer *layer = net->layers, *last = layer + net->n_layer - 1;
    const csi_layer *last_kept = keep ? layer + n_layer_kept(net) - 1 : layer - 1;
    x = input_values(net, x, cache, keep);
    for (;; layer++) {
        const bool fused = layer->fused && layer->act == COSTATE_ACT_TANH && !net->accurate;
        real *below = keep ? cache + VALUE(layer) : NULL;
        layer = fused ? layer + 1 : layer;
        const bool to_y = layer == last && layer > last_kept;
        real *z = to_y ? y : cache + VALUE(layer), *slope = keep && !to_y ? cache + SLOPE(layer) : NULL;
        if (fused) {
            fused_forward(layer - 1, p, x, below, z);
            activate(net, layer, layer->n_out, z, slope);
        } else {
            layer_values(net, layer, p, x, z, slope, !to_y);
        }
        x = z;
        if (layer == last) {
            break;
        }
    }
    if (x != y || !net->output_is_plain) {
        output_forward(net, x, y);
    }
}

static void net_forward(const costate_net *net, const real *p, const real *x, real *y, real *work) {
    values(net, p, x, y, work, false);
}

static void net_forward_keep(const costate_net *net, const real *p, const real *x, real *y, real *kept) {
    values(net, p, x, y, kept, true);
}

static void net_reverse(const costate_net *net, const real *p, const real *x0, const real *v, real scale, real *xbar,
                        real *pbar, const real *cache, real *work) {
    layers_reverse(net, p, x0, v, scale, xbar, pbar, cache, work);
    if (xbar != NULL && !net->input_is_plain) {
        multiply(net->n_in, xbar, cache + VECTORS(net)->input_slope, xbar);
    }
}

static void net_vjp(const costate_net *net, const real *p, const real *x, const real *v, real scale, real *xbar,
                    real *pbar, real *work) {
    const real *x0 = input_forward(net, x, work);
    layers_forward(net, n_layer_kept(net), p, x0, work);
    net_reverse(net, p, x0, v, scale, xbar, pbar, work, work);
}

static void net_vjp_kept(const costate_net *net, const real *p, const real *x, const real *v, real scale, real *xbar,
                         real *pbar, const real *kept, real *work) {
    net_reverse(net, p, input_kept(net, x, kept), v, scale, xbar, pbar, kept, work);
}

static void net_jvp(const costate_net *net, const real *p, const real *x, const real *u, const real *up, real *y,
                    real *yu, real *work) {
    const real *x0 = input_forward(net, x, work);
    const real *value = layers_forward(net, net->n_layer, p, x0, work);
    if (net->input_is_plain) {
        copy(net->n_in, u, work + VECTORS(net)->buffer[0]);
    } else {
        multiply(net->n_in, u, work + VECTORS(net)->input_slope, work + VECTORS(net)->buffer[0]);
    }
    output_scale(net, layers_tangent(net, p, up, x0, work), yu);
    if (y != NULL) {
        output_forward(net, value, y);
    }
}

/* Unit vector j of n elements, times `factor`. */
static void unit_vector(size_t n, size_t j, real factor, real *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = i == j ? factor : 0;
    }
}

/* Column by column in forward mode or row by row in reverse mode, whichever takes fewer passes. */
static void net_jacobian(const costate_net *net, const real *p, const real *x, real *y, real *jac, real *work) {
    const real *x0 = input_forward(net, x, work);
    const real *slope = net->input_is_plain ? NULL : work + VECTORS(net)->input_slope;
    const real *value = layers_forward(net, net->n_layer, p, x0, work);
    if (net->n_in <= net->n_out) {
        for (size_t j = 0; j < net->n_in; j++) {
            unit_vector(net->n_in, j, net->input_is_plain ? 1 : slope[j], work + VECTORS(net)->buffer[0]);
            output_scale(net, layers_tangent(net, p, NULL, x0, work), jac + j * net->n_out);
        }
    } else {
        real *unit = work + VECTORS(net)->buffer[2], *row = work + VECTORS(net)->buffer[3];
        for (size_t i = 0; i < net->n_out; i++) {
            unit_vector(net->n_out, i, 1, unit);
            layers_reverse(net, p, x0, unit, 0, row, NULL, work, work);
            for (size_t j = 0; j < net->n_in; j++) {
                jac[j * net->n_out + i] = net->input_is_plain ? row[j] : row[j] * slope[j];
            }
        }
    }
    if (y != NULL) {
        output_forward(net, value, y);
    }
}

#include "nn/kernels/hessian.h"
#include "nn/kernels/single_layer.h"

#include "nn/kernels/batch.h"

#if CSI_REAL_BITS == 64
#include "nn/kernels/lanes.h"

#define TABLE CSI_JOIN(csi_kernels_f64_, CSI_ISA_NAME)
extern const csi_kernels_f64 TABLE;
const csi_kernels_f64 TABLE = {
#else
#define TABLE CSI_JOIN(csi_kernels_f32_, CSI_ISA_NAME)
extern const csi_kernels_f32 TABLE;
const csi_kernels_f32 TABLE = {
#endif
    net_forward, net_forward_keep, net_vjp,        net_vjp_kept,  net_jvp,   net_jacobian,
    net_hessian, layer_forward,    layer_pullback, batch_forward, batch_vjp, layer_forward_batch};
