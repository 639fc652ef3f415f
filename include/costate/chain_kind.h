/* SPDX-License-Identifier: MIT */
/**
 * @file chain_kind.h  How a layer of a chain is written: sizes, forward pass, VJP, and a check of its gradient.
 *
 * The library's own layers are written this way, and a user's layer has the same rights: fill a costate_chain_kind, point
 * the `kind` of a costate_chain_layer at it, check it once with costate_chain_layer_check().
 *
 * Layers work on tiles: some samples of a batch side by side. A value of n elements is n rows; row i holds element i of
 * every sample of the tile, so that a loop over a row runs over samples and becomes SIMD code by itself:
 *
 *     for (size_t i = 0; i < n_out; i++) for (size_t s = 0; s < tile->row; s++) y[i * tile->row + s] = f(x[i * tile->row + s]);
 *
 * Rows are tile->row elements long, a multiple of 64 bytes, and aligned to 64 bytes. Elements tile->n … tile->row − 1 of
 * a row belong to no sample: they hold what the last sample holds, with cotangent zero. A layer may compute them like the
 * others; nothing it does with them is seen.
 */
#ifndef COSTATE_CHAIN_KIND_H
#define COSTATE_CHAIN_KIND_H

#include <costate/chain.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most blocks of parameters of a layer. */
#define COSTATE_CHAIN_MAX_BLOCK 8

/** A block of parameters as a kind describes it; its elements start as value + bound·u with u uniform in (−1, 1). */
typedef struct costate_chain_plan_block {
    const char *name; /**< a constant string */
    size_t length;    /**< elements, ≥ 1 */
    bool is_bias;     /**< true: penalties usually leave it out */
    double value;     /**< centre of the initial values */
    double bound;     /**< half the width of their range, ≥ 0 */
} costate_chain_plan_block;

/** What a layer needs for a given input shape. Counts of rows are elements per sample. */
typedef struct costate_chain_plan {
    costate_shape out;                                       /**< shape of the output */
    size_t n_block;                                          /**< blocks, ≤ COSTATE_CHAIN_MAX_BLOCK */
    costate_chain_plan_block block[COSTATE_CHAIN_MAX_BLOCK]; /**< in the order of the parameters */
    size_t n_kept;    /**< rows that the forward pass leaves to the VJP, beside x and y */
    size_t n_scratch; /**< rows that either call may use */
    bool is_view;     /**< true: the output is the input in another shape, and neither call is made */
} costate_chain_plan;

/** One call of a layer, double precision: forward reads p and x and fills y and kept; the VJP reads these and v. */
typedef struct costate_chain_tile_f64 {
    const costate_chain_layer *layer; /**< the layer */
    costate_shape in;                 /**< shape of x */
    costate_shape out;                /**< shape of y */
    size_t n;                         /**< samples, ≥ 1 */
    size_t row;                       /**< elements from one row to the next, ≥ n, a multiple of 16 */
    size_t first;                     /**< place of the first sample in the batch; the others follow it */
    size_t layer_index;               /**< place of the layer in the chain */
    uint64_t draw;                    /**< number of the random draw */
    bool training;                    /**< false: nothing is random */
    const double *p;                  /**< the layer's parameters */
    const double *x;                  /**< input, rows */
    double *y;                        /**< output, rows */
    double *kept;                     /**< n_kept rows */
    double *scratch;                  /**< n_scratch rows */
    double *v;                        /**< VJP: cotangent of y; may be overwritten */
    double *xbar;                     /**< VJP: cotangent of x, to be overwritten; NULL if not wanted */
    double *pbar; /**< VJP: gradient, to be accumulated into; NULL if not wanted. Any alignment, as p */
} costate_chain_tile_f64;

