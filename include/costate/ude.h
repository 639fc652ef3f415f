/* SPDX-License-Identifier: MIT */
/**
 * @file ude.h  Universal differential equations: dy/dt = f(t, y, θ, u), u = N(z; w).
 *
 * Known physics with networks where knowledge ends. The user writes f in plain C and, if they like, its derivatives; the
 * networks' derivatives are always the fused kernels. The result is an ordinary right-hand side (rhs.h) with one vector
 * of parameters, p = (θ, w_0, w_1, …).
 */
#ifndef COSTATE_UDE_H
#define COSTATE_UDE_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/net.h>
#include <costate/rhs.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The mechanistic part: f and, optionally, its derivatives.
 *
 * Shapes: y, dydt, v, ybar, yu, ju have n_y elements; theta, thetabar, thetau n_theta; u, ubar, uu n_u, the outputs of
 * all networks in a row (with a structured form f is called without: n_u is 0 and u NULL). theta holds what the
 * mechanism knows a name for: rate constants, doses, covariates; which of them are estimated is the fit's affair.
 *
 * Each callback returns a costate_answer. ctx is shared by all threads that use the right-hand side.
 */
typedef struct costate_mechanism {
    size_t n_y;     /**< states, ≥ 1 */
    size_t n_theta; /**< parameters, may be 0 */
    size_t n_u;     /**< network outputs f takes: those of all networks, or 0 with a structured form */
    void *ctx;      /**< passed to every callback */

    /** dydt = f(t, y, theta, u). Required; may be NULL with the additive, conserving and positive forms: then zero. */
    int (*f)(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx);

    /**
     * ybar = (∂f/∂y)ᵀ v and ubar = (∂f/∂u)ᵀ v (overwritten), thetabar += scale · (∂f/∂θ)ᵀ v; each may be NULL when it is
     * not wanted. Optional: without it n_y + n_theta + n_u calls of jvp serve, and without both f alone, never a network,
     * is differentiated by differences.
     */
    int (*vjp)(double t, const double *y, const double *theta, const double *u, const double *v, double scale,
               double *ybar, double *thetabar, double *ubar, void *ctx);

    /**
     * ju = (∂f/∂y) yu + (∂f/∂θ) thetau + (∂f/∂u) uu; thetau and uu may be NULL (then zero). Optional: without it n_y calls
     * of vjp serve.
     */
    int (*jvp)(double t, const double *y, const double *theta, const double *u, const double *yu, const double *thetau,
               const double *uu, double *ju, void *ctx);
} costate_mechanism;

/** Where an input of a network comes from. */
typedef enum costate_ude_source {
    COSTATE_UDE_STATE, /**< y[index] */
    COSTATE_UDE_THETA, /**< theta[index], e.g. a covariate */
    COSTATE_UDE_TIME   /**< t; index is not used */
} costate_ude_source;

/** One quantity a network sees. */
typedef struct costate_ude_input {
    costate_ude_source source; /**< kind */
    size_t index;              /**< which of them */
} costate_ude_input;

/**
 * A network and its input: z = A s, s the selected quantities; without a matrix z = s. Offsets and scales of z and u are
 * the network's own (in_scale, in_shift, out_scale, out_shift of costate_net_spec).
 */
typedef struct costate_ude_net {
    const costate_net *net;          /**< must outlive the UDE */
    size_t n_input;                  /**< selected quantities, ≥ 1; n_in of the network unless there is a matrix */
    const costate_ude_input *inputs; /**< n_input elements, copied */
    const double *matrix;            /**< A, n_in × n_input, row-major, copied; NULL: none */
} costate_ude_net;

