/* SPDX-License-Identifier: MIT */
/* Trajectories advanced COSTATE_LANES at a time by tsit5. Each lane has its own time, step and error control, and takes
 * the next trajectory as soon as its own is finished. Every vector step is recorded as it was executed; the reverse
 * walks the same schedule backwards, so that nothing is ever regrouped. */
#ifndef CSI_LANES_H
#define CSI_LANES_H

#include "ensemble/lane_kernels.h"
#include "ensemble/trajectory_set.h"
#include "ode/chunk_list.h"
#include "ode/time_grid.h"

#include <costate/solver.h>

/* What all threads share; nothing of it changes during a call. */
typedef struct csi_lane_setup {
    costate_rhs rhs;
    costate_solver_options options;
    const double *atol; /* per state */
    const csi_lane_kernels *kernels;
    csi_trajectory_set set;
    void *p_block;
    double *p; /* the shared parameters in every lane */
} csi_lane_setup;

/* The vector steps of a task in the order of their execution. */
typedef struct csi_lane_history {
    csi_chunk_list steps;
    size_t n_step;
    bool complete; /* false: the limit was reached, or nothing is recorded; two elements then serve in turn */
    unsigned turn;
} csi_lane_history;

/* One task of consecutive trajectories in one direction. */
typedef struct csi_lane_task {
    size_t begin;
    size_t end;
    csi_lane_history *history;
    double *y;              /* the caller's rows; NULL if not wanted */
    costate_status *status; /* of trajectory j at index j − begin */
    costate_solve_counts *counts;
    csi_first_failure *failure;
} csi_lane_task;

/* The reverse of one task. */
typedef struct csi_lane_reverse {
    const double *v;
    double *y0bar; /* the caller's; NULL if not wanted */
    double *pbar;  /* the caller's rows with own parameters, else the task's sum; NULL if not wanted */
    bool *done;    /* of trajectory j at index j − begin: y0bar and its own pbar are written */
    int answer;    /* the first of vjp_lanes that was not OK */
    bool finite;   /* everything written so far was */
} csi_lane_reverse;

/* One thread's lanes. */
typedef struct csi_lanes {
    const csi_lane_setup *setup;
    void *block; /* all arrays below */
    size_t block_bytes;
    csi_lane_control *control;
    csi_time_grid grid[COSTATE_LANES];
    size_t seated[COSTATE_LANES]; /* the trajectory a lane is at, or was at last */
    bool solo;                    /* all lanes do the same, and the first counts */
    int answer;                   /* of f_lanes, solo: the last that was not OK */
    unsigned parked;              /* bit l: lane l has no work and stands where f can be evaluated */
    unsigned trying;              /* bit l: lane l still looks for the length of its first step */
    double guess[COSTATE_LANES];  /* of it */
    double speed[COSTATE_LANES];  /* norm of f at the start */
    double *p;                    /* setup->p, or each lane's own parameters */
    double *own_p;
    double *t;     /* of a stage */
    double *state; /* of a stage */
    double *y_end;
    double *theta;
    double *row; /* dense output, or cotangents of it */
    void *work;

    /* Of the reverse. */
    double *lam; /* cotangent of the state a lane's next step, in time, starts from */
    double *kap; /* and of the slope there */
    double *lam_live;
    double *kbar;
    double *acc;
    double *g;
    double *pbar;
    size_t loaded[COSTATE_LANES];                 /* whose parameters a lane has */
    csi_solve_arguments arguments[COSTATE_LANES]; /* of the trajectory a lane is at */
    size_t n_left[COSTATE_LANES];                 /* observations not yet met */

    int (*interrupt)(void *ctx); /* non-zero: stop */
    void *interrupt_ctx;
} csi_lanes;

costate_status csi_lanes_init(csi_lanes *lanes, const csi_lane_setup *setup, const costate_allocator *alloc);
void csi_lanes_clear(csi_lanes *lanes, const costate_allocator *alloc);

/* max_bytes is what may be kept; 0: no limit. */
void csi_lane_history_init(csi_lane_history *history, size_t n_y);
void csi_lane_history_begin(csi_lane_history *history, bool record, size_t max_bytes);
/* The next step to make, the one before staying where it is; NULL if there is no memory. */
csi_lane_step *csi_lane_history_next(csi_lane_history *history, const costate_allocator *alloc);

/* Solves the task's trajectories. */
void csi_lanes_solve(csi_lanes *lanes, const csi_lane_task *task, const costate_allocator *alloc);
/* The same for a single trajectory of the task, alone in all lanes. */
void csi_lanes_solve_solo(csi_lanes *lanes, const csi_lane_task *task, size_t j, const costate_allocator *alloc);

/* Settles the status of a trajectory that fails with `n_done` rows of `grid` written. */
void csi_lane_refuse(const csi_lanes *lanes, const csi_lane_task *task, const csi_time_grid *grid, size_t j,
                     costate_status status, const char *text);
/* Puts trajectory j into a lane of `step`; false if it needs no step, its status being known. */
bool csi_lane_seat(csi_lanes *lanes, const csi_lane_task *task, csi_lane_step *step, size_t l, size_t j);
/* The length of a starting lane's first step from f at one or more Euler steps, for which idle stages serve. */
void csi_lane_try_first(csi_lanes *lanes, const csi_lane_step *step, const double *k, int stage);
void csi_lane_judge_first(csi_lanes *lanes, const csi_lane_step *step, double *k, int stage);

/* Sweeps back over the task's history. */
void csi_lanes_sweep(csi_lanes *lanes, const csi_lane_task *task, csi_lane_reverse *reverse);

/* Copies one lane's column of n elements out of, or into, an array of lanes. */
static inline void csi_lane_get(size_t n, size_t l, const double *lanes, double *column) {
    for (size_t i = 0; i < n; i++) {
        column[i] = lanes[i * COSTATE_LANES + l];
    }
}

static inline void csi_lane_put(size_t n, size_t l, const double *column, double *lanes) {
    for (size_t i = 0; i < n; i++) {
        lanes[i * COSTATE_LANES + l] = column[i];
    }
}

static inline void csi_lane_fill(size_t n, size_t l, double value, double *lanes) {
    for (size_t i = 0; i < n; i++) {
        lanes[i * COSTATE_LANES + l] = value;
    }
}

static inline void csi_lane_copy(size_t n, size_t from, size_t to, double *lanes) {
    for (size_t i = 0; i < n; i++) {
        lanes[i * COSTATE_LANES + to] = lanes[i * COSTATE_LANES + from];
    }
}

#endif
