/* SPDX-License-Identifier: MIT */
/* Vectors and matrices by plain loops, compiled for this CPU. Nothing overlaps anything. */
#ifndef BENCH_BLAS_NAIVE_H
#define BENCH_BLAS_NAIVE_H

#include <stddef.h>

/* y = A x, A column-major. */
void naive_matvec(size_t n, const float *restrict a, const float *restrict x, float *restrict y);
/* C = A B, all column-major. */
void naive_product_columns(size_t n, const float *restrict a, const float *restrict b, float *restrict c);
/* z ∘= x */
void naive_multiply(size_t n, const float *restrict x, float *restrict z);
/* y = tanh x */
void naive_tanh(size_t n, const float *restrict x, float *restrict y);

#endif
