/* SPDX-License-Identifier: MIT */
/* One step of a diagonally implicit method: Newton's iteration with the exact Jacobian, and the transposed stage
 * equations of its adjoint. */
#ifndef CSI_IMPLICIT_STEP_H
#define CSI_IMPLICIT_STEP_H

#include "ode/rhs_calls.h"
#include "ode/step_history.h"

#include <stdbool.h>
#include <stdint.h>

/* Scratch of the steps of one solver or adjoint, and the tolerances Newton's iteration is held to. */
typedef struct csi_implicit {
    size_t n;
    double rtol;
    const double *atol; /* per state */
    /* The owner's, aligned to 64, or NULL: where csi_implicit_solve_transposed() leaves what f_keep left at the stage,
     * for the owner's own vjp_kept there. Used if the right-hand side has both. */
    void *kept;
    double *jac;           /* n × n: ∂f/∂y at the start of the last step, column-major */
    bool has_jac;          /* false after a failure to evaluate it */
    double *block;         /* everything below and jac */
    double *stage_factors; /* n × n: of a stage's own matrix in a transposed solve */
    int64_t *stage_pivot;
    double *base;  /* the part of a stage that earlier stages make */
    double *state; /* base + increment */
    double *increment;
    double *residual;
} csi_implicit;

costate_status csi_implicit_init(csi_implicit *implicit, size_t n, const costate_allocator *alloc);
void csi_implicit_clear(csi_implicit *implicit, const costate_allocator *alloc);

/*
 * Given record->{tableau, t, t_end, h, t_first, t_last, y, k[0]}: evaluates J at (t_first, y), factorises 1 − hγJ into
 * record->newton and record->pivot, solves the stages, writes record->k[1 …] and the state at the end. The same input
 * gives the same bits. Counts in calls->counts: n_jac, n_setup, n_f, n_nonlin_iter. `reuse_jacobian`: implicit->jac, if
 * there, is already that of (t_first, y), the step being a shorter try. Returns an outcome (stage.h).
 */
int csi_implicit_step(csi_implicit *implicit, csi_rhs_calls *calls, csi_step_record *record, bool reuse_jacobian,
                      double *y_end);

/*
 * The error estimate of a step, n elements: (1 − hγJ)⁻¹ h Σ e_i k_i. The solve takes the parasitic part from stiff
 * components, which the sum alone overestimates (Hairer & Wanner II, eq. IV.8.20).
 */
void csi_implicit_error(const csi_implicit *implicit, const csi_step_record *record, double *error);

/*
 * w = (1 − hγ J(t, Y)ᵀ)⁻¹ r for one stage of a recorded step: refinement with the step's transposed factors and VJPs at
 * the stage until rounding, or, where that converges too slowly, with the stage's own Jacobian factorised. w may not
 * overlap r. Returns an outcome.
 */
int csi_implicit_solve_transposed(csi_implicit *implicit, csi_rhs_calls *calls, const csi_step_record *record, double t,
                                  const double *stage_state, const double *r, double *w);

#endif
