/* SPDX-License-Identifier: MIT */
/* Largest element of every window. Part of chain_kernels.c. */
#ifndef CSI_MAX_POOL_TILE_H
#define CSI_MAX_POOL_TILE_H

#include "chain/kernels/chain_tile.h"
#include <string.h>

/* The part of a window that lies on the image; `at` is its first element, in rows. */
typedef struct pool_window {
    size_t at, n_line, n_column;
} pool_window;

/* One axis: the window at place i covers *first … *first + count − 1. */
static size_t pool_extent(const costate_chain_layer *layer, int axis, size_t extent, size_t i, size_t *first) {
    const size_t start = i * layer->stride[axis], end = start + layer->kernel[axis], padding = layer->padding[axis];
    *first = start > padding ? start - padding : 0;
    return (end - padding < extent ? end - padding : extent) - *first;
}

static pool_window pool_at(const chain_tile *tile, size_t channel, size_t y, size_t x) {
    pool_window window;
    size_t line, column;
    window.n_line = pool_extent(tile->layer, 0, tile->in.height, y, &line);
    window.n_column = pool_extent(tile->layer, 1, tile->in.width, x, &column);
    window.at = (channel * tile->in.height + line) * tile->in.width + column;
    return window;
}

/* Comparisons drop NaN: a sum that is finite without one is carried along. */
INLINE vreal pool_largest(const real *x, size_t n_line, size_t n_column, size_t line, size_t row) {
    const vreal one = v_set1(1), infinity = v_set1((real)INFINITY);
    vreal largest = v_neg(infinity), bounded = v_zero();
    for (size_t k = 0; k < n_line; k++, x += line) {
        for (size_t l = 0; l < n_column; l++) {
            const vreal element = v_load(x + l * row);
            largest = v_max(element, largest);
            bounded = v_add(bounded, v_min(one, v_abs(element)));
        }
    }
    return v_select(v_less(bounded, infinity), largest, bounded);
}

/* v goes to the first element that is not less than y; `add`: to what is there. */
INLINE void pool_spread(const real *x, real *xbar, vreal y, vreal v, size_t n_line, size_t n_column, size_t line,
                        size_t row, bool add) {
    for (size_t k = 0; k < n_line; k++, x += line, xbar += line) {
        for (size_t l = 0; l < n_column; l++) {
            const vbool is_less = v_less(v_load(x + l * row), y);
            const vreal part = v_select(is_less, v_zero(), v);
            v = v_select(is_less, v, v_zero());
            v_store(xbar + l * row, add ? v_add(v_load(xbar + l * row), part) : part);
        }
    }
}

INLINE void pool_forward_window(const chain_tile *tile, const pool_window *o, size_t n_line, size_t n_column, real *y) {
    const size_t row = tile->row, line = tile->in.width * row;
    for (size_t s = 0; s < row; s += VLANES) {
        v_store(y + s, pool_largest(tile->x + o->at * row + s, n_line, n_column, line, row));
    }
}

INLINE void pool_vjp_window(const chain_tile *tile, const pool_window *o, size_t n_line, size_t n_column, size_t out,
                            bool add) {
    const size_t row = tile->row, line = tile->in.width * row;
    for (size_t s = 0; s < row; s += VLANES) {
        const size_t at = o->at * row + s;
        pool_spread(tile->x + at, tile->xbar + at, v_load(tile->y + out * row + s), v_load(tile->v + out * row + s),
                    n_line, n_column, line, row, add);
    }
}

static costate_status max_pool_forward(const chain_tile *tile) {
    real *to = tile->y;
    for (size_t c = 0; c < tile->out.n_channel; c++) {
        for (size_t y = 0; y < tile->out.height; y++) {
            for (size_t x = 0; x < tile->out.width; x++, to += tile->row) {
                const pool_window window = pool_at(tile, c, y, x);
                if (window.n_line == 2 && window.n_column == 2) {
                    pool_forward_window(tile, &window, 2, 2, to);
                } else {
                    pool_forward_window(tile, &window, window.n_line, window.n_column, to);
                }
            }
        }
    }
    return COSTATE_OK;
}

/* Every element is in exactly one window. */
static bool pool_is_partition(const chain_tile *tile) {
    const costate_chain_layer *layer = tile->layer;
    return layer->stride[0] == layer->kernel[0] && layer->stride[1] == layer->kernel[1] && layer->padding[0] == 0 &&
           layer->padding[1] == 0 && tile->out.height * layer->kernel[0] == tile->in.height &&
           tile->out.width * layer->kernel[1] == tile->in.width;
}

static costate_status max_pool_vjp(const chain_tile *tile) {
    const bool add = !pool_is_partition(tile);
    size_t out = 0;
    if (tile->xbar == NULL) {
        return COSTATE_OK;
    }
    if (add) {
        memset(tile->xbar, 0, tile_n_in(tile) * tile->row * sizeof *tile->xbar);
    }
    for (size_t c = 0; c < tile->out.n_channel; c++) {
        for (size_t y = 0; y < tile->out.height; y++) {
            for (size_t x = 0; x < tile->out.width; x++, out++) {
                const pool_window window = pool_at(tile, c, y, x);
                if (window.n_line == 2 && window.n_column == 2 && !add) {
                    pool_vjp_window(tile, &window, 2, 2, out, false);
                } else {
                    pool_vjp_window(tile, &window, window.n_line, window.n_column, out, add);
                }
            }
        }
    }
    return COSTATE_OK;
}

#endif