/** How the networks' outputs enter, g(t, y, θ) being the mechanism's f. */
typedef enum costate_ude_form {
    COSTATE_UDE_GENERAL,        /**< ẏ = f(t, y, θ, u): the mechanism takes u itself */
    COSTATE_UDE_ADDITIVE,       /**< ẏ = g + B u */
    COSTATE_UDE_MULTIPLICATIVE, /**< ẏ_i = g_i · (1 + (B u)_i): u = 0 is the mechanism alone */
    COSTATE_UDE_REPLACE,        /**< ẏ = g(t, y, θ′), θ′ being θ with θ[index[j]] replaced by u_j */
    /** ẏ = g + S u, S = matrix with cᵀS = 0 for every row c of `conserved`: cᵀy changes by g alone, to rounding */
    COSTATE_UDE_CONSERVING,
    /** ẏ_i = g_i − y_i · softplus(u_j), i = index[j]: what g leaves non-negative stays so */
    COSTATE_UDE_POSITIVE
} costate_ude_form;

/** What a UDE is made of. Members that are zero or NULL mean: general form, no network, unnamed parameters. */
typedef struct costate_ude_spec {
    costate_mechanism mechanism;   /**< copied */
    costate_ude_form form;         /**< how u enters */
    size_t n_net;                  /**< networks, may be 0 */
    const costate_ude_net *nets;   /**< n_net elements, copied */
    const double *matrix;          /**< B or S, n_y × n_u, row-major, copied; additive, multiplicative, conserving */
    const size_t *index;           /**< n_u elements, all different, copied; replace, positive */
    size_t n_conserved;            /**< conserving: rows of `conserved`, ≥ 1 */
    const double *conserved;       /**< n_conserved × n_y, row-major; |cᵀS| ≤ 1e-12 Σ|c||S| is demanded */
    const char *const *theta_name; /**< n_theta names of at most 47 bytes, copied; NULL: "theta[0]", … */
    /**
     * Magnitudes > 0 of (y, θ, u), n_y + n_theta + mechanism.n_u elements, copied: where x is smaller, differences take
     * their step from these; NULL: 1
     */
    const double *typical;
} costate_ude_spec;

/** A UDE; immutable after creation, may be shared by any number of threads. */
typedef struct costate_ude costate_ude;

/**
 * Create a UDE.
 *
 * @param[in]  spec   what to build; copied, but for the networks and the mechanism's ctx, which must outlive the UDE
 * @param[in]  alloc  where memory comes from; NULL for malloc
 * @param[out] ude    the UDE, to be released with costate_ude_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         a required pointer is NULL
 * @retval COSTATE_ERR_ARGUMENT     no state, unknown form or source, an index out of range or repeated, nothing conserved,
 *                                  a name that is empty, too long, repeated or that of another block ("theta", "net0",
 *                                  …), an element of `typical` that is not positive
 * @retval COSTATE_ERR_SIZE         n_u of the mechanism is not the number of network outputs (general) or 0 (others), or
 *                                  n_input is 0 or not n_in of a network without a matrix
 * @retval COSTATE_ERR_NONFINITE    an entry of a matrix, of `conserved` or of `typical` is NaN or infinite
 * @retval COSTATE_ERR_MISMATCH     conserving: cᵀS is not zero
 * @retval COSTATE_ERR_OVERFLOW     the sizes do not fit
 * @retval COSTATE_ERR_MEMORY       no memory
 */
COSTATE_API costate_status costate_ude_create(const costate_ude_spec *spec, const costate_allocator *alloc,
                                              costate_ude **ude);

/**
 * Release a UDE.
 *
 * @param[in] ude  UDE, or NULL (no effect); nothing may be using it
 */
COSTATE_API void costate_ude_destroy(costate_ude *ude);

/**
 * The UDE as a right-hand side with vjp, jvp, jac, f_keep and vjp_kept; the UDE is its context and must outlive it.
 *
 * @param[in]  ude  UDE
 * @param[out] rhs  the right-hand side
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  ude or rhs is NULL
 */
COSTATE_API costate_status costate_ude_rhs(const costate_ude *ude, costate_rhs *rhs);

