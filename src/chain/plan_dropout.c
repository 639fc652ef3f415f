/* SPDX-License-Identifier: MIT */
/* Sizes of a dropout layer. */
#include "chain/kinds.h"

costate_status csi_plan_dropout(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    if (!(layer->rate >= 0 && layer->rate <= 1 - 0x1p-24)) {
        return COSTATE_ERR_ARGUMENT;
    }
    plan->out = in;
    plan->n_kept = costate_shape_size(in);
    return COSTATE_OK;
}
