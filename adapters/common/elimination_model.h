/* SPDX-License-Identifier: MIT */
/* The shared problem as a right-hand side of the library, and its solution by costate_solve(). */
#ifndef ELIMINATION_MODEL_H
#define ELIMINATION_MODEL_H

#include "elimination_problem.h"
#include <costate/costate.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elimination_model {
    costate_net *net;
    double p[ELIMINATION_N_PARAM];
} elimination_model;

/* The network with its weights; released with costate_net_destroy(model->net). */
costate_status elimination_model_create(elimination_model *model);

/* f, vjp and jac over the states (depot, central), parameters those of the network; the model must outlive it. */
costate_rhs elimination_model_rhs(elimination_model *model);

/* (depot, central) at every one of ELIMINATION_TIMES, row by row, to about 1e-12. */
costate_status elimination_reference(double *y);

/* The rate at a concentration in mg/l and a body weight in kg; NaN if the network cannot be made. */
double elimination_reference_rate(double concentration, double weight);

/* Largest |y − reference| / max(1, |reference|) over a solution; NaN if there is one in it. */
double elimination_difference(const double *y, const double *reference);

#ifdef __cplusplus
}
#endif
#endif
