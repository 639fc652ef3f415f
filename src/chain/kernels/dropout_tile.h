/* SPDX-License-Identifier: MIT */
/* Dropout: elements times zero or 1/(1 − rate), by a counter-based mask. Part of chain_kernels.c. */
#ifndef CSI_DROPOUT_TILE_H
#define CSI_DROPOUT_TILE_H

#include "chain/kernels/chain_tile.h"
#include "core/philox.h"

#include <string.h>

/* Samples at a time, of which tile->row is a multiple. */
#define DROPOUT_GROUP ((size_t)16)
/* Words of a block of random numbers, for as many neighbouring elements of a sample. */
#define DROPOUT_WORDS ((size_t)4)
/* Bits of a word that decide, as many as a float has. */
#define DROPOUT_BITS 24
/* Keeps the masks of draw k clear of the streams that users seed with k. */
#define DROPOUT_KEY UINT64_C(0x64726f706f757421)

/* Lower and upper halves of samples' places in the batch. */
typedef struct dropout_samples {
    uint32_t low[16];
    uint32_t high[16];
} dropout_samples;

static inline bool dropout_is_active(const chain_tile *tile) { return tile->training && tile->layer->rate > 0; }

/* Of 2^DROPOUT_BITS equally probable integers, those below this make a zero; not all do. */
static inline real dropout_threshold(double rate) {
    const double n = (double)(1 << DROPOUT_BITS);
    return (real)fmin(floor(rate * n + 0.5), n - 1.0);
}

/* The samples from `lane` on; lanes behind the last repeat it. */
static inline dropout_samples dropout_samples_from(const chain_tile *tile, size_t lane) {
    dropout_samples samples;
    for (size_t k = 0; k < DROPOUT_GROUP; k++) {
        const uint64_t place = (uint64_t)(tile->first + (lane + k < tile->n ? lane + k : tile->n - 1));
        samples.low[k] = (uint32_t)place;
        samples.high[k] = (uint32_t)(place >> 32);
    }
    return samples;
}

/* Uniform integers below 2^DROPOUT_BITS for elements 4·quad … 4·quad + 3 of each sample. */
static inline void dropout_draw(const chain_tile *tile, const dropout_samples *samples, size_t quad, real u[4][16]) {
    const uint64_t key = tile->draw ^ DROPOUT_KEY, block = (uint64_t)tile->layer_index << 32 ^ (uint64_t)quad;
    uint32_t word[4][16];
    for (size_t k = 0; k < DROPOUT_GROUP; k++) {
        word[0][k] = (uint32_t)block;
        word[1][k] = (uint32_t)(block >> 32);
        word[2][k] = samples->low[k];
        word[3][k] = samples->high[k];
    }
    for (int round = 0; round < CSI_PHILOX_ROUNDS; round++) {
        for (size_t k = 0; k < DROPOUT_GROUP; k++) {
            csi_philox_round(&word[0][k], &word[1][k], &word[2][k], &word[3][k], key, round);
        }
    }
    for (size_t j = 0; j < DROPOUT_WORDS; j++) {
        for (size_t k = 0; k < DROPOUT_GROUP; k++) {
            u[j][k] = (real)(int32_t)(word[j][k] >> (32 - DROPOUT_BITS));
        }
    }
}

/* to = from · kept, and 0, whatever `from` is, where that is 0. */
static inline void dropout_multiply(size_t n, const real *from, const real *kept, real *to) {
    for (size_t i = 0; i < n; i += VLANES) {
        const vreal factor = v_load(kept + i), product = v_mul(v_load(from + i), factor);
        v_store(to + i, v_select(v_less(v_zero(), factor), product, v_zero()));
    }
}

/* kept = 0 or 1/(1 − rate), y = x · kept, for a group of samples. */
static inline void dropout_group(const chain_tile *tile, size_t lane) {
    const size_t n = tile_n_in(tile);
    const vreal threshold = v_set1(dropout_threshold(tile->layer->rate));
    const vreal factor = v_set1((real)(1.0 / (1.0 - tile->layer->rate)));
    const dropout_samples samples = dropout_samples_from(tile, lane);
    for (size_t i = 0; i < n; i += DROPOUT_WORDS) {
        real u[4][16];
        dropout_draw(tile, &samples, i / DROPOUT_WORDS, u);
        for (size_t j = 0; j < DROPOUT_WORDS && i + j < n; j++) {
            const size_t at = (i + j) * tile->row + lane;
            for (size_t k = 0; k < DROPOUT_GROUP; k += VLANES) {
                const vbool is_zero = v_less(v_load(u[j] + k), threshold);
                v_store(tile->kept + at + k, v_select(is_zero, v_zero(), factor));
            }
            dropout_multiply(DROPOUT_GROUP, tile->x + at, tile->kept + at, tile->y + at);
        }
    }
}

static costate_status dropout_forward(const chain_tile *tile) {
    if (dropout_is_active(tile)) {
        for (size_t lane = 0; lane < tile->row; lane += DROPOUT_GROUP) {
            dropout_group(tile, lane);
        }
    } else {
        memcpy(tile->y, tile->x, tile_n_in(tile) * tile->row * sizeof *tile->y);
    }
    return COSTATE_OK;
}

static costate_status dropout_vjp(const chain_tile *tile) {
    const size_t n = tile_n_in(tile) * tile->row;
    if (tile->xbar == NULL) {
        return COSTATE_OK;
    }
    if (!dropout_is_active(tile)) {
        memcpy(tile->xbar, tile->v, n * sizeof *tile->xbar);
        return COSTATE_OK;
    }
    dropout_multiply(n, tile->v, tile->kept, tile->xbar);
    return COSTATE_OK;
}

#endif
