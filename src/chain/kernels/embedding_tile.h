/* SPDX-License-Identifier: MIT */
/* Embedding: rows of a table, gathered into rows of samples and scattered back. Part of chain_kernels.c. */
#ifndef CSI_EMBEDDING_TILE_H
#define CSI_EMBEDDING_TILE_H

#include "chain/kernels/chain_tile.h"
#include "nn/kernels/simd_quad.h"

#include <string.h>

/* Samples at a time; tile->row is a multiple. */
#define EMBEDDING_GROUP ((size_t)16)
/* Beyond, not every number of a row is a real. */
#define EMBEDDING_MAX_WORD (UINT64_C(1) << (CSI_REAL_BITS == 64 ? 53 : 24))

/* Where the rows of the samples from `lane` on start in the table; false if an element of x is no row's number. */
static inline bool embedding_offsets(const chain_tile *tile, size_t place, size_t lane, size_t *offset) {
    const real *x = tile->x + place * tile->row;
    const real n_word = (real)tile->layer->n_in;
    bool all_good = true;
    for (size_t k = 0; k < EMBEDDING_GROUP; k++) {
        const size_t sample = lane + k < tile->n ? lane + k : tile->n - 1;
        const real word = x[sample];
        const bool is_inside = word >= 0 && word < n_word;
        const size_t index = (size_t)(is_inside ? word : 0);
        all_good &= (real)index == word;
        offset[k] = index * tile->layer->n_out;
    }
    return all_good;
}

/* One place of the output for a group of samples; y is the first element's row, the next one is `step` further. */
static inline void embedding_gather(size_t n_out, const real *table, const size_t *offset, real *y, size_t step) {
    size_t e = 0;
    for (; e + 4 <= n_out; e += 4) {
        for (size_t k = 0; k < EMBEDDING_GROUP; k += 4) {
            vquad block[4];
            UNROLL
            for (size_t j = 0; j < 4; j++) {
                block[j] = v_quad_load(table + offset[k + j] + e);
            }
            v_quad_transpose(block);
            UNROLL
            for (size_t j = 0; j < 4; j++) {
                v_quad_store(y + (e + j) * step + k, block[j]);
            }
        }
    }
    for (; e < n_out; e++) {
        for (size_t k = 0; k < EMBEDDING_GROUP; k++) {
            y[e * step + k] = table[offset[k] + e];
        }
    }
}

/* The gradient of one place, for the first `count` of a group of samples in their order. */
static inline void embedding_scatter(size_t n_out, size_t count, const real *v, size_t step, const size_t *offset,
                                     real *table) {
    size_t e = 0;
    for (; e + 4 <= n_out; e += 4) {
        for (size_t k = 0; k < count; k += 4) {
            vquad block[4];
            UNROLL
            for (size_t j = 0; j < 4; j++) {
                block[j] = v_quad_load(v + (e + j) * step + k);
            }
            v_quad_transpose(block);
            UNROLL
            for (size_t j = 0; j < 4; j++) {
                if (k + j < count) {
                    real *sum = table + offset[k + j] + e;
                    v_quad_store(sum, v_quad_add(v_quad_load(sum), block[j]));
                }
            }
        }
    }
    for (; e < n_out; e++) {
        for (size_t k = 0; k < count; k++) {
            table[offset[k] + e] += v[e * step + k];
        }
    }
}

static costate_status embedding_forward(const chain_tile *tile) {
    const size_t n_out = tile->layer->n_out, n_place = tile_n_in(tile);
    if (tile->layer->n_in > EMBEDDING_MAX_WORD) {
        return COSTATE_ERR_ARGUMENT;
    }
    for (size_t place = 0; place < n_place; place++) {
        for (size_t lane = 0; lane < tile->row; lane += EMBEDDING_GROUP) {
            size_t offset[EMBEDDING_GROUP];
            if (!embedding_offsets(tile, place, lane, offset)) {
                return COSTATE_ERR_ARGUMENT;
            }
            embedding_gather(n_out, tile->p, offset, tile->y + place * tile->row + lane, n_place * tile->row);
        }
    }
    return COSTATE_OK;
}

static costate_status embedding_vjp(const chain_tile *tile) {
    const size_t n_out = tile->layer->n_out, n_place = tile_n_in(tile);
    for (size_t place = 0; place < n_place && tile->pbar != NULL; place++) {
        for (size_t lane = 0; lane < tile->n; lane += EMBEDDING_GROUP) {
            const size_t n_left = tile->n - lane, count = n_left < EMBEDDING_GROUP ? n_left : EMBEDDING_GROUP;
            size_t offset[EMBEDDING_GROUP];
            if (!embedding_offsets(tile, place, lane, offset)) {
                return COSTATE_ERR_ARGUMENT;
            }
            embedding_scatter(n_out, count, tile->v + place * tile->row + lane, n_place * tile->row, offset,
                              tile->pbar);
        }
    }
    if (tile->xbar != NULL) {
        memset(tile->xbar, 0, n_place * tile->row * sizeof *tile->xbar);
    }
    return COSTATE_OK;
}

#endif
