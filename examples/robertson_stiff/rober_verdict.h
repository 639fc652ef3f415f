/* SPDX-License-Identifier: MIT */
/* The trained network against the reaction, judged by another integrator at a tight tolerance. */
#ifndef ROBER_VERDICT_H
#define ROBER_VERDICT_H

#include "rober_network.h"

/* 20 times per decade from 10^-6 to 10^5. */
enum { ROBER_N_DECADE = 11, ROBER_N_GRID = 20 * ROBER_N_DECADE + 1 };

typedef struct rober_verdict {
    double t[ROBER_N_GRID];
    double reaction[ROBER_N_GRID * ROBER_N_Y];
    double network[ROBER_N_GRID * ROBER_N_Y];
    double error_at_data;       /* mean of |network - datum| / yscale over the data */
    double error;               /* the same over the grid */
    double species[ROBER_N_Y];  /* the same for each species */
    double largest[ROBER_N_Y];  /* largest instead of mean */
    double relative[ROBER_N_Y]; /* median over the grid of |network / reaction - 1| */
} rober_verdict;

/* The network with parameters p is solved by bdf at rtol 1e-9, however it was trained. */
costate_status rober_verdict_reach(const rober_data *data, const costate_rhs *rhs, const double *p,
                                   rober_verdict *verdict);

#endif
