/* SPDX-License-Identifier: MIT */
/* The spiral neural ODE: network, parameters, data and loss. */
#include "spiral.h"

#include <math.h>
#include <stdlib.h>

#define DATA_SUBSTEPS 2000

const double spiral_y0[2] = {2.0, 0.0};

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
static void fill_data(spiral *s) {
    const double interval = 1.5 / (SPIRAL_N_T - 1);
    double y[2] = {spiral_y0[0], spiral_y0[1]};
    for (size_t i = 0; i < SPIRAL_N_T; i++) {
        s->t[i] = interval * (double)i;
        s->data[2 * i] = y[0];
        s->data[2 * i + 1] = y[1];
        for (int k = 0; k < DATA_SUBSTEPS; k++) {
            step_true_field(interval / DATA_SUBSTEPS, y);
        }
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

bool spiral_create(size_t hidden, spiral *s) {
    *s = (spiral){0};
    const costate_layer_spec layers[] = {{.n_out = hidden, .act = COSTATE_ACT_TANH},
                                         {.n_out = 2, .act = COSTATE_ACT_IDENTITY}};
    const costate_net_spec spec = {.n_in = 2, .n_layer = 2, .layers = layers, .input_act = COSTATE_ACT_CUBE};
    if (costate_net_create(&spec, NULL, &s->net) != COSTATE_OK || !fill_parameters(hidden, s) ||
        costate_net_rhs(s->net, &s->rhs) != COSTATE_OK) {
        spiral_destroy(s);
        return false;
    }
    fill_data(s);
    return true;
}

void spiral_destroy(spiral *s) {
    costate_net_destroy(s->net);
    free(s->p);
    *s = (spiral){0};
}

double spiral_loss(const double *y, double *v, const void *ctx) {
    const spiral_task *task = ctx;
    const double *data = task->problem->data + 2 * task->first;
    double loss = 0.0;
    for (size_t i = 0; i < 2 * task->n_t; i++) {
        const double error = y[i] - data[i];
        loss += error * error;
        v[i] = 2.0 * error;
    }
    return loss;
}
