/* SPDX-License-Identifier: MIT */
/**
 * @file update.h  Parameter updates of gradient methods, each one pass over the parameters, with state between calls.
 *
 * For loops that compute their own gradients, such as training in mini-batches; costate_minimize_adam() runs a whole
 * minimisation. With the gradient g, clipped and with the penalties of the element added, the rate η of the step and
 * its number k = 1, 2, …, every element does, from state zero:
 *
 *   descent    p −= η g
 *   momentum   v = μ v − η g;  p += v  (Polyak, USSR Comput. Math. Math. Phys. 4(5), 1964)
 *   Nesterov   v = μ v − η g;  p += μ v − η g  (Sutskever, Martens, Dahl & Hinton, "On the importance of initialization
 *              and momentum in deep learning", ICML 2013, with p the point θ + μ v at which their gradient is taken)
 *   RMSProp    s = ρ s + (1 − ρ) g²;  p −= η g/(√s + ε)  (Tieleman & Hinton, Coursera lecture 6.5, 2012)
 *   AdaGrad    s += g²;  p −= η g/(√s + ε)  (Duchi, Hazan & Singer, J. Mach. Learn. Res. 12, 2011)
 *   Adam       m = β₁ m + (1 − β₁) g;  s = β₂ s + (1 − β₂) g²;  p −= η m̂/(√ŝ + ε), m̂ = m/(1 − β₁ᵏ), ŝ = s/(1 − β₂ᵏ)
 *              (Kingma & Ba, ICLR 2015, algorithm 1)
 *   AdamW      Adam with p −= η (m̂/(√ŝ + ε) + λ p)  (Loshchilov & Hutter, ICLR 2019, algorithm 2, with η in front of
 *              the decay too)
 *
 * Arithmetic and state are in the precision of the parameters; the bits do not depend on the instruction set.
 */
#ifndef COSTATE_UPDATE_H
#define COSTATE_UPDATE_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How the rate changes with the step. */
typedef enum costate_schedule_kind {
    COSTATE_SCHEDULE_CONSTANT, /**< rate */
    COSTATE_SCHEDULE_LINEAR,   /**< rate + (rate_final − rate) f */
    COSTATE_SCHEDULE_COSINE, /**< rate_final + (rate − rate_final)(1 + cos πf)/2 (Loshchilov & Hutter, ICLR 2017) */
    COSTATE_SCHEDULE_EXPONENTIAL /**< rate (rate_final/rate)^f */
} costate_schedule_kind;

/**
 * Rate as a function of the step. Steps count from 0; the first n_warm_up have the rate·(step + 1)/(n_warm_up + 1),
 * then f = (step − n_warm_up)/(n_step − 1 − n_warm_up), at most 1: step n_step − 1 has rate_final, and all after it.
 */
typedef struct costate_schedule {
    costate_schedule_kind kind; /**< how the rate changes */
    double rate;                /**< rate after the warm-up, > 0 */
    double rate_final;          /**< ≥ 0, exponential > 0; not read if constant */
    size_t n_step;              /**< steps, ≥ n_warm_up + 2; not read if constant */
    size_t n_warm_up;           /**< steps of the warm-up, may be 0 */
} costate_schedule;

/**
 * Rate of a step.
 *
 * @param[in] schedule  schedule; a plain value
 * @param[in] step      steps done before this one
 * @return the rate; NaN if schedule is NULL or not as its fields say. Reentrant
 */
COSTATE_API double costate_schedule_rate(const costate_schedule *schedule, size_t step);

/**
 * Elements [offset, offset + length) of the parameters and their penalty l1 Σ|p| + l2 Σp². A weight matrix is such a
 * range, and biases are left out by naming none of them.
 */
typedef struct costate_penalty_range {
    size_t offset; /**< first element */
    size_t length; /**< elements, may be 0 */
    double l1;     /**< ≥ 0 and finite */
    double l2;     /**< ≥ 0 and finite */
} costate_penalty_range;

