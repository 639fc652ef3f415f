/* SPDX-License-Identifier: MIT */
/* Cholesky factorisation of a dense matrix, and the inverse by it. */
#ifndef CSI_DENSE_CHOLESKY_H
#define CSI_DENSE_CHOLESKY_H

#include <stddef.h>

/*
 * Factorises a symmetric n × n matrix of unit diagonal, given by pointers to its columns, of which only the elements
 * from the diagonal down are read and replaced by L. Returns n, or the first column whose pivot, 1 − R² of its
 * regression on the columns before it, is not above `least`.
 */
size_t csi_cholesky_factor(size_t n, double **column, double least);

/* x = A⁻¹ x */
void csi_cholesky_solve(size_t n, double **column, double *x);

#endif
