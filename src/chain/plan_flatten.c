/* SPDX-License-Identifier: MIT */
/* Sizes of a flattening layer. */
#include "chain/kinds.h"

costate_status csi_plan_flatten(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    (void)layer;
    plan->out = costate_shape_vector(costate_shape_size(in));
    plan->is_view = true;
    return COSTATE_OK;
}
