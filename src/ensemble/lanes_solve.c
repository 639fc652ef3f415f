/* SPDX-License-Identifier: MIT */
/* The trajectories of a task, forward in all lanes. */
#include "core/memory.h"
#include "ensemble/lanes.h"
#include "ode/tableau.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define LAST_STAGE (CSI_LANE_STAGES - 1)

/* Trajectories not yet begun, and those at work when f_lanes refused to evaluate them together. */
typedef struct queue {
    size_t next;
    size_t end;
    size_t unsettled[COSTATE_LANES];
    size_t n_unsettled;
} queue;

static bool is_active(const csi_lanes *lanes, size_t l) { return lanes->control->active[l] != 0; }

static size_t count_active(const csi_lanes *lanes) {
    size_t count = 0;
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        count += is_active(lanes, l);
    }
    return count;
}

/* A lane without work stays where another one is, so that f can be evaluated for it. */
static void idle(csi_lanes *lanes, csi_lane_step *step, size_t l, size_t donor) {
    const size_t n = lanes->setup->rhs.n_y;
    csi_lane_copy(n, donor, l, csi_lane_y(step));
    csi_lane_copy(n, donor, l, csi_lane_k(step, n));
    if (lanes->p == lanes->own_p) {
        csi_lane_copy(lanes->setup->rhs.n_p, donor, l, lanes->p);
    }
    step->t[l] = step->t_end[l] = lanes->control->stop[l] = step->t[donor];
    step->h[l] = 0.0;
    step->trajectory[l] = step->trajectory[donor];
    lanes->control->h[l] = 0.0;
    lanes->control->direction[l] = 1.0;
    lanes->control->next_t[l] = (double)INFINITY;
    lanes->parked |= 1u << l;
}

/* Gives every lane without work a trajectory, as long as there are any; false if no lane has work. */
static bool seat_all(csi_lanes *lanes, const csi_lane_task *task, queue *waiting, csi_lane_step *step) {
    bool vacant[COSTATE_LANES];
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        while (!is_active(lanes, l) && waiting->next < waiting->end &&
               !csi_lane_seat(lanes, task, step, l, waiting->next++)) {
        }
        vacant[l] = !is_active(lanes, l);
        if (lanes->solo && !vacant[0] && vacant[l]) {
            vacant[l] = !csi_lane_seat(lanes, task, step, l, lanes->seated[0]);
        }
    }
    size_t donor = 0;
    while (donor < COSTATE_LANES && vacant[donor]) {
        donor++;
    }
    for (size_t l = 0; l < COSTATE_LANES && donor < COSTATE_LANES; l++) {
        if (vacant[l] && (lanes->parked >> l & 1u) == 0) {
            idle(lanes, step, l, donor);
        }
    }
    return donor < COSTATE_LANES;
}

/* All slopes of the step; f_lanes' answer. */
static int evaluate(csi_lanes *lanes, const csi_lane_task *task, csi_lane_step *step) {
    const csi_lane_setup *setup = lanes->setup;
    const costate_rhs *rhs = &setup->rhs;
    const size_t n = rhs->n_y;
    double *k = csi_lane_k(step, n);
    const size_t n_active = lanes->solo ? 1 : count_active(lanes);
    for (int stage = 1; stage <= LAST_STAGE; stage++) {
        double *state = stage == LAST_STAGE ? lanes->y_end : lanes->state;
        double *slope = k + (size_t)stage * n * COSTATE_LANES;
        setup->kernels->stage(n, stage, step, csi_lane_y(step), k, lanes->t, state);
        if (lanes->trying != 0) {
            csi_lane_try_first(lanes, step, k, stage);
        }
        const int answer = rhs->f_lanes(lanes->t, state, lanes->p, slope, lanes->work, rhs->ctx);
        task->counts->n_f += n_active;
        if (answer > 0 && lanes->solo && lanes->trying != 0 && stage > 1) {
            for (size_t i = 0; i < n * COSTATE_LANES; i++) {
                slope[i] = (double)NAN;
            }
        } else if (answer != 0) {
            return answer;
        }
        if (lanes->trying != 0) {
            csi_lane_judge_first(lanes, step, k, stage);
        }
    }
    return 0;
}

static void leave(csi_lanes *lanes, const csi_lane_task *task, size_t l, double t) {
    lanes->control->active[l] = 0;
    task->counts->n_step += (size_t)lanes->control->n_step[l];
    task->counts->t_reached = t;
    lanes->trying &= ~(1u << l);
}

