/* SPDX-License-Identifier: MIT */
/* The VJP of a solve: creation, checks and outcome of a sweep, whichever kind it is. */
#include "adjoint/adjoint_internal.h"
#include "adjoint/continuous_sweep.h"
#include "adjoint/discrete_sweep.h"
#include "adjoint/gauss_legendre.h"
#include "core/clock.h"
#include "core/finite.h"
#include "core/memory.h"

#include <math.h>
#include <string.h>

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

static costate_status allocate_parts(costate_adjoint *adjoint) {
    const costate_solver *solver = adjoint->solver;
    const costate_status status =
        csi_rhs_calls_init(&adjoint->calls, &solver->calls.rhs, &adjoint->counts, &adjoint->alloc);
    if (status != COSTATE_OK) {
        return status;
    }
    return solver->one_step != NULL ? csi_discrete_create(adjoint) : csi_continuous_create(adjoint);
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
    csi_continuous_destroy(adjoint);
    csi_discrete_destroy(adjoint->discrete, &alloc);
    csi_rhs_calls_clear(&adjoint->calls, &alloc);
    csi_release(&alloc, adjoint);
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
    adjoint->counts = (costate_solve_counts){0};
    csi_detail_clear(&adjoint->detail);
    costate_status status = check_call(adjoint, p, n_t, v);
    if (status != COSTATE_OK) {
        return status;
    }
    const size_t n = adjoint->calls.rhs.n_y;
    const size_t n_p = adjoint->calls.rhs.n_p;
    adjoint->calls.p = p;
    adjoint->pbar = n_p > 0 ? pbar : NULL;
    adjoint->v = v;
    adjoint->n_left = n_t;
    double t0_gradient = 0.0;
    double *t0_wanted = t0bar != NULL ? &t0_gradient : NULL;
    const double *lam = NULL;
    status = adjoint->discrete != NULL ? csi_discrete_sweep(adjoint, t0_wanted, &lam)
                                       : csi_continuous_sweep(adjoint, t0_wanted, &lam);
    if (status != COSTATE_OK) {
        return status;
    }
    if (!csi_all_finite(lam, n) || !isfinite(t0_gradient) || (adjoint->pbar != NULL && !csi_all_finite(pbar, n_p))) {
        return csi_fail(&adjoint->detail, COSTATE_ERR_NONFINITE, "the gradient has NaN or infinity");
    }
    if (y0bar != NULL) {
        memcpy(y0bar, lam, n * sizeof *lam);
    }
    if (t0bar != NULL) {
        *t0bar = t0_gradient;
    }
    return COSTATE_OK;
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
