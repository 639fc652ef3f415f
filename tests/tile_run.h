/* SPDX-License-Identifier: MIT */
/* One layer of a chain on one tile, in either precision through double arrays, each against inaccessible memory. */
#ifndef TILE_RUN_H
#define TILE_RUN_H

#include <costate/chain_kind.h>
#include <costate/random.h>

/* A layer, its inputs and its results. Rows are `row` elements; every number is representable in the precision. */
typedef struct tile_run {
    costate_chain_layer layer;
    costate_shape in;
    costate_chain_plan plan;
    size_t row, n_in, n_out, n_param;
    bool single;
    double *p, *x, *v, *pbar_before;
    double *y, *xbar, *pbar;
} tile_run;

/* Normal numbers for everything that goes in. */
tile_run tile_run_make(const costate_chain_layer *layer, costate_shape in, size_t row, bool single,
                       costate_random *random);
void tile_run_release(tile_run *run);

/*
 * Forward and VJP under the present COSTATE_ISA, for n samples: v counts as zero behind them. Results that are not
 * wanted stay what they are. Asserts that both succeed with exactly the rows the plan says, and leave alone what they
 * only read.
 */
void tile_run_call(tile_run *run, size_t n, bool want_xbar, bool want_pbar);

/* Unit roundoff. */
long double tile_run_roundoff(const tile_run *run);

#endif
