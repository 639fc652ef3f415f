/* SPDX-License-Identifier: MIT */
/* Verification of the operations in double precision: the largest error relative to the largest element. */
#ifndef BENCH_BLAS_CHECK_H
#define BENCH_BLAS_CHECK_H

#include "compare/blas_calls.h"

/* Space for it. */
typedef struct blas_check {
    const double *r;      /* n, random */
    double *at, *between; /* n: result, and what leads to the reference */
    double *reference;    /* n */
} blas_check;

/* Of y, of C times a random vector, and of z or, where y is not NaN, y. */
typedef double blas_error(const blas_operands *o, const blas_check *check);
blas_error matvec_error, columns_error, rows_error, multiply_error, tanh_error;

#endif
