/* SPDX-License-Identifier: MIT */
/*
 * One layer of the library on one tile, its arrays between guard pages, against a reference in complex long double: the
 * imaginary part of f(x + ihu)/h is the derivative along u to the last bit (Squire & Trapp, SIAM Review 40, 1998).
 */
#ifndef LAYER_PROBE_H
#define LAYER_PROBE_H

#include "isa_environment.h"
#include "support/asserts.h"

#include <complex.h>
#include <costate/chain_kind.h>
#include <stdbool.h>

typedef long double complex wide;

/* y of one sample. */
typedef void layer_reference(const costate_chain_layer *layer, costate_shape in, const wide *p, const wide *x, wide *y);

typedef struct layer_case {
    costate_chain_layer layer;
    costate_shape in;
    size_t n;   /* samples */
    size_t row; /* of the tile */
} layer_case;

/* Numbers that are representable in single precision, sample by sample; results of a run in y, xbar and pbar. */
typedef struct layer_data {
    costate_chain_plan plan;
    size_t n_in, n_out, n_param;
    double *p, *x, *v, *start; /* start: what pbar holds before */
    double *y, *xbar, *pbar;
} layer_data;

typedef enum layer_precision { LAYER_F64, LAYER_F32 } layer_precision;

/* What a run wants; a result that is not wanted becomes zero. */
enum { LAYER_XBAR = 1, LAYER_PBAR = 2, LAYER_BOTH = 3 };

/* Parameters are the kind's initial values plus up to ± p_bound. */
layer_data layer_data_make(const layer_case *the, double p_bound, uint64_t seed);
void layer_data_release(layer_data *data);

/* Forward pass and VJP with the kernels of the present COSTATE_ISA; checks that the VJP leaves x, y and kept. */
void layer_run(const layer_case *the, layer_data *data, layer_precision precision, int want);

/* A run against the reference, in units of the largest element; derivatives along n_direction random directions, 0: every one. */
void layer_check(const layer_case *the, layer_reference *reference, double p_bound, size_t n_direction);

/* Results of fma, avx2 and avx512, in both precisions; skips, visibly, where there are no two of them. */
void layer_check_isas(const layer_case *cases, size_t n_case);

#endif
