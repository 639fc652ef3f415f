/* SPDX-License-Identifier: MIT */
/* Sizes of a dense layer. */
#include "chain/dense_shape.h"
#include "chain/plan_parts.h"

costate_status csi_plan_dense(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    const size_t n_in = costate_shape_size(in);
    size_t n_weight;
    if (layer->n_out == 0 || !csi_act_is_known(layer->act) || !csi_accuracy_is_known(layer->accuracy)) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!csi_size_mul(n_in, layer->n_out, &n_weight)) {
        return COSTATE_ERR_OVERFLOW;
    }
    plan->out = costate_shape_vector(layer->n_out);
    csi_plan_weights(plan, n_weight, (double)n_in, (double)layer->n_out);
    csi_plan_bias(plan, layer);
    plan->n_kept = csi_slope_is_value(layer->act) ? 0 : layer->n_out;
    plan->n_scratch = csi_dense_transposes(n_in, layer->n_out) ? csi_dense_pitch(n_in) : 0;
    return COSTATE_OK;
}
