/* SPDX-License-Identifier: MIT */
/**
 * @file fit.h  Fitting: the loss of solves against data as a function of everything that is estimated, with its gradient.
 *
 * A fit has one or several series (experiments) that share the parameters of one right-hand side. Everything that could
 * be estimated stands in one vector of natural values,
 *
 *     q = (p, noise, y0 of series 0, y0 of series 1, …, t0 of series 0, t0 of series 1, …);
 *
 * `estimates` say which entries are, and how: by default all of p, and the noise parameters on a logarithmic scale. The
 * optimiser sees the unknowns x: one for each estimated entry of q, in the order of q, with q = T(scale · x); then, with
 * multiple shooting, the states at the start of the later segments.
 */
#ifndef COSTATE_FIT_H
#define COSTATE_FIT_H

#include <costate/adjoint.h>
#include <costate/alloc.h>
#include <costate/ensemble.h>
#include <costate/export.h>
#include <costate/loss.h>
#include <costate/optimize.h>
#include <costate/rhs.h>
#include <costate/solver.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Observations of one trajectory. */
typedef struct costate_series {
    size_t n_t;           /**< observation times, ≥ 1 */
    const double *t;      /**< n_t elements, not decreasing; repeated times are allowed */
    const double *data;   /**< n_t × n_h, row-major; NaN marks a missing value */
    const double *weight; /**< weight per observed quantity, n_h elements ≥ 0; NULL for 1 */
    double t0;            /**< time of the initial state, ≤ t[0]; the start value when it is estimated */
    const double *y0; /**< initial state, n_y elements; the start value when it is estimated. Not used with `initial` */
    /** This series' values of the entries of p that `covariate_index` names, n_covariate elements */
    const double *covariate;
    /** true: not part of the objective, but of costate_fit_validation(); its initial state and time are not estimated */
    bool held_out;
} costate_series;

/** What is observed of a state: h(t, y, p). Callbacks return a costate_answer and run in one thread. */
typedef struct costate_observable {
    size_t n_h; /**< observed quantities, ≥ 1 */
    void *ctx;  /**< passed to the callbacks */
    /** h = h(t, y, p), n_h elements */
    int (*f)(double t, const double *y, const double *p, double *h, void *ctx);
    /** ybar = (∂h/∂y)ᵀ v (n_y elements, overwritten), pbar += (∂h/∂p)ᵀ v (n_p elements) */
    int (*vjp)(double t, const double *y, const double *p, const double *v, double *ybar, double *pbar, void *ctx);
} costate_observable;

/** Initial states as a function of the parameters. p are those of the series, covariates in their places. */
typedef struct costate_initial {
    void *ctx; /**< passed to the callbacks */
    /** y0 = y0(p), n_y elements */
    int (*f)(size_t series, const double *p, double *y0, void *ctx);
    /** pbar += (∂y0/∂p)ᵀ y0bar, n_p elements */
    int (*vjp)(size_t series, const double *p, const double *y0bar, double *pbar, void *ctx);
} costate_initial;

/** A part of q. */
typedef enum costate_fit_part {
    COSTATE_FIT_PARAMETER,     /**< p, n_p entries */
    COSTATE_FIT_NOISE,         /**< noise parameters of the loss */
    COSTATE_FIT_INITIAL_STATE, /**< y0 of a series, n_y entries */
    COSTATE_FIT_INITIAL_TIME   /**< t0 of a series, one entry; its gradient converges with the tolerance */
} costate_fit_part;

/** q = T(z). */
typedef enum costate_transform {
    COSTATE_TRANSFORM_NONE,    /**< q = z */
    COSTATE_TRANSFORM_LOG,     /**< q = exp(z): positive */
    COSTATE_TRANSFORM_LOGIT,   /**< q = lower + (upper − lower)/(1 + exp(−z)): between two bounds */
    COSTATE_TRANSFORM_SOFTPLUS /**< q = lower + log(1 + exp(z)): above a bound, linear far from it */
} costate_transform;

/** All series, as the `series` of an estimate. */
#define COSTATE_EVERY_SERIES SIZE_MAX

