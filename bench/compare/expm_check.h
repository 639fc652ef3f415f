/* SPDX-License-Identifier: MIT */
/* What must hold of the network that learns the matrix exponential before its times count. */
#ifndef BENCH_EXPM_CHECK_H
#define BENCH_EXPM_CHECK_H

#include "compare/expm_model.h"
#include "harness.h"

/*
 * The gradient of the pairs passes chain_gradient_check(); 100 steps make the error fall. False, counted as a failure of
 * b, if not.
 */
bool expm_check(bench *b, const exponential_pairs *pairs);

#endif
