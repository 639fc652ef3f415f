/* SPDX-License-Identifier: MIT */
/*
 * A process that computes one gradient and ends: 4 → 32 tanh → 16 tanh → 4 in single precision over 10 000 samples.
 * `none` leaves before anything is computed, `check` also compares the gradient with that in double precision.
 */
#include <costate/net.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_IN = 4, N_SAMPLE = 10000, N_PARAM = 756, N_VALUE = N_IN * N_SAMPLE };

/* Static, so that the process has them without a call. */
static float x[N_VALUE];
static float v[N_VALUE];
static float p[N_PARAM];
static float pbar[N_PARAM];
static double x_wide[N_VALUE];
static double v_wide[N_VALUE];
static double p_wide[N_PARAM];
static double pbar_wide[N_PARAM];

static costate_status gradient(const costate_net *net) {
    costate_random random = costate_random_seed(1, 0);
    for (size_t i = 0; i < N_VALUE; i++) {
        x[i] = (float)costate_random_uniform(&random) - 0.5f;
        v[i] = 1e-4f * ((float)costate_random_uniform(&random) - 0.5f);
    }
    costate_status status = costate_net_init_f32(net, COSTATE_INIT_GLOROT_UNIFORM, 1.0, &random, p);
    const size_t work_bytes = costate_net_work_bytes_f32(net);
    void *work = malloc(work_bytes);
    if (status == COSTATE_OK) {
        status = costate_net_vjp_batch_f32(net, p, N_SAMPLE, x, v, 1.0f, NULL, pbar, work, work_bytes);
    }
    free(work);
    return status;
}

static void widen(const float *from, size_t n, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = (double)from[i];
    }
}

static bool check(const costate_net *net) {
    widen(x, N_VALUE, x_wide);
    widen(v, N_VALUE, v_wide);
    widen(p, N_PARAM, p_wide);
    const size_t work_bytes = costate_net_work_bytes_f64(net);
    void *work = malloc(work_bytes);
    const costate_status status =
        costate_net_vjp_batch_f64(net, p_wide, N_SAMPLE, x_wide, v_wide, 1.0, NULL, pbar_wide, work, work_bytes);
    free(work);
    double difference = 0.0;
    double norm = 0.0;
    for (size_t i = 0; i < N_PARAM; i++) {
        const double error = (double)pbar[i] - pbar_wide[i];
        difference += error * error;
        norm += pbar_wide[i] * pbar_wide[i];
    }
    return status == COSTATE_OK && norm > 0.0 && sqrt(difference / norm) <= 1e-4;
}

int main(int argc, char **argv) {
    const char *const mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "none") == 0) {
        return 0;
    }
    const costate_layer_spec layers[] = {
        {.n_out = 32, .act = COSTATE_ACT_TANH}, {.n_out = 16, .act = COSTATE_ACT_TANH}, {.n_out = 4}};
    const costate_net_spec spec = {.n_in = N_IN, .n_layer = sizeof layers / sizeof *layers, .layers = layers};
    costate_net *net = NULL;
    bool ok = costate_net_create(&spec, NULL, &net) == COSTATE_OK && costate_net_n_param(net) == N_PARAM &&
              gradient(net) == COSTATE_OK;
    if (ok && strcmp(mode, "check") == 0) {
        ok = check(net);
    }
    costate_net_destroy(net);
    return ok ? 0 : 1;
}
