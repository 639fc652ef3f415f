/* SPDX-License-Identifier: MIT */
/**
 * @file sensitivity.h  Forward sensitivities S = ∂y/∂(p, y0) through CVODES: for few parameters, and as the independent
 *   check of the adjoint.
 */
#ifndef COSTATE_SENSITIVITY_H
#define COSTATE_SENSITIVITY_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/solver.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How CVODES corrects states and sensitivities. */
typedef enum costate_sensitivity_scheme {
    COSTATE_SENSITIVITY_SIMULTANEOUS, /**< together, in one nonlinear system */
    COSTATE_SENSITIVITY_STAGGERED     /**< states first, then all sensitivities */
} costate_sensitivity_scheme;

/** A solver that carries sensitivities. One thread at a time. */
typedef struct costate_sensitivity costate_sensitivity;

/**
 * Create a sensitivity solver for S′ = (∂f/∂y) S + (∂f/∂p | 0), with n_p + n_y columns: the parameters, then the
 * initial states. The sensitivities take part in the error test.
 *
 * @param[in]  rhs      right-hand side with vjp, copied; its ctx must outlive the solver
 * @param[in]  options  as for costate_solver_create(), copied; NULL for the default. CVODES solves by adams or bdf:
 *                      tsit5 and dop853 stand for adams, sdirk4 and auto for bdf. `record` is ignored
 * @param[in]  scheme   corrector
 * @param[in]  alloc    where memory comes from (not that inside CVODES); NULL for malloc
 * @param[out] sens     the solver, to be released with costate_sensitivity_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         rhs, rhs->f or sens is NULL
 * @retval COSTATE_ERR_ARGUMENT     n_y is 0, scheme is unknown, or an option is outside its range
 * @retval COSTATE_ERR_UNSUPPORTED  the right-hand side has no vjp
 * @retval COSTATE_ERR_OVERFLOW     the sizes do not fit
 * @retval COSTATE_ERR_MEMORY       no memory
 */
COSTATE_API costate_status costate_sensitivity_create(const costate_rhs *rhs, const costate_solver_options *options,
                                                      costate_sensitivity_scheme scheme, const costate_allocator *alloc,
                                                      costate_sensitivity **sens);

/**
 * Release a sensitivity solver.
 *
 * @param[in] sens  solver, or NULL (no effect)
 */
COSTATE_API void costate_sensitivity_destroy(costate_sensitivity *sens);

/**
 * Solve for y and its sensitivities at the times t; arguments and statuses as costate_solve().
 *
 * @param[in,out] sens  solver
 * @param[in]     p     parameters, n_p elements; NULL only if n_p is 0
 * @param[in]     t0    initial time
 * @param[in]     y0    initial state, n_y elements
 * @param[in]     n_t   number of times, ≥ 1
 * @param[in]     t     the times
 * @param[out]    y     n_t × n_y, row-major; NULL if not wanted
 * @param[out]    s     n_t × (n_p + n_y) × n_y: s[(i·(n_p + n_y) + j)·n_y + k] = ∂y_k(t_i)/∂(p, y0)_j; NULL if not
 *                      wanted
 * @return as costate_solve()
 */
COSTATE_API costate_status costate_sensitivity_solve(costate_sensitivity *sens, const double *p, double t0,
                                                     const double *y0, size_t n_t, const double *t, double *y,
                                                     double *s);

/**
 * The same gradient as costate_adjoint_vjp(), by y0bar = Σ S_y0(t_i)ᵀ v_i, pbar += Σ S_p(t_i)ᵀ v_i, from the last
 * solve.
 *
 * @param[in,out] sens   solver whose last solve succeeded
 * @param[in]     p      the parameters of that solve, n_p elements; NULL only if n_p is 0
 * @param[in]     n_t    number of cotangents: that of the solve
 * @param[in]     v      n_t × n_y, row-major
 * @param[out]    y0bar  n_y elements, overwritten; NULL if not wanted
 * @param[in,out] pbar   n_p elements, accumulated into; NULL if not wanted
 * @param[out]    t0bar  one element, overwritten; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       a required pointer is NULL
 * @retval COSTATE_ERR_STATE      the last solve did not succeed
 * @retval COSTATE_ERR_SIZE       n_t is not that of the solve
 * @retval COSTATE_ERR_NONFINITE  a cotangent is NaN or infinite
 */
COSTATE_API costate_status costate_sensitivity_vjp(costate_sensitivity *sens, const double *p, size_t n_t,
                                                   const double *v, double *y0bar, double *pbar, double *t0bar);

/**
 * What the last solve cost.
 *
 * @param[in] sens  solver
 * @return counts owned by the solver; NULL if sens is NULL
 */
COSTATE_API const costate_solve_counts *costate_sensitivity_counts(const costate_sensitivity *sens);

/**
 * Details of the last failure.
 *
 * @param[in] sens  solver
 * @return text owned by the solver; "" after a success or if sens is NULL
 */
COSTATE_API const char *costate_sensitivity_detail(const costate_sensitivity *sens);

#ifdef __cplusplus
}
#endif
#endif
