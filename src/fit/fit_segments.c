/* SPDX-License-Identifier: MIT */
/* The trajectories of a fit: series, or the segments that multiple shooting cuts them into. */
#include "core/finite.h"
#include "core/memory.h"
#include "fit/fit_internal.h"

#include <math.h>
#include <string.h>

/* First observation of the segment after the one from `first`, `end` if there is none. A segment has to have a
 * duration, or its gap would not depend on its state alone. */
static size_t next_segment(const costate_fit *fit, size_t length, size_t first, double t_start, size_t end) {
    if (length == 0 || length >= end - first) {
        return end;
    }
    size_t next = first + length;
    while (next < end && fit->t[next] <= t_start) {
        next++;
    }
    return next;
}

static double start_time(const costate_fit *fit, size_t series) { return fit->q0[csi_fit_time_offset(fit, series)]; }

static size_t count_segments(const costate_fit *fit, size_t length) {
    size_t n = 0;
    for (size_t s = 0; s < fit->n_series; s++) {
        double t_start = start_time(fit, s);
        for (size_t i = fit->first[s]; !fit->held_out[s] && i < fit->first[s + 1]; n++) {
            i = next_segment(fit, length, i, t_start, fit->first[s + 1]);
            t_start = i < fit->n_obs ? fit->t[i] : t_start;
        }
    }
    return n;
}

/* Observations up to the horizon among those from `first` on. */
static size_t within_horizon(const costate_fit *fit, size_t first, size_t end) {
    size_t n = 0;
    while (first + n < end && fit->t[first + n] <= fit->horizon) {
        n++;
    }
    return n;
}

/* Appends a trajectory and the times of its rows. */
static void append(costate_fit *fit, csi_segment segment) {
    const size_t j = fit->n_segment + fit->n_held_out;
    segment.row = fit->row_first[j];
    memcpy(fit->row_t + segment.row, fit->t + segment.first, segment.n * sizeof(double));
    size_t row = segment.row + segment.n;
    if (segment.joined) {
        fit->row_t[row++] = fit->t[segment.first + segment.n];
    }
    fit->row_first[j + 1] = row;
    fit->segments[j] = segment;
}

static void list_series(costate_fit *fit, size_t series, size_t *state) {
    const size_t end = fit->first[series + 1];
    double t_start = start_time(fit, series);
    size_t next;
    for (size_t i = fit->first[series]; i < end; i = next) {
        next = next_segment(fit, fit->shooting, i, t_start, end);
        const bool own_start = i > fit->first[series];
        const size_t n = within_horizon(fit, i, next);
        /* The start of the next segment has to lie within the horizon, too: it is an observation's time. */
        const bool joined = next < end && fit->t[next] <= fit->horizon;
        if (n > 0) {
            append(fit,
                   (csi_segment){
                       .series = series, .first = i, .n = n, .state = own_start ? *state : SIZE_MAX, .joined = joined});
            fit->n_segment++;
        }
        *state += own_start ? fit->n_y : 0;
        t_start = next < end ? fit->t[next] : t_start;
    }
}

void csi_fit_list_segments(costate_fit *fit) {
    size_t state = fit->n_unknown;
    fit->n_segment = 0;
    fit->n_held_out = 0;
    fit->row_first[0] = 0;
    for (size_t s = 0; s < fit->n_series; s++) {
        if (!fit->held_out[s]) {
            list_series(fit, s, &state);
        }
    }
    for (size_t s = 0; s < fit->n_series; s++) {
        if (fit->held_out[s]) {
            append(fit,
                   (csi_segment){
                       .series = s, .first = fit->first[s], .n = fit->first[s + 1] - fit->first[s], .state = SIZE_MAX});
            fit->n_held_out++;
        }
    }
    fit->n_state = (state - fit->n_unknown) / fit->n_y;
}

/* Room for `n` trajectories of `n_row` rows in all. */
typedef struct trajectory_room {
    csi_segment *segments;
    size_t *row_first;
    costate_status *status;
    double *block;
} trajectory_room;

static bool size_sum(const costate_fit *fit, size_t n, size_t n_row, size_t *count) {
    const size_t per_trajectory = 2 * fit->n_y + 1;
    const size_t per_row = 2 * fit->n_y + 1;
    size_t own = 0;
    size_t rows;
    return csi_size_mul(n, per_trajectory, count) && csi_size_mul(n_row, per_row, &rows) &&
           csi_size_add(*count, rows, count) &&
           (fit->n_covariate == 0 || (csi_size_mul(n, fit->n_p, &own) && csi_size_mul(own, 2, &own))) &&
           csi_size_add(*count, own, count);
}

static void release_room(costate_fit *fit, trajectory_room *room) {
    csi_release(&fit->alloc, room->segments);
    csi_release(&fit->alloc, room->row_first);
    csi_release(&fit->alloc, room->status);
    csi_release(&fit->alloc, room->block);
}

static void lay_out(costate_fit *fit, double *block, size_t n, size_t n_row) {
    fit->row_t = block;
    fit->y = fit->row_t + n_row;
    fit->v = fit->y + n_row * fit->n_y;
    fit->y0 = fit->v + n_row * fit->n_y;
    fit->y0bar = fit->y0 + n * fit->n_y;
    fit->t0 = fit->y0bar + n * fit->n_y;
    fit->own_p = fit->n_covariate > 0 ? fit->t0 + n : NULL;
    fit->own_pbar = fit->n_covariate > 0 ? fit->own_p + n * fit->n_p : NULL;
}

