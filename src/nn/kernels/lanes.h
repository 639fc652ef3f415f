/* SPDX-License-Identifier: MIT */
/*
 * A network for COSTATE_LANES samples at once, each with its own parameters: forward pass and fused VJP. Part of dense.c.
 *
 * Element i of lane l is at index i·COSTATE_LANES + l of every array, so that an element is one vector and no lane meets another. A sum over the
 * terms k of a layer runs over the even and the odd k apart, whatever the block it is computed in.
 */
#ifndef CSI_LANES_H
#define CSI_LANES_H

_Static_assert(COSTATE_LANES * sizeof(real) == 64, "a vector holds one element of every lane");

/* Sums computed together, which share the loads of the terms' factors. */
#if defined(CSI_ISA_AVX512)
#define LANES_BLOCK 4
#else
#define LANES_BLOCK 2
#endif

/* sum_w = init_w + Σ_k M(k, w) c_k, and Mbar(k, w) += c_k x_w; strides and indices in elements. */
typedef struct lanes_operands {
    size_t n_term, n_sum;
    size_t term_stride, sum_stride; /* from M(k, w) to M(k + 1, w) and to M(k, w + 1) */
    const real *matrix, *c;
    const real *init; /* NULL for zero */
    real *sum;
    real *matrix_bar; /* not used without update, as is: */
    const real *x;
} lanes_operands;

static const real *lane_element(const real *array, size_t i) { return array + i * VLANES; }

/* Term k of `width` sums. */
INLINE void lanes_term(size_t width, bool update, const real *q, real *qbar, size_t stride, vreal c, const vreal *x,
                       vreal *sum) {
    UNROLL for (size_t w = 0; w < width; w++) {
        sum[w] = v_fma(v_load(q + w * stride), c, sum[w]);
        if (update) {
            v_store(qbar + w * stride, v_fma(c, x[w], v_load(qbar + w * stride)));
        }
    }
}

/* `width` sums from w on. */
INLINE void lanes_block(size_t width, bool tanh, bool update, const lanes_operands *o, size_t w) {
    vreal even[LANES_BLOCK], odd[LANES_BLOCK], x[LANES_BLOCK];
    UNROLL for (size_t k = 0; k < width; k++) {
        even[k] = o->init == NULL ? v_zero() : v_load(lane_element(o->init, w + k));
        odd[k] = v_zero();
        x[k] = update ? v_load(lane_element(o->x, w + k)) : v_zero();
    }
    const size_t stride = o->sum_stride * VLANES, step = o->term_stride * VLANES;
    const real *q = lane_element(o->matrix, w * o->sum_stride), *c = o->c;
    real *qbar = update ? o->matrix_bar + w * stride : NULL, *sum = o->sum + w * VLANES;
    size_t left = o->n_term;
    for (; left > 1; left -= 2, c += 2 * VLANES, q += 2 * step, qbar = update ? qbar + 2 * step : NULL) {
        lanes_term(width, update, q, qbar, stride, v_load(c), x, even);
        lanes_term(width, update, q + step, update ? qbar + step : NULL, stride, v_load(c + VLANES), x, odd);
    }
    if (left > 0) {
        lanes_term(width, update, q, qbar, stride, v_load(c), x, even);
    }
    UNROLL for (size_t k = 0; k < width; k++) {
        const vreal total = v_add(even[k], odd[k]);
        v_store(sum + k * VLANES, tanh ? tanh_fast(total) : total);
    }
}

typedef void lanes_fn(const lanes_operands *o, size_t w);
#define WIDTH(width)                                                                                                   \
    static OUTLINE void lanes_product_##width(const lanes_operands *o, size_t w) {                                     \
        lanes_block(width, false, false, o, w);                                                                        \
    }                                                                                                                  \
    static OUTLINE void lanes_tanh_##width(const lanes_operands *o, size_t w) {                                        \
        lanes_block(width, true, false, o, w);                                                                         \
    }                                                                                                                  \
    static OUTLINE void lanes_both_##width(const lanes_operands *o, size_t w) { lanes_block(width, false, true, o, w); }
