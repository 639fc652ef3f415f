/* SPDX-License-Identifier: MIT */
/* Sizes of a convolution. */
#include "chain/plan_parts.h"
#include "chain/plan_window.h"
#include "chain/kernels/window_limits.h"

static bool product3(size_t a, size_t b, size_t c, size_t *result) {
    return csi_size_mul(a, b, result) && csi_size_mul(*result, c, result);
}

/* The VJP copies a padded input, and puts by the sums of the weights of a group of channels between strips. */
static bool count_scratch(const costate_chain_layer *layer, costate_shape in, const csi_window_extents *extents,
                          size_t n_tap, costate_chain_plan *plan) {
    const size_t n_unit = layer->n_out < WINDOW_GROUP ? layer->n_out : WINDOW_GROUP;
    size_t n_padded = 0;
    if ((layer->padding[0] > 0 || layer->padding[1] > 0) &&
        !product3(in.n_channel, extents->padded[0], extents->padded[1], &n_padded)) {
        return false;
    }
    return csi_size_mul(n_unit, n_tap, &plan->n_scratch) && csi_size_add(plan->n_scratch, n_padded, &plan->n_scratch);
}

costate_status csi_plan_conv(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    csi_window_extents extents;
    size_t n_tap, n_weight, n_out;
    if (layer->n_out == 0 || !csi_act_is_known(layer->act) || !csi_accuracy_is_known(layer->accuracy)) {
        return COSTATE_ERR_ARGUMENT;
    }
    const costate_status status = csi_window_plan(layer, in, &extents);
    if (status != COSTATE_OK) {
        return status;
    }
    if (!product3(in.n_channel, layer->kernel[0], layer->kernel[1], &n_tap) ||
        !csi_size_mul(n_tap, layer->n_out, &n_weight) ||
        !product3(layer->n_out, extents.out[0], extents.out[1], &n_out) ||
        !count_scratch(layer, in, &extents, n_tap, plan)) {
        return COSTATE_ERR_OVERFLOW;
    }
    plan->out = (costate_shape){layer->n_out, extents.out[0], extents.out[1]};
    csi_plan_weights(plan, n_weight, (double)n_tap,
                     (double)layer->n_out * (double)layer->kernel[0] * (double)layer->kernel[1]);
    csi_plan_bias(plan, layer);
    plan->n_kept = csi_slope_is_value(layer->act) ? 0 : n_out;
    return COSTATE_OK;
}
