/* SPDX-License-Identifier: MIT */
/* OpenBLAS with the kernels that it chooses itself, also where the environment names those of another processor. */
#ifndef BENCH_OPENBLAS_CALLS_H
#define BENCH_OPENBLAS_CALLS_H

#include <cblas.h>

/* Its routines, which use one thread. */
typedef struct openblas_calls {
    const char *core; /* the processor its kernels are meant for */
    void (*sgemv)(CBLAS_ORDER order, CBLAS_TRANSPOSE trans, blasint m, blasint n, float alpha, const float *a,
                  blasint lda, const float *x, blasint incx, float beta, float *y, blasint incy);
    void (*sgemm)(CBLAS_ORDER order, CBLAS_TRANSPOSE transa, CBLAS_TRANSPOSE transb, blasint m, blasint n, blasint k,
                  float alpha, const float *a, blasint lda, const float *b, blasint ldb, float beta, float *c,
                  blasint ldc);
    void (*ssbmv)(CBLAS_ORDER order, CBLAS_UPLO uplo, blasint n, blasint k, float alpha, const float *a, blasint lda,
                  const float *x, blasint incx, float beta, float *y, blasint incy);
} openblas_calls;

/* Those the program is linked with; where OPENBLAS_CORETYPE is set, those of a second copy that does not see it. */
openblas_calls openblas_calls_of_own_choice(void);

#endif
