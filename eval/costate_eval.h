/* SPDX-License-Identifier: MIT */
/**
 * @file costate_eval.h  Dense networks for hosts that cannot link a library: two files, C99 or C++11, nothing but libm.
 *
 * Compile costate_eval.c into the host, or include it in one of the host's source files. It allocates nothing, prints
 * nothing and has no state: every call is reentrant and works on the caller's scratch, one per thread. Networks,
 * parameters and results are those of costate/net.h in double precision: the same array of parameters serves both.
 *
 * The bits are not the library's: sums run in another order, and the elementary functions are those of libm. Measured
 * with glibc, one activation differs by at most 3 ulp (gelu by 40 and gelu_tanh by 1024 in the left tail, where they vanish),
 * and outputs of order 1 of networks with one or two tanh layers of 8 to 64 units by at most 14 ε, ε = 2⁻⁵³. In general both
 * keep to the a-priori bound of componentwise rounding analysis (Higham, Accuracy and Stability of Numerical Algorithms,
 * section 3.1) for values and derivatives alike, and differ by at most four times that bound (measured: twice). A compiler
 * that contracts a·b + c (GCC with -march=native, say) changes last bits too.
 */
#ifndef COSTATE_EVAL_H
#define COSTATE_EVAL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Activation functions, numbered like costate_act; s(z) = 1/(1 + e^−z), Φ is the standard normal distribution. */
typedef enum costate_eval_act {
    COSTATE_EVAL_IDENTITY = 0,   /**< z */
    COSTATE_EVAL_TANH = 1,       /**< tanh z */
    COSTATE_EVAL_SIGMOID = 2,    /**< s(z) */
    COSTATE_EVAL_RELU = 3,       /**< max(z, 0) */
    COSTATE_EVAL_LEAKY_RELU = 4, /**< z > 0 ? z : 0.01 z */
    COSTATE_EVAL_ELU = 5,        /**< z > 0 ? z : e^z − 1 */
    COSTATE_EVAL_SOFTPLUS = 6,   /**< log(1 + e^z) */
    COSTATE_EVAL_GELU = 7,       /**< z Φ(z) */
    COSTATE_EVAL_GELU_TANH = 8,  /**< z/2 (1 + tanh(√(2/π) (z + 0.044715 z³))) */
    COSTATE_EVAL_SILU = 9,       /**< z s(z) */
    COSTATE_EVAL_SIN = 10,       /**< sin z */
    COSTATE_EVAL_CUBE = 11,      /**< z³ */
    COSTATE_EVAL_GAUSSIAN = 12   /**< e^(−z²) */
} costate_eval_act;

/** Number of activations. */
#define COSTATE_EVAL_ACT_COUNT 13

/** What a call answers, numbered like costate_status. */
typedef enum costate_eval_status {
    COSTATE_EVAL_OK = 0,            /**< success */
    COSTATE_EVAL_ERR_NULL = 1,      /**< a required pointer is NULL */
    COSTATE_EVAL_ERR_ARGUMENT = 2,  /**< an argument is outside its documented range */
    COSTATE_EVAL_ERR_OVERFLOW = 4,  /**< a size does not fit in size_t */
    COSTATE_EVAL_ERR_WORKSPACE = 6, /**< the scratch is smaller than the query says; nothing was written */
    COSTATE_EVAL_ERR_NONFINITE = 11 /**< a scale or shift is NaN or infinite */
} costate_eval_status;

/** One dense layer: act(W x + b). */
typedef struct costate_eval_layer {
    size_t n_out; /**< units, ≥ 1 */
    int act;      /**< a costate_eval_act, applied to every unit */
    int no_bias;  /**< not 0: act(W x) */
} costate_eval_layer;

/**
 * A chain of dense layers with fixed affine maps around it:
 *
 *     x⁰ = input_act(in_scale ∘ x + in_shift),   xˡ = act_l(W_l xˡ⁻¹ + b_l),   y = out_scale ∘ x^L + out_shift.
 *
 * Members that are zero or NULL mean: identity, scale 1, shift 0. Nothing is copied: what it points to must stay valid.
 *
 * Parameters p are layer by layer W_l (n_out × n_in) and then b_l (n_out, if any), without padding, each W_l with its
 * longer side contiguous: W(i, j) is at i + n_out·j when n_out ≥ n_in, at i·n_in + j when n_out < n_in.
 */
typedef struct costate_eval_net {
    size_t n_in;                      /**< inputs, ≥ 1 */
    size_t n_layer;                   /**< layers, ≥ 1 */
    const costate_eval_layer *layers; /**< n_layer elements */
    int input_act;                    /**< a costate_eval_act, applied to the scaled inputs */
    const double *in_scale;           /**< n_in elements or NULL */
    const double *in_shift;           /**< n_in elements or NULL */
    const double *out_scale;          /**< n_out elements or NULL */
    const double *out_shift;          /**< n_out elements or NULL */
} costate_eval_net;

/**
 * Validate a network, once before its first use: the other calls trust it.
 *
 * @param[in]  net   network
 * @param[out] text  constant string that says what is wrong, "" for COSTATE_EVAL_OK; NULL if not wanted
 *
 * @retval COSTATE_EVAL_OK
 * @retval COSTATE_EVAL_ERR_NULL       net or net->layers is NULL
 * @retval COSTATE_EVAL_ERR_ARGUMENT   no input, no layer, a layer without units, an unknown activation
 * @retval COSTATE_EVAL_ERR_OVERFLOW   the parameters or the scratch for evaluation cannot be addressed
 * @retval COSTATE_EVAL_ERR_NONFINITE  a scale or shift is NaN or infinite
 */
