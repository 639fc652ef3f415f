/* SPDX-License-Identifier: MIT */
/* The continuous adjoint: λ backwards by CVODE, restarted at observations (doc/math.md, equations 3–7). */
#include "adjoint/continuous_sweep.h"

#include "adjoint/propagator.h"
#include "core/memory.h"
#include "ode/solver_options.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Default absolute tolerance of λ, as a fraction of its relative tolerance. */
#define ATOL_PER_RTOL 1e-3

static int adjoint_f(double t, const double *lam, double *dlam, void *ctx) {
    costate_adjoint *adjoint = ctx;
    csi_history_eval(&adjoint->solver->history, &adjoint->cursor, t, adjoint->y);
    const int answer = csi_call_vjp(&adjoint->calls, t, adjoint->y, lam, 1.0, dlam, NULL);
    for (size_t i = 0; i < adjoint->calls.rhs.n_y; i++) {
        dlam[i] = -dlam[i];
    }
    return answer;
}

/* −(∂f/∂y)ᵀ */
static int adjoint_jac(double t, const double *lam, double *jac, void *ctx) {
    (void)lam;
    costate_adjoint *adjoint = ctx;
    const size_t n = adjoint->calls.rhs.n_y;
    csi_history_eval(&adjoint->solver->history, &adjoint->cursor, t, adjoint->y);
    const int answer = csi_call_jacobian(&adjoint->calls, t, adjoint->y, jac);
    for (size_t j = 0; j < n; j++) {
        jac[j + n * j] = -jac[j + n * j];
        for (size_t i = 0; i < j; i++) {
            const double upper = jac[i + n * j];
            jac[i + n * j] = -jac[j + n * i];
            jac[j + n * i] = -upper;
        }
    }
    return answer;
}

