/* SPDX-License-Identifier: MIT */
/** @file ensemble.h  Many trajectories of one right-hand side, and the VJP of all their solves. */
#ifndef COSTATE_ENSEMBLE_H
#define COSTATE_ENSEMBLE_H

#include <costate/adjoint.h>
#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/rhs.h>
#include <costate/solver.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of an ensemble; start from costate_ensemble_options_default(). */
typedef struct costate_ensemble_options {
    /**
     * Of every trajectory; default method: tsit5. `interrupt` is polled by the thread that calls the ensemble only,
     * after the steps which that thread makes itself. Lanes have no checkpoints: `max_history_bytes` of the solver, times
     * the trajectories, then is one more limit of the kind of the member below.
     */
    costate_solver_options solver;
    costate_adjoint_options adjoint; /**< of every trajectory's VJP; used by adams and bdf */
    size_t n_thread; /**< threads that share the trajectories, ≤ 1024; 0: one per processor; default 1 */
    /**
     * Advance COSTATE_LANES trajectories at once where that is possible: tsit5 and a right-hand side with f_lanes and,
     * unless the solver does not record, vjp_lanes; default true. Results are the same to rounding, not to the bit.
     */
    bool lanes;
    /**
     * What the histories kept from a solve to its VJP may occupy in all, in bytes (for adams and bdf with an estimate
     * of what CVODE allocates itself); 0: no limit; default 2³⁰. Trajectories that find no room are solved once more by
     * the VJP, to the same bits. One at a time by tsit5 or dop853 they are beyond 2²⁴ bytes in any case, since that is
     * quicker than reading their histories from memory. Every thread may go beyond the limit by one trajectory, or by one task of lanes.
     */
    size_t max_history_bytes;
} costate_ensemble_options;

/**
 * Default options.
 *
 * @return the values named at each member; otherwise as costate_solver_options_default() and
 *         costate_adjoint_options_default()
 */
COSTATE_API costate_ensemble_options costate_ensemble_options_default(void);

/**
 * The trajectories of one solve: y_j′ = f(t, y_j, p_j), y_j(t0_j) = y0_j, for j = 0 … n − 1. All arrays are the
 * caller's and need not outlive the call.
 */
typedef struct costate_trajectories {
    size_t n;         /**< trajectories; 0 is allowed */
    const double *y0; /**< n × n_y, row-major: initial states */
    const double *p;  /**< n_p elements shared by all or, with own_p, n × n_p row-major; NULL only if n_p is 0 */
    bool own_p;       /**< every trajectory has its own parameters */
    const double *t0; /**< one initial time shared by all or, with own_t0, n elements */
    bool own_t0;      /**< every trajectory has its own initial time */
    size_t n_t;       /**< output times shared by all, ≥ 1; unused with `first` */
    const double *t;  /**< the shared times, n_t elements or, with `first`, those of all trajectories in a row */
    /** n + 1 elements: the times of trajectory j are t[first[j]] … t[first[j + 1] − 1]; NULL: all share n_t times */
    const size_t *first;
} costate_trajectories;

/**
 * An ensemble: threads, solvers, adjoints and histories for any number of trajectories. One thread at a time calls it;
 * the right-hand side's callbacks run in several threads at once if n_thread is above 1. An ensemble with threads of
 * its own does not work in a child that its process forks.
 */
typedef struct costate_ensemble costate_ensemble;

/**
 * Create an ensemble.
 *
 * @param[in]  rhs       right-hand side, copied; its ctx must outlive the ensemble and bear being used by all threads
 * @param[in]  options   copied, with the arrays they point to; NULL for the default
 * @param[in]  alloc     where memory comes from (not that inside CVODE); NULL for malloc. Its functions are called by
 *                       one thread at a time
 * @param[out] ensemble  the ensemble, to be released with costate_ensemble_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         rhs, rhs->f or ensemble is NULL
 * @retval COSTATE_ERR_ARGUMENT     n_y is 0, an option is outside its range, or COSTATE_ISA holds no known name
 * @retval COSTATE_ERR_UNSUPPORTED  as costate_solver_create(), or COSTATE_ISA names a variant that this CPU lacks
 * @retval COSTATE_ERR_OVERFLOW     the sizes do not fit
 * @retval COSTATE_ERR_MEMORY       no memory, or no thread to be had
 */
COSTATE_API costate_status costate_ensemble_create(const costate_rhs *rhs, const costate_ensemble_options *options,
                                                   const costate_allocator *alloc, costate_ensemble **ensemble);

/**
 * Release an ensemble.
 *
 * @param[in] ensemble  ensemble, or NULL (no effect)
 */
COSTATE_API void costate_ensemble_destroy(costate_ensemble *ensemble);

