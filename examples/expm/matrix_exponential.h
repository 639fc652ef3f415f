/* SPDX-License-Identifier: MIT */
/* The exponential of a 2 by 2 matrix, by two ways. */
#ifndef MATRIX_EXPONENTIAL_H
#define MATRIX_EXPONENTIAL_H

/*
 * Closed form: with m = tr(A)/2, B = A - m I and d = -det(B), exp(A) = e^m (cosh(sqrt d) I + sinh(sqrt d)/sqrt(d) B); cos
 * and sin for d < 0. Matrices are row-major.
 */
void matrix_exponential(const double a[4], double e[4]);

/* Scaling and squaring: the Taylor series of A/2^k, squared k times. Slower, to check the other. */
void matrix_exponential_by_squaring(const double a[4], double e[4]);

#endif
