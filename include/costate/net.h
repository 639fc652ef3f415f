/* SPDX-License-Identifier: MIT */
/** @file net.h  Dense networks: y = N(x; p), its vector–Jacobian and Jacobian–vector products, Jacobian and Hessian. */
#ifndef COSTATE_NET_H
#define COSTATE_NET_H

#include <costate/act.h>
#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/isa.h>
#include <costate/random.h>
#include <costate/rhs.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One dense layer: act(W x + b). */
typedef struct costate_layer_spec {
    size_t n_out;    /**< units, ≥ 1 */
    costate_act act; /**< applied to every unit */
    bool no_bias;    /**< true: act(W x) */
} costate_layer_spec;

/**
 * A chain of dense layers with fixed affine maps around it:
 *
 *     x⁰ = input_act(in_scale ∘ x + in_shift),   xˡ = act_l(W_l xˡ⁻¹ + b_l),   y = out_scale ∘ x^L + out_shift.
 *
 * Members that are zero or NULL mean: identity, scale 1, shift 0, fast accuracy. Everything pointed to is copied.
 */
typedef struct costate_net_spec {
    size_t n_in;                      /**< inputs, ≥ 1 */
    size_t n_layer;                   /**< layers, ≥ 1 */
    const costate_layer_spec *layers; /**< n_layer elements */
    costate_act input_act;            /**< applied to the scaled inputs, e.g. COSTATE_ACT_CUBE */
    const double *in_scale;           /**< n_in elements or NULL */
    const double *in_shift;           /**< n_in elements or NULL */
    const double *out_scale;          /**< n_out elements or NULL */
    const double *out_shift;          /**< n_out elements or NULL */
    costate_accuracy accuracy;        /**< which transcendental functions to use */
} costate_net_spec;

/** An immutable network. May be shared by any number of threads. */
typedef struct costate_net costate_net;

/**
 * Create a network; the kernel variant is chosen here, by costate_isa_select().
 *
 * @param[in]  spec   what to build; copied
 * @param[in]  alloc  where memory comes from; NULL for malloc
 * @param[out] net    the network, to be released with costate_net_destroy(); NULL on failure
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         spec, spec->layers or net is NULL
 * @retval COSTATE_ERR_ARGUMENT     no input, no layer, a layer without units, an unknown activation or accuracy,
 *                                  or COSTATE_ISA holds no known name
 * @retval COSTATE_ERR_NONFINITE    a scale or shift is NaN or infinite
 * @retval COSTATE_ERR_OVERFLOW     the parameter count does not fit
 * @retval COSTATE_ERR_MEMORY       no memory
 * @retval COSTATE_ERR_UNSUPPORTED  COSTATE_ISA names a variant this CPU or build lacks
 */
COSTATE_API costate_status costate_net_create(const costate_net_spec *spec, const costate_allocator *alloc,
                                              costate_net **net);

/**
 * Release a network.
 *
 * @param[in] net  network, or NULL (no effect); no other thread may be using it
 */
COSTATE_API void costate_net_destroy(costate_net *net);

/**
 * Number of inputs.
 *
 * @param[in] net  network
 * @return n_in; 0 if net is NULL
 */
COSTATE_API size_t costate_net_n_in(const costate_net *net);

/**
 * Number of outputs.
 *
 * @param[in] net  network
 * @return n_out of the last layer; 0 if net is NULL
 */
COSTATE_API size_t costate_net_n_out(const costate_net *net);

/**
 * Number of parameters.
 *
 * @param[in] net  network
 * @return all weights and biases; 0 if net is NULL
 */
COSTATE_API size_t costate_net_n_param(const costate_net *net);

/**
 * Number of layers.
 *
 * @param[in] net  network
 * @return n_layer; 0 if net is NULL
 */
COSTATE_API size_t costate_net_n_layer(const costate_net *net);

/**
 * One layer of the specification the network was made from.
 *
 * @param[in]  net    network
 * @param[in]  layer  index, < costate_net_n_layer()
 * @param[out] spec   the layer
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      net or spec is NULL
 * @retval COSTATE_ERR_ARGUMENT  no such layer
 */
