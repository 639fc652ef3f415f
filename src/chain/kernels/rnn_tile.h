/* SPDX-License-Identifier: MIT */
/* Recurrent layer with tanh: the gate is the state. Part of chain_kernels.c. */
#ifndef CSI_RNN_TILE_H
#define CSI_RNN_TILE_H

#include "chain/kernels/recurrence.h"

static void rnn_cell(const recurrence *r, size_t t) {
    real *h = step_gates(r, t);
    act_forward[COSTATE_ACT_TANH][tile_is_accurate(r->tile)](r->part, h, h);
}

static void rnn_pull(const recurrence *r, size_t t, real *delta, real *carried) {
    act_delta[COSTATE_ACT_TANH](r->part, step_state(r, t), carried, delta, 0, NULL);
    memset(carried, 0, r->part * sizeof *carried);
}

static costate_status rnn_forward(const chain_tile *tile) {
    const recurrence r = recurrence_of(tile, csi_rnn_sizes);
    recurrence_forward(&r, rnn_cell);
    return COSTATE_OK;
}

static costate_status rnn_vjp(const chain_tile *tile) {
    const recurrence r = recurrence_of(tile, csi_rnn_sizes);
    recurrence_vjp(&r, rnn_pull);
    return COSTATE_OK;
}

#endif