/** One call of a layer, single precision; see costate_chain_tile_f64. */
typedef struct costate_chain_tile_f32 {
    const costate_chain_layer *layer; /**< the layer */
    costate_shape in;                 /**< shape of x */
    costate_shape out;                /**< shape of y */
    size_t n;                         /**< samples, ≥ 1 */
    size_t row;                       /**< elements from one row to the next, ≥ n, a multiple of 16 */
    size_t first;                     /**< place of the first sample in the batch; the others follow it */
    size_t layer_index;               /**< place of the layer in the chain */
    uint64_t draw;                    /**< number of the random draw */
    bool training;                    /**< false: nothing is random */
    const float *p;                   /**< the layer's parameters */
    const float *x;                   /**< input, rows */
    float *y;                         /**< output, rows */
    float *kept;                      /**< n_kept rows */
    float *scratch;                   /**< n_scratch rows */
    float *v;                         /**< VJP: cotangent of y; may be overwritten */
    float *xbar;                      /**< VJP: cotangent of x, to be overwritten; NULL if not wanted */
    float *pbar; /**< VJP: gradient, to be accumulated into; NULL if not wanted. Any alignment, as p */
} costate_chain_tile_f32;

/**
 * A kind of layer. Constant while a chain uses it; its functions are called from several threads at once, for tiles of one
 * batch, and must be functions of their arguments alone.
 *
 * The calls of a precision that is never used may be NULL. A status other than COSTATE_OK ends the evaluation with it.
 */
struct costate_chain_kind {
    const char *name; /**< for messages */
    /** Sizes for an input of shape `in`; *plan is all zero before. COSTATE_ERR_SIZE if it cannot be. */
    costate_status (*plan)(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan);
    costate_status (*forward_f64)(const costate_chain_tile_f64 *tile); /**< y and kept from p and x */
    costate_status (*vjp_f64)(const costate_chain_tile_f64 *tile); /**< xbar = (∂y/∂x)ᵀ v, pbar += (∂y/∂p)ᵀ v */
    costate_status (*forward_f32)(const costate_chain_tile_f32 *tile); /**< as forward_f64 */
    costate_status (*vjp_f32)(const costate_chain_tile_f32 *tile);     /**< as vjp_f64 */
};

/** How a layer is checked. Start from costate_chain_check_options_default(). */
typedef struct costate_chain_check_options {
    uint64_t seed;        /**< of parameters, inputs and cotangents */
    size_t n_sample;      /**< samples, ≥ 1 */
    double x_low;         /**< inputs are uniform from here … */
    double x_high;        /**< … to here */
    size_t n_integer;     /**< > 0: inputs are integers below this instead, and are not differentiated */
    double p_bound;       /**< parameters are their initial values plus up to ± this */
    bool training;        /**< what the layer is told */
    double tolerance;     /**< largest relative error that passes, double precision */
    double tolerance_f32; /**< largest relative difference of the two precisions that passes */
} costate_chain_check_options;

/**
 * Usual options: seed 1, 19 samples, inputs in (−1, 1), p_bound 0.1, training, tolerances 1e-6 and 1e-3.
 *
 * @return the options
 */
COSTATE_API costate_chain_check_options costate_chain_check_options_default(void);

/**
 * Check a layer: its VJP with random cotangents against differences of its forward pass (Ridders' extrapolation), in double
 * precision; that gradients are added to what is there, are the same with the other not wanted, and do not depend on how
 * the samples are put in tiles; that both precisions agree where the kind has both.
 *
 * Takes two evaluations of the layer per parameter and input element and step length: for layers of some hundred. A kind
 * with calls in single precision alone is checked in it, with tolerance_f32.
 *
 * @param[in]  in       shape of the input
 * @param[in]  layer    layer
 * @param[in]  options  how; NULL for the usual
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] error    largest relative error of a derivative found; NULL if not wanted
 * @param[out] message  on failure, what is wrong: which parameter or input, both values; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      layer is NULL
 * @retval COSTATE_ERR_ARGUMENT  an option is outside its range
 * @retval COSTATE_ERR_MISMATCH     a derivative, or one of the other properties, is wrong
 * @retval COSTATE_ERR_UNSUPPORTED  the kind has both calls in neither precision
 * @return also what costate_chain_create() and the layer's calls answer
 */
COSTATE_API costate_status costate_chain_layer_check(costate_shape in, const costate_chain_layer *layer,
                                                     const costate_chain_check_options *options,
                                                     const costate_allocator *alloc, double *error,
                                                     costate_message *message);

#ifdef __cplusplus
}
#endif
#endif
