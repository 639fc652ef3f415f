/* SPDX-License-Identifier: MIT */
/* An evaluator as both precisions see it: workspaces of the threads and gradients of the pieces. */
#ifndef CSI_CHAIN_EVAL_INTERNAL_H
#define CSI_CHAIN_EVAL_INTERNAL_H

#include "chain/chain_internal.h"
#include "core/thread_pool.h"

#include <costate/chain_eval.h>

/* Rows are a multiple of this many elements: a vector of single precision, two of double. */
#define CSI_CHAIN_LANES ((size_t)16)

/* What a piece, that is a group of tiles, has come to. */
typedef struct csi_chain_piece {
    double value; /* sum of its terms of the loss */
    size_t n_right;
    costate_status status;
    size_t link;         /* the layer that failed; the number of layers if it was the loss */
    size_t first, count; /* the samples it failed on */
} csi_chain_piece;

struct costate_chain_eval {
    costate_allocator alloc;
    const costate_chain *chain;
    costate_chain_precision precision;
    size_t real_bytes;
    csi_thread_pool *pool;
    size_t n_tile;  /* samples of a full tile, a multiple of CSI_CHAIN_LANES */
    size_t n_piece; /* most pieces */
    bool training;
    uint64_t draw;
    size_t work_bytes; /* of a thread, a multiple of CSI_ALIGNMENT */
    unsigned char *work;
    void *work_block;
    size_t gradient_bytes; /* of a piece, a multiple of CSI_ALIGNMENT */
    unsigned char *gradients;
    void *gradient_block;
    csi_chain_piece *pieces;
    costate_message message;
};

#endif
