/* SPDX-License-Identifier: MIT */
/* The exact reverse of a task's vector steps, last to first, in all lanes at once. Where a lane comes to the start of a
 * trajectory, that one's gradient is complete, and the lane goes on with the end of the one before it. */
#include "core/finite.h"
#include "ensemble/lanes.h"
#include "ode/tableau.h"

#include <stdint.h>
#include <string.h>

#define LAST_STAGE (CSI_LANE_STAGES - 1)
#define NOBODY SIZE_MAX

static const double *cotangents(const csi_lanes *lanes, const csi_lane_reverse *reverse, size_t j) {
    return reverse->v + csi_trajectory_row(&lanes->setup->set, j) * lanes->setup->rhs.n_y;
}

static bool has_own_p(const csi_lanes *lanes) { return lanes->setup->set.all.own_p; }

/* A lane's next trajectory, from its end. */
static void begin_trajectory(csi_lanes *lanes, const csi_lane_reverse *reverse, size_t l, size_t j) {
    const costate_rhs *rhs = &lanes->setup->rhs;
    csi_lane_fill(rhs->n_y, l, 0.0, lanes->lam);
    csi_lane_fill(rhs->n_y, l, 0.0, lanes->kap);
    if (has_own_p(lanes) && reverse->pbar != NULL) {
        csi_lane_fill(rhs->n_p, l, 0.0, lanes->pbar);
    }
    lanes->seated[l] = j;
    lanes->arguments[l] = csi_trajectory_arguments(&lanes->setup->set, j);
    lanes->n_left[l] = lanes->arguments[l].n_t;
}

/* Gives every lane the parameters and the trajectory of the step; marks in `live` those that take part in it. */
static void take_seats(csi_lanes *lanes, const csi_lane_task *task, const csi_lane_reverse *reverse,
                       const csi_lane_step *step, int64_t *live) {
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        const size_t j = step->trajectory[l];
        if (has_own_p(lanes) && lanes->loaded[l] != j) {
            csi_lane_put(lanes->setup->rhs.n_p, l, csi_trajectory_arguments(&lanes->setup->set, j).p, lanes->p);
            lanes->loaded[l] = j;
        }
        const size_t at = j - task->begin;
        live[l] = step->live[l] != 0 && task->status[at] == COSTATE_OK && !reverse->done[at] ? -1 : 0;
        if (live[l] != 0 && lanes->seated[l] != j) {
            begin_trajectory(lanes, reverse, l, j);
        }
    }
}

/* The row of a lane's last observation left, if it lies after the time given; `n_left` is counted down. */
static const double *next_row(csi_lanes *lanes, const csi_lane_reverse *reverse, size_t l, double after, double *t) {
    const csi_solve_arguments *arguments = &lanes->arguments[l];
    if (lanes->n_left[l] == 0) {
        return NULL;
    }
    const size_t i = lanes->n_left[l] - 1;
    const double direction = arguments->t[arguments->n_t - 1] < arguments->t0 ? -1.0 : 1.0;
    if (!((arguments->t[i] - after) * direction > 0.0)) {
        return NULL;
    }
    lanes->n_left[l] = i;
    *t = arguments->t[i];
    return cotangents(lanes, reverse, lanes->seated[l]) + i * lanes->setup->rhs.n_y;
}

static bool is_before(const csi_lane_step *step, size_t l, double t) { return (t - step->t_end[l]) * step->h[l] < 0.0; }

/* Adds the cotangents of rows at the step's end to lam, and returns in `pending` those of rows within, the first of
 * each lane. */
static bool add_end_rows(csi_lanes *lanes, const csi_lane_reverse *reverse, const csi_lane_step *step,
                         const int64_t *live, const double **pending, double *t) {
    const size_t n = lanes->setup->rhs.n_y;
    bool within = false;
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        pending[l] = NULL;
        if (live[l] == 0 || step->h[l] == 0.0) {
            continue;
        }
        const double *row;
        while ((row = next_row(lanes, reverse, l, step->t[l], &t[l])) != NULL && !is_before(step, l, t[l])) {
            for (size_t i = 0; i < n; i++) {
                lanes->lam[i * COSTATE_LANES + l] += row[i];
            }
        }
        pending[l] = row;
        within = within || row != NULL;
    }
    return within;
}

/* Pulls rows within the step back through the dense output, one of each lane at a time. */
static void pull_rows(csi_lanes *lanes, const csi_lane_reverse *reverse, const csi_lane_step *step,
                      const double **pending, double *t) {
    const csi_lane_setup *setup = lanes->setup;
    const size_t n = setup->rhs.n_y;
    bool within = true;
    while (within) {
        within = false;
        memset(lanes->row, 0, n * COSTATE_LANES * sizeof *lanes->row);
        for (size_t l = 0; l < COSTATE_LANES; l++) {
            lanes->theta[l] = 0.0;
            if (pending[l] != NULL) {
                lanes->theta[l] = (t[l] - step->t[l]) / step->h[l];
                csi_lane_put(n, l, pending[l], lanes->row);
                pending[l] = next_row(lanes, reverse, l, step->t[l], &t[l]);
                within = within || pending[l] != NULL;
            }
        }
        setup->kernels->interpolate_vjp(n, step, lanes->theta, lanes->row, lanes->kbar, lanes->acc);
    }
}