/**
 * How a range of q is estimated. Later entries of a list override earlier ones; zero members mean estimated, no
 * transform, scale 1, no penalty.
 *
 * Penalties are functions of z = scale · x = T⁻¹(q), and are added to the loss: l2 Σ (z − mean)² + l1 Σ |z − mean| (its
 * derivative at zero being zero). A normal prior on z of standard deviation s is l2 = 1/(2 s²) with a likelihood.
 */
typedef struct costate_estimate {
    costate_fit_part part;       /**< which part of q */
    size_t series;               /**< of initial states and times: one series, or COSTATE_EVERY_SERIES */
    size_t first;                /**< first entry of the part */
    size_t n;                    /**< number of entries; 0: all from `first` on */
    bool fixed;                  /**< true: held at its start value */
    costate_transform transform; /**< T */
    double lower;                /**< bound of logit and softplus */
    double upper;                /**< bound of logit */
    double scale;                /**< z per unit of x, > 0; 0: 1 */
    double l2;                   /**< ≥ 0 */
    double l1;                   /**< ≥ 0 */
    const double *mean;          /**< n elements; NULL: 0 */
} costate_estimate;

/** What is fitted. Members that are zero or NULL mean none; everything pointed to is copied, contexts excepted. */
typedef struct costate_fit_spec {
    const costate_rhs *rhs;               /**< with vjp; its ctx must outlive the fit */
    size_t n_series;                      /**< ≥ 1 */
    const costate_series *series;         /**< n_series elements */
    const costate_observable *observable; /**< NULL: the states themselves, n_h = n_y */
    const costate_initial *initial;       /**< initial states from p; NULL: y0 of each series */
    costate_loss loss;                    /**< value NULL: costate_loss_squared() */
    const double *p;                      /**< start values, n_p elements; NULL: zeros */
    const double *noise;                  /**< start values, n_noise elements of the loss; NULL: ones */
    size_t n_covariate;                   /**< entries of p that each series sets for itself; they are not estimated */
    const size_t *covariate_index;        /**< n_covariate different indices into p */
    size_t n_estimate;                    /**< rules */
    const costate_estimate *estimates;    /**< n_estimate elements */
} costate_fit_spec;

/** Options of a fit; start from costate_fit_options_default(). */
typedef struct costate_fit_options {
    costate_solver_options solver;   /**< forward solves; `record` is set by the fit */
    costate_adjoint_options adjoint; /**< backward solves (adams, bdf) */
    size_t n_thread; /**< threads that share series and segments, 0: one per processor; default 1. Same bits for any */
} costate_fit_options;

/**
 * Default options.
 *
 * @return the defaults of solver and adjoint, one thread
 */
COSTATE_API costate_fit_options costate_fit_options_default(void);

/** A loss over series with its solvers and adjoints. One thread at a time. */
typedef struct costate_fit costate_fit;

/**
 * Create a fit.
 *
 * @param[in]  spec     what is fitted; copied
 * @param[in]  options  copied; NULL for the default
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] fit      the fit, to be released with costate_fit_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         a required pointer is NULL
 * @retval COSTATE_ERR_ARGUMENT     no series, none that is not held out, a series without observation, times that decrease
 *                                  or lie before t0, nothing to estimate, an index out of range, a bound, scale or
 *                                  penalty that makes no sense, a start value outside its bounds, initial states
 *                                  estimated that are a function of p, or an option outside its range
 * @retval COSTATE_ERR_NONFINITE    a number other than a missing datum is NaN, or one is infinite
 * @retval COSTATE_ERR_UNSUPPORTED  the right-hand side has no vjp
 * @retval COSTATE_ERR_OVERFLOW     the sizes do not fit
 * @retval COSTATE_ERR_MEMORY       no memory
 */
COSTATE_API costate_status costate_fit_create(const costate_fit_spec *spec, const costate_fit_options *options,
                                              const costate_allocator *alloc, costate_fit **fit);

/**
 * Release a fit.
 *
 * @param[in] fit  fit, or NULL (no effect)
 */
COSTATE_API void costate_fit_destroy(costate_fit *fit);

/**
 * @name Unknowns and natural values
 * @{
 */

/**
 * Number of unknowns.
 *
 * @param[in] fit  fit
 * @return estimated entries of q, and segment states; 0 if fit is NULL
 */
COSTATE_API size_t costate_fit_n_x(const costate_fit *fit);

