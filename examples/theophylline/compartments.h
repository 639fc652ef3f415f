/* SPDX-License-Identifier: MIT */
/* One compartment with first-order absorption: the amount in the gut, mg/kg, and the concentration in the blood, mg/L. */
#ifndef COMPARTMENTS_H
#define COMPARTMENTS_H

#include <costate/costate.h>

/* States. */
enum { GUT, BLOOD, N_STATE };

/* Parameters of the known model: rates ka and ke in 1/h, clearance in L/(h kg), dose in mg/kg. */
enum { LINEAR_KE, LINEAR_KA, LINEAR_CL, LINEAR_DOSE, N_LINEAR };

/* Parameters of the model whose elimination is learned: volume in L/kg. */
enum { LEARNED_KA, LEARNED_V, LEARNED_DOSE, N_LEARNED };

/*
 *     gut' = -ka gut,   blood' = ka gut ke / cl - ke blood
 */
extern const costate_mechanism linear_elimination;

/*
 * The same without elimination, to which a network adds -blood softplus(N(blood)):
 *
 *     gut' = -ka gut,   blood' = ka gut / V
 */
extern const costate_mechanism absorption_alone;

/* The dose lies in the gut at first; ctx points to the index of the dose among the parameters, a size_t. */
extern const size_t linear_dose;
extern const size_t learned_dose;
costate_initial dose_in_gut(const size_t *dose);

/* The concentration in the blood is what is observed. */
extern const costate_observable concentration;

#endif