static void fail(csi_lanes *lanes, const csi_lane_task *task, size_t l, double t, costate_status status,
                 const char *text) {
    csi_lane_refuse(lanes, task, &lanes->grid[l], lanes->seated[l], status, text);
    leave(lanes, task, l, t);
}

/* The lane's step cannot be made shorter. */
static void give_up(csi_lanes *lanes, const csi_lane_task *task, const csi_lane_step *step, size_t l) {
    const char *because = "the error test failed at the smallest step";
    costate_status status = COSTATE_ERR_STEP_SIZE;
    if (lanes->answer < 0) {
        status = COSTATE_ERR_RHS_FAIL, because = "f failed";
    } else if (lanes->answer > 0) {
        status = COSTATE_ERR_RHS_RETRY, because = "f kept asking for a smaller step";
    } else if ((lanes->control->event[l] & CSI_LANE_BLIND) != 0) {
        status = COSTATE_ERR_NONFINITE, because = "f gave NaN or infinity";
    }
    csi_detail detail;
    csi_fail(&detail, status, "%s in a step of y from t = %.17g (h = %.3g)", because, step->t[l], step->h[l]);
    fail(lanes, task, l, step->t[l], status, detail.text);
}

/* True if the tolerance of a state is zero where the lane's step begins, which makes every error infinite. */
static bool is_weightless(const csi_lanes *lanes, const csi_lane_step *step, size_t l) {
    const csi_lane_setup *setup = lanes->setup;
    const double *y = csi_lane_y(step);
    for (size_t i = 0; i < setup->rhs.n_y; i++) {
        if (!(setup->options.rtol * fabs(y[i * COSTATE_LANES + l]) + setup->atol[i] > 0.0)) {
            return true;
        }
    }
    return false;
}

static void reject(csi_lanes *lanes, const csi_lane_task *task, const csi_lane_step *step, size_t l) {
    const int64_t event = lanes->control->event[l];
    const bool blind = (event & CSI_LANE_BLIND) != 0;
    task->counts->n_error_fail += !blind;
    if (blind && lanes->answer == 0 && (event & CSI_LANE_STARTED) == 0 && is_weightless(lanes, step, l)) {
        csi_detail detail;
        csi_fail(&detail, COSTATE_ERR_ACCURACY, "the tolerance of an element of y is zero at t = %.17g", step->t[l]);
        fail(lanes, task, l, step->t[l], COSTATE_ERR_ACCURACY, detail.text);
    } else if ((event & (CSI_LANE_STUCK | CSI_LANE_STARTED)) != 0 || lanes->answer < 0) {
        give_up(lanes, task, step, l);
    }
}

/* Where the lane's next row goes, its number being counted up; NULL if rows are not wanted. */
static double *next_row(csi_lanes *lanes, const csi_lane_task *task, size_t l) {
    const csi_trajectory_set *set = &lanes->setup->set;
    csi_time_grid *grid = &lanes->grid[l];
    const size_t row = csi_trajectory_row(set, lanes->seated[l]) + grid->n_done++;
    lanes->control->next_t[l] = grid->n_done < grid->n_t ? grid->t[grid->n_done] : grid->direction * (double)INFINITY;
    return task->y != NULL ? task->y + row * set->n_y : NULL;
}

/* True if the lane has a row before the end of its step. */
static bool is_due_within(const csi_lanes *lanes, const csi_lane_step *step, size_t l) {
    const csi_lane_control *control = lanes->control;
    return (control->event[l] & CSI_LANE_DUE) != 0 &&
           (control->next_t[l] - step->t_end[l]) * control->direction[l] < 0.0;
}

