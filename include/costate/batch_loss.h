/* SPDX-License-Identifier: MIT */
/**
 * @file batch_loss.h  Losses over a batch of samples: value and output cotangent in one pass.
 *
 * A batch is n samples of k outputs, row-major: output j of sample i is element i·k + j, and so are its target and its
 * cotangent. With weights w_i, one per sample (all 1 without), and the loss ℓ of one output, a sum is Σ_i w_i Σ_j ℓ_ij
 * and a mean is that sum divided by k Σ_i w_i; costate_batch_softmax_loss_f64() has one term per sample, and its mean divides by
 * Σ_i w_i. A mean over total weight 0, so over no sample too, multiplies the sum by 0.
 *
 * Both precisions compute in double and add in a fixed order: the bits depend neither on the instruction set that the
 * networks run on nor on alignment. NaN in an output, target or weight makes the value NaN,
 * with weight 0 too, and the cotangents of its own elements.
 *
 * All calls are reentrant; no array may overlap another; nothing is allocated.
 */
#ifndef COSTATE_BATCH_LOSS_H
#define COSTATE_BATCH_LOSS_H

#include <costate/export.h>
#include <costate/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Loss ℓ of one output h with target d. */
typedef enum costate_batch_loss_kind {
    COSTATE_BATCH_LOSS_SQUARED,  /**< (h − d)² */
    COSTATE_BATCH_LOSS_ABSOLUTE, /**< |h − d|; the derivative at zero is taken as zero */
    COSTATE_BATCH_LOSS_HUBER,    /**< r = h − d: r²/2 for |r| ≤ δ, else δ(|r| − δ/2) (Huber 1964) */
    COSTATE_BATCH_LOSS_HINGE,   /**< max(0, 1 − d h), d is 1 or −1; the derivative at the corner is taken as zero */
    COSTATE_BATCH_LOSS_LOGISTIC /**< binary cross-entropy of the logit h, log(1 + eʰ) − d h, 0 ≤ d ≤ 1 */
} costate_batch_loss_kind;

/** What becomes of the terms. */
typedef enum costate_batch_reduction {
    COSTATE_BATCH_SUM, /**< weighted sum */
    COSTATE_BATCH_MEAN /**< weighted mean */
} costate_batch_reduction;

/** A loss over a batch. */
typedef struct costate_batch_loss {
    costate_batch_loss_kind kind;      /**< loss of one output */
    costate_batch_reduction reduction; /**< sum or mean */
    double delta;                      /**< δ of Huber's loss, > 0 and finite; not read by the others */
} costate_batch_loss;

/**
 * Loss of a batch and its derivative: value = Σ or mean of ℓ(h, d), hbar = ∂value/∂h.
 *
 * @param[in]  loss       which loss; a plain value
 * @param[in]  n          samples, may be 0
 * @param[in]  k          outputs per sample, may be 0
 * @param[in]  h          outputs of the model, n·k elements; for the logistic loss: logits
 * @param[in]  target     targets d, n·k elements
 * @param[in]  weight     weights of the samples, n elements, none negative; NULL for 1
 * @param[out] value      one element; NULL if not wanted
 * @param[out] hbar       cotangent, n·k elements, overwritten; NULL if not wanted
 *
 * A pointer may be NULL where its array has no element. On failure nothing was written.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      loss, h or target is NULL
 * @retval COSTATE_ERR_ARGUMENT  unknown kind or reduction, δ is not positive and finite, a weight is negative, or a
 *                               target is outside the range of its loss
 * @retval COSTATE_ERR_OVERFLOW  n·k does not fit in size_t
 */
COSTATE_API costate_status costate_batch_loss_f64(const costate_batch_loss *loss, size_t n, size_t k, const double *h,
                                                  const double *target, const double *weight, double *value,
                                                  double *hbar);

/**
 * costate_batch_loss_f64() in single precision; the value is double.
 *
 * @param[in]  loss       which loss; a plain value
 * @param[in]  n          samples, may be 0
 * @param[in]  k          outputs per sample, may be 0
 * @param[in]  h          outputs of the model, n·k elements; for the logistic loss: logits
 * @param[in]  target     targets d, n·k elements
 * @param[in]  weight     weights of the samples, n elements, none negative; NULL for 1
 * @param[out] value      one element; NULL if not wanted
 * @param[out] hbar       cotangent, n·k elements, overwritten; NULL if not wanted
 * @return as costate_batch_loss_f64()
 */
COSTATE_API costate_status costate_batch_loss_f32(const costate_batch_loss *loss, size_t n, size_t k, const float *h,
                                                  const float *target, const float *weight, double *value, float *hbar);

