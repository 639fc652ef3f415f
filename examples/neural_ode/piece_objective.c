/* SPDX-License-Identifier: MIT */
/* The loss of a neural ODE on pieces of a record, each solved from its own initial state. */
#include "piece_objective.h"

#include "complain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The squared error, which also adds up the error in units of the data. */
static int observe(const costate_observation *observation, double *value, double *ybar, void *ctx) {
    piece_objective *self = ctx;
    for (size_t k = 0; k < observation->n_y; k++) {
        const double error = self->record->unit[k] * (observation->y[k] - observation->data[k]);
        self->square_sum += error * error;
    }
    self->n_square += observation->n_y;
    return costate_loss_squared(observation, value, ybar, NULL);
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
    return (costate_series){.n_t = record->n_row,
                            .t = record->time,
                            .data = record->state,
                            .t0 = record->time[0],
                            .y0 = record->state,
                            .estimate_y0 = true};
}

costate_status piece_objective_create(piece_objective *objective, const scaled_record *record, size_t length,
                                      double ridge, const costate_rhs *rhs, const costate_solver_options *solver) {
    const size_t n_interval = record->n_row - 1;
    const size_t n_piece = length == 0 ? 1 : (n_interval + length - 1) / length;
    costate_fit_options options = costate_fit_options_default();
    options.solver = *solver;
    options.loss = observe;
    options.loss_ctx = objective;
    *objective = (piece_objective){.record = record, .n_p = rhs->n_p, .ridge = ridge, .n_piece = n_piece};
    objective->n_x = rhs->n_p + (length == 0 ? rhs->n_y : 0);
    objective->pieces = allocate(n_piece, sizeof(costate_fit *));
    objective->grad = allocate(objective->n_x, sizeof(double));
    for (size_t k = 0; k < n_piece; k++) {
        const costate_series series = length == 0 ? whole_series(record) : piece_series(record, k * length, length);
        const costate_status status = costate_fit_create(rhs, &series, &options, NULL, &objective->pieces[k]);
        if (status != COSTATE_OK) {
            return status;
        }
    }
    return COSTATE_OK;
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
    for (size_t k = 0; k < objective->n_piece; k++) {
        const costate_fit_counts *piece = costate_fit_get_counts(objective->pieces[k]);
        if (piece) {
            counts->n_gradient += piece->n_gradient;
            counts->n_fail += piece->n_fail;
            add_solves(&counts->forward, &piece->forward);
            add_solves(&counts->backward, &piece->backward);
        }
        costate_fit_destroy(objective->pieces[k]);
    }
    free(objective->pieces);
    free(objective->grad);
    *objective = (piece_objective){0};
}

costate_status piece_objective_evaluate(const double *x, double *value, double *grad, void *ctx) {
    piece_objective *self = ctx;
    self->square_sum = 0.0;
    self->n_square = 0;
    *value = 0.0;
    memset(grad, 0, self->n_x * sizeof(double));
    for (size_t i = 0; i < self->n_p; i++) {
        *value += self->ridge * x[i] * x[i];
        grad[i] = 2.0 * self->ridge * x[i];
    }
    for (size_t k = 0; k < self->n_piece; k++) {
        double part;
        const costate_status status = costate_fit_objective(x, &part, self->grad, self->pieces[k]);
        if (status != COSTATE_OK) {
            return status;
        }
        *value += part;
        for (size_t i = 0; i < self->n_x; i++) {
            grad[i] += self->grad[i];
        }
    }
    return COSTATE_OK;
}

double piece_objective_rmse(const piece_objective *objective) {
    return sqrt(objective->square_sum / (double)(objective->n_square > 0 ? objective->n_square : 1));
}

size_t piece_objective_steps(const piece_objective *objective) {
    size_t n = 0;
    for (size_t k = 0; k < objective->n_piece; k++) {
        const costate_fit_counts *piece = costate_fit_get_counts(objective->pieces[k]);
        n += piece->forward.n_step + piece->backward.n_step;
    }
    return n;
}
