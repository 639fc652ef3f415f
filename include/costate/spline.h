/* SPDX-License-Identifier: MIT */
/** @file spline.h  Natural cubic smoothing splines. */
#ifndef COSTATE_SPLINE_H
#define COSTATE_SPLINE_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A spline. Constant after its creation: any number of threads may evaluate it. */
typedef struct costate_spline costate_spline;

/** Smoothing parameter chosen by generalised cross-validation. */
#define COSTATE_SPLINE_GCV (-1.0)

/** What a spline is. */
typedef struct costate_spline_info {
    size_t n_knot;    /**< distinct times */
    double smoothing; /**< λ; infinity: a straight line */
    double freedom;   /**< equivalent degrees of freedom, 2 (line) … n_knot (interpolation) */
    double gcv;       /**< generalised cross-validation score; NaN where there is none */
    double
        variance; /**< estimate of the variance of data of weight 1: RSS/(n_knot − freedom); NaN without residual freedom */
} costate_spline_info;

/**
 * Fit a natural cubic spline s that minimises Σ_i w_i (y_i − s(t_i))² + λ ∫ s''(t)² dt (Reinsch 1967).
 *
 * With COSTATE_SPLINE_GCV, λ minimises n RSS(λ)/(n − tr A(λ))² (Craven & Wahba 1979), the trace in O(n) after
 * Hutchinson & de Hoog (1985). Data at equal times count as their weighted mean. Four or more distinct times give the
 * spline; with GCV, two or three give the straight line of least squares; one gives a constant. Data whose value is NaN
 * and data of weight 0 are left out.
 *
 * @param[in]  n          data, ≥ 1
 * @param[in]  t          times in any order, n elements, finite
 * @param[in]  y          values, n elements; NaN: missing
 * @param[in]  weight     n elements ≥ 0; NULL for 1
 * @param[in]  smoothing  λ ≥ 0 in (unit of t)³ for weight 1: 0 interpolates, INFINITY gives a straight line; or
 *                        COSTATE_SPLINE_GCV
 * @param[in]  alloc      where memory comes from; NULL for malloc
 * @param[out] spline     the spline, to be released with costate_spline_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      t, y or spline is NULL
 * @retval COSTATE_ERR_ARGUMENT  no datum is left, a weight is negative, or smoothing is NaN or negative and not
 *                               COSTATE_SPLINE_GCV
 * @retval COSTATE_ERR_NONFINITE a time, value or weight is infinite, or a time or weight NaN
 * @retval COSTATE_ERR_OVERFLOW  the sizes do not fit
 * @retval COSTATE_ERR_MEMORY    no memory
 */
COSTATE_API costate_status costate_spline_fit(size_t n, const double *t, const double *y, const double *weight,
                                              double smoothing, const costate_allocator *alloc,
                                              costate_spline **spline);

/**
 * Release a spline.
 *
 * @param[in] spline  spline, or NULL (no effect)
 */
COSTATE_API void costate_spline_destroy(costate_spline *spline);

/**
 * Value s(t); linear beyond the data.
 *
 * @param[in] spline  spline
 * @param[in] t       any time
 * @return s(t); NaN if spline is NULL
 */
COSTATE_API double costate_spline_eval(const costate_spline *spline, double t);

/**
 * Slope s'(t).
 *
 * @param[in] spline  spline
 * @param[in] t       any time
 * @return s'(t); NaN if spline is NULL
 */
COSTATE_API double costate_spline_slope(const costate_spline *spline, double t);

/**
 * What the spline is.
 *
 * @param[in] spline  spline
 * @return description owned by the spline; NULL if spline is NULL
 */
COSTATE_API const costate_spline_info *costate_spline_get_info(const costate_spline *spline);

#ifdef __cplusplus
}
#endif
#endif
