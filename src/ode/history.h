/* SPDX-License-Identifier: MIT */
/* Dense history of one solve: the interpolating polynomial of every accepted step at its full order. */
#ifndef CSI_HISTORY_H
#define CSI_HISTORY_H

#include <costate/alloc.h>
#include <stdbool.h>
#include <stddef.h>

/* y(t + s·h) = Σ_k coef[offset + k·n + i] s^k; valid back to the end of the piece before. */
typedef struct csi_piece {
    double t;
    double h;
    size_t offset;
    int order;
} csi_piece;

/* Memory grows by doubling and is kept between solves. */
typedef struct csi_history {
    size_t n;
    double direction; /* of time: +1 or −1 */
    csi_piece *piece;
    size_t n_piece;
    size_t piece_capacity;
    double *coef;
    size_t n_coef;
    size_t coef_capacity;
} csi_history;

void csi_history_clear(csi_history *history, const costate_allocator *alloc);

/* Empties the history and gives it y(t0), as a constant that holds up to t0; false if there is no memory. */
bool csi_history_begin(csi_history *history, const costate_allocator *alloc, double t0, const double *y0,
                       double direction);

/* Where to write the coefficients of the next step; NULL if there is no memory. */
double *csi_history_append(csi_history *history, const costate_allocator *alloc, double t, double h, int order);

/* y(t); times just outside continue the nearest piece. `cursor` (start with 0) makes runs of neighbouring times
 * cheap. */
void csi_history_eval(const csi_history *history, size_t *cursor, double t, double *y);

/* dy/dt(t) of the polynomial, in a history of at least one step. */
void csi_history_slope(const csi_history *history, double t, double *dydt);

#endif