COSTATE_API costate_status costate_net_layer(const costate_net *net, size_t layer, costate_layer_spec *spec);

/**
 * Kernel variant the network uses.
 *
 * @param[in] net  network, not NULL
 * @return the variant chosen at creation
 */
COSTATE_API costate_isa costate_net_isa(const costate_net *net);

/**
 * @name Parameters
 * @anchor net_layout
 *
 * Parameters are one flat array: layer by layer, weights W_l (n_out × n_in) and then biases b_l (n_out, if any),
 * without padding. The weights are stored with their **longer side contiguous**: column-major when n_out ≥ n_in,
 * row-major when n_out < n_in, because that is the order in which the kernels stream them. A view tells the strides;
 * costate_net_import_f64() and costate_net_export_f64() convert from and to layouts in which every matrix is row-major
 * or every matrix is column-major.
 * @{
 */

/** A named matrix or vector inside the parameter array: element (i, j) is p[offset + i·row_stride + j·col_stride]. */
typedef struct costate_param_view {
    char name[32];     /**< "layer0.weight", "layer0.bias", … */
    size_t offset;     /**< first element */
    size_t n_row;      /**< rows: units of the layer */
    size_t n_col;      /**< columns: inputs of the layer; 1 for a bias */
    size_t row_stride; /**< in elements */
    size_t col_stride; /**< in elements */
} costate_param_view;

/** Matrix order of a foreign parameter array. */
typedef enum costate_order {
    COSTATE_ORDER_ROW_MAJOR,   /**< as in C, NumPy, PyTorch (n_out × n_in) */
    COSTATE_ORDER_COLUMN_MAJOR /**< as in Fortran, R, Julia (n_out × n_in) */
} costate_order;

/**
 * Number of named blocks.
 *
 * @param[in] net  network
 * @return weights and biases counted apart; 0 if net is NULL
 */
COSTATE_API size_t costate_net_n_view(const costate_net *net);

/**
 * The k-th named block, in storage order.
 *
 * @param[in]  net   network
 * @param[in]  k     index, < costate_net_n_view()
 * @param[out] view  the block
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      net or view is NULL
 * @retval COSTATE_ERR_ARGUMENT  no such block
 */
COSTATE_API costate_status costate_net_view(const costate_net *net, size_t k, costate_param_view *view);

/**
 * The block with a given name.
 *
 * @param[in]  net   network
 * @param[in]  name  e.g. "layer0.weight"
 * @param[out] view  the block
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an argument is NULL
 * @retval COSTATE_ERR_ARGUMENT  no block has this name
 */
COSTATE_API costate_status costate_net_find(const costate_net *net, const char *name, costate_param_view *view);

/**
 * Convert foreign parameters (per layer: W, then b, all W in one order) into the library's layout.
 *
 * @param[in]  net      network
 * @param[in]  order    order of every matrix in `foreign`
 * @param[in]  foreign  n_param elements
 * @param[out] p        n_param elements; must not overlap foreign
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      a pointer is NULL
 * @retval COSTATE_ERR_ARGUMENT  unknown order
 */
COSTATE_API costate_status costate_net_import_f64(const costate_net *net, costate_order order, const double *foreign,
                                                  double *p);
/** @copydoc costate_net_import_f64 */
COSTATE_API costate_status costate_net_import_f32(const costate_net *net, costate_order order, const float *foreign,
                                                  float *p);

/**
 * Convert parameters, or a gradient, from the library's layout into a foreign one; the inverse of
 * costate_net_import_f64().
 *
 * @param[in]  net      network
 * @param[in]  order    order of every matrix in `foreign`
 * @param[in]  p        n_param elements
 * @param[out] foreign  n_param elements; must not overlap p
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      a pointer is NULL
 * @retval COSTATE_ERR_ARGUMENT  unknown order
 */
COSTATE_API costate_status costate_net_export_f64(const costate_net *net, costate_order order, const double *p,
                                                  double *foreign);
/** @copydoc costate_net_export_f64 */
COSTATE_API costate_status costate_net_export_f32(const costate_net *net, costate_order order, const float *p,
                                                  float *foreign);

