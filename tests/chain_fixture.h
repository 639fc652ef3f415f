/* SPDX-License-Identifier: MIT */
/* Chains of dense layers for tests, their network with the same parameters, and data for both. */
#ifndef CHAIN_FIXTURE_H
#define CHAIN_FIXTURE_H

#include "support/asserts.h"

#include <costate/chain_eval.h>
#include <costate/net.h>

#define CHAIN_MAX_DENSE 4

/* Widths n_in, hidden …, n_out; hidden layers have the activation, the last is linear. */
typedef struct dense_shape {
    size_t n_layer;
    size_t width[CHAIN_MAX_DENSE + 1];
    costate_act act;
    bool no_bias;
} dense_shape;

typedef struct dense_chain {
    const dense_shape *shape;
    costate_chain *chain;
    costate_net *net; /* the reference */
    size_t n_in, n_out, n_param;
    double *p;     /* of the chain, representable in single precision */
    double *p_net; /* the same in the network's layout */
} dense_chain;

dense_chain dense_chain_make(const dense_shape *shape, uint64_t seed);
void dense_chain_release(dense_chain *made);

costate_chain_eval *chain_eval_make(const costate_chain *chain, costate_chain_precision precision, size_t n_thread);

/* n random numbers in (−1, 1) that are representable in single precision; n = 0 gives memory too. */
double *chain_random(costate_random *random, size_t n);
float *chain_floats(const double *x, size_t n);

#endif
