/* SPDX-License-Identifier: MIT */
/** @file solver.h  Initial-value problems: y(t₁…t_m) from y₀ and p. */
#ifndef COSTATE_SOLVER_H
#define COSTATE_SOLVER_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/rhs.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Integration method: X(enumerator, name). */
#define COSTATE_METHOD_LIST(X)                                                                                         \
    X(ADAMS, "adams")                                                                                                  \
    X(BDF, "bdf")                                                                                                      \
    X(TSIT5, "tsit5")                                                                                                  \
    X(DOP853, "dop853")                                                                                                \
    X(SDIRK4, "sdirk4")                                                                                                \
    X(AUTO, "auto")

/**
 * Integration method. The adjoint of adams and bdf solves the adjoint equation and converges to the gradient with the
 * tolerance; that of the one-step methods (tsit5, dop853, sdirk4, auto) is the derivative of the computed numbers.
 */
typedef enum costate_method {
    COSTATE_METHOD_ADAMS, /**< CVODE, Adams–Moulton of order 1–12, fixed-point iteration: not stiff */
    COSTATE_METHOD_BDF,   /**< CVODE, BDF of order 1–5, Newton with the exact dense Jacobian: stiff */
    COSTATE_METHOD_TSIT5, /**< Runge–Kutta 5(4) of Tsitouras (2011): not stiff; many observations; the fastest */
    /**
     * Runge–Kutta 8(5,3) of Dormand & Prince (Hairer, Nørsett & Wanner I, II.10): not stiff; for rtol of 1e-8 and below,
     * where it takes fewer evaluations than tsit5. Steps with output times within them cost three evaluations more.
     */
    COSTATE_METHOD_DOP853,
    COSTATE_METHOD_SDIRK4, /**< L-stable singly diagonally implicit Runge–Kutta of order 4: stiff, many observations */
    COSTATE_METHOD_AUTO    /**< tsit5, and sdirk4 where the problem is found to be stiff */
} costate_method;

/**
 * Name of a method, e.g. "bdf".
 *
 * @param[in] method  any value
 * @return a constant string, "unknown" for a value not in the list
 */
COSTATE_API const char *costate_method_name(costate_method method);

/**
 * Method with a given name.
 *
 * @param[in]  name    "adams", "bdf", "tsit5", "dop853", "sdirk4" or "auto"
 * @param[out] method  the method; untouched on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an argument is NULL
 * @retval COSTATE_ERR_ARGUMENT  no method has this name
 */
COSTATE_API costate_status costate_method_from_name(const char *name, costate_method *method);

/**
 * Options of a solver; start from costate_solver_options_default(). Lengths of steps are in the unit of t and always
 * positive, whichever way time runs.
 *
 * The local error of state i is kept below rtol·|y_i| + atol_i in the weighted root-mean-square norm.
 */
typedef struct costate_solver_options {
    costate_method method; /**< default: tsit5 */
    double rtol;           /**< relative tolerance, > 0; default 1e-6 */
    double atol;           /**< absolute tolerance in the unit of y, ≥ 0; default 1e-8 */
    /** Absolute tolerance per state, n_y elements ≥ 0, copied; NULL (default): atol for all */
    const double *atol_state;
    size_t max_steps; /**< steps allowed in one solve, ≥ 1; default 100 000 */
    double h_init;    /**< first step, ≥ 0; 0 (default): estimated */
    double h_min;     /**< smallest step, ≥ 0; default 0 */
    double h_max;     /**< largest step, ≥ 0; 0 (default): no limit */
    int max_order;    /**< 1–12 (adams) or 1–5 (bdf); 0 (default): the method's largest; one-step methods: 0 */
    /**
     * One-step methods: what the history may occupy, in bytes; 0 (default): no limit. A solve that needs more keeps
     * checkpoints, from which the adjoint repeats steps; its gradient has the same bits. At least two steps and four
     * states with their slopes are kept whatever the limit, and up to 64 bytes per step beside it.
     */
    size_t max_history_bytes;
    /** Keep the dense history, which costate_solver_eval() and the adjoint need; default true */
    bool record;
    /**
     * Polled after every step, forward and backward; non-zero stops the solve with COSTATE_ERR_INTERRUPTED. NULL
     * (default): never.
     */
    int (*interrupt)(void *ctx);
    void *interrupt_ctx; /**< passed to interrupt */
} costate_solver_options;

/**
 * Default options.
 *
 * @return the values named at each member
 */
COSTATE_API costate_solver_options costate_solver_options_default(void);

