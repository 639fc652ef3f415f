/* SPDX-License-Identifier: MIT */
/* Ensembles of trajectories with random data, what an ensemble gives for them, and the same by single solves. */
#ifndef ENSEMBLE_FIXTURE_H
#define ENSEMBLE_FIXTURE_H

#include "problems.h"

#include <costate/ensemble.h>
#include <stddef.h>
#include <stdint.h>

/* What differs from one trajectory to the next beside y0. */
typedef enum ensemble_kind {
    ENSEMBLE_OWN_P = 1,
    ENSEMBLE_OWN_T0 = 2,
    ENSEMBLE_OWN_TIMES = 4, /* from 1 to 9 of them */
    ENSEMBLE_BOTH_WAYS = 8, /* with the one before: every third trajectory runs back in time */
    N_ENSEMBLE_KIND = 16
} ensemble_kind;

typedef struct ensemble_case {
    const costate_rhs *rhs;
    costate_trajectories all;
    size_t n_row;
    double *y0, *p, *t0, *t, *v;
    size_t *first;
} ensemble_case;

/* Data near those of the problem. Trajectory j is the same whatever n; times fall on t0 and on each other. */
void ensemble_case_create(ensemble_case *c, const problem *from, const costate_rhs *rhs, size_t n, unsigned kinds);
void ensemble_case_destroy(ensemble_case *c);

typedef struct ensemble_result {
    size_t n_y_values, n_pbar; /* elements of y and of pbar */
    double *y, *y0bar, *pbar;
    costate_status *status;
    costate_status solved, differentiated;
} ensemble_result;

/* Arrays full of a number that is no result; pbar starts from 0.25. */
void ensemble_result_create(ensemble_result *r, const ensemble_case *c);
void ensemble_result_destroy(ensemble_result *r);

/* A solve and its VJP. */
void ensemble_run(costate_ensemble *ensemble, const ensemble_case *c, ensemble_result *r);
/* The same with an ensemble made for it, which must succeed to be created. */
void ensemble_run_with(const costate_ensemble_options *options, const ensemble_case *c, ensemble_result *r);
/* The same by costate_solve() and costate_adjoint_vjp() in a loop. */
void ensemble_run_loop(const costate_ensemble_options *options, const ensemble_case *c, ensemble_result *r);

/* tsit5 in lanes with these tolerances. */
costate_ensemble_options ensemble_lane_options(double rtol, double atol);

void assert_results_same(const ensemble_case *c, const ensemble_result *a, const ensemble_result *b);
void assert_results_close(const ensemble_case *c, const ensemble_result *a, const ensemble_result *b, double tolerance);

#endif
