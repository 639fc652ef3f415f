/* SPDX-License-Identifier: MIT */
/* Trajectories one at a time, by any method: each with a solver and an adjoint of its own, whose history waits for the
 * VJP, as long as there is room; the others share one pair per thread and are solved again by the VJP. */
#include "ensemble/ensemble_internal.h"
#include "ode/solve_counts.h"

#include <math.h>

/* What CVODE allocates in a solver and its adjoint: fixed, and per state. Measured, and rounded up. */
#define CVODE_BYTES 49152
#define CVODE_BYTES_PER_STATE 2048

/* Explicit steps are made again more quickly than they are read back, once a cache of the processor no longer holds all of them: 7.1
 * against 8.5 µs for a gradient over ten steps, one of 10 000, on a machine with 32 MB. */
#define EXPLICIT_BYTES ((size_t)16 << 20)

static size_t hidden_bytes(const costate_ensemble *ensemble) {
    const costate_method method = ensemble->options.solver.method;
    const bool by_cvode = method == COSTATE_METHOD_ADAMS || method == COSTATE_METHOD_BDF;
    return by_cvode ? CVODE_BYTES + CVODE_BYTES_PER_STATE * ensemble->rhs.n_y : 0;
}

costate_status csi_pair_create(costate_ensemble *ensemble, csi_pair *pair) {
    costate_solver_options options = ensemble->options.solver;
    if (options.interrupt != NULL) {
        options.interrupt = csi_pair_interrupt;
        options.interrupt_ctx = pair;
    }
    costate_status status = costate_solver_create(&ensemble->rhs, &options, &ensemble->alloc, &pair->solver);
    if (status == COSTATE_OK && options.record && ensemble->rhs.vjp != NULL) {
        status = costate_adjoint_create(pair->solver, &ensemble->options.adjoint, &ensemble->alloc, &pair->adjoint);
    }
    if (status != COSTATE_OK) {
        csi_pair_destroy(pair);
    }
    return status;
}

void csi_pair_destroy(csi_pair *pair) {
    costate_adjoint_destroy(pair->adjoint);
    costate_solver_destroy(pair->solver);
    *pair = (csi_pair){0};
}

/* What pairs may occupy altogether; 0 for no limit. */
static size_t limit_of(const costate_ensemble *ensemble) {
    const size_t limit = ensemble->options.max_history_bytes;
    const costate_method method = ensemble->options.solver.method;
    const bool cheap = method == COSTATE_METHOD_TSIT5 || method == COSTATE_METHOD_DOP853;
    return cheap && (limit == 0 || limit > EXPLICIT_BYTES) ? EXPLICIT_BYTES : limit;
}

/* True if another pair may be made. */
static bool has_room(costate_ensemble *ensemble) {
    const size_t limit = limit_of(ensemble);
    const size_t hidden = hidden_bytes(ensemble) * atomic_load_explicit(&ensemble->n_pair, memory_order_relaxed);
    return limit == 0 || csi_shared_alloc_bytes(&ensemble->shared) + hidden < limit;
}

/* The trajectory's own pair or, if there is no room for it, its thread's. */
static csi_pair *pair_for_solve(csi_worker *worker, size_t j) {
    costate_ensemble *ensemble = worker->ensemble;
    csi_pair *own = csi_chunk_list_at(&ensemble->pairs, j);
    const bool kept = worker->spare.adjoint != NULL;
    if (own->solver == NULL && kept && has_room(ensemble) && csi_pair_create(ensemble, own) == COSTATE_OK) {
        atomic_fetch_add_explicit(&ensemble->n_pair, 1, memory_order_relaxed);
    }
    return own->solver != NULL ? own : &worker->spare;
}

static costate_status solve(csi_pair *pair, const csi_worker *worker, size_t j, double *y) {
    const csi_trajectory_set *set = &worker->ensemble->set;
    const csi_solve_arguments a = csi_trajectory_arguments(set, j);
    pair->worker = worker;
    return costate_solve(pair->solver, a.p, a.t0, a.y0, a.n_t, a.t, y);
}

void csi_solve_one_at_a_time(csi_worker *worker, csi_ensemble_task *task) {
    costate_ensemble *ensemble = worker->ensemble;
    const csi_trajectory_set *set = &ensemble->set;
    for (size_t j = task->begin; j < task->end; j++) {
        csi_pair *pair = pair_for_solve(worker, j);
        double *y = ensemble->y != NULL ? ensemble->y + csi_trajectory_row(set, j) * set->n_y : NULL;
        ensemble->status[j] = solve(pair, worker, j, y);
        csi_solve_counts_add(&task->counts, costate_solver_counts(pair->solver));
        if (ensemble->status[j] != COSTATE_OK) {
            csi_note_failure(&task->failure, j, ensemble->status[j], costate_solver_detail(pair->solver));
        }
    }
}

/* The pair that holds the trajectory's history, which is made again if need be. */
static csi_pair *pair_for_vjp(csi_worker *worker, csi_ensemble_task *task, size_t j, costate_status *status) {
    csi_pair *own = csi_chunk_list_at(&worker->ensemble->pairs, j);
    *status = COSTATE_OK;
    if (own->solver != NULL) {
        return own;
    }
    csi_pair *pair = &worker->spare;
    *status = solve(pair, worker, j, NULL);
    const costate_solve_counts *counts = costate_solver_counts(pair->solver);
    task->counts.n_f += counts->n_f;
    task->counts.n_replay += counts->n_step;
    if (*status != COSTATE_OK) {
        csi_note_failure(&task->failure, j, *status, costate_solver_detail(pair->solver));
    }
    return pair;
}

static costate_status vjp(csi_worker *worker, csi_ensemble_task *task, size_t j) {
    costate_ensemble *ensemble = worker->ensemble;
    const csi_trajectory_set *set = &ensemble->set;
    const csi_solve_arguments a = csi_trajectory_arguments(set, j);
    costate_status status;
    csi_pair *pair = pair_for_vjp(worker, task, j, &status);
    if (status != COSTATE_OK) {
        return status;
    }
    double *pbar = csi_ensemble_task_pbar(ensemble, task);
    pair->worker = worker;
    status = costate_adjoint_vjp(pair->adjoint, a.p, a.n_t, ensemble->v + csi_trajectory_row(set, j) * set->n_y,
                                 ensemble->y0bar != NULL ? ensemble->y0bar + j * set->n_y : NULL,
                                 pbar != NULL && set->all.own_p ? pbar + j * set->n_p : pbar, NULL);
    csi_solve_counts_add(&task->counts, costate_adjoint_counts(pair->adjoint));
    if (status != COSTATE_OK) {
        csi_note_failure(&task->failure, j, status, costate_adjoint_detail(pair->adjoint));
    }
    return status;
}

void csi_vjp_one_at_a_time(csi_worker *worker, csi_ensemble_task *task) {
    costate_ensemble *ensemble = worker->ensemble;
    const size_t n = ensemble->set.n_y;
    for (size_t j = task->begin; j < task->end; j++) {
        const bool good = ensemble->status[j] == COSTATE_OK && vjp(worker, task, j) == COSTATE_OK;
        for (size_t i = 0; !good && ensemble->y0bar != NULL && i < n; i++) {
            ensemble->y0bar[j * n + i] = (double)NAN;
        }
    }
}
