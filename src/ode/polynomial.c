/* SPDX-License-Identifier: MIT */
/* The interpolating polynomial of one step. */
#include "ode/polynomial.h"

/* Elements whose Horner chains run side by side in registers. */
#define LANES 4

static inline void horner(const double *restrict coef, int order, size_t n, double s, double *restrict y, int lanes) {
    double sum[LANES];
    const double *column = coef + (size_t)order * n;
    for (int i = 0; i < lanes; i++) {
        sum[i] = column[i];
    }
    for (int k = order; k > 0; k--) {
        column -= n;
        for (int i = 0; i < lanes; i++) {
            sum[i] = sum[i] * s + column[i];
        }
    }
    for (int i = 0; i < lanes; i++) {
        y[i] = sum[i];
    }
}

void csi_polynomial_eval(const double *restrict coef, int order, size_t n, double s, double *restrict y) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        horner(coef + i, order, n, s, y + i, LANES);
    }
    if (n - i >= 2) {
        horner(coef + i, order, n, s, y + i, 2);
        i += 2;
    }
    if (n - i == 1) {
        horner(coef + i, order, n, s, y + i, 1);
    }
}

void csi_polynomial_slope(const double *restrict coef, int order, size_t n, double s, double *restrict dyds) {
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (int k = order; k > 0; k--) {
            sum = sum * s + (double)k * coef[(size_t)k * n + i];
        }
        dyds[i] = sum;
    }
}
