/* SPDX-License-Identifier: MIT */
/* A series of Lotka-Volterra data, regular in nothing: uneven times, two of them equal, one at t0, missing values, weights. */
#ifndef FIT_FIXTURE_H
#define FIT_FIXTURE_H

#include "problems.h"

#include <costate/costate.h>

enum { FIXTURE_N_T = 9, FIXTURE_N_Y = 2, FIXTURE_N_P = 4, FIXTURE_N_X = 6 };

typedef struct fit_fixture {
    double t[FIXTURE_N_T];
    double data[FIXTURE_N_T * FIXTURE_N_Y];
    double weight[FIXTURE_N_Y];
    double y0[FIXTURE_N_Y];
    double x[FIXTURE_N_X]; /* a point that does not fit: p, then the initial state */
    costate_series series; /* refers to the above */
    bool estimate_y0;      /* true */
    costate_loss loss;     /* the default: squared */
    costate_fit_options options;
} fit_fixture;

/* Tight tolerances, so that finite differences see little noise. */
void fit_fixture_fill(fit_fixture *fixture);

/* What costate_fit_create() gives for the fixture and `rhs`. */
costate_status fit_fixture_try(const fit_fixture *fixture, const costate_rhs *rhs, const costate_allocator *alloc,
                               costate_fit **fit);

/* A fit of the series by `rhs` (NULL: Lotka-Volterra); fails the test if it cannot be created. */
costate_fit *fit_fixture_create(const fit_fixture *fixture, const costate_rhs *rhs);

/* Central differences of the objective at x, n elements, against its gradient. */
void check_fit_gradient(costate_fit *fit, const double *x, double rtol, double atol);

#endif
