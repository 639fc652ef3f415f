/* SPDX-License-Identifier: MIT */
/* The error of a step in units of the tolerance. */
#include "ode/step_error.h"

#include "ode/explicit_stages.h"
#include "ode/stage.h"

#include <math.h>

/* What a lower estimate weighs beside the other. */
#define LOW_WEIGHT 0.01

/* An error of state i in units of what it may be. */
CSI_INLINE double scaled(double error, const csi_step_tolerance *tolerance, size_t i, double y, double y_end) {
    const double before = fabs(y);
    const double after = fabs(y_end);
    return error / (tolerance->atol[i] + tolerance->rtol * (before > after ? before : after));
}

/* h Σ e_j k_j of state i, where e_j = 0 for 0 < j < first. */
CSI_INLINE double estimate(size_t n, size_t i, const csi_step_record *record, const double *e, size_t first,
                           size_t n_term) {
    double sum = e[0] * record->k[i];
    CSI_STAGE_UNROLL
    for (size_t j = first; j < n_term; j++) {
        sum += e[j] * record->k[j * n + i];
    }
    return record->h * sum;
}

CSI_INLINE double square_tsit5(size_t n, const csi_step_record *record, const csi_step_tolerance *tolerance,
                               const double *restrict y_end) {
    const double *y = record->y;
    const double margin = csi_tsit5.margin;
    double sum = 0.0;
    double zero = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double error =
            scaled(estimate(n, i, record, csi_tsit5.e, 1, CSI_TSIT5_LAST + 1), tolerance, i, y[i], y_end[i]);
        sum += error * error;
        zero += y_end[i] * 0.0;
    }
    return margin * margin * (sum / (double)n) + zero;
}

CSI_INLINE double square_dop853(size_t n, const csi_step_record *record, const csi_step_tolerance *tolerance,
                                const double *restrict y_end) {
    enum { FIRST = 5 };
    const double *y = record->y;
    const double margin = csi_dop853.margin;
    double sum = 0.0;
    double sum_low = 0.0;
    double zero = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double error =
            scaled(estimate(n, i, record, csi_dop853.e, FIRST, CSI_DOP853_LAST), tolerance, i, y[i], y_end[i]);
        const double low =
            scaled(estimate(n, i, record, csi_dop853.e_low, FIRST, CSI_DOP853_LAST), tolerance, i, y[i], y_end[i]);
        sum += error * error;
        sum_low += low * low;
        zero += (y_end[i] + record->k[CSI_DOP853_LAST * n + i]) * 0.0;
        for (size_t j = 1; j < FIRST; j++) {
            zero += record->k[j * n + i] * 0.0;
        }
    }
    const double share = sum > 0.0 ? sum / (sum + LOW_WEIGHT * sum_low) : sum;
    return margin * margin * (share * sum / (double)n) + (zero + sum_low * 0.0);
}

double csi_step_error_explicit(const csi_step_record *record, const csi_step_tolerance *tolerance,
                               const double *y_end) {
    return record->tableau == &csi_tsit5 ? CSI_BY_STATES(square_tsit5, tolerance->n, record, tolerance, y_end)
                                         : CSI_BY_STATES(square_dop853, tolerance->n, record, tolerance, y_end);
}

double csi_step_error_given(const csi_step_record *record, const csi_step_tolerance *tolerance, const double *y_end,
                            const double *error) {
    const double margin = record->tableau->margin;
    double sum = 0.0;
    double zero = 0.0;
    for (size_t i = 0; i < tolerance->n; i++) {
        const double part = scaled(error[i], tolerance, i, record->y[i], y_end[i]);
        sum += part * part;
        zero += y_end[i] * 0.0;
    }
    return margin * margin * (sum / (double)tolerance->n) + zero;
}
