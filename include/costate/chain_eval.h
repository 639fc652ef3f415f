/* SPDX-License-Identifier: MIT */
/**
 * @file chain_eval.h  Evaluation of a chain over batches: outputs, VJP, and loss with gradient in one pass.
 *
 * A batch is cut into tiles of samples, each of which goes through all layers forth and back while it is in the cache.
 * Gradients are summed within fixed groups of tiles, then over the groups in their order: the bits depend on the batch
 * and on the option n_piece, not on the number of threads or the instruction set (of those with a fused multiply-add).
 */
#ifndef COSTATE_CHAIN_EVAL_H
#define COSTATE_CHAIN_EVAL_H

#include <costate/batch_loss.h>
#include <costate/chain.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Precision of an evaluator. */
typedef enum costate_chain_precision {
    COSTATE_CHAIN_F64, /**< double */
    COSTATE_CHAIN_F32  /**< float */
} costate_chain_precision;

/** Options of an evaluator. Start from costate_chain_eval_options_default(). */
typedef struct costate_chain_eval_options {
    costate_chain_precision precision; /**< of data, parameters and gradients */
    size_t n_thread;                   /**< threads, the caller's being one of them; 0: one per processor */
    size_t n_piece; /**< groups of tiles with a gradient of their own; 0: chosen from the sizes. More threads than
                          groups are of no use */
} costate_chain_eval_options;

/** Double precision, one thread, groups chosen. @return the options */
COSTATE_API costate_chain_eval_options costate_chain_eval_options_default(void);

/** Samples and what is known of them, double precision. A plain value; the arrays are the caller's. */
typedef struct costate_batch_f64 {
    size_t n;              /**< samples, may be 0 */
    const size_t *index;   /**< sample k of the batch is sample index[k] of the arrays; NULL: sample k */
    const double *x;       /**< inputs: element i of sample s at s·n_in + i, … */
    size_t feature_stride; /**< … or, if not 0, at i·feature_stride + s */
    const double *target;  /**< targets, n_out per sample; NULL if the loss has none */
    const uint32_t *label; /**< classes, one per sample; NULL if the loss has none */
    const double *weight;  /**< weights, one per sample, none negative; NULL for 1 */
} costate_batch_f64;

/** Samples and what is known of them, single precision; see costate_batch_f64. */
typedef struct costate_batch_f32 {
    size_t n;              /**< samples, may be 0 */
    const size_t *index;   /**< sample k of the batch is sample index[k] of the arrays; NULL: sample k */
    const float *x;        /**< inputs: element i of sample s at s·n_in + i, … */
    size_t feature_stride; /**< … or, if not 0, at i·feature_stride + s */
    const float *target;   /**< targets, n_out per sample; NULL if the loss has none */
    const uint32_t *label; /**< classes, one per sample; NULL if the loss has none */
    const float *weight;   /**< weights, one per sample, none negative; NULL for 1 */
} costate_batch_f32;

/** What a loss compares. */
typedef enum costate_chain_loss_kind {
    COSTATE_CHAIN_LOSS_OUTPUT,  /**< costate_batch_loss_f64(): every output with its target */
    COSTATE_CHAIN_LOSS_SOFTMAX, /**< costate_batch_softmax_loss_f64(): the outputs, as logits, with the label */
    COSTATE_CHAIN_LOSS_OWN      /**< the caller's function */
} costate_chain_loss_kind;

/** A loss of a batch. A plain value. */
typedef struct costate_chain_loss {
    costate_chain_loss_kind kind; /**< which */
    costate_batch_loss output;    /**< the loss of an output; the others read its reduction alone */
    /**
     * Own loss: value = Σ of its terms over n samples whose outputs are h, row by row, and hbar = ∂value/∂h unless hbar is
     * NULL, which says that no gradient is wanted; `first` is the place of the first in the batch. Called from several threads at once. A mean divides by Σ weight, which the function
     * itself has to put on its terms. A status other than COSTATE_OK ends the evaluation with it.
     */
    costate_status (*own_f64)(size_t n, size_t first, const double *h, double *value, double *hbar, void *ctx);
    costate_status (*own_f32)(size_t n, size_t first, const float *h, double *value, float *hbar,
                              void *ctx); /**< same */
    void *ctx;                            /**< for it */
} costate_chain_loss;

/** What an evaluation of a loss gives. */
typedef struct costate_chain_result {
    double value;   /**< the loss */
    size_t n_right; /**< right answers: of the hinge and logistic loss by sign (costate_batch_sign_count_f64()), of the
                         others by class where the batch has labels, else 0 */
} costate_chain_result;

/** An evaluator: workspace and threads. One thread at a time; create one for each caller. */
typedef struct costate_chain_eval costate_chain_eval;

/**
 * Make an evaluator. All memory is taken here, except that of its threads.
 *
 * @param[in]  chain    chain; must outlive the evaluator
 * @param[in]  options  options; NULL for the default
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] eval     the evaluator, to be released with costate_chain_eval_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         chain or eval is NULL
 * @retval COSTATE_ERR_ARGUMENT     unknown precision, or n_thread or n_piece > 1024
 * @retval COSTATE_ERR_UNSUPPORTED  a kind of layer lacks the calls of this precision
 * @retval COSTATE_ERR_OVERFLOW     the workspace does not fit in size_t
 * @retval COSTATE_ERR_MEMORY       no memory, or no thread
 */
