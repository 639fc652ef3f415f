/* SPDX-License-Identifier: MIT */
/*
 * The loss of a neural ODE on pieces of a record, each solved from its own initial state.
 *
 * Fitting a long oscillating record at once ends in a flat minimum: the mean of the data. Short pieces that start at the data have no such
 * minimum; they teach the network the field around every datum. Pieces of growing length then lead to the whole record.
 */
#ifndef PIECE_OBJECTIVE_H
#define PIECE_OBJECTIVE_H

#include <costate/costate.h>
#include <stddef.h>

/* A record in the units of the fit. */
typedef struct scaled_record {
    size_t n_row;
    size_t n_state;
    const double *time;  /* n_row elements */
    const double *state; /* n_row x n_state */
    const double *unit;  /* n_state elements: one unit of the fit in units of the data */
} scaled_record;

typedef struct piece_objective {
    const scaled_record *record;
    size_t n_x; /* unknowns: the parameters, and the initial state when the record is one piece */
    costate_fit *fit;

    /* Of the last evaluation, in units of the data. */
    double square_sum;
    size_t n_square;
} piece_objective;

/*
 * Pieces of `length` intervals, from the data at their beginning; length 0: the whole record as one piece, whose initial state is the last n_state
 * unknowns. `solver` says how to solve. Any status of costate_fit_create().
 */
costate_status piece_objective_create(piece_objective *objective, const scaled_record *record, size_t length,
                                      double ridge, const costate_rhs *rhs, const costate_solver_options *solver);

/* Releases it, after its counts were added to `counts`. */
void piece_objective_destroy(piece_objective *objective, costate_fit_counts *counts);

/* Sum of squared errors and ridge; a costate_objective_fn with a piece_objective as ctx. */
costate_status piece_objective_evaluate(const double *x, double *value, double *grad, void *ctx);

/* Root-mean-square error at the last evaluation, in units of the data. */
double piece_objective_rmse(const piece_objective *objective);

/* Steps of all solves so far, forward and backward. */
size_t piece_objective_steps(const piece_objective *objective);

#endif
