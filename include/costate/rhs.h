/* SPDX-License-Identifier: MIT */
/**
 * @file rhs.h  The right-hand-side contract: dy/dt = f(t, y, p) and its derivatives.
 *
 * This is the only thing that solvers know of a model and that a model must offer to a solver.
 */
#ifndef COSTATE_RHS_H
#define COSTATE_RHS_H

#include <costate/export.h>
#include <costate/random.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Trajectories that f_lanes and vjp_lanes advance together: the doubles of a 512-bit vector. */
#define COSTATE_LANES 8

/** Answer of a right-hand-side callback. Any other positive value counts as RETRY, any other negative one as FAIL. */
typedef enum costate_answer {
    COSTATE_ANSWER_OK = 0,    /**< evaluated */
    COSTATE_ANSWER_RETRY = 1, /**< cannot be evaluated here; try again with a smaller step */
    COSTATE_ANSWER_FAIL = -1  /**< give up the solve */
} costate_answer;

/**
 * A right-hand side with its derivatives: plain callbacks, copied into the solver at its creation.
 *
 * Shapes: y, dydt, v, ybar, u, ju have n_y elements; p, pbar have n_p; t is in the same unit as every other time.
 * Arrays passed to a callback never overlap. `work` is a block of work_bytes, aligned to 64 bytes, that belongs to the
 * caller and carries nothing from one call to the next; when work_bytes is 0 it may be NULL and is not to be used. `ctx`
 * is shared by every solver that uses this right-hand side and should be treated as constant. Each callback returns a
 * costate_answer; NaN or infinity in its results counts as RETRY.
 */
typedef struct costate_rhs {
    size_t n_y;        /**< states, ≥ 1 */
    size_t n_p;        /**< parameters, may be 0 */
    size_t work_bytes; /**< scratch every callback needs, may be 0 */
    void *ctx;         /**< passed to every callback */

    /** dydt = f(t, y, p). Required. */
    int (*f)(double t, const double *y, const double *p, double *dydt, void *work, void *ctx);

    /**
     * ybar = (∂f/∂y)ᵀ v (overwritten) and pbar += scale · (∂f/∂p)ᵀ v; either output may be NULL when it is not wanted.
     * Required by the adjoint.
     */
    int (*vjp)(double t, const double *y, const double *p, const double *v, double scale, double *ybar, double *pbar,
               void *work, void *ctx);

    /** ju = (∂f/∂y) u + (∂f/∂p) up; up may be NULL (then zero). Optional. */
    int (*jvp)(double t, const double *y, const double *p, const double *u, const double *up, double *ju, void *work,
               void *ctx);

    /**
     * jac[i + n_y·j] = ∂f_i/∂y_j (column-major, all n_y² entries written). Optional: without it n_y calls of jvp, else
     * of vjp, serve.
     */
    int (*jac)(double t, const double *y, const double *p, double *jac, void *work, void *ctx);

    size_t kept_bytes; /**< what f_keep writes to `kept`; 0 without f_keep and vjp_kept */

    /**
     * f that also writes to `kept` (kept_bytes, aligned to 64 bytes) whatever spares vjp_kept work. The same bits as f.
     * Optional; one-step methods then differentiate without evaluating f again.
     */
    int (*f_keep)(double t, const double *y, const double *p, double *dydt, void *kept, void *work, void *ctx);

    /** vjp where f_keep was called with the same t, y and p and wrote `kept`. The same bits as vjp. Optional. */
    int (*vjp_kept)(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                    double *pbar, const void *kept, void *work, void *ctx);

    size_t lanes_work_bytes; /**< scratch f_lanes and vjp_lanes need, may be 0 */

    /**
     * f for COSTATE_LANES trajectories at once, each with its own time, state and parameters: element i of trajectory l
     * is at index i·COSTATE_LANES + l, in t (one element each), y, p and dydt alike; all arrays are aligned to 64 bytes.
     * No lane's result may depend on another lane. `work` has lanes_work_bytes. Optional; ensembles of small systems
     * use it.
     */
    int (*f_lanes)(const double *t, const double *y, const double *p, double *dydt, void *work, void *ctx);

    /** vjp in the layout of f_lanes, scale 1: ybar overwritten, pbar (n_p × COSTATE_LANES, NULL if not wanted) += . */
    int (*vjp_lanes)(const double *t, const double *y, const double *p, const double *v, double *ybar, double *pbar,
                     void *work, void *ctx);
} costate_rhs;

