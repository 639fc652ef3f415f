/* SPDX-License-Identifier: MIT */
/* Adaptive integration by a one-step method: created once, run as often as needed; every accepted step goes to a
 * history. */
#ifndef CSI_ONE_STEP_H
#define CSI_ONE_STEP_H

#include "ode/detail.h"
#include "ode/implicit_step.h"
#include "ode/rhs_calls.h"
#include "ode/step_history.h"
#include "ode/stiffness.h"
#include "ode/time_grid.h"

#include <costate/solver.h>

typedef struct csi_one_step csi_one_step;

/* Called after every accepted step with the state at its end; anything but COSTATE_OK ends the run with that status. */
typedef costate_status (*csi_one_step_callback)(const csi_step_record *record, const double *y_end, void *ctx);

struct csi_one_step {
    costate_solver_options options; /* atol_state unused */
    csi_rhs_calls *calls;
    csi_detail *detail;
    size_t n;
    const double *atol; /* per state, the owner's */
    csi_step_history *history;
    csi_step_shape shape;
    csi_implicit implicit;
    csi_stiffness stiffness;
    double *block; /* the vectors below */
    double *stage;
    double *y_end;
    double *error;

    const double *jump; /* known discontinuities of f, ascending, the owner's */
    size_t n_jump;
    const csi_time_grid *grid; /* of output, the owner's, who moves it on after every step */

    /* Of the run. */
    const csi_tableau *tableau;
    double direction;
    double log_error;    /* log2 of the error norm of the last accepted step */
    double h;            /* what the next step should be, signed */
    bool rejected;       /* the step in the making was tried before */
    bool jacobian_known; /* and its Jacobian is there */
    int trouble;         /* outcome that cut the step last */
};

/* `calls`, `detail` and `atol` belong to the owner and must outlive it; counts go to calls->counts. */
costate_status csi_one_step_create(const costate_solver_options *options, csi_rhs_calls *calls, const double *atol,
                                   csi_detail *detail, const costate_allocator *alloc, csi_one_step **one);
void csi_one_step_destroy(csi_one_step *one, const costate_allocator *alloc);

/* Of later runs; the absolute tolerances are the owner's. */
void csi_one_step_set_rtol(csi_one_step *one, double rtol);

/* From y0 at t0 to t_end, where the last step ends exactly. */
costate_status csi_one_step_run(csi_one_step *one, double t0, const double *y0, double t_end,
                                csi_one_step_callback on_step, void *ctx);

/* The tableau of the method's explicit steps; NULL if it makes none. */
const csi_tableau *csi_one_step_explicit(costate_method method);
bool csi_one_step_may_be_implicit(costate_method method);

/* Repeats a recorded step with other calls (those of an adjoint) and scratch; a csi_step_replay's work. */
int csi_one_step_repeat(const csi_one_step *one, csi_rhs_calls *calls, csi_implicit *implicit, double *stage,
                        csi_step_record *record, double *y_end);

#endif
