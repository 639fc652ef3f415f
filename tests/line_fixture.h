/* SPDX-License-Identifier: MIT */
/* A straight line as a fit, y' = slope: everything about it is known from linear regression. */
#ifndef LINE_FIXTURE_H
#define LINE_FIXTURE_H

#include <costate/costate.h>

enum { LINE_N_T = 8, LINE_N_PRESENT = 7 };

/* Unknowns: the slope, noise parameters, the intercept, in this order; fill, change, create; it must not be moved. */
typedef struct line {
    double t[LINE_N_T];
    double data[LINE_N_T]; /* one is missing */
    double weight;
    double slope;
    double intercept;
    bool fixed_slope;
    bool likelihood; /* else least squares */
    costate_noise kind;
    double noise[2];
    bool natural_noise; /* the noise parameters are estimated as they are, not their logarithms */
    costate_noise_model model;
} line;

void line_fill(line *e);
costate_fit *line_create(line *e);

/* Ordinary least squares of the line: estimates and covariance of (slope, intercept). */
void line_regress(const line *e, double estimate[2], double covariance[4]);

#endif
