/* SPDX-License-Identifier: MIT */
/* Networks: creation from a specification, destruction, and what can be asked of them. */
#include <costate/net.h>
#include "core/finite.h"
#include "core/memory.h"
#include "nn/kernels/kernels.h"
#include <stdint.h>

static bool is_act(costate_act act) { return (unsigned)act < COSTATE_ACT_COUNT; }

static costate_status check_spec(const costate_net_spec *spec) {
    if (spec->layers == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (spec->n_in == 0 || spec->n_layer == 0 || !is_act(spec->input_act) ||
        (spec->accuracy != COSTATE_ACCURACY_FAST && spec->accuracy != COSTATE_ACCURACY_ACCURATE)) {
        return COSTATE_ERR_ARGUMENT;
    }
    for (size_t l = 0; l < spec->n_layer; l++) {
        if (spec->layers[l].n_out == 0 || !is_act(spec->layers[l].act)) {
            return COSTATE_ERR_ARGUMENT;
        }
    }
    const size_t n_out = spec->layers[spec->n_layer - 1].n_out;
    const double *const affine[] = {spec->in_scale, spec->in_shift, spec->out_scale, spec->out_shift};
    for (size_t k = 0; k < 4; k++) {
        if (affine[k] != NULL && !csi_all_finite(affine[k], k < 2 ? spec->n_in : n_out)) {
            return COSTATE_ERR_NONFINITE;
        }
    }
    return COSTATE_OK;
}

/* *offset gets *total, and *total grows by `count` elements; false when that cannot be addressed in bytes. */
static bool reserve(size_t count, size_t *total, size_t *offset) {
    *offset = *total;
    return count <= (size_t)PTRDIFF_MAX / sizeof(double) && *total <= (size_t)PTRDIFF_MAX / sizeof(double) - count &&
           csi_size_add(*total, count, total);
}

static bool reserve_padded(size_t n, csi_layout layout, size_t *total, size_t *offset) {
    return n <= SIZE_MAX / 2 && reserve(csi_pad(n, layout) + CSI_RED_ZONE, total, offset);
}

static bool plan_layer(costate_net *net, const costate_layer_spec *spec, size_t n_in, csi_layer *layer) {
    size_t n_weight;
    *layer = (csi_layer){.n_in = n_in,
                         .n_out = spec->n_out,
                         .act = spec->act,
                         .has_bias = !spec->no_bias,
                         .columns = csi_weights_by_column(n_in, spec->n_out)};
    return csi_size_mul(n_in, spec->n_out, &n_weight) && reserve(n_weight, &net->n_param, &layer->weight) &&
           reserve(layer->has_bias ? spec->n_out : 0, &net->n_param, &layer->bias);
}

/* Both layers narrow but for the units between them, whose activation hidden_reverse.h has. */
static bool fuses(const csi_layer *under, const csi_layer *over) {
    return under->columns && under->n_in <= CSI_NARROW && !over->columns && over->n_out <= CSI_NARROW &&
           (under->act == COSTATE_ACT_TANH || !csi_slope_is_value(under->act));
}

static bool plan_layers(costate_net *net, const costate_net_spec *spec) {
    size_t n_in = spec->n_in;
    for (size_t l = 0; l < spec->n_layer; l++) {
        if (!plan_layer(net, &spec->layers[l], n_in, &net->layers[l])) {
            return false;
        }
        n_in = spec->layers[l].n_out;
    }
    for (size_t l = 0; l + 1 < spec->n_layer; l++) {
        net->layers[l].fused = fuses(&net->layers[l], &net->layers[l + 1]);
    }
    return true;
}

/* Values, first and second tangents of the Hessian, in two generations. */
static size_t hessian_work(const costate_net *net, const csi_vectors *vectors) {
    size_t n_second, n_vectors, n_elements, total;
    if (!csi_size_mul(net->n_in, net->n_in + 1, &n_second) || !csi_size_add(n_second / 2, net->n_in, &n_vectors) ||
        !csi_size_mul(n_vectors, 2, &n_vectors) || !csi_size_mul(n_vectors, vectors->widest, &n_elements) ||
        !csi_size_add(n_elements, vectors->n_work, &total) || total > (size_t)PTRDIFF_MAX / sizeof(double)) {
        return SIZE_MAX;
    }
    return total;
}

static bool plan_input(const costate_net *net, csi_layout layout, csi_vectors *vectors) {
    if (net->n_in > SIZE_MAX / 4 || !reserve_padded(2 * net->n_in, layout, &vectors->n_work, &vectors->input_value)) {
        return false;
    }
    vectors->input_slope = vectors->input_value + net->n_in;
    return true;
}

/* A plain input needs its vectors for the Hessian alone, and the last layer its value not at all on the way back if it has no activation. */
static bool plan_vectors(costate_net *net, csi_layout layout) {
    csi_vectors *vectors = &net->vectors[layout];
    if (!net->input_is_plain && !plan_input(net, layout, vectors)) {
        return false;
    }
    vectors->widest = csi_pad(net->n_in, layout);
    for (size_t l = 0; l < net->n_layer; l++) {
        csi_layer *layer = &net->layers[l];
        const bool last = l + 1 == net->n_layer;
        if (last) {
            vectors->n_kept = vectors->n_work;
        }
        if (!reserve_padded(layer->n_out, layout, &vectors->n_work, &layer->value[layout])) {
            return false;
        }
        layer->slope[layout] = layer->value[layout];
        if (!csi_slope_is_value(layer->act) &&
            !reserve_padded(layer->n_out, layout, &vectors->n_work, &layer->slope[layout])) {
            return false;
        }
        if (last && layer->act != COSTATE_ACT_IDENTITY) {
            vectors->n_kept = vectors->n_work;
        }
        const size_t padded = csi_pad(layer->n_out, layout);
        vectors->widest = padded > vectors->widest ? padded : vectors->widest;
    }
    if (net->input_is_plain && !plan_input(net, layout, vectors)) {
        return false;
    }
    for (size_t b = 0; b < 4; b++) {
        if (!reserve_padded(vectors->widest, layout, &vectors->n_work, &vectors->buffer[b])) {
            return false;
        }
    }
    vectors->n_hessian_work = hessian_work(net, vectors);
    return true;
}

static void copy_affine(costate_net *net, const costate_net_spec *spec) {
    const double *const from[] = {spec->in_scale, spec->in_shift, spec->out_scale, spec->out_shift};
    size_t at = 0;
    for (size_t k = 0; k < 4; k++) {
        const size_t n = k < 2 ? net->n_in : net->n_out;
        for (size_t i = 0; i < n; i++, at++) {
            net->affine_f64[at] = from[k] != NULL ? from[k][i] : k % 2 == 0 ? 1 : 0;
            net->affine_f32[at] = (float)net->affine_f64[at];
        }
    }
}

static costate_status build(costate_net *net, const costate_net_spec *spec) {
    net->n_in = spec->n_in;
    net->n_layer = spec->n_layer;
    net->n_out = spec->layers[spec->n_layer - 1].n_out;
    net->input_act = spec->input_act;
    net->accurate = spec->accuracy == COSTATE_ACCURACY_ACCURATE;
    net->input_is_scaled = spec->in_scale != NULL || spec->in_shift != NULL;
    net->input_is_plain = spec->input_act == COSTATE_ACT_IDENTITY && !net->input_is_scaled;
    net->output_is_plain = spec->out_scale == NULL && spec->out_shift == NULL;
    net->layers = csi_alloc(&net->alloc, spec->n_layer, sizeof *net->layers);
    if (net->layers == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    if (!plan_layers(net, spec) || !plan_vectors(net, CSI_F64) || !plan_vectors(net, CSI_F32) ||
        !plan_vectors(net, CSI_LANES)) {
        return COSTATE_ERR_OVERFLOW;
    }
    const size_t n_affine = 2 * (net->n_in + net->n_out);
    net->affine_f64 = csi_alloc(&net->alloc, n_affine, sizeof *net->affine_f64);
    net->affine_f32 = csi_alloc(&net->alloc, n_affine, sizeof *net->affine_f32);
    if (net->affine_f64 == NULL || net->affine_f32 == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    copy_affine(net, spec);
    return COSTATE_OK;
}

costate_status costate_net_create(const costate_net_spec *spec, const costate_allocator *alloc, costate_net **net) {
    if (net == NULL) {
        return COSTATE_ERR_NULL;
    }
    *net = NULL;
    if (spec == NULL) {
        return COSTATE_ERR_NULL;
    }
    const struct costate_kernels *kernels;
    costate_status status = check_spec(spec);
    if (status != COSTATE_OK || (status = csi_kernels_select(&kernels)) != COSTATE_OK) {
        return status;
    }
    const costate_allocator hooks = csi_allocator(alloc);
    costate_net *made = csi_alloc(&hooks, 1, sizeof *made);
    if (made == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->alloc = hooks;
    made->kernels = kernels;
    status = build(made, spec);
    if (status != COSTATE_OK) {
        costate_net_destroy(made);
        return status;
    }
    *net = made;
    return COSTATE_OK;
}

void costate_net_destroy(costate_net *net) {
    if (net != NULL) {
        const costate_allocator hooks = net->alloc;
        csi_release(&hooks, net->layers);
        csi_release(&hooks, net->affine_f64);
        csi_release(&hooks, net->affine_f32);
        csi_release(&hooks, net);
    }
}

size_t costate_net_n_in(const costate_net *net) { return net == NULL ? 0 : net->n_in; }

size_t costate_net_n_out(const costate_net *net) { return net == NULL ? 0 : net->n_out; }

size_t costate_net_n_param(const costate_net *net) { return net == NULL ? 0 : net->n_param; }

size_t costate_net_n_layer(const costate_net *net) { return net == NULL ? 0 : net->n_layer; }

costate_status costate_net_layer(const costate_net *net, size_t layer, costate_layer_spec *spec) {
    if (net == NULL || spec == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (layer >= net->n_layer) {
        return COSTATE_ERR_ARGUMENT;
    }
    const csi_layer *from = &net->layers[layer];
    *spec = (costate_layer_spec){.n_out = from->n_out, .act = from->act, .no_bias = !from->has_bias};
    return COSTATE_OK;
}

costate_isa costate_net_isa(const costate_net *net) { return net->kernels->isa; }
