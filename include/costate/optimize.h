/* SPDX-License-Identifier: MIT */
/** @file optimize.h  Minimisers of a function with gradient: Adam here, L-BFGS from NLopt. */
#ifndef COSTATE_OPTIMIZE_H
#define COSTATE_OPTIMIZE_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Function to be minimised.
 *
 * A failure (any status but COSTATE_OK) marks x as infeasible: the optimiser backs off and carries on.
 * COSTATE_ERR_INTERRUPTED, COSTATE_ERR_MEMORY, COSTATE_ERR_NULL, COSTATE_ERR_ARGUMENT, COSTATE_ERR_SIZE,
 * COSTATE_ERR_STATE, COSTATE_ERR_MISMATCH, COSTATE_ERR_FORMAT and COSTATE_ERR_IO end the optimisation and are returned
 * by it.
 *
 * @param[in]  x      n elements
 * @param[out] value  the function at x
 * @param[out] grad   n elements, overwritten; NULL if not wanted
 * @param[in]  ctx    user data
 * @return a status
 */
typedef costate_status (*costate_objective_fn)(const double *x, double *value, double *grad, void *ctx);

/** State of an optimisation, as its progress callback sees it. */
typedef struct costate_progress {
    size_t iteration;     /**< iterations done: Adam updates or L-BFGS evaluations */
    size_t max_iteration; /**< limit */
    /** Function value at the current point; after a failed evaluation the best point counts as the current one */
    double value;
    double best;         /**< smallest value so far */
    double grad_norm;    /**< Euclidean norm of the current gradient */
    size_t n_eval;       /**< evaluations, failed ones included */
    size_t n_fail;       /**< evaluations that failed */
    double seconds;      /**< wall-clock time since the start, s */
    double seconds_left; /**< estimate from the mean time per iteration, s */
    const double *x;     /**< current point, n elements */
} costate_progress;

/** Progress callback; non-zero stops the optimisation with COSTATE_STOP_CALLBACK. */
typedef int (*costate_progress_fn)(const costate_progress *progress, void *ctx);

/** Why an optimisation ended: X(enumerator, text). */
#define COSTATE_STOP_LIST(X)                                                                                           \
    X(MAX_ITERATION, "iteration limit")                                                                                \
    X(VALUE, "value below the target")                                                                                 \
    X(GRADIENT, "gradient small")                                                                                      \
    X(CHANGE, "no more change")                                                                                        \
    X(TIME, "time limit")                                                                                              \
    X(CALLBACK, "stopped by the callback")                                                                             \
    X(FAILURE, "no feasible point could be found")

/** Why an optimisation ended. */
typedef enum costate_stop {
#define COSTATE_STOP_ENUM(name, text) COSTATE_STOP_##name,
    COSTATE_STOP_LIST(COSTATE_STOP_ENUM)
#undef COSTATE_STOP_ENUM
} costate_stop;

/**
 * Text of a stop reason.
 *
 * @param[in] stop  any value
 * @return a constant string, "unknown" for a value not in the list
 */
COSTATE_API const char *costate_stop_text(costate_stop stop);

/** Outcome of an optimisation. */
typedef struct costate_optimum {
    costate_stop stop;  /**< why it ended */
    double value;       /**< function at the returned point: the best one visited */
    double grad_norm;   /**< Euclidean norm of the gradient there */
    size_t n_iteration; /**< iterations */
    size_t n_eval;      /**< evaluations, failed ones included */
    size_t n_fail;      /**< evaluations that failed */
    double seconds;     /**< wall-clock time, s */
} costate_optimum;

/** Stop criteria and progress of every optimiser; zero members are off. */
typedef struct costate_stop_criteria {
    size_t max_iteration; /**< ≥ 1 */
    double max_seconds;   /**< wall-clock limit, s; 0: none */
    double value;         /**< stop when the value is ≤ this; -INFINITY (default): never */
    /** Stop when the Euclidean norm of the gradient is ≤ this; 0: only at an exact stationary point */
    double grad_norm;
    double rel_change;            /**< L-BFGS: stop when a step changes the value by less than this fraction; 0: off */
    costate_progress_fn progress; /**< called after every iteration; NULL: none */
    void *progress_ctx;           /**< passed to progress */
} costate_stop_criteria;

/**
 * Adam (Kingma & Ba 2015): m ← β₁m + (1−β₁)g, s ← β₂s + (1−β₂)g², x ← x − η_k m̂/(√ŝ + ε), with bias-corrected m̂, ŝ;
 * start from costate_adam_options_default().
 */
