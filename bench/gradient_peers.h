/* SPDX-License-Identifier: MIT */
/* Gradients of the spiral by Python libraries, as further curves of a result. */
#ifndef BENCH_GRADIENT_PEERS_H
#define BENCH_GRADIENT_PEERS_H

#include "gradient_run.h"

/* Tolerances 10^-first … 10^-last in steps of `step`. */
typedef struct peer_tolerances {
    int first;
    int last;
    int step;
} peer_tolerances;

/* The result must be that of the 252-parameter spiral. */
void gradient_peers_run(bench *b, const peer_tolerances *tolerances, gradient_result *result);

#endif
