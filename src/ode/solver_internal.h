/* SPDX-License-Identifier: MIT */
/* What a solver keeps of its last solve, for its adjoint. */
#ifndef CSI_SOLVER_INTERNAL_H
#define CSI_SOLVER_INTERNAL_H

#include "ode/history.h"
#include "ode/integrator.h"
#include "ode/rhs_calls.h"
#include "ode/time_grid.h"

#include <costate/solver.h>

struct costate_solver {
    costate_allocator alloc;
    costate_solver_options options; /* atol_state is NULL: the integrator has the values */
    csi_rhs_calls calls;
    csi_integrator *integrator;
    double *atol; /* per state */
    double *coef; /* interpolant of the current step when it is not recorded */

    csi_time_grid grid; /* of the last solve; if it was recorded, with the solver's own copy of the times */
    csi_history history;
    double *times;
    size_t times_capacity;
    bool solved; /* the last solve succeeded */

    double *y_out; /* the caller's rows during a solve; may be NULL */
    costate_solve_counts counts;
    csi_detail detail;
};

#endif
