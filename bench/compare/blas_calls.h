/* SPDX-License-Identifier: MIT */
/* The same operations by the library, by OpenBLAS (SLEEF for tanh) and by plain loops, single precision, one thread. */
#ifndef BENCH_BLAS_CALLS_H
#define BENCH_BLAS_CALLS_H

#include "compare/openblas_calls.h"

#include <costate/chain_eval.h>
#include <costate/layer.h>

/* Operands of size n, and what the library's calls need for it. */
typedef struct blas_operands {
    size_t n;
    const float *a, *b;  /* n × n */
    const float *x;      /* n */
    const float *sign;   /* n elements ±1 */
    const float *factor; /* what z is multiplied by: x, or sign to keep z what it is however often */
    float *c;            /* n × n, result */
    float *y;            /* n, result */
    float *z;            /* n, result of the multiplication in place */
    openblas_calls openblas;
    float one;
    costate_layer square, multiplier, tanh;
    costate_chain *chain;
    costate_chain_eval *eval;
    costate_status status; /* of the library's last call that failed */
} blas_operands;

/* Makes the library's objects for n; false, with everything released, if that fails. */
bool blas_operands_make(blas_operands *o);
void blas_operands_release(blas_operands *o);

/* Each does its operation n_time times; ctx is a blas_operands. */
typedef void blas_call(void *ctx, size_t n_time);

/* y = A x, A column-major: costate_layer_forward_f32(). */
blas_call costate_matvec, openblas_matvec, plain_matvec;

/*
 * C = A B, all column-major: costate_layer_forward_batch_f32() with the weights A, whose samples are the columns of B
 * and whose outputs are those of C.
 */
blas_call costate_product_columns, openblas_product_columns, plain_product_columns;

/*
 * C = A B, A and B row-major, C column-major: costate_chain_forward_f32() of one dense layer, which reads B feature by
 * feature. Plain loops have no order of these that suits them.
 */
blas_call costate_product_rows, openblas_product_rows;

/*
 * z ∘= factor: costate_layer_pullback_f32() with nothing wanted but the product of cotangent and slope. BLAS has no
 * such routine; the product with a diagonal matrix, sbmv, is its nearest, and is not in place.
 */
blas_call costate_multiply, openblas_multiply, plain_multiply;

/* y = tanh x: costate_layer_forward_f32() with the input 1 and x for its weights; SLEEF's 3.5-ulp tanh; libm's. */
blas_call costate_tanh, sleef_tanh, plain_tanh;

#endif