/** How weights are drawn; biases are always zero. */
typedef enum costate_init {
    COSTATE_INIT_GLOROT_UNIFORM, /**< uniform in ±√(6/(n_in + n_out)) (Glorot & Bengio 2010) */
    COSTATE_INIT_GLOROT_NORMAL,  /**< normal, variance 2/(n_in + n_out) */
    COSTATE_INIT_HE_UNIFORM,     /**< uniform in ±√(6/n_in) (He et al. 2015) */
    COSTATE_INIT_HE_NORMAL,      /**< normal, variance 2/n_in */
    COSTATE_INIT_ZEROS           /**< zero */
} costate_init;

/**
 * Draw initial parameters. Weights are drawn row by row (unit by unit), layer by layer, in double precision, so that
 * both precisions and every platform get the same values.
 *
 * @param[in]     net       network
 * @param[in]     scheme    distribution of the weights
 * @param[in]     out_gain  factor on the last layer's weights; 1 for none, small to start near out_shift
 * @param[in,out] random    stream of random numbers
 * @param[out]    p         n_param elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      net, random or p is NULL
 * @retval COSTATE_ERR_ARGUMENT  unknown scheme
 */
COSTATE_API costate_status costate_net_init_f64(const costate_net *net, costate_init scheme, double out_gain,
                                                costate_random *random, double *p);
/** @copydoc costate_net_init_f64 */
COSTATE_API costate_status costate_net_init_f32(const costate_net *net, costate_init scheme, double out_gain,
                                                costate_random *random, float *p);
/** @} */

/**
 * @name Evaluation
 *
 * No call of this group allocates. `work` is scratch of at least the queried size, of any alignment, which carries
 * nothing from one call to the next: one per thread. What a VJP may take from an earlier evaluation is in a block of
 * its own, `kept`. No array may overlap another. All are reentrant.
 *
 * All return:
 *  - COSTATE_OK;
 *  - COSTATE_ERR_NULL if a required pointer is NULL;
 *  - COSTATE_ERR_WORKSPACE if work_bytes is smaller than the query says.
 *
 * After a failure no output has been written. Values that are not finite are passed through as IEEE arithmetic has them
 * and are no error.
 * @{
 */

/**
 * Scratch for forward, vjp, vjp_kept, jvp and jacobian in double precision, and the least for the batch calls.
 *
 * @param[in] net  network
 * @return bytes; 0 if net is NULL
 */
COSTATE_API size_t costate_net_work_bytes_f64(const costate_net *net);
/**
 * Scratch in single precision; see costate_net_work_bytes_f64(). @param[in] net network @return bytes; 0 if net is NULL
 */
COSTATE_API size_t costate_net_work_bytes_f32(const costate_net *net);

/**
 * Scratch for the Hessian in double precision.
 *
 * @param[in] net  network
 * @return bytes, about (1 + n_in + n_in²/2) · (widest layer) · sizeof(double); 0 if net is NULL, SIZE_MAX if it does
 *         not fit
 */
COSTATE_API size_t costate_net_hessian_work_bytes_f64(const costate_net *net);
/** Scratch in single precision; see costate_net_hessian_work_bytes_f64(). @param[in] net network @return bytes */
COSTATE_API size_t costate_net_hessian_work_bytes_f32(const costate_net *net);

/**
 * Evaluate the network: y = N(x; p).
 *
 * @param[in]  net         network
 * @param[in]  p           parameters, n_param elements, layout in @ref net_layout
 * @param[in]  x           input, n_in elements
 * @param[out] y           output, n_out elements
 * @param[out] work        scratch
 * @param[in]  work_bytes  its size, ≥ costate_net_work_bytes_f64()
 * @return see the group
 */
COSTATE_API costate_status costate_net_forward_f64(const costate_net *net, const double *p, const double *x, double *y,
                                                   void *work, size_t work_bytes);
/** @copydoc costate_net_forward_f64 */
COSTATE_API costate_status costate_net_forward_f32(const costate_net *net, const float *p, const float *x, float *y,
                                                   void *work, size_t work_bytes);

