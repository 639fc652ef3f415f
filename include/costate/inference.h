/* SPDX-License-Identifier: MIT */
/**
 * @file inference.h  After the fit: second derivatives, standard errors, confidence bands and residual diagnostics.
 *
 * The way from a fit to a standard error is: information H = ∂²objective/∂x² at the optimum, covariance of the unknowns
 * (H⁻¹, scaled for least squares), and from there the delta method for whatever is a function of the unknowns.
 * costate_fit_covariance() goes the first two steps in one call. All of it is asymptotic: right for many data, and a
 * first guess for few.
 *
 * Multiple shooting must be off (costate_fit_set_shooting() with length 0): segment states are no quantities of the
 * model. The horizon holds for the information, as for the objective.
 */
#ifndef COSTATE_INFERENCE_H
#define COSTATE_INFERENCE_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/fit.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @name Second derivatives
 * @{
 */

/** Which second derivative of the objective. */
typedef enum costate_information_kind {
    /**
     * Gauss–Newton or, for a likelihood, Fisher's expected information: Σ rowᵀ row of the loss's information rows, each
     * pulled back through observable, solve, initial states and transforms, plus the second derivatives of l2. It is
     * never indefinite, and costs a solve and one VJP for each observed value, or two.
     */
    COSTATE_INFORMATION_EXPECTED,
    /** The exact Hessian, by one costate_fit_hessian_product() for each unknown */
    COSTATE_INFORMATION_OBSERVED
} costate_information_kind;

/**
 * Second derivative of costate_fit_objective() with respect to the unknowns.
 *
 * @param[in,out] fit          fit
 * @param[in]     x            unknowns, usually an optimum
 * @param[in]     kind         which
 * @param[out]    information  n_x × n_x, symmetric to the bit
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         an argument is NULL
 * @retval COSTATE_ERR_ARGUMENT     no such kind
 * @retval COSTATE_ERR_STATE        multiple shooting is on
 * @retval COSTATE_ERR_UNSUPPORTED  expected information of a loss without information rows
 * @retval COSTATE_ERR_OVERFLOW     the sizes do not fit
 * @retval COSTATE_ERR_MEMORY       no memory
 * @return otherwise as costate_fit_objective(); information is unspecified then
 */
COSTATE_API costate_status costate_fit_information(costate_fit *fit, const double *x, costate_information_kind kind,
                                                   double *information);

/**
 * Product of the Hessian of costate_fit_objective() with a vector: hu = (∂²objective/∂x²) u, for about ten gradients,
 * whatever the number of unknowns.
 *
 * Adjoint over forward: y and its tangent s′ = f_y s + f_p δp are solved together, the derivative of the loss along u is
 * a function of both, and its gradient is hu (doc/math.md, "Second derivatives"; Pearlmutter 1994). tsit5 and dop853
 * take the steps of the fit's own solves, so that hu is the second derivative of the computed numbers, with no
 * noise from the choice of steps; the implicit methods let s take part in their error test, and with adams and bdf hu
 * converges with the tolerance. What is left is the derivative of the callbacks' own VJPs along the one direction, a
 * central difference of fourth order: 1e-11 or so of the terms it is made of.
 *
 * @param[in,out] fit  fit
 * @param[in]     x    unknowns
 * @param[in]     u    direction, costate_fit_n_x() elements
 * @param[out]    hu   costate_fit_n_x() elements, overwritten
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       an argument is NULL
 * @retval COSTATE_ERR_STATE      multiple shooting is on
 * @retval COSTATE_ERR_NONFINITE  x, u or the product is not finite
 * @retval COSTATE_ERR_OVERFLOW   the sizes do not fit
 * @retval COSTATE_ERR_MEMORY     no memory
 * @return otherwise as costate_fit_objective(); hu is unspecified then
 */
COSTATE_API costate_status costate_fit_hessian_product(costate_fit *fit, const double *x, const double *u, double *hu);
/** @} */

/**
 * @name Covariance and intervals
 * @{
 */

/**
 * Inverse of an information matrix: covariance = factor · (H + ridge · I)⁻¹, by Cholesky's factorisation of the matrix
 * scaled to a unit diagonal.
 *
 * A network with more weights than the data determine has a singular H. A ridge helps: it is a normal prior of
 * variance factor/ridge around the optimum on every unknown; an l2 penalty in the fit, which is part of H, is better.
 *
 * @param[in]  n            unknowns, ≥ 1
 * @param[in]  information  H, n × n; only its lower triangle is read
 * @param[in]  ridge        ≥ 0
 * @param[in]  factor       > 0: 1 for a likelihood, costate_fit_dispersion() for least squares
 * @param[in]  alloc        where scratch comes from; NULL for malloc
 * @param[out] covariance   n × n, symmetric; may be `information`. Untouched on failure
 * @param[out] culprit      after COSTATE_ERR_SINGULAR the first unknown that those before it determine, or that has no
 *                          information; SIZE_MAX otherwise. NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       information or covariance is NULL
 * @retval COSTATE_ERR_ARGUMENT   n is 0, ridge is negative or factor not positive, or one of them not finite
 * @retval COSTATE_ERR_NONFINITE  an element is NaN or infinite
 * @retval COSTATE_ERR_SINGULAR   not positive definite, or so nearly that a pivot is below 1e-12 of its diagonal
 * @retval COSTATE_ERR_OVERFLOW   the sizes do not fit
 * @retval COSTATE_ERR_MEMORY     no memory
 */
COSTATE_API costate_status costate_covariance(size_t n, const double *information, double ridge, double factor,
                                              const costate_allocator *alloc, double *covariance, size_t *culprit);

/**
 * Factor between the inverse of the information and the covariance: 1 for a likelihood; for a sum of squares
 * Σ weight (h − data)² it is 2 s², s² = loss/(n_value − n_x) without penalties being the estimated variance of an
 * observation of weight 1. For other losses it means nothing.
 *
 * @param[in,out] fit     fit
 * @param[in]     x       unknowns
 * @param[out]    factor  > 0, or 0 for a perfect fit
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL   an argument is NULL
 * @retval COSTATE_ERR_STATE  no more observed values (neither missing nor of weight 0) than unknowns
 * @return otherwise as costate_fit_objective()
 */
COSTATE_API costate_status costate_fit_dispersion(costate_fit *fit, const double *x, double *factor);

/**
 * Covariance of the unknowns at an optimum: costate_fit_information(), costate_fit_dispersion() and
 * costate_covariance() in one call. costate_fit_detail() names the culprit of a singular information.
 *
 * @param[in,out] fit         fit
 * @param[in]     x           unknowns at the optimum
 * @param[in]     kind        of information
 * @param[in]     ridge       ≥ 0
 * @param[out]    covariance  n_x × n_x; unspecified on failure
 * @param[out]    culprit     as costate_covariance(); NULL if not wanted
 * @return as the three
 */
COSTATE_API costate_status costate_fit_covariance(costate_fit *fit, const double *x, costate_information_kind kind,
                                                  double ridge, double *covariance, size_t *culprit);

/** What is known of one estimated entry of q. */
typedef struct costate_interval {
    size_t q;     /**< index into q */
    double value; /**< natural value */
    double error; /**< standard error of the natural value by the delta method: |dq/dx| · √covariance_ii */
    double lower; /**< lower end of the confidence interval */
    double upper; /**< upper end */
} costate_interval;

/**
 * Standard errors and confidence intervals of the estimated natural values. The intervals are symmetric on the scale of
 * x, T(scale · (x ∓ z √covariance_ii)) with z the normal quantile: they respect the bounds of a transform.
 *
 * @param[in]  fit         fit
 * @param[in]  x           unknowns at the optimum
 * @param[in]  covariance  n_x × n_x
 * @param[in]  level       of confidence, between 0 and 1, e.g. 0.95
 * @param[out] intervals   n_x elements, in the order of the unknowns
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an argument is NULL
 * @retval COSTATE_ERR_ARGUMENT  level is not between 0 and 1
 * @retval COSTATE_ERR_STATE     multiple shooting is on
 */
COSTATE_API costate_status costate_fit_intervals(const costate_fit *fit, const double *x, const double *covariance,
                                                 double level, costate_interval *intervals);

/**
 * Quantile of the standard normal distribution: value ± costate_normal_quantile(0.975) · error is an interval at a
 * level of 95 %.
 *
 * @param[in] probability  between 0 and 1
 * @return z with P(Z < z) = probability; NaN outside 0 … 1
 */
COSTATE_API double costate_normal_quantile(double probability);
/** @} */

/**
 * @name Bands
 * Standard errors, point by point, of what is computed from the unknowns: of the mean, without an observation's noise.
 * @{
 */

/**
 * Trajectory of a series with standard errors, at any times as in costate_fit_predict(), e.g. beyond the data. One VJP
 * for each time and quantity.
 *
 * @param[in,out] fit         fit
 * @param[in]     x           unknowns at the optimum
 * @param[in]     covariance  n_x × n_x
 * @param[in]     series      which series
 * @param[in]     n_t         number of times, ≥ 1
 * @param[in]     t           the times
 * @param[out]    y           n_t × n_y, row-major; NULL if not wanted
 * @param[out]    y_error     standard errors of y, likewise
 * @param[out]    h           n_t × n_h, row-major; NULL if not wanted
 * @param[out]    h_error     standard errors of h, likewise
 * @retval COSTATE_ERR_NULL      fit, x, covariance or t is NULL
 * @retval COSTATE_ERR_ARGUMENT  no such series, or n_t is 0
 * @retval COSTATE_ERR_STATE     multiple shooting is on
 * @retval COSTATE_ERR_MEMORY    no memory
 * @return otherwise as costate_fit_predict()
 */
COSTATE_API costate_status costate_fit_band(costate_fit *fit, const double *x, const double *covariance, size_t series,
                                            size_t n_t, const double *t, double *y, double *y_error, double *h,
                                            double *h_error);

/**
 * The same from other initial conditions, as in costate_fit_predict_from(); these are taken as known.
 *
 * @param[in,out] fit         fit
 * @param[in]     x           unknowns at the optimum
 * @param[in]     covariance  n_x × n_x
 * @param[in]     t0          initial time
 * @param[in]     y0          initial state, n_y elements
 * @param[in]     covariate   n_covariate elements; NULL only if there are none
 * @param[in]     n_t         number of times, ≥ 1
 * @param[in]     t           the times
 * @param[out]    y           n_t × n_y, row-major; NULL if not wanted
 * @param[out]    y_error     standard errors of y, likewise
 * @param[out]    h           n_t × n_h, row-major; NULL if not wanted
 * @param[out]    h_error     standard errors of h, likewise
 * @return as costate_fit_band()
 */
COSTATE_API costate_status costate_fit_band_from(costate_fit *fit, const double *x, const double *covariance, double t0,
                                                 const double *y0, const double *covariate, size_t n_t, const double *t,
                                                 double *y, double *y_error, double *h, double *h_error);

/**
 * Any quantity i as a function of the natural values, with its gradient: qbar (n_q elements, zero before the call) gets
 * ∂value/∂q. The parameters are the first elements of q; e.g. a learned term u at a point of a grid gives value = u and,
 * by costate_ude_outputs_vjp(), qbar. Returns a costate_answer; RETRY counts as FAIL.
 */
typedef int (*costate_quantity_fn)(size_t i, const double *q, double *value, double *qbar, void *ctx);

/**
 * Quantities and their standard errors by the delta method: error² = gᵀ covariance g, g = ∂value/∂x.
 *
 * @param[in,out] fit         fit
 * @param[in]     x           unknowns at the optimum
 * @param[in]     covariance  n_x × n_x
 * @param[in]     n           number of quantities
 * @param[in]     f           computes them one by one
 * @param[in]     ctx         passed to f
 * @param[out]    value       n elements
 * @param[out]    error       n elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       an argument other than ctx is NULL
 * @retval COSTATE_ERR_STATE      multiple shooting is on
 * @retval COSTATE_ERR_RHS_FAIL   f failed
 * @retval COSTATE_ERR_NONFINITE  an unknown, a value or an error is not finite
 * @retval COSTATE_ERR_MEMORY     no memory
 */
COSTATE_API costate_status costate_fit_quantities(costate_fit *fit, const double *x, const double *covariance, size_t n,
                                                  costate_quantity_fn f, void *ctx, double *value, double *error);
/** @} */

/**
 * @name Diagnostics
 * @{
 */

/** Residuals of one observed quantity, all series together; NaN where there are too few. */
typedef struct costate_residual_summary {
    size_t n;    /**< values that are not missing */
    double rmse; /**< √mean (data − h)², in the unit of the data */
    double mean; /**< of the standardised residuals, as costate_fit_residuals() gives them */
    double sd;   /**< their standard deviation, n − 1 in the denominator */
    /** Σ (r_i − mean)(r_{i+1} − mean) / Σ (r_i − mean)², i and i + 1 being successive values of one series */
    double lag1;
    /**
     * Runs of residuals of one sign within the series, less their expectation, divided by their standard deviation
     * (Wald & Wolfowitz 1940): far below zero the model misses something systematically
     */
    double runs_z;
    double outside; /**< fraction beyond ±1.96 (likelihood) or ±1.96 root mean squares (others): 0.05 is expected */
    double largest; /**< residual of the largest absolute value */
    size_t largest_series; /**< where it is */
    size_t largest_index;  /**< row in that series */
} costate_residual_summary;

/** A fit in a few numbers. */
typedef struct costate_fit_summary {
    size_t n_value; /**< values that are not missing */
    double loss;    /**< their loss, without penalties */
    double aic;     /**< 2 loss + 2 n_x (Akaike 1974); NaN unless the loss is a likelihood */
    double bic;     /**< 2 loss + n_x log n_value (Schwarz 1978); likewise */
} costate_fit_summary;

/**
 * Summaries of the residuals. All observations count, whatever the horizon.
 *
 * @param[in,out] fit         fit
 * @param[in]     x           unknowns
 * @param[in]     held_out    true: of the series that are held out; false: of the others
 * @param[out]    quantities  n_h elements; NULL if not wanted
 * @param[out]    summary     one element; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         fit or x is NULL
 * @retval COSTATE_ERR_STATE        no such series
 * @retval COSTATE_ERR_UNSUPPORTED  quantities are wanted and the loss has no residual
 * @retval COSTATE_ERR_MEMORY       no memory
 * @return otherwise as costate_fit_predict()
 */
COSTATE_API costate_status costate_fit_diagnostics(costate_fit *fit, const double *x, bool held_out,
                                                   costate_residual_summary *quantities, costate_fit_summary *summary);
/** @} */

#ifdef __cplusplus
}
#endif
#endif
