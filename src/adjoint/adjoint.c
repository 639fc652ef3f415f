/* SPDX-License-Identifier: MIT */
/* The VJP of a solve: λ backwards by CVODE, restarted at observations (doc/math.md, equations 3–7). */
#include "adjoint/adjoint_internal.h"
#include "adjoint/gauss_legendre.h"
#include "adjoint/propagator.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/finite.h"
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

costate_adjoint_options costate_adjoint_options_default(void) { return (costate_adjoint_options){0}; }

static bool in_range(double value) { return value >= 0.0 && isfinite(value); }

static bool options_valid(const costate_adjoint_options *options, size_t n) {
    bool valid = in_range(options->rtol) && in_range(options->atol) && options->quad_nodes >= 0 &&
                 options->quad_nodes <= CSI_GAUSS_MAX;
    for (size_t i = 0; options->atol_state != NULL && i < n; i++) {
        valid = valid && in_range(options->atol_state[i]);
    }
    return valid;
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

static costate_status allocate_parts(costate_adjoint *adjoint) {
    const costate_solver *solver = adjoint->solver;
    costate_status status = csi_rhs_calls_init(&adjoint->calls, &solver->calls.rhs, &adjoint->counts, &adjoint->alloc);
    if (status == COSTATE_OK) {
        status = allocate_vectors(adjoint);
    }
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

costate_status costate_adjoint_create(costate_solver *solver, const costate_adjoint_options *options,
                                      const costate_allocator *alloc, costate_adjoint **adjoint) {
    if (adjoint == NULL) {
        return COSTATE_ERR_NULL;
    }
    *adjoint = NULL;
    if (solver == NULL) {
        return COSTATE_ERR_NULL;
    }
    const costate_adjoint_options chosen = options != NULL ? *options : costate_adjoint_options_default();
    if (!options_valid(&chosen, solver->calls.rhs.n_y)) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!solver->options.record || solver->calls.rhs.vjp == NULL) {
        return COSTATE_ERR_UNSUPPORTED;
    }
    const costate_allocator hooks = csi_allocator(alloc);
    costate_adjoint *made = csi_alloc(&hooks, 1, sizeof *made);
    if (made == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->alloc = hooks;
    made->solver = solver;
    made->options = chosen;
    const costate_status status = allocate_parts(made);
    if (status != COSTATE_OK) {
        costate_adjoint_destroy(made);
        return status;
    }
    *adjoint = made;
    return COSTATE_OK;
}

void costate_adjoint_destroy(costate_adjoint *adjoint) {
    if (adjoint == NULL) {
        return;
    }
    const costate_allocator alloc = adjoint->alloc;
    csi_propagator_destroy(adjoint->propagator, &alloc);
    csi_integrator_destroy(adjoint->integrator);
    csi_rhs_calls_clear(&adjoint->calls, &alloc);
    csi_release(&alloc, adjoint->atol);
    csi_release(&alloc, adjoint->coef);
    csi_release(&alloc, adjoint);
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

static costate_status check_call(costate_adjoint *adjoint, const double *p, size_t n_t, const double *v) {
    const costate_solver *solver = adjoint->solver;
    csi_detail *detail = &adjoint->detail;
    if (v == NULL || (p == NULL && adjoint->calls.rhs.n_p > 0)) {
        return csi_fail(detail, COSTATE_ERR_NULL, "%s is NULL", v == NULL ? "v" : "p");
    }
    if (!solver->solved) {
        return csi_fail(detail, COSTATE_ERR_STATE, "the solver's last solve did not succeed");
    }
    if (n_t != solver->grid.n_t) {
        return csi_fail(detail, COSTATE_ERR_SIZE, "%zu cotangents for %zu times", n_t, solver->grid.n_t);
    }
    if (!csi_all_finite(v, n_t * adjoint->calls.rhs.n_y)) {
        return csi_fail(detail, COSTATE_ERR_NONFINITE, "v has NaN or infinity");
    }
    return COSTATE_OK;
}

static costate_status gradient(costate_adjoint *adjoint, const double *p, size_t n_t, const double *v, double *y0bar,
                               double *pbar, double *t0bar) {
    csi_integrator_begin(adjoint->integrator);
    costate_status status = check_call(adjoint, p, n_t, v);
    if (status != COSTATE_OK) {
        return status;
    }
    const size_t n = adjoint->calls.rhs.n_y;
    const size_t n_p = adjoint->calls.rhs.n_p;
    double *lam = csi_integrator_state(adjoint->integrator);
    memset(lam, 0, n * sizeof *lam);
    adjoint->active = false;
    adjoint->cursor = SIZE_MAX;
    adjoint->calls.p = p;
    adjoint->pbar = n_p > 0 ? pbar : NULL;
    adjoint->v = v;
    adjoint->n_left = n_t;
    set_tolerances(adjoint, n_t);
    double t0_gradient = 0.0;
    status = sweep(adjoint, t0bar != NULL ? &t0_gradient : NULL);
    const bool finite =
        csi_all_finite(lam, n) && isfinite(t0_gradient) && (adjoint->pbar == NULL || csi_all_finite(pbar, n_p));
    if (status == COSTATE_OK && !finite) {
        status = csi_fail(&adjoint->detail, COSTATE_ERR_NONFINITE, "the gradient has NaN or infinity");
    }
    if (status == COSTATE_OK && y0bar != NULL) {
        memcpy(y0bar, lam, n * sizeof *lam);
    }
    if (status == COSTATE_OK && t0bar != NULL) {
        *t0bar = t0_gradient;
    }
    return status;
}

costate_status costate_adjoint_vjp(costate_adjoint *adjoint, const double *p, size_t n_t, const double *v,
                                   double *y0bar, double *pbar, double *t0bar) {
    if (adjoint == NULL) {
        return COSTATE_ERR_NULL;
    }
    const double start = csi_clock_seconds();
    const costate_status status = gradient(adjoint, p, n_t, v, y0bar, pbar, t0bar);
    adjoint->calls.p = NULL;
    adjoint->v = NULL;
    adjoint->pbar = NULL;
    adjoint->counts.seconds = csi_clock_seconds() - start;
    return status;
}

const costate_solve_counts *costate_adjoint_counts(const costate_adjoint *adjoint) {
    return adjoint != NULL ? &adjoint->counts : NULL;
}

const char *costate_adjoint_detail(const costate_adjoint *adjoint) {
    return adjoint != NULL ? adjoint->detail.text : "";
}
