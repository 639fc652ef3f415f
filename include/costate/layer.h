/* SPDX-License-Identifier: MIT */
/**
 * @file layer.h  One dense layer on its own: multiply, activation derivative, transpose-multiply over one cache vector.
 *
 * For hosts that bring their own composition. Nothing here allocates or keeps state; the cache is the caller's. All
 * calls are reentrant.
 */
#ifndef COSTATE_LAYER_H
#define COSTATE_LAYER_H

#include <costate/act.h>
#include <costate/export.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct costate_kernels;

/** A dense layer y = act(W x + b), to be filled by costate_layer_make(). Treat as opaque and constant; copy freely. */
typedef struct costate_layer {
    size_t n_in;                           /**< inputs */
    size_t n_out;                          /**< units */
    costate_act act;                       /**< activation */
    bool no_bias;                          /**< true: no b */
    costate_accuracy accuracy;             /**< which transcendental functions */
    const struct costate_kernels *kernels; /**< kernel variant, internal */
} costate_layer;

/**
 * Describe a layer and choose its kernel variant by costate_isa_select().
 *
 * Its parameters are n_in·n_out weights with the longer side contiguous (column-major when n_out ≥ n_in, else
 * row-major), then n_out biases if any.
 *
 * @param[in]  n_in      inputs, ≥ 1
 * @param[in]  n_out     units, ≥ 1
 * @param[in]  act       activation
 * @param[in]  no_bias   true: no biases
 * @param[in]  accuracy  which transcendental functions
 * @param[out] layer     the description
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         layer is NULL
 * @retval COSTATE_ERR_ARGUMENT     n_in or n_out is 0, act or accuracy is unknown, or COSTATE_ISA holds no known name
 * @retval COSTATE_ERR_OVERFLOW     the parameter count does not fit
 * @retval COSTATE_ERR_UNSUPPORTED  COSTATE_ISA names a variant this CPU or build lacks
 */
COSTATE_API costate_status costate_layer_make(size_t n_in, size_t n_out, costate_act act, bool no_bias,
                                              costate_accuracy accuracy, costate_layer *layer);

/**
 * Number of parameters of a layer.
 *
 * @param[in] layer  layer
 * @return n_out·(n_in + 1), or n_out·n_in without biases; 0 if layer is NULL
 */
COSTATE_API size_t costate_layer_n_param(const costate_layer *layer);

/**
 * Evaluate the layer, y = act(W x + b), and leave in `cache` what the pull-back needs.
 *
 * The cache holds act(z) where the derivative is a function of it (identity, tanh, sigmoid, relu, leaky relu, elu) and
 * act′(z) otherwise.
 *
 * @param[in]  layer  layer
 * @param[in]  p      parameters, costate_layer_n_param() elements
 * @param[in]  x      input, n_in elements
 * @param[out] y      output, n_out elements
 * @param[out] cache  n_out elements; NULL if no pull-back follows
 *
 * No array may overlap another.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  layer, p, x or y is NULL
 */
COSTATE_API costate_status costate_layer_forward_f64(const costate_layer *layer, const double *p, const double *x,
                                                     double *y, double *cache);
/** @copydoc costate_layer_forward_f64 */
COSTATE_API costate_status costate_layer_forward_f32(const costate_layer *layer, const float *p, const float *x,
                                                     float *y, float *cache);

/**
 * Evaluate the layer for n samples, y_s = act(W x_s + b), without workspace.
 *
 * With the weights by column and n_out = n_in this is the product Y = W X of matrices stored by column. A sample's
 * outputs do not depend on n or on the other samples, and their bits are the same on every variant with a fused
 * multiply-add. They are the bits of costate_layer_forward_f64() except that, with weights by column, one or two
 * outputs beyond a multiple of 64 bytes may be summed in another order.
 *
 * @param[in]  layer  layer
 * @param[in]  p      parameters, costate_layer_n_param() elements
 * @param[in]  n      samples, may be 0
 * @param[in]  x      inputs, n_in elements of each sample, sample by sample
 * @param[out] y      outputs, n_out elements of each sample, sample by sample
 *
 * No array may overlap another.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  layer, p, x or y is NULL
 */
COSTATE_API costate_status costate_layer_forward_batch_f64(const costate_layer *layer, const double *p, size_t n,
                                                           const double *x, double *y);
/** @copydoc costate_layer_forward_batch_f64 */
COSTATE_API costate_status costate_layer_forward_batch_f32(const costate_layer *layer, const float *p, size_t n,
                                                           const float *x, float *y);

/**
 * Pull a cotangent back through the layer whose forward call filled `cache`: with d = v ∘ act′(W x + b),
 * xbar = Wᵀ d, Wbar += scale · d xᵀ, bbar += scale · d.
 *
 * @param[in]     layer  layer
 * @param[in]     p      the parameters of the forward call
 * @param[in]     x      the input of the forward call, n_in elements
 * @param[in]     v      output cotangent, n_out elements
 * @param[in]     scale  factor on what is added to pbar
 * @param[out]    xbar   n_in elements, overwritten; NULL if not wanted
 * @param[in,out] pbar   costate_layer_n_param() elements, accumulated into; NULL if not wanted
 * @param[in,out] cache  n_out elements from costate_layer_forward_f64(); consumed: it holds d afterwards
 *
 * No array may overlap another.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  layer, p, x, v or cache is NULL
 */
COSTATE_API costate_status costate_layer_pullback_f64(const costate_layer *layer, const double *p, const double *x,
                                                      const double *v, double scale, double *xbar, double *pbar,
                                                      double *cache);
/** @copydoc costate_layer_pullback_f64 */
COSTATE_API costate_status costate_layer_pullback_f32(const costate_layer *layer, const float *p, const float *x,
                                                      const float *v, float scale, float *xbar, float *pbar,
                                                      float *cache);

#ifdef __cplusplus
}
#endif
#endif
