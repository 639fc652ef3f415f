/* SPDX-License-Identifier: MIT */
/* Many initial networks, each trained by the same plan, and the best of them. */
#ifndef INTERACTION_SEARCH_H
#define INTERACTION_SEARCH_H

#include "interaction_fit.h"

typedef struct search_settings {
    uint64_t seed;       /* of the initial networks */
    size_t starts;       /* initial networks */
    size_t threads;      /* 0: one per processor */
    size_t iterations;   /* of L-BFGS on the data, and again with the habitat */
    size_t shooting;     /* steps of multiple shooting between collocation and the whole record */
    const char *journal; /* checkpoint: start k is recorded in <journal>.k; NULL: none */
    bool progress;       /* a line that is kept up to date on standard error */
} search_settings;

typedef struct search_result {
    double loss;             /* of the best fit: what the starts are compared by */
    size_t best;             /* number of the start it came from */
    size_t n_ok;             /* starts that did not fail */
    double *x;               /* unknowns of the best fit */
    double *p;               /* its parameters: growth, death, weights */
    double noise[N_STATE];   /* standard deviations of the errors */
    double initial[N_STATE]; /* populations at the first observation */
} search_result;

/* Says what is wrong on standard error if it cannot. */
costate_status interaction_search_run(const populations *data, const interaction_model *model, const fit_settings *fit,
                                      const search_settings *settings, search_result *result);

void search_result_free(search_result *result);

#endif
