/* SPDX-License-Identifier: MIT */
/* Permutation of axes: rows copied to other places. Part of chain_kernels.c. */
#ifndef CSI_PERMUTE_TILE_H
#define CSI_PERMUTE_TILE_H

#include "chain/kernels/chain_tile.h"

static inline void permute_copy_row(size_t n, const real *from, real *to) {
    for (size_t s = 0; s < n; s += VLANES) {
        v_store(to + s, v_load(from + s));
    }
}

/* Copies from the order of the input to that of the output, or back. */
static void permute_rows(const chain_tile *tile, const real *from, real *to, bool is_back) {
    const size_t extent[3] = {tile->in.n_channel, tile->in.height, tile->in.width};
    const size_t stride[3] = {extent[1] * extent[2], extent[2], 1};
    const size_t *order = tile->layer->order;
    size_t out = 0;
    for (size_t i = 0; i < extent[order[0]]; i++) {
        for (size_t j = 0; j < extent[order[1]]; j++) {
            for (size_t k = 0; k < extent[order[2]]; k++, out++) {
                const size_t in = i * stride[order[0]] + j * stride[order[1]] + k * stride[order[2]];
                permute_copy_row(tile->row, from + (is_back ? out : in) * tile->row,
                                 to + (is_back ? in : out) * tile->row);
            }
        }
    }
}

static costate_status permute_forward(const chain_tile *tile) {
    permute_rows(tile, tile->x, tile->y, false);
    return COSTATE_OK;
}

static costate_status permute_vjp(const chain_tile *tile) {
    if (tile->xbar != NULL) {
        permute_rows(tile, tile->v, tile->xbar, true);
    }
    return COSTATE_OK;
}

#endif
