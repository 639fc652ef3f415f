/* SPDX-License-Identifier: MIT */
/** @file loss.h  Losses: one observation's value and cotangent. */
#ifndef COSTATE_LOSS_H
#define COSTATE_LOSS_H

#include <costate/export.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One observation, as a loss callback sees it. */
typedef struct costate_observation {
    size_t index;         /**< row in the series */
    double t;             /**< time */
    size_t n_y;           /**< states */
    const double *y;      /**< model state at t, n_y elements */
    const double *data;   /**< observed values, n_y elements; NaN marks a missing value */
    const double *weight; /**< weight per state, n_y elements; NULL for 1 */
} costate_observation;

/**
 * Loss callback: the contribution of one observation, and its derivative with respect to y.
 *
 * @param[in]  observation  the observation
 * @param[out] value        contribution to the loss
 * @param[out] ybar         n_y elements, ∂value/∂y, overwritten; NULL if not wanted
 * @param[in]  ctx          user data
 * @return a costate_answer: OK, or FAIL to give up. RETRY counts as FAIL
 */
typedef int (*costate_loss_fn)(const costate_observation *observation, double *value, double *ybar, void *ctx);

/**
 * Squared error Σ_k weight_k · (y_k − data_k)² over the values that are not missing (NaN); ybar = 2 weight (y − data).
 * ctx is not used.
 *
 * @param[in]  observation  the observation
 * @param[out] value        the sum
 * @param[out] ybar         n_y elements, zero where a value is missing; NULL if not wanted
 * @param[in]  ctx          ignored
 * @return COSTATE_ANSWER_OK
 */
COSTATE_API int costate_loss_squared(const costate_observation *observation, double *value, double *ybar, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
