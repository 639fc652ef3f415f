/* SPDX-License-Identifier: MIT */
/* Observed numbers of prey and predators: the published scenario, or a record read from a CSV file. */
#include "populations.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const double true_growth = 1.3;
const double true_predation = 0.9;
const double true_conversion = 0.8;
const double true_death = 1.8;

enum { N_SCENARIO = 31, MIN_ROWS = 8, N_COLUMN = 1 + N_STATE };

static const double SCENARIO_START[N_STATE] = {0.44249296, 4.6280594};
static const double SCENARIO_STEP = 0.1;
static const double SCENARIO_END = 12.0;
static const double SCENARIO_NOISE = 5e-3;

/* The noise has a stream of its own, far from those of the initial weights. */
static const uint64_t NOISE_STREAM = UINT64_MAX;

static int predator_prey(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)p, (void)work, (void)ctx;
    populations_true_interaction(y, dydt);
    dydt[PREY] += true_growth * y[PREY];
    dydt[PREDATOR] -= true_death * y[PREDATOR];
    return COSTATE_ANSWER_OK;
}

void populations_true_interaction(const double *y, double *u) {
    u[PREY] = -true_predation * y[PREY] * y[PREDATOR];
    u[PREDATOR] = true_conversion * y[PREY] * y[PREDATOR];
}

costate_status populations_truth(size_t n_t, const double *t, double *y) {
    const costate_rhs rhs = {.n_y = N_STATE, .f = predator_prey};
    costate_solver_options options = costate_solver_options_default();
    costate_solver *solver = NULL;
    options.rtol = 1e-10;
    options.atol = 1e-12;
    options.record = false;
    costate_status status = costate_solver_create(&rhs, &options, NULL, &solver);
    status = status ? status : costate_solve(solver, NULL, 0.0, SCENARIO_START, n_t, t, y);
    costate_solver_destroy(solver);
    return status;
}

static bool allocate(populations *data, size_t n) {
    data->n = n;
    data->t = calloc(n, sizeof(double));
    data->y = calloc(n * N_STATE, sizeof(double));
    return data->t && data->y;
}

/* Root mean square slope of the smoothing spline through one population. */
static costate_status measure_slope(populations *data, size_t k, double *values) {
    costate_spline *spline = NULL;
    for (size_t i = 0; i < data->n; i++) {
        values[i] = data->y[i * N_STATE + k];
    }
    const costate_status status = costate_spline_fit(data->n, data->t, values, NULL, COSTATE_SPLINE_GCV, NULL, &spline);
    double sum = 0.0;
    for (size_t i = 0; status == COSTATE_OK && i < data->n; i++) {
        const double slope = costate_spline_slope(spline, data->t[i]);
        sum += slope * slope;
    }
    costate_spline_destroy(spline);
    data->slope[k] = sqrt(sum / (double)data->n);
    return status;
}

static costate_status measure(populations *data) {
    double *values = malloc(data->n * sizeof(double));
    costate_status status = values ? COSTATE_OK : COSTATE_ERR_MEMORY;
    for (size_t k = 0; status == COSTATE_OK && k < N_STATE; k++) {
        data->mean[k] = data->largest_of[k] = 0.0;
        for (size_t i = 0; i < data->n; i++) {
            data->mean[k] += data->y[i * N_STATE + k] / (double)data->n;
            data->largest_of[k] = fmax(data->largest_of[k], data->y[i * N_STATE + k]);
        }
        data->largest = fmax(data->largest, data->largest_of[k]);
        status = measure_slope(data, k, values);
    }
    free(values);
    return status;
}

static void add_noise(uint64_t seed, populations *data) {
    costate_random random = costate_random_seed(seed, NOISE_STREAM);
    double mean[N_STATE] = {0.0};
    for (size_t i = 0; i < data->n * N_STATE; i++) {
        mean[i % N_STATE] += data->y[i] / (double)data->n;
    }
    for (size_t i = 0; i < data->n * N_STATE; i++) {
        data->y[i] += SCENARIO_NOISE * mean[i % N_STATE] * costate_random_normal(&random);
    }
}

costate_status populations_simulate(uint64_t seed, populations *data) {
    *data = (populations){.name = {"prey", "predator"}, .t_end = SCENARIO_END, .has_truth = true};
    if (!allocate(data, N_SCENARIO)) {
        return COSTATE_ERR_MEMORY;
    }
    for (size_t i = 0; i < data->n; i++) {
        data->t[i] = SCENARIO_STEP * (double)i;
    }
    const costate_status status = populations_truth(data->n, data->t, data->y);
    if (status != COSTATE_OK) {
        return status;
    }
    add_noise(seed, data);
    return measure(data);
}

static bool complain(const char *path, const char *what) {
    fprintf(stderr, "lotka_volterra_ude: %s: %s\n", path, what);
    return false;
}

static bool read_columns(const char *path, populations *data) {
    double *columns = malloc(data->n * N_COLUMN * sizeof(double));
    costate_message message = {0};
    bool right = columns != NULL;
    for (size_t k = 0; right && k < N_COLUMN; k++) {
        right = costate_csv_numbers(data->table, k, COSTATE_CSV_MISSING_REFUSE, columns + k * data->n, &message) ==
                COSTATE_OK;
    }
    if (!right) {
        fprintf(stderr, "lotka_volterra_ude: %s: %s\n", path, columns ? message.text : "no memory");
    }
    data->origin = right ? columns[0] : 0.0;
    for (size_t i = 0; right && i < data->n; i++) {
        data->t[i] = columns[i] - data->origin;
        data->y[i * N_STATE + PREY] = columns[data->n + i];
        data->y[i * N_STATE + PREDATOR] = columns[2 * data->n + i];
        if (i > 0 && !(data->t[i] > data->t[i - 1])) {
            right = complain(path, "the times have to increase");
        } else if (!(data->y[i * N_STATE] > 0.0) || !(data->y[i * N_STATE + 1] > 0.0)) {
            right = complain(path, "the populations have to be positive");
        }
    }
    free(columns);
    return right;
}

bool populations_read(const char *path, populations *data) {
    costate_message message;
    *data = (populations){0};
    if (costate_csv_read(path, NULL, NULL, &data->table, &message) != COSTATE_OK) {
        fprintf(stderr, "lotka_volterra_ude: %s\n", message.text);
        return false;
    }
    if (costate_csv_n_column(data->table) < N_COLUMN || costate_csv_n_row(data->table) < MIN_ROWS) {
        return complain(path, "columns for time, prey and predators, and 8 rows or more are expected");
    }
    if (!allocate(data, costate_csv_n_row(data->table))) {
        return complain(path, "no memory");
    }
    for (size_t k = 0; k < N_STATE; k++) {
        data->name[k] = costate_csv_name(data->table, 1 + k);
    }
    if (!read_columns(path, data)) {
        return false;
    }
    data->t_end = 1.5 * data->t[data->n - 1];
    return measure(data) == COSTATE_OK || complain(path, "no smoothing spline could be found");
}

void populations_free(populations *data) {
    costate_csv_destroy(data->table);
    free(data->t);
    free(data->y);
    *data = (populations){0};
}
