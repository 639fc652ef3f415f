/* SPDX-License-Identifier: MIT */
/** @file fit.h  Fitting: the loss of a solve against data as a function of parameters and initial state. */
#ifndef COSTATE_FIT_H
#define COSTATE_FIT_H

#include <costate/adjoint.h>
#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/loss.h>
#include <costate/optimize.h>
#include <costate/rhs.h>
#include <costate/solver.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Observations of one trajectory; copied at creation of a fit. */
typedef struct costate_series {
    size_t n_t;           /**< observation times, ≥ 1 */
    const double *t;      /**< n_t elements, not decreasing */
    const double *data;   /**< n_t × n_y, row-major; NaN marks a missing value */
    const double *weight; /**< weight per state, n_y elements; NULL for 1 */
    double t0;            /**< time of the initial state, ≤ t[0] */
    const double *y0;     /**< initial state, n_y elements; the start value when it is estimated */
    bool estimate_y0;     /**< true: the initial state is part of the unknowns */
} costate_series;

/** What a fit is made of; start from costate_fit_options_default(). */
typedef struct costate_fit_options {
    costate_solver_options solver;   /**< forward solve; `record` is set by the fit */
    costate_adjoint_options adjoint; /**< backward solve */
    costate_loss_fn loss;            /**< default: costate_loss_squared() */
    void *loss_ctx;                  /**< passed to loss */
} costate_fit_options;

/**
 * Default options.
 *
 * @return the defaults of solver and adjoint and the squared error
 */
COSTATE_API costate_fit_options costate_fit_options_default(void);

/** A loss over one series with its solver and adjoint. One thread at a time. */
typedef struct costate_fit costate_fit;

/**
 * Create a fit. The unknowns are x = (p, y0) when the initial state is estimated, else x = p.
 *
 * @param[in]  rhs      right-hand side with vjp, copied; its ctx must outlive the fit
 * @param[in]  series   observations, copied
 * @param[in]  options  copied; NULL for the default
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] fit      the fit, to be released with costate_fit_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         a required pointer is NULL
 * @retval COSTATE_ERR_ARGUMENT     no observation, times that decrease or lie before t0, no unknowns, or an option
 *                                  outside its range
 * @retval COSTATE_ERR_NONFINITE    a time, weight or initial state is NaN or infinite, or a datum is infinite
 * @retval COSTATE_ERR_UNSUPPORTED  the right-hand side has no vjp
 * @retval COSTATE_ERR_OVERFLOW     the sizes do not fit
 * @retval COSTATE_ERR_MEMORY       no memory
 */
COSTATE_API costate_status costate_fit_create(const costate_rhs *rhs, const costate_series *series,
                                              const costate_fit_options *options, const costate_allocator *alloc,
                                              costate_fit **fit);

/**
 * Release a fit.
 *
 * @param[in] fit  fit, or NULL (no effect)
 */
COSTATE_API void costate_fit_destroy(costate_fit *fit);

/**
 * Number of unknowns.
 *
 * @param[in] fit  fit
 * @return n_p, or n_p + n_y when the initial state is estimated; 0 if fit is NULL
 */
COSTATE_API size_t costate_fit_n_x(const costate_fit *fit);

/**
 * Use only the first n observations from now on: a growing horizon keeps a fit to oscillations out of the flat minimum
 * that ignores them.
 *
 * @param[in,out] fit  fit
 * @param[in]     n    1 … n_t
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      fit is NULL
 * @retval COSTATE_ERR_ARGUMENT  n is 0 or more than n_t
 */
COSTATE_API costate_status costate_fit_set_horizon(costate_fit *fit, size_t n);

/**
 * Loss Σ_i loss(y(t_i; x), data_i) and its gradient. Its type is costate_objective_fn: pass it to an optimiser with the
 * fit as ctx.
 *
 * @param[in]  x      unknowns, costate_fit_n_x() elements
 * @param[out] value  the loss
 * @param[out] grad   costate_fit_n_x() elements, overwritten; NULL if not wanted
 * @param[in]  fit    a costate_fit, as void pointer
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      x, value or fit is NULL
 * @retval COSTATE_ERR_NONFINITE x, the loss or the gradient is not finite
 * @retval COSTATE_ERR_RHS_FAIL  the loss callback gave up, or the right-hand side did
 * @return otherwise the status of the solve or of the adjoint; value and grad are unspecified then
 */
COSTATE_API costate_status costate_fit_objective(const double *x, double *value, double *grad, void *fit);

/**
 * Trajectory at any increasing times ≥ t0, e.g. for a plot.
 *
 * @param[in,out] fit  fit
 * @param[in]     x    unknowns
 * @param[in]     n_t  number of times, ≥ 1
 * @param[in]     t    the times
 * @param[out]    y    n_t × n_y, row-major
 * @return as costate_solve()
 */
COSTATE_API costate_status costate_fit_predict(costate_fit *fit, const double *x, size_t n_t, const double *t,
                                               double *y);

/** Totals over all evaluations of a fit. */
typedef struct costate_fit_counts {
    size_t n_value;    /**< losses without gradient */
    size_t n_gradient; /**< losses with gradient */
    size_t n_fail;     /**< failed evaluations */
    /** Sums over the forward solves; last_order, last_step and t_reached are those of the last one */
    costate_solve_counts forward;
    costate_solve_counts backward; /**< likewise over the backward solves */
} costate_fit_counts;

/**
 * Totals so far.
 *
 * @param[in] fit  fit
 * @return counts owned by the fit; NULL if fit is NULL
 */
COSTATE_API const costate_fit_counts *costate_fit_get_counts(const costate_fit *fit);

/**
 * Details of the last failure.
 *
 * @param[in] fit  fit
 * @return text owned by the fit; "" after a success or if fit is NULL
 */
COSTATE_API const char *costate_fit_detail(const costate_fit *fit);

#ifdef __cplusplus
}
#endif
#endif
