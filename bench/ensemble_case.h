/* SPDX-License-Identifier: MIT */
/* One way of computing the gradient of a loss over many trajectories. */
#ifndef BENCH_ENSEMBLE_CASE_H
#define BENCH_ENSEMBLE_CASE_H

#include "short_trajectories.h"
#include <costate/adjoint.h>

typedef struct ensemble_case {
    const short_trajectories *set;
    char variant[48];
    costate_ensemble *ensemble; /* NULL: one trajectory after the other, by solver and adjoint */
    costate_solver *solver;
    costate_adjoint *adjoint;
    double *y; /* n x TRAJECTORY_N_T */
    double *v;
    double *gradient; /* parameters, then the n initial states */
    double loss;
    bool solve_only;
    bool failed; /* some run did; never cleared */
} ensemble_case;

/* Solver and adjoint of one trajectory, used for all in turn. */
bool ensemble_case_create_loop(const short_trajectories *set, costate_method method, double rtol, ensemble_case *c);

/* costate's ensemble with tsit5. */
bool ensemble_case_create(const short_trajectories *set, double rtol, bool lanes, size_t n_thread, bool solve_only,
                          ensemble_case *c);

void ensemble_case_destroy(ensemble_case *c);

/* Computes the gradient n times; ctx is an ensemble_case. */
void ensemble_case_run(void *ctx, size_t n);

/* What the library says of the last failure; "" if nothing. */
const char *ensemble_case_detail(const ensemble_case *c);

#endif
