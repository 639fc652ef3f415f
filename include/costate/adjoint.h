/* SPDX-License-Identifier: MIT */
/**
 * @file adjoint.h  The VJP of a solve: cotangents at output times in, gradients out.
 *
 * For adams and bdf the adjoint equation is solved backwards. For the one-step methods (tsit5, dop853, sdirk4, auto) the
 * accepted steps are transposed one by one, last to first: the result is the derivative of the computed numbers.
 */
#ifndef COSTATE_ADJOINT_H
#define COSTATE_ADJOINT_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/solver.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Options of the backward solve; start from costate_adjoint_options_default(). They belong to adams and bdf: the sweep of
 * a one-step method has no tolerances, steps or quadrature of its own. It checks their ranges and ignores them.
 */
typedef struct costate_adjoint_options {
    double rtol; /**< relative tolerance of λ, ≥ 0; 0 (default): that of the forward solve */
    /**
     * Absolute tolerance of λ as a fraction of the largest |cotangent| given, ≥ 0; 0 (default): rtol / 1000. Relative,
     * so that gradients scale with the loss.
     */
    double atol;
    /**
     * Absolute tolerance of each λ_i in its own unit, n_y elements ≥ 0, copied; NULL (default) or an element 0: from
     * atol
     */
    const double *atol_state;
    size_t max_steps; /**< steps allowed in one backward solve, ≥ 0; 0 (default): that of the forward solve */
    /** Gauss nodes per backward step, 1–8; 0 (default): chosen from orders and tolerance, shared by up to four steps */
    int quad_nodes;
} costate_adjoint_options;

/**
 * Default options.
 *
 * @return the values named at each member
 */
COSTATE_API costate_adjoint_options costate_adjoint_options_default(void);

/**
 * The adjoint of a solver: the backward integrator or the sweep, and its workspace. One thread at a time, the thread of
 * its solver.
 */
typedef struct costate_adjoint costate_adjoint;

/**
 * Create the adjoint of a recording solver.
 *
 * @param[in]  solver   a solver created with `record` and a right-hand side that has vjp; must outlive the adjoint
 * @param[in]  options  copied; NULL for the default
 * @param[in]  alloc    where memory comes from (not that inside CVODE); NULL for malloc
 * @param[out] adjoint  the adjoint, to be released with costate_adjoint_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         solver or adjoint is NULL
 * @retval COSTATE_ERR_ARGUMENT     an option is outside its range
 * @retval COSTATE_ERR_UNSUPPORTED  the solver does not record, or its right-hand side has no vjp
 * @retval COSTATE_ERR_OVERFLOW     the sizes do not fit
 * @retval COSTATE_ERR_MEMORY       no memory
 */
COSTATE_API costate_status costate_adjoint_create(costate_solver *solver, const costate_adjoint_options *options,
                                                  const costate_allocator *alloc, costate_adjoint **adjoint);

/**
 * Release an adjoint.
 *
 * @param[in] adjoint  adjoint, or NULL (no effect)
 */
COSTATE_API void costate_adjoint_destroy(costate_adjoint *adjoint);

/**
 * Gradient of a loss L(y(t₁), …, y(t_m)) of the last solve, given its cotangents v_i = ∂L/∂y(t_i):
 *
 *     λ(T⁺) = 0,   λ′ = −(∂f/∂y)ᵀ λ,   λ(t_i⁻) = λ(t_i⁺) + v_i,
 *     y0bar = λ(t0⁻),   pbar += ∫ (∂f/∂p)ᵀ λ dt,   t0bar = −λ(t0⁺)ᵀ f(t0, y0, p).
 *
 * t0bar is the derivative with y0 held fixed and an observation at t0 counted as one of y0.
 *
 * adams, bdf: λ is integrated backwards by CVODE. At an observation it is restarted or, where that is expected to cost
 * less (adams, 2 to 8 states), carried across by n_y independent solutions that need no restart. The parameter integral
 * is a Gauss quadrature over accepted steps (doc/math.md, equations 3–12).
 *
 * tsit5, dop853, sdirk4, auto: λ is what the transposed steps make of the cotangents (doc/math.md, equations 18–23). y0bar and
 * pbar are the derivatives of the computed numbers, the lengths of the steps being taken as fixed: to rounding, for
 * implicit steps to about ten digits, to which their stages are solved. t0bar is the formula above with the computed λ.
 * tsit5 takes one VJP per stage, sdirk4 a few more, whatever n_t; dop853 one per stage and three for each step that
 * observations lie within. Above max_history_bytes steps are repeated from
 * checkpoints, with the same bits.
 *
 * @param[in,out] adjoint  adjoint of a solver whose last solve succeeded
 * @param[in]     p        the parameters of that solve, n_p elements; NULL only if n_p is 0
 * @param[in]     n_t      number of cotangents: that of the solve
 * @param[in]     v        n_t × n_y, row-major: row i is the cotangent of y(t[i])
 * @param[out]    y0bar    n_y elements, overwritten; NULL if not wanted
 * @param[in,out] pbar     n_p elements, accumulated into; NULL if not wanted
 * @param[out]    t0bar    one element, overwritten; NULL if not wanted
 *
 * No array may overlap another. After a failure y0bar and t0bar are untouched and pbar holds an unspecified part of the
 * integral.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       a required pointer is NULL
 * @retval COSTATE_ERR_STATE      the solver's last solve did not succeed
 * @retval COSTATE_ERR_SIZE       n_t is not that of the solve
 * @retval COSTATE_ERR_NONFINITE  a cotangent is NaN or infinite, or a derivative stays so however small the step
 * @return otherwise as costate_solve(), for the backward solve; costate_adjoint_detail() says more
 */
COSTATE_API costate_status costate_adjoint_vjp(costate_adjoint *adjoint, const double *p, size_t n_t, const double *v,
                                               double *y0bar, double *pbar, double *t0bar);

/**
 * What the last backward solve cost.
 *
 * @param[in] adjoint  adjoint
 * @return counts owned by the adjoint, valid until its next call; NULL if adjoint is NULL
 */
COSTATE_API const costate_solve_counts *costate_adjoint_counts(const costate_adjoint *adjoint);

/**
 * Details of the last failure.
 *
 * @param[in] adjoint  adjoint
 * @return text owned by the adjoint, valid until its next call; "" after a success or if adjoint is NULL
 */
COSTATE_API const char *costate_adjoint_detail(const costate_adjoint *adjoint);

#ifdef __cplusplus
}
#endif
#endif
