/* SPDX-License-Identifier: MIT */
/* Adjoint without restarts: λ = Φ c with n_y independent solutions Φ (doc/math.md, equations 10–12). */
#include "adjoint/propagator.h"

#include "core/memory.h"
#include "ode/polynomial.h"
#include "ode/solver_options.h"
#include "ode/sundials_compat.h"

#include <math.h>
#include <string.h>
#include <sundials/sundials_dense.h>

#define N_Y_MAX 8
/* Evaluations that a restart costs per decimal digit of the tolerance, and evaluations that a step costs: measured. */
#define RESTART_EVALUATIONS 3.0
#define STEP_EVALUATIONS 1.5
/* Growth of the error by cancellation in Φ c, per state, that is put up with. */
#define GROWTH_MAX 3.0

struct csi_propagator {
    csi_integrator *integrator; /* of Φ, column by column */
    double *c;
    double *step_coef; /* interpolant of Φ over one step */
    double *phi;       /* Φ at one time */
    double *matrix;    /* scratch, n_y² */
    double *change;    /* scratch, n_y */
    double *atol;      /* per element of Φ */
    double *size;      /* largest |λ| since Φ was started */
    size_t n_met;      /* observations met in this sweep */
    size_t n_start;
};

/* Φ′ = −(∂f/∂y)ᵀ Φ, the product from one Jacobian if there is a callback for it. */
static int product_by_jacobian(costate_adjoint *adjoint, double t, const double *phi, double *dphi) {
    const size_t n = adjoint->calls.rhs.n_y;
    const double *jac = adjoint->propagator->matrix;
    const int answer = csi_call_jacobian(&adjoint->calls, t, adjoint->y, adjoint->propagator->matrix);
    for (size_t j = 0; j < n && answer == 0; j++) {
        for (size_t i = 0; i < n; i++) {
            double sum = 0.0;
            for (size_t k = 0; k < n; k++) {
                sum -= jac[k + n * i] * phi[k + n * j];
            }
            dphi[i + n * j] = sum;
        }
    }
    return answer;
}

static int product_by_vjp(costate_adjoint *adjoint, double t, const double *phi, double *dphi) {
    const size_t n = adjoint->calls.rhs.n_y;
    int answer = 0;
    for (size_t j = 0; j < n && answer == 0; j++) {
        answer = csi_call_vjp(&adjoint->calls, t, adjoint->y, phi + n * j, 1.0, dphi + n * j, NULL);
    }
    for (size_t i = 0; i < n * n; i++) {
        dphi[i] = -dphi[i];
    }
    return answer;
}

static int propagator_f(double t, const double *phi, double *dphi, void *ctx) {
    costate_adjoint *adjoint = ctx;
    csi_history_eval(&adjoint->solver->history, &adjoint->cursor, t, adjoint->y);
    return adjoint->calls.rhs.jac != NULL ? product_by_jacobian(adjoint, t, phi, dphi)
                                          : product_by_vjp(adjoint, t, phi, dphi);
}

