/* SPDX-License-Identifier: MIT */
/* Training in shuffled mini-batches in single precision, an epoch at a time: the library's trainer with its Adam. */
#ifndef BENCH_MINIBATCH_H
#define BENCH_MINIBATCH_H

#include <costate/chain_train.h>

/* Samples: all of the arrays, or those of an index. */
typedef struct minibatch_set {
    size_t n;
    const size_t *index; /* n places in the arrays; NULL: 0 … n − 1 */
    const float *x;
    const float *target;   /* NULL if the loss has none */
    const uint32_t *label; /* NULL if the loss has none */
} minibatch_set;

typedef struct minibatch_options {
    costate_chain_loss loss;
    double rate;
    size_t n_batch;
    size_t n_thread;
    size_t n_piece; /* 0: the evaluator chooses */
    uint64_t seed;  /* of parameters and order */
} minibatch_options;

/* A model in training. Stays where it was made; the chain must outlive it. */
typedef struct minibatch {
    minibatch_options options;
    size_t n_byte; /* taken through the allocator so far */
    costate_chain_trainer *trainer;
    float *p;
} minibatch;

/* The places 0 … n − 1 in random order (Fisher and Yates). */
void minibatch_permutation(costate_random *random, size_t n, size_t *index);

/* Parameters as the library draws them. False without memory or such a layer. */
bool minibatch_create(minibatch *m, const costate_chain *chain, const minibatch_options *options);
void minibatch_destroy(minibatch *m);

/* All samples once in a new order, the last batch as long as it is; the mean loss of the samples as they were met. */
bool minibatch_epoch(minibatch *m, const minibatch_set *set, double *mean_loss);

/* Loss and right answers of all samples, without training. */
bool minibatch_score(minibatch *m, const minibatch_set *set, costate_chain_result *result);

#endif
