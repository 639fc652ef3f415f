/* SPDX-License-Identifier: MIT */
/* A chain that learns the probability of a class at a point. */
#ifndef MOONS_CLASSIFIER_H
#define MOONS_CLASSIFIER_H

#include "epoch_line.h"
#include "labelled_points.h"

#include <costate/costate.h>

typedef struct moons_classifier_options {
    costate_act act; /* of the hidden layers */
    size_t n_epoch;  /* at most */
    size_t batch_size;
    double rate;
    uint64_t seed; /* of initial weights and batches */
} moons_classifier_options;

/* What learning came to, with the best parameters. */
typedef struct moons_classifier_result {
    costate_chain_train_outcome outcome;
    size_t n_training;
    size_t n_validation;
    costate_chain_result training;
    costate_chain_result validation;
} moons_classifier_result;

typedef struct moons_classifier {
    costate_chain *chain;
    costate_chain_trainer *trainer;
    float *p;
    epoch_line line;
} moons_classifier;

/* How many of n points are held out: the last ones. */
size_t moons_classifier_n_validation(size_t n);

/* A 2-32-16-1 chain with its trainer for n points. The trainer refers to the classifier, which must not move. Destroy
 * also after a failure. */
costate_status moons_classifier_create(const moons_classifier_options *options, size_t n, moons_classifier *classifier);
void moons_classifier_destroy(moons_classifier *classifier);

/* Learns, with lines of progress on standard output. */
costate_status moons_classifier_train(moons_classifier *classifier, size_t n_epoch, const labelled_points *points,
                                      moons_classifier_result *result);

/* Probability of target 1 at n points. */
costate_status moons_classifier_probability(moons_classifier *classifier, size_t n, const float *x, float *probability);

#endif
