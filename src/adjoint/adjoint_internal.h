/* SPDX-License-Identifier: MIT */
/* The parts of an adjoint. */
#ifndef CSI_ADJOINT_INTERNAL_H
#define CSI_ADJOINT_INTERNAL_H

#include "adjoint/parameter_integral.h"
#include "ode/integrator.h"
#include "ode/rhs_calls.h"
#include "ode/solver_internal.h"

#include <costate/adjoint.h>

typedef struct csi_propagator csi_propagator;
typedef struct csi_discrete csi_discrete;

struct costate_adjoint {
    costate_allocator alloc;
    costate_solver *solver;
    costate_adjoint_options options; /* atol_state: NULL or the adjoint's own copy */
    csi_rhs_calls calls;
    costate_solve_counts counts;
    csi_detail detail;

    const double *v; /* the caller's cotangents during a sweep */
    size_t n_left;   /* observations not yet met */
    double *pbar;    /* the caller's; NULL if not wanted */

    csi_discrete *discrete; /* of a one-step method; what follows is of the continuous adjoint */

    csi_integrator *integrator; /* of λ, whose value at `t` its state holds */
    csi_propagator *propagator; /* of all λ at once; NULL if it would never pay */
    size_t cursor;              /* in the solver's history */
    double t;                   /* time λ has come to */
    bool active;                /* false while λ is zero because no cotangent was met yet */

    double rtol;
    double *atol;       /* per element of λ */
    double *atol_state; /* storage of options.atol_state */
    double *v_size;     /* largest |cotangent| of each state */
    double *y;          /* y(t) */
    double *lam;        /* λ at a node of the quadrature */
    double *coef;       /* interpolant of λ over one step */

    csi_parameter_integral integral;
};

/* The observation that comes next going back in time, at the time *t; false when only those at t0 are left. Rows
 * that are zero are passed over. */
bool csi_adjoint_next_observation(costate_adjoint *adjoint, double *t);

/* How many distinct times are left at which a cotangent is not zero. */
size_t csi_adjoint_count_observations(const costate_adjoint *adjoint);

/* Status, with text, of a callback's answer outside the integrator, where no step can be cut. */
costate_status csi_adjoint_answer(costate_adjoint *adjoint, int answer, const char *callback, double t);

#endif
