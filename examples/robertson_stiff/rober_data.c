/* SPDX-License-Identifier: MIT */
/* Robertson's reaction and the observations made of it. */
#include "rober_data.h"

#include <math.h>
#include <string.h>

static const double START[ROBER_N_Y] = {1.0, 0.0, 0.0};

/* Rate constants of A -> B, 2 B -> B + C, B + C -> A + C. */
static const double K1 = 0.04;
static const double K2 = 3e7;
static const double K3 = 1e4;

static int reaction(double t, const double *u, const double *p, double *dudt, void *work, void *ctx) {
    (void)t, (void)p, (void)work, (void)ctx;
    dudt[0] = -K1 * u[0] + K3 * u[1] * u[2];
    dudt[2] = K2 * u[1] * u[1];
    dudt[1] = -dudt[0] - dudt[2];
    return COSTATE_ANSWER_OK;
}

static int jacobian(double t, const double *u, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)p, (void)work, (void)ctx;
    const double du1[] = {-K1, K3 * u[2], K3 * u[1]};
    const double du3[] = {0.0, 2.0 * K2 * u[1], 0.0};
    for (size_t j = 0; j < ROBER_N_Y; j++) {
        jac[ROBER_N_Y * j] = du1[j];
        jac[ROBER_N_Y * j + 1] = -du1[j] - du3[j];
        jac[ROBER_N_Y * j + 2] = du3[j];
    }
    return COSTATE_ANSWER_OK;
}

costate_status rober_data_solve(size_t n_t, const double *t, double *u) {
    const costate_rhs rhs = {.n_y = ROBER_N_Y, .f = reaction, .jac = jacobian};
    costate_solver_options options = costate_solver_options_default();
    costate_solver *solver = NULL;
    options.method = COSTATE_METHOD_BDF;
    options.rtol = 1e-10;
    options.atol = 1e-15;
    options.record = false;
    costate_status status = costate_solver_create(&rhs, &options, NULL, &solver);
    if (status == COSTATE_OK) {
        status = costate_solve(solver, NULL, 0.0, START, n_t, t, u);
    }
    costate_solver_destroy(solver);
    return status;
}

costate_status rober_data_fill(rober_data *data) {
    *data = (rober_data){0};
    memcpy(data->u0, START, sizeof(START));
    for (size_t i = 0; i < ROBER_N_T; i++) {
        data->t[i] = i + 1 == ROBER_N_T ? ROBER_T_END : pow(10.0, -5.0 + 10.0 * (double)i / (ROBER_N_T - 1));
    }
    const costate_status status = rober_data_solve(ROBER_N_T, data->t, data->u);
    for (size_t k = 0; status == COSTATE_OK && k < (size_t)ROBER_N_T * ROBER_N_Y; k++) {
        double *scale = &data->scale[k % ROBER_N_Y];
        *scale = fmax(*scale, data->u[k]);
    }
    return status;
}
