/* SPDX-License-Identifier: MIT */
/* What was learned: populations and interaction along the fitted trajectory, and how far they are from the truth. */
#ifndef LEARNED_INTERACTION_H
#define LEARNED_INTERACTION_H

#include "interaction_search.h"

/* Equal parts of every interval between observations, where everything is looked at. */
enum { N_PART = 5 };

typedef struct learned_interaction {
    size_t n_t;       /* times, to the end of the extrapolation */
    size_t n_visited; /* of these up to the last datum */
    double *t;        /* row i, N_PART apart, are those of the data */
    double *y;        /* n_t x 2: fitted populations */
    double *u;        /* n_t x 2: learned terms N1, N2 at y */
    double *u_error;  /* their standard errors; NaN if they cannot be had */
    double *true_y;   /* n_t x 2: populations of the scenario; NaN for a record */
    double *true_u;   /* n_t x 2: interaction of the scenario at y, that is, at the fitted states; NaN for a record */

    bool has_band; /* whether there are standard errors */

    double residual[N_STATE];  /* root mean square of datum - fit */
    double explained[N_STATE]; /* 1 - residual^2 / variance of the data */
    double rate[N_STATE];      /* b, c of the least-squares fits N1 = -b x y, N2 = c x y where there were data */
    double least;              /* smallest population until the end of the extrapolation */
    double most;               /* largest */

    /* Scenario only, over the n_visited times. */
    double error[N_STATE];   /* root mean square of N - truth over that of the truth */
    double worst[N_STATE];   /* largest |N - truth| over the largest |truth| */
    double covered[N_STATE]; /* share of the times at which the 95 % band holds the truth */
    double slope_error;      /* as error, but of the whole right-hand side, which is what the data determine when growth
                                and death are estimated; the larger one of the two states */
} learned_interaction;

/* Says what is wrong on standard error if it cannot. */
costate_status learned_interaction_examine(const populations *data, const interaction_model *model,
                                           const fit_settings *settings, const search_result *best,
                                           learned_interaction *learned);

void learned_interaction_free(learned_interaction *learned);

/* Half the width of the 95 % band in standard errors. */
double learned_interaction_band(void);

#endif
