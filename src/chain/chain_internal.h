/* SPDX-License-Identifier: MIT */
/* A chain as its evaluation sees it: shapes, offsets and calls, all fixed at creation. */
#ifndef CSI_CHAIN_INTERNAL_H
#define CSI_CHAIN_INTERNAL_H

#include "chain/kernels/chain_kernels.h"

/* One layer of a chain. */
typedef struct csi_chain_link {
    costate_chain_layer layer;
    costate_chain_plan plan;
    costate_shape in;
    size_t n_in, n_out;
    size_t x_row, y_row, kept_row; /* where its values lie among those of the chain */
    size_t offset;                 /* of its parameters */
    size_t n_param;
    csi_chain_calls_f64 f64;
    csi_chain_calls_f32 f32;
} csi_chain_link;

struct costate_chain {
    costate_allocator alloc;
    size_t n_link;
    csi_chain_link *links;
    size_t n_in, n_out, n_param, n_block;
    /* Rows of a tile: the input and all layers' values with what they keep; the widest value; the largest scratch. */
    size_t n_value_row, n_widest, n_scratch;
};

#endif
