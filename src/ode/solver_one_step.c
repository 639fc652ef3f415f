/* SPDX-License-Identifier: MIT */
/* Initial-value problems by a one-step method: rows of output and dense output from its history. */
#include "core/memory.h"
#include "ode/dense_output.h"
#include "ode/explicit_step.h"
#include "ode/solver_internal.h"
#include "ode/stage.h"

#include <string.h>

costate_status csi_solver_one_step_create(costate_solver *solver) {
    const size_t n_p = solver->calls.rhs.n_p;
    const csi_tableau *tableau = csi_one_step_explicit(solver->options.method);
    if (tableau != NULL && tableau->n_extra > 0 && solver->options.record && n_p > 0) {
        solver->p = csi_alloc(&solver->alloc, n_p, sizeof *solver->p);
        if (solver->p == NULL) {
            return COSTATE_ERR_MEMORY;
        }
    }
    const costate_status status = csi_one_step_create(&solver->options, &solver->calls, solver->atol, &solver->detail,
                                                      &solver->alloc, &solver->one_step);
    if (status == COSTATE_OK) {
        solver->one_step->grid = &solver->grid;
    }
    return status;
}

/* Writes the rows of the times that the step has passed. */
static costate_status after_step(const csi_step_record *record, const double *y_end, void *ctx) {
    costate_solver *solver = ctx;
    csi_time_grid *grid = &solver->grid;
    const size_t n = solver->calls.rhs.n_y;
    if (!csi_time_grid_due(grid, record->t_end)) {
        return COSTATE_OK;
    }
    const size_t n_within = csi_time_grid_count_before(grid, record->t_end);
    if (n_within > 0 && solver->y_out != NULL) {
        csi_dense_coefficients(record, n, solver->coef);
        csi_dense_rows(record, n, solver->coef, n_within, grid->t + grid->n_done, solver->y_out + grid->n_done * n);
    }
    grid->n_done += n_within;
    for (; csi_time_grid_due(grid, record->t_end); grid->n_done++) {
        if (solver->y_out != NULL) {
            memcpy(solver->y_out + grid->n_done * n, y_end, n * sizeof *y_end);
        }
    }
    return COSTATE_OK;
}

costate_status csi_solver_one_step_run(costate_solver *solver, const double *y0) {
    const csi_time_grid *grid = &solver->grid;
    solver->one_step->jump = solver->jump;
    solver->one_step->n_jump = solver->n_jump;
    if (solver->p != NULL) {
        memcpy(solver->p, solver->calls.p, solver->calls.rhs.n_p * sizeof *solver->p);
    }
    return csi_one_step_run(solver->one_step, grid->t0, y0, grid->t[grid->n_t - 1], after_step, solver);
}

/* The step that t lies in, the earlier one at a boundary. */
static csi_step_record *find_step(const csi_step_history *history, double direction, double t) {
    size_t low = 0;
    size_t high = csi_step_history_count(history) - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((t - csi_step_history_at(history, middle)->t_end) * direction > 0.0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return csi_step_history_at(history, low);
}

/* The slopes of a recorded step that only its dense output uses: where no time of output was within it, they are not there yet. */
static costate_status add_extra(const costate_solver *solver, csi_step_record *record) {
    csi_one_step *one = solver->one_step;
    if (record->tableau->n_extra == 0 || record->has_extra) {
        return COSTATE_OK;
    }
    one->calls->p = solver->p;
    const int outcome = csi_explicit_extra(one->calls, record, one->shape.kept_stride, one->stage);
    one->calls->p = NULL;
    if (outcome == CSI_STEP_OK) {
        return COSTATE_OK;
    }
    const costate_status status = csi_step_status(outcome);
    return csi_fail(one->detail, status, "%s in the step from t = %.17g, which cannot be cut any more",
                    costate_status_message(status), record->t);
}

costate_status csi_solver_one_step_eval(const costate_solver *solver, double t, bool slope, double *result) {
    const csi_step_history *history = solver->one_step->history;
    const size_t n = solver->calls.rhs.n_y;
    if (csi_step_history_count(history) == 0) {
        memcpy(result, solver->one_step->y_end, n * sizeof *result);
        return COSTATE_OK;
    }
    csi_step_record *record = find_step(history, solver->grid.direction, t);
    const costate_status status = add_extra(solver, record);
    if (status != COSTATE_OK) {
        return status;
    }
    const double theta = csi_dense_position(record, t);
    csi_dense_coefficients(record, n, solver->coef);
    if (slope) {
        csi_dense_slope(record, n, solver->coef, theta, result);
    } else {
        csi_dense_value(record, n, solver->coef, theta, result);
    }
    return COSTATE_OK;
}
