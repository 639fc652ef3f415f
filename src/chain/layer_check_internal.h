/* SPDX-License-Identifier: MIT */
/* What the parts of the check of a layer share: evaluations in tiles of any width, the point, and what was found. */
#ifndef CSI_LAYER_CHECK_INTERNAL_H
#define CSI_LAYER_CHECK_INTERNAL_H

#include "chain/chain_internal.h"
#include "core/arena.h"

/* Step lengths of a difference. */
#define CSI_LAYER_STEPS ((size_t)8)

/* One evaluation over a few samples; the arrays hold them one after the other, in double whatever the precision. */
typedef struct csi_layer_run {
    const csi_chain_link *link;
    size_t n_sample;
    size_t n_tile; /* samples of a tile */
    bool training;
    uint64_t draw;
    const double *p;
    const double *x;
    double *y;
    const double *v; /* NULL: no VJP */
    double *xbar;    /* NULL: not wanted */
    double *pbar;    /* accumulated into; NULL: not wanted */
    double *work;    /* csi_layer_work_count() elements, aligned to 64 bytes */
} csi_layer_run;

/* False if the count does not fit in size_t. */
bool csi_layer_work_count(const csi_chain_link *link, size_t n_tile, size_t *count);

/* What the layer's calls answer. Values it must not read before it has written them are NaN. */
costate_status csi_layer_run_f64(const csi_layer_run *run);
costate_status csi_layer_run_f32(const csi_layer_run *run);

/* A layer under check. */
typedef struct csi_layer_check {
    const costate_chain *chain;
    const csi_chain_link *link;
    costate_chain_check_options options;
    bool is_double; /* the layer has calls in double precision, so that these are differentiated */
    double error;   /* largest of a derivative so far */
    costate_message *message;

    double *p, *x, *v;                   /* the point, representable in single precision, and the cotangents */
    double *y, *xbar, *pbar;             /* there, in one tile */
    double *other_y, *other_xbar;        /* of another evaluation */
    double *other_pbar, *before;         /* … and what pbar held before */
    double *numeric_xbar, *numeric_pbar; /* by differences */
    double *above, *below;               /* outputs at two sides of the point */
    double *quotient;                    /* differences of every sample, step length by step length */
    double *work;
} csi_layer_check;

/* The evaluation of the point in one tile, of which the caller changes what is to be different. */
csi_layer_run csi_layer_run_of(const csi_layer_check *check);

/* Samples of the widest tile. */
size_t csi_layer_widest(const csi_layer_check *check);

/* Evaluates in the precision that is differentiated; a failure goes to the message. */
costate_status csi_layer_evaluate(const csi_layer_check *check, const csi_layer_run *run, bool is_double);

/* Fills numeric_pbar and, unless inputs are integers, numeric_xbar. */
costate_status csi_layer_differences(csi_layer_check *check);

#endif
