/* SPDX-License-Identifier: MIT */
/* Sizes of an embedding. */
#include "chain/plan_parts.h"

costate_status csi_plan_embedding(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    size_t n_table;
    if (layer->n_in == 0 || layer->n_out == 0) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (in.n_channel != 1) {
        return COSTATE_ERR_SIZE;
    }
    plan->out = (costate_shape){layer->n_out, in.height, in.width};
    if (!csi_size_mul(layer->n_in, layer->n_out, &n_table) || costate_shape_size(plan->out) == 0) {
        return COSTATE_ERR_OVERFLOW;
    }
    csi_plan_block(plan, "table", n_table, 1.0);
    return COSTATE_OK;
}
