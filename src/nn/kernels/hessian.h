/* SPDX-License-Identifier: MIT */
/* The input Hessian of a network: second-order forward mode, layer by layer. Part of dense.c. */
#ifndef CSI_HESSIAN_H
#define CSI_HESSIAN_H

/* First tangents T_i and second ones S_ij (i ≤ j) of one layer's values, each `widest` elements apart. */
typedef struct second_order {
    real *first, *second;
} second_order;

static void hessian_input(const costate_net *net, const real *x, real *work, second_order at) {
    const size_t n = net->n_in;
    real *slope = work + VECTORS(net)->buffer[0], *curvature = work + VECTORS(net)->buffer[1];
    real *value = work + VECTORS(net)->input_value;
    scale_shift(n, in_scale(net), x, in_shift(net), value);
    act_forward_curvature[net->input_act][net->accurate](n, value, slope, curvature);
    real *second = at.second;
    for (size_t i = 0; i < n; i++) {
        const real scale = in_scale(net)[i];
        unit_vector(n, i, slope[i] * scale, at.first + i * VECTORS(net)->widest);
        for (size_t j = i; j < n; j++, second += VECTORS(net)->widest) {
            unit_vector(n, i, i == j ? curvature[i] * scale * scale : 0, second);
        }
    }
}

/* S'_ij = act′ ∘ W S_ij + act″ ∘ W T_i ∘ W T_j and T'_i = act′ ∘ W T_i */
static void hessian_layer(const costate_net *net, const csi_layer *layer, const real *weight, const real *slope,
                          const real *curvature, second_order from, second_order to) {
    for (size_t i = 0; i < net->n_in; i++) {
        affine(layer, weight, NULL, from.first + i * VECTORS(net)->widest, to.first + i * VECTORS(net)->widest, true);
    }
    const real *in = from.second;
    real *out = to.second;
    for (size_t i = 0; i < net->n_in; i++) {
        const real *ti = to.first + i * VECTORS(net)->widest;
        for (size_t j = i; j < net->n_in; j++, in += VECTORS(net)->widest, out += VECTORS(net)->widest) {
            const real *tj = to.first + j * VECTORS(net)->widest;
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
        multiply(layer->n_out, slope, to.first + i * VECTORS(net)->widest, to.first + i * VECTORS(net)->widest);
    }
}

static void hessian_output(const costate_net *net, second_order at, real *jac, real *hess) {
    const size_t n = net->n_in;
    const real *second = at.second;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i; j < n; j++, second += VECTORS(net)->widest) {
            for (size_t k = 0; k < net->n_out; k++) {
                const real value = out_scale(net)[k] * second[k];
                hess[(k * n + i) * n + j] = value;
                hess[(k * n + j) * n + i] = value;
            }
        }
        for (size_t k = 0; jac != NULL && k < net->n_out; k++) {
            jac[i * net->n_out + k] = out_scale(net)[k] * at.first[i * VECTORS(net)->widest + k];
        }
    }
}

static void net_hessian(const costate_net *net, const real *p, const real *x, real *y, real *jac, real *hess,
                        real *work) {
    const size_t n_second = net->n_in * (net->n_in + 1) / 2;
    second_order now = {work + VECTORS(net)->n_work, work + VECTORS(net)->n_work + net->n_in * VECTORS(net)->widest};
    second_order next = {now.second + n_second * VECTORS(net)->widest,
                         now.second + (n_second + net->n_in) * VECTORS(net)->widest};
    real *slope = work + VECTORS(net)->buffer[0], *curvature = work + VECTORS(net)->buffer[1];
    hessian_input(net, x, work, now);
    const real *input = work + VECTORS(net)->input_value;
    for (size_t l = 0; l < net->n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        real *value = work + VALUE(layer);
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

#endif
