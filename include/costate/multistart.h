/* SPDX-License-Identifier: MIT */
/** @file multistart.h  Many optimisations from different starts, in parallel, and the best of them. */
#ifndef COSTATE_MULTISTART_H
#define COSTATE_MULTISTART_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * One start: draw a start point from the seed k, optimise, and report.
 *
 * Runs in any of the threads, several at a time. What one start gives may depend on k alone, so it works on objects of
 * its own, or on those of its worker: no two starts that run at the same time have the same `worker`. A fit inside
 * should have one thread.
 *
 * @param[in]     k       number of the start, 0 … n_start − 1: a seed or stream for costate_random_seed()
 * @param[in]     worker  number of the thread, 0 … n_thread − 1
 * @param[in,out] x       n_x elements: zeros in, best point out
 * @param[out]    value   the value to compare starts by; smaller is better
 * @param[in]     ctx     user data, shared by all threads
 * @return a status; anything but COSTATE_OK, or a value that is not finite, counts as a failure
 */
typedef costate_status (*costate_start_fn)(size_t k, size_t worker, double *x, double *value, void *ctx);

/** What became of a start. */
typedef struct costate_multistart_result {
    size_t start; /**< k */
    costate_status
        status;   /**< of the start; COSTATE_ERR_NONFINITE: the value is not finite; COSTATE_ERR_INTERRUPTED: not run */
    double value; /**< its value; infinity if it failed or did not run */
} costate_multistart_result;

/** State of a multi-start, as its progress callback sees it. */
typedef struct costate_multistart_progress {
    size_t n_start;                          /**< starts in all */
    size_t n_done;                           /**< starts that have ended, this one included */
    size_t n_fail;                           /**< of these, failed */
    const costate_multistart_result *latest; /**< the start that has just ended */
    const double *x;                         /**< its point, n_x elements */
    double best;                             /**< smallest value so far; infinity if there is none */
} costate_multistart_progress;

/** Progress callback; called by one thread at a time, in the order in which starts end. Non-zero: begin no more. */
typedef int (*costate_multistart_progress_fn)(const costate_multistart_progress *progress, void *ctx);

/** Options of a multi-start; start from costate_multistart_options_default(). */
typedef struct costate_multistart_options {
    size_t n_thread; /**< threads, 0: one per processor; default 1 */
    /**
     * A start with a value ≤ this makes all later ones superfluous; default -INFINITY. The outcome is that of the starts
     * 0 … k with k the first one that reaches it, whatever the number of threads
     */
    double target;
    costate_multistart_progress_fn progress; /**< called after every start; NULL: none */
    void *progress_ctx;                      /**< passed to progress */
} costate_multistart_options;

/**
 * Default options.
 *
 * @return the values named at each member
 */
COSTATE_API costate_multistart_options costate_multistart_options_default(void);

/**
 * Run n_start starts and sort them by value.
 *
 * Results and points are the same for any number of threads, unless the progress callback stops the run.
 *
 * @param[in]  n_start  starts, ≥ 1
 * @param[in]  n_x      unknowns, ≥ 1
 * @param[in]  start    one start
 * @param[in]  ctx      passed to start
 * @param[in]  options  NULL for the default
 * @param[in]  alloc    where memory comes from; NULL for malloc. All of it is released before the call returns
 * @param[out] results  n_start elements: successes by value (equal ones by number), then failures by number, then starts
 *                      that did not run. NULL if not wanted
 * @param[in]  n_best   points wanted, ≥ 1 and ≤ n_start
 * @param[out] x        n_best × n_x, row-major: the points of the first n_best results; NaN where a start failed or did
 *                      not run
 * @param[out] n_ok     number of successes; NULL if not wanted
 * @retval COSTATE_OK            there was at least one success
 * @retval COSTATE_ERR_NULL      start or x is NULL
 * @retval COSTATE_ERR_ARGUMENT  n_start, n_x or n_best is 0, n_best is above n_start, n_thread above 1024, or the target
 *                               NaN
 * @retval COSTATE_ERR_OVERFLOW  the sizes do not fit
 * @retval COSTATE_ERR_MEMORY    no memory, or no thread
 * @retval COSTATE_ERR_OPTIMIZER no start succeeded; results, x and n_ok are set
 */
COSTATE_API costate_status costate_multistart(size_t n_start, size_t n_x, costate_start_fn start, void *ctx,
                                              const costate_multistart_options *options, const costate_allocator *alloc,
                                              costate_multistart_result *results, size_t n_best, double *x,
                                              size_t *n_ok);

#ifdef __cplusplus
}
#endif
#endif
