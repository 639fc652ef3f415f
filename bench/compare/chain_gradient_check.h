/* SPDX-License-Identifier: MIT */
/* Is the gradient that a benchmark times the right one? */
#ifndef BENCH_CHAIN_GRADIENT_CHECK_H
#define BENCH_CHAIN_GRADIENT_CHECK_H

#include "harness.h"
#include <costate/chain_eval.h>

/*
 * At random parameters: loss and gradient of a batch in single precision, on 1 and 2 threads, against double precision, whose gradient is
 * compared with a difference quotient; and the same bits on both numbers of threads. The batch has neither index nor
 * weights. A difference counts as a failure of b, for `group`.
 */
bool chain_gradient_check(bench *b, const char *group, const costate_chain *chain, const costate_chain_loss *loss,
                          const costate_batch_f32 *batch, size_t n_piece);

#endif
