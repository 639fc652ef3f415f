/* SPDX-License-Identifier: MIT */
/** @file loss.h  Losses and noise models: one observation's value, cotangent and information. */
#ifndef COSTATE_LOSS_H
#define COSTATE_LOSS_H

#include <costate/export.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One observation, as a loss sees it. */
typedef struct costate_observation {
    size_t series;        /**< which series */
    size_t index;         /**< row in the series */
    double t;             /**< time */
    size_t n_h;           /**< observed quantities */
    const double *h;      /**< what the model predicts, n_h elements */
    const double *data;   /**< what was observed, n_h elements; NaN marks a missing value */
    const double *weight; /**< weight per quantity, n_h elements; NULL for 1 */
    const double *noise;  /**< noise parameters, n_noise elements of the loss */
} costate_observation;

/**
 * A loss: callbacks with their context. Start from one of the functions below, or fill it in.
 *
 * The noise parameters (standard deviations, …) are estimated with the others or held, as the fit says.
 */
typedef struct costate_loss {
    size_t n_noise;  /**< noise parameters, may be 0 */
    bool likelihood; /**< the value is a negative log-likelihood, constants included */
    void *ctx;       /**< passed to the callbacks */

    /**
     * Contribution of one observation and its derivatives: hbar = ∂value/∂h (n_h elements, overwritten; NULL if not
     * wanted), noisebar += ∂value/∂noise (n_noise elements; NULL if not wanted). Returns a costate_answer; RETRY counts
     * as FAIL.
     */
    int (*value)(const costate_observation *observation, double *value, double *hbar, double *noisebar, void *ctx);

    /**
     * Row `row` of the observation's information: with row_j = (hbar, noisebar) as gradients of h and noise, Σ_j row_j
     * row_jᵀ is the Gauss–Newton part of the second derivative of value (for a likelihood: the Fisher information).
     * Writes hbar (n_h) and noisebar (n_noise), both overwritten. Returns 1, or 0 when there is no such row: the caller
     * counts rows up from 0. NULL: not available.
     */
    int (*information)(const costate_observation *observation, size_t row, double *hbar, double *noisebar, void *ctx);

    /** Standardised residual of every quantity (n_h elements; NaN where the datum is missing). NULL: not available. */
    void (*residual)(const costate_observation *observation, double *residual, void *ctx);
} costate_loss;

/**
 * Squared error Σ_k weight_k (h_k − data_k)² over the values that are not missing. Residual: √weight_k (data_k − h_k).
 *
 * @return the loss; no noise parameters, no context
 */
COSTATE_API costate_loss costate_loss_squared(void);

/**
 * Absolute error Σ_k weight_k |h_k − data_k|; its derivative at zero is taken as zero. No information.
 *
 * @return the loss; no noise parameters, no context
 */
COSTATE_API costate_loss costate_loss_absolute(void);

/**
 * Huber's loss Σ_k weight_k ρ(h_k − data_k): ρ(r) = r²/2 for |r| ≤ δ, else δ(|r| − δ/2) (Huber 1964).
 *
 * @param[in] delta  δ > 0, one element, in the unit of the data; the caller's, must outlive the loss
 * @return the loss; its callback fails if δ is not positive
 */
COSTATE_API costate_loss costate_loss_huber(const double *delta);

/** Distribution of an observed quantity d around the prediction h, and its noise parameters. */
typedef enum costate_noise {
    COSTATE_NOISE_ADDITIVE,     /**< d ~ N(h, a²): (a) */
    COSTATE_NOISE_PROPORTIONAL, /**< d ~ N(h, b²h²): (b) */
    COSTATE_NOISE_COMBINED,     /**< d ~ N(h, a² + b²h²): (a, b) */
    COSTATE_NOISE_LOGNORMAL     /**< log d ~ N(log h, s²): (s) */
} costate_noise;

/** Noise of every observed quantity. */
typedef struct costate_noise_model {
    size_t n_h;                /**< observed quantities */
    const costate_noise *kind; /**< n_h elements */
} costate_noise_model;

/**
 * Negative log-likelihood of a noise model, Σ_k weight_k · (½ log 2πV_k + (d_k − h_k)²/(2 V_k)) with V_k the variance
 * above; log-normal: ½ log 2πs² + log d + (log d − log h)²/(2 s²).
 *
 * A variance that is not positive, or a log of what is not, fails the observation: the point is infeasible. Residual:
 * (d_k − h_k)/√V_k or (log d_k − log h_k)/s. The noise parameters stand in the order of the quantities.
 *
 * @param[in] model  the noise of every quantity; the caller's, must outlive the loss
 * @return the loss; n_noise is 0 and the callback fails if model or its kinds are NULL or a kind is unknown
 */
COSTATE_API costate_loss costate_loss_gaussian(const costate_noise_model *model);

#ifdef __cplusplus
}
#endif
#endif
