/* SPDX-License-Identifier: MIT */
/* The solve of an ensemble and its VJP: tasks of consecutive trajectories, shared by the threads, and the sums over
 * them in the tasks' order. */
#include "core/arena.h"
#include "core/clock.h"
#include "core/memory.h"
#include "ensemble/ensemble_internal.h"
#include "ode/solve_counts.h"

#include <math.h>
#include <string.h>

/* The tasks follow from the number of trajectories alone, and so does every sum over them. In lanes a task is longer
 * than in turn, because its last trajectories leave lanes idle. */
#define TASKS_MOST 128
#define LANE_TASK_LEAST 64

/* Elements from one task's part of a shared gradient to the next: a cache line at least lies between them, or threads at work on
 * neighbouring tasks would wait for each other. */
static size_t part_stride(const costate_ensemble *ensemble) {
    return ensemble->set.n_p + CSI_ALIGNMENT / sizeof(double);
}

double *csi_ensemble_task_pbar(const costate_ensemble *ensemble, const csi_ensemble_task *task) {
    if (ensemble->pbar == NULL || ensemble->set.all.own_p) {
        return ensemble->pbar;
    }
    return ensemble->task_pbar + task->begin / ensemble->task_size * part_stride(ensemble);
}

/* Only the caller's thread asks, because a host's callback may not expect another. */
int csi_worker_interrupt(void *worker) {
    csi_worker *asking = worker;
    costate_ensemble *ensemble = asking->ensemble;
    const costate_solver_options *options = &ensemble->options.solver;
    if (asking->index == 0 && options->interrupt(options->interrupt_ctx) != 0) {
        atomic_store_explicit(&ensemble->stop, true, memory_order_relaxed);
    }
    return atomic_load_explicit(&ensemble->stop, memory_order_relaxed);
}

int csi_pair_interrupt(void *pair) { return csi_worker_interrupt((void *)((csi_pair *)pair)->worker); }

static csi_ensemble_task *task_at(const costate_ensemble *ensemble, size_t i) {
    return csi_chunk_list_at(&ensemble->tasks, i);
}

/* A larger array in place of `old`, whose content is lost; NULL, with the old one still there, without memory. */
static void *enlarge(const costate_allocator *alloc, void *old, size_t count, size_t size) {
    void *larger = csi_alloc(alloc, count, size);
    if (larger != NULL) {
        csi_release(alloc, old);
    }
    return larger;
}

static bool grow_list(csi_chunk_list *list, const costate_allocator *alloc, size_t n) {
    while (list->capacity < n) {
        if (!csi_chunk_list_grow(list, alloc)) {
            return false;
        }
    }
    return true;
}

static bool grow_tasks(costate_ensemble *ensemble) {
    const size_t n_before = ensemble->tasks.capacity;
    const bool grown = grow_list(&ensemble->tasks, &ensemble->alloc, ensemble->n_task);
    for (size_t i = n_before; i < ensemble->tasks.capacity; i++) {
        csi_lane_history_init(&task_at(ensemble, i)->history, ensemble->rhs.n_y);
    }
    return grown;
}

static bool grow_workers(costate_ensemble *ensemble) {
    const size_t n = ensemble->task_size;
    if (!ensemble->in_lanes || n <= ensemble->worker_capacity) {
        return true;
    }
    for (size_t i = 0; i < ensemble->n_worker; i++) {
        csi_worker *worker = &ensemble->workers[i];
        costate_status *status = enlarge(&ensemble->alloc, worker->status, n, sizeof *status);
        worker->status = status != NULL ? status : worker->status;
        bool *done = status != NULL ? enlarge(&ensemble->alloc, worker->done, n, sizeof *done) : NULL;
        worker->done = done != NULL ? done : worker->done;
        if (done == NULL) {
            return false;
        }
    }
    ensemble->worker_capacity = n;
    return true;
}

static bool grow(costate_ensemble *ensemble) {
    const size_t n = ensemble->set.all.n;
    if (!grow_tasks(ensemble) || !grow_workers(ensemble) ||
        (!ensemble->in_lanes && !grow_list(&ensemble->pairs, &ensemble->alloc, n))) {
        return false;
    }
    if (n > ensemble->status_capacity) {
        costate_status *status = enlarge(&ensemble->alloc, ensemble->status, n, sizeof *status);
        if (status == NULL) {
            return false;
        }
        ensemble->status = status;
        ensemble->status_capacity = n;
    }
    return true;
}

static void split_into_tasks(costate_ensemble *ensemble) {
    const size_t n = ensemble->set.all.n;
    const size_t least = ensemble->in_lanes ? LANE_TASK_LEAST : 1;
    const size_t size = (n + TASKS_MOST - 1) / TASKS_MOST;
    ensemble->task_size = size > least ? size : least;
    ensemble->n_task = (n + ensemble->task_size - 1) / ensemble->task_size;
}

