/* SPDX-License-Identifier: MIT */
/* Sizes of a permutation of axes. */
#include "chain/plan_parts.h"

/* Axes longer than 1 stay in their order, and so do the elements. */
static bool is_reshaping(const size_t *extent, const size_t *order) {
    size_t last = 0;
    for (size_t i = 0; i < 3; i++) {
        if (extent[order[i]] > 1) {
            if (order[i] < last) {
                return false;
            }
            last = order[i];
        }
    }
    return true;
}

costate_status csi_plan_permute(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    const size_t extent[3] = {in.n_channel, in.height, in.width};
    const size_t *order = layer->order;
    if (order[0] > 2 || order[1] > 2 || order[2] > 2 || order[0] == order[1] || order[0] == order[2] ||
        order[1] == order[2]) {
        return COSTATE_ERR_ARGUMENT;
    }
    plan->out = (costate_shape){extent[order[0]], extent[order[1]], extent[order[2]]};
    plan->is_view = is_reshaping(extent, order);
    return COSTATE_OK;
}
