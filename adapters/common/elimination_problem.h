/* SPDX-License-Identifier: MIT */
/*
 * The problem that the adapters share: one compartment with first-order absorption, eliminated at a rate that a network
 * has learned from concentration and body weight.
 *
 *     depot′ = −ka · depot,   central′ = ka · depot − N(central / volume, weight; w) · central
 *
 * N has 2 inputs, 8 tanh units and one softplus output, in 1/h. No data: the weights w_k = 0.5 sin(1 + 0.7 k) stand for
 * trained ones.
 */
#ifndef ELIMINATION_PROBLEM_H
#define ELIMINATION_PROBLEM_H

#include <math.h>

#define ELIMINATION_KA 1.2      /* 1/h */
#define ELIMINATION_VOLUME 20.0 /* l */
#define ELIMINATION_WEIGHT 84.0 /* kg */
#define ELIMINATION_DOSE 320.0  /* mg, into the depot at time 0 */

#define ELIMINATION_N_HIDDEN 8
#define ELIMINATION_N_PARAM 33 /* 2·8 weights, 8 biases, 8 weights, 1 bias */
#define ELIMINATION_IN_SCALE                                                                                           \
    { 0.1, 1.0 / 70.0 }
#define ELIMINATION_IN_SHIFT                                                                                           \
    { 0.0, -1.0 }

#define ELIMINATION_N_TIME 6
#define ELIMINATION_TIMES                                                                                              \
    { 0.5, 1.0, 2.0, 4.0, 8.0, 24.0 } /* h */

static inline double elimination_param(int k) { return 0.5 * sin(1.0 + 0.7 * k); }

#endif