/**
 * Whether neither vjp nor jvp of the mechanism was given, so that f is differentiated by central differences.
 *
 * A VJP then takes two evaluations of f for every state, parameter and network output it is asked for, a JVP two in all.
 * x moves by h = ∛ε · max(|x|, typical); the error of ∂f/∂x is about h² |∂³f/∂x³| / 6 + ε |f| / h, 1e-10 relative where
 * f changes on the scale of max(|x|, typical). Where f answers RETRY or is not finite on one side, x, x + h and x + 2h
 * of the other side serve (twice the truncation error), and RETRY is the answer if these cannot be had either. FAIL is
 * passed on at once.
 *
 * @param[in] ude  UDE
 * @return true for differences; false if ude is NULL
 */
COSTATE_API bool costate_ude_uses_differences(const costate_ude *ude);

/** A named block of the parameter vector: element k of the block is p[offset + k]. */
typedef struct costate_ude_block {
    char name[48]; /**< a name of theta_name, "net0.layer0.weight", … */
    size_t offset; /**< first element */
    size_t n;      /**< elements */
} costate_ude_block;

/**
 * Number of named blocks: one for each θ, one for each view of each network (costate_net_view()).
 *
 * @param[in] ude  UDE
 * @return blocks; 0 if ude is NULL
 */
COSTATE_API size_t costate_ude_n_block(const costate_ude *ude);

/**
 * The k-th block, in storage order.
 *
 * @param[in]  ude    UDE
 * @param[in]  k      index, < costate_ude_n_block()
 * @param[out] block  the block
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      ude or block is NULL
 * @retval COSTATE_ERR_ARGUMENT  no such block
 */
COSTATE_API costate_status costate_ude_block_at(const costate_ude *ude, size_t k, costate_ude_block *block);

/**
 * The block with a given name; "theta" is all θ, "net0" all parameters of the first network.
 *
 * @param[in]  ude    UDE
 * @param[in]  name   name
 * @param[out] block  the block
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an argument is NULL
 * @retval COSTATE_ERR_ARGUMENT  no such block; *block is untouched
 */
COSTATE_API costate_status costate_ude_find_block(const costate_ude *ude, const char *name, costate_ude_block *block);

/**
 * Scratch of costate_ude_outputs() and costate_ude_outputs_vjp().
 *
 * @param[in] ude  UDE
 * @return bytes; 0 if ude is NULL
 */
COSTATE_API size_t costate_ude_work_bytes(const costate_ude *ude);

/**
 * The learned terms alone: u(t, y, p), all networks' outputs in a row.
 *
 * @param[in]  ude         UDE
 * @param[in]  t           time
 * @param[in]  y           state, n_y elements
 * @param[in]  p           parameters (θ, w), n_p elements
 * @param[out] u           n_u elements
 * @param[out] work        scratch, any alignment
 * @param[in]  work_bytes  its size, ≥ costate_ude_work_bytes()
 * Reentrant: one workspace per thread. No array may overlap another.
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       a required pointer is NULL
 * @retval COSTATE_ERR_WORKSPACE  work_bytes is too small; nothing was written
 */
COSTATE_API costate_status costate_ude_outputs(const costate_ude *ude, double t, const double *y, const double *p,
                                               double *u, void *work, size_t work_bytes);

/**
 * Pull a cotangent back through the learned terms: ybar = (∂u/∂y)ᵀ v, pbar += scale · (∂u/∂p)ᵀ v.
 *
 * @param[in]     ude         UDE
 * @param[in]     t           time
 * @param[in]     y           state, n_y elements
 * @param[in]     p           parameters, n_p elements
 * @param[in]     v           cotangent, n_u elements
 * @param[in]     scale       factor on what is added to pbar
 * @param[out]    ybar        n_y elements, overwritten; NULL if not wanted
 * @param[in,out] pbar        n_p elements, accumulated into; NULL if not wanted
 * @param[out]    work        scratch
 * @param[in]     work_bytes  its size, ≥ costate_ude_work_bytes()
 * @return as costate_ude_outputs()
 */
COSTATE_API costate_status costate_ude_outputs_vjp(const costate_ude *ude, double t, const double *y, const double *p,
                                                   const double *v, double scale, double *ybar, double *pbar,
                                                   void *work, size_t work_bytes);

#ifdef __cplusplus
}
#endif
#endif
