/* SPDX-License-Identifier: MIT */
/* The times of a solve, checked, and how far output has come in them. */
#ifndef CSI_TIME_GRID_H
#define CSI_TIME_GRID_H

#include "ode/detail.h"

#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct csi_time_grid {
    double t0;
    size_t n_t;
    const double *t;
    double direction; /* +1 or −1 */
    size_t n_done;    /* times already written */
} csi_time_grid;

/* Checks and describes the times; COSTATE_ERR_ARGUMENT or COSTATE_ERR_NONFINITE with text otherwise. */
costate_status csi_time_grid_init(csi_time_grid *grid, double t0, size_t n_t, const double *t, csi_detail *detail);

/* True while the next time is one that `reached` has passed. */
bool csi_time_grid_due(const csi_time_grid *grid, double reached);

/* How many of the times not yet done come before `end`, and how many of the first n come after `begin`, in the direction
 * of time; the fewer, the quicker. */
size_t csi_time_grid_count_before(const csi_time_grid *grid, double end);
size_t csi_time_grid_count_after(const csi_time_grid *grid, size_t n, double begin);

/* True while the next time is t0, or the whole solve is too short to be told from it. */
bool csi_time_grid_due_at_start(const csi_time_grid *grid);

/* True if so little lies between the times that no step can be made; a solution changes by less than rounding there. */
bool csi_interval_is_empty(double t0, double t1);

/* NaN for the rows, of `width` elements, of the times that were not written. */
void csi_mark_missing_rows(const csi_time_grid *grid, size_t n_t, size_t width, double *rows);

#endif
