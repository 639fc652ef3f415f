/* SPDX-License-Identifier: MIT */
/*
 * Solves with an LU factorisation and its transpose. At the sizes in question these are one chain of dependent
 * operations, in which short vectors only delay the next element: this file is compiled without vectorisation, and
 * element k + 1 is carried in a register ahead of the others.
 */
#include "ode/dense_lu.h"

#include "ode/short_state.h"

CSI_INLINE void exchange(double *x, size_t i, size_t j) {
    const double held = x[i];
    x[i] = x[j];
    x[j] = held;
}

/* y −= a x */
CSI_INLINE void subtract_scaled(size_t n, double a, const double *restrict x, double *restrict y) {
    for (size_t i = 0; i < n; i++) {
        y[i] -= a * x[i];
    }
}

CSI_INLINE void solve(size_t n, const double *factors, const int64_t *pivot, double *x) {
    for (size_t k = 0; k < n; k++) {
        exchange(x, k, (size_t)pivot[k]);
    }
    double head = x[0];
    for (size_t k = 0; k + 1 < n; k++) {
        const double *column = factors + k * n;
        const double value = head;
        head = x[k + 1] - value * column[k + 1];
        subtract_scaled(n - k - 2, value, column + k + 2, x + k + 2);
        x[k + 1] = head;
    }
    for (size_t k = n; k-- > 1;) {
        const double *column = factors + k * n;
        const double value = head * column[k];
        x[k] = value;
        head = x[k - 1] - value * column[k - 1];
        subtract_scaled(k - 1, value, column, x);
    }
    x[0] = head * factors[0];
}

/* Σ a_i b_i in two interleaved sums, half the latency of one. */
CSI_INLINE double dot(size_t n, const double *a, const double *b) {
    double even = 0.0;
    double odd = 0.0;
    size_t i = 0;
    for (; i + 1 < n; i += 2) {
        even += a[i] * b[i];
        odd += a[i + 1] * b[i + 1];
    }
    return i < n ? even + a[i] * b[i] + odd : even + odd;
}

CSI_INLINE void solve_transposed(size_t n, const double *factors, const int64_t *pivot, double *x) {
    for (size_t k = 0; k < n; k++) {
        x[k] = (x[k] - dot(k, factors + k * n, x)) * factors[k * n + k];
    }
    for (size_t k = n; k-- > 0;) {
        x[k] -= dot(n - k - 1, factors + k * n + k + 1, x + k + 1);
    }
    for (size_t k = n; k-- > 0;) {
        exchange(x, k, (size_t)pivot[k]);
    }
}

void csi_lu_solve(size_t n, const double *factors, const int64_t *pivot, double *x) {
    CSI_BY_STATES(solve, n, factors, pivot, x);
}

void csi_lu_solve_transposed(size_t n, const double *factors, const int64_t *pivot, double *x) {
    CSI_BY_STATES(solve_transposed, n, factors, pivot, x);
}
