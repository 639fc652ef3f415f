/* SPDX-License-Identifier: MIT */
/* The trained network against the reaction, judged by another integrator at a tight tolerance. */
#include "rober_verdict.h"

#include <math.h>
#include <stdlib.h>

static const double RTOL = 1e-9;

static costate_status solve_network(const rober_data *data, const costate_rhs *rhs, const double *p, size_t n_t,
                                    const double *t, double *u) {
    costate_solver_options options = costate_solver_options_default();
    costate_solver *solver = NULL;
    double atol[ROBER_N_Y];
    for (size_t k = 0; k < ROBER_N_Y; k++) {
        atol[k] = 0.1 * RTOL * data->scale[k];
    }
    options.method = COSTATE_METHOD_BDF;
    options.rtol = RTOL;
    options.atol_state = atol;
    options.record = false;
    costate_status status = costate_solver_create(rhs, &options, NULL, &solver);
    if (status == COSTATE_OK) {
        status = costate_solve(solver, p, 0.0, data->u0, n_t, t, u);
    }
    costate_solver_destroy(solver);
    return status;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void judge_species(const rober_data *data, size_t k, rober_verdict *verdict) {
    double relative[ROBER_N_GRID];
    for (size_t i = 0; i < ROBER_N_GRID; i++) {
        const double truth = verdict->reaction[i * ROBER_N_Y + k];
        const double deviation = fabs(verdict->network[i * ROBER_N_Y + k] - truth);
        const double error = deviation / data->scale[k];
        verdict->species[k] += error / ROBER_N_GRID;
        verdict->error += error / (ROBER_N_GRID * ROBER_N_Y);
        verdict->largest[k] = fmax(verdict->largest[k], error);
        relative[i] = deviation / truth;
    }
    qsort(relative, ROBER_N_GRID, sizeof(double), ascending);
    verdict->relative[k] = relative[ROBER_N_GRID / 2];
}

costate_status rober_verdict_reach(const rober_data *data, const costate_rhs *rhs, const double *p,
                                   rober_verdict *verdict) {
    enum { N = ROBER_N_T * ROBER_N_Y };
    double u[N];
    *verdict = (rober_verdict){0};
    for (size_t i = 0; i < ROBER_N_GRID; i++) {
        const double exponent = -6.0 + (double)ROBER_N_DECADE * (double)i / (ROBER_N_GRID - 1);
        verdict->t[i] = i + 1 == ROBER_N_GRID ? ROBER_T_END : pow(10.0, exponent);
    }
    costate_status status = rober_data_solve(ROBER_N_GRID, verdict->t, verdict->reaction);
    if (status == COSTATE_OK) {
        status = solve_network(data, rhs, p, ROBER_N_GRID, verdict->t, verdict->network);
    }
    if (status == COSTATE_OK) {
        status = solve_network(data, rhs, p, ROBER_N_T, data->t, u);
    }
    for (size_t i = 0; status == COSTATE_OK && i < N; i++) {
        verdict->error_at_data += fabs(u[i] - data->u[i]) / data->scale[i % ROBER_N_Y] / N;
    }
    for (size_t k = 0; status == COSTATE_OK && k < ROBER_N_Y; k++) {
        judge_species(data, k, verdict);
    }
    return status;
}
