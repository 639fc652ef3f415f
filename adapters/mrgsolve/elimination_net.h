/* SPDX-License-Identifier: MIT */
/* The learned elimination rate of elimination.cpp: 2 inputs, 8 tanh units, one softplus output. */
#ifndef ELIMINATION_NET_H
#define ELIMINATION_NET_H

/* The model is compiled as one source file, so the evaluator becomes a part of it. */
#include "costate_eval.c" // NOLINT(bugprone-suspicious-include)

/* Weights and biases; those of a trained network would be a table in place of the formula. */
struct elimination_weights {
    double p[33];
    elimination_weights() {
        for (int k = 0; k < 33; k++) {
            p[k] = 0.5 * sin(1.0 + 0.7 * k);
        }
    }
};

/* 1/h at a concentration in mg/l and a body weight in kg; NaN should the evaluator refuse. */
static double elimination_rate(double concentration, double weight) {
    static const costate_eval_layer layers[] = {{8, COSTATE_EVAL_TANH, 0}, {1, COSTATE_EVAL_SOFTPLUS, 0}};
    static const double in_scale[] = {0.1, 1.0 / 70.0}, in_shift[] = {0.0, -1.0};
    static const elimination_weights weights;
    const costate_eval_net net = {2, 2, layers, COSTATE_EVAL_IDENTITY, in_scale, in_shift, nullptr, nullptr};
    const double x[] = {concentration, weight};
    double rate = NAN, work[64];
    costate_eval_forward(&net, weights.p, x, &rate, work, 64);
    return rate;
}

#endif
