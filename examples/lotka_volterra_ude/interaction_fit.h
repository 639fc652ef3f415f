/* SPDX-License-Identifier: MIT */
/* The fit: its loss, on the data alone and with the assumption about the time after them. */
#ifndef INTERACTION_FIT_H
#define INTERACTION_FIT_H

#include "habitat.h"
#include "interaction_model.h"

typedef struct fit_settings {
    bool estimate_rates;  /* growth and death are estimated, else they are known */
    double rates[N_RATE]; /* known, or a guess */
    double ridge;         /* weight of the squared network parameters */
    double limit;         /* of both populations after the data, in units of the largest datum; 0: nothing is assumed */
} fit_settings;

/*
 * Negative log-likelihood of normal errors, their two standard deviations estimated with everything else: network, initial
 * state and, if wanted, rates. Priors: normal on the weights (ridge), log-normal on the standard deviations around 5 % of
 * each mean and on the rates around the guess.
 */
typedef struct interaction_fit {
    const populations *data;
    const interaction_model *model;
    fit_settings settings;
    costate_fit *on_data;      /* of the data alone */
    costate_fit *with_habitat; /* with the populations' range after them; the same as on_data if nothing is assumed */
    habitat range;
} interaction_fit;

/* p: start values, growth and death included. The fit must stay where it is: its observable refers to it. */
costate_status interaction_fit_create(const populations *data, const interaction_model *model,
                                      const fit_settings *settings, const double *p, interaction_fit *fit);

void interaction_fit_destroy(interaction_fit *fit);

/* Until when something is assumed: longer than is extrapolated, lest a trajectory be about to run away where that ends. */
double interaction_fit_horizon(const populations *data);

/* Number of unknowns. */
size_t interaction_fit_n_x(const interaction_fit *fit);

#endif
