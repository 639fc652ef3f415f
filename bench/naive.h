/* SPDX-License-Identifier: MIT */
/* Plain C loops with libm: what one would write without a library. */
#ifndef BENCH_NAIVE_H
#define BENCH_NAIVE_H

#include "dense_stack.h"

/*
 * forward: y = N(x). vjp: xbar = (dN/dx)' v, pbar += (dN/dp)' v. `work` holds chain_n_work() elements.
 * The `_relaxed` twins are the same source compiled with -ffast-math, where gcc may use glibc's vector tanh.
 */
#define NAIVE_DECLARE(suffix, real)                                                                                    \
    void naive_forward_##suffix(const chain *c, const real *p, const real *x, real *y, real *work);                    \
    void naive_vjp_##suffix(const chain *c, const real *p, const real *x, const real *v, real *xbar, real *pbar,       \
                            real *work);
NAIVE_DECLARE(f64, double)
NAIVE_DECLARE(f32, float)
NAIVE_DECLARE(relaxed_f64, double)
NAIVE_DECLARE(relaxed_f32, float)
#undef NAIVE_DECLARE

#endif
