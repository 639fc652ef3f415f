/* SPDX-License-Identifier: MIT */
/* Robertson's reaction and the observations made of it. */
#ifndef ROBER_DATA_H
#define ROBER_DATA_H

#include <costate/costate.h>
#include <stddef.h>

enum { ROBER_N_Y = 3, ROBER_N_T = 50 };

#define ROBER_T_END 1e5

/* 50 times 10^-5 ... 10^5, equispaced in their logarithm, and the concentrations at them. */
typedef struct rober_data {
    double t[ROBER_N_T];
    double u[ROBER_N_T * ROBER_N_Y]; /* row i: the concentrations at t[i] */
    double u0[ROBER_N_Y];            /* at time 0 */
    double scale[ROBER_N_Y];         /* largest datum of each species */
} rober_data;

/* The reaction itself, from (1, 0, 0) at time 0, to ten digits: row i of u is the state at t[i]. */
costate_status rober_data_solve(size_t n_t, const double *t, double *u);

costate_status rober_data_fill(rober_data *data);

#endif
