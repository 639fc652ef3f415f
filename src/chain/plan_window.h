/* SPDX-License-Identifier: MIT */
/* Output extents of layers that pass a window over their input. */
#ifndef CSI_PLAN_WINDOW_H
#define CSI_PLAN_WINDOW_H

#include "chain/kinds.h"
#include "core/memory.h"

/* Extents along both axes, and the input with its padding. */
typedef struct csi_window_extents {
    size_t out[2];
    size_t padded[2];
} csi_window_extents;

static inline costate_status csi_window_plan(const costate_chain_layer *layer, costate_shape in,
                                             csi_window_extents *extents) {
    const size_t extent[2] = {in.height, in.width};
    for (int axis = 0; axis < 2; axis++) {
        size_t both, padded;
        if (layer->kernel[axis] == 0 || layer->stride[axis] == 0) {
            return COSTATE_ERR_ARGUMENT;
        }
        if (!csi_size_mul(layer->padding[axis], 2, &both) || !csi_size_add(extent[axis], both, &padded)) {
            return COSTATE_ERR_OVERFLOW;
        }
        if (layer->kernel[axis] > padded) {
            return COSTATE_ERR_SIZE;
        }
        extents->padded[axis] = padded;
        extents->out[axis] = (padded - layer->kernel[axis]) / layer->stride[axis] + 1;
    }
    return COSTATE_OK;
}

#endif