/**
 * Number of natural values.
 *
 * @param[in] fit  fit
 * @return n_p + n_noise + n_series · (n_y + 1); 0 if fit is NULL
 */
COSTATE_API size_t costate_fit_n_q(const costate_fit *fit);

/**
 * Where a part begins in q.
 *
 * @param[in] fit     fit
 * @param[in] part    part
 * @param[in] series  series of initial states and times, else not used
 * @return offset; SIZE_MAX if fit is NULL or there is no such part
 */
COSTATE_API size_t costate_fit_offset(const costate_fit *fit, costate_fit_part part, size_t series);

/**
 * Which entry of q an unknown stands for.
 *
 * @param[in] fit  fit
 * @param[in] i    index of an unknown
 * @return index into q; SIZE_MAX for a segment state, if there is no such unknown or fit is NULL
 */
COSTATE_API size_t costate_fit_unknown(const costate_fit *fit, size_t i);

/**
 * Unknowns of the start values. Segment states are the data where all states are observed, elsewhere those of a solve from
 * the start values and, where it does not get, the initial state.
 *
 * @param[in,out] fit  fit
 * @param[out]    x    costate_fit_n_x() elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  an argument is NULL
 */
COSTATE_API costate_status costate_fit_start(costate_fit *fit, double *x);

/**
 * Natural values of unknowns: q = T(scale · x), and start values for the others.
 *
 * @param[in]  fit  fit
 * @param[in]  x    costate_fit_n_x() elements
 * @param[out] q    costate_fit_n_q() elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  an argument is NULL
 */
COSTATE_API costate_status costate_fit_natural(const costate_fit *fit, const double *x, double *q);

/**
 * Unknowns of natural values; the entries of q that are not estimated are ignored. Segment states are set as by
 * costate_fit_start(), for these values.
 *
 * @param[in,out] fit  fit
 * @param[in]     q    costate_fit_n_q() elements
 * @param[out]    x    costate_fit_n_x() elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an argument is NULL
 * @retval COSTATE_ERR_ARGUMENT  a value is not within the bounds of its transform; x is unspecified
 */
COSTATE_API costate_status costate_fit_unknowns(costate_fit *fit, const double *q, double *x);

/**
 * Derivative of the natural values: dq_j/dx_i for j = costate_fit_unknown(i), 0 for segment states.
 *
 * @param[in]  fit   fit
 * @param[in]  x     costate_fit_n_x() elements
 * @param[out] dqdx  costate_fit_n_x() elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  an argument is NULL
 */
COSTATE_API costate_status costate_fit_natural_slope(const costate_fit *fit, const double *x, double *dqdx);
/** @} */

/**
 * @name Objective
 * @{
 */

/**
 * Use only the observations up to a time from now on: a growing horizon keeps a fit to oscillations out of the flat
 * minimum that ignores them.
 *
 * @param[in,out] fit    fit
 * @param[in]     t_end  last time, INFINITY for all
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      fit is NULL
 * @retval COSTATE_ERR_ARGUMENT  t_end is NaN or no observation that is not held out lies before it; nothing was changed
 */
COSTATE_API costate_status costate_fit_set_horizon(costate_fit *fit, double t_end);

/**
 * Multiple shooting (Bock 1983, with a penalty): cut every series into segments of `length` observations, each with a
 * free initial state s_k, and add weight · Σ ((y(t_k; s_{k−1}) − s_k)/scale)² to the loss. The number of unknowns
 * changes: segment states follow the estimated entries of q, series by series, in units of scale.
 *
 * @param[in,out] fit     fit
 * @param[in]     length  observations per segment; 0: one segment, no shooting
 * @param[in]     weight  of the gaps, > 0; not used when length is 0
 * @param[in]     scale   unit of the gaps of each state, n_y elements > 0, copied; NULL: ones
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      fit is NULL
 * @retval COSTATE_ERR_ARGUMENT  a weight or scale is not positive and finite; nothing was changed
 * @retval COSTATE_ERR_MEMORY    no memory; nothing was changed
 */
COSTATE_API costate_status costate_fit_set_shooting(costate_fit *fit, size_t length, double weight,
                                                    const double *scale);