/* Writes the rows of the times that steps have passed: those within by dense output, one per lane at a time. */
static void write_rows(csi_lanes *lanes, const csi_lane_task *task, csi_lane_step *step) {
    const csi_lane_setup *setup = lanes->setup;
    const size_t n = setup->rhs.n_y;
    for (;;) {
        unsigned due = 0;
        for (size_t l = 0; l < COSTATE_LANES; l++) {
            lanes->theta[l] = 0.0;
            if (is_due_within(lanes, step, l)) {
                lanes->theta[l] = (lanes->control->next_t[l] - step->t[l]) / step->h[l];
                due |= 1u << l;
            }
        }
        if (due == 0) {
            break;
        }
        setup->kernels->interpolate(n, step, csi_lane_y(step), csi_lane_k(step, n), lanes->theta, lanes->row);
        for (size_t l = 0; l < COSTATE_LANES; l++) {
            double *row = (due >> l & 1u) != 0 ? next_row(lanes, task, l) : NULL;
            if (row != NULL) {
                csi_lane_get(n, l, lanes->row, row);
            }
        }
    }
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        while ((lanes->control->event[l] & CSI_LANE_DUE) != 0 && csi_time_grid_due(&lanes->grid[l], step->t_end[l])) {
            double *row = next_row(lanes, task, l);
            if (row != NULL) {
                csi_lane_get(n, l, lanes->y_end, row);
            }
        }
    }
}

static void handle_event(csi_lanes *lanes, const csi_lane_task *task, const csi_lane_step *step, size_t l) {
    csi_lane_control *control = lanes->control;
    const int64_t event = control->event[l];
    if ((event & CSI_LANE_REJECTED) != 0) {
        reject(lanes, task, step, l);
    } else if ((event & CSI_LANE_ENDED) != 0) {
        task->status[lanes->seated[l] - task->begin] = COSTATE_OK;
        task->counts->last_step = fabs(step->h[l]);
        leave(lanes, task, l, step->t_end[l]);
    } else if ((event & CSI_LANE_LIMIT) != 0) {
        csi_detail detail;
        csi_fail(&detail, COSTATE_ERR_MAX_STEPS, "%zu steps reached only t = %.17g", lanes->setup->options.max_steps,
                 step->t_end[l]);
        fail(lanes, task, l, step->t_end[l], COSTATE_ERR_MAX_STEPS, detail.text);
    }
}

/* What follows from the events of a step; of equal lanes the first alone counts. */
static void handle_events(csi_lanes *lanes, const csi_lane_task *task, csi_lane_step *step) {
    csi_lane_control *control = lanes->control;
    bool due = false;
    for (size_t l = 1; l < COSTATE_LANES && lanes->solo; l++) {
        control->event[l] = 0;
    }
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        due = due || (control->event[l] & CSI_LANE_DUE) != 0;
    }
    if (due) {
        write_rows(lanes, task, step);
    }
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        const int64_t event = control->event[l];
        if ((event & CSI_LANE_STARTED) != 0) {
            control->starting[l] = 0;
            step->starting |= (event & CSI_LANE_REJECTED) == 0 ? 1u << l : 0u;
            task->counts->n_restart++;
        }
        if (event != 0) {
            handle_event(lanes, task, step, l);
        }
    }
    for (size_t l = 1; l < COSTATE_LANES && lanes->solo; l++) {
        control->starting[l] = 0;
        control->active[l] = control->active[0];
    }
}

/* Makes a lane without a step of its own harmless in the reverse: a step of length 0 where another lane's begins. */
static void neutralise(const csi_lanes *lanes, csi_lane_step *step) {
    const size_t n = lanes->setup->rhs.n_y;
    size_t donor = COSTATE_LANES;
    step->n_live = 0;
    for (size_t l = COSTATE_LANES; l-- > 0;) {
        if (lanes->solo && l > 0) {
            step->live[l] = 0;
        }
        step->n_live -= step->live[l];
        donor = step->live[l] != 0 ? l : donor;
    }
    for (size_t l = 0; l < COSTATE_LANES && donor < COSTATE_LANES && step->n_live < (int64_t)COSTATE_LANES; l++) {
        if (step->live[l] == 0) {
            csi_lane_copy(n, donor, l, csi_lane_y(step));
            csi_lane_fill(CSI_LANE_STAGES * n, l, 0.0, csi_lane_k(step, n));
            step->t[l] = step->t_end[l] = step->t[donor];
            step->h[l] = 0.0;
            step->trajectory[l] = step->trajectory[donor];
        }
    }
}

