/* SPDX-License-Identifier: MIT */
/* The spiral neural ODE: network, parameters, data and loss. */
#include "spiral.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define T_END 1.5
#define DATA_SUBSTEPS 60000
#define N_SUM 8
#define PUBLISHED_N_P 252
#define PUBLISHED_N_T 30

static const double y0[2] = {2.0, 0.0};

static void true_field(const double *y, double *dydt) {
    const double a = y[0] * y[0] * y[0];
    const double b = y[1] * y[1] * y[1];
    dydt[0] = -0.1 * a - 2.0 * b;
    dydt[1] = 2.0 * a - 0.1 * b;
}

/* One step of the classical Runge-Kutta method. */
static void step_true_field(double h, double *y) {
    double k[4][2];
    double stage[2];
    true_field(y, k[0]);
    for (int s = 1; s < 4; s++) {
        const double c = s < 3 ? 0.5 : 1.0;
        stage[0] = y[0] + c * h * k[s - 1][0];
        stage[1] = y[1] + c * h * k[s - 1][1];
        true_field(stage, k[s]);
    }
    for (int i = 0; i < 2; i++) {
        y[i] += h / 6.0 * (k[0][i] + 2.0 * k[1][i] + 2.0 * k[2][i] + k[3][i]);
    }
}

/* Small fixed steps, so that the data owe nothing to the solvers under test; their error is below 1e-12. */
static void advance_true_field(double interval, double *y) {
    const size_t n = (size_t)ceil(DATA_SUBSTEPS * interval / T_END);
    for (size_t k = 0; k < n; k++) {
        step_true_field(interval / (double)n, y);
    }
}

static void fill_data(spiral *s) {
    double y[2] = {y0[0], y0[1]};
    double t = 0.0;
    for (size_t i = 0; i < s->n_t; i++) {
        s->t[i] = s->n_t == 1 ? T_END : T_END / (double)(s->n_t - 1) * (double)i;
        advance_true_field(s->t[i] - t, y);
        t = s->t[i];
        s->data[2 * i] = y[0];
        s->data[2 * i + 1] = y[1];
    }
}

static bool fill_parameters(size_t hidden, spiral *s) {
    s->n_p = costate_net_n_param(s->net);
    s->p = malloc(s->n_p * sizeof *s->p);
    double *row_major = malloc(s->n_p * sizeof *row_major);
    bool ok = s->p && row_major;
    if (ok) {
        for (size_t k = 0; k < s->n_p; k++) {
            row_major[k] = 0.1 * sqrt(50.0 / (double)hidden) * sin(1.0 + 0.7 * (double)k);
        }
        ok = costate_net_import_f64(s->net, COSTATE_ORDER_ROW_MAJOR, row_major, s->p) == COSTATE_OK;
    }
    free(row_major);
    return ok;
}

/* Several sums at once: a single one would wait for every addition, which at many observations costs as much as they. */
static double loss(const double *y, double *v, const void *ctx) {
    const spiral *s = ctx;
    const size_t n = 2 * s->n_t;
    double sums[N_SUM] = {0};
    size_t i = 0;
    for (; i + N_SUM <= n; i += N_SUM) {
        for (size_t k = 0; k < N_SUM; k++) {
            const double error = y[i + k] - s->data[i + k];
            sums[k] += error * error;
            v[i + k] = 2.0 * error;
        }
    }
    for (; i < n; i++) {
        const double error = y[i] - s->data[i];
        sums[0] += error * error;
        v[i] = 2.0 * error;
    }
    double sum = 0.0;
    for (size_t k = 0; k < N_SUM; k++) {
        sum += sums[k];
    }
    return sum;
}

/* Known values of the 252-parameter problem with 30 observations, parameters row by row. */
static double published(double value, const double *gradient, const void *ctx) {
    const spiral *s = ctx;
    double row_major[PUBLISHED_N_P];
    if (costate_net_export_f64(s->net, COSTATE_ORDER_ROW_MAJOR, gradient, row_major) != COSTATE_OK) {
        return HUGE_VAL;
    }
    double norm = 0.0;
    for (size_t i = 0; i < s->n_p; i++) {
        norm += row_major[i] * row_major[i];
    }
    const double values[] = {value,          sqrt(norm),     row_major[0],  row_major[100],
                             row_major[150], row_major[251], gradient[252], gradient[253]};
    static const double known[] = {179.4993723660, 233.92695546, -14.40600222, -2.04799302,
                                   34.16885973,    28.33705057,  95.575668426, 12.785918153};
    double worst = 0.0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const double error = fabs(values[i] / known[i] - 1.0);
        worst = isfinite(error) ? fmax(worst, error) : HUGE_VAL;
    }
    return worst;
}

bool spiral_create(size_t hidden, size_t n_t, spiral *s) {
    *s = (spiral){.n_t = n_t};
    const costate_layer_spec layers[] = {{.n_out = hidden, .act = COSTATE_ACT_TANH},
                                         {.n_out = 2, .act = COSTATE_ACT_IDENTITY}};
    const costate_net_spec spec = {.n_in = 2, .n_layer = 2, .layers = layers, .input_act = COSTATE_ACT_CUBE};
    s->t = malloc(n_t * sizeof *s->t);
    s->data = malloc(2 * n_t * sizeof *s->data);
    if (!s->t || !s->data || costate_net_create(&spec, NULL, &s->net) != COSTATE_OK || !fill_parameters(hidden, s) ||
        costate_net_rhs(s->net, &s->rhs) != COSTATE_OK) {
        spiral_destroy(s);
        return false;
    }
    fill_data(s);
    snprintf(s->shape, sizeof s->shape, "spiral-%zu-obs%zu", s->n_p, n_t);
    s->task = (gradient_task){.shape = s->shape,
                              .rhs = &s->rhs,
                              .p = s->p,
                              .y0 = y0,
                              .n_t = n_t,
                              .t = s->t,
                              .loss = loss,
                              .ctx = s,
                              .stock_steps = 5000,
                              .error_per_rtol = 1e4,
                              .published = s->n_p == PUBLISHED_N_P && n_t == PUBLISHED_N_T ? published : NULL};
    return true;
}

void spiral_destroy(spiral *s) {
    costate_net_destroy(s->net);
    free(s->p);
    free(s->t);
    free(s->data);
    *s = (spiral){0};
}
