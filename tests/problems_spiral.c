/* SPDX-License-Identifier: MIT */
/* The spiral neural ODE: a network of known parameters, and the data of the true field it is fitted to. */
#include "problems.h"

#include <math.h>
#include <string.h>

/* One step of the classical Runge-Kutta method on the true field. */
static void true_field_step(double h, double y[2]) {
    double k[4][2], z[2] = {y[0], y[1]};
    const double stage[4] = {0.0, 0.5, 0.5, 1.0};
    for (size_t s = 0; s < 4; s++) {
        for (size_t i = 0; i < 2; i++)
            z[i] = y[i] + (s ? h * stage[s] * k[s - 1][i] : 0.0);
        problem_cubic_spiral.rhs.f(0.0, z, NULL, k[s], NULL, NULL);
    }
    for (size_t i = 0; i < 2; i++)
        y[i] += h / 6.0 * (k[0][i] + 2.0 * (k[1][i] + k[2][i]) + k[3][i]);
}

/* With 1000 steps per interval the truncation error is below 1e-12. */
static void spiral_fill_data(spiral *s) {
    enum { STEPS = 1000 };
    double y[2] = {s->y0[0], s->y0[1]};
    for (size_t i = 0; i < SPIRAL_N_T; i++) {
        s->t[i] = 1.5 * (double)i / (SPIRAL_N_T - 1);
        memcpy(s->data + 2 * i, y, sizeof y);
        for (int k = 0; k < STEPS; k++)
            true_field_step(1.5 / (SPIRAL_N_T - 1) / STEPS, y);
    }
}

costate_status spiral_create(spiral *s) {
    const costate_layer_spec layers[] = {{50, COSTATE_ACT_TANH, false}, {2, COSTATE_ACT_IDENTITY, false}};
    costate_net_spec spec = {.n_in = 2, .n_layer = 2, .layers = layers, .input_act = COSTATE_ACT_CUBE};
    memset(s, 0, sizeof *s);
    s->y0[0] = 2.0;
    spiral_fill_data(s);
    costate_status status = costate_net_create(&spec, NULL, &s->net);
    if (status != COSTATE_OK) return status;
    double row_major[SPIRAL_N_P];
    for (size_t k = 0; k < SPIRAL_N_P; k++)
        row_major[k] = 0.1 * sin(1.0 + 0.7 * (double)k);
    status = costate_net_import_f64(s->net, COSTATE_ORDER_ROW_MAJOR, row_major, s->p);
    return status == COSTATE_OK ? costate_net_rhs(s->net, &s->rhs) : status;
}

void spiral_destroy(spiral *s) {
    costate_net_destroy(s->net);
    s->net = NULL;
}

double spiral_loss(const spiral *s, const double *y, double *v) {
    double loss = 0.0;
    for (size_t i = 0; i < (size_t)SPIRAL_N_T * SPIRAL_N_Y; i++) {
        double error = y[i] - s->data[i];
        loss += error * error;
        if (v) v[i] = 2.0 * error;
    }
    return loss;
}
