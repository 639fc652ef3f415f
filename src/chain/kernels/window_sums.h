/* SPDX-License-Identifier: MIT */
/*
 * Sums over windows, the forward pass of a convolution and the cotangent of its input alike. Part of chain_kernels.c.
 *
 *   sum_u(i) = init_u + Σ_l Σ_a Σ_k M(u, a, k, l) source_a(k-th line, first + i·step + l·turn)
 *
 * for the places i of a line. A line is a line of an image; l runs over the columns of the window, k over its lines, a
 * over channels. Terms outside the line are left out, not multiplied by zero: where the line ends, blocks of places are
 * cut to those that have the term. A sum runs over the terms in the order above, with the longer of the two inner sums
 * inside, whatever the block.
 */
#ifndef CSI_WINDOW_SUMS_H
#define CSI_WINDOW_SUMS_H

#include "chain/kernels/chain_tile.h"
#include "chain/kernels/window_limits.h"

/* A block is WINDOW_GROUP channels by WINDOW_WIDTH vectors. */
#if defined(CSI_ISA_AVX512)
#define WINDOW_WIDTH ((size_t)4)
#else
#define WINDOW_WIDTH ((size_t)1)
#endif

/* Strides in elements, `…_weight` in the matrix, the others in the source. */
typedef struct window_terms {
    size_t n_plane, n_line;
    ptrdiff_t plane, line, column;
    size_t plane_weight, line_weight, column_weight, unit_weight;
    size_t hop, sum_hop; /* from a vector of the block to the next; in the sums */
    size_t sum_unit;     /* in the sums, from a channel to the next */
} window_terms;

typedef struct window_pass {
    window_terms terms;
    size_t row, n_place, n_column;
    ptrdiff_t first, step, turn;
    size_t n_source; /* columns of a line of the source */
    size_t place;    /* in the sums, from a place to the next */
    bool along_row;  /* a block is some vectors of one place, not some places */
} window_pass;

static const real window_zeros[WINDOW_GROUP] = {0};

/* `width` vectors of `count` sums; they start from a number per channel, or with `add` from the sums so far. */
INLINE void window_block(size_t count, size_t width, const window_terms *o, size_t n_column, const real *source,
                         const real *matrix, const real *from, bool add, real *sums) {
    vreal sum[WINDOW_GROUP][WINDOW_WIDTH];
    const size_t hop = o->hop, unit = o->unit_weight, sum_hop = o->sum_hop, sum_unit = o->sum_unit;
    if (add) {
        UNROLL for (size_t u = 0; u < count; u++) {
            UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = v_load(from + u * sum_unit + w * sum_hop); }
        }
    } else {
        UNROLL for (size_t u = 0; u < count; u++) {
            UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = v_set1(from[u]); }
        }
    }
    const ptrdiff_t line = o->line;
    const size_t line_weight = o->line_weight;
    for (size_t l = 0; l < n_column; l++, source += o->column, matrix += o->column_weight) {
        const real *plane = source, *plane_matrix = matrix;
        for (size_t a = o->n_plane; a > 0; a--, plane += o->plane, plane_matrix += o->plane_weight) {
            const real *q = plane, *m = plane_matrix;
            for (size_t k = o->n_line; k > 0; k--, q += line, m += line_weight) {
                vreal x[WINDOW_WIDTH];
                UNROLL for (size_t w = 0; w < width; w++) { x[w] = v_load(q + w * hop); }
                UNROLL for (size_t u = 0; u < count; u++) {
                    const vreal weight = v_set1(m[u * unit]);
                    UNROLL for (size_t w = 0; w < width; w++) { sum[u][w] = v_fma(weight, x[w], sum[u][w]); }
                }
            }
        }
    }
    UNROLL for (size_t u = 0; u < count; u++) {
        UNROLL for (size_t w = 0; w < width; w++) { v_store(sums + u * sum_unit + w * sum_hop, sum[u][w]); }
    }
}

typedef void window_block_fn(const window_terms *o, size_t n_column, const real *source, const real *matrix,
                             const real *from, bool add, real *sums);
#define BLOCK(count, width)                                                                                            \
    static OUTLINE void window_block_##count##_##width(const window_terms *o, size_t n_column, const real *source,     \
                                                       const real *matrix, const real *from, bool add, real *sums) {   \
        window_block(count, width, o, n_column, source, matrix, from, add, sums);                                      \
    }
