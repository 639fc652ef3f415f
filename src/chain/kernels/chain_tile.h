/* SPDX-License-Identifier: MIT */
/* A tile in the precision at hand, and what the layers' kernels have in common. Part of chain_kernels.c. */
#ifndef CSI_CHAIN_TILE_H
#define CSI_CHAIN_TILE_H

#include "nn/kernels/act_pass.h"
#include "nn/kernels/batch_product.h"
#include "nn/net_plan.h"
#include <costate/chain_kind.h>

typedef CSI_REAL(costate_chain_tile) chain_tile;

static inline size_t tile_n_in(const chain_tile *tile) { return tile->in.n_channel * tile->in.height * tile->in.width; }

static inline size_t tile_n_out(const chain_tile *tile) {
    return tile->out.n_channel * tile->out.height * tile->out.width;
}

static inline bool tile_is_accurate(const chain_tile *tile) {
    return tile->layer->accuracy == COSTATE_ACCURACY_ACCURATE;
}

/* `count` rows of pre-activations in y become activations; their slopes go to `kept` where the values do not give them. */
static inline void tile_activate(const chain_tile *tile, size_t first, size_t count) {
    const costate_act act = tile->layer->act;
    real *y = tile->y + first * tile->row;
    if (!csi_slope_is_value(act)) {
        act_forward_slope[act][tile_is_accurate(tile)](count * tile->row, y, y, tile->kept + first * tile->row);
    } else if (act != COSTATE_ACT_IDENTITY) {
        act_forward[act][tile_is_accurate(tile)](count * tile->row, y, y);
    }
}

/* `count` rows of v become cotangents of the pre-activations. */
static inline void tile_delta(const chain_tile *tile, size_t first, size_t count) {
    const costate_act act = tile->layer->act;
    const size_t at = first * tile->row;
    if (act != COSTATE_ACT_IDENTITY) {
        act_delta[act](count * tile->row, (csi_slope_is_value(act) ? tile->y : tile->kept) + at, tile->v + at,
                       tile->v + at, 0, NULL);
    }
}

#endif
