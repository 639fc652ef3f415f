/* SPDX-License-Identifier: MIT */
/* Training in shuffled mini-batches in single precision: the library's evaluator and its Adam. */
#ifndef BENCH_MINIBATCH_H
#define BENCH_MINIBATCH_H

#include <costate/chain_eval.h>
#include <costate/update.h>

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
    size_t n_param;
    size_t first;  /* parameters before it are frozen and not updated */
    size_t n_byte; /* taken through the allocator so far */
    costate_chain_eval *eval;
    costate_update *update;
    costate_random random;
    float *p;
    float *pbar;
    size_t *order; /* of the samples of the epoch */
    size_t n_order;
} minibatch;

/* The places 0 … n − 1 in random order (Fisher and Yates). */
void minibatch_permutation(costate_random *random, size_t n, size_t *index);

/* Parameters as the library draws them. Epochs have at most n_sample samples. False without memory or such a layer. */
bool minibatch_create(minibatch *m, const costate_chain *chain, const minibatch_options *options, size_t n_sample);
void minibatch_destroy(minibatch *m);

/* All samples once in a new order, the last batch as long as it is; the mean of the batches' losses. */
bool minibatch_epoch(minibatch *m, const minibatch_set *set, double *mean_loss);

/* Loss and right answers of all samples, without training. */
bool minibatch_score(minibatch *m, const minibatch_set *set, costate_chain_result *result);

#endif
