/* SPDX-License-Identifier: MIT */
/* Gradients over many trajectories. */
#include "ensemble_case.h"

#include "gradient_task.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static costate_solver_options solver_options(costate_method method, double rtol) {
    costate_solver_options options = costate_solver_options_default();
    options.method = method;
    options.rtol = rtol;
    options.atol = gradient_atol(rtol);
    return options;
}

static bool allocate(const short_trajectories *set, ensemble_case *c) {
    *c = (ensemble_case){.set = set};
    c->y = calloc(set->n * TRAJECTORY_N_T, sizeof *c->y);
    c->v = calloc(set->n * TRAJECTORY_N_T, sizeof *c->v);
    c->gradient = calloc(TRAJECTORY_N_P + set->n, sizeof *c->gradient);
    return c->y && c->v && c->gradient;
}

bool ensemble_case_create_loop(const short_trajectories *set, costate_method method, double rtol, ensemble_case *c) {
    const costate_solver_options options = solver_options(method, rtol);
    if (!allocate(set, c) || costate_solver_create(&set->rhs, &options, NULL, &c->solver) != COSTATE_OK ||
        costate_adjoint_create(c->solver, NULL, NULL, &c->adjoint) != COSTATE_OK) {
        ensemble_case_destroy(c);
        return false;
    }
    snprintf(c->variant, sizeof c->variant, "%s one at a time", costate_method_name(method));
    return true;
}

bool ensemble_case_create(const short_trajectories *set, double rtol, bool lanes, size_t n_thread, bool solve_only,
                          ensemble_case *c) {
    costate_ensemble_options options = costate_ensemble_options_default();
    options.solver = solver_options(COSTATE_METHOD_TSIT5, rtol);
    options.n_thread = n_thread;
    options.lanes = lanes;
    if (!allocate(set, c) || costate_ensemble_create(&set->rhs, &options, NULL, &c->ensemble) != COSTATE_OK) {
        ensemble_case_destroy(c);
        return false;
    }
    c->solve_only = solve_only;
    snprintf(c->variant, sizeof c->variant, "ensemble%s %zu thread%s%s", lanes ? " by lanes" : "", n_thread,
             n_thread == 1 ? "" : "s", solve_only ? " solve" : "");
    return true;
}

void ensemble_case_destroy(ensemble_case *c) {
    costate_adjoint_destroy(c->adjoint);
    costate_solver_destroy(c->solver);
    costate_ensemble_destroy(c->ensemble);
    free(c->y);
    free(c->v);
    free(c->gradient);
    *c = (ensemble_case){0};
}

static bool run_loop(ensemble_case *c) {
    const short_trajectories *set = c->set;
    for (size_t j = 0; j < set->n; j++) {
        const size_t first = set->first[j];
        const size_t n_t = set->first[j + 1] - first;
        if (costate_solve(c->solver, set->p, set->t0, set->y0 + j, n_t, set->t + first, c->y + first) != COSTATE_OK) {
            return false;
        }
        c->loss += short_trajectories_loss(set, first, n_t, c->y + first, c->v + first);
        if (costate_adjoint_vjp(c->adjoint, set->p, n_t, c->v + first, c->gradient + TRAJECTORY_N_P + j, c->gradient,
                                NULL) != COSTATE_OK) {
            return false;
        }
    }
    return true;
}

static bool run_ensemble(ensemble_case *c) {
    const short_trajectories *set = c->set;
    const costate_trajectories trajectories = short_trajectories_trajectories(set);
    if (costate_ensemble_solve(c->ensemble, &trajectories, c->y, NULL) != COSTATE_OK) {
        return false;
    }
    c->loss = short_trajectories_loss(set, 0, set->first[set->n], c->y, c->v);
    return c->solve_only || costate_ensemble_vjp(c->ensemble, &trajectories, c->v, c->gradient + TRAJECTORY_N_P,
                                                 c->gradient) == COSTATE_OK;
}

void ensemble_case_run(void *ctx, size_t n) {
    ensemble_case *c = ctx;
    for (size_t i = 0; i < n; i++) {
        c->loss = 0.0;
        memset(c->gradient, 0, TRAJECTORY_N_P * sizeof *c->gradient);
        if (!(c->ensemble ? run_ensemble(c) : run_loop(c))) {
            c->failed = true;
        }
    }
}

const char *ensemble_case_detail(const ensemble_case *c) {
    if (c->ensemble) {
        return costate_ensemble_detail(c->ensemble);
    }
    const char *detail = costate_solver_detail(c->solver);
    return *detail ? detail : costate_adjoint_detail(c->adjoint);
}
