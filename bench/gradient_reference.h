/* SPDX-License-Identifier: MIT */
/* The gradient that the benchmarked ones are compared with, confirmed by independent routes. */
#ifndef BENCH_GRADIENT_REFERENCE_H
#define BENCH_GRADIENT_REFERENCE_H

#include "gradient_method.h"
#include "gradient_task.h"
#include "harness.h"

/* How the reference is made. */
typedef struct reference_plan {
    gradient_method ours;  /* the reference itself: costate's adjoint of a CVODE method at `rtol` */
    gradient_method stock; /* must agree with it, at `rtol` too */
    double rtol;
    double sensitivity_rtol; /* forward sensitivities must agree as well, up to 300 parameters */
    double agreement;        /* the largest difference */
} reference_plan;

/*
 * Gradient (parameters, then the initial state) as the plan says; it must also agree with the task's published values.
 * *uncertainty is the smallest of its differences from the two other routes. Prints the differences. False after
 * bench_fail().
 */
bool gradient_reference(bench *b, const gradient_task *task, const reference_plan *plan, double *gradient,
                        double *uncertainty);

#endif
