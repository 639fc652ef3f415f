/* SPDX-License-Identifier: MIT */
/* Gradients with respect to the unknowns from what the VJP of one trajectory gives. */
#ifndef CSI_TRAJECTORY_ROW_H
#define CSI_TRAJECTORY_ROW_H

#include "fit/fit_internal.h"

/* Cotangents of one trajectory of a series, or of one with a known start. */
typedef struct csi_trajectory_row {
    size_t series; /* SIZE_MAX: the start is known */
    double t0;
    const double *y0;
    const double *p;
    const double *y0bar;    /* n_y, observations at t0 included */
    const double *at_start; /* n_y, cotangents of the observations at t0 alone; NULL: none */
    double *pbar;           /* n_p; changed */
    const double *noisebar; /* n_noise; NULL: 0 */
} csi_trajectory_row;

/* The gradient with respect to x, n_unknown elements, overwritten; uses fit->qbar. */
costate_status csi_fit_pull_row(costate_fit *fit, const double *x, const csi_trajectory_row *row, double *gradient);

/* √(gᵀ C g), 0 where rounding makes the square negative; n_unknown elements each. */
double csi_fit_standard_error(const costate_fit *fit, const double *covariance, const double *gradient);

#endif
