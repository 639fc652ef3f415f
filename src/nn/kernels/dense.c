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

/* out = W x + init, or tanh of it; `room` says that out is a workspace vector. */
INLINE void affine_kind(product_kind kind, const csi_layer *layer, const real *weight, const real *init, const real *x,
                        real *out, bool room) {
    if (layer->columns) {
        const operands o = {
            .n = layer->n_out, .m = layer->n_in, .matrix = weight, .c = x, .init = init, .out = out, .room = room};
        combine(kind, &o);
    } else {
        const operands o = {
            .n = layer->n_in, .m = layer->n_out, .matrix = weight, .a = x, .init = init, .out = out, .room = room};
        dots(kind, &o);
    }
}

static void affine(const csi_layer *layer, const real *weight, const real *init, const real *x, real *out, bool room) {
    affine_kind(PRODUCT, layer, weight, init, x, out, room);
}

static void layer_affine(const csi_layer *layer, const real *p, const real *x, real *z, bool room) {
    affine(layer, p + layer->weight, layer->has_bias ? p + layer->bias : NULL, x, z, room);
}

/* xbar = Wᵀ d unless NULL, Wbar += scale·d xᵀ unless NULL */
INLINE void transposed(const csi_layer *layer, const real *weight, const real *x, const real *d, real scale, real *xbar,
                       bool room, real *wbar) {
    const product_kind kind = wbar == NULL ? PRODUCT : xbar == NULL ? UPDATE : BOTH;
    operands o = {.matrix = weight, .out = xbar, .room = room, .scale = scale, .mbar = wbar};
    if (layer->columns) {
        o.n = layer->n_out;
        o.m = layer->n_in;
        o.a = d;
        o.c = x;
        dots(kind, &o);
    } else {
        o.n = layer->n_in;
        o.m = layer->n_out;
        o.a = x;
        o.c = d;
        combine(kind, &o);
    }
}

/* x⁰, and unless it is x itself its slope with respect to x. */
static const real *input_forward(const costate_net *net, const real *x, real *work) {
    if (net->input_is_plain) {
        return x;
    }
    real *value = work + net->input_value, *slope = work + net->input_slope;
    scale_shift(net->n_in, in_scale(net), x, in_shift(net), value);
    act_forward_slope[net->input_act][net->accurate](net->n_in, value, slope);
    multiply(net->n_in, slope, in_scale(net), slope);
    return value;
}

/* z = act(W x + b), and unless `slope` is NULL what its derivative needs; `room` as in affine_kind(). */
INLINE void layer_values(const costate_net *net, const csi_layer *layer, const real *p, const real *x, real *z,
                         real *slope, bool room) {
    if (layer->act == COSTATE_ACT_TANH && !net->accurate) {
        affine_kind(PRODUCT_TANH, layer, p + layer->weight, layer->has_bias ? p + layer->bias : NULL, x, z, room);
        return;
    }
    const size_t n = room ? (layer->n_out + VLANES - 1) / VLANES * VLANES : layer->n_out;
    layer_affine(layer, p, x, z, room);
    if (slope != NULL && slope != z) {
        act_forward_slope[layer->act][net->accurate](n, z, slope);
    } else if (layer->act != COSTATE_ACT_IDENTITY) {
        act_forward[layer->act][net->accurate](n, z);
    }
}

/* Values of the first `n_layer` layers and what their derivatives need. */
static void layers_forward(const costate_net *net, size_t n_layer, const real *p, const real *x0, real *work) {
    const real *x = x0;
    for (size_t l = 0; l < n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        layer_values(net, layer, p, x, work + layer->value, work + layer->slope, true);
        x = work + layer->value;
    }
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
static void layer_delta(const csi_layer *layer, const real *v, real scale, real *pbar, const real *work, real *d) {
    real *bbar = pbar != NULL && layer->has_bias ? pbar + layer->bias : NULL;
    act_delta[layer->act](layer->n_out, work + layer->slope, v, d, scale, bbar);
}

/* to += scale·v */
static void add_scaled(size_t n, real scale, const real *v, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        store_part(to + i, n - i, v_fma(v_set1(scale), load_part(v + i, n - i), load_part(to + i, n - i)));
    }
}

