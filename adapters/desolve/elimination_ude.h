/* SPDX-License-Identifier: MIT */
/* The example's model: two compartments with absorption, whose elimination is a network. */
#ifndef ELIMINATION_UDE_H
#define ELIMINATION_UDE_H

#include <costate/ude.h>

/*
 * depot' = −ka depot
 * central' = ka depot − k12 central + k21 peripheral − central softplus(N(central; w))
 * peripheral' = k12 central − k21 peripheral
 *
 * Parameters: ka, k12, k21, w; N: 1 → 5 tanh → 1.
 */
struct elimination {
    costate_net *net;
    costate_ude *ude;
    costate_rhs rhs;
};

costate_status elimination_create(struct elimination *model);
void elimination_destroy(struct elimination *model);

#endif