typedef struct costate_adam_options {
    double rate; /**< learning rate η, > 0; default 0.01 */
    /** Rate of the last iteration, > 0: η falls geometrically from rate to it; 0 (default): constant */
    double rate_final;
    double beta1;               /**< in [0, 1); default 0.9 */
    double beta2;               /**< in [0, 1); default 0.999 */
    double epsilon;             /**< > 0; default 1e-8 */
    double clip;                /**< rescale gradients to at most this norm; 0 (default): off */
    costate_stop_criteria stop; /**< default: 1 000 iterations */
} costate_adam_options;

/**
 * Default options.
 *
 * @return the values named at each member
 */
COSTATE_API costate_adam_options costate_adam_options_default(void);

/**
 * Minimise by Adam. After a failed evaluation the point goes back to the best one, the moments to zero, and the rate is
 * halved, to recover by 2 % with every feasible update; ten failures in a row end the run.
 *
 * @param[in]     n        variables, ≥ 1
 * @param[in]     f        function
 * @param[in]     ctx      passed to f
 * @param[in]     options  NULL for the default
 * @param[in]     alloc    where memory comes from; NULL for malloc. All of it is released before the call returns
 * @param[in,out] x        n elements: start in, best point out
 * @param[out]    optimum  outcome; NULL if not wanted
 * @retval COSTATE_OK            optimum->stop says why it ended
 * @retval COSTATE_ERR_NULL      f or x is NULL
 * @retval COSTATE_ERR_ARGUMENT  n is 0 or an option is outside its range
 * @retval COSTATE_ERR_MEMORY    no memory
 * @retval COSTATE_ERR_OPTIMIZER no point could be evaluated; x is unchanged
 * @return otherwise the status of f that ended the run, with the best point in x
 */
COSTATE_API costate_status costate_minimize_adam(size_t n, costate_objective_fn f, void *ctx,
                                                 const costate_adam_options *options, const costate_allocator *alloc,
                                                 double *x, costate_optimum *optimum);

/** L-BFGS; start from costate_lbfgs_options_default(). */
typedef struct costate_lbfgs_options {
    size_t memory;       /**< gradient pairs kept, ≥ 1; 0 (default): NLopt's choice */
    const double *lower; /**< lower bounds, n elements; NULL: none */
    const double *upper; /**< upper bounds, n elements; NULL: none */
    /** Default: 1 000 evaluations, relative change 1e-10. An iteration is one evaluation */
    costate_stop_criteria stop;
} costate_lbfgs_options;

/**
 * Default options.
 *
 * @return the values named at each member
 */
COSTATE_API costate_lbfgs_options costate_lbfgs_options_default(void);

/**
 * Minimise by limited-memory BFGS (NLopt's LD_LBFGS: Nocedal 1980; Liu & Nocedal 1989; Lukšan's implementation). A
 * failed evaluation is a large finite value to the line search. The first step has a length of about |f|/|gradient|,
 * within 0.01 … 1. A line search that finds nothing lower ends the run with COSTATE_STOP_CHANGE. NLopt also stops, with
 * COSTATE_STOP_GRADIENT, when no element of the gradient exceeds 1e-9 of the norm of the first one, or less.
 *
 * @param[in]     n        variables, ≥ 1
 * @param[in]     f        function
 * @param[in]     ctx      passed to f
 * @param[in]     options  NULL for the default
 * @param[in]     alloc    where memory comes from (not that inside NLopt); NULL for malloc
 * @param[in,out] x        n elements: start in, best point out
 * @param[out]    optimum  outcome; NULL if not wanted
 * @retval COSTATE_OK            optimum->stop says why it ended
 * @retval COSTATE_ERR_NULL      f or x is NULL
 * @retval COSTATE_ERR_ARGUMENT  n is 0 or above INT_MAX, an option is outside its range, or the start violates a bound
 * @retval COSTATE_ERR_MEMORY    no memory
 * @retval COSTATE_ERR_OPTIMIZER the start could not be evaluated; x is unchanged
 * @return otherwise the status of f that ended the run, with the best point in x
 */
COSTATE_API costate_status costate_minimize_lbfgs(size_t n, costate_objective_fn f, void *ctx,
                                                  const costate_lbfgs_options *options, const costate_allocator *alloc,
                                                  double *x, costate_optimum *optimum);

#ifdef __cplusplus
}
#endif
#endif
