/* SPDX-License-Identifier: MIT */
/* Tasks in lanes: what is recorded, and what is done trajectory by trajectory because it failed in company. */
#include "core/finite.h"
#include "ensemble/ensemble_internal.h"

#include <math.h>
#include <string.h>

/* What the history of the task may occupy; 0: no limit. */
static size_t history_share(const costate_ensemble *ensemble, const csi_ensemble_task *task) {
    const size_t all = ensemble->options.max_history_bytes;
    const size_t each = ensemble->options.solver.max_history_bytes;
    const size_t n = task->end - task->begin;
    const size_t of_all = all > 0 ? all / ensemble->n_task + 1 : SIZE_MAX;
    const size_t of_each = each > 0 && each < SIZE_MAX / n ? each * n : SIZE_MAX;
    const size_t share = of_all < of_each ? of_all : of_each;
    return share == SIZE_MAX ? 0 : share;
}

static csi_lane_task describe(const csi_worker *worker, csi_ensemble_task *task, csi_lane_history *history) {
    return (csi_lane_task){.begin = task->begin,
                           .end = task->end,
                           .history = history,
                           .y = worker->ensemble->y,
                           .status = worker->ensemble->status + task->begin,
                           .counts = &task->counts,
                           .failure = &task->failure};
}

void csi_solve_in_lanes(csi_worker *worker, csi_ensemble_task *task) {
    const costate_ensemble *ensemble = worker->ensemble;
    const csi_lane_task forward = describe(worker, task, &task->history);
    csi_lane_history_begin(&task->history, ensemble->options.solver.record, history_share(ensemble, task));
    csi_lanes_solve(&worker->lanes, &forward, &ensemble->alloc);
}

/* The gradient of a solve without steps; true if the trajectory's is one. */
static bool pass_through(costate_ensemble *ensemble, size_t j) {
    const csi_trajectory_set *set = &ensemble->set;
    const csi_solve_arguments a = csi_trajectory_arguments(set, j);
    if (!csi_interval_is_empty(a.t0, a.t[a.n_t - 1])) {
        return false;
    }
    const double *v = ensemble->v + csi_trajectory_row(set, j) * set->n_y;
    for (size_t i = 0; ensemble->y0bar != NULL && i < set->n_y; i++) {
        double sum = 0.0;
        for (size_t row = 0; row < a.n_t; row++) {
            sum += v[row * set->n_y + i];
        }
        ensemble->y0bar[j * set->n_y + i] = sum;
    }
    return true;
}

/* Sorts out the trajectories that need no sweep. */
static void prepare(csi_worker *worker, csi_ensemble_task *task) {
    costate_ensemble *ensemble = worker->ensemble;
    const csi_trajectory_set *set = &ensemble->set;
    for (size_t j = task->begin; j < task->end; j++) {
        const size_t at = j - task->begin;
        const size_t n_v = csi_trajectory_arguments(set, j).n_t * set->n_y;
        worker->status[at] = ensemble->status[j];
        worker->done[at] = false;
        if (worker->status[at] != COSTATE_OK) {
            continue;
        }
        if (!csi_all_finite(ensemble->v + csi_trajectory_row(set, j) * set->n_y, n_v)) {
            worker->status[at] = COSTATE_ERR_NONFINITE;
            csi_note_failure(&task->failure, j, COSTATE_ERR_NONFINITE, "v has NaN or infinity");
        } else {
            worker->done[at] = pass_through(ensemble, j);
        }
    }
}

/* Solves again, keeping all steps this time: the whole task or, in solo, trajectory j. */
static void solve_again(csi_worker *worker, csi_lane_task *again, size_t j, bool solo) {
    costate_solve_counts counts = {0};
    costate_solve_counts *total = again->counts;
    csi_lane_history_begin(&worker->spare_history, true, 0);
    again->history = &worker->spare_history;
    again->counts = &counts;
    if (solo) {
        csi_lanes_solve_solo(&worker->lanes, again, j, &worker->ensemble->alloc);
    } else {
        csi_lanes_solve(&worker->lanes, again, &worker->ensemble->alloc);
    }
    total->n_f += counts.n_f;
    total->n_replay += counts.n_step;
    again->counts = total;
}