static costate_status allocate_parts(costate_adjoint *adjoint, csi_propagator *made) {
    const size_t n = adjoint->calls.rhs.n_y;
    made->step_coef = csi_alloc(&adjoint->alloc, (CSI_ORDER_MAX + 1) * n * n, sizeof(double));
    made->phi = csi_alloc(&adjoint->alloc, 3 * n * n + 3 * n, sizeof(double));
    if (made->step_coef == NULL || made->phi == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->matrix = made->phi + n * n;
    made->atol = made->matrix + n * n;
    made->c = made->atol + n * n;
    made->change = made->c + n;
    made->size = made->change + n;
    const csi_ode ode = {.n = n * n, .f = propagator_f, .ctx = adjoint, .name = "lambda"};
    csi_integrator_setup setup =
        csi_integrator_setup_from(&adjoint->solver->options, &adjoint->counts, &adjoint->detail);
    if (adjoint->options.max_steps > 0) {
        setup.max_steps = adjoint->options.max_steps;
    }
    return csi_integrator_create(&ode, &setup, &adjoint->alloc, &made->integrator);
}

costate_status csi_propagator_create(costate_adjoint *adjoint) {
    const size_t n = adjoint->calls.rhs.n_y;
    if (adjoint->solver->options.method == COSTATE_METHOD_BDF || n < 2 || n > N_Y_MAX) {
        return COSTATE_OK;
    }
    adjoint->propagator = csi_alloc(&adjoint->alloc, 1, sizeof *adjoint->propagator);
    return adjoint->propagator != NULL ? allocate_parts(adjoint, adjoint->propagator) : COSTATE_ERR_MEMORY;
}

void csi_propagator_destroy(csi_propagator *propagator, const costate_allocator *alloc) {
    if (propagator == NULL) {
        return;
    }
    csi_integrator_destroy(propagator->integrator);
    csi_release(alloc, propagator->step_coef);
    csi_release(alloc, propagator->phi);
    csi_release(alloc, propagator);
}

bool csi_propagator_pays(const costate_adjoint *adjoint) {
    if (adjoint->propagator == NULL) {
        return false;
    }
    /* The first observation starts either way. */
    const double n_restart = (double)csi_adjoint_count_observations(adjoint) - 1.0;
    const double n_digit = fmax(1.0, -log10(adjoint->rtol));
    const double per_evaluation = adjoint->calls.rhs.jac != NULL ? 2.0 : (double)adjoint->calls.rhs.n_y;
    const double n_extra = (per_evaluation - 1.0) * STEP_EVALUATIONS * (double)adjoint->solver->counts.n_step;
    return n_extra < n_restart * n_digit * RESTART_EVALUATIONS;
}

/* λ = Φ c for the interpolant: the coefficients of λ from those of Φ. */
static void contract(const csi_propagator *propagator, size_t n, int n_column, const double *phi, double *lam) {
    for (int k = 0; k < n_column; k++) {
        for (size_t i = 0; i < n; i++) {
            double sum = 0.0;
            for (size_t j = 0; j < n; j++) {
                sum += phi[i + n * j] * propagator->c[j];
            }
            lam[i] = sum;
        }
        phi += n * n;
        lam += n;
    }
}

/* Φ = diag(d), c = λ / d, with d of the size that λ and its jumps have: equation 11. */
static void start_columns(costate_adjoint *adjoint) {
    csi_propagator *propagator = adjoint->propagator;
    const size_t n = adjoint->calls.rhs.n_y;
    const double *lam = csi_integrator_state(adjoint->integrator);
    double *phi = csi_integrator_state(propagator->integrator);
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fmax(fabs(lam[i]), adjoint->v_size[i]));
    }
    memset(phi, 0, n * n * sizeof *phi);
    for (size_t i = 0; i < n; i++) {
        const double own = fmax(fabs(lam[i]), adjoint->v_size[i]);
        const double d = own > 0.0 ? own : largest;
        phi[i + n * i] = d;
        propagator->c[i] = lam[i] / d;
        propagator->size[i] = fabs(lam[i]);
    }
    propagator->n_start++;
}

/* The error of Φ c, whose terms may cancel, in units of what is allowed for λ: equation 12. */
static double error_growth(costate_adjoint *adjoint, const double *phi, const double *lam) {
    csi_propagator *propagator = adjoint->propagator;
    const size_t n = adjoint->calls.rhs.n_y;
    double made = 0.0;
    double allowed = 0.0;
    for (size_t i = 0; i < n; i++) {
        double error = 0.0;
        for (size_t j = 0; j < n; j++) {
            error += fabs(propagator->c[j]) * (adjoint->rtol * fabs(phi[i + n * j]) + adjoint->atol[i]);
        }
        propagator->size[i] = fmax(propagator->size[i], fabs(lam[i]));
        const double unit = adjoint->rtol * propagator->size[i] + adjoint->atol[i];
        const double tolerance = adjoint->rtol * fabs(lam[i]) + adjoint->atol[i];
        made += error * error / (unit * unit);
        allowed += tolerance * tolerance / (unit * unit);
    }
    return sqrt(made / allowed);
}

/* c += Φ⁻¹ v, the rows in units of their tolerance; false if Φ is singular. */
static bool change_constants(costate_adjoint *adjoint, const double *v) {
    csi_propagator *propagator = adjoint->propagator;
    const size_t n = adjoint->calls.rhs.n_y;
    for (size_t i = 0; i < n; i++) {
        const double unit = adjoint->rtol * propagator->size[i] + adjoint->atol[i];
        for (size_t j = 0; j < n; j++) {
            propagator->matrix[i + n * j] = propagator->phi[i + n * j] / unit;
        }
        propagator->change[i] = v[i] / unit;
    }
    sunrealtype *columns[N_Y_MAX];
    sunindextype pivots[N_Y_MAX];
    for (size_t j = 0; j < n; j++) {
        columns[j] = propagator->matrix + n * j;
    }
    if (SUNDlsMat_denseGETRF(columns, (sunindextype)n, (sunindextype)n, pivots) != 0) {
        return false;
    }
    SUNDlsMat_denseGETRS(columns, (sunindextype)n, pivots, propagator->change);
    for (size_t j = 0; j < n; j++) {
        propagator->c[j] += propagator->change[j];
    }
    return true;
}

