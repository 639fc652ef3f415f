/* SPDX-License-Identifier: MIT */
/* Sizes of recurrent layers. */
#include "chain/plan_parts.h"
#include "chain/recurrent_sizes.h"

/* Rows kept: those of every step; rows of scratch: cotangents of some steps' gates, and those carried on. */
static bool plan_rows(const csi_recurrent_sizes *sizes, size_t n_unit, size_t n_step, costate_chain_plan *plan) {
    size_t of_step;
    size_t scratch;
    return csi_size_mul(sizes->n_part + sizes->n_value, n_unit, &of_step) &&
           csi_size_mul(of_step, n_step, &plan->n_kept) &&
           csi_size_mul(sizes->n_part, csi_recurrent_steps(n_step), &scratch) &&
           csi_size_add(scratch, sizes->n_carried, &scratch) && csi_size_mul(scratch, n_unit, &plan->n_scratch);
}

static void plan_bias(costate_chain_plan *plan, const char *name, size_t length, double bound) {
    csi_plan_block(plan, name, length, bound);
    plan->block[plan->n_block - 1].is_bias = true;
}

static costate_status plan_recurrent(const costate_chain_layer *layer, const csi_recurrent_sizes *sizes,
                                     costate_shape in, costate_chain_plan *plan) {
    const size_t n_unit = layer->n_out;
    size_t n_row;
    size_t n_ih;
    size_t n_hh;
    if (n_unit == 0 || !csi_accuracy_is_known(layer->accuracy)) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (in.height != 1) {
        return COSTATE_ERR_SIZE;
    }
    if (!csi_size_mul(sizes->n_gate, n_unit, &n_row) || !csi_size_mul(n_row, in.n_channel, &n_ih) ||
        !csi_size_mul(n_row, n_unit, &n_hh) || !plan_rows(sizes, n_unit, in.width, plan)) {
        return COSTATE_ERR_OVERFLOW;
    }
    const double bound = 1.0 / sqrt((double)n_unit);
    plan->out = (costate_shape){n_unit, 1, layer->whole_sequence ? in.width : 1};
    csi_plan_block(plan, "weight_ih", n_ih, bound);
    csi_plan_block(plan, "weight_hh", n_hh, bound);
    if (!layer->no_bias) {
        plan_bias(plan, "bias_ih", n_row, bound);
        plan_bias(plan, "bias_hh", n_row, bound);
    }
    return COSTATE_OK;
}

costate_status csi_plan_rnn(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    return plan_recurrent(layer, &csi_rnn_sizes, in, plan);
}

costate_status csi_plan_gru(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    return plan_recurrent(layer, &csi_gru_sizes, in, plan);
}

costate_status csi_plan_lstm(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    return plan_recurrent(layer, &csi_lstm_sizes, in, plan);
}
