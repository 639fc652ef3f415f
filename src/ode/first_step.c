/* SPDX-License-Identifier: MIT */
/* Length of the first step of a one-step method. */
#include "ode/first_step.h"

#include "core/finite.h"
#include "ode/step_control.h"

#include <math.h>

/* Shares of the interval: where the solution does not tell its time scale, and at least. */
#define BLIND_SHARE 1e-6
#define LEAST_SHARE 1e-20
#define TRIES 8
/* Norms above this, which may have overflowed, count as this. */
#define FASTEST 1e290

/* Norm of a in units of the tolerance. */
static double weighted_norm(const csi_first_step *first, const double *a) {
    double sum = 0.0;
    for (size_t i = 0; i < first->n; i++) {
        const double scaled = a[i] / (first->rtol * fabs(first->y[i]) + first->atol[i]);
        sum += scaled * scaled;
    }
    return sqrt(sum / (double)first->n);
}

/* Norm of the change of f per time over an Euler step of length h; negative if f cannot be evaluated. */
static double curvature(const csi_first_step *first, csi_rhs_calls *calls, double h, int *answer) {
    double *y = first->scratch;
    double *slope = first->scratch + first->n;
    const double signed_h = copysign(h, first->t_end - first->t);
    for (size_t i = 0; i < first->n; i++) {
        y[i] = first->y[i] + signed_h * first->slope[i];
    }
    *answer = csi_call_f(calls, first->t + signed_h, y, slope);
    if (*answer != 0 || !csi_all_finite(slope, first->n)) {
        return -1.0;
    }
    for (size_t i = 0; i < first->n; i++) {
        slope[i] -= first->slope[i];
    }
    return weighted_norm(first, slope) / h;
}

double csi_first_step_guess(double size, double speed, double length) {
    const double h = size > 1e-5 && speed > 1e-5 ? 0.01 * size / speed : BLIND_SHARE * length;
    return isfinite(h) && h > 0.0 ? fmin(h, 0.5 * length) : LEAST_SHARE * length;
}

double csi_first_step_from_bend(double guess, double speed, double bend, double length, int order) {
    const double fastest = fmin(fmax(speed, bend), FASTEST);
    const double longer = fastest <= 1e-15 ? fmax(BLIND_SHARE * length, 1e-3 * guess)
                                           : csi_exp2_rough(csi_log2_rough(0.01 / fastest) / order);
    return fmax(fmin(fmin(100.0 * guess, longer), length), LEAST_SHARE * length);
}

double csi_first_step_estimate(const csi_first_step *first, csi_rhs_calls *calls, int *answer) {
    const double length = fabs(first->t_end - first->t);
    const double speed = weighted_norm(first, first->slope);
    double h = csi_first_step_guess(weighted_norm(first, first->y), speed, length);
    double bend = curvature(first, calls, h, answer);
    for (int i = 0; i < TRIES && bend < 0.0 && *answer >= 0; i++) {
        h *= 0.1;
        bend = curvature(first, calls, h, answer);
    }
    return bend >= 0.0 ? csi_first_step_from_bend(h, speed, bend, length, first->order) : h;
}