/* Φ and λ at t, the latter in the state of the integrator of λ. */
static double *evaluate(costate_adjoint *adjoint, const csi_step *step, double t) {
    csi_propagator *propagator = adjoint->propagator;
    const size_t n = adjoint->calls.rhs.n_y;
    double *lam = csi_integrator_state(adjoint->integrator);
    csi_polynomial_eval(propagator->step_coef, step->order, n * n, (t - step->t_end) / step->h, propagator->phi);
    contract(propagator, n, 1, propagator->phi, lam);
    adjoint->t = t;
    return lam;
}

/* The jump at an observation; CSI_STOP if Φ is no longer fit to carry λ. */
static costate_status meet_observation(costate_adjoint *adjoint, const csi_step *step, double t) {
    csi_propagator *propagator = adjoint->propagator;
    const size_t n = adjoint->calls.rhs.n_y;
    const double *v = adjoint->v + (adjoint->n_left - 1) * n;
    double *lam = evaluate(adjoint, step, t);
    const costate_status status = csi_parameter_integral_flush(adjoint);
    if (status != COSTATE_OK) {
        return status;
    }
    for (size_t i = 0; i < n; i++) {
        lam[i] += v[i];
    }
    adjoint->n_left--;
    propagator->n_met++;
    const bool changed = change_constants(adjoint, v);
    return changed && error_growth(adjoint, propagator->phi, lam) <= GROWTH_MAX * (double)n ? COSTATE_OK : CSI_STOP;
}

static costate_status integrate_part(costate_adjoint *adjoint, const csi_step *step, double t_from, double t_to) {
    if (adjoint->pbar == NULL) {
        return COSTATE_OK;
    }
    contract(adjoint->propagator, adjoint->calls.rhs.n_y, step->order + 1, adjoint->propagator->step_coef,
             adjoint->coef);
    const csi_part part = {.step = *step, .t_from = t_from, .t_to = t_to};
    return csi_parameter_integral_add(adjoint, &part, adjoint->coef);
}

static costate_status after_step(csi_integrator *integrator, const csi_step *step, void *ctx) {
    costate_adjoint *adjoint = ctx;
    const csi_time_grid *grid = &adjoint->solver->grid;
    const double reached = adjoint->counts.t_reached;
    costate_status status = csi_integrator_interpolant(integrator, step, adjoint->propagator->step_coef);
    double from = step->t_begin;
    double t = 0.0;
    while (status == COSTATE_OK && csi_adjoint_next_observation(adjoint, &t) &&
           (t - reached) * grid->direction >= 0.0) {
        status = integrate_part(adjoint, step, from, t);
        from = t;
        if (status == COSTATE_OK) {
            status = meet_observation(adjoint, step, t);
        }
    }
    if (status == COSTATE_OK) {
        status = integrate_part(adjoint, step, from, reached);
    }
    if (status == COSTATE_OK) {
        const double *lam = evaluate(adjoint, step, reached);
        const double growth = error_growth(adjoint, adjoint->propagator->phi, lam);
        status = growth <= GROWTH_MAX * (double)adjoint->calls.rhs.n_y || reached == grid->t0 ? COSTATE_OK : CSI_STOP;
    }
    return status;
}

static void set_tolerances(costate_adjoint *adjoint) {
    csi_propagator *propagator = adjoint->propagator;
    const size_t n = adjoint->calls.rhs.n_y;
    for (size_t j = 0; j < n; j++) {
        memcpy(propagator->atol + n * j, adjoint->atol, n * sizeof *adjoint->atol);
    }
    csi_integrator_set_tolerances(propagator->integrator, adjoint->rtol, propagator->atol);
}

costate_status csi_propagator_sweep(costate_adjoint *adjoint) {
    csi_propagator *propagator = adjoint->propagator;
    costate_status status = CSI_STOP;
    set_tolerances(adjoint);
    propagator->n_met = 0;
    propagator->n_start = 0;
    /* A start costs about as much as several restarts of λ alone. */
    while (status == CSI_STOP && 3 * propagator->n_start <= propagator->n_met + 3) {
        start_columns(adjoint);
        status =
            csi_integrator_run(propagator->integrator, adjoint->t, adjoint->solver->grid.t0, 0.0, after_step, adjoint);
    }
    return status == CSI_STOP ? COSTATE_OK : status;
}
