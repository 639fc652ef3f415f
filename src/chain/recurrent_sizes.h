/* SPDX-License-Identifier: MIT */
/* Sizes on which the plans of recurrent layers and their kernels have to agree; rows are per unit. */
#ifndef CSI_RECURRENT_SIZES_H
#define CSI_RECURRENT_SIZES_H

#include <stddef.h>

/*
 * The parts of a step's gates: first the gates into which W x and U h enter as a sum, then the state parts of the others, then
 * their input parts.
 */
typedef struct csi_recurrent_sizes {
    size_t n_gate;    /* rows of W, and of U */
    size_t n_sum;     /* of these, gates that are functions of W x + U h */
    size_t n_part;    /* rows of a step's gates: 2·n_gate − n_sum */
    size_t n_value;   /* further rows a step keeps, the state among them unless a gate is the state */
    size_t n_carried; /* cotangents that go from step to step */
} csi_recurrent_sizes;

static const csi_recurrent_sizes csi_rnn_sizes = {1, 1, 1, 0, 1};
static const csi_recurrent_sizes csi_gru_sizes = {3, 2, 4, 1, 1};
static const csi_recurrent_sizes csi_lstm_sizes = {4, 4, 4, 3, 2};

/* Most steps whose products are computed together where no step waits for another. */
#define CSI_RECURRENT_STEPS ((size_t)16)

static inline size_t csi_recurrent_steps(size_t n_step) {
    return n_step < CSI_RECURRENT_STEPS ? n_step : CSI_RECURRENT_STEPS;
}

#endif
