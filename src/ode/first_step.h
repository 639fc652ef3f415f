/* SPDX-License-Identifier: MIT */
/* Length of the first step of a one-step method. */
#ifndef CSI_FIRST_STEP_H
#define CSI_FIRST_STEP_H

#include "ode/rhs_calls.h"

/* What the estimate is made from; `scratch` has 2 n elements. */
typedef struct csi_first_step {
    size_t n;
    int order; /* of the error estimate */
    double t;  /* where f was evaluated for `slope` */
    double t_end;
    const double *y;
    const double *slope;
    double rtol;
    const double *atol;
    double *scratch;
} csi_first_step;

/* A step, 0 < h ≤ |t_end − t|, whose local error will be about 0.01 of the tolerance to the power of 1 / order, from f at one Euler step
 * (Hairer, Nørsett & Wanner I, II.4). If f cannot be evaluated there, the step is shortened; *answer is negative if it answered FAIL. */
double csi_first_step_estimate(const csi_first_step *first, csi_rhs_calls *calls, int *answer);

/* The parts of it that evaluate nothing: the Euler step, from the norms of y and of f in units of the tolerance, and the step, from it and
 * the norm of the change of f per time over it. */
double csi_first_step_guess(double size, double speed, double length);
double csi_first_step_from_bend(double guess, double speed, double bend, double length, int order);

#endif
