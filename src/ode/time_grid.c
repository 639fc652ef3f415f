/* SPDX-License-Identifier: MIT */
/* The times of a solve, checked, and how far output has come in them. */
#include "ode/time_grid.h"

#include "core/finite.h"

#include <float.h>
#include <math.h>

/* True if no time comes before its predecessor in the direction of time; then all are finite if the first and the last
 * are. */
static bool in_order(const csi_time_grid *grid) {
    const double *t = grid->t;
    int ordered = (t[0] - grid->t0) * grid->direction >= 0.0;
    for (size_t i = 1; i < grid->n_t; i++) {
        ordered &= (t[i] - t[i - 1]) * grid->direction >= 0.0;
    }
    return ordered != 0 && isfinite(t[grid->n_t - 1] - grid->t0);
}

/* What is wrong with times that are not in order. */
static costate_status refuse_times(const csi_time_grid *grid, csi_detail *detail) {
    const double *t = grid->t;
    const size_t bad = csi_first_nonfinite(t, grid->n_t);
    if (bad < grid->n_t) {
        return csi_fail(detail, COSTATE_ERR_NONFINITE, "t[%zu] is %g", bad, t[bad]);
    }
    for (size_t i = 0; i < grid->n_t; i++) {
        if ((t[i] - (i > 0 ? t[i - 1] : grid->t0)) * grid->direction < 0.0) {
            return csi_fail(detail, COSTATE_ERR_ARGUMENT, "t[%zu] = %.17g changes the direction of time", i, t[i]);
        }
    }
    return csi_fail(detail, COSTATE_ERR_ARGUMENT, "the interval from %g to %g is too long", grid->t0, t[grid->n_t - 1]);
}

costate_status csi_time_grid_init(csi_time_grid *grid, double t0, size_t n_t, const double *t, csi_detail *detail) {
    if (n_t == 0) {
        return csi_fail(detail, COSTATE_ERR_ARGUMENT, "n_t is 0");
    }
    if (!isfinite(t0)) {
        return csi_fail(detail, COSTATE_ERR_NONFINITE, "t0 is %g", t0);
    }
    const csi_time_grid made = {.t0 = t0, .n_t = n_t, .t = t, .direction = t[n_t - 1] < t0 ? -1.0 : 1.0};
    if (!in_order(&made)) {
        return refuse_times(&made, detail);
    }
    *grid = made;
    return COSTATE_OK;
}

bool csi_time_grid_due(const csi_time_grid *grid, double reached) {
    return grid->n_done < grid->n_t && (grid->t[grid->n_done] - reached) * grid->direction <= 0.0;
}

/* How many of n times, the k-th being at t[k·stride], come before `end`: they do up to some k. */
static size_t count_leading(const double *t, ptrdiff_t stride, size_t n, double end, double direction) {
    size_t low = 0; /* that many are known to */
    size_t reach = 1;
    while (low + reach <= n && (t[(ptrdiff_t)(low + reach - 1) * stride] - end) * direction < 0.0) {
        low += reach;
        reach *= 2;
    }
    size_t high = low + reach - 1 < n ? low + reach - 1 : n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((t[(ptrdiff_t)middle * stride] - end) * direction < 0.0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t csi_time_grid_count_before(const csi_time_grid *grid, double end) {
    return count_leading(grid->t + grid->n_done, 1, grid->n_t - grid->n_done, end, grid->direction);
}

size_t csi_time_grid_count_after(const csi_time_grid *grid, size_t n, double begin) {
    return n == 0 ? 0 : count_leading(grid->t + n - 1, -1, n, begin, -grid->direction);
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
