/* SPDX-License-Identifier: MIT */
/* Vectors and matrices by plain loops, the inner one along contiguous elements where the layout has such a loop. */
#include "compare/blas_naive.h"

#include <math.h>

void naive_matvec(size_t n, const float *restrict a, const float *restrict x, float *restrict y) {
    for (size_t i = 0; i < n; i++) {
        y[i] = 0.0f;
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++) {
            y[i] += a[j * n + i] * x[j];
        }
    }
}

void naive_product_columns(size_t n, const float *restrict a, const float *restrict b, float *restrict c) {
    for (size_t j = 0; j < n; j++) {
        naive_matvec(n, a, b + j * n, c + j * n);
    }
}

void naive_multiply(size_t n, const float *restrict x, float *restrict z) {
    for (size_t i = 0; i < n; i++) {
        z[i] *= x[i];
    }
}

void naive_tanh(size_t n, const float *restrict x, float *restrict y) {
    for (size_t i = 0; i < n; i++) {
        y[i] = tanhf(x[i]);
    }
}
