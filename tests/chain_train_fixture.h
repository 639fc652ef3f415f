/* SPDX-License-Identifier: MIT */
/* Data, chains and probes for the tests of trainers, in the precision that CSI_REAL_BITS names. */
#ifndef CHAIN_TRAIN_FIXTURE_H
#define CHAIN_TRAIN_FIXTURE_H

#include "support/asserts.h"

#include "core/real.h"
#include <costate/costate.h>

#if CSI_REAL_BITS == 64
#define TRAIN_PRECISION COSTATE_CHAIN_F64
#else
#define TRAIN_PRECISION COSTATE_CHAIN_F32
#endif
#define assert_same_reals CSI_REAL(assert_same_bits)

typedef CSI_REAL(costate_batch) train_batch;

/* Two noisy half circles, one per class; targets are 0 and 1, weights lie between 1/2 and 3/2. */
typedef struct moons_data {
    size_t n;
    real *x;
    real *target;
    real *weight;
    uint32_t *label;
} moons_data;

moons_data moons_make(size_t n, uint64_t stream);
void moons_release(moons_data *data);

/* All of it, with targets and labels and without weights. */
train_batch moons_batch(const moons_data *data);

/* 2 → n_hidden tanh → n_out. */
costate_chain *moons_chain(size_t n_hidden, size_t n_out);

/* Its initial parameters; to be freed. */
real *initial_parameters(const costate_chain *chain);

/* Options for `precision` with the logistic loss of one output, or softmax cross-entropy of two. */
costate_chain_train_options train_options(size_t n_out);

costate_chain_trainer *trainer_make(const costate_chain *chain, const costate_chain_train_options *options);

enum { CASE_SAMPLE = 60, CASE_EPOCH = 9 };

/* What many tests train: shuffled batches of 16, seed 3, a quarter held out at random; softmax of two outputs. */
typedef struct train_case {
    moons_data data;
    train_batch batch;
    costate_chain *chain;
    costate_chain_train_options options;
    size_t n_param;
    real *p, *q; /* initial parameters, twice */
} train_case;

train_case train_case_make(uint64_t stream);
void train_case_release(train_case *c);

/* Train p on its batch without more. */
void train_case_run(costate_chain_trainer *trainer, size_t n_epoch, const train_case *c, real *p);

void assert_same_history(const costate_chain_trainer *actual, const costate_chain_trainer *expected);

/*
 * A loss of the caller's whose value is the sum of the outputs. It counts in ctx, a visit_counts, how often it met
 * every sample, and notes the order. One thread.
 */
typedef struct visit_counts {
    const costate_chain_trainer *trainer;
    size_t n; /* elements of the arrays */
    size_t *training, *validation;
    size_t n_order;
    size_t order[512]; /* of the training samples; wraps */
} visit_counts;

costate_chain_loss visiting_loss(visit_counts *counts);

#endif
