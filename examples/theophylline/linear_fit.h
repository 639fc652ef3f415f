/* SPDX-License-Identifier: MIT */
/* Least squares of the model with first-order elimination: of all subjects together, and of each alone. */
#ifndef LINEAR_FIT_H
#define LINEAR_FIT_H

#include "compartments.h"
#include "subjects.h"

/* A fit and where it ended. */
typedef struct linear_result {
    double theta[N_LINEAR];    /* natural values; the dose is not among them */
    double error[LINEAR_DOSE]; /* standard errors of their logarithms; NaN where the data do not determine them */
    double square_sum;         /* residual sum of squares, (mg/L)^2 */
    size_t n_gradient;
} linear_result;

/* Fits n_series subjects from `start` (natural values of ke, ka, cl). Any status of the library. */
costate_status linear_fit(const costate_series *series, size_t n_series, const double *start, linear_result *result);

#endif
