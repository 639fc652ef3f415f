/* SPDX-License-Identifier: MIT */
/* Dense history of one solve: the interpolating polynomial of every accepted step at its full order. */
#include "ode/history.h"

#include "core/memory.h"
#include "ode/polynomial.h"

#include <string.h>

#define FIRST_CAPACITY 64

/* Makes room for `wanted` elements of `size` bytes; false leaves everything as it was. */
static bool grow(void **array, size_t *capacity, size_t used, size_t wanted, size_t size,
                 const costate_allocator *alloc) {
    if (wanted <= *capacity) {
        return true;
    }
    size_t larger = *capacity == 0 ? FIRST_CAPACITY : *capacity;
    while (larger < wanted) {
        if (!csi_size_mul(larger, 2, &larger)) {
            return false;
        }
    }
    void *moved = csi_alloc(alloc, larger, size);
    if (moved == NULL) {
        return false;
    }
    if (used > 0) {
        memcpy(moved, *array, used * size);
    }
    csi_release(alloc, *array);
    *array = moved;
    *capacity = larger;
    return true;
}

void csi_history_clear(csi_history *history, const costate_allocator *alloc) {
    csi_release(alloc, history->piece);
    csi_release(alloc, history->coef);
    *history = (csi_history){.n = history->n};
}

bool csi_history_begin(csi_history *history, const costate_allocator *alloc, double t0, const double *y0,
                       double direction) {
    history->n_piece = 0;
    history->n_coef = 0;
    history->direction = direction;
    double *coef = csi_history_append(history, alloc, t0, direction, 0);
    if (coef == NULL) {
        return false;
    }
    memcpy(coef, y0, history->n * sizeof *coef);
    return true;
}

double *csi_history_append(csi_history *history, const costate_allocator *alloc, double t, double h, int order) {
    void *piece = history->piece;
    void *coef = history->coef;
    const size_t n_new = ((size_t)order + 1) * history->n;
    size_t n_coef = 0;
    if (!csi_size_add(history->n_coef, n_new, &n_coef)) {
        return NULL;
    }
    const bool piece_fits =
        grow(&piece, &history->piece_capacity, history->n_piece, history->n_piece + 1, sizeof(csi_piece), alloc);
    history->piece = piece;
    const bool coef_fits =
        piece_fits && grow(&coef, &history->coef_capacity, history->n_coef, n_coef, sizeof(double), alloc);
    history->coef = coef;
    if (!coef_fits) {
        return NULL;
    }
    history->piece[history->n_piece++] = (csi_piece){.t = t, .h = h, .offset = history->n_coef, .order = order};
    double *place = history->coef + history->n_coef;
    history->n_coef = n_coef;
    return place;
}

/* True if t lies beyond the end of a piece. */
static bool beyond(const csi_history *history, size_t index, double t) {
    return (t - history->piece[index].t) * history->direction > 0.0;
}

/* The first piece that ends at t or later, else the last one. */
static size_t find_piece(const csi_history *history, size_t guess, double t) {
    const size_t last = history->n_piece - 1;
    if (guess > last) {
        guess = last;
    }
    if (guess > 0 && !beyond(history, guess - 1, t)) {
        guess--;
    } else if (guess < last && beyond(history, guess, t)) {
        guess++;
    }
    if ((guess == 0 || beyond(history, guess - 1, t)) && (guess == last || !beyond(history, guess, t))) {
        return guess;
    }
    size_t low = 0;
    size_t high = last;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (beyond(history, middle, t)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void csi_history_eval(const csi_history *history, size_t *cursor, double t, double *y) {
    *cursor = find_piece(history, *cursor, t);
    const csi_piece *piece = &history->piece[*cursor];
    csi_polynomial_eval(history->coef + piece->offset, piece->order, history->n, (t - piece->t) / piece->h, y);
}

void csi_history_slope(const csi_history *history, double t, double *dydt) {
    const size_t index = find_piece(history, 0, t);
    /* Piece 0 is the initial state alone. */
    const csi_piece *piece = &history->piece[index == 0 ? 1 : index];
    csi_polynomial_slope(history->coef + piece->offset, piece->order, history->n, (t - piece->t) / piece->h, dydt);
    for (size_t i = 0; i < history->n; i++) {
        dydt[i] /= piece->h;
    }
}
