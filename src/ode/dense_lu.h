/* SPDX-License-Identifier: MIT */
/* LU factorisation of a small dense matrix with partial pivoting, and solves with it and its transpose. */
#ifndef CSI_DENSE_LU_H
#define CSI_DENSE_LU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Factorises the n × n column-major matrix in place: P A = L U, L with unit diagonal below, U above with the
 * reciprocals of its diagonal; row k was exchanged with row pivot[k]. False, with neither usable, if a pivot is 0 or
 * not finite.
 */
bool csi_lu_factor(size_t n, double *matrix, int64_t *pivot);

/* x = A⁻¹ x */
void csi_lu_solve(size_t n, const double *factors, const int64_t *pivot, double *x);

/* x = A⁻ᵀ x */
void csi_lu_solve_transposed(size_t n, const double *factors, const int64_t *pivot, double *x);

#endif
