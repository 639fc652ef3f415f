/* SPDX-License-Identifier: MIT */
/* Robertson's reaction as a stiff neural ODE (Kim, Ji, Deng, Ma & Rackauckas 2021). */
#ifndef BENCH_ROBER_NET_H
#define BENCH_ROBER_NET_H

#include "gradient_task.h"
#include <costate/net.h>

enum { ROBER_NET_N_T = 50, ROBER_NET_N_Y = 3, ROBER_NET_N_P = 188 };

/*
 * u' = N(u) * yscale / t_end with a network 3 -> 6 layers of 5 (gelu) -> 3 and t_end = 1e5. Data: the reaction itself at
 * 50 times 10^-5 ... 10^5, equispaced in their logarithm; yscale is the largest datum of each species. The loss is the
 * mean of |(u - data) / yscale|.
 */
typedef struct rober_net {
    costate_net *net;
    costate_rhs rhs;
    double p[ROBER_NET_N_P];
    double t[ROBER_NET_N_T];
    double data[ROBER_NET_N_T * ROBER_NET_N_Y];
    double yscale[ROBER_NET_N_Y];
    double weight[ROBER_NET_N_P + ROBER_NET_N_Y]; /* of the gradient's error: 1 for the parameters, 0 for the state */
    gradient_task task;
} rober_net;

/* Which parameters. */
typedef enum rober_net_state {
    ROBER_NET_UNTRAINED, /* Glorot's initial weights, seeded: a slow drift, not stiff */
    ROBER_NET_TRAINED    /* rober_net_trained: time scales from 0.3 to t_end */
} rober_net_state;

/*
 * Some way into a fit, in the library's layout: the two slow species are followed to 0.01, the fast one after its first
 * transient. The units are so steep by then that f nearly has kinks.
 */
extern const double rober_net_trained[ROBER_NET_N_P];

/* The task refers to this object, which must stay where it is. */
bool rober_net_create(rober_net_state state, rober_net *r);
void rober_net_destroy(rober_net *r);

#endif