static void begin_tasks(costate_ensemble *ensemble) {
    const size_t n = ensemble->set.all.n;
    for (size_t i = 0; i < ensemble->n_task; i++) {
        csi_ensemble_task *task = task_at(ensemble, i);
        const size_t begin = i * ensemble->task_size;
        task->begin = begin;
        task->end = n - begin < ensemble->task_size ? n : begin + ensemble->task_size;
        task->counts = (costate_solve_counts){0};
        task->failure.status = COSTATE_OK;
    }
    atomic_store_explicit(&ensemble->stop, false, memory_order_relaxed);
}

/* The shared parameters in every lane. */
static void spread_parameters(costate_ensemble *ensemble) {
    csi_lane_setup *setup = &ensemble->lane_setup;
    const costate_trajectories *all = &ensemble->set.all;
    setup->set = ensemble->set;
    for (size_t l = 0; l < COSTATE_LANES && !all->own_p; l++) {
        csi_lane_put(ensemble->set.n_p, l, all->p, setup->p);
    }
    for (size_t i = 0; i < ensemble->n_worker; i++) {
        csi_lanes *lanes = &ensemble->workers[i].lanes;
        lanes->p = all->own_p ? lanes->own_p : setup->p;
    }
}

static void run_solve(size_t task, size_t worker, void *ctx) {
    costate_ensemble *ensemble = ctx;
    (ensemble->in_lanes ? csi_solve_in_lanes : csi_solve_one_at_a_time)(&ensemble->workers[worker],
                                                                        task_at(ensemble, task));
}

static void run_vjp(size_t task, size_t worker, void *ctx) {
    costate_ensemble *ensemble = ctx;
    (ensemble->in_lanes ? csi_vjp_in_lanes : csi_vjp_one_at_a_time)(&ensemble->workers[worker],
                                                                    task_at(ensemble, task));
}

/* Runs all tasks; the status of the first trajectory that failed. */
static costate_status run(costate_ensemble *ensemble, csi_task_fn fn, costate_solve_counts *counts) {
    begin_tasks(ensemble);
    if (ensemble->in_lanes) {
        spread_parameters(ensemble);
    }
    csi_thread_pool_run(ensemble->pool, ensemble->n_task, fn, ensemble);
    costate_status status = COSTATE_OK;
    for (size_t i = 0; i < ensemble->n_task; i++) {
        const csi_ensemble_task *task = task_at(ensemble, i);
        csi_solve_counts_add(counts, &task->counts);
        if (status == COSTATE_OK && task->failure.status != COSTATE_OK) {
            status = task->failure.status;
            ensemble->detail = task->failure.detail;
        }
    }
    return status;
}

/* The caller's arrays are not looked at after the call. */
static void forget_arrays(costate_ensemble *ensemble) {
    costate_trajectories *all = &ensemble->set.all;
    all->y0 = all->p = all->t0 = all->t = NULL;
    all->first = NULL;
    ensemble->y = ensemble->y0bar = ensemble->pbar = NULL;
    ensemble->v = NULL;
    ensemble->lane_setup.set = ensemble->set;
}

static csi_trajectory_set set_of(const costate_ensemble *ensemble, const costate_trajectories *trajectories) {
    return (csi_trajectory_set){.all = *trajectories, .n_y = ensemble->rhs.n_y, .n_p = ensemble->rhs.n_p};
}

static costate_status solve(costate_ensemble *ensemble, const costate_trajectories *trajectories, double *y,
                            costate_status *status) {
    ensemble->solved = false;
    ensemble->counts = (costate_solve_counts){0};
    csi_detail_clear(&ensemble->detail);
    if (trajectories == NULL) {
        return csi_fail(&ensemble->detail, COSTATE_ERR_NULL, "trajectories is NULL");
    }
    ensemble->set = set_of(ensemble, trajectories);
    const costate_status checked = csi_trajectory_set_check(&ensemble->set, &ensemble->detail);
    if (checked != COSTATE_OK) {
        return checked;
    }
    split_into_tasks(ensemble);
    ensemble->n_row = csi_trajectory_set_rows(&ensemble->set);
    if (trajectories->n == 0) {
        ensemble->solved = true;
        return COSTATE_OK;
    }
    if (!grow(ensemble)) {
        return csi_fail(&ensemble->detail, COSTATE_ERR_MEMORY, "no memory for %zu trajectories", trajectories->n);
    }
    ensemble->y = y;
    const costate_status result = run(ensemble, run_solve, &ensemble->counts);
    ensemble->solved = true;
    if (status != NULL) {
        memcpy(status, ensemble->status, trajectories->n * sizeof *status);
    }
    return result;
}

