/* SPDX-License-Identifier: MIT */
/* Putting a trajectory into a lane, and the length of its first step. */
#include "core/finite.h"
#include "ensemble/lanes.h"
#include "ode/first_step.h"
#include "ode/step_control.h"
#include "ode/tableau.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Stages that may serve as trials, being without effect in a step of length 0. */
enum { FIRST_TRIAL = 2, LAST_TRIAL = 5 };

void csi_lane_refuse(const csi_lanes *lanes, const csi_lane_task *task, const csi_time_grid *grid, size_t j,
                     costate_status status, const char *text) {
    const csi_trajectory_set *set = &lanes->setup->set;
    task->status[j - task->begin] = status;
    if (task->failure != NULL) {
        csi_note_failure(task->failure, j, status, text);
    }
    if (task->y != NULL) {
        csi_mark_missing_rows(grid, csi_trajectory_arguments(set, j).n_t, set->n_y,
                              task->y + csi_trajectory_row(set, j) * set->n_y);
    }
}

/* COSTATE_OK, or why no step can be made from y0. */
static costate_status check_tolerances(const csi_lane_setup *setup, const csi_solve_arguments *arguments,
                                       csi_detail *detail) {
    const double rtol = setup->options.rtol;
    if (rtol < 2.0 * DBL_EPSILON) {
        return csi_fail(detail, COSTATE_ERR_ACCURACY, "rtol = %g is below what rounding allows", rtol);
    }
    for (size_t i = 0; i < setup->rhs.n_y; i++) {
        if (!(rtol * fabs(arguments->y0[i]) + setup->atol[i] > 0.0)) {
            return csi_fail(detail, COSTATE_ERR_ACCURACY, "the tolerance of element %zu of y is zero at t = %.17g", i,
                            arguments->t0);
        }
    }
    return COSTATE_OK;
}

static void place(csi_lanes *lanes, const csi_solve_arguments *arguments, csi_lane_step *step, size_t l, size_t j) {
    const csi_lane_setup *setup = lanes->setup;
    const costate_rhs *rhs = &setup->rhs;
    const csi_time_grid *grid = &lanes->grid[l];
    csi_lane_control *control = lanes->control;
    csi_lane_put(rhs->n_y, l, arguments->y0, csi_lane_y(step));
    csi_lane_fill(rhs->n_y, l, 0.0, csi_lane_k(step, rhs->n_y));
    if (setup->set.all.own_p) {
        csi_lane_put(rhs->n_p, l, arguments->p, lanes->p);
    }
    lanes->seated[l] = j;
    step->trajectory[l] = j;
    step->t[l] = step->t_end[l] = arguments->t0;
    step->h[l] = 0.0;
    control->stop[l] = grid->t[grid->n_t - 1];
    control->direction[l] = grid->direction;
    control->next_t[l] = grid->t[grid->n_done];
    control->h[l] = control->h_start[l] = 0.0;
    control->log_error[l] = 0.0;
    control->n_step[l] = 0;
    control->n_reject[l] = 0;
    control->active[l] = control->starting[l] = -1;
    lanes->trying |= 1u << l;
}

bool csi_lane_seat(csi_lanes *lanes, const csi_lane_task *task, csi_lane_step *step, size_t l, size_t j) {
    const csi_lane_setup *setup = lanes->setup;
    const size_t n = setup->rhs.n_y;
    const csi_solve_arguments arguments = csi_trajectory_arguments(&setup->set, j);
    const size_t row = csi_trajectory_row(&setup->set, j);
    csi_time_grid *grid = &lanes->grid[l];
    csi_detail detail;
    *grid = (csi_time_grid){0};
    costate_status status = csi_solve_arguments_check(&arguments, &setup->rhs, grid, &detail);
    for (; status == COSTATE_OK && csi_time_grid_due_at_start(grid); grid->n_done++) {
        if (task->y != NULL) {
            memcpy(task->y + (row + grid->n_done) * n, arguments.y0, n * sizeof *task->y);
        }
    }
    if (status == COSTATE_OK && grid->n_done == grid->n_t) {
        task->status[j - task->begin] = COSTATE_OK;
        return false;
    }
    if (status == COSTATE_OK) {
        status = check_tolerances(setup, &arguments, &detail);
    }
    if (status != COSTATE_OK) {
        csi_lane_refuse(lanes, task, grid, j, status, detail.text);
        return false;
    }
    place(lanes, &arguments, step, l, j);
    return true;
}