/* The same for the last layer, from the cotangent of the outputs; returned in place where it is that. */
static const real *output_delta(const costate_net *net, const real *v, real scale, real *pbar, real *work) {
    const csi_layer *last = &net->layers[net->n_layer - 1];
    real *d = work + net->buffer[0];
    if (!net->output_is_plain) {
        multiply(net->n_out, v, out_scale(net), d);
        v = d;
    }
    if (last->act != COSTATE_ACT_IDENTITY) {
        layer_delta(last, v, scale, pbar, work, d);
        return d;
    }
    if (pbar != NULL && last->has_bias) {
        add_scaled(net->n_out, scale, v, pbar + last->bias);
    }
    return v;
}

/* Reverse pass over the cached values: from the outputs' cotangent v to that of x⁰, in x0bar unless that is NULL. */
static void layers_reverse(const costate_net *net, const real *p, const real *x0, const real *v, real scale,
                           real *x0bar, real *pbar, real *work) {
    const real *d = output_delta(net, v, scale, pbar, work);
    for (size_t l = net->n_layer - 1; l > 0; l--) {
        const csi_layer *layer = &net->layers[l], *under = layer - 1;
        real *out = work + net->buffer[(net->n_layer - l) % 2];
        transposed(layer, p + layer->weight, work + under->value, d, scale, out, true,
                   pbar == NULL ? NULL : pbar + layer->weight);
        if (under->act != COSTATE_ACT_IDENTITY || pbar != NULL) {
            layer_delta(under, out, scale, pbar, work, out);
        }
        d = out;
    }
    if (x0bar != NULL || pbar != NULL) {
        const csi_layer *first = &net->layers[0];
        transposed(first, p + first->weight, x0, d, scale, x0bar, false, pbar == NULL ? NULL : pbar + first->weight);
    }
}

/* Tangent pass over the cached values: from buffer 0 to the buffer it returns. */
static const real *layers_tangent(const costate_net *net, const real *p, const real *up, const real *x0, real *work) {
    real *u = work + net->buffer[0], *out = work + net->buffer[1];
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
        x = work + layer->value;
    }
    return u;
}

static void net_forward(const costate_net *net, const real *p, const real *x, real *y, real *work) {
    const csi_layer *last = &net->layers[net->n_layer - 1];
    for (const csi_layer *layer = net->layers; layer < last; layer++) {
        x = layer == net->layers ? input_forward(net, x, work) : x;
        layer_values(net, layer, p, x, work + layer->value, NULL, true);
        x = work + layer->value;
    }
    x = net->n_layer == 1 ? input_forward(net, x, work) : x;
    layer_values(net, last, p, x, y, NULL, false);
    if (!net->output_is_plain) {
        scale_shift(net->n_out, out_scale(net), y, out_shift(net), y);
    }
}

/* The values of a last layer without activation are not needed. */
static void net_vjp(const costate_net *net, const real *p, const real *x, const real *v, real scale, real *xbar,
                    real *pbar, real *work) {
    const bool skip_last = net->layers[net->n_layer - 1].act == COSTATE_ACT_IDENTITY;
    const real *x0 = input_forward(net, x, work);
    layers_forward(net, net->n_layer - (skip_last ? 1 : 0), p, x0, work);
    layers_reverse(net, p, x0, v, scale, xbar, pbar, work);
    if (xbar != NULL && !net->input_is_plain) {
        multiply(net->n_in, xbar, work + net->input_slope, xbar);
    }
}

