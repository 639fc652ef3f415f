/* SPDX-License-Identifier: MIT */
/* Sizes of a pooling layer. */
#include "chain/plan_window.h"

/* Less than half a window, so that every window has an element. */
static bool padding_is_less_than_half(const costate_chain_layer *layer, int axis) {
    return layer->padding[axis] < layer->kernel[axis] - layer->padding[axis] &&
           layer->padding[axis] < layer->kernel[axis];
}

costate_status csi_plan_max_pool(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    csi_window_extents extents;
    if (!padding_is_less_than_half(layer, 0) || !padding_is_less_than_half(layer, 1)) {
        return COSTATE_ERR_ARGUMENT;
    }
    const costate_status status = csi_window_plan(layer, in, &extents);
    plan->out = (costate_shape){in.n_channel, extents.out[0], extents.out[1]};
    return status;
}
