/* SPDX-License-Identifier: MIT */
/* How the network is trained: several starts, each in stages. */
#ifndef ROBER_TRAINING_H
#define ROBER_TRAINING_H

#include "rober_network.h"

#include <stdint.h>

typedef struct rober_training_options {
    uint64_t seed;
    costate_method method;
    double rtol;
    size_t iterations; /* of every stage that solves the equation; those that do not have 15 times as many */
    size_t starts; /* initial networks that may be tried; the last one goes through all stages whatever its slopes */
    double target; /* mean of |u - datum| / yscale that ends the training */
} rober_training_options;

typedef struct rober_training_result {
    double *p;         /* of the best start, to be freed */
    double error;      /* its mean of |u - datum| / yscale; HUGE_VAL if no start gave a solution */
    size_t n_step;     /* steps of its solution, */
    size_t n_implicit; /* those of them that were implicit, for auto */
    size_t n_start;    /* starts that were tried */
    size_t n_eval;     /* losses with gradient, of all their stages */
    double seconds;    /* wall-clock time of all starts */
} rober_training_result;

/*
 * Start k draws Glorot's weights from stream k of the seed and goes through these stages:
 *
 *  1. Adam, then L-BFGS on the magnitudes of the slopes, L-BFGS on the slopes with respect to ln t (rober_slopes.h). A
 *     start whose slopes do not come out right ends here;
 *  2. L-BFGS on the solution in segments of 1, 2, 4, 8, 16, 32 and all 50 observations (rober_segments.h);
 *  3. Adam on the mean absolute error.
 *
 * It prints a line per start.
 */
costate_status rober_training_run(const rober_data *data, const costate_net *net, const costate_rhs *rhs,
                                  const rober_training_options *options, rober_training_result *result);

#endif