/**
 * Pull a cotangent back through the network: xbar = (∂y/∂x)ᵀ v, pbar += scale · (∂y/∂p)ᵀ v.
 *
 * One forward and one reverse pass over a single cache; nothing is kept between calls.
 *
 * @param[in]     net         network
 * @param[in]     p           parameters, n_param elements, layout in @ref net_layout
 * @param[in]     x           input, n_in elements
 * @param[in]     v           output cotangent, n_out elements
 * @param[in]     scale       factor on what is added to pbar
 * @param[out]    xbar        n_in elements, overwritten; NULL if not wanted
 * @param[in,out] pbar        n_param elements, accumulated into; NULL if not wanted
 * @param[out]    work        scratch
 * @param[in]     work_bytes  its size, ≥ costate_net_work_bytes_f64()
 * @return see the group
 */
COSTATE_API costate_status costate_net_vjp_f64(const costate_net *net, const double *p, const double *x,
                                               const double *v, double scale, double *xbar, double *pbar, void *work,
                                               size_t work_bytes);
/** @copydoc costate_net_vjp_f64 */
COSTATE_API costate_status costate_net_vjp_f32(const costate_net *net, const float *p, const float *x, const float *v,
                                               float scale, float *xbar, float *pbar, void *work, size_t work_bytes);

/**
 * What costate_net_forward_keep_f64() writes and costate_net_vjp_kept_f64() reads.
 *
 * @param[in] net  network
 * @return bytes; 0 if net is NULL, or if nothing need be kept because the VJP does without the network's values
 */
COSTATE_API size_t costate_net_kept_bytes_f64(const costate_net *net);
/**
 * The same in single precision; see costate_net_kept_bytes_f64(). @param[in] net network @return bytes
 */
COSTATE_API size_t costate_net_kept_bytes_f32(const costate_net *net);

/**
 * Evaluate the network, y = N(x; p), and keep what the reverse pass needs. y has the bits of costate_net_forward_f64().
 *
 * The block may be copied to another address. It holds for this network and these p and x alone.
 *
 * @param[in]  net         network
 * @param[in]  p           parameters, n_param elements, layout in @ref net_layout
 * @param[in]  x           input, n_in elements
 * @param[out] y           output, n_out elements
 * @param[out] kept        block that is to outlive the call, aligned as its elements are, for speed to 64 bytes; may be
 *                         NULL if costate_net_kept_bytes_f64() is 0
 * @param[in]  kept_bytes  its size, ≥ costate_net_kept_bytes_f64(); COSTATE_ERR_WORKSPACE otherwise
 * @return see the group
 */
COSTATE_API costate_status costate_net_forward_keep_f64(const costate_net *net, const double *p, const double *x,
                                                        double *y, void *kept, size_t kept_bytes);
/** @copydoc costate_net_forward_keep_f64 */
COSTATE_API costate_status costate_net_forward_keep_f32(const costate_net *net, const float *p, const float *x,
                                                        float *y, void *kept, size_t kept_bytes);

/**
 * costate_net_vjp_f64() without its forward pass: xbar = (∂y/∂x)ᵀ v, pbar += scale · (∂y/∂p)ᵀ v, with the same bits,
 * where costate_net_forward_keep_f64() was called.
 *
 * @param[in]     net         network
 * @param[in]     p           parameters of that call
 * @param[in]     x           input of that call
 * @param[in]     v           output cotangent, n_out elements
 * @param[in]     scale       factor on what is added to pbar
 * @param[out]    xbar        n_in elements, overwritten; NULL if not wanted
 * @param[in,out] pbar        n_param elements, accumulated into; NULL if not wanted
 * @param[in]     kept        what that call wrote; any number of VJPs may read it
 * @param[in]     kept_bytes  its size, ≥ costate_net_kept_bytes_f64(); COSTATE_ERR_WORKSPACE otherwise
 * @param[out]    work        scratch
 * @param[in]     work_bytes  its size, ≥ costate_net_work_bytes_f64()
 * @return see the group
 */
