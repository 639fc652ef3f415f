/* SPDX-License-Identifier: MIT */
/* The transposed stage equation of an implicit step, solved to rounding. */
#include "ode/dense_lu.h"
#include "ode/implicit_factor.h"
#include "ode/implicit_step.h"
#include "ode/stage.h"

#include <math.h>
#include <string.h>

#define RELATIVE_ERROR 1e-13
#define MAX_REFINEMENTS 25
#define SLOWEST_RATE 0.3

/* One stage's equation w − hγJᵀw = r. */
typedef struct stage_equation {
    csi_implicit *implicit;
    csi_rhs_calls *calls;
    const csi_step_record *record;
    double t;
    const double *state;
    const double *r;
    bool keeps;
} stage_equation;

static int pull_back(const stage_equation *stage, const double *w, double *ybar) {
    if (stage->keeps) {
        return csi_call_vjp_kept(stage->calls, stage->t, stage->state, w, 1.0, ybar, NULL, stage->implicit->kept);
    }
    return csi_call_vjp(stage->calls, stage->t, stage->state, w, 1.0, ybar, NULL);
}

/* Norm of a cotangent, each element times what its state is worth. */
static double norm(const stage_equation *stage, const double *w) {
    const csi_implicit *implicit = stage->implicit;
    double sum = 0.0;
    for (size_t i = 0; i < implicit->n; i++) {
        const double worth = fabs(stage->state[i]) + implicit->atol[i] / implicit->rtol;
        const double share = w[i] * (worth > 0.0 ? worth : 1.0);
        sum += share * share;
    }
    return sqrt(sum);
}

/* w −= M⁻ᵀ(w − hγJᵀw − r) with the factors M of the step; *size is the norm of the correction. */
static int refine(const stage_equation *stage, double *w, double *size) {
    const csi_step_record *record = stage->record;
    const size_t n = stage->implicit->n;
    const double h_gamma = record->h * record->tableau->gamma;
    double *correction = stage->implicit->residual;
    const int outcome = csi_step_outcome(pull_back(stage, w, correction));
    if (outcome != CSI_STEP_OK) {
        return outcome;
    }
    for (size_t i = 0; i < n; i++) {
        correction[i] = stage->r[i] - w[i] + h_gamma * correction[i];
    }
    csi_lu_solve_transposed(n, record->newton, record->pivot, correction);
    for (size_t i = 0; i < n; i++) {
        w[i] += correction[i];
    }
    *size = norm(stage, correction);
    return isfinite(*size) ? CSI_STEP_OK : CSI_STEP_NONFINITE;
}

/* Refinements worth their while: each is a VJP and a solve (n² products), a factorisation n³/3 and a Jacobian, which
 * may be n VJPs. */
static int refinements_allowed(const costate_rhs *rhs) {
    const size_t n = rhs->n_y;
    const size_t n_allowed = 4 + n / 3 + (rhs->jac == NULL ? n : 0);
    return n_allowed < MAX_REFINEMENTS ? (int)n_allowed : MAX_REFINEMENTS;
}

/* What is left after a correction of this size and `n_more` that are smaller by `rate` each. */
static double error_after(double size, double rate, int n_more) {
    double error = size * rate / (1.0 - rate);
    for (int i = 0; i < n_more; i++) {
        error *= rate;
    }
    return error;
}

static int solve_with_own_jacobian(const stage_equation *stage, double *w) {
    csi_implicit *implicit = stage->implicit;
    const size_t n = implicit->n;
    const double h_gamma = stage->record->h * stage->record->tableau->gamma;
    double *factors = implicit->stage_factors;
    int outcome = csi_implicit_jacobian(stage->calls, n, stage->t, stage->state, factors);
    if (outcome == CSI_STEP_OK) {
        outcome = csi_implicit_factor(stage->calls, n, h_gamma, factors, factors, implicit->stage_pivot);
    }
    if (outcome == CSI_STEP_OK) {
        memcpy(w, stage->r, n * sizeof *w);
        csi_lu_solve_transposed(n, factors, implicit->stage_pivot, w);
    }
    return outcome;
}

/* From w = M⁻ᵀr. Its error and all corrections shrink by the same rate from the start, so w counts as the first. */
static int solve_from_step(const stage_equation *stage, double *w) {
    double before = norm(stage, w);
    double rate = 0.0;
    if (before == 0.0) {
        return CSI_STEP_OK;
    }
    for (int n_left = refinements_allowed(&stage->calls->rhs) - 1; n_left >= 0; n_left--) {
        double size = 0.0;
        const int outcome = refine(stage, w, &size);
        if (outcome != CSI_STEP_OK) {
            return outcome;
        }
        const double target = RELATIVE_ERROR * norm(stage, w);
        rate = size > rate * before ? size / before : rate;
        if (rate < SLOWEST_RATE && error_after(size, rate, 0) <= target) {
            return CSI_STEP_OK;
        }
        if (rate >= SLOWEST_RATE || error_after(size, rate, n_left) > target) {
            break;
        }
        before = size;
    }
    return solve_with_own_jacobian(stage, w);
}

int csi_implicit_solve_transposed(csi_implicit *implicit, csi_rhs_calls *calls, const csi_step_record *record, double t,
                                  const double *stage_state, const double *r, double *w) {
    const stage_equation stage = {
        implicit, calls, record, t, stage_state, r, implicit->kept != NULL && csi_rhs_keeps(&calls->rhs)};
    int outcome = CSI_STEP_OK;
    if (stage.keeps) {
        outcome = csi_step_outcome(csi_call_f_keep(calls, t, stage_state, implicit->residual, implicit->kept));
    }
    memcpy(w, r, implicit->n * sizeof *w);
    csi_lu_solve_transposed(implicit->n, record->newton, record->pivot, w);
    return outcome == CSI_STEP_OK ? solve_from_step(&stage, w) : outcome;
}