/* One try of a step in every lane, and what the next one starts from; false if f_lanes refused. */
static bool make_step(csi_lanes *lanes, const csi_lane_task *task, csi_lane_step *step, csi_lane_step *next) {
    const csi_lane_setup *setup = lanes->setup;
    const csi_lane_kernels *kernels = setup->kernels;
    csi_lane_control *control = lanes->control;
    const size_t n = setup->rhs.n_y;
    double *y = csi_lane_y(step);
    double *k = csi_lane_k(step, n);
    step->starting = 0;
    const int answer = evaluate(lanes, task, step);
    if (answer != 0 && !lanes->solo) {
        return false;
    }
    lanes->answer = answer;
    if (answer == 0) {
        kernels->error(n, step, y, k, lanes->y_end, setup->options.rtol, setup->atol, control->square);
    } else {
        for (size_t l = 0; l < COSTATE_LANES; l++) {
            control->square[l] = (double)INFINITY;
        }
        lanes->trying = 0;
    }
    const int64_t events = kernels->control(control, step, next);
    kernels->advance(n, step->live, y, k, lanes->y_end, csi_lane_y(next), csi_lane_k(next, n));
    memcpy(next->trajectory, step->trajectory, sizeof next->trajectory);
    if (events != 0) {
        handle_events(lanes, task, step);
    }
    if (task->history->complete) {
        neutralise(lanes, step);
    }
    return true;
}

/* Ends every trajectory at work and those that wait. */
static void stop_all(csi_lanes *lanes, const csi_lane_task *task, const csi_lane_step *step, queue *waiting,
                     costate_status status, const char *because) {
    const csi_time_grid nothing = {0};
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        if (step != NULL && is_active(lanes, l) && (l == 0 || !lanes->solo)) {
            csi_detail detail;
            csi_fail(&detail, status, "%s at t = %.17g", because, step->t[l]);
            fail(lanes, task, l, step->t[l], status, detail.text);
        }
        lanes->control->active[l] = 0;
    }
    for (; waiting->next < waiting->end; waiting->next++) {
        csi_lane_refuse(lanes, task, &nothing, waiting->next, status, because);
    }
}

/* Leaves the trajectories at work to be solved one by one. Their steps so far stay in the history, where the reverse
 * passes over them: it has met those of the second solve before. */
static void unsettle(csi_lanes *lanes, queue *waiting) {
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        if (is_active(lanes, l)) {
            waiting->unsettled[waiting->n_unsettled++] = lanes->seated[l];
            lanes->control->active[l] = 0;
        }
    }
}

/* Until the queue is empty, or f_lanes refuses. */
static void run(csi_lanes *lanes, const csi_lane_task *task, queue *waiting, const costate_allocator *alloc) {
    csi_lane_history *history = task->history;
    csi_lane_control *control = lanes->control;
    memset(control->active, 0, sizeof control->active);
    memset(control->starting, 0, sizeof control->starting);
    lanes->trying = 0;
    lanes->parked = 0;
    csi_lane_step *step = csi_lane_history_next(history, alloc);
    while (step != NULL && seat_all(lanes, task, waiting, step)) {
        csi_lane_step *next = csi_lane_history_next(history, alloc);
        if (next == NULL) {
            stop_all(lanes, task, step, waiting, COSTATE_ERR_MEMORY, "no memory for the history");
            break;
        }
        if (!make_step(lanes, task, step, next)) {
            history->n_step -= history->complete;
            unsettle(lanes, waiting);
            break;
        }
        step = next;
        if (lanes->interrupt != NULL && lanes->interrupt(lanes->interrupt_ctx) != 0) {
            stop_all(lanes, task, step, waiting, COSTATE_ERR_INTERRUPTED, "interrupted");
        }
    }
    if (step == NULL) {
        stop_all(lanes, task, NULL, waiting, COSTATE_ERR_MEMORY, "no memory for the history");
    }
    history->n_step -= history->complete && step != NULL;
}

void csi_lanes_solve_solo(csi_lanes *lanes, const csi_lane_task *task, size_t j, const costate_allocator *alloc) {
    queue alone = {.next = j, .end = j + 1};
    lanes->solo = true;
    run(lanes, task, &alone, alloc);
    lanes->solo = false;
}

void csi_lanes_solve(csi_lanes *lanes, const csi_lane_task *task, const costate_allocator *alloc) {
    queue waiting = {.next = task->begin, .end = task->end};
    lanes->answer = 0;
    while (waiting.next < waiting.end) {
        waiting.n_unsettled = 0;
        run(lanes, task, &waiting, alloc);
        for (size_t i = 0; i < waiting.n_unsettled; i++) {
            csi_lanes_solve_solo(lanes, task, waiting.unsettled[i], alloc);
        }
        lanes->answer = 0;
    }
    task->counts->last_order = csi_tsit5.order;
}
