/* SPDX-License-Identifier: MIT */
/* One call of a layer's kernels on one tile, all of whose arrays lie against inaccessible pages. */
#ifndef GATHER_TILE_H
#define GATHER_TILE_H

#include "support/asserts.h"
#include "support/guard_page.h"

#include <costate/chain_kind.h>

/* Values are double, one sample after the other, whatever the precision. */
typedef struct tile_call {
    costate_chain_layer layer;
    costate_shape in;
    size_t n, row, first, layer_index;
    uint64_t draw;
    bool training;
    bool x_behind_is_nan; /* by contract the lanes that belong to no sample repeat the last */
    double v_behind;      /* cotangent in the lanes that belong to no sample; by contract zero */
    guard_side side;
    const double *p, *x, *v; /* v NULL: no VJP */
    double *y, *xbar;        /* xbar NULL: not wanted */
    double *pbar;            /* accumulated into; NULL: not wanted */
    double *y_behind;        /* the outputs of the lanes behind the last sample; NULL: not wanted */
} tile_call;

/* Of the kernels that COSTATE_ISA selects; fails the test if the kind does not take the shape. */
costate_status tile_call_run_f64(const tile_call *call);
costate_status tile_call_run_f32(const tile_call *call);

costate_chain_plan tile_call_plan(const tile_call *call);

/* n numbers in (−1, 1) that are representable in single precision. */
double *tile_random(costate_random *random, size_t n);
double *tile_zeros(size_t n);

/* What a suite returns where COSTATE_ISA names what is not here. */
#define TILE_SKIPPED 77
bool tile_isa_available(void);

/* True if COSTATE_ISA, which may be NULL, can be had; it stays set then. */
bool tile_select(const char *isa);

#endif
