/* SPDX-License-Identifier: MIT */
/* The callbacks of a right-hand side timed by themselves: what a gradient could cost at the least. */
#ifndef BENCH_RHS_KERNELS_H
#define BENCH_RHS_KERNELS_H

#include "harness.h"
#include <costate/rhs.h>

#define RHS_KERNEL_MAX 6

/*
 * Seconds per call. The first four repeat one call, so that a processor may overlap one with the next; in the
 * `chained` ones a call needs the result of the one before, as the stages of a step do.
 */
typedef struct rhs_kernel_times {
    double f;
    double vjp;
    double f_keep;      /* 0 if the right-hand side has none */
    double vjp_kept;    /* 0 if the right-hand side has none */
    double f_chained;   /* of f_keep, or f */
    double vjp_chained; /* of vjp_kept, or vjp */
} rhs_kernel_times;

typedef struct rhs_kernels rhs_kernels;

/* At one point of a solution. NULL when there is no memory or a callback fails there. */
rhs_kernels *rhs_kernels_create(const costate_rhs *rhs, double t, const double *y, const double *p);
void rhs_kernels_destroy(rhs_kernels *kernels);

/* Writes the cases to be timed and returns their number, at most RHS_KERNEL_MAX; none for NULL. */
size_t rhs_kernels_cases(rhs_kernels *kernels, bench_case *cases);

/* What bench_measure() found for those cases. */
rhs_kernel_times rhs_kernels_times(const rhs_kernels *kernels, const bench_case *cases);

#endif
