/* SPDX-License-Identifier: MIT */
/* What a solver keeps of its last solve, for its adjoint. One of `integrator` and `one_step` is there. */
#ifndef CSI_SOLVER_INTERNAL_H
#define CSI_SOLVER_INTERNAL_H

#include "ode/history.h"
#include "ode/integrator.h"
#include "ode/one_step.h"
#include "ode/rhs_calls.h"
#include "ode/time_grid.h"

#include <costate/solver.h>

struct costate_solver {
    costate_allocator alloc;
    costate_solver_options options; /* atol_state is NULL: the integrator has the values */
    csi_rhs_calls calls;
    csi_integrator *integrator; /* adams and bdf, with `history` */
    csi_one_step *one_step;     /* the other methods, with its own history */
    double *atol;               /* per state */
    double *coef;               /* interpolant of the current step when it is not recorded */
    double *p;                  /* of the last solve, for slopes that its dense output may need later; else NULL */
    double *jump;               /* times at which f is discontinuous, ascending */
    size_t n_jump;

    csi_time_grid grid; /* of the last solve; if it was recorded, with the solver's own copy of the times */
    csi_history history;
    double *times;
    size_t times_capacity;
    bool solved; /* the last solve succeeded */

    double *y_out; /* the caller's rows during a solve; may be NULL */
    costate_solve_counts counts;
    csi_detail detail;
};

/* The same by a one-step method: creation, a solve of checked arguments, the dense output of the last solve. */
costate_status csi_solver_one_step_create(costate_solver *solver);
costate_status csi_solver_one_step_run(costate_solver *solver, const double *y0);
/* The derivative with respect to t if `slope` is true. */
costate_status csi_solver_one_step_eval(const costate_solver *solver, double t, bool slope, double *result);

#endif