costate_status costate_ensemble_solve(costate_ensemble *ensemble, const costate_trajectories *trajectories, double *y,
                                      costate_status *status) {
    if (ensemble == NULL) {
        return COSTATE_ERR_NULL;
    }
    const double start = csi_clock_seconds();
    const costate_status result = solve(ensemble, trajectories, y, status);
    forget_arrays(ensemble);
    ensemble->counts.seconds = csi_clock_seconds() - start;
    return result;
}

static costate_status check_vjp(costate_ensemble *ensemble, const costate_trajectories *trajectories, const double *v) {
    csi_detail *detail = &ensemble->detail;
    const bool differentiable = ensemble->in_lanes ? ensemble->rhs.vjp_lanes != NULL : ensemble->rhs.vjp != NULL;
    if (trajectories == NULL) {
        return csi_fail(detail, COSTATE_ERR_NULL, "trajectories is NULL");
    }
    if (!ensemble->options.solver.record || !differentiable) {
        return csi_fail(detail, COSTATE_ERR_UNSUPPORTED, "the solver does not record, or there is no vjp");
    }
    if (!ensemble->solved) {
        return csi_fail(detail, COSTATE_ERR_STATE, "there was no solve");
    }
    const csi_trajectory_set set = set_of(ensemble, trajectories);
    const costate_status status = csi_trajectory_set_check(&set, detail);
    if (status != COSTATE_OK) {
        return status;
    }
    const size_t n_row = csi_trajectory_set_rows(&set);
    if (set.all.n != ensemble->set.all.n || n_row != ensemble->n_row || set.all.own_p != ensemble->set.all.own_p) {
        return csi_fail(detail, COSTATE_ERR_SIZE, "%zu trajectories with %zu times after a solve of %zu with %zu",
                        set.all.n, n_row, ensemble->set.all.n, ensemble->n_row);
    }
    return v == NULL && n_row > 0 ? csi_fail(detail, COSTATE_ERR_NULL, "v is NULL") : COSTATE_OK;
}

/* Room for a shared gradient's part from each task, all zero. */
static bool clear_parts(costate_ensemble *ensemble) {
    const size_t n = ensemble->n_task * part_stride(ensemble);
    if (n > ensemble->task_pbar_capacity) {
        double *parts = enlarge(&ensemble->alloc, ensemble->task_pbar, n, sizeof *parts);
        if (parts == NULL) {
            return false;
        }
        ensemble->task_pbar = parts;
        ensemble->task_pbar_capacity = n;
    }
    memset(ensemble->task_pbar, 0, n * sizeof *ensemble->task_pbar);
    return true;
}

static void add_parts(const costate_ensemble *ensemble) {
    const size_t n_p = ensemble->set.n_p;
    const size_t stride = part_stride(ensemble);
    for (size_t task = 0; task < ensemble->n_task; task++) {
        for (size_t i = 0; i < n_p; i++) {
            ensemble->pbar[i] += ensemble->task_pbar[task * stride + i];
        }
    }
}

static costate_status vjp(costate_ensemble *ensemble, const costate_trajectories *trajectories, const double *v,
                          double *y0bar, double *pbar) {
    ensemble->vjp_counts = (costate_solve_counts){0};
    csi_detail_clear(&ensemble->detail);
    const costate_status checked = check_vjp(ensemble, trajectories, v);
    if (checked != COSTATE_OK || trajectories->n == 0) {
        return checked;
    }
    ensemble->set = set_of(ensemble, trajectories);
    ensemble->v = v;
    ensemble->y0bar = y0bar;
    ensemble->pbar = ensemble->set.n_p > 0 ? pbar : NULL;
    const bool in_parts = ensemble->pbar != NULL && !ensemble->set.all.own_p;
    if (in_parts && !clear_parts(ensemble)) {
        return csi_fail(&ensemble->detail, COSTATE_ERR_MEMORY, "no memory for the gradient's parts");
    }
    const costate_status status = run(ensemble, run_vjp, &ensemble->vjp_counts);
    if (in_parts) {
        add_parts(ensemble);
    }
    return status;
}

costate_status costate_ensemble_vjp(costate_ensemble *ensemble, const costate_trajectories *trajectories,
                                    const double *v, double *y0bar, double *pbar) {
    if (ensemble == NULL) {
        return COSTATE_ERR_NULL;
    }
    const double start = csi_clock_seconds();
    const costate_status status = vjp(ensemble, trajectories, v, y0bar, pbar);
    forget_arrays(ensemble);
    ensemble->vjp_counts.seconds = csi_clock_seconds() - start;
    return status;
}
