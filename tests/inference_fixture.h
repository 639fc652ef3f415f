/* SPDX-License-Identifier: MIT */
/* A fit in which everything bends: three series, a covariate, observed quantities that depend on parameters, noise. */
#ifndef INFERENCE_FIXTURE_H
#define INFERENCE_FIXTURE_H

#include "problems.h"

#include <costate/costate.h>

enum { TRIAL_N_SERIES = 3, TRIAL_N_T = 5, TRIAL_N_H = 2, TRIAL_MAX_X = 24 };

/* Lotka-Volterra, p = (a, b, c, d) with b a covariate. Fill it, change it, create a fit of it; it must not be moved. */
typedef struct trial {
    double t[TRIAL_N_SERIES][TRIAL_N_T]; /* the first of series 1 is its initial time */
    double data[TRIAL_N_SERIES][TRIAL_N_T * TRIAL_N_H];
    double y0[TRIAL_N_SERIES][2];
    double covariate[TRIAL_N_SERIES];
    double p[4];
    double noise[3];
    costate_series series[TRIAL_N_SERIES];
    costate_noise kinds[TRIAL_N_H]; /* combined, log-normal */
    costate_noise_model model;
    costate_estimate estimates[6];
    costate_fit_spec spec;
    costate_fit_options options; /* tight tolerances */
} trial;

void trial_fill(trial *e);

/* Adds a rule. */
void trial_estimate(trial *e, costate_estimate estimate);

/* Initial states that are a nonlinear function of the parameters. */
extern const costate_initial trial_initial;

costate_fit *trial_create(const trial *e);

/* Unknowns a little off the start values. */
void trial_point(costate_fit *fit, double *x);

/* hu = (gradient(x + δu) − gradient(x − δu))/2δ, extrapolated. */
void difference_product(costate_fit *fit, const double *x, const double *u, double *hu);

#endif
