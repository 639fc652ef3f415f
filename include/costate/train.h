/* SPDX-License-Identifier: MIT */
/**
 * @file train.h  One call that fits: a plan of warm start, growing horizon, multiple shooting, Adam, L-BFGS and early
 * stopping.
 *
 * Everything here can be put together from the calls of fit.h, collocation.h and optimize.h; this is the front door for
 * those who do not want to choose. Stages, each of which starts from the best point of the one before:
 *
 *     1. collocation: derivatives of smoothing splines are matched, which needs no solve; estimated initial states
 *                     become those of the splines
 *     2. horizon:     the loss of the first observations only, of more of them stage by stage
 *     3. shooting:    every series in short segments with free initial states, gaps weighted more stage by stage; then
 *                     the segment states are dropped
 *     4. full:        the loss of all observations
 *
 * A stage runs Adam, then L-BFGS, each for a number of iterations that may be zero. The same plan gives the same bits.
 */
#ifndef COSTATE_TRAIN_H
#define COSTATE_TRAIN_H

#include <costate/alloc.h>
#include <costate/collocation.h>
#include <costate/export.h>
#include <costate/fit.h>
#include <costate/journal.h>
#include <costate/optimize.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most runs of an optimiser in one training. */
#define COSTATE_TRAIN_MOST_RUNS 64

/** What a stage works on. */
typedef enum costate_train_kind {
    COSTATE_TRAIN_COLLOCATION, /**< derivative matching */
    COSTATE_TRAIN_HORIZON,     /**< loss up to a time */
    COSTATE_TRAIN_SHOOTING,    /**< multiple shooting */
    COSTATE_TRAIN_FULL         /**< the loss itself */
} costate_train_kind;

/** Iterations of a stage. */
typedef struct costate_train_effort {
    size_t adam;  /**< Adam updates; 0: without Adam */
    size_t lbfgs; /**< L-BFGS evaluations; 0: without L-BFGS */
} costate_train_effort;

/** One run of an optimiser. */
typedef struct costate_train_run {
    costate_train_kind kind; /**< stage */
    size_t step;             /**< 0 … of several horizons or continuity weights */
    bool lbfgs;              /**< L-BFGS, else Adam */
    double horizon;          /**< last time of a horizon; infinity elsewhere */
    double shooting_weight;  /**< weight of the gaps; 0 elsewhere */
    bool dropped; /**< collocation: the loss cannot be evaluated where it led, so training went on from before */
    costate_status status;   /**< of the optimiser; of a collocation that could not be created, with optimum all zero */
    costate_optimum optimum; /**< outcome */
} costate_train_run;

/** State of a training, as its progress callback sees it. */
typedef struct costate_train_progress {
    const costate_train_run *run;      /**< the run in progress; its outcome is not yet set */
    const char *name;                  /**< costate_train_kind_text() of its kind */
    const costate_progress *optimizer; /**< iteration, value, point of the optimiser */
    double validation;                 /**< mean loss of the held-out series when last looked at; NaN before */
    double best_validation;            /**< smallest so far; NaN before */
} costate_train_progress;

/** Progress callback, called after every iteration; non-zero ends the training with the best point so far. */
typedef int (*costate_train_progress_fn)(const costate_train_progress *progress, void *ctx);

/** What to do; start from costate_train_plan_default(). */
typedef struct costate_train_plan {
    bool collocation; /**< stage 1; default true. Left out where states are not observed */
    costate_collocation_options collocation_options; /**< default: costate_collocation_options_default() */
    costate_train_effort collocation_effort;         /**< default 300 and 200 */

    size_t n_horizon;                    /**< horizons before the last; default 0 */
    costate_train_effort horizon_effort; /**< of each; default 200 and 0 */

    size_t n_shooting;           /**< continuity weights; default 0 */
    size_t shooting_length;      /**< observations per segment, ≥ 1; default 5 */
    double shooting_weight;      /**< of the first step, > 0; default 1 */
    double shooting_weight_last; /**< of the last step, > 0, geometric between; default 100 */
    /** Unit of the gaps of each state, n_y elements > 0; NULL: standard deviation of its data, or 1 where it has none */
    const double *shooting_scale;
    costate_train_effort shooting_effort; /**< of each step; default 0 and 100 */

    costate_train_effort effort; /**< stage 4; default 200 and 1 000 */

    costate_adam_options adam;   /**< all but `stop`; default: rate 0.01 */
    costate_lbfgs_options lbfgs; /**< memory, and rel_change and grad_norm of `stop`; bounds are not used */

    size_t validate_every; /**< stage 4: iterations between looks at the held-out series, ≥ 1; default 10 */
    /**
     * Stage 4: iterations without an improvement of the validation loss after which training ends; 0 (default): never.
     * With held-out series the result is the point with the best validation loss, whether it ended early or not
     */
    size_t patience;

    double max_seconds; /**< wall-clock limit, s, after which the run in progress is the last; 0: none */

    costate_journal *journal;           /**< checkpoint, see journal.h; NULL: none */
    costate_train_progress_fn progress; /**< NULL: none */
    void *progress_ctx;                 /**< passed to progress */
} costate_train_plan;

/** What a training did. */
typedef struct costate_train_outcome {
    size_t n_run; /**< runs of an optimiser, or a collocation that could not be run */
    costate_train_run runs[COSTATE_TRAIN_MOST_RUNS]; /**< the first n_run are set */
    double value;                                    /**< loss at the returned point; NaN if it cannot be evaluated */
    double validation;  /**< mean loss of the held-out series there; NaN without any or if it cannot be evaluated */
    bool stopped_early; /**< patience ran out */
    bool stopped;       /**< the progress callback or max_seconds ended the training */
} costate_train_outcome;

/**
 * Default plan.
 *
 * @return the values named at each member
 */
COSTATE_API costate_train_plan costate_train_plan_default(void);

/**
 * Text of a kind of stage: "collocation", "horizon", "shooting" or "full".
 *
 * @param[in] kind  any value
 * @return a constant string, "unknown" for a value not in the list
 */
COSTATE_API const char *costate_train_kind_text(costate_train_kind kind);

/**
 * Train a fit.
 *
 * A stage that fails is given up: the next one starts where it started. Horizon and shooting of the fit must be off
 * before, and are afterwards. With a journal, resuming repeats the walk through the recorded stages without solves, except
 * for those that set segment states.
 *
 * @param[in,out] fit      fit
 * @param[in]     plan     NULL for the default
 * @param[in]     alloc    where memory comes from; NULL for malloc. All of it is released before the call returns
 * @param[in,out] x        unknowns, costate_fit_n_x() elements (without shooting): start in, best point out. The best
 *                         point is that of the last stage, whose loss is the fit's; with held-out series the best by
 *                         validation
 * @param[out]    outcome  what was done; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      fit or x is NULL
 * @retval COSTATE_ERR_STATE     the fit has horizon or shooting set
 * @retval COSTATE_ERR_ARGUMENT  a member of the plan is outside its range, or there would be too many runs
 * @retval COSTATE_ERR_MEMORY    no memory
 * @retval COSTATE_ERR_OPTIMIZER no point could be evaluated in the last stage; x is what came out of the earlier ones
 * @return otherwise the status of the objective or the journal that ended the training, with the best point so far in x
 */
COSTATE_API costate_status costate_train(costate_fit *fit, const costate_train_plan *plan,
                                         const costate_allocator *alloc, double *x, costate_train_outcome *outcome);

#ifdef __cplusplus
}
#endif
#endif
