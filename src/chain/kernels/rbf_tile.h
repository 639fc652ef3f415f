/* SPDX-License-Identifier: MIT */
/*
 * Gaussian radial basis functions y_j = exp(−s_j² d_j), d_j = ‖x − c_j‖², which is kept. Part of chain_kernels.c.
 *
 * Differences are formed before they are multiplied: ‖x‖² − 2 c·x + ‖c‖² would lose what is small beside ‖c‖.
 */
#ifndef CSI_RBF_TILE_H
#define CSI_RBF_TILE_H

#include "chain/kernels/chain_tile.h"

/* Where y has become 0, an infinite d must not make its derivative NaN. */
#define RBF_FARTHEST R(1e30)

/* d_j of `count` centres from `first` on, `width` vectors from column s on. */
INLINE void rbf_distance_block(size_t count, size_t width, const chain_tile *tile, size_t first, size_t s) {
    vreal sum[BATCH_GROUP][BATCH_WIDTH];
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = v_zero(); }
    }
    const size_t n_in = tile_n_in(tile), row = tile->row;
    const real *c = tile->p + first * n_in, *q = tile->x + s;
    for (size_t k = 0; k < n_in; k++, q += row) {
        UNROLL for (size_t u = 0; u < count; u++) {
            const vreal centre = v_set1(c[u * n_in + k]);
            UNROLL for (size_t w = 0; w < width; w++) {
                const vreal d = v_sub(v_load(q + w * VLANES), centre);
                sum[u][w] = v_fma(d, d, sum[u][w]);
            }
        }
    }
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) {
            v_store(tile->kept + (first + u) * row + s + w * VLANES, sum[u][w]);
        }
    }
}

/* xbar_i = Σ_j v_j (x_i − c_ji) of `count` elements from `first` on. */
INLINE void rbf_pull_block(size_t count, size_t width, const chain_tile *tile, size_t first, size_t s) {
    vreal sum[BATCH_GROUP][BATCH_WIDTH];
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = v_zero(); }
    }
    const size_t n_in = tile_n_in(tile), n_out = tile->layer->n_out, row = tile->row;
    const real *c = tile->p + first, *x = tile->x + first * row + s, *v = tile->v + s;
    for (size_t j = 0; j < n_out; j++, c += n_in, v += row) {
        UNROLL for (size_t u = 0; u < count; u++) {
            const vreal centre = v_set1(c[u]);
            UNROLL for (size_t w = 0; w < width; w++) {
                const vreal d = v_sub(centre, v_load(x + u * row + w * VLANES));
                sum[u][w] = v_fnma(v_load(v + w * VLANES), d, sum[u][w]);
            }
        }
    }
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) {
            v_store(tile->xbar + (first + u) * row + s + w * VLANES, sum[u][w]);
        }
    }
}

/* cbar_ji −= Σ over samples of v_j (x_i − c_ji), of `count` elements from `first` on. */
INLINE void rbf_centre_block(size_t count, const chain_tile *tile, size_t j, size_t first) {
    vreal sum[BATCH_GROUP] = {v_zero(), v_zero(), v_zero(), v_zero()};
    const size_t n_in = tile_n_in(tile), row = tile->row;
    const real *c = tile->p + j * n_in + first, *x = tile->x + first * row, *v = tile->v + j * row;
    for (size_t s = 0; s < row; s += VLANES) {
        const vreal weight = v_load(v + s);
        UNROLL for (size_t u = 0; u < count; u++) {
            sum[u] = v_fma(weight, v_sub(v_load(x + u * row + s), v_set1(c[u])), sum[u]);
        }
    }
    batch_add_sums(count, sum, -1, tile->pbar + j * n_in + first);
}

/* For all columns. */
#define COLUMNS(name, count)                                                                                           \
    static OUTLINE void name##_##count(const chain_tile *tile, size_t first) {                                         \
        size_t s = 0;                                                                                                  \
        for (; s + BATCH_WIDTH * VLANES <= tile->row; s += BATCH_WIDTH * VLANES) {                                     \
            name##_block(count, BATCH_WIDTH, tile, first, s);                                                          \
        }                                                                                                              \
        for (; s < tile->row; s += VLANES) {                                                                           \
            name##_block(count, 1, tile, first, s);                                                                    \
        }                                                                                                              \
    }
