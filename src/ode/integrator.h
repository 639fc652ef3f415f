/* SPDX-License-Identifier: MIT */
/* One direction of integration by CVODE: created once, started as often as needed, stepped towards an end that is
 * never overrun. */
#ifndef CSI_INTEGRATOR_H
#define CSI_INTEGRATOR_H

#include "ode/detail.h"

#include <costate/alloc.h>
#include <costate/solver.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#define CSI_ORDER_MAX 12

/* What is integrated. The callbacks answer as those of costate_rhs do: 0, > 0 to retry with a smaller step, < 0 to
 * give up. */
typedef struct csi_ode {
    size_t n;
    int (*f)(double t, const double *y, double *dydt, void *ctx);
    int (*jac)(double t, const double *y, double *jac, void *ctx); /* column-major; needed by bdf only */
    void *ctx;
    const char *name; /* of the solution, for error texts */
} csi_ode;

/* Everything that can fail or be interrupted is told to `detail`; everything that costs is added to `counts`, except
 * the callbacks' own calls. */
typedef struct csi_integrator_setup {
    costate_method method;
    int max_order; /* 0: the method's largest */
    double h_min;
    double h_max; /* 0: no limit */
    size_t max_steps;
    int (*interrupt)(void *ctx);
    void *interrupt_ctx;
    costate_solve_counts *counts;
    csi_detail *detail;
} csi_integrator_setup;

/* A step's interpolating polynomial: y(t_end + s·h) = Σ_k coef[k·n + i] s^k for s in [−1, 0]; h is signed. */
typedef struct csi_step {
    double t_begin;
    double t_end;
    double h;
    int order;
} csi_step;

typedef struct csi_integrator csi_integrator;

/* What a step callback answers to end a run early without a failure; csi_integrator_run() passes it on. */
#define CSI_STOP ((costate_status)-1)

/* Called after every accepted step; anything but COSTATE_OK ends the run with that status. */
typedef costate_status (*csi_step_callback)(csi_integrator *integrator, const csi_step *step, void *ctx);

costate_status csi_integrator_create(const csi_ode *ode, const csi_integrator_setup *setup,
                                     const costate_allocator *alloc, csi_integrator **integrator);
void csi_integrator_destroy(csi_integrator *integrator);

/* rtol and one absolute tolerance per element, copied. */
void csi_integrator_set_tolerances(csi_integrator *integrator, double rtol, const double *atol);

/* The solution, n elements: written by the owner before a start, current after every step. */
double *csi_integrator_state(csi_integrator *integrator);

/* Clears the counts and the text: a new solve, whose steps are counted against max_steps, begins. */
void csi_integrator_begin(csi_integrator *integrator);

/* Starts at (t0, state) and steps to t_end; h_init is the length of the first step or 0. f is never evaluated
 * outside [t0, t_end]. */
costate_status csi_integrator_run(csi_integrator *integrator, double t0, double t_end, double h_init,
                                  csi_step_callback on_step, void *ctx);

/* Inside a step callback: the step's (order + 1)·n coefficients. */
costate_status csi_integrator_interpolant(csi_integrator *integrator, const csi_step *step, double *coef);

#endif
