/* SPDX-License-Identifier: MIT */
/* An independent repeat, in long double, of the steps that a one-step solver took, with its derivatives. */
#ifndef FROZEN_STEPS_H
#define FROZEN_STEPS_H

#include "frozen_field.h"
#include "gradient_routes.h"

#include <stdbool.h>

typedef struct frozen_step {
    double t, t_end, h; /* h is signed */
    bool implicit;
    int order;              /* of the method, which it tells */
    double y[FROZEN_MAX_Y]; /* the solver's state at t */
} frozen_step;

/* The accepted steps of one solve, noted through the interrupt callback and the public counts. */
typedef struct frozen_steps {
    const costate_solver *solver;
    double t0, direction;
    size_t n_step, capacity, n_implicit;
    frozen_step *steps;
    size_t n_jump; /* times at which f is evaluated on the step's own side only */
    const double *jump;
} frozen_steps;

void frozen_steps_clear(frozen_steps *steps);

/* Solve and gradient with these options, the steps being noted; the test fails unless every status is OK. Counts may be
 * NULL. */
void frozen_gradient(const gradient_case *c, const costate_solver_options *options, frozen_steps *steps, gradient *g,
                     costate_solve_counts *forward, costate_solve_counts *backward);

/*
 * Derivatives of L = sum of <v_i, y(t_i)> along n_dir directions of p and y0 (pointers to each, NULL for zero) over the
 * noted steps, dense output included. Every step starts from the solver's own state, so that the derivatives are taken
 * where the solver was; the test fails unless each step then ends near the next state: `tolerance` relative to the
 * largest state.
 */
void frozen_steps_derivatives(const frozen_steps *steps, const frozen_field *field, const gradient_case *c,
                              size_t n_dir, const double *const *p_dir, const double *const *y0_dir, double tolerance,
                              double *derivative);

/*
 * Largest |derivative by the gradient - reference| over the largest reference: along every parameter and initial state,
 * each times its unit, or, where these are more than max_entry, along that many random directions. Units may be NULL
 * (1 each). NaN if anything is.
 */
double frozen_gradient_error(const frozen_steps *steps, const frozen_field *field, const gradient_case *c,
                             const gradient *g, size_t max_entry, const double *p_unit, const double *y0_unit);

#endif