static costate_status allocate_vectors(costate_adjoint *adjoint) {
    const size_t n = adjoint->calls.rhs.n_y;
    adjoint->atol = csi_alloc(&adjoint->alloc, n, 5 * sizeof(double));
    adjoint->coef = csi_alloc(&adjoint->alloc, n, sizeof(double) * (CSI_PART_MAX + 1) * (CSI_ORDER_MAX + 1));
    if (adjoint->atol == NULL || adjoint->coef == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    adjoint->integral.coef = adjoint->coef + n * (CSI_ORDER_MAX + 1);
    adjoint->atol_state = adjoint->atol + n;
    adjoint->y = adjoint->atol_state + n;
    adjoint->lam = adjoint->y + n;
    adjoint->v_size = adjoint->lam + n;
    if (adjoint->options.atol_state != NULL) {
        memcpy(adjoint->atol_state, adjoint->options.atol_state, n * sizeof(double));
        adjoint->options.atol_state = adjoint->atol_state;
    }
    return COSTATE_OK;
}

costate_status csi_continuous_create(costate_adjoint *adjoint) {
    const costate_solver *solver = adjoint->solver;
    costate_status status = allocate_vectors(adjoint);
    if (status != COSTATE_OK) {
        return status;
    }
    const csi_ode ode = {
        .n = solver->calls.rhs.n_y, .f = adjoint_f, .jac = adjoint_jac, .ctx = adjoint, .name = "lambda"};
    csi_integrator_setup setup = csi_integrator_setup_from(&solver->options, &adjoint->counts, &adjoint->detail);
    if (adjoint->options.max_steps > 0) {
        setup.max_steps = adjoint->options.max_steps;
    }
    status = csi_integrator_create(&ode, &setup, &adjoint->alloc, &adjoint->integrator);
    return status == COSTATE_OK ? csi_propagator_create(adjoint) : status;
}

void csi_continuous_destroy(costate_adjoint *adjoint) {
    csi_propagator_destroy(adjoint->propagator, &adjoint->alloc);
    csi_integrator_destroy(adjoint->integrator);
    csi_release(&adjoint->alloc, adjoint->atol);
    csi_release(&adjoint->alloc, adjoint->coef);
}

/* Tolerances of λ from the largest cotangent: equation 8. They are never zero. */
static void set_tolerances(costate_adjoint *adjoint, size_t n_t) {
    const costate_adjoint_options *options = &adjoint->options;
    const size_t n = adjoint->calls.rhs.n_y;
    double largest = 0.0;
    memset(adjoint->v_size, 0, n * sizeof *adjoint->v_size);
    for (size_t i = 0; i < n_t; i++) {
        for (size_t k = 0; k < n; k++) {
            adjoint->v_size[k] = fmax(adjoint->v_size[k], fabs(adjoint->v[i * n + k]));
        }
    }
    for (size_t k = 0; k < n; k++) {
        largest = fmax(largest, adjoint->v_size[k]);
    }
    adjoint->rtol = options->rtol > 0.0 ? options->rtol : adjoint->solver->options.rtol;
    const double fraction = options->atol > 0.0 ? options->atol : ATOL_PER_RTOL * adjoint->rtol;
    for (size_t k = 0; k < n; k++) {
        const double own = options->atol_state != NULL ? options->atol_state[k] : 0.0;
        adjoint->atol[k] = fmax(own > 0.0 ? own : fraction * largest, DBL_MIN);
    }
    csi_integrator_set_tolerances(adjoint->integrator, adjoint->rtol, adjoint->atol);
    csi_parameter_integral_begin(adjoint);
}

static costate_status after_step(csi_integrator *integrator, const csi_step *step, void *ctx) {
    costate_adjoint *adjoint = ctx;
    if (adjoint->pbar == NULL) {
        return COSTATE_OK;
    }
    const csi_part part = {.step = *step, .t_from = step->t_begin, .t_to = step->t_end};
    const costate_status status = csi_integrator_interpolant(integrator, step, adjoint->coef);
    return status == COSTATE_OK ? csi_parameter_integral_add(adjoint, &part, adjoint->coef) : status;
}

static costate_status integrate_to(costate_adjoint *adjoint, double t) {
    const double from = adjoint->t;
    adjoint->t = t;
    if (!adjoint->active) {
        return COSTATE_OK;
    }
    const costate_status status = csi_integrator_run(adjoint->integrator, from, t, 0.0, after_step, adjoint);
    return status == COSTATE_OK ? csi_parameter_integral_flush(adjoint) : status;
}

/* True if observation i gives λ a jump after t0. */
static bool is_jump(const costate_adjoint *adjoint, size_t i) {
    const csi_time_grid *grid = &adjoint->solver->grid;
    const size_t n = adjoint->calls.rhs.n_y;
    for (size_t k = 0; k < n; k++) {
        if (adjoint->v[i * n + k] != 0.0) {
            return !csi_interval_is_empty(grid->t0, grid->t[i]);
        }
    }
    return false;
}

bool csi_adjoint_next_observation(costate_adjoint *adjoint, double *t) {
    const csi_time_grid *grid = &adjoint->solver->grid;
    while (adjoint->n_left > 0 && !csi_interval_is_empty(grid->t0, grid->t[adjoint->n_left - 1])) {
        if (is_jump(adjoint, adjoint->n_left - 1)) {
            *t = grid->t[adjoint->n_left - 1];
            return true;
        }
        adjoint->n_left--;
    }
    return false;
}

size_t csi_adjoint_count_observations(const costate_adjoint *adjoint) {
    const double *t = adjoint->solver->grid.t;
    size_t count = 0;
    double last = 0.0;
    for (size_t i = 0; i < adjoint->n_left; i++) {
        if (is_jump(adjoint, i) && (count == 0 || t[i] != last)) {
            last = t[i];
            count++;
        }
    }
    return count;
}

/* λ(t⁻) = λ(t⁺) + v: equation 5. */
static void add_cotangent(costate_adjoint *adjoint) {
    const size_t n = adjoint->calls.rhs.n_y;
    double *lam = csi_integrator_state(adjoint->integrator);
    adjoint->n_left--;
    for (size_t i = 0; i < n; i++) {
        lam[i] += adjoint->v[adjoint->n_left * n + i];
    }
    adjoint->active = true;
}

/* t0bar = −λ(t0⁺)ᵀ f(t0, y0, p): equation 7. */
static costate_status initial_time_gradient(costate_adjoint *adjoint, double *t0bar) {
    const size_t n = adjoint->calls.rhs.n_y;
    const double t0 = adjoint->solver->grid.t0;
    const double *lam = csi_integrator_state(adjoint->integrator);
    double *dydt = adjoint->lam;
    *t0bar = 0.0;
    if (!adjoint->active) {
        return COSTATE_OK;
    }
    csi_history_eval(&adjoint->solver->history, &adjoint->cursor, t0, adjoint->y);
    const costate_status status =
        csi_adjoint_answer(adjoint, csi_call_f(&adjoint->calls, t0, adjoint->y, dydt), "f", t0);
    for (size_t i = 0; i < n && status == COSTATE_OK; i++) {
        *t0bar -= lam[i] * dydt[i];
    }
    return status;
}

/* λ from the next observation on, restarted at each, to t0. */
static costate_status sweep_with_restarts(costate_adjoint *adjoint) {
    costate_status status = COSTATE_OK;
    double t = 0.0;
    while (status == COSTATE_OK && csi_adjoint_next_observation(adjoint, &t)) {
        status = integrate_to(adjoint, t);
        add_cotangent(adjoint);
    }
    return status == COSTATE_OK ? integrate_to(adjoint, adjoint->solver->grid.t0) : status;
}

/* From the last observation to t0, and past the observations at t0. */
static costate_status sweep(costate_adjoint *adjoint, double *t0bar) {
    costate_status status = COSTATE_OK;
    double t = 0.0;
    if (csi_adjoint_next_observation(adjoint, &t) && csi_propagator_pays(adjoint)) {
        adjoint->t = t;
        add_cotangent(adjoint);
        status = csi_propagator_sweep(adjoint);
    }
    if (status == COSTATE_OK) {
        status = sweep_with_restarts(adjoint);
    }
    if (status == COSTATE_OK && t0bar != NULL) {
        status = initial_time_gradient(adjoint, t0bar);
    }
    while (status == COSTATE_OK && adjoint->n_left > 0) {
        add_cotangent(adjoint);
    }
    return status;
}

costate_status csi_continuous_sweep(costate_adjoint *adjoint, double *t0bar, const double **lam) {
    double *state = csi_integrator_state(adjoint->integrator);
    memset(state, 0, adjoint->calls.rhs.n_y * sizeof *state);
    adjoint->active = false;
    adjoint->cursor = SIZE_MAX;
    set_tolerances(adjoint, adjoint->n_left);
    *lam = state;
    return sweep(adjoint, t0bar);
}
