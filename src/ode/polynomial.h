/* SPDX-License-Identifier: MIT */
/* The interpolating polynomial of one step. */
#ifndef CSI_POLYNOMIAL_H
#define CSI_POLYNOMIAL_H

#include <stddef.h>

/* y_i = Σ_k coef[k·n + i] s^k, k = 0 … order: equation 13 of doc/math.md. */
void csi_polynomial_eval(const double *restrict coef, int order, size_t n, double s, double *restrict y);

/* The derivative of that with respect to s. */
void csi_polynomial_slope(const double *restrict coef, int order, size_t n, double s, double *restrict dyds);

#endif