#if defined(CSI_ISA_AVX512)
#define WIDTHS(count) BLOCK(count, 1) BLOCK(count, 2) BLOCK(count, 3) BLOCK(count, 4)
#define ENTRIES(count)                                                                                                 \
    { window_block_##count##_1, window_block_##count##_2, window_block_##count##_3, window_block_##count##_4 }
#else
#define WIDTHS(count) BLOCK(count, 1)
#define ENTRIES(count)                                                                                                 \
    { window_block_##count##_1 }
#endif
WIDTHS(1)
WIDTHS(2)
WIDTHS(3)
WIDTHS(4)
WIDTHS(5)
WIDTHS(6)
static window_block_fn *const window_blocks[WINDOW_GROUP][WINDOW_WIDTH] = {ENTRIES(1), ENTRIES(2), ENTRIES(3),
                                                                           ENTRIES(4), ENTRIES(5), ENTRIES(6)};
#undef BLOCK
#undef WIDTHS
#undef ENTRIES

/* Says which places of a line there are and how a block lies. */
static void window_places(window_pass *o, size_t n_place, size_t source_step, size_t sum_step) {
    o->n_place = n_place;
    o->step = (ptrdiff_t)source_step;
    o->place = sum_step * o->row;
    o->along_row = n_place == 1 || o->row >= WINDOW_WIDTH * VLANES;
    o->terms.hop = o->along_row ? VLANES : source_step * o->row;
    o->terms.sum_hop = o->along_row ? VLANES : o->place;
}

/* The terms of a line of sums that reaches `n_line` lines of the source; the longer loop is the inner one. */
static window_terms window_lines(const window_terms *o, size_t n_line) {
    window_terms terms = *o;
    terms.n_line = n_line;
    if (n_line == 0) {
        terms.n_plane = 0;
    } else if (n_line < o->n_plane) {
        terms.n_line = o->n_plane;
        terms.line = o->plane;
        terms.line_weight = o->plane_weight;
        terms.n_plane = n_line;
        terms.plane = o->line;
        terms.plane_weight = o->line_weight;
    }
    return terms;
}

/* A line of sums of one block of channels; source and matrix are at the first term, but for its column. */
typedef struct window_line {
    const window_pass *pass;
    window_terms terms;
    size_t count;
    const real *source, *matrix, *init;
    real *sums;
} window_line;

/*
 * The columns l … l + n_column − 1 of the window, all of them inside, for `n_place` places from i on; `add`: to the
 * sums so far.
 */
static void window_run(const window_line *o, size_t i, size_t n_place, size_t l, size_t n_column, bool add) {
    const window_pass *pass = o->pass;
    const size_t row = pass->row;
    real *sums = o->sums + i * pass->place;
    const real *source = o->source, *matrix = o->matrix + l * o->terms.column_weight;
    if (n_column > 0) {
        source += (pass->first + (ptrdiff_t)i * pass->step + (ptrdiff_t)l * pass->turn) * (ptrdiff_t)row;
    }
    for (size_t s = 0, width; s < row; s += pass->along_row ? width * VLANES : VLANES) {
        width = pass->along_row ? window_share((row - s) / VLANES, WINDOW_WIDTH) : n_place;
        window_blocks[o->count - 1][width - 1](&o->terms, n_column, source + s, matrix, add ? sums + s : o->init, add,
                                               sums + s);
    }
}

/* Column l of the window is inside the line for place i. */
static bool window_reaches(const window_pass *o, size_t i, size_t l) {
    const ptrdiff_t column = o->first + (ptrdiff_t)i * o->step + (ptrdiff_t)l * o->turn;
    return column >= 0 && (size_t)column < o->n_source;
}

/* The places of i … i + n_place − 1, *count from *at on, for which column l is inside. */
static void window_reach(const window_pass *o, size_t i, size_t n_place, size_t l, size_t *at, size_t *count) {
    *at = i;
    *count = 0;
    for (size_t j = i; j < i + n_place; j++) {
        if (window_reaches(o, j, l)) {
            *at = *count == 0 ? j : *at;
            ++*count;
        }
    }
}

/* Places near an end of the line: columns that the same places reach go together. */
static void window_edge(const window_line *o, size_t i, size_t n_place) {
    const window_pass *pass = o->pass;
    window_run(o, i, n_place, 0, 0, false);
    for (size_t l = 0, end; l < pass->n_column; l = end) {
        size_t at, count, next_at, next_count;
        window_reach(pass, i, n_place, l, &at, &count);
        for (end = l + 1; end < pass->n_column; end++) {
            window_reach(pass, i, n_place, end, &next_at, &next_count);
            if (next_at != at || next_count != count) {
                break;
            }
        }
        if (count > 0) {
            window_run(o, at, count, l, end - l, true);
        }
    }
}

static void window_line_sums(const window_line *o) {
    const window_pass *pass = o->pass;
    const size_t last = pass->n_column - 1;
    for (size_t i = 0, n; i < pass->n_place; i += n) {
        n = pass->along_row ? 1 : window_share(pass->n_place - i, WINDOW_WIDTH);
        if (pass->n_column == 0 || (window_reaches(pass, i, 0) && window_reaches(pass, i, last) &&
                                    window_reaches(pass, i + n - 1, 0) && window_reaches(pass, i + n - 1, last))) {
            window_run(o, i, n, 0, pass->n_column, false);
        } else {
            window_edge(o, i, n);
        }
    }
}

#endif
