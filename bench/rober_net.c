/* SPDX-License-Identifier: MIT */
/* Robertson's reaction as a stiff neural ODE: network, data and loss. */
#include "rober_net.h"

#include "problems.h"
#include <costate/solver.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define T_END 1e5
#define SEED 3

static bool fill_data(rober_net *r) {
    costate_solver_options options = costate_solver_options_default();
    options.method = COSTATE_METHOD_BDF;
    options.rtol = 1e-11;
    options.atol = 1e-16;
    options.record = false;
    costate_solver *solver = NULL;
    const problem *rober = &problem_rober;
    for (size_t i = 0; i < ROBER_NET_N_T; i++) {
        r->t[i] = i + 1 == ROBER_NET_N_T ? T_END : pow(10.0, -5.0 + 10.0 * (double)i / (ROBER_NET_N_T - 1));
    }
    const bool ok = costate_solver_create(&rober->rhs, &options, NULL, &solver) == COSTATE_OK &&
                    costate_solve(solver, rober->p, 0.0, rober->y0, ROBER_NET_N_T, r->t, r->data) == COSTATE_OK;
    costate_solver_destroy(solver);
    for (size_t i = 0; i < (size_t)ROBER_NET_N_T * ROBER_NET_N_Y; i++) {
        double *scale = &r->yscale[i % ROBER_NET_N_Y];
        *scale = fmax(*scale, r->data[i]);
    }
    return ok;
}

static bool create_network(rober_net *r) {
    enum { N_HIDDEN = 6, WIDTH = 5 };
    costate_layer_spec layers[N_HIDDEN + 1];
    double out_scale[ROBER_NET_N_Y];
    for (size_t i = 0; i < N_HIDDEN; i++) {
        layers[i] = (costate_layer_spec){.n_out = WIDTH, .act = COSTATE_ACT_GELU};
    }
    layers[N_HIDDEN] = (costate_layer_spec){.n_out = ROBER_NET_N_Y, .act = COSTATE_ACT_IDENTITY};
    for (size_t i = 0; i < ROBER_NET_N_Y; i++) {
        out_scale[i] = r->yscale[i] / T_END;
    }
    const costate_net_spec spec = {
        .n_in = ROBER_NET_N_Y, .n_layer = N_HIDDEN + 1, .layers = layers, .out_scale = out_scale};
    return costate_net_create(&spec, NULL, &r->net) == COSTATE_OK && costate_net_n_param(r->net) == ROBER_NET_N_P &&
           costate_net_rhs(r->net, &r->rhs) == COSTATE_OK;
}

static bool fill_parameters(rober_net_state state, rober_net *r) {
    if (state == ROBER_NET_TRAINED) {
        memcpy(r->p, rober_net_trained, sizeof r->p);
        return true;
    }
    costate_random random = costate_random_seed(SEED, 0);
    return costate_net_init_f64(r->net, COSTATE_INIT_GLOROT_NORMAL, 1.0, &random, r->p) == COSTATE_OK;
}

static double loss(const double *y, double *v, const void *ctx) {
    const rober_net *r = ctx;
    const size_t n = (size_t)ROBER_NET_N_T * ROBER_NET_N_Y;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double scale = (double)n * r->yscale[i % ROBER_NET_N_Y];
        const double error = (y[i] - r->data[i]) / scale;
        sum += fabs(error);
        v[i] = copysign(1.0 / scale, error);
    }
    return sum;
}

bool rober_net_create(rober_net_state state, rober_net *r) {
    *r = (rober_net){0};
    if (!fill_data(r) || !create_network(r) || !fill_parameters(state, r)) {
        rober_net_destroy(r);
        return false;
    }
    for (size_t i = 0; i < ROBER_NET_N_P; i++) {
        r->weight[i] = 1.0;
    }
    r->task = (gradient_task){.shape = state == ROBER_NET_TRAINED ? "rober-net-trained" : "rober-net-untrained",
                              .rhs = &r->rhs,
                              .p = r->p,
                              .y0 = problem_rober.y0,
                              .n_t = ROBER_NET_N_T,
                              .t = r->t,
                              .loss = loss,
                              .ctx = r,
                              .weight = r->weight,
                              .scale = r->yscale,
                              .cotangent = 1.0 / (ROBER_NET_N_T * ROBER_NET_N_Y),
                              .stock_steps = 20000,
                              .error_per_rtol = 1e5};
    return true;
}

void rober_net_destroy(rober_net *r) {
    costate_net_destroy(r->net);
    *r = (rober_net){0};
}