/* Sweeps over one trajectory alone, so that its failure is its own. */
static void sweep_solo(csi_worker *worker, csi_lane_task *lane_task, csi_lane_reverse *reverse, size_t j) {
    costate_status *status = &worker->status[j - lane_task->begin];
    solve_again(worker, lane_task, j, true);
    if (*status != COSTATE_OK) {
        return;
    }
    csi_lanes_sweep(&worker->lanes, lane_task, reverse);
    const char *text = "a derivative has NaN or infinity";
    if (reverse->answer != 0) {
        *status = reverse->answer < 0 ? COSTATE_ERR_RHS_FAIL : COSTATE_ERR_RHS_RETRY;
        text = reverse->answer < 0 ? "vjp failed" : "vjp asked for a smaller step where none can be made";
    } else if (!reverse->finite) {
        *status = COSTATE_ERR_NONFINITE;
    } else if (!reverse->done[j - lane_task->begin]) {
        *status = COSTATE_ERR_INTERRUPTED;
        text = "interrupted in the reverse";
    }
    if (*status != COSTATE_OK) {
        csi_note_failure(lane_task->failure, j, *status, text);
    }
}

static void sweep_one_by_one(csi_worker *worker, csi_lane_task *lane_task, csi_lane_reverse *reverse) {
    const costate_ensemble *ensemble = worker->ensemble;
    const bool shared = reverse->pbar != NULL && !ensemble->set.all.own_p;
    if (shared) {
        memset(reverse->pbar, 0, ensemble->set.n_p * sizeof *reverse->pbar);
    }
    for (size_t j = lane_task->begin; j < lane_task->end; j++) {
        const size_t at = j - lane_task->begin;
        const csi_solve_arguments a = csi_trajectory_arguments(&ensemble->set, j);
        const bool stepless = worker->status[at] == COSTATE_OK && csi_interval_is_empty(a.t0, a.t[a.n_t - 1]);
        worker->done[at] = worker->done[at] && (stepless || !shared);
        if (worker->status[at] == COSTATE_OK && !worker->done[at]) {
            sweep_solo(worker, lane_task, reverse, j);
        }
    }
}

static void mark_missing(const csi_worker *worker, csi_ensemble_task *task) {
    const costate_ensemble *ensemble = worker->ensemble;
    const size_t n = ensemble->set.n_y;
    for (size_t j = task->begin; j < task->end; j++) {
        const size_t at = j - task->begin;
        if (worker->status[at] == COSTATE_OK && !worker->done[at]) {
            csi_note_failure(&task->failure, j, COSTATE_ERR_INTERRUPTED, "interrupted in the reverse");
        }
        for (size_t i = 0; !worker->done[at] && ensemble->y0bar != NULL && i < n; i++) {
            ensemble->y0bar[j * n + i] = (double)NAN;
        }
    }
}

void csi_vjp_in_lanes(csi_worker *worker, csi_ensemble_task *task) {
    costate_ensemble *ensemble = worker->ensemble;
    csi_lane_task lane_task = describe(worker, task, &task->history);
    csi_lane_reverse reverse = {.v = ensemble->v,
                                .y0bar = ensemble->y0bar,
                                .pbar = csi_ensemble_task_pbar(ensemble, task),
                                .done = worker->done};
    prepare(worker, task);
    lane_task.status = worker->status;
    if (!task->history.complete) {
        solve_again(worker, &lane_task, 0, false);
    }
    csi_lanes_sweep(&worker->lanes, &lane_task, &reverse);
    if (reverse.answer != 0 || !reverse.finite) {
        sweep_one_by_one(worker, &lane_task, &reverse);
    }
    mark_missing(worker, task);
}