COSTATE_API costate_status costate_net_vjp_kept_f64(const costate_net *net, const double *p, const double *x,
                                                    const double *v, double scale, double *xbar, double *pbar,
                                                    const void *kept, size_t kept_bytes, void *work, size_t work_bytes);
/** @copydoc costate_net_vjp_kept_f64 */
COSTATE_API costate_status costate_net_vjp_kept_f32(const costate_net *net, const float *p, const float *x,
                                                    const float *v, float scale, float *xbar, float *pbar,
                                                    const void *kept, size_t kept_bytes, void *work, size_t work_bytes);

/**
 * Push a tangent through the network: yu = (∂y/∂x) u + (∂y/∂p) up.
 *
 * @param[in]  net         network
 * @param[in]  p           parameters, n_param elements
 * @param[in]  x           input, n_in elements
 * @param[in]  u           input tangent, n_in elements
 * @param[in]  up          parameter tangent, n_param elements; NULL for zero
 * @param[out] y           output, n_out elements; NULL if not wanted
 * @param[out] yu          output tangent, n_out elements
 * @param[out] work        scratch
 * @param[in]  work_bytes  its size, ≥ costate_net_work_bytes_f64()
 * @return see the group
 */
COSTATE_API costate_status costate_net_jvp_f64(const costate_net *net, const double *p, const double *x,
                                               const double *u, const double *up, double *y, double *yu, void *work,
                                               size_t work_bytes);
/** @copydoc costate_net_jvp_f64 */
COSTATE_API costate_status costate_net_jvp_f32(const costate_net *net, const float *p, const float *x, const float *u,
                                               const float *up, float *y, float *yu, void *work, size_t work_bytes);

/**
 * Dense input Jacobian: jac[i + n_out·j] = ∂y_i/∂x_j (column-major, as LAPACK, SUNDIALS and deSolve want it).
 *
 * @param[in]  net         network
 * @param[in]  p           parameters, n_param elements
 * @param[in]  x           input, n_in elements
 * @param[out] y           output, n_out elements; NULL if not wanted
 * @param[out] jac         n_out·n_in elements
 * @param[out] work        scratch
 * @param[in]  work_bytes  its size, ≥ costate_net_work_bytes_f64()
 * @return see the group
 */
COSTATE_API costate_status costate_net_jacobian_f64(const costate_net *net, const double *p, const double *x, double *y,
                                                    double *jac, void *work, size_t work_bytes);
/** @copydoc costate_net_jacobian_f64 */
COSTATE_API costate_status costate_net_jacobian_f32(const costate_net *net, const float *p, const float *x, float *y,
                                                    float *jac, void *work, size_t work_bytes);

/**
 * Input Hessian of every output: hess[(k·n_in + i)·n_in + j] = ∂²y_k/∂x_i∂x_j. Meant for few inputs: the cost grows
 * with n_in². The second derivative of a function with a kink (relu, leaky relu, elu) is that of the branch taken.
 *
 * @param[in]  net         network
 * @param[in]  p           parameters, n_param elements
 * @param[in]  x           input, n_in elements
 * @param[out] y           output, n_out elements; NULL if not wanted
 * @param[out] jac         n_out·n_in elements as in costate_net_jacobian_f64(); NULL if not wanted
 * @param[out] hess        n_out·n_in² elements
 * @param[out] work        scratch
 * @param[in]  work_bytes  its size, ≥ costate_net_hessian_work_bytes_f64()
 * @return see the group
 */
COSTATE_API costate_status costate_net_hessian_f64(const costate_net *net, const double *p, const double *x, double *y,
                                                   double *jac, double *hess, void *work, size_t work_bytes);
/** @copydoc costate_net_hessian_f64 */
COSTATE_API costate_status costate_net_hessian_f32(const costate_net *net, const float *p, const float *x, float *y,
                                                   float *jac, float *hess, void *work, size_t work_bytes);

/**
 * Scratch with which the batch calls are fast, in double precision: the activations of a tile of samples.
 *
 * @param[in] net  network
 * @return bytes, ≥ costate_net_work_bytes_f64(); 0 if net is NULL, SIZE_MAX if it does not fit
 */