/** What one direction of a solve cost, summed over re-starts of the integrator. */
typedef struct costate_solve_counts {
    size_t n_step;        /**< accepted steps */
    size_t n_restart;     /**< times the integrator was started (1 for a solve without events) */
    size_t n_f;           /**< evaluations of f, with those that dop853's costate_solver_eval() makes afterwards */
    size_t n_vjp_y;       /**< VJPs with respect to y only */
    size_t n_vjp_p;       /**< VJPs that accumulate into pbar */
    size_t n_jac;         /**< Jacobians */
    size_t n_setup;       /**< factorisations of the Newton matrix */
    size_t n_error_fail;  /**< steps rejected by the error test */
    size_t n_nonlin_fail; /**< steps rejected because the nonlinear solver did not converge */
    size_t n_nonlin_iter; /**< nonlinear iterations */
    size_t n_implicit;    /**< accepted steps that were implicit (auto: those made by sdirk4) */
    size_t n_switch;      /**< changes between explicit and implicit steps (auto) */
    size_t n_replay;      /**< steps repeated from checkpoints */
    int last_order;       /**< order of the last step */
    double last_step;     /**< length of the last step, > 0 */
    double t_reached;     /**< time reached */
    double seconds;       /**< wall-clock time spent, s */
} costate_solve_counts;

/** A solver for one right-hand side. One thread at a time; re-used across solves without re-creation. */
typedef struct costate_solver costate_solver;

/**
 * Create a solver. It owns the integrator's memory and the dense history.
 *
 * @param[in]  rhs      right-hand side, copied; its ctx must outlive the solver
 * @param[in]  options  copied; NULL for the default
 * @param[in]  alloc    where memory comes from (not that inside CVODE); NULL for malloc
 * @param[out] solver   the solver, to be released with costate_solver_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         rhs, rhs->f or solver is NULL
 * @retval COSTATE_ERR_ARGUMENT     n_y is 0 or an option is outside its range
 * @retval COSTATE_ERR_UNSUPPORTED  bdf, sdirk4 or auto without jac, jvp or vjp
 * @retval COSTATE_ERR_OVERFLOW     the sizes do not fit
 * @retval COSTATE_ERR_MEMORY       no memory
 */
COSTATE_API costate_status costate_solver_create(const costate_rhs *rhs, const costate_solver_options *options,
                                                 const costate_allocator *alloc, costate_solver **solver);

/**
 * Release a solver. Adjoints that use it must be destroyed first.
 *
 * @param[in] solver  solver, or NULL (no effect)
 */
COSTATE_API void costate_solver_destroy(costate_solver *solver);

/**
 * Change the tolerances of later solves.
 *
 * @param[in,out] solver      solver
 * @param[in]     rtol        relative tolerance, > 0
 * @param[in]     atol        absolute tolerance, ≥ 0
 * @param[in]     atol_state  absolute tolerance per state, n_y elements, copied; NULL: atol for all
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      solver is NULL
 * @retval COSTATE_ERR_ARGUMENT  a value is outside its range; nothing was changed
 */
COSTATE_API costate_status costate_solver_set_tolerances(costate_solver *solver, double rtol, double atol,
                                                         const double *atol_state);

/**
 * Tell later solves the times at which f is discontinuous in t. Steps end exactly there, and f is evaluated only on the
 * step's own side: at the neighbouring floating-point number instead of the time itself.
 *
 * @param[in,out] solver  solver of a one-step method
 * @param[in]     n       number of times; 0 forgets them
 * @param[in]     t       the times, n elements in any order, copied; those outside a solve are passed over
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         solver is NULL, or t with n > 0
 * @retval COSTATE_ERR_NONFINITE    a time is NaN or infinite; nothing was changed
 * @retval COSTATE_ERR_UNSUPPORTED  the method is adams or bdf
 * @retval COSTATE_ERR_MEMORY       no memory; nothing was changed
 */
COSTATE_API costate_status costate_solver_set_discontinuities(costate_solver *solver, size_t n, const double *t);

