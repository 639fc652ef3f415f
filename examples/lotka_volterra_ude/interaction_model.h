/* SPDX-License-Identifier: MIT */
/* The universal differential equation: growth and death are known, what the populations do to each other is a network. */
#ifndef INTERACTION_MODEL_H
#define INTERACTION_MODEL_H

#include "populations.h"

enum { GROWTH, DEATH, N_RATE };

/*
 *     x' = a x + N1(x, y),   y' = N2(x, y) - d y,   parameters p = (a, d, weights)
 *
 * N is a dense 2-5-5-5-2 network with the activation exp(-z^2). It sees the populations in units of their largest datum and
 * gives rates in units of the data's slopes, so that its weights are of the order of one.
 */
typedef struct interaction_model {
    costate_net *net;
    costate_ude *ude;
    costate_rhs rhs;
} interaction_model;

costate_status interaction_model_create(const populations *data, interaction_model *model);

void interaction_model_destroy(interaction_model *model);

/* The network as a specification, e.g. for a model file; scales are those of the data. */
typedef struct interaction_network {
    costate_layer_spec layers[4];
    double in_scale[N_STATE];
    double out_scale[N_STATE];
} interaction_network;

costate_net_spec interaction_network_spec(const populations *data, interaction_network *network);

#endif