/**
 * Cross-entropy of the softmax with class labels: ℓ_i = log Σ_j exp h_ij − h_ic with c = label_i, hbar = ∂value/∂h.
 *
 * The largest logit is taken out before the exponentials, and the rest of their sum goes through log(1 + x): neither
 * overflow nor cancellation, whatever the logits; a confident right answer keeps its small loss and cotangent.
 *
 * @param[in]  reduction  sum or mean
 * @param[in]  n          samples, may be 0
 * @param[in]  k          classes
 * @param[in]  h          logits, n·k elements
 * @param[in]  label      class of every sample, n elements, each < k
 * @param[in]  weight     weights of the samples, n elements, none negative; NULL for 1
 * @param[out] value      one element; NULL if not wanted
 * @param[out] hbar       cotangent, n·k elements, overwritten; NULL if not wanted
 *
 * A pointer may be NULL where its array has no element. On failure nothing was written.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      h or label is NULL
 * @retval COSTATE_ERR_ARGUMENT  unknown reduction, a label is not below k, or a weight is negative
 * @retval COSTATE_ERR_OVERFLOW  n·k does not fit in size_t
 */
COSTATE_API costate_status costate_batch_softmax_loss_f64(costate_batch_reduction reduction, size_t n, size_t k,
                                                          const double *h, const uint32_t *label, const double *weight,
                                                          double *value, double *hbar);

/**
 * costate_batch_softmax_loss_f64() in single precision; the value is double.
 *
 * @param[in]  reduction  sum or mean
 * @param[in]  n          samples, may be 0
 * @param[in]  k          classes
 * @param[in]  h          logits, n·k elements
 * @param[in]  label      class of every sample, n elements, each < k
 * @param[in]  weight     weights of the samples, n elements, none negative; NULL for 1
 * @param[out] value      one element; NULL if not wanted
 * @param[out] hbar       cotangent, n·k elements, overwritten; NULL if not wanted
 * @return as costate_batch_softmax_loss_f64()
 */
COSTATE_API costate_status costate_batch_softmax_loss_f32(costate_batch_reduction reduction, size_t n, size_t k,
                                                          const float *h, const uint32_t *label, const float *weight,
                                                          double *value, float *hbar);

/**
 * Samples whose largest output is that of their class; of equal ones the first counts. A sample with a NaN is wrong.
 *
 * @param[in]  n          samples, may be 0
 * @param[in]  k          classes
 * @param[in]  h          outputs, n·k elements
 * @param[in]  label      class of every sample, n elements; one that is not below k is wrong
 * @param[out] n_right    number of right answers, 0 … n
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      n_right is NULL, or h or label is with elements to read; nothing was written
 * @retval COSTATE_ERR_OVERFLOW  n·k does not fit in size_t; nothing was written
 */
COSTATE_API costate_status costate_batch_class_count_f64(size_t n, size_t k, const double *h, const uint32_t *label,
                                                         size_t *n_right);

/**
 * costate_batch_class_count_f64() in single precision.
 *
 * @param[in]  n          samples, may be 0
 * @param[in]  k          classes
 * @param[in]  h          outputs, n·k elements
 * @param[in]  label      class of every sample, n elements; one that is not below k is wrong
 * @param[out] n_right    number of right answers, 0 … n
 * @return as costate_batch_class_count_f64()
 */
COSTATE_API costate_status costate_batch_class_count_f32(size_t n, size_t k, const float *h, const uint32_t *label,
                                                         size_t *n_right);

/**
 * Outputs whose sign is that of a binary target: h > 0 answers yes, a target d > 1/2 means yes. So targets 0 and 1
 * serve with logits, −1 and 1 with margins. An output or target that is NaN is wrong.
 *
 * @param[in]  n          outputs, may be 0
 * @param[in]  h          logits or margins, n elements
 * @param[in]  target     targets, n elements
 * @param[out] n_right    number of right answers, 0 … n
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  n_right is NULL, or h or target is with elements to read; nothing was written
 */
COSTATE_API costate_status costate_batch_sign_count_f64(size_t n, const double *h, const double *target,
                                                        size_t *n_right);

/**
 * costate_batch_sign_count_f64() in single precision.
 *
 * @param[in]  n          outputs, may be 0
 * @param[in]  h          logits or margins, n elements
 * @param[in]  target     targets, n elements
 * @param[out] n_right    number of right answers, 0 … n
 * @return as costate_batch_sign_count_f64()
 */
COSTATE_API costate_status costate_batch_sign_count_f32(size_t n, const float *h, const float *target, size_t *n_right);

#ifdef __cplusplus
}
#endif
#endif
