/* SPDX-License-Identifier: MIT */
/* Initial states, times and data of many trajectories. */
#include "short_trajectories.h"

#include <math.h>
#include <stdlib.h>

/* The n-th term of an evenly spread sequence in [0, 1). */
static double spread(double step, size_t n) { return fmod(step * (double)n, 1.0); }

static void fill_trajectories(short_trajectories *set) {
    for (size_t j = 0; j < set->n; j++) {
        const double length = 0.5 + 1.5 * spread(0.6180339887498949, j);
        set->y0[j] = -2.0 + 4.0 * spread(0.7548776662466927, j);
        set->first[j] = j * TRAJECTORY_N_T;
        for (size_t i = 0; i < TRAJECTORY_N_T; i++) {
            const double t = length * (double)(i + 1) / TRAJECTORY_N_T;
            set->t[j * TRAJECTORY_N_T + i] = t;
            set->data[j * TRAJECTORY_N_T + i] = set->y0[j] * exp(-t);
        }
    }
    set->first[set->n] = set->n * TRAJECTORY_N_T;
}

static bool create_network(short_trajectories *set) {
    const costate_layer_spec layers[] = {{.n_out = 5, .act = COSTATE_ACT_TANH},
                                         {.n_out = 1, .act = COSTATE_ACT_IDENTITY}};
    const costate_net_spec spec = {.n_in = 1, .n_layer = 2, .layers = layers};
    double row_major[TRAJECTORY_N_P];
    for (size_t k = 0; k < TRAJECTORY_N_P; k++) {
        row_major[k] = 0.8 * sin(1.0 + 0.7 * (double)k);
    }
    return costate_net_create(&spec, NULL, &set->net) == COSTATE_OK &&
           costate_net_n_param(set->net) == TRAJECTORY_N_P &&
           costate_net_import_f64(set->net, COSTATE_ORDER_ROW_MAJOR, row_major, set->p) == COSTATE_OK &&
           costate_net_rhs(set->net, &set->rhs) == COSTATE_OK;
}

bool short_trajectories_create(size_t n, short_trajectories *set) {
    *set = (short_trajectories){.n = n};
    set->y0 = malloc(n * sizeof *set->y0);
    set->t = malloc(n * TRAJECTORY_N_T * sizeof *set->t);
    set->data = malloc(n * TRAJECTORY_N_T * sizeof *set->data);
    set->first = malloc((n + 1) * sizeof *set->first);
    if (!set->y0 || !set->t || !set->data || !set->first || !create_network(set)) {
        short_trajectories_destroy(set);
        return false;
    }
    fill_trajectories(set);
    return true;
}

void short_trajectories_destroy(short_trajectories *set) {
    costate_net_destroy(set->net);
    free(set->y0);
    free(set->t);
    free(set->data);
    free(set->first);
    *set = (short_trajectories){0};
}

costate_trajectories short_trajectories_trajectories(const short_trajectories *set) {
    return (costate_trajectories){.n = set->n,
                                  .y0 = set->y0,
                                  .p = set->p,
                                  .t0 = &set->t0,
                                  .n_t = TRAJECTORY_N_T,
                                  .t = set->t,
                                  .first = set->first};
}

double short_trajectories_loss(const short_trajectories *set, size_t first, size_t n_row, const double *y, double *v) {
    double sum = 0.0;
    for (size_t i = 0; i < n_row; i++) {
        const double error = y[i] - set->data[first + i];
        sum += error * error;
        v[i] = 2.0 * error;
    }
    return sum;
}
