/* SPDX-License-Identifier: MIT */
/* A trainer as all its parts see it: what it owns, and which samples it is at. */
#ifndef CSI_CHAIN_TRAIN_INTERNAL_H
#define CSI_CHAIN_TRAIN_INTERNAL_H

#include <costate/chain_train.h>
#include <stdbool.h>

/* Numbers recorded of an epoch, in the order of the history's members. */
enum { CSI_TRAIN_N_RECORD = 5 };

struct costate_chain_trainer {
    costate_allocator alloc;
    costate_chain_train_options options; /* without the arrays, which are not the trainer's */
    costate_chain_eval *eval;
    costate_update *update;
    size_t first_updated; /* parameter that the update begins with: frozen ones before it are left out */
    size_t n_param, n_in, n_out;
    size_t real_bytes;
    void *gradient, *begin, *best; /* n_param reals each; in one block. begin: parameters before the epoch */
    void *real_block;
    void *begin_state; /* of the update, as it saves it */
    size_t n_epoch;    /* whole epochs done */
    size_t since_best; /* of them, those after the best one */
    size_t best_epoch; /* 1, 2, …; 0: none */
    double best_loss;
    double *history; /* CSI_TRAIN_N_RECORD arrays of history_capacity elements */
    size_t history_capacity;
    size_t *places; /* indices of samples: of a split, then in the order of an epoch */
    size_t place_capacity;
    bool running;
    /* The batch that is being evaluated: sample index[k], or without index first + k. */
    const size_t *index;
    size_t first;
    bool validating;
};

/* Which samples of the training batch a call trains on and holds out. */
typedef struct csi_train_samples {
    size_t n_train, n_held;
    const size_t *member; /* those trained on, then those held out; NULL: 0, 1, … */
    size_t *order;        /* of an epoch; NULL: that of member */
} csi_train_samples;

/* Samples held out of n. */
size_t csi_train_n_held(const costate_chain_train_options *options, size_t n, bool validated);

/* Samples per batch of n_train ≥ 1. */
size_t csi_train_batch_size(const costate_chain_train_options *options, size_t n_train);

/* Share out n ≥ 1 samples, `index` as in a batch. No memory, COSTATE_ERR_OVERFLOW or _MEMORY: nothing has changed. */
costate_status csi_train_choose(costate_chain_trainer *trainer, size_t n, const size_t *index, bool validated,
                                csi_train_samples *samples);

/* Draw the order of an epoch 0, 1, …, if there is one. */
void csi_train_shuffle(const costate_chain_trainer *trainer, size_t epoch, const csi_train_samples *samples);

/* Room for the history of n_epoch epochs. */
costate_status csi_train_reserve(costate_chain_trainer *trainer, size_t n_epoch);

#endif