costate_status csi_fit_cut(costate_fit *fit, size_t length) {
    size_t n_held_out = 0;
    for (size_t s = 0; s < fit->n_series; s++) {
        n_held_out += fit->held_out[s] ? 1 : 0;
    }
    const size_t n = count_segments(fit, length) + n_held_out;
    const size_t n_row = fit->n_obs + n;
    size_t count;
    if (!size_sum(fit, n, n_row, &count)) {
        return COSTATE_ERR_OVERFLOW;
    }
    trajectory_room old = {fit->segments, fit->row_first, fit->status, fit->trajectory_block};
    trajectory_room new = {
        csi_alloc(&fit->alloc, n, sizeof(csi_segment)), csi_alloc(&fit->alloc, n + 1, sizeof(size_t)),
        csi_alloc(&fit->alloc, n, sizeof(costate_status)), csi_alloc(&fit->alloc, count, sizeof(double))};
    if (!new.segments || !new.row_first || !new.status || !new.block) {
        release_room(fit, &new);
        return COSTATE_ERR_MEMORY;
    }
    release_room(fit, &old);
    fit->segments = new.segments;
    fit->row_first = new.row_first;
    fit->status = new.status;
    fit->trajectory_block = new.block;
    lay_out(fit, new.block, n, n_row);
    fit->shooting = length;
    csi_fit_list_segments(fit);
    return COSTATE_OK;
}

/* A state where a segment begins: the data where all states are observed there. */
static bool data_state(const costate_fit *fit, size_t i, double *y) {
    if (fit->observable.f) {
        return false;
    }
    memcpy(y, fit->data + i * fit->n_h, fit->n_y * sizeof(double));
    for (size_t k = 0; k < fit->n_y; k++) {
        if (isnan(y[k])) {
            return false;
        }
    }
    return true;
}

/* The states of a series at its observations into the first rows of y, as far as the solve gets; where it does not, its
 * initial state. */
static void solve_series(costate_fit *fit, size_t series, const double *x) {
    const size_t first = fit->first[series];
    const size_t n_t = fit->first[series + 1] - first;
    for (size_t i = 0; i < n_t * fit->n_y; i++) {
        fit->y[i] = (double)NAN;
    }
    costate_fit_predict(fit, x, series, n_t, fit->t + first, fit->y, NULL);
    csi_fit_series_parameters(fit, series, fit->q, fit->p);
    if (csi_fit_initial_state(fit, series, fit->q, fit->p, fit->state) != COSTATE_OK ||
        !csi_all_finite(fit->state, fit->n_y)) {
        memset(fit->state, 0, fit->n_y * sizeof(double));
    }
    for (size_t i = 0; i < n_t; i++) {
        if (!csi_all_finite(fit->y + i * fit->n_y, fit->n_y)) {
            memcpy(fit->y + i * fit->n_y, fit->state, fit->n_y * sizeof(double));
        }
    }
}

/* x of the segment states of one series. */
static void start_series(costate_fit *fit, size_t series, size_t *state, double *x) {
    const size_t first = fit->first[series];
    const size_t end = fit->first[series + 1];
    double t_start = start_time(fit, series);
    bool solved = false;
    for (size_t i = next_segment(fit, fit->shooting, first, t_start, end); i < end;
         i = next_segment(fit, fit->shooting, i, t_start, end)) {
        const bool from_data = data_state(fit, i, fit->slope);
        if (!from_data && !solved) {
            solve_series(fit, series, x);
            solved = true;
        }
        const double *y = from_data ? fit->slope : fit->y + (i - first) * fit->n_y;
        for (size_t k = 0; k < fit->n_y; k++) {
            x[*state + k] = y[k] / fit->shooting_scale[k];
        }
        *state += fit->n_y;
        t_start = fit->t[i];
    }
}

void csi_fit_start_segments(costate_fit *fit, double *x) {
    size_t state = fit->n_unknown;
    for (size_t i = state; i < costate_fit_n_x(fit); i++) {
        x[i] = 0.0;
    }
    for (size_t s = 0; s < fit->n_series && fit->shooting > 0; s++) {
        if (!fit->held_out[s]) {
            start_series(fit, s, &state, x);
        }
    }
    fit->detail[0] = '\0';
}

size_t costate_fit_n_x(const costate_fit *fit) { return fit ? fit->n_unknown + fit->n_state * fit->n_y : 0; }

costate_status costate_fit_set_horizon(costate_fit *fit, double t_end) {
    if (!fit) {
        return COSTATE_ERR_NULL;
    }
    bool any = false;
    for (size_t s = 0; s < fit->n_series; s++) {
        any = any || (!fit->held_out[s] && fit->t[fit->first[s]] <= t_end);
    }
    if (!any) {
        return COSTATE_ERR_ARGUMENT;
    }
    fit->horizon = t_end;
    csi_fit_list_segments(fit);
    return COSTATE_OK;
}

costate_status costate_fit_set_shooting(costate_fit *fit, size_t length, double weight, const double *scale) {
    if (!fit) {
        return COSTATE_ERR_NULL;
    }
    for (size_t k = 0; length > 0 && k < fit->n_y; k++) {
        if (!(weight > 0.0) || isinf(weight) || (scale && (!(scale[k] > 0.0) || isinf(scale[k])))) {
            return COSTATE_ERR_ARGUMENT;
        }
    }
    const costate_status status = length == fit->shooting ? COSTATE_OK : csi_fit_cut(fit, length);
    if (status == COSTATE_OK) {
        fit->shooting_weight = weight;
        for (size_t k = 0; k < fit->n_y; k++) {
            fit->shooting_scale[k] = length > 0 && scale ? scale[k] : 1.0;
        }
    }
    return status;
}
