/* SPDX-License-Identifier: MIT */
/* The mean squared error of a network over pairs, in either precision. */
#ifndef EXPONENTIAL_ERROR_H
#define EXPONENTIAL_ERROR_H

#include "exponential_pairs.h"

#include <stdbool.h>

/* The loss (1 / 4n) sum |N(x_i; p) - y_i|^2 and the blocks its evaluation needs. */
typedef struct exponential_error {
    const costate_net *net;
    const exponential_pairs *pairs;
    bool single;  /* in single precision; the optimiser's parameters stay in double precision */
    void *output; /* n * N_ENTRY elements of the precision, which become the cotangents */
    void *work;
    size_t work_bytes;
    float *p32; /* parameters and gradient, single precision only */
    float *grad32;
} exponential_error;

/* net and pairs must outlive error. False if there is no memory. */
bool exponential_error_create(const costate_net *net, const exponential_pairs *pairs, bool single,
                              exponential_error *error);
void exponential_error_destroy(exponential_error *error);

/* A costate_objective_fn; ctx is an exponential_error. */
costate_status exponential_error_objective(const double *p, double *value, double *grad, void *ctx);

#endif