/**
 * Solve all trajectories, each as costate_solve() would: with a step control of its own, whatever the others do.
 *
 * The bits of a trajectory's results depend neither on the number of threads nor on which other trajectories there are.
 * Memory is allocated when trajectories, times or steps are more than before, and not otherwise (in trajectories that
 * are solved again by the VJP, the last holds for one thread).
 *
 * @param[in,out] ensemble      ensemble
 * @param[in]     trajectories  what to solve
 * @param[out]    y             one row of n_y elements for each (trajectory, time): row j·n_t + i or, with `first`, row
 *                              first[j] + i is y_j at that trajectory's time i. NULL if not wanted. Rows that a
 *                              trajectory did not reach are NaN
 * @param[out]    status        n elements: what costate_solve() would return for each; NULL if not wanted
 *
 * A trajectory that fails does not hold up the others. No array may overlap another.
 *
 * @return COSTATE_OK, or the status of the first (lowest j) trajectory that failed, which costate_ensemble_detail()
 *         names; see costate_solve()
 * @retval COSTATE_ERR_NULL      a required pointer is NULL; nothing was written
 * @retval COSTATE_ERR_ARGUMENT  n_t is 0, or `first` descends; nothing was written
 * @retval COSTATE_ERR_OVERFLOW  the sizes do not fit; nothing was written
 * @retval COSTATE_ERR_MEMORY    no memory; nothing was written, unless a trajectory's status says so
 */
COSTATE_API costate_status costate_ensemble_solve(costate_ensemble *ensemble, const costate_trajectories *trajectories,
                                                  double *y, costate_status *status);

/**
 * Gradient of a loss of all trajectories of the last solve, given its cotangents v = ∂L/∂y: y0bar_j = ∂L/∂y0_j and
 * pbar += Σ_j (∂y_j/∂p)ᵀ v_j or, with own_p, pbar_j += (∂y_j/∂p_j)ᵀ v_j. For each trajectory as costate_adjoint_vjp().
 *
 * A shared pbar is summed in an order that depends on n alone: the same bits for every number of threads.
 *
 * @param[in,out] ensemble      ensemble whose solver records, of a right-hand side with vjp
 * @param[in]     trajectories  those of the last solve, with the same numbers
 * @param[in]     v             cotangents, in the shape of `y` of costate_ensemble_solve()
 * @param[out]    y0bar         n × n_y, overwritten; NULL if not wanted
 * @param[in,out] pbar          n_p elements or, with own_p, n × n_p, accumulated into; NULL if not wanted
 *
 * A trajectory whose solve failed adds nothing to pbar, whatever its cotangents, and has NaN in y0bar. After a failure
 * y0bar has NaN for the trajectories that failed and is right for the others; pbar holds an unspecified part of the
 * gradient. No array may overlap another.
 *
 * @return COSTATE_OK, or the status of the first (lowest j) trajectory whose VJP failed, which
 *         costate_ensemble_detail() names; see costate_adjoint_vjp()
 * @retval COSTATE_ERR_NULL         a required pointer is NULL
 * @retval COSTATE_ERR_STATE        there was no solve, or it was refused as a whole
 * @retval COSTATE_ERR_SIZE         the trajectories or their times are not as many as in the solve
 * @retval COSTATE_ERR_UNSUPPORTED  the solver does not record, or the right-hand side has no vjp
 * @retval COSTATE_ERR_MEMORY       no memory
 */
COSTATE_API costate_status costate_ensemble_vjp(costate_ensemble *ensemble, const costate_trajectories *trajectories,
                                                const double *v, double *y0bar, double *pbar);

/**
 * What the last solve cost, summed over the trajectories. An evaluation for several lanes counts once for each lane
 * that was at work. last_order, last_step and t_reached are those of one trajectory; seconds is wall-clock time.
 *
 * @param[in] ensemble  ensemble
 * @return counts owned by the ensemble, valid until the next solve; NULL if ensemble is NULL
 */
COSTATE_API const costate_solve_counts *costate_ensemble_counts(const costate_ensemble *ensemble);

/**
 * What the last VJP cost, in the same way; n_replay counts the steps of trajectories that were solved once more.
 *
 * @param[in] ensemble  ensemble
 * @return counts owned by the ensemble, valid until the next VJP; NULL if ensemble is NULL
 */
COSTATE_API const costate_solve_counts *costate_ensemble_vjp_counts(const costate_ensemble *ensemble);

/**
 * Details of the last failure.
 *
 * @param[in] ensemble  ensemble
 * @return text owned by the ensemble, valid until its next call; "" after a success or if ensemble is NULL
 */
COSTATE_API const char *costate_ensemble_detail(const costate_ensemble *ensemble);

#ifdef __cplusplus
}
#endif
#endif