/**
 * Solve y′ = f(t, y, p), y(t0) = y0, up to t[n_t − 1], and write y at each t[i].
 *
 * The times run in one direction, up or down from t0; repeated times and t[0] = t0 are allowed. f is never evaluated
 * outside [t0, t[n_t − 1]]. Outputs come from the integrator's interpolating polynomial and do not
 * influence the steps (dop853 cuts a step where f refuses an evaluation that only output needs); one-step methods end a
 * step at t[n_t − 1] exactly.
 *
 * @param[in,out] solver  solver
 * @param[in]     p       parameters, n_p elements; NULL only if n_p is 0
 * @param[in]     t0      initial time
 * @param[in]     y0      initial state, n_y elements
 * @param[in]     n_t     number of times, ≥ 1
 * @param[in]     t       the times
 * @param[out]    y       n_t × n_y, row-major: row i is y(t[i]); NULL if not wanted. After a failure the rows of the
 *                        times that were reached are valid, the others are NaN
 *
 * y0, t and p may be freed after the call. No array may overlap another.
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         a required pointer is NULL
 * @retval COSTATE_ERR_ARGUMENT     n_t is 0, or times change direction
 * @retval COSTATE_ERR_NONFINITE    t0, y0, p or a time is NaN or infinite, or f stays so however small the step
 * @retval COSTATE_ERR_RHS_FAIL     f (or a derivative) answered FAIL
 * @retval COSTATE_ERR_RHS_RETRY    f kept answering RETRY
 * @retval COSTATE_ERR_MAX_STEPS    more than max_steps steps
 * @retval COSTATE_ERR_STEP_SIZE    error-test failures down to the smallest step
 * @retval COSTATE_ERR_ACCURACY     the tolerance is below what rounding allows
 * @retval COSTATE_ERR_CONVERGENCE  the nonlinear or linear solver failed
 * @retval COSTATE_ERR_INTERRUPTED  the interrupt callback said so
 * @retval COSTATE_ERR_MEMORY       no memory to extend the history
 * @retval COSTATE_ERR_SOLVER       an unexpected code, named by costate_solver_detail()
 *
 * The solver can be used again after any failure.
 */
COSTATE_API costate_status costate_solve(costate_solver *solver, const double *p, double t0, const double *y0,
                                         size_t n_t, const double *t, double *y);

/**
 * y at any time of the last solve, from the dense history at the full order of the method.
 *
 * dop853 evaluates f three times, with the parameters of the solve, at the first call in a step that no output time lay
 * within.
 *
 * @param[in]  solver  a recording solver whose last solve succeeded
 * @param[in]  t       time between t0 and the last time of the solve
 * @param[out] y       n_y elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an argument is NULL
 * @retval COSTATE_ERR_STATE     nothing is recorded, or only checkpoints (max_history_bytes)
 * @retval COSTATE_ERR_ARGUMENT  t lies outside the solve or is not finite
 * @retval COSTATE_ERR_RHS_FAIL  f answered FAIL (dop853)
 * @retval COSTATE_ERR_RHS_RETRY f answered RETRY (dop853)
 * @retval COSTATE_ERR_NONFINITE f gave NaN or infinity (dop853)
 */
COSTATE_API costate_status costate_solver_eval(const costate_solver *solver, double t, double *y);

/**
 * dy/dt at any time of the last solve: the derivative of what costate_solver_eval() gives. With it, the derivative of a
 * loss with respect to the observation time t_i is v_iᵀ dy/dt(t_i). It evaluates f where costate_solver_eval() does.
 *
 * @param[in]  solver  a recording solver whose last solve succeeded
 * @param[in]  t       time between t0 and the last time of the solve
 * @param[out] dydt    n_y elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an argument is NULL
 * @retval COSTATE_ERR_STATE     nothing is recorded, or only checkpoints (max_history_bytes), or t0 is the only time
 * @retval COSTATE_ERR_ARGUMENT  t lies outside the solve or is not finite
 * @retval COSTATE_ERR_RHS_FAIL  f answered FAIL (dop853)
 * @retval COSTATE_ERR_RHS_RETRY f answered RETRY (dop853)
 * @retval COSTATE_ERR_NONFINITE f gave NaN or infinity (dop853)
 */
COSTATE_API costate_status costate_solver_eval_slope(const costate_solver *solver, double t, double *dydt);

/**
 * What the last solve cost.
 *
 * @param[in] solver  solver
 * @return counts owned by the solver, valid until the next solve; NULL if solver is NULL
 */
COSTATE_API const costate_solve_counts *costate_solver_counts(const costate_solver *solver);

/**
 * Details of the last failure: which argument, which CVODE flag, at which time.
 *
 * @param[in] solver  solver
 * @return text owned by the solver, valid until its next call; "" after a success or if solver is NULL
 */
COSTATE_API const char *costate_solver_detail(const costate_solver *solver);

#ifdef __cplusplus
}
#endif
#endif
