/* SPDX-License-Identifier: MIT */
/* What a finished fit hands to the report and the files. */
#ifndef FIT_RESULT_H
#define FIT_RESULT_H

#include "curves.h"

#include <costate/costate.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct fit_result {
    curves curves;
    char *const *names; /* columns: time, then every state */
    char network[128];  /* such as "2-16-16-2 tanh" */
    size_t n_p;         /* parameters of the network */
    costate_isa isa;
    costate_method solver;
    double rtol;
    double loss;
    size_t n_iteration;
    costate_stop stop; /* why the last stage ended */
    costate_fit_counts counts;
    double seconds;
    bool phase_plane; /* draw state 2 over state 1 instead of the states over time */
} fit_result;

/* Describes a network with these hidden layers in result->network. */
void fit_result_describe(fit_result *result, const costate_net *net);

/* Checks the fit: finite everywhere and better than a constant. Says so if not. */
bool fit_result_check(const fit_result *result);

/* Prints loss and statistics, ending with the root-mean-square error. */
void fit_result_print(const fit_result *result);

#endif