costate_eval_status costate_eval_check(const costate_eval_net *net, const char **text);

/**
 * Number of outputs.
 *
 * @param[in] net  valid network
 * @return n_out of the last layer
 */
size_t costate_eval_n_out(const costate_eval_net *net);

/**
 * Number of parameters.
 *
 * @param[in] net  valid network
 * @return elements of p: all weights and biases
 */
size_t costate_eval_n_param(const costate_eval_net *net);

/**
 * Scratch for forward, vjp, jvp and jacobian.
 *
 * @param[in] net  valid network
 * @return elements (doubles): 2 · (n_in + all units + widest of n_in and the layers)
 */
size_t costate_eval_n_work(const costate_eval_net *net);

/**
 * Scratch for the Hessian.
 *
 * @param[in] net  valid network
 * @return elements (doubles): costate_eval_n_work() and n_in + (1 + n_in) · all units more; (size_t)−1 when that cannot
 *         be addressed
 */
size_t costate_eval_n_hessian_work(const costate_eval_net *net);

/**
 * @name Evaluation
 *
 * Shapes in elements: x, xbar, u have n_in; y, v, yu have n_out; p, pbar, up have costate_eval_n_param(). No array may
 * overlap another. Values that are not finite are passed through and are no error.
 *
 * All return COSTATE_EVAL_OK; COSTATE_EVAL_ERR_NULL if a required pointer is NULL; COSTATE_EVAL_ERR_WORKSPACE if n_work
 * is smaller than the query says. After a failure no output has been written.
 * @{
 */

/**
 * Evaluate the network: y = N(x; p).
 *
 * @param[in]  net     valid network
 * @param[in]  p       parameters
 * @param[in]  x       input
 * @param[out] y       output
 * @param[out] work    scratch
 * @param[in]  n_work  its elements, ≥ costate_eval_n_work()
 * @return see the group
 */
costate_eval_status costate_eval_forward(const costate_eval_net *net, const double *p, const double *x, double *y,
                                         double *work, size_t n_work);

/**
 * Pull a cotangent back through the network: xbar = (∂y/∂x)ᵀ v, pbar += scale · (∂y/∂p)ᵀ v.
 *
 * @param[in]     net     valid network
 * @param[in]     p       parameters
 * @param[in]     x       input
 * @param[in]     v       output cotangent
 * @param[in]     scale   factor on what is added to pbar
 * @param[out]    xbar    overwritten; NULL if not wanted
 * @param[in,out] pbar    accumulated into; NULL if not wanted
 * @param[out]    work    scratch
 * @param[in]     n_work  its elements, ≥ costate_eval_n_work()
 * @return see the group
 */
costate_eval_status costate_eval_vjp(const costate_eval_net *net, const double *p, const double *x, const double *v,
                                     double scale, double *xbar, double *pbar, double *work, size_t n_work);

/**
 * Push a tangent through the network: yu = (∂y/∂x) u + (∂y/∂p) up.
 *
 * @param[in]  net     valid network
 * @param[in]  p       parameters
 * @param[in]  x       input
 * @param[in]  u       input tangent
 * @param[in]  up      parameter tangent; NULL for zero
 * @param[out] y       output; NULL if not wanted
 * @param[out] yu      output tangent
 * @param[out] work    scratch
 * @param[in]  n_work  its elements, ≥ costate_eval_n_work()
 * @return see the group
 */
costate_eval_status costate_eval_jvp(const costate_eval_net *net, const double *p, const double *x, const double *u,
                                     const double *up, double *y, double *yu, double *work, size_t n_work);

/**
 * Dense input Jacobian: jac[i + n_out·j] = ∂y_i/∂x_j.
 *
 * @param[in]  net     valid network
 * @param[in]  p       parameters
 * @param[in]  x       input
 * @param[out] y       output; NULL if not wanted
 * @param[out] jac     n_out·n_in elements, column-major
 * @param[out] work    scratch
 * @param[in]  n_work  its elements, ≥ costate_eval_n_work()
 * @return see the group
 */
costate_eval_status costate_eval_jacobian(const costate_eval_net *net, const double *p, const double *x, double *y,
                                          double *jac, double *work, size_t n_work);

/**
 * Input Hessian of every output: hess[(k·n_in + i)·n_in + j] = ∂²y_k/∂x_i∂x_j, symmetric in i and j to the bit. At a kink
 * (relu, leaky relu, elu) that of the branch taken.
 *
 * @param[in]  net     valid network
 * @param[in]  p       parameters
 * @param[in]  x       input
 * @param[out] y       output; NULL if not wanted
 * @param[out] jac     as costate_eval_jacobian(); NULL if not wanted
 * @param[out] hess    n_out·n_in² elements
 * @param[out] work    scratch
 * @param[in]  n_work  its elements, ≥ costate_eval_n_hessian_work()
 * @return see the group
 */
costate_eval_status costate_eval_hessian(const costate_eval_net *net, const double *p, const double *x, double *y,
                                         double *jac, double *hess, double *work, size_t n_work);
/** @} */

#ifdef __cplusplus
}
#endif
#endif
