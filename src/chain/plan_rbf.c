/* SPDX-License-Identifier: MIT */
/* Sizes of a layer of radial basis functions. */
#include "chain/plan_parts.h"

costate_status csi_plan_rbf(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    const size_t n_in = costate_shape_size(in);
    size_t n_centre;
    if (layer->n_out == 0 || !csi_accuracy_is_known(layer->accuracy)) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!csi_size_mul(n_in, layer->n_out, &n_centre)) {
        return COSTATE_ERR_OVERFLOW;
    }
    plan->out = costate_shape_vector(layer->n_out);
    csi_plan_block(plan, "centre", n_centre, 1.0);
    csi_plan_block(plan, "inverse_width", layer->n_out, 0.0);
    plan->block[1].value = 1.0 / sqrt((double)n_in);
    plan->n_kept = layer->n_out;
    return COSTATE_OK;
}