static int pull_stage(csi_lanes *lanes, const csi_lane_task *task, const csi_lane_reverse *reverse,
                      const csi_lane_step *step, int stage) {
    const csi_lane_setup *setup = lanes->setup;
    const costate_rhs *rhs = &setup->rhs;
    const size_t n = rhs->n_y;
    const double *more = stage == LAST_STAGE ? lanes->lam_live : NULL;
    setup->kernels->stage(n, stage, step, csi_lane_y(step), csi_lane_k(step, n), lanes->t, lanes->state);
    const int answer = rhs->vjp_lanes(lanes->t, lanes->state, lanes->p, lanes->kbar + (size_t)stage * n * COSTATE_LANES,
                                      lanes->g, reverse->pbar != NULL ? lanes->pbar : NULL, lanes->work, rhs->ctx);
    *(reverse->pbar != NULL ? &task->counts->n_vjp_p : &task->counts->n_vjp_y) += (size_t)step->n_live;
    setup->kernels->pull(n, stage, step, lanes->g, more, lanes->kbar, lanes->acc);
    return answer;
}

/* True if a lane's column is finite. */
static bool is_finite_column(size_t n, size_t l, const double *lanes) {
    double zero = 0.0;
    for (size_t i = 0; i < n; i++) {
        zero += lanes[i * COSTATE_LANES + l] * 0.0;
    }
    return zero == 0.0;
}

/* The lane has come to the start of its trajectory: observations at t0, then its results. */
static void finish_trajectory(csi_lanes *lanes, const csi_lane_task *task, csi_lane_reverse *reverse, size_t l) {
    const costate_rhs *rhs = &lanes->setup->rhs;
    const size_t n = rhs->n_y;
    const size_t j = lanes->seated[l];
    const double *v = cotangents(lanes, reverse, j);
    const bool own = has_own_p(lanes) && reverse->pbar != NULL;
    while (lanes->n_left[l] > 0) {
        lanes->n_left[l]--;
        for (size_t i = 0; i < n; i++) {
            lanes->lam[i * COSTATE_LANES + l] += v[lanes->n_left[l] * n + i];
        }
    }
    lanes->seated[l] = NOBODY;
    if (!is_finite_column(n, l, lanes->lam) || (own && !is_finite_column(rhs->n_p, l, lanes->pbar))) {
        reverse->finite = false;
        return;
    }
    if (reverse->y0bar != NULL) {
        csi_lane_get(n, l, lanes->lam, reverse->y0bar + j * n);
    }
    for (size_t i = 0; own && i < rhs->n_p; i++) {
        reverse->pbar[j * rhs->n_p + i] += lanes->pbar[i * COSTATE_LANES + l];
    }
    reverse->done[j - task->begin] = true;
}

/* One vector step backwards; vjp_lanes' answer. */
static int sweep_step(csi_lanes *lanes, const csi_lane_task *task, csi_lane_reverse *reverse,
                      const csi_lane_step *step) {
    const csi_lane_kernels *kernels = lanes->setup->kernels;
    const size_t n = lanes->setup->rhs.n_y;
    const double *pending[COSTATE_LANES];
    double t[COSTATE_LANES];
    int64_t live[COSTATE_LANES];
    take_seats(lanes, task, reverse, step, live);
    const bool within = add_end_rows(lanes, reverse, step, live, pending, t);
    kernels->enter(n, live, lanes->lam, lanes->kap, lanes->lam_live, lanes->kbar, lanes->acc);
    if (within) {
        pull_rows(lanes, reverse, step, pending, t);
    }
    for (int stage = LAST_STAGE; stage > 0; stage--) {
        const int answer = pull_stage(lanes, task, reverse, step, stage);
        if (answer != 0) {
            return answer;
        }
    }
    kernels->leave(n, live, lanes->acc, lanes->kbar, lanes->lam, lanes->kap);
    for (size_t l = 0; step->starting != 0 && l < COSTATE_LANES; l++) {
        if ((step->starting >> l & 1u) != 0 && live[l] != 0) {
            finish_trajectory(lanes, task, reverse, l);
        }
    }
    return 0;
}

/* The shared parameters' gradient: the sum over lanes, in one order. */
static void add_lanes(const csi_lanes *lanes, csi_lane_reverse *reverse) {
    const size_t n_p = lanes->setup->rhs.n_p;
    for (size_t i = 0; i < n_p; i++) {
        double sum = 0.0;
        for (size_t l = 0; l < COSTATE_LANES; l++) {
            sum += lanes->pbar[i * COSTATE_LANES + l];
        }
        reverse->pbar[i] += sum;
    }
    reverse->finite = reverse->finite && csi_all_finite(reverse->pbar, n_p);
}

void csi_lanes_sweep(csi_lanes *lanes, const csi_lane_task *task, csi_lane_reverse *reverse) {
    const csi_lane_history *history = task->history;
    reverse->answer = 0;
    reverse->finite = true;
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        lanes->seated[l] = lanes->loaded[l] = NOBODY;
    }
    if (reverse->pbar != NULL) {
        memset(lanes->pbar, 0, lanes->setup->rhs.n_p * COSTATE_LANES * sizeof *lanes->pbar);
    }
    memset(lanes->lam, 0, lanes->setup->rhs.n_y * COSTATE_LANES * sizeof *lanes->lam);
    memset(lanes->kap, 0, lanes->setup->rhs.n_y * COSTATE_LANES * sizeof *lanes->kap);
    for (size_t i = history->n_step; i-- > 0 && reverse->answer == 0;) {
        const csi_lane_step *step = csi_chunk_list_at(&history->steps, i);
        if (step->n_live > 0) {
            reverse->answer = sweep_step(lanes, task, reverse, step);
        }
        if (lanes->interrupt != NULL && lanes->interrupt(lanes->interrupt_ctx) != 0) {
            return;
        }
    }
    if (reverse->pbar != NULL && !has_own_p(lanes)) {
        add_lanes(lanes, reverse);
    }
}