/**
 * Loss Σ loss(h(t_i, y(t_i; x)), data_i) over the series that are not held out, plus penalties and gaps, and its
 * gradient. Its type is costate_objective_fn: pass it to an optimiser with the fit as ctx.
 *
 * @param[in]  x      unknowns, costate_fit_n_x() elements
 * @param[out] value  the loss
 * @param[out] grad   costate_fit_n_x() elements, overwritten; NULL if not wanted
 * @param[in]  fit    a costate_fit, as void pointer
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      x, value or fit is NULL
 * @retval COSTATE_ERR_NONFINITE x, the loss or the gradient is not finite, or an initial time lies after the first
 *                               observation
 * @retval COSTATE_ERR_RHS_FAIL  a callback gave up
 * @return otherwise the status of a solve or of an adjoint; value and grad are unspecified then
 *
 * A function of x alone, to the bit, for any number of threads.
 */
COSTATE_API costate_status costate_fit_objective(const double *x, double *value, double *grad, void *fit);

/**
 * Loss of the series that are held out, without penalties, divided by the number of their observed values.
 *
 * @param[in,out] fit    fit
 * @param[in]     x      unknowns
 * @param[out]    value  the mean loss
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL   an argument is NULL
 * @retval COSTATE_ERR_STATE  no series is held out
 * @return otherwise as costate_fit_objective()
 */
COSTATE_API costate_status costate_fit_validation(costate_fit *fit, const double *x, double *value);
/** @} */

/**
 * @name Using a fit
 * @{
 */

/**
 * Trajectory of a series at any times ≥ its t0 that do not decrease, e.g. for a plot or beyond the data.
 *
 * @param[in,out] fit     fit
 * @param[in]     x       unknowns
 * @param[in]     series  which series
 * @param[in]     n_t     number of times, ≥ 1
 * @param[in]     t       the times
 * @param[out]    y       n_t × n_y, row-major; NULL if not wanted
 * @param[out]    h       n_t × n_h, row-major; NULL if not wanted
 * @retval COSTATE_ERR_ARGUMENT  no such series; otherwise
 * @return as costate_solve()
 */
COSTATE_API costate_status costate_fit_predict(costate_fit *fit, const double *x, size_t series, size_t n_t,
                                               const double *t, double *y, double *h);

/**
 * Trajectory of the fitted model from other initial conditions.
 *
 * @param[in,out] fit        fit
 * @param[in]     x          unknowns
 * @param[in]     t0         initial time
 * @param[in]     y0         initial state, n_y elements
 * @param[in]     covariate  n_covariate elements; NULL only if there are none
 * @param[in]     n_t        number of times, ≥ 1
 * @param[in]     t          the times, in one direction from t0
 * @param[out]    y          n_t × n_y, row-major; NULL if not wanted
 * @param[out]    h          n_t × n_h, row-major; NULL if not wanted
 * @return as costate_solve()
 */
COSTATE_API costate_status costate_fit_predict_from(costate_fit *fit, const double *x, double t0, const double *y0,
                                                    const double *covariate, size_t n_t, const double *t, double *y,
                                                    double *h);

/**
 * Number of observations of a series.
 *
 * @param[in] fit     fit
 * @param[in] series  which series
 * @return n_t; 0 if there is no such series or fit is NULL
 */
COSTATE_API size_t costate_fit_n_t(const costate_fit *fit, size_t series);

/**
 * Residuals of a series as the loss standardises them, held out or not, all its observations whatever the horizon.
 *
 * @param[in,out] fit       fit
 * @param[in]     x         unknowns
 * @param[in]     series    which series
 * @param[out]    residual  n_t × n_h, row-major; NaN where a datum is missing
 * @retval COSTATE_ERR_UNSUPPORTED  the loss has no residual
 * @return otherwise as costate_fit_predict()
 */
COSTATE_API costate_status costate_fit_residuals(costate_fit *fit, const double *x, size_t series, double *residual);

/** Totals over all evaluations of a fit. */
typedef struct costate_fit_counts {
    size_t n_value;    /**< losses without gradient */
    size_t n_gradient; /**< losses with gradient */
    size_t n_fail;     /**< failed evaluations */
    /** Sums over the forward solves; last_order, last_step and t_reached are those of one of the last */
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
/** @} */

#ifdef __cplusplus
}
#endif
#endif
