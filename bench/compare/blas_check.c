/* SPDX-License-Identifier: MIT */
/* Verification of the operations in double precision. */
#include "compare/blas_check.h"

#include "harness.h"

#include <math.h>

/* out = M r of an n × n matrix whose entry (i, j) is i·row + j·column elements from the first. */
static void times(size_t n, const float *m, size_t row, size_t column, const double *r, double *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = 0.0;
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++) {
            out[i] += (double)m[i * row + j * column] * r[j];
        }
    }
}

static double vector_error(const blas_operands *o, const float *result, const blas_check *check) {
    for (size_t i = 0; i < o->n; i++) {
        check->at[i] = (double)result[i];
    }
    return bench_difference(o->n, check->at, check->reference);
}

double matvec_error(const blas_operands *o, const blas_check *check) {
    for (size_t i = 0; i < o->n; i++) {
        check->between[i] = (double)o->x[i];
    }
    times(o->n, o->a, 1, o->n, check->between, check->reference);
    return vector_error(o, o->y, check);
}

/* C r against A (B r) with a random r; `row` and `column` are the strides of A and B. */
static double product_error(const blas_operands *o, const blas_check *check, size_t row, size_t column) {
    times(o->n, o->b, row, column, check->r, check->between);
    times(o->n, o->a, row, column, check->between, check->reference);
    times(o->n, o->c, 1, o->n, check->r, check->at);
    return bench_difference(o->n, check->at, check->reference);
}

double columns_error(const blas_operands *o, const blas_check *check) { return product_error(o, check, 1, o->n); }
double rows_error(const blas_operands *o, const blas_check *check) { return product_error(o, check, o->n, 1); }

/* BLAS leaves y, the others z. */
double multiply_error(const blas_operands *o, const blas_check *check) {
    for (size_t i = 0; i < o->n; i++) {
        check->reference[i] = (double)o->x[i] * (double)o->x[i];
    }
    return vector_error(o, isnan(o->y[0]) ? o->z : o->y, check);
}

double tanh_error(const blas_operands *o, const blas_check *check) {
    for (size_t i = 0; i < o->n; i++) {
        check->reference[i] = tanh((double)o->x[i]);
    }
    return vector_error(o, o->y, check);
}