static void net_jvp(const costate_net *net, const real *p, const real *x, const real *u, const real *up, real *y,
                    real *yu, real *work) {
    const real *x0 = input_forward(net, x, work);
    layers_forward(net, net->n_layer, p, x0, work);
    if (net->input_is_plain) {
        copy(net->n_in, u, work + net->buffer[0]);
    } else {
        multiply(net->n_in, u, work + net->input_slope, work + net->buffer[0]);
    }
    output_scale(net, layers_tangent(net, p, up, x0, work), yu);
    if (y != NULL) {
        output_forward(net, work + net->layers[net->n_layer - 1].value, y);
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
    const real *slope = net->input_is_plain ? NULL : work + net->input_slope;
    layers_forward(net, net->n_layer, p, x0, work);
    if (net->n_in <= net->n_out) {
        for (size_t j = 0; j < net->n_in; j++) {
            unit_vector(net->n_in, j, net->input_is_plain ? 1 : slope[j], work + net->buffer[0]);
            output_scale(net, layers_tangent(net, p, NULL, x0, work), jac + j * net->n_out);
        }
    } else {
        real *unit = work + net->buffer[2], *row = work + net->buffer[3];
        for (size_t i = 0; i < net->n_out; i++) {
            unit_vector(net->n_out, i, 1, unit);
            layers_reverse(net, p, x0, unit, 0, row, NULL, work);
            for (size_t j = 0; j < net->n_in; j++) {
                jac[j * net->n_out + i] = net->input_is_plain ? row[j] : row[j] * slope[j];
            }
        }
    }
    if (y != NULL) {
        output_forward(net, work + net->layers[net->n_layer - 1].value, y);
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
    scale_shift(n, in_scale(net), x, in_shift(net), value);
    act_forward_curvature[net->input_act][net->accurate](n, value, slope, curvature);
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
        affine(layer, weight, NULL, from.first + i * net->widest, to.first + i * net->widest, true);
    }
    const real *in = from.second;
    real *out = to.second;
    for (size_t i = 0; i < net->n_in; i++) {
        const real *ti = to.first + i * net->widest;
        for (size_t j = i; j < net->n_in; j++, in += net->widest, out += net->widest) {
            const real *tj = to.first + j * net->widest;
            affine(layer, weight, NULL, in, out, true);
            for (size_t k = 0; k < layer->n_out; k += VLANES) {
                const size_t left = layer->n_out - k;
                const vreal square = v_mul(load_part(ti + k, left), load_part(tj + k, left));
                const vreal bend = v_mul(load_part(curvature + k, left), square);
                store_part(out + k, left, v_fma(load_part(slope + k, left), load_part(out + k, left), bend));
            }
        }
    }
    for (size_t i = 0; i < net->n_in; i++) {
        multiply(layer->n_out, slope, to.first + i * net->widest, to.first + i * net->widest);
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
    hessian_input(net, x, work, now);
    const real *input = work + net->input_value;
    for (size_t l = 0; l < net->n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        real *value = work + layer->value;
        layer_affine(layer, p, input, value, true);
        act_forward_curvature[layer->act][net->accurate](layer->n_out, value, slope, curvature);
        hessian_layer(net, layer, p + layer->weight, slope, curvature, now, next);
        const second_order swap = now;
        now = next;
        next = swap;
        input = value;
    }
    hessian_output(net, now, jac, hess);
    if (y != NULL) {
        output_forward(net, input, y);
    }
}

static csi_layer layer_shape(const costate_layer *layer) {
    return (csi_layer){
        .n_in = layer->n_in, .n_out = layer->n_out, .columns = csi_weights_by_column(layer->n_in, layer->n_out)};
}

static void layer_forward(const costate_layer *layer, const real *p, const real *x, real *y, real *cache) {
    const csi_layer shape = layer_shape(layer);
    const bool accurate = layer->accuracy == COSTATE_ACCURACY_ACCURATE;
    affine(&shape, p, layer->no_bias ? NULL : p + layer->n_in * layer->n_out, x, y, false);
    if (cache == NULL) {
        act_forward[layer->act][accurate](layer->n_out, y);
    } else if (csi_slope_is_value(layer->act)) {
        act_forward[layer->act][accurate](layer->n_out, y);
        copy(layer->n_out, y, cache);
    } else {
        act_forward_slope[layer->act][accurate](layer->n_out, y, cache);
    }
}

static void layer_pullback(const costate_layer *layer, const real *p, const real *x, const real *v, real scale,
                           real *xbar, real *pbar, real *cache) {
    const csi_layer shape = layer_shape(layer);
    real *bbar = pbar != NULL && !layer->no_bias ? pbar + layer->n_in * layer->n_out : NULL;
    act_delta[layer->act](layer->n_out, cache, v, cache, scale, bbar);
    if (xbar != NULL || pbar != NULL) {
        transposed(&shape, p, x, cache, scale, xbar, false, pbar);
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
