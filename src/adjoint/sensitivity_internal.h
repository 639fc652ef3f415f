/* SPDX-License-Identifier: MIT */
/* The parts of a sensitivity solver. */
#ifndef CSI_SENSITIVITY_INTERNAL_H
#define CSI_SENSITIVITY_INTERNAL_H

#include "ode/integrator_internal.h"
#include "ode/rhs_calls.h"
#include "ode/time_grid.h"

#include <costate/sensitivity.h>

struct costate_sensitivity {
    costate_allocator alloc;
    costate_solver_options options;
    costate_sensitivity_scheme scheme;
    size_t n_column; /* n_p + n_y */
    csi_rhs_calls calls;
    csi_integrator *integrator;
    SUNNonlinearSolver corrector; /* of the sensitivities */
    N_Vector *column;             /* n_column vectors: S at a start, then S at an output time */

    /* ∂f/∂(y, p) at (t_rows, y_rows), n_y × (n_y + n_p), row-major; kept because the staggered corrector asks again
     * at one state. */
    double *rows;
    double *y_rows;
    double t_rows;
    bool rows_valid;

    double *atol;
    double *scale; /* size of each parameter and initial state, for the tolerances */
    double *coef;  /* interpolant of y over one step */
    double *y0;

    csi_time_grid grid; /* of the last solve; the times are not kept, only what the gradient needs: */
    size_t n_at_start;  /* how many of them are t0 */
    double *s;          /* n_t × n_column × n_y: S at every time */
    size_t s_capacity;
    bool solved;

    double *y_out; /* the caller's rows during a solve; may be NULL */
    double *s_out;
    costate_solve_counts counts;
    csi_detail detail;
};

/* Makes CVODES carry the sensitivities; releases it again. */
costate_status csi_sensitivity_attach(costate_sensitivity *sens);
void csi_sensitivity_detach(costate_sensitivity *sens);

#endif
