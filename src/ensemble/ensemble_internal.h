/* SPDX-License-Identifier: MIT */
/* The parts of an ensemble, and what a call shares with its tasks. */
#ifndef CSI_ENSEMBLE_INTERNAL_H
#define CSI_ENSEMBLE_INTERNAL_H

#include "core/shared_alloc.h"
#include "core/thread_pool.h"
#include "ensemble/lanes.h"
#include "ensemble/trajectory_set.h"
#include "ode/chunk_list.h"

#include <costate/ensemble.h>
#include <stdatomic.h>

typedef struct csi_worker csi_worker;

/* A solver and its adjoint. */
typedef struct csi_pair {
    costate_solver *solver;
    costate_adjoint *adjoint; /* NULL if no VJP can be asked for */
    const csi_worker *worker; /* whose thread uses it */
} csi_pair;

/* What one thread needs for itself. */
struct csi_worker {
    costate_ensemble *ensemble;
    size_t index;
    csi_pair spare; /* for trajectories without a pair of their own */
    csi_lanes lanes;
    csi_lane_history spare_history; /* for tasks that are solved again */
    costate_status *status;         /* one for each trajectory of a task, as is: */
    bool *done;
};

/* Consecutive trajectories that one thread does in one go. */
typedef struct csi_ensemble_task {
    size_t begin;
    size_t end;
    costate_solve_counts counts;
    csi_first_failure failure;
    csi_lane_history history;
} csi_ensemble_task;

struct costate_ensemble {
    costate_allocator outer; /* of the ensemble itself */
    csi_shared_alloc shared;
    costate_allocator alloc; /* of everything else */
    costate_rhs rhs;
    costate_ensemble_options options;
    double *tolerances; /* storage of the options' arrays, and the absolute tolerance of each state */
    bool in_lanes;
    csi_thread_pool *pool;
    csi_worker *workers;
    size_t n_worker;
    csi_lane_setup lane_setup;

    /* Of the last solve; the lists and arrays keep their largest size. */
    bool solved;
    csi_trajectory_set set;
    size_t n_row;
    size_t task_size;
    size_t n_task;
    csi_chunk_list tasks;
    csi_chunk_list pairs; /* element j is of trajectory j; empty with lanes */
    atomic_size_t n_pair;
    costate_status *status;
    size_t status_capacity;
    size_t worker_capacity; /* trajectories in the workers' arrays */
    double *task_pbar;      /* a shared gradient's part from each task */
    size_t task_pbar_capacity;

    /* Of the current call. */
    double *y;
    const double *v;
    double *y0bar;
    double *pbar;
    atomic_bool stop; /* the interrupt callback said so */

    costate_solve_counts counts;
    costate_solve_counts vjp_counts;
    csi_detail detail;
};

/* Where task `task` adds the gradient of shared parameters, or where the own ones' rows begin; NULL if not wanted. */
double *csi_ensemble_task_pbar(const costate_ensemble *ensemble, const csi_ensemble_task *task);

/* A callback `interrupt` for a pair, whose worker is set, and for a worker's lanes. */
int csi_pair_interrupt(void *pair);
int csi_worker_interrupt(void *worker);

/* Trajectories one at a time, by any method. */
costate_status csi_pair_create(costate_ensemble *ensemble, csi_pair *pair);
void csi_pair_destroy(csi_pair *pair);
void csi_solve_one_at_a_time(csi_worker *worker, csi_ensemble_task *task);
void csi_vjp_one_at_a_time(csi_worker *worker, csi_ensemble_task *task);

/* Tasks in lanes. */
void csi_solve_in_lanes(csi_worker *worker, csi_ensemble_task *task);
void csi_vjp_in_lanes(csi_worker *worker, csi_ensemble_task *task);

#endif
