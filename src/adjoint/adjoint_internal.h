/* SPDX-License-Identifier: MIT */
/* The parts of an adjoint. */
#ifndef CSI_ADJOINT_INTERNAL_H
#define CSI_ADJOINT_INTERNAL_H

#include "ode/integrator.h"
#include "ode/rhs_calls.h"
#include "ode/solver_internal.h"

#include <costate/adjoint.h>

struct costate_adjoint {
    costate_allocator alloc;
    costate_solver *solver;
    costate_adjoint_options options; /* atol_state: NULL or the adjoint's own copy */
    csi_rhs_calls calls;
    csi_integrator *integrator; /* of λ */
    size_t cursor;              /* in the solver's history */
    double t;                   /* time λ has come to */
    bool active;                /* false while λ is zero because no cotangent was met yet */

    double *atol;       /* per element of λ */
    double *atol_state; /* storage of options.atol_state */
    double *y;          /* y(t) */
    double *lam;        /* λ at a node of the quadrature */
    double *coef;       /* interpolant of λ over one step */

    double *pbar; /* the caller's, during a sweep; NULL if not wanted */
    costate_solve_counts counts;
    csi_detail detail;
};

/* pbar += the part of ∫ (∂f/∂p)ᵀ λ dt that one accepted backward step covers. */
costate_status csi_adjoint_integrate_parameters(costate_adjoint *adjoint, const csi_step *step);

/* Status, with text, of a callback's answer outside the integrator, where no step can be cut. */
costate_status csi_adjoint_answer(costate_adjoint *adjoint, int answer, const char *callback, double t);

#endif
