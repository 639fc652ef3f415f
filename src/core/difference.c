/* SPDX-License-Identifier: MIT */
/* Columns of the Jacobian of a right-hand side by extrapolated central differences. */
#include "core/difference.h"

#include "core/finite.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

/* Step lengths 2^-7, 2^-9, …, 2^-17 times the magnitude of x suit functions that bend on a scale of 1 or of 0.001. */
#define N_STEP 6
#define LOG2_FIRST_STEP (-7)
#define LOG2_RATIO 2
#define RICHARDSON_DIVISOR 15 /* ratio squared, less one: removes the h^2 term */

static double first_step(double x) { return ldexp(1, ilogb(fmax(1, fabs(x))) + LOG2_FIRST_STEP); }

static costate_status evaluate(const csi_difference *scratch, const costate_rhs *rhs, double t, const double *y,
                               const double *p, double *dydt) {
    int answer = rhs->f(t, y, p, dydt, scratch->work, rhs->ctx);
    if (answer != COSTATE_ANSWER_OK) {
        return answer < 0 ? COSTATE_ERR_RHS_FAIL : COSTATE_ERR_RHS_RETRY;
    }
    return csi_all_finite(dydt, rhs->n_y) ? COSTATE_OK : COSTATE_ERR_NONFINITE;
}

static costate_status evaluate_pair(const csi_difference *scratch, const costate_rhs *rhs, double t, const double *y,
                                    const double *p, double *x, double above, double below) {
    const double centre = *x;
    *x = above;
    costate_status status = evaluate(scratch, rhs, t, y, p, scratch->f_above);
    if (status == COSTATE_OK) {
        *x = below;
        status = evaluate(scratch, rhs, t, y, p, scratch->f_below);
    }
    *x = centre;
    return status;
}

/* Takes the quotient of one more step length into the tableau; n_before quotients in a row precede it. */
static void extend_tableau(const csi_difference *scratch, size_t n_y, double width, int n_before, double *column) {
    for (size_t i = 0; i < n_y; i++) {
        double above = scratch->f_above[i];
        double below = scratch->f_below[i];
        double central = (above - below) / width;
        if (n_before >= 1) {
            double extrapolated = central + (central - scratch->central[i]) / RICHARDSON_DIVISOR;
            double noise = 2 * DBL_EPSILON * fmax(fabs(above), fabs(below)) / width;
            double error = fabs(extrapolated - scratch->extrapolated[i]) + noise;
            if (n_before >= 2 && error < scratch->error[i]) {
                scratch->error[i] = error;
                column[i] = extrapolated;
            }
            scratch->extrapolated[i] = extrapolated;
        }
        scratch->central[i] = central;
    }
}

costate_status csi_difference_column(const csi_difference *scratch, const costate_rhs *rhs, double t, const double *y,
                                     const double *p, double *x, double *column) {
    double step = first_step(*x);
    int n_valid = 0;
    costate_status reason = COSTATE_ERR_NONFINITE;
    for (size_t i = 0; i < rhs->n_y; i++) {
        scratch->error[i] = (double)INFINITY;
        column[i] = (double)NAN;
    }
    for (int k = 0; k < N_STEP; k++) {
        double above = *x + step;
        double below = *x - step;
        costate_status status = evaluate_pair(scratch, rhs, t, y, p, x, above, below);
        if (status == COSTATE_ERR_RHS_FAIL) {
            return status;
        }
        if (status == COSTATE_OK) {
            extend_tableau(scratch, rhs->n_y, above - below, n_valid, column);
            n_valid++;
        } else {
            n_valid = 0;
            reason = status == COSTATE_ERR_RHS_RETRY ? COSTATE_ERR_RHS_FAIL : status;
        }
        step = ldexp(step, -LOG2_RATIO);
    }
    return csi_all_finite(column, rhs->n_y) ? COSTATE_OK : reason;
}