COSTATE_API size_t costate_net_batch_work_bytes_f64(const costate_net *net);
/**
 * Scratch in single precision; see costate_net_batch_work_bytes_f64(). @param[in] net network @return bytes
 */
COSTATE_API size_t costate_net_batch_work_bytes_f32(const costate_net *net);

/**
 * Evaluate n samples: row k of y is N(row k of x; p). Samples are contiguous (x is n × n_in, y is n × n_out,
 * row-major).
 *
 * With costate_net_batch_work_bytes_f64() of scratch, samples are evaluated a tile at a time, one per SIMD lane; with
 * less, or samples that fill less than three quarters of a vector of 64 bytes, one by one. By tiles, every sum over a
 * layer's inputs runs in their order and not in that of costate_net_forward_f64(), whose bits y has only one by one;
 * the bits are the same on every variant with a fused multiply-add, and a row's do not depend on the rows beside it.
 *
 * @param[in]  net         network
 * @param[in]  p           parameters, n_param elements
 * @param[in]  n           samples, may be 0
 * @param[in]  x           n·n_in elements
 * @param[out] y           n·n_out elements
 * @param[out] work        scratch
 * @param[in]  work_bytes  its size, ≥ costate_net_work_bytes_f64(); for speed costate_net_batch_work_bytes_f64()
 * @return see the group
 */
COSTATE_API costate_status costate_net_forward_batch_f64(const costate_net *net, const double *p, size_t n,
                                                         const double *x, double *y, void *work, size_t work_bytes);
/** @copydoc costate_net_forward_batch_f64 */
COSTATE_API costate_status costate_net_forward_batch_f32(const costate_net *net, const float *p, size_t n,
                                                         const float *x, float *y, void *work, size_t work_bytes);

/**
 * Pull n cotangents back: row k of xbar = (∂y_k/∂x_k)ᵀ v_k, pbar += scale · Σ_k (∂y_k/∂p)ᵀ v_k.
 *
 * By tiles or one by one, as costate_net_forward_batch_f64() says. One by one, pbar is summed in the order of the
 * samples. By tiles, it is summed over each lane, over the lanes and over the tiles, in an order fixed by the network
 * and n, so that a repeated call gives the same bits.
 *
 * @param[in]     net         network
 * @param[in]     p           parameters, n_param elements
 * @param[in]     n           samples, may be 0
 * @param[in]     x           n·n_in elements
 * @param[in]     v           n·n_out elements
 * @param[in]     scale       factor on what is added to pbar
 * @param[out]    xbar        n·n_in elements, overwritten; NULL if not wanted
 * @param[in,out] pbar        n_param elements, accumulated into; NULL if not wanted
 * @param[out]    work        scratch
 * @param[in]     work_bytes  its size, ≥ costate_net_work_bytes_f64(); for speed costate_net_batch_work_bytes_f64()
 * @return see the group
 */
COSTATE_API costate_status costate_net_vjp_batch_f64(const costate_net *net, const double *p, size_t n, const double *x,
                                                     const double *v, double scale, double *xbar, double *pbar,
                                                     void *work, size_t work_bytes);
/** @copydoc costate_net_vjp_batch_f64 */
COSTATE_API costate_status costate_net_vjp_batch_f32(const costate_net *net, const float *p, size_t n, const float *x,
                                                     const float *v, float scale, float *xbar, float *pbar, void *work,
                                                     size_t work_bytes);
/** @} */

/**
 * The network as a right-hand side, with every derivative: dy/dt = N(y; p) when n_in = n_out, dy/dt = N((y, t); p) when
 * n_in = n_out + 1 (time is the last input; scale it through in_scale and in_shift).
 *
 * Nothing is allocated: the network becomes the context and must outlive every use of rhs.
 *
 * @param[in]  net  network
 * @param[out] rhs  the right-hand side
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  net or rhs is NULL
 * @retval COSTATE_ERR_SIZE  n_in is neither n_out nor n_out + 1
 */
COSTATE_API costate_status costate_net_rhs(const costate_net *net, costate_rhs *rhs);

#ifdef __cplusplus
}
#endif
#endif