/* Norm of lane l of a (minus lane l of b, if there is one) in units of the tolerance at y. */
static double lane_norm(const csi_lanes *lanes, size_t l, const double *y, const double *a, const double *b) {
    const csi_lane_setup *setup = lanes->setup;
    const size_t n = setup->rhs.n_y;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        const size_t at = i * COSTATE_LANES + l;
        const double scaled =
            (b != NULL ? a[at] - b[at] : a[at]) / (setup->options.rtol * fabs(y[at]) + setup->atol[i]);
        sum += scaled * scaled;
    }
    return sqrt(sum / (double)n);
}

/* Gives the lane its first step, whose length is now known, and ends its trials. */
static void decide(csi_lanes *lanes, const csi_lane_step *step, size_t l, double length) {
    const costate_solver_options *options = &lanes->setup->options;
    double chosen =
        options->h_init > 0.0 ? options->h_init : fmax(length, 2.0 * CSI_LEAST_ULPS * DBL_EPSILON * fabs(step->t[l]));
    chosen = fmin(chosen, lanes->control->h_max);
    lanes->control->h_start[l] = copysign(fmax(chosen, options->h_min), lanes->control->direction[l]);
    lanes->trying &= ~(1u << l);
}

void csi_lane_try_first(csi_lanes *lanes, const csi_lane_step *step, const double *k, int stage) {
    const size_t n = lanes->setup->rhs.n_y;
    const double *y = csi_lane_y(step);
    const double *slope = k + n * COSTATE_LANES;
    if (stage < FIRST_TRIAL || stage > LAST_TRIAL) {
        return;
    }
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        if ((lanes->trying >> l & 1u) == 0) {
            continue;
        }
        if (stage == FIRST_TRIAL) {
            lanes->speed[l] = lane_norm(lanes, l, y, slope, NULL);
            const double length = fabs(lanes->control->stop[l] - step->t[l]);
            lanes->guess[l] = csi_first_step_guess(lane_norm(lanes, l, y, y, NULL), lanes->speed[l], length);
            if (lanes->setup->options.h_init > 0.0 || !isfinite(lanes->speed[l])) {
                decide(lanes, step, l, lanes->guess[l]);
                continue;
            }
        } else {
            lanes->guess[l] *= 0.1;
        }
        const double h = copysign(lanes->guess[l], lanes->control->direction[l]);
        lanes->t[l] = step->t[l] + h;
        for (size_t i = 0; i < n; i++) {
            const size_t at = i * COSTATE_LANES + l;
            lanes->state[at] = y[at] + h * slope[at];
        }
    }
}

void csi_lane_judge_first(csi_lanes *lanes, const csi_lane_step *step, double *k, int stage) {
    const size_t n = lanes->setup->rhs.n_y;
    const double *y = csi_lane_y(step);
    const double *slope = k + n * COSTATE_LANES;
    double *bent = k + (size_t)stage * n * COSTATE_LANES;
    if (stage < FIRST_TRIAL || stage > LAST_TRIAL) {
        return;
    }
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        if ((lanes->trying >> l & 1u) == 0) {
            continue;
        }
        const double length = fabs(lanes->control->stop[l] - step->t[l]);
        const double bend = lane_norm(lanes, l, y, bent, slope) / lanes->guess[l];
        if (isfinite(bend)) {
            const int order = csi_tsit5.error_order + 1;
            decide(lanes, step, l, csi_first_step_from_bend(lanes->guess[l], lanes->speed[l], bend, length, order));
        } else if (stage == LAST_TRIAL) {
            decide(lanes, step, l, lanes->guess[l]);
        }
        for (size_t i = 0; i < n; i++) {
            bent[i * COSTATE_LANES + l] = slope[i * COSTATE_LANES + l];
        }
    }
}
