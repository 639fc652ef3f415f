/* SPDX-License-Identifier: MIT */
/* One library call per operation: OpenBLAS gemv and ger, SLEEF passes over arrays. */
#ifndef BENCH_UNFUSED_H
#define BENCH_UNFUSED_H

#include "dense_stack.h"

/* OpenBLAS on one thread from here on; returns the name of its kernels. */
const char *unfused_begin(void);

/* As the naive functions of the same names. */
#define UNFUSED_DECLARE(suffix, real)                                                                                  \
    void unfused_forward_##suffix(const chain *c, const real *p, const real *x, real *y, real *work);                  \
    void unfused_vjp_##suffix(const chain *c, const real *p, const real *x, const real *v, real *xbar, real *pbar,     \
                              real *work);
UNFUSED_DECLARE(f64, double)
UNFUSED_DECLARE(f32, float)
#undef UNFUSED_DECLARE

#endif
