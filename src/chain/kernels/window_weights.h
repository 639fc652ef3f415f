/* SPDX-License-Identifier: MIT */
/*
 * The gradient of a convolution's parameters. Part of chain_kernels.c.
 *
 * A tap is an element of the window in one channel of the input: weight t of a channel u of the output gains
 * Σ v_u(place) x(place, tap t), summed over the places of the image line by line and the vectors of their rows, then
 * over the lanes. A block keeps some channels × some taps in registers. Where the image is large it goes in strips of
 * lines that stay in the cache, from the pull-back of the activation to the last tap, with the sums put by in between.
 */
#ifndef CSI_WINDOW_WEIGHTS_H
#define CSI_WINDOW_WEIGHTS_H

#include "chain/kernels/chain_tile.h"
#include "chain/kernels/window_limits.h"

/* A block is TAP_UNITS channels by TAP_WIDTH taps. */
#define TAP_WIDTH ((size_t)4)
#if defined(CSI_ISA_AVX512)
#define TAP_UNITS ((size_t)6)
#else
#define TAP_UNITS ((size_t)1)
#endif
#define STRIP_BYTES ((size_t)16384)

/* How the places of a strip are gone through; in elements. */
typedef struct tap_walk {
    size_t n_line, n_run, n_vector; /* a run is n_vector vectors next to each other in v and in x */
    ptrdiff_t run_skip, line_skip;  /* in x, behind a run and behind a line */
    size_t plane;                   /* in v, from a channel to the next */
    size_t n_tap;                   /* in the weights, from a channel to the next */
    bool is_first, is_last;         /* sums start from zero; end in the gradient */
} tap_walk;

/* `width` ≤ TAP_WIDTH taps of `count` channels; sums that are not done are in `put_by`. */
INLINE void tap_block(size_t count, size_t width, const tap_walk *o, const real *v, const real *const *x, real *put_by,
                      real *to) {
    vreal sum[TAP_UNITS][TAP_WIDTH];
    const real *from[TAP_UNITS], *tap[TAP_WIDTH];
    UNROLL for (size_t u = 0; u < count; u++) {
        from[u] = v + u * o->plane;
        UNROLL for (size_t t = 0; t < TAP_WIDTH; t++) { sum[u][t] = v_zero(); }
    }
    UNROLL for (size_t t = 0; t < width; t++) { tap[t] = x[t]; }
    if (!o->is_first) {
        UNROLL for (size_t u = 0; u < count; u++) {
            UNROLL for (size_t t = 0; t < width; t++) { sum[u][t] = v_load(put_by + (u * width + t) * VLANES); }
        }
    }
    ptrdiff_t at_v = 0, at_x = 0;
    for (size_t line = o->n_line; line > 0; line--, at_x += o->line_skip) {
        for (size_t run = o->n_run; run > 0; run--, at_x += o->run_skip) {
            for (size_t i = o->n_vector; i > 0; i--, at_v += (ptrdiff_t)VLANES, at_x += (ptrdiff_t)VLANES) {
                vreal a[TAP_WIDTH];
                UNROLL for (size_t t = 0; t < width; t++) { a[t] = v_load(tap[t] + at_x); }
                UNROLL for (size_t u = 0; u < count; u++) {
                    const vreal b = v_load(from[u] + at_v);
                    UNROLL for (size_t t = 0; t < width; t++) { sum[u][t] = v_fma(a[t], b, sum[u][t]); }
                }
            }
        }
    }
    if (o->is_last) {
        UNROLL for (size_t u = 0; u < count; u++) { batch_add_sums(width, sum[u], 1, to + u * o->n_tap); }
    } else {
        UNROLL for (size_t u = 0; u < count; u++) {
            UNROLL for (size_t t = 0; t < width; t++) { v_store(put_by + (u * width + t) * VLANES, sum[u][t]); }
        }
    }
}

typedef void tap_block_fn(const tap_walk *o, const real *v, const real *const *x, real *put_by, real *to);
#define BLOCK(count, width)                                                                                            \
    static OUTLINE void tap_block_##count##_##width(const tap_walk *o, const real *v, const real *const *x,            \
                                                    real *put_by, real *to) {                                          \
        tap_block(count, width, o, v, x, put_by, to);                                                                  \
    }
#define WIDTHS(count) BLOCK(count, 1) BLOCK(count, 2) BLOCK(count, 3) BLOCK(count, 4)
#define ENTRIES(count)                                                                                                 \
    { tap_block_##count##_1, tap_block_##count##_2, tap_block_##count##_3, tap_block_##count##_4 }
#if defined(CSI_ISA_AVX512)
WIDTHS(1)
WIDTHS(2)
WIDTHS(3)
WIDTHS(4)
WIDTHS(5)
WIDTHS(6)
static tap_block_fn *const tap_blocks[TAP_UNITS][TAP_WIDTH] = {ENTRIES(1), ENTRIES(2), ENTRIES(3),
                                                               ENTRIES(4), ENTRIES(5), ENTRIES(6)};
#else
WIDTHS(1)
static tap_block_fn *const tap_blocks[TAP_UNITS][TAP_WIDTH] = {ENTRIES(1)};
#endif
#undef BLOCK
#undef WIDTHS
#undef ENTRIES

/* The taps one after another, in the order of the weights. */
typedef struct tap_cursor {
    size_t at; /* in the image, in elements */
    size_t column, line;
} tap_cursor;

typedef struct tap_image {
    const real *x;        /* with its padding */
    size_t height, width; /* with their padding */
    size_t kernel[2];
    size_t row;
} tap_image;

static size_t tap_next(const tap_image *image, tap_cursor *cursor) {
    const size_t at = cursor->at;
    cursor->at += image->row;
    if (++cursor->column == image->kernel[1]) {
        cursor->column = 0;
        cursor->at += (image->width - image->kernel[1]) * image->row;
        if (++cursor->line == image->kernel[0]) {
            cursor->line = 0;
            cursor->at += (image->height - image->kernel[0]) * image->width * image->row;
        }
    }
    return at;
}

/* All taps of `count` channels of v over one strip, whose places start at v and, in the image, at x. */
static void tap_strip(const tap_image *image, const tap_walk *walk, size_t count, const real *x, const real *v,
                      real *put_by, real *to) {
    for (size_t u = 0, n_unit; u < count; u += n_unit) {
        n_unit = window_share(count - u, TAP_UNITS);
        tap_cursor cursor = {0, 0, 0};
        for (size_t t = 0, width; t < walk->n_tap; t += width) {
            const real *taps[TAP_WIDTH];
            width = window_share(walk->n_tap - t, TAP_WIDTH);
            for (size_t k = 0; k < width; k++) {
                taps[k] = x + tap_next(image, &cursor);
            }
            tap_blocks[n_unit - 1][width - 1](walk, v + u * walk->plane, taps, put_by, to + u * walk->n_tap + t);
            put_by += n_unit * width * VLANES;
        }
    }
}

#endif
