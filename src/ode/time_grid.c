/* SPDX-License-Identifier: MIT */
/* The times of a solve, checked, and how far output has come in them. */
#include "ode/time_grid.h"

#include <float.h>
#include <math.h>

costate_status csi_time_grid_init(csi_time_grid *grid, double t0, size_t n_t, const double *t, csi_detail *detail) {
    if (n_t == 0) {
        return csi_fail(detail, COSTATE_ERR_ARGUMENT, "n_t is 0");
    }
    if (!isfinite(t0)) {
        return csi_fail(detail, COSTATE_ERR_NONFINITE, "t0 is %g", t0);
    }
    for (size_t i = 0; i < n_t; i++) {
        if (!isfinite(t[i])) {
            return csi_fail(detail, COSTATE_ERR_NONFINITE, "t[%zu] is %g", i, t[i]);
        }
    }
    *grid = (csi_time_grid){.t0 = t0, .n_t = n_t, .t = t, .direction = t[n_t - 1] < t0 ? -1.0 : 1.0};
    double before = t0;
    for (size_t i = 0; i < n_t; i++) {
        if (grid->direction > 0.0 ? t[i] < before : t[i] > before) {
            return csi_fail(detail, COSTATE_ERR_ARGUMENT, "t[%zu] = %.17g changes the direction of time", i, t[i]);
        }
        before = t[i];
    }
    if (!isfinite(t[n_t - 1] - t0)) {
        return csi_fail(detail, COSTATE_ERR_ARGUMENT, "the interval from %g to %g is too long", t0, t[n_t - 1]);
    }
    return COSTATE_OK;
}

bool csi_time_grid_due(const csi_time_grid *grid, double reached) {
    return grid->n_done < grid->n_t && (grid->t[grid->n_done] - reached) * grid->direction <= 0.0;
}

bool csi_interval_is_empty(double t0, double t1) {
    return !(fabs(t1 - t0) > 4.0 * DBL_EPSILON * fmax(fabs(t0), fabs(t1)));
}

bool csi_time_grid_due_at_start(const csi_time_grid *grid) {
    const double end = grid->t[grid->n_t - 1];
    return csi_time_grid_due(grid, csi_interval_is_empty(grid->t0, end) ? end : grid->t0);
}

void csi_mark_missing_rows(const csi_time_grid *grid, size_t n_t, size_t width, double *rows) {
    for (size_t i = grid->n_done * width; i < n_t * width; i++) {
        rows[i] = (double)NAN;
    }
}
