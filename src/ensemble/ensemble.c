/* SPDX-License-Identifier: MIT */
/* Ensembles: creation and release. */
#include "core/memory.h"
#include "ensemble/ensemble_internal.h"
#include "ode/solver_options.h"

#include <string.h>

#define LOG2_FIRST_TASKS 5
#define LOG2_FIRST_PAIRS 5

costate_ensemble_options costate_ensemble_options_default(void) {
    costate_ensemble_options options = {.solver = costate_solver_options_default(),
                                        .adjoint = costate_adjoint_options_default(),
                                        .n_thread = 1,
                                        .lanes = true,
                                        .max_history_bytes = (size_t)1 << 30};
    options.solver.method = COSTATE_METHOD_TSIT5;
    return options;
}

/* The ensemble's own copies of the options' arrays. */
static costate_status copy_tolerances(costate_ensemble *ensemble) {
    const size_t n = ensemble->rhs.n_y;
    costate_solver_options *solver = &ensemble->options.solver;
    costate_adjoint_options *adjoint = &ensemble->options.adjoint;
    double *copy = csi_alloc(&ensemble->alloc, n, 3 * sizeof *copy);
    if (copy == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    ensemble->tolerances = copy;
    csi_tolerances_spread(solver->atol, solver->atol_state, n, copy);
    if (solver->atol_state != NULL) {
        memcpy(copy + n, solver->atol_state, n * sizeof *copy);
        solver->atol_state = copy + n;
    }
    if (adjoint->atol_state != NULL) {
        memcpy(copy + 2 * n, adjoint->atol_state, n * sizeof *copy);
        adjoint->atol_state = copy + 2 * n;
    }
    return COSTATE_OK;
}

/* Lanes serve if the VJP, should one be asked for, can use them too. */
static bool wants_lanes(const costate_ensemble *ensemble) {
    const costate_ensemble_options *options = &ensemble->options;
    return options->lanes && options->solver.method == COSTATE_METHOD_TSIT5 && ensemble->rhs.f_lanes != NULL &&
           (ensemble->rhs.vjp_lanes != NULL || !options->solver.record);
}

static costate_status prepare_lanes(costate_ensemble *ensemble) {
    csi_lane_setup *setup = &ensemble->lane_setup;
    setup->rhs = ensemble->rhs;
    setup->options = ensemble->options.solver;
    setup->atol = ensemble->tolerances;
    setup->p =
        csi_alloc_aligned(&ensemble->alloc, ensemble->rhs.n_p, COSTATE_LANES * sizeof *setup->p, &setup->p_block);
    if (setup->p == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    return csi_lane_kernels_select(&setup->kernels);
}

static costate_status create_workers(costate_ensemble *ensemble) {
    const size_t n = ensemble->options.n_thread;
    ensemble->workers = csi_alloc(&ensemble->alloc, n, sizeof *ensemble->workers);
    costate_status status = ensemble->workers != NULL ? COSTATE_OK : COSTATE_ERR_MEMORY;
    for (; status == COSTATE_OK && ensemble->n_worker < n; ensemble->n_worker++) {
        csi_worker *worker = &ensemble->workers[ensemble->n_worker];
        worker->ensemble = ensemble;
        worker->index = ensemble->n_worker;
        if (!ensemble->in_lanes) {
            status = csi_pair_create(ensemble, &worker->spare);
        } else {
            status = csi_lanes_init(&worker->lanes, &ensemble->lane_setup, &ensemble->alloc);
            csi_lane_history_init(&worker->spare_history, ensemble->rhs.n_y);
            if (ensemble->options.solver.interrupt != NULL) {
                worker->lanes.interrupt = csi_worker_interrupt;
                worker->lanes.interrupt_ctx = worker;
            }
        }
    }
    return status;
}

static costate_status create_parts(costate_ensemble *ensemble) {
    costate_status status = copy_tolerances(ensemble);
    ensemble->in_lanes = wants_lanes(ensemble);
    if (status == COSTATE_OK && ensemble->in_lanes) {
        status = prepare_lanes(ensemble);
    }
    if (status == COSTATE_OK) {
        status = create_workers(ensemble);
    }
    if (status == COSTATE_OK) {
        status = csi_thread_pool_create(ensemble->options.n_thread, &ensemble->alloc, &ensemble->pool);
    }
    return status;
}

costate_status costate_ensemble_create(const costate_rhs *rhs, const costate_ensemble_options *options,
                                       const costate_allocator *alloc, costate_ensemble **ensemble) {
    if (ensemble == NULL) {
        return COSTATE_ERR_NULL;
    }
    *ensemble = NULL;
    costate_ensemble_options chosen = options != NULL ? *options : costate_ensemble_options_default();
    chosen.n_thread = chosen.n_thread > 0 ? chosen.n_thread : csi_processor_count();
    costate_status status = csi_solver_options_check(rhs, &chosen.solver);
    if (status != COSTATE_OK) {
        return status;
    }
    if (chosen.n_thread > CSI_THREADS_MOST) {
        return COSTATE_ERR_ARGUMENT;
    }
    const costate_allocator hooks = csi_allocator(alloc);
    costate_ensemble *made = csi_alloc(&hooks, 1, sizeof *made);
    if (made == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->outer = hooks;
    made->rhs = *rhs;
    made->options = chosen;
    made->tasks =
        (csi_chunk_list){.stride = sizeof(csi_ensemble_task), .limit = SIZE_MAX, .log2_first = LOG2_FIRST_TASKS};
    made->pairs = (csi_chunk_list){.stride = sizeof(csi_pair), .limit = SIZE_MAX, .log2_first = LOG2_FIRST_PAIRS};
    atomic_init(&made->n_pair, 0);
    atomic_init(&made->stop, false);
    status = csi_shared_alloc_init(&made->shared, &hooks);
    if (status != COSTATE_OK) {
        csi_release(&hooks, made);
        return status;
    }
    made->alloc = csi_shared_alloc_hooks(&made->shared);
    status = create_parts(made);
    if (status != COSTATE_OK) {
        costate_ensemble_destroy(made);
        return status;
    }
    *ensemble = made;
    return COSTATE_OK;
}

static void destroy_workers(costate_ensemble *ensemble) {
    for (size_t i = 0; i < ensemble->options.n_thread && ensemble->workers != NULL; i++) {
        csi_worker *worker = &ensemble->workers[i];
        csi_pair_destroy(&worker->spare);
        csi_lanes_clear(&worker->lanes, &ensemble->alloc);
        csi_chunk_list_clear(&worker->spare_history.steps, &ensemble->alloc);
        csi_release(&ensemble->alloc, worker->status);
        csi_release(&ensemble->alloc, worker->done);
    }
    csi_release(&ensemble->alloc, ensemble->workers);
}

void costate_ensemble_destroy(costate_ensemble *ensemble) {
    if (ensemble == NULL) {
        return;
    }
    const costate_allocator *alloc = &ensemble->alloc;
    csi_thread_pool_destroy(ensemble->pool);
    destroy_workers(ensemble);
    for (size_t i = 0; i < ensemble->tasks.capacity; i++) {
        csi_ensemble_task *task = csi_chunk_list_at(&ensemble->tasks, i);
        csi_chunk_list_clear(&task->history.steps, alloc);
    }
    for (size_t j = 0; j < ensemble->pairs.capacity; j++) {
        csi_pair_destroy(csi_chunk_list_at(&ensemble->pairs, j));
    }
    csi_chunk_list_clear(&ensemble->tasks, alloc);
    csi_chunk_list_clear(&ensemble->pairs, alloc);
    csi_release(alloc, ensemble->lane_setup.p_block);
    csi_release(alloc, ensemble->tolerances);
    csi_release(alloc, ensemble->status);
    csi_release(alloc, ensemble->task_pbar);
    csi_shared_alloc_clear(&ensemble->shared);
    const costate_allocator outer = ensemble->outer;
    csi_release(&outer, ensemble);
}

const costate_solve_counts *costate_ensemble_counts(const costate_ensemble *ensemble) {
    return ensemble != NULL ? &ensemble->counts : NULL;
}

const costate_solve_counts *costate_ensemble_vjp_counts(const costate_ensemble *ensemble) {
    return ensemble != NULL ? &ensemble->vjp_counts : NULL;
}

const char *costate_ensemble_detail(const costate_ensemble *ensemble) {
    return ensemble != NULL ? ensemble->detail.text : "";
}
