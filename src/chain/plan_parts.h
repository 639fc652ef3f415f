/* SPDX-License-Identifier: MIT */
/* Parts that the plans of several kinds have. */
#ifndef CSI_PLAN_PARTS_H
#define CSI_PLAN_PARTS_H

#include "chain/kinds.h"
#include "core/memory.h"
#include "nn/net_plan.h"

#include <math.h>

static inline bool csi_act_is_known(costate_act act) { return (int)act >= 0 && (int)act < COSTATE_ACT_COUNT; }

static inline bool csi_accuracy_is_known(costate_accuracy accuracy) {
    return accuracy == COSTATE_ACCURACY_FAST || accuracy == COSTATE_ACCURACY_ACCURATE;
}

/* The next block of parameters. */
static inline void csi_plan_block(costate_chain_plan *plan, const char *name, size_t length, double bound) {
    plan->block[plan->n_block++] = (costate_chain_plan_block){.name = name, .length = length, .bound = bound};
}

static inline void csi_plan_weights(costate_chain_plan *plan, size_t length, double fan_in, double fan_out) {
    csi_plan_block(plan, "weight", length, sqrt(6.0 / (fan_in + fan_out)));
}

/* One bias per output unit or channel, unless the layer has none. */
static inline void csi_plan_bias(costate_chain_plan *plan, const costate_chain_layer *layer) {
    if (!layer->no_bias) {
        csi_plan_block(plan, "bias", layer->n_out, 0.0);
        plan->block[plan->n_block - 1].is_bias = true;
    }
}

#endif
