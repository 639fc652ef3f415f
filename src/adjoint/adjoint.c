/* SPDX-License-Identifier: MIT */
/* The VJP of a solve: λ backwards by CVODE, restarted at observations (doc/math.md, equations 3–7). */
#include "adjoint/adjoint_internal.h"
#include "adjoint/gauss_legendre.h"
#include "core/clock.h"
#include "core/memory.h"
#include "ode/finite.h"
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
    adjoint->atol = csi_alloc(&adjoint->alloc, n, 4 * sizeof(double));
    adjoint->coef = csi_alloc(&adjoint->alloc, n, (CSI_ORDER_MAX + 1) * sizeof(double));
    if (adjoint->atol == NULL || adjoint->coef == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    adjoint->atol_state = adjoint->atol + n;
    adjoint->y = adjoint->atol_state + n;
    adjoint->lam = adjoint->y + n;
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
    return csi_integrator_create(&ode, &setup, &adjoint->alloc, &adjoint->integrator);
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
    csi_integrator_destroy(adjoint->integrator);
    csi_rhs_calls_clear(&adjoint->calls, &alloc);
    csi_release(&alloc, adjoint->atol);
    csi_release(&alloc, adjoint->coef);
    csi_release(&alloc, adjoint);
}

/* Tolerances of λ from the largest cotangent: equation 9. They are never zero. */
static void set_tolerances(costate_adjoint *adjoint, const double *v, size_t n_v) {
    const costate_adjoint_options *options = &adjoint->options;
    double largest = 0.0;
    for (size_t i = 0; i < n_v; i++) {
        largest = fmax(largest, fabs(v[i]));
    }
    const double rtol = options->rtol > 0.0 ? options->rtol : adjoint->solver->options.rtol;
    const double fraction = options->atol > 0.0 ? options->atol : ATOL_PER_RTOL * rtol;
    for (size_t i = 0; i < adjoint->calls.rhs.n_y; i++) {
        const double own = options->atol_state != NULL ? options->atol_state[i] : 0.0;
        adjoint->atol[i] = fmax(own > 0.0 ? own : fraction * largest, DBL_MIN);
    }
    csi_integrator_set_tolerances(adjoint->integrator, rtol, adjoint->atol);
}

static costate_status after_step(csi_integrator *integrator, const csi_step *step, void *ctx) {
    (void)integrator;
    costate_adjoint *adjoint = ctx;
    return adjoint->pbar != NULL ? csi_adjoint_integrate_parameters(adjoint, step) : COSTATE_OK;
}

static costate_status integrate_to(costate_adjoint *adjoint, double t) {
    const double from = adjoint->t;
    adjoint->t = t;
    return adjoint->active ? csi_integrator_run(adjoint->integrator, from, t, 0.0, after_step, adjoint) : COSTATE_OK;
}

/* λ(t⁻) = λ(t⁺) + v: equation 5. */
static void add_cotangent(costate_adjoint *adjoint, const double *v) {
    double *lam = csi_integrator_state(adjoint->integrator);
    for (size_t i = 0; i < adjoint->calls.rhs.n_y; i++) {
        lam[i] += v[i];
    }
    adjoint->active = true;
}

static bool is_zero(const double *v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (v[i] != 0.0) {
            return false;
        }
    }
    return true;
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

/* From the last observation to t0, and past the observations at t0. */
static costate_status sweep(costate_adjoint *adjoint, const double *v, double *t0bar) {
    const csi_time_grid *grid = &adjoint->solver->grid;
    const size_t n = adjoint->calls.rhs.n_y;
    costate_status status = COSTATE_OK;
    size_t i = grid->n_t;
    for (; i > 0 && !csi_interval_is_empty(grid->t0, grid->t[i - 1]) && status == COSTATE_OK; i--) {
        const double *row = v + (i - 1) * n;
        if (!is_zero(row, n)) {
            status = integrate_to(adjoint, grid->t[i - 1]);
            add_cotangent(adjoint, row);
        }
    }
    if (status == COSTATE_OK) {
        status = integrate_to(adjoint, grid->t0);
    }
    if (status == COSTATE_OK && t0bar != NULL) {
        status = initial_time_gradient(adjoint, t0bar);
    }
    for (; i > 0 && status == COSTATE_OK; i--) {
        add_cotangent(adjoint, v + (i - 1) * n);
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
    set_tolerances(adjoint, v, n_t * n);
    double t0_gradient = 0.0;
    status = sweep(adjoint, v, t0bar != NULL ? &t0_gradient : NULL);
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
