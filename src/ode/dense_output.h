/* SPDX-License-Identifier: MIT */
/* Dense output of a one-step method: the polynomial over one step, its value, slope and VJP. */
#ifndef CSI_DENSE_OUTPUT_H
#define CSI_DENSE_OUTPUT_H

#include "ode/step_history.h"

/* coef (dense_degree × n): y(t + θh) = y + Σ_d coef[d·n + i] φ_d(θ), the functions φ_d being those of the tableau. A record whose tableau
 * has extra stages must have their slopes. */
void csi_dense_coefficients(const csi_step_record *record, size_t n, double *coef);

/* θ of a time within the step. */
static inline double csi_dense_position(const csi_step_record *record, double t) {
    return (t - record->t) * (1.0 / record->h);
}

/* y and dy/dt at θ. */
void csi_dense_value(const csi_step_record *record, size_t n, const double *coef, double theta, double *y);
void csi_dense_slope(const csi_step_record *record, size_t n, const double *coef, double theta, double *dydt);

/* Rows of rows (n_row × n): y at each t. */
void csi_dense_rows(const csi_step_record *record, size_t n, const double *coef, size_t n_row, const double *t,
                    double *rows);

/* moment ((dense_degree + 1) × n): += v and φ_d(θ) v for d = 0 … dense_degree − 1, for the cotangents v (n_row × n) of
 * csi_dense_rows(). */
void csi_dense_moments_of_rows(const csi_step_record *record, size_t n, size_t n_row, const double *t, const double *v,
                               double *moment);

/* kbar (slopes × n) += the cotangents of the slopes, given the moments of all cotangents within the step; those of y are the
 * first n moments. */
void csi_dense_pull_back(const csi_step_record *record, size_t n, const double *moment, double *kbar);

#endif
