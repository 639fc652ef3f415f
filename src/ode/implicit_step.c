/* SPDX-License-Identifier: MIT */
/* One step of a diagonally implicit method: Newton's iteration with the exact Jacobian. */
#include "ode/implicit_step.h"

#include "core/finite.h"
#include "core/memory.h"
#include "ode/dense_lu.h"
#include "ode/implicit_factor.h"
#include "ode/stage.h"

#include <float.h>
#include <math.h>

#define MAX_ITERATIONS 20
/*
 * The discrete adjoint differentiates stages that are solved exactly, so Newton's error e_m = θ e_{m−1}, and what it
 * adds to derivatives of the computed solution, must be far below the 1e-8 that gradients are good for, however loose
 * the tolerance is; and below the tolerance, however tight it is. The rate θ varies with the state by about
 * hγ|∂²f/∂y²| however small it is itself, so that derivatives are good to e_{m−1} only, the size of the last correction.
 */
#define STAGE_ERROR 1e-10
#define CORRECTION 3e-9
#define TOLERANCE_SHARE 0.01
/* A state that an increment far larger than itself leaves is known to the rounding of that increment only. */
#define CANCELLATION 1e-4
/* Corrections that no longer shrink are rounding errors if they are below this. */
#define ROUNDING_LEAST 1e-12
#define ROUNDING_MOST 1e-8

costate_status csi_implicit_init(csi_implicit *implicit, size_t n, const costate_allocator *alloc) {
    *implicit = (csi_implicit){.n = n};
    size_t n_square = 0;
    size_t n_matrix = 0;
    size_t n_vector = 0;
    size_t n_element = 0;
    if (!csi_size_mul(n, n, &n_square) || !csi_size_mul(n_square, 2, &n_matrix) || !csi_size_mul(n, 5, &n_vector) ||
        !csi_size_add(n_matrix, n_vector, &n_element)) {
        return COSTATE_ERR_OVERFLOW;
    }
    implicit->block = csi_alloc(alloc, n_element, sizeof(double));
    if (implicit->block == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    implicit->jac = implicit->block;
    implicit->stage_factors = implicit->jac + n_square;
    implicit->base = implicit->stage_factors + n_square;
    implicit->state = implicit->base + n;
    implicit->increment = implicit->state + n;
    implicit->residual = implicit->increment + n;
    _Static_assert(sizeof(int64_t) == sizeof(double), "the pivots are laid out as one more vector");
    implicit->stage_pivot = (int64_t *)(void *)(implicit->residual + n);
    return COSTATE_OK;
}

void csi_implicit_clear(csi_implicit *implicit, const costate_allocator *alloc) {
    csi_release(alloc, implicit->block);
    *implicit = (csi_implicit){0};
}

int csi_implicit_factor(csi_rhs_calls *calls, size_t n, double h_gamma, const double *jac, double *factors,
                        int64_t *pivot) {
    for (size_t i = 0; i < n * n; i++) {
        factors[i] = -h_gamma * jac[i];
    }
    for (size_t i = 0; i < n; i++) {
        factors[i * (n + 1)] += 1.0;
    }
    calls->counts->n_setup++;
    return csi_lu_factor(n, factors, pivot) ? CSI_STEP_OK : CSI_STEP_NO_CONVERGENCE;
}

int csi_implicit_jacobian(csi_rhs_calls *calls, size_t n, double t, const double *y, double *jac) {
    const int outcome = csi_step_outcome(csi_call_jacobian(calls, t, y, jac));
    return outcome == CSI_STEP_OK && !csi_all_finite(jac, n * n) ? CSI_STEP_NONFINITE : outcome;
}

/* increment = hγ Σ_j predict_j k_j, state = base + increment */
static void guess(const csi_implicit *implicit, const csi_step_record *record, int stage) {
    const size_t n = implicit->n;
    const double *predict = record->tableau->predict[stage];
    const double h_gamma = record->h * record->tableau->gamma;
    for (size_t i = 0; i < n; i++) {
        double slope = 0.0;
        for (int j = 0; j < stage; j++) {
            slope += predict[j] * record->k[(size_t)j * n + i];
        }
        implicit->increment[i] = h_gamma * slope;
        implicit->state[i] = implicit->base[i] + implicit->increment[i];
    }
}

/* One correction; *size is its Euclidean norm in units of the tolerance, an upper bound of every component's. */
static int iterate(const csi_implicit *implicit, csi_rhs_calls *calls, const csi_step_record *record, double t,
                   double *size) {
    const size_t n = implicit->n;
    const double h_gamma = record->h * record->tableau->gamma;
    double *residual = implicit->residual;
    const int outcome = csi_step_outcome(csi_call_f(calls, t, implicit->state, residual));
    if (outcome != CSI_STEP_OK) {
        return outcome;
    }
    for (size_t i = 0; i < n; i++) {
        residual[i] = h_gamma * residual[i] - implicit->increment[i];
    }
    csi_lu_solve(n, record->newton, record->pivot, residual);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        implicit->increment[i] += residual[i];
        implicit->state[i] = implicit->base[i] + implicit->increment[i];
        const double before = fabs(record->y[i]);
        const double now = fabs(implicit->state[i]);
        const double worth = (before > now ? before : now) + CANCELLATION * fabs(implicit->increment[i]);
        /* DBL_MIN: a state that is and stays 0 at an absolute tolerance of 0 */
        const double weight = implicit->rtol * worth + implicit->atol[i] + DBL_MIN;
        const double share = residual[i] / weight;
        sum += share * share;
    }
    calls->counts->n_nonlin_iter++;
    *size = sqrt(sum);
    if (isfinite(sum)) {
        return CSI_STEP_OK;
    }
    return csi_all_finite(residual, n) ? CSI_STEP_NO_CONVERGENCE : CSI_STEP_NONFINITE;
}

