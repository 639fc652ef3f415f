/* SPDX-License-Identifier: MIT */
/* Many short trajectories of one small network, each with its own initial state and length. */
#ifndef BENCH_SHORT_TRAJECTORIES_H
#define BENCH_SHORT_TRAJECTORIES_H

#include <costate/ensemble.h>
#include <costate/net.h>
#include <stdbool.h>
#include <stddef.h>

enum { TRAJECTORY_N_T = 5, TRAJECTORY_N_P = 16 };

/*
 * y' = N(y; p), N = 1 -> 5 (tanh) -> 1 with p_k = 0.8 sin(1 + 0.7 k), k counting through W1, b1, W2, b2. Trajectory j
 * starts at y0_j = -2 + 4 frac(0.7548776662466927 j) and is observed at 5 equal intervals up to
 * 0.5 + 1.5 frac(0.6180339887498949 j). The data are those of y' = -y.
 */
typedef struct short_trajectories {
    costate_net *net;
    costate_rhs rhs;
    double p[TRAJECTORY_N_P];
    double t0;
    size_t n;
    double *y0;    /* n */
    double *t;     /* n x TRAJECTORY_N_T */
    double *data;  /* n x TRAJECTORY_N_T */
    size_t *first; /* n + 1 */
} short_trajectories;

bool short_trajectories_create(size_t n, short_trajectories *set);
void short_trajectories_destroy(short_trajectories *set);

/* As costate's ensembles take them. */
costate_trajectories short_trajectories_trajectories(const short_trajectories *set);

/* Sum of squared deviations of n_row rows from the data that start at row `first`; v gets their cotangents. */
double short_trajectories_loss(const short_trajectories *set, size_t first, size_t n_row, const double *y, double *v);

#endif