/**
 * Penalties of some ranges and their gradient: value = Σ over the ranges of l1 Σ|p| + l2 Σp², pbar += l1 sign(p) + 2 l2
 * p; sign(0) is 0.
 *
 * @param[in]     n_range  ranges, may be 0
 * @param[in]     range    n_range elements; they may overlap
 * @param[in]     n        parameters
 * @param[in]     p        parameters, n elements
 * @param[out]    value    one element; NULL if not wanted. Added in double
 * @param[in,out] pbar     gradient, n elements, accumulated into; NULL if not wanted
 *
 * Reentrant; p and pbar must not overlap. On failure nothing was written.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      range or p is NULL with elements to read
 * @retval COSTATE_ERR_ARGUMENT  a factor is negative or not finite, or a range passes the end
 */
COSTATE_API costate_status costate_penalty_f64(size_t n_range, const costate_penalty_range *range, size_t n,
                                               const double *p, double *value, double *pbar);

/**
 * costate_penalty_f64() in single precision; the value is double.
 *
 * @param[in]     n_range  ranges, may be 0
 * @param[in]     range    n_range elements; they may overlap
 * @param[in]     n        parameters
 * @param[in]     p        parameters, n elements
 * @param[out]    value    one element; NULL if not wanted. Added in double
 * @param[in,out] pbar     gradient, n elements, accumulated into; NULL if not wanted
 * @return as costate_penalty_f64()
 */
COSTATE_API costate_status costate_penalty_f32(size_t n_range, const costate_penalty_range *range, size_t n,
                                               const float *p, double *value, float *pbar);

/** Method of an update; the formulas are at the top of this file. */
typedef enum costate_update_kind {
    COSTATE_UPDATE_DESCENT,  /**< gradient descent; no state */
    COSTATE_UPDATE_MOMENTUM, /**< state v */
    COSTATE_UPDATE_NESTEROV, /**< state v */
    COSTATE_UPDATE_RMSPROP,  /**< state s */
    COSTATE_UPDATE_ADAGRAD,  /**< state s */
    COSTATE_UPDATE_ADAM,     /**< state m and s */
    COSTATE_UPDATE_ADAMW     /**< state m and s */
} costate_update_kind;

/** Precision of the parameters of an update. */
typedef enum costate_update_precision {
    COSTATE_UPDATE_F64, /**< double */
    COSTATE_UPDATE_F32  /**< float */
} costate_update_precision;

/** Options of an update. Start from costate_update_options_default(). What its method does not use is not read. */
typedef struct costate_update_options {
    costate_update_kind kind;           /**< method */
    costate_update_precision precision; /**< of parameters, gradient and state */
    costate_schedule schedule;          /**< rate η */
    double momentum;                    /**< μ of momentum and Nesterov, 0 ≤ μ < 1 */
    double rho;                         /**< ρ of RMSProp, 0 ≤ ρ < 1 */
    double beta1;                       /**< β₁ of Adam and AdamW, 0 ≤ β₁ < 1 */
    double beta2;                       /**< β₂ of Adam and AdamW, 0 ≤ β₂ < 1 */
    double epsilon;                     /**< ε, > 0 and finite; single precision: at least 1e-37 */
    double decay;                       /**< λ of AdamW, ≥ 0 and finite: on the ranges, without ranges on all */
    double clip_value;                  /**< every element of g is limited to ± this, > 0; infinity: is not */
    double clip_norm; /**< g is shrunk to this Euclidean norm if it is longer, > 0; infinity: is not */
    size_t n_range;   /**< ranges with penalties */
    const costate_penalty_range *range; /**< n_range elements, in rising order without overlap; copied */
} costate_update_options;

/** An update with its state. One thread at a time. */
typedef struct costate_update costate_update;

/**
 * Usual options of a method: double precision, a constant rate of 0.01 (RMSProp, Adam, AdamW: 0.001), μ = ρ = β₁ = 0.9,
 * β₂ = 0.999, ε = 1e-8, λ = 0.01, no clipping, no penalties.
 *
 * @param[in] kind  method
 * @return the options
 */