static double least(double a, double b) { return a < b ? a : b; }

/* What is left of a correction after `n_more` iterations that shrink it by `rate` each. */
static double error_after(double size, double rate, int n_more) {
    double error = size * rate / (1.0 - rate);
    for (int i = 0; i < n_more; i++) {
        error *= rate;
    }
    return error;
}

static int solve_stage(const csi_implicit *implicit, csi_rhs_calls *calls, const csi_step_record *record, double t) {
    const double rtol = implicit->rtol;
    const double target = least(STAGE_ERROR / rtol, TOLERANCE_SHARE);
    const double last_correction = CORRECTION / rtol;
    const double share = least(ROUNDING_MOST / rtol, TOLERANCE_SHARE);
    const double rounding = share * rtol > ROUNDING_LEAST ? share : ROUNDING_LEAST / rtol;
    double before = 0.0;
    for (int i = 0; i < MAX_ITERATIONS; i++) {
        double size = 0.0;
        const int outcome = iterate(implicit, calls, record, t, &size);
        if (outcome != CSI_STEP_OK || size <= target) {
            return outcome;
        }
        if (i > 0) {
            const double rate = size / before;
            if (rate >= 1.0) {
                return size <= rounding ? CSI_STEP_OK : CSI_STEP_NO_CONVERGENCE;
            }
            if (size <= last_correction && error_after(size, rate, 0) <= target) {
                return CSI_STEP_OK;
            }
            if (size > rounding && error_after(size, rate, MAX_ITERATIONS - 1 - i) > target) {
                return CSI_STEP_NO_CONVERGENCE;
            }
        }
        before = size;
    }
    return before <= rounding ? CSI_STEP_OK : CSI_STEP_NO_CONVERGENCE;
}

int csi_implicit_step(csi_implicit *implicit, csi_rhs_calls *calls, csi_step_record *record, bool reuse_jacobian,
                      double *y_end) {
    const csi_tableau *tableau = record->tableau;
    const size_t n = implicit->n;
    const double h_gamma = record->h * tableau->gamma;
    record->has_kept = false;
    int outcome = CSI_STEP_OK;
    if (!(reuse_jacobian && implicit->has_jac)) {
        outcome = csi_implicit_jacobian(calls, n, record->t_first, record->y, implicit->jac);
        implicit->has_jac = outcome == CSI_STEP_OK;
    }
    if (outcome == CSI_STEP_OK) {
        outcome = csi_implicit_factor(calls, n, h_gamma, implicit->jac, record->newton, record->pivot);
    }
    for (int stage = 1; stage < tableau->n_stage && outcome == CSI_STEP_OK; stage++) {
        csi_stage_sum(n, stage, record->y, record->h, tableau->a[stage], record->k, implicit->base);
        guess(implicit, record, stage);
        outcome = solve_stage(implicit, calls, record, csi_stage_time(record, tableau, stage));
        /* From the increment: f at a state that is a rounding error off is far off in stiff components. */
        double *slope = record->k + (size_t)stage * n;
        for (size_t i = 0; i < n; i++) {
            slope[i] = implicit->increment[i] / h_gamma;
        }
    }
    for (size_t i = 0; i < n; i++) {
        y_end[i] = implicit->state[i];
    }
    return outcome;
}

void csi_implicit_error(const csi_implicit *implicit, const csi_step_record *record, double *error) {
    const csi_tableau *tableau = record->tableau;
    const size_t n = implicit->n;
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (int j = 0; j < tableau->n_stage; j++) {
            sum += tableau->e[j] * record->k[(size_t)j * n + i];
        }
        error[i] = record->h * sum;
    }
    csi_lu_solve(n, record->newton, record->pivot, error);
}
