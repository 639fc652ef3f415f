/* SPDX-License-Identifier: MIT */
/**
 * @file collocation.h  Warm start of a fit by derivative matching: no solve, no adjoint, only right-hand sides.
 *
 * A smoothing spline per state and series gives states ŷ(t) and slopes ŷ'(t); the parameters are chosen such that the
 * right-hand side has these slopes (Varah 1982). The result is biased by the smoothing, but a good start: the objective
 * is smooth where that of the fit is full of flat and forbidden regions.
 */
#ifndef COSTATE_COLLOCATION_H
#define COSTATE_COLLOCATION_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/fit.h>
#include <costate/spline.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of a collocation; start from costate_collocation_options_default(). */
typedef struct costate_collocation_options {
    double smoothing; /**< λ of every spline, or COSTATE_SPLINE_GCV (default) */
    /** Splines in log t, and t·dy/dt matched: for data that span decades. Data at t ≤ 0 are left out. Default false */
    bool log_time;
    size_t n_between;    /**< points between two observation times, at equal distances; default 1 */
    const double *scale; /**< unit of the slope of each state, n_y elements > 0; NULL: root mean square of its slopes */
} costate_collocation_options;

/**
 * Default options.
 *
 * @return the values named at each member
 */
COSTATE_API costate_collocation_options costate_collocation_options_default(void);

/** States and slopes of one series, as the caller has them. */
typedef struct costate_collocation_table {
    size_t n_t;           /**< points, may be 0 */
    const double *t;      /**< n_t elements */
    const double *y;      /**< n_t × n_y, row-major */
    const double *dydt;   /**< n_t × n_y, row-major; NaN: not matched */
    const double *weight; /**< weight of each point, n_t elements ≥ 0; NULL for 1 */
} costate_collocation_table;

/** A derivative-matching objective over the unknowns of a fit. One thread at a time; not while the fit is in use. */
typedef struct costate_collocation costate_collocation;

/**
 * Create a derivative-matching objective from the data of a fit whose states are observed directly.
 *
 * Every state of every series that is not held out needs an observation; with fewer than four it is a straight line or a
 * constant. A given initial state before the first observation counts as a datum, unless the fit estimates it. A slope is
 * matched between the first and the last datum of its state. Weights of the data, horizon and shooting are not used. On
 * failure costate_fit_detail() says more.
 *
 * @param[in]  fit          fit; must outlive the collocation
 * @param[in]  options      copied; NULL for the default
 * @param[in]  alloc        where memory comes from; NULL for malloc
 * @param[out] collocation  to be released with costate_collocation_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         fit or collocation is NULL
 * @retval COSTATE_ERR_ARGUMENT     an option is outside its range
 * @retval COSTATE_ERR_UNSUPPORTED  the fit has an observable, or a state is not observed: see
 *                                  costate_collocation_create_from()
 * @retval COSTATE_ERR_OVERFLOW     the sizes do not fit
 * @retval COSTATE_ERR_MEMORY       no memory
 */
COSTATE_API costate_status costate_collocation_create(costate_fit *fit, const costate_collocation_options *options,
                                                      const costate_allocator *alloc,
                                                      costate_collocation **collocation);

/**
 * Create a derivative-matching objective from the caller's states and slopes.
 *
 * @param[in]  fit          fit; must outlive the collocation
 * @param[in]  tables       one per series of the fit, copied; those of held-out series are ignored
 * @param[in]  options      scale and log_time (t·dy/dt is matched) are used; NULL for the default
 * @param[in]  alloc        where memory comes from; NULL for malloc
 * @param[out] collocation  to be released with costate_collocation_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       fit, tables, collocation or an array of a table is NULL
 * @retval COSTATE_ERR_ARGUMENT   no point at all, an option or weight outside its range
 * @retval COSTATE_ERR_NONFINITE  a time, state or weight is not finite, or a slope infinite
 * @retval COSTATE_ERR_OVERFLOW   the sizes do not fit
 * @retval COSTATE_ERR_MEMORY     no memory
 */
COSTATE_API costate_status costate_collocation_create_from(costate_fit *fit, const costate_collocation_table *tables,
                                                           const costate_collocation_options *options,
                                                           const costate_allocator *alloc,
                                                           costate_collocation **collocation);

/**
 * Release a collocation.
 *
 * @param[in] collocation  collocation, or NULL (no effect)
 */
COSTATE_API void costate_collocation_destroy(costate_collocation *collocation);

/**
 * Mean over points k and states i of weight_k ((ŷ'_i(t_k) − f_i(t_k, ŷ(t_k), p))/scale_i)², times the number of
 * observation times of the fit to make it a sum like the loss, plus the penalties of the fit; and its gradient with
 * respect to the unknowns of the fit. Those that are no parameters enter through their penalties alone.
 *
 * Its type is costate_objective_fn: pass it to an optimiser with the collocation as ctx.
 *
 * @param[in]  x            unknowns, costate_fit_n_x() elements
 * @param[out] value        the objective
 * @param[out] grad         costate_fit_n_x() elements, overwritten; NULL if not wanted
 * @param[in]  collocation  a costate_collocation, as void pointer
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      x, value or collocation is NULL
 * @retval COSTATE_ERR_RHS_FAIL  the right-hand side answered RETRY or FAIL
 * @retval COSTATE_ERR_NONFINITE x, a result of the right-hand side or the gradient is not finite
 */
COSTATE_API costate_status costate_collocation_objective(const double *x, double *value, double *grad,
                                                         void *collocation);

/**
 * Number of points of a series.
 *
 * @param[in] collocation  collocation
 * @param[in] series       which series
 * @return points; 0 for a held-out series, if there is no such series or collocation is NULL
 */
COSTATE_API size_t costate_collocation_n_t(const costate_collocation *collocation, size_t series);

/**
 * States and slopes that are matched, e.g. for a plot.
 *
 * @param[in]  collocation  collocation
 * @param[in]  series       which series
 * @param[out] t            costate_collocation_n_t() elements; NULL if not wanted
 * @param[out] y            n_t × n_y, row-major; NULL if not wanted
 * @param[out] dydt         n_t × n_y, row-major; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      collocation is NULL
 * @retval COSTATE_ERR_ARGUMENT  no such series
 */
COSTATE_API costate_status costate_collocation_get(const costate_collocation *collocation, size_t series, double *t,
                                                   double *y, double *dydt);

/**
 * Set estimated initial states in x to those of the first point of their series where that lies at the initial time;
 * others, and values outside the bounds of their transform, stay as they are. Points made from data begin at the initial
 * time, with log_time if that is positive.
 *
 * @param[in]     collocation  collocation
 * @param[in,out] x            unknowns, costate_fit_n_x() elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  an argument is NULL
 */
COSTATE_API costate_status costate_collocation_set_initial(const costate_collocation *collocation, double *x);

#ifdef __cplusplus
}
#endif
#endif
