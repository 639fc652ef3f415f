/* SPDX-License-Identifier: MIT */
/* The loss of a neural ODE on pieces of a record, each solved from its own initial state. */
#include "piece_objective.h"

#include "complain.h"

#include <math.h>
#include <stdlib.h>

/* The squared error, which also adds up the error in units of the data. */
static int observe(const costate_observation *observation, double *value, double *hbar, double *noisebar, void *ctx) {
    piece_objective *self = ctx;
    const costate_loss squared = costate_loss_squared();
    for (size_t k = 0; k < observation->n_h; k++) {
        const double error = self->record->unit[k] * (observation->h[k] - observation->data[k]);
        self->square_sum += error * error;
    }
    self->n_square += observation->n_h;
    return squared.value(observation, value, hbar, noisebar, squared.ctx);
}

/* Rows first + 1 … first + length, from the data of row `first`. */
static costate_series piece_series(const scaled_record *record, size_t first, size_t length) {
    const size_t n_left = record->n_row - 1 - first;
    return (costate_series){.n_t = length < n_left ? length : n_left,
                            .t = record->time + first + 1,
                            .data = record->state + (first + 1) * record->n_state,
                            .t0 = record->time[first],
                            .y0 = record->state + first * record->n_state};
}

static costate_series whole_series(const scaled_record *record) {
    return (costate_series){
        .n_t = record->n_row, .t = record->time, .data = record->state, .t0 = record->time[0], .y0 = record->state};
}

costate_status piece_objective_create(piece_objective *objective, const scaled_record *record, size_t length,
                                      double ridge, const costate_rhs *rhs, const costate_solver_options *solver) {
    const size_t n_interval = record->n_row - 1;
    const size_t n_piece = length == 0 ? 1 : (n_interval + length - 1) / length;
    const costate_estimate estimates[] = {{.part = COSTATE_FIT_PARAMETER, .l2 = ridge},
                                          {.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES}};
    costate_fit_options options = costate_fit_options_default();
    costate_series *pieces = allocate(n_piece, sizeof(costate_series));
    options.solver = *solver;
    *objective = (piece_objective){.record = record};
    for (size_t k = 0; k < n_piece; k++) {
        pieces[k] = length == 0 ? whole_series(record) : piece_series(record, k * length, length);
    }
    const costate_fit_spec problem = {.rhs = rhs,
                                      .n_series = n_piece,
                                      .series = pieces,
                                      .loss = {.value = observe, .ctx = objective},
                                      .n_estimate = length == 0 ? 2 : 1,
                                      .estimates = estimates};
    const costate_status status = costate_fit_create(&problem, &options, NULL, &objective->fit);
    objective->n_x = costate_fit_n_x(objective->fit);
    free(pieces);
    return status;
}

static void add_solves(costate_solve_counts *total, const costate_solve_counts *counts) {
    total->n_step += counts->n_step;
    total->n_f += counts->n_f;
    total->n_vjp_y += counts->n_vjp_y;
    total->n_vjp_p += counts->n_vjp_p;
    total->n_jac += counts->n_jac;
    total->n_setup += counts->n_setup;
    total->n_error_fail += counts->n_error_fail;
    total->n_nonlin_fail += counts->n_nonlin_fail;
    total->n_implicit += counts->n_implicit;
    total->n_switch += counts->n_switch;
    total->seconds += counts->seconds;
}

void piece_objective_destroy(piece_objective *objective, costate_fit_counts *counts) {
    const costate_fit_counts *own = costate_fit_get_counts(objective->fit);
    if (own) {
        counts->n_gradient += own->n_gradient;
        counts->n_fail += own->n_fail;
        add_solves(&counts->forward, &own->forward);
        add_solves(&counts->backward, &own->backward);
    }
    costate_fit_destroy(objective->fit);
    *objective = (piece_objective){0};
}

costate_status piece_objective_evaluate(const double *x, double *value, double *grad, void *ctx) {
    piece_objective *self = ctx;
    self->square_sum = 0.0;
    self->n_square = 0;
    return costate_fit_objective(x, value, grad, self->fit);
}

double piece_objective_rmse(const piece_objective *objective) {
    return sqrt(objective->square_sum / (double)(objective->n_square > 0 ? objective->n_square : 1));
}

size_t piece_objective_steps(const piece_objective *objective) {
    const costate_fit_counts *own = costate_fit_get_counts(objective->fit);
    return own ? own->forward.n_step + own->backward.n_step : 0;
}