COSTATE_API costate_status costate_chain_eval_create(const costate_chain *chain,
                                                     const costate_chain_eval_options *options,
                                                     const costate_allocator *alloc, costate_chain_eval **eval);

/**
 * Release an evaluator.
 *
 * @param[in] eval  evaluator; NULL is accepted
 */
COSTATE_API void costate_chain_eval_destroy(costate_chain_eval *eval);

/**
 * Where dropout and its like get their randomness in the calls that follow. Random until told otherwise: no.
 *
 * @param[in,out] eval      evaluator; NULL is accepted
 * @param[in]     training  true: layers are random
 * @param[in]     draw      number of the draw; equal ones give equal masks
 */
COSTATE_API void costate_chain_eval_training(costate_chain_eval *eval, bool training, uint64_t draw);

/**
 * What went wrong in the last call that failed: layer and samples.
 *
 * @param[in] eval  evaluator
 * @return text, empty if nothing did; valid until the next call. NULL gives ""
 */
COSTATE_API const char *costate_chain_eval_message(const costate_chain_eval *eval);

/**
 * Outputs of a batch.
 *
 * @param[in,out] eval   evaluator in double precision
 * @param[in]     p      parameters
 * @param[in]     batch  n, index, x and feature_stride are read
 * @param[out]    y      n·n_out elements, sample by sample; NULL if n is 0
 *
 * NaN in p or x goes through to the outputs it reaches. No array may overlap another. On failure y is undefined.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         a pointer is NULL
 * @retval COSTATE_ERR_UNSUPPORTED  the evaluator is in the other precision
 * @retval COSTATE_ERR_OVERFLOW     a count of elements does not fit in size_t
 * @return also what a layer answers, such as COSTATE_ERR_ARGUMENT of an embedding
 */
COSTATE_API costate_status costate_chain_forward_f64(costate_chain_eval *eval, const double *p,
                                                     const costate_batch_f64 *batch, double *y);
/** @copydoc costate_chain_forward_f64 */
COSTATE_API costate_status costate_chain_forward_f32(costate_chain_eval *eval, const float *p,
                                                     const costate_batch_f32 *batch, float *y);

/**
 * Pull cotangents of the outputs back: xbar_s = (∂y_s/∂x_s)ᵀ v_s, pbar += Σ_s (∂y_s/∂p)ᵀ v_s.
 *
 * @param[in,out] eval   evaluator in double precision
 * @param[in]     p      parameters
 * @param[in]     batch  n, index, x and feature_stride are read
 * @param[in]     v      cotangents, n·n_out elements, sample by sample
 * @param[out]    xbar   n·n_in elements, sample by sample in the order of the batch; NULL if not wanted
 * @param[in,out] pbar   gradient, accumulated into, of frozen layers untouched; NULL if not wanted
 *
 * No array may overlap another. On failure xbar is undefined and pbar untouched.
 *
 * @return as costate_chain_forward_f64()
 */
COSTATE_API costate_status costate_chain_vjp_f64(costate_chain_eval *eval, const double *p,
                                                 const costate_batch_f64 *batch, const double *v, double *xbar,
                                                 double *pbar);
/** @copydoc costate_chain_vjp_f64 */
COSTATE_API costate_status costate_chain_vjp_f32(costate_chain_eval *eval, const float *p,
                                                 const costate_batch_f32 *batch, const float *v, float *xbar,
                                                 float *pbar);

/**
 * Loss of a batch and its gradient in one pass: pbar += ∂value/∂p.
 *
 * @param[in,out] eval    evaluator in double precision
 * @param[in]     p       parameters
 * @param[in]     batch   samples, and targets or labels as the loss needs them
 * @param[in]     loss    loss
 * @param[out]    result  value and right answers; NULL if not wanted
 * @param[in,out] pbar    gradient, accumulated into, of frozen layers untouched; NULL if not wanted
 *
 * The value is summed in double precision. NaN in data, parameters or weights makes it NaN and does not fail. On failure
 * nothing was written.
 *
 * @retval COSTATE_ERR_ARGUMENT  also: the loss is unknown or its targets, labels or weights are outside their range
 * @retval COSTATE_ERR_NULL      also: the loss needs targets or labels that are NULL
 * @return else as costate_chain_forward_f64(), or what the caller's loss answers
 */
COSTATE_API costate_status costate_chain_loss_f64(costate_chain_eval *eval, const double *p,
                                                  const costate_batch_f64 *batch, const costate_chain_loss *loss,
                                                  costate_chain_result *result, double *pbar);
/** @copydoc costate_chain_loss_f64 */
COSTATE_API costate_status costate_chain_loss_f32(costate_chain_eval *eval, const float *p,
                                                  const costate_batch_f32 *batch, const costate_chain_loss *loss,
                                                  costate_chain_result *result, float *pbar);

#ifdef __cplusplus
}
#endif
#endif