COSTATE_API costate_update_options costate_update_options_default(costate_update_kind kind);

/**
 * Make an update whose state is zero.
 *
 * @param[in]  options  method, rate and the rest; copied with the ranges
 * @param[in]  n        parameters, may be 0
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] update   the update, to be released with costate_update_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      options or update is NULL, or options->range is with n_range > 0
 * @retval COSTATE_ERR_ARGUMENT  an option is outside its range, or the ranges overlap, fall or pass the end
 * @retval COSTATE_ERR_OVERFLOW  the size of the state does not fit in size_t
 * @retval COSTATE_ERR_MEMORY    no memory
 */
COSTATE_API costate_status costate_update_create(const costate_update_options *options, size_t n,
                                                 const costate_allocator *alloc, costate_update **update);

/**
 * Release an update.
 *
 * @param[in] update  update; NULL is accepted
 */
COSTATE_API void costate_update_destroy(costate_update *update);

/**
 * One step: the gradient is shrunk to clip_norm, limited to clip_value, the gradient of the penalties is added, and the
 * method's formula moves the parameters. Nothing is allocated.
 *
 * @param[in,out] update  update in double precision
 * @param[in,out] p       parameters, n elements; any alignment
 * @param[in]     grad    gradient, n elements; must not overlap p
 *
 * NaN and infinite elements go through to p and the state, unless the norm is limited: then they are refused.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         update is NULL, or p or grad is and n is not 0
 * @retval COSTATE_ERR_UNSUPPORTED  the update is in the other precision
 * @retval COSTATE_ERR_NONFINITE    clip_norm is finite and an element of grad is not; nothing was changed
 */
COSTATE_API costate_status costate_update_step_f64(costate_update *update, double *p, const double *grad);

/**
 * costate_update_step_f64() for an update in single precision.
 *
 * @param[in,out] update  update in single precision
 * @param[in,out] p       parameters, n elements; any alignment
 * @param[in]     grad    gradient, n elements; must not overlap p
 * @return as costate_update_step_f64()
 */
COSTATE_API costate_status costate_update_step_f32(costate_update *update, float *p, const float *grad);

/**
 * Steps done so far; the next has the rate of this number in the schedule.
 *
 * @param[in] update  update
 * @return the number; 0 if update is NULL
 */
COSTATE_API size_t costate_update_count(const costate_update *update);

/**
 * Back to state zero and step 0.
 *
 * @param[in,out] update  update; NULL is accepted
 */
COSTATE_API void costate_update_reset(costate_update *update);

/**
 * Size of what costate_update_save() writes.
 *
 * @param[in] update  update
 * @return bytes; 0 if update is NULL
 */
COSTATE_API size_t costate_update_state_bytes(const costate_update *update);

/**
 * Copy state and number of steps into a block, for a checkpoint: method, precision and n are recorded with them, the
 * options are not. In the byte order of the machine.
 *
 * @param[in]  update       update
 * @param[out] block        block of block_bytes bytes; any alignment
 * @param[in]  block_bytes  at least costate_update_state_bytes()
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       update or block is NULL
 * @retval COSTATE_ERR_WORKSPACE  the block is too small; nothing was written
 */
COSTATE_API costate_status costate_update_save(const costate_update *update, void *block, size_t block_bytes);

/**
 * Take up a saved state: the steps that follow have the bits they would have had.
 *
 * @param[in,out] update       update made with the options of the saved one
 * @param[in]     block        what costate_update_save() wrote; any alignment
 * @param[in]     block_bytes  its size, exactly costate_update_state_bytes()
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      update or block is NULL
 * @retval COSTATE_ERR_SIZE      block_bytes is not the size of this update's state; nothing was changed
 * @retval COSTATE_ERR_MISMATCH  the block is of another method, precision, n or byte order, or is none; nothing was
 *                               changed
 */
COSTATE_API costate_status costate_update_restore(costate_update *update, const void *block, size_t block_bytes);

#ifdef __cplusplus
}
#endif
#endif