WIDTH(1)
WIDTH(2)
#if LANES_BLOCK == 4
WIDTH(3)
WIDTH(4)
#define EACH(kind)                                                                                                     \
    { lanes_##kind##_1, lanes_##kind##_2, lanes_##kind##_3, lanes_##kind##_4 }
#else
#define EACH(kind)                                                                                                     \
    { lanes_##kind##_1, lanes_##kind##_2 }
#endif
static lanes_fn *const lanes_blocks[N_KIND][LANES_BLOCK] = {
    [PRODUCT] = EACH(product), [PRODUCT_TANH] = EACH(tanh), [BOTH] = EACH(both)};
#undef EACH
#undef WIDTH

static void lanes_sums(product_kind kind, const lanes_operands *o) {
    for (size_t w = 0; w < o->n_sum; w += LANES_BLOCK) {
        const size_t left = o->n_sum - w;
        lanes_blocks[kind][(left < LANES_BLOCK ? left : LANES_BLOCK) - 1](o, w);
    }
}

/* z = act(W x + b), and unless `slope` is NULL what its derivative needs. */
static void lanes_layer(const costate_net *net, const csi_layer *layer, const real *p, const real *x, real *z,
                        real *slope) {
    const lanes_operands o = {.n_term = layer->n_in,
                              .n_sum = layer->n_out,
                              .term_stride = col_stride(layer),
                              .sum_stride = row_stride(layer),
                              .matrix = lane_element(p, layer->weight),
                              .c = x,
                              .init = layer->has_bias ? lane_element(p, layer->bias) : NULL,
                              .sum = z};
    const size_t n = layer->n_out * VLANES;
    if (layer->act == COSTATE_ACT_TANH && !net->accurate) {
        lanes_sums(PRODUCT_TANH, &o);
        return;
    }
    lanes_sums(PRODUCT, &o);
    if (slope != NULL && slope != z) {
        act_forward_slope[layer->act][net->accurate](n, z, z, slope);
    } else if (layer->act != COSTATE_ACT_IDENTITY) {
        act_forward[layer->act][net->accurate](n, z, z);
    }
}

/* xbar = Wᵀ d, Wbar += d xᵀ unless NULL */
static void lanes_transposed(const csi_layer *layer, const real *p, const real *x, const real *d, real *xbar,
                             real *pbar) {
    const lanes_operands o = {.n_term = layer->n_out,
                              .n_sum = layer->n_in,
                              .term_stride = row_stride(layer),
                              .sum_stride = col_stride(layer),
                              .matrix = lane_element(p, layer->weight),
                              .c = d,
                              .sum = xbar,
                              .matrix_bar = pbar == NULL ? NULL : pbar + layer->weight * VLANES,
                              .x = x};
    lanes_sums(pbar == NULL ? PRODUCT : BOTH, &o);
}

static void lanes_multiply(size_t n, const real *scale, const real *x, real *to) {
    for (size_t i = 0; i < n; i++) {
        v_store(to + i * VLANES, v_mul(v_set1(scale[i]), v_load(lane_element(x, i))));
    }
}

static void lanes_scale_shift(size_t n, const real *scale, const real *x, const real *shift, real *to) {
    for (size_t i = 0; i < n; i++) {
        v_store(to + i * VLANES, v_fma(v_set1(scale[i]), v_load(lane_element(x, i)), v_set1(shift[i])));
    }
}

/* Offsets into the workspace, in reals. */
static real *lanes_at(real *work, size_t offset) { return work + offset * VLANES; }
#define LANES_VALUE(layer) ((layer)->value[CSI_LANES])
#define LANES_SLOPE(layer) ((layer)->slope[CSI_LANES])

/* x⁰, and unless it is x itself its slope with respect to x. */
static const real *lanes_input(const costate_net *net, const real *x, real *work) {
    if (net->input_is_plain) {
        return x;
    }
    real *value = lanes_at(work, net->vectors[CSI_LANES].input_value);
    real *slope = lanes_at(work, net->vectors[CSI_LANES].input_slope);
    if (net->input_is_scaled) {
        lanes_scale_shift(net->n_in, in_scale(net), x, in_shift(net), value);
        x = value;
    }
    act_forward_slope[net->input_act][net->accurate](net->n_in * VLANES, x, value, slope);
    if (net->input_is_scaled) {
        lanes_multiply(net->n_in, in_scale(net), slope, slope);
    }
    return value;
}

/* Values of the first `n_layer` layers and what their derivatives need; the last of these values, or x. */
static const real *lanes_layers(const costate_net *net, size_t n_layer, const real *p, const real *x, real *work) {
    for (size_t l = 0; l < n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        real *value = lanes_at(work, LANES_VALUE(layer));
        lanes_layer(net, layer, p, x, value, lanes_at(work, LANES_SLOPE(layer)));
        x = value;
    }
    return x;
}

static void lanes_forward(const costate_net *net, const real *p, const real *x, real *y, real *work) {
    const real *under = lanes_layers(net, net->n_layer - 1, p, lanes_input(net, x, work), work);
    lanes_layer(net, &net->layers[net->n_layer - 1], p, under, y, NULL);
    if (!net->output_is_plain) {
        lanes_scale_shift(net->n_out, out_scale(net), y, out_shift(net), y);
    }
}

/* Cotangent of a layer's pre-activations from that of its values, v to d, and the bias gradient; returned in place where it is that. */
static const real *lanes_delta(const csi_layer *layer, const real *v, real *pbar, real *work, real *d) {
    const size_t n = layer->n_out * VLANES;
    real *bbar = pbar != NULL && layer->has_bias ? pbar + layer->bias * VLANES : NULL;
    if (layer->act == COSTATE_ACT_IDENTITY) {
        if (bbar != NULL) {
            add_scaled(n, 1, v, bbar);
        }
        return v;
    }
    act_delta[layer->act](n, lanes_at(work, LANES_SLOPE(layer)), v, d, 1, bbar);
    return d;
}

static void lanes_vjp(const costate_net *net, const real *p, const real *x, const real *v, real *xbar, real *pbar,
                      real *work) {
    const csi_vectors *vectors = &net->vectors[CSI_LANES];
    const real *x0 = lanes_input(net, x, work);
    lanes_layers(net, n_layer_kept(net), p, x0, work);
    if (!net->output_is_plain) {
        lanes_multiply(net->n_out, out_scale(net), v, lanes_at(work, vectors->buffer[0]));
        v = lanes_at(work, vectors->buffer[0]);
    }
    for (size_t l = net->n_layer; l-- > 0;) {
        const csi_layer *layer = &net->layers[l];
        const real *d = lanes_delta(layer, v, pbar, work, lanes_at(work, vectors->buffer[(net->n_layer - 1 - l) % 2]));
        real *out = l == 0 ? xbar : lanes_at(work, vectors->buffer[(net->n_layer - l) % 2]);
        lanes_transposed(layer, p, l == 0 ? x0 : lanes_at(work, LANES_VALUE(layer - 1)), d, out, pbar);
        v = out;
    }
    if (!net->input_is_plain) {
        const real *slope = lanes_at(work, vectors->input_slope);
        multiply(net->n_in * VLANES, xbar, slope, xbar);
    }
}

#define LANES_TABLE CSI_JOIN(csi_kernels_lanes_, CSI_ISA_NAME)
extern const csi_kernels_lanes LANES_TABLE;
const csi_kernels_lanes LANES_TABLE = {lanes_forward, lanes_vjp};

#endif