/** Where a checked derivative disagreed most. */
typedef struct costate_rhs_report {
    /**
     * "vjp ybar", "vjp pbar", "jvp", "jac", "f_keep", "vjp_kept ybar", "vjp_kept pbar", "f_lanes", "vjp_lanes ybar" or
     * "vjp_lanes pbar"; "f", "vjp", "vjp_kept" or "vjp_lanes" when that itself failed; "" when all agree
     */
    const char *callback;
    size_t index;    /**< element of the callback's output array that disagrees most */
    size_t point;    /**< index of the random point */
    double analytic; /**< what the callback gave */
    double numeric;  /**< what central differences of f give; for f_keep, vjp_kept, … what f and vjp give */
    double error;    /**< |analytic − numeric| / (1 + |numeric|), the largest over all entries and points */
} costate_rhs_report;

/**
 * Compare vjp, jvp and jac (those that are set) with central differences of f at random points; f_keep, vjp_kept,
 * f_lanes and vjp_lanes with f and vjp.
 *
 * Point k is (t + normal, y + scale·normal, p + scale·normal); the cotangents and tangents are standard normal. The
 * differences are Richardson-extrapolated over a range of step lengths, leaving out those for which f cannot be
 * evaluated. An entry disagrees when |analytic − numeric| > tolerance · (1 + |numeric|). Also checks that vjp gives the
 * same ybar without pbar and the same pbar without ybar, accumulates into pbar, and honours `scale`.
 *
 * Where these agree, the other forms are compared with f and vjp at as many points again. f_keep and vjp_kept must give
 * exactly their values: the first that differs, by however little, is a mismatch, and the check ends. The lanes of
 * f_lanes and vjp_lanes are random points of their own, and disagree by the same tolerance as a derivative. vjp_kept
 * needs f_keep and vjp, vjp_lanes needs f_lanes and vjp to be checked.
 *
 * @param[in]     rhs        right-hand side
 * @param[in]     t          centre of the random times
 * @param[in]     y          centre of the random states, n_y elements
 * @param[in]     p          centre of the random parameters, n_p elements; NULL if n_p is 0
 * @param[in]     scale      standard deviation of the points, ≥ 0
 * @param[in]     n_point    number of points, ≥ 1
 * @param[in]     tolerance  e.g. 1e-6
 * @param[in,out] random     stream of random numbers
 * @param[out]    report     the worst entry, also when all agree; its numbers are NaN when a callback failed; untouched
 *                           when the arguments are refused or memory is lacking. NULL if not wanted
 *
 * Allocates scratch with malloc and frees it. Reentrant.
 *
 * @retval COSTATE_OK            every entry agrees
 * @retval COSTATE_ERR_NULL      rhs, rhs->f, y, random, or p with n_p > 0, is NULL
 * @retval COSTATE_ERR_ARGUMENT  n_y or n_point is 0, scale or tolerance is negative or not finite
 * @retval COSTATE_ERR_OVERFLOW  the sizes do not fit in memory
 * @retval COSTATE_ERR_MEMORY    no memory for scratch
 * @retval COSTATE_ERR_RHS_FAIL  a callback answered RETRY or FAIL; report->callback says which
 * @retval COSTATE_ERR_NONFINITE a callback wrote NaN or infinity; report->callback says which
 * @retval COSTATE_ERR_MISMATCH  an entry disagrees; report says which
 */
COSTATE_API costate_status costate_rhs_check(const costate_rhs *rhs, double t, const double *y, const double *p,
                                             double scale, size_t n_point, double tolerance, costate_random *random,
                                             costate_rhs_report *report);

#ifdef __cplusplus
}
#endif
#endif
