/* SPDX-License-Identifier: MIT */
/* Least squares of the model whose elimination is learned: blood' = ka gut / V - blood softplus(N(blood)). */
#ifndef LEARNED_FIT_H
#define LEARNED_FIT_H

#include "compartments.h"
#include "linear_fit.h"
#include "subjects.h"

/* Points of the learned elimination and of the predicted curves. */
enum { N_GRID = 101 };

typedef struct learned_result {
    double theta[LEARNED_DOSE]; /* ka, V */
    double square_sum;          /* without the penalty */
    size_t n_parameter;         /* of the network */
    size_t n_gradient;
    double concentration[N_GRID]; /* from 0 to the highest observed */
    double rate[N_GRID];          /* learned elimination per hour at these concentrations */
    double rate_error[N_GRID];    /* its standard error */
    double *curve;                /* n subjects x N_GRID: concentration over time */
    double *curve_time;           /* N_GRID */
} learned_result;

/* What the fit is to do. */
typedef struct learned_options {
    size_t n_hidden;      /* units of the hidden layer */
    double ridge;         /* weight of the squared network parameters */
    size_t max_iteration; /* of L-BFGS */
    uint64_t seed;
} learned_options;

/* Starts where the linear fit ended, with a network that says the same. Any status of the library. */
costate_status learned_fit(const subjects *s, const linear_result *linear, const learned_options *options,
                           learned_result *result);

void learned_result_free(learned_result *result);

#endif