COLUMNS(rbf_distance, 4)
COLUMNS(rbf_distance, 1)
COLUMNS(rbf_pull, 4)
COLUMNS(rbf_pull, 1)
#undef COLUMNS

static OUTLINE void rbf_centres(const chain_tile *tile, size_t j) {
    const size_t n_in = tile_n_in(tile);
    size_t i = 0;
    for (; i + BATCH_GROUP <= n_in; i += BATCH_GROUP) {
        rbf_centre_block(BATCH_GROUP, tile, j, i);
    }
    for (; i < n_in; i++) {
        rbf_centre_block(1, tile, j, i);
    }
}

/* y = exp(−s² d) for one row. */
INLINE void rbf_value_loop(bool accurate, size_t row, real s, const real *d, real *y) {
    const vreal scale = v_set1(-(s * s));
    for (size_t k = 0; k < row; k += VLANES) {
        const vreal exponent = v_mul(scale, v_load(d + k));
        v_store(y + k, accurate ? v_sleef_exp_u10(exponent) : exp_nonpositive(exponent, v_zero()));
    }
}

static OUTLINE void rbf_values(const chain_tile *tile, const real *inverse_width) {
    const size_t row = tile->row, n_out = tile->layer->n_out;
    for (size_t j = 0; j < n_out; j++) {
        if (tile_is_accurate(tile)) {
            rbf_value_loop(true, row, inverse_width[j], tile->kept + j * row, tile->y + j * row);
        } else {
            rbf_value_loop(false, row, inverse_width[j], tile->kept + j * row, tile->y + j * row);
        }
    }
}

/* v becomes −2 s² v y for `count` centres from j on; sbar −= 2 s Σ v y d unless NULL. */
static OUTLINE void rbf_weights(const chain_tile *tile, size_t j, size_t count, const real *s, real *sbar) {
    const size_t row = tile->row;
    vreal sum[BATCH_GROUP] = {v_zero(), v_zero(), v_zero(), v_zero()};
    for (size_t u = 0; u < count; u++) {
        const vreal scale = v_set1(-2 * s[u] * s[u]), width = v_set1(s[u]);
        for (size_t k = (j + u) * row; k < (j + u + 1) * row; k += VLANES) {
            const vreal v = v_mul(v_load(tile->v + k), v_load(tile->y + k));
            const vreal d = v_min(v_set1(RBF_FARTHEST), v_load(tile->kept + k));
            sum[u] = v_fma(v, v_mul(width, d), sum[u]);
            v_store(tile->v + k, v_mul(scale, v));
        }
    }
    if (sbar != NULL) {
        batch_add_sums(count, sum, -2, sbar);
    }
}

static costate_status rbf_forward(const chain_tile *tile) {
    const size_t n_out = tile->layer->n_out;
    size_t j = 0;
    for (; j + 4 <= n_out; j += 4) {
        rbf_distance_4(tile, j);
    }
    for (; j < n_out; j++) {
        rbf_distance_1(tile, j);
    }
    rbf_values(tile, tile->p + n_out * tile_n_in(tile));
    return COSTATE_OK;
}

static costate_status rbf_vjp(const chain_tile *tile) {
    const size_t n_in = tile_n_in(tile), n_out = tile->layer->n_out, s = n_in * n_out;
    for (size_t j = 0; j < n_out; j += BATCH_GROUP) {
        const size_t count = n_out - j < BATCH_GROUP ? n_out - j : BATCH_GROUP;
        rbf_weights(tile, j, count, tile->p + s + j, tile->pbar == NULL ? NULL : tile->pbar + s + j);
    }
    for (size_t j = 0; j < n_out && tile->pbar != NULL; j++) {
        rbf_centres(tile, j);
    }
    size_t i = tile->xbar == NULL ? n_in : 0;
    for (; i + 4 <= n_in; i += 4) {
        rbf_pull_4(tile, i);
    }
    for (; i < n_in; i++) {
        rbf_pull_1(tile, i);
    }
    return COSTATE_OK;
}

#endif
