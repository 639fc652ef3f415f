/* SPDX-License-Identifier: MIT */
/* What is assumed of the time after the data: populations stay between nothing and what the habitat can carry. */
#ifndef HABITAT_H
#define HABITAT_H

#include "populations.h"

enum { N_OBSERVED = 2 * N_STATE };

typedef struct habitat {
    double limit; /* largest number of either population */
    double unit;  /* what counts as little when a population is negative */
} habitat;

/*
 * Observed are the populations and, for each, by how much it leaves the range: log(y / limit) above it, log(1 - y / unit)
 * below zero, else 0. The logarithm keeps a trajectory that runs away exponentially within reach of an optimiser.
 */
costate_observable habitat_observable(habitat *h);

#endif
