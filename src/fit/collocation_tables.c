/* SPDX-License-Identifier: MIT */
/* States and slopes of smoothing splines through the data of a fit. */
#include "core/memory.h"
#include "fit/collocation_internal.h"
#include "fit/fit_internal.h"

#include <math.h>
#include <stdio.h>

/* One series while its table is made. The knots are its distinct times that can be used, the initial time included. */
typedef struct series_tables {
    costate_fit *fit;
    const costate_collocation_options *options;
    const costate_allocator *alloc;
    size_t series;
    size_t n_datum; /* of one state: observations that can be used, and the initial state */
    double *t;      /* n_datum: the spline's time; one block with the values of a state */
    double *value;
    double t_first; /* the first one; not log and exp of it, because it is compared with the initial time */
    size_t n_knot;
    double *knot;
    size_t n_t;
    double *grid; /* n_t, the spline's time */
} series_tables;

static double start_time(const series_tables *s) { return s->fit->q0[csi_fit_time_offset(s->fit, s->series)]; }

static double spline_time(const series_tables *s, double t) { return s->options->log_time ? log(t) : t; }

static bool usable(const series_tables *s, double t) { return !s->options->log_time || t > 0.0; }

/* The initial time is a point of its own if it comes before the data. */
static bool has_start(const series_tables *s) {
    const double t0 = start_time(s);
    return usable(s, t0) && t0 < s->fit->t[s->fit->first[s->series]];
}

static bool estimated(const costate_fit *fit, size_t q) {
    for (size_t i = 0; i < fit->n_unknown; i++) {
        if (fit->unknowns[i].q == q) {
            return true;
        }
    }
    return false;
}

static void add_time(series_tables *s, double t) {
    if (s->n_datum == 0) {
        s->t_first = t;
    }
    s->t[s->n_datum++] = spline_time(s, t);
}

/* Times of all data, the initial state first. */
static void list_times(series_tables *s) {
    const costate_fit *fit = s->fit;
    if (has_start(s)) {
        add_time(s, start_time(s));
    }
    for (size_t i = fit->first[s->series]; i < fit->first[s->series + 1]; i++) {
        if (usable(s, fit->t[i])) {
            add_time(s, fit->t[i]);
        }
    }
    for (size_t i = 0; i < s->n_datum; i++) {
        if (i == 0 || s->t[i] > s->t[i - 1]) {
            s->knot[s->n_knot++] = s->t[i];
        }
    }
}

static void list_grid(series_tables *s) {
    const size_t n_between = s->options->n_between;
    size_t n = 0;
    for (size_t k = 0; k < s->n_knot; k++) {
        s->grid[n++] = s->knot[k];
        for (size_t j = 1; k + 1 < s->n_knot && j <= n_between; j++) {
            const double part = (double)j / (double)(n_between + 1);
            s->grid[n++] = s->knot[k] + part * (s->knot[k + 1] - s->knot[k]);
        }
    }
}

/* Data of one state, in the order of the times. */
static void list_values(series_tables *s, size_t state) {
    const costate_fit *fit = s->fit;
    const size_t q = csi_fit_state_offset(fit, s->series) + state;
    size_t n = 0;
    if (has_start(s)) {
        s->value[n++] = fit->initial.f || estimated(fit, q) ? (double)NAN : fit->q0[q];
    }
    for (size_t i = fit->first[s->series]; i < fit->first[s->series + 1]; i++) {
        if (usable(s, fit->t[i])) {
            s->value[n++] = fit->data[i * fit->n_y + state];
        }
    }
}

static costate_status unobserved(const series_tables *s, size_t state) {
    snprintf(s->fit->detail, sizeof s->fit->detail, "state %zu of series %zu is not observed", state, s->series);
    return COSTATE_ERR_UNSUPPORTED;
}

/* First and last time with a datum; false if there is none. */
static bool range(const series_tables *s, double *first, double *last) {
    bool any = false;
    for (size_t i = 0; i < s->n_datum; i++) {
        if (!isnan(s->value[i])) {
            *first = any ? *first : s->t[i];
            *last = s->t[i];
            any = true;
        }
    }
    return any;
}

static costate_status fill_state(series_tables *s, size_t state, double *y, double *dydt) {
    costate_spline *spline = NULL;
    double first = 0.0;
    double last = 0.0;
    list_values(s, state);
    if (!range(s, &first, &last)) {
        return unobserved(s, state);
    }
    const costate_status status =
        costate_spline_fit(s->n_datum, s->t, s->value, NULL, s->options->smoothing, s->alloc, &spline);
    for (size_t k = 0; status == COSTATE_OK && k < s->n_t; k++) {
        const double t = s->grid[k];
        const double factor = s->options->log_time ? exp(t) : 1.0;
        y[k * s->fit->n_y + state] = costate_spline_eval(spline, t);
        dydt[k * s->fit->n_y + state] =
            t >= first && t <= last ? costate_spline_slope(spline, t) / factor : (double)NAN;
    }
    costate_spline_destroy(spline);
    return status;
}

static costate_status fill_table(series_tables *s, costate_collocation_table *table, double **block) {
    const size_t n_y = s->fit->n_y;
    size_t count;
    if (s->n_knot == 0) {
        return unobserved(s, 0);
    }
    if (!csi_size_mul(s->n_knot - 1, s->options->n_between, &s->n_t) || !csi_size_add(s->n_t, s->n_knot, &s->n_t) ||
        !csi_size_mul(s->n_t, 2 * n_y + 1, &count)) {
        return COSTATE_ERR_OVERFLOW;
    }
    *block = csi_alloc(s->alloc, count, sizeof(double));
    if (!*block) {
        return COSTATE_ERR_MEMORY;
    }
    double *y = *block + s->n_t;
    double *dydt = y + s->n_t * n_y;
    s->grid = *block;
    *table = (costate_collocation_table){.n_t = s->n_t, .t = s->grid, .y = y, .dydt = dydt};
    list_grid(s);
    costate_status status = COSTATE_OK;
    for (size_t i = 0; status == COSTATE_OK && i < n_y; i++) {
        status = fill_state(s, i, y, dydt);
    }
    for (size_t k = 0; k < s->n_t && s->options->log_time; k++) {
        s->grid[k] = exp(s->grid[k]);
    }
    s->grid[0] = s->t_first;
    return status;
}

static costate_status make_table(costate_fit *fit, const costate_collocation_options *options,
                                 const costate_allocator *alloc, size_t series, costate_collocation_table *table,
                                 double **block) {
    const size_t n = fit->first[series + 1] - fit->first[series] + 1;
    series_tables s = {.fit = fit, .options = options, .alloc = alloc, .series = series};
    size_t count;
    s.t = csi_size_mul(n, 3, &count) ? csi_alloc(alloc, count, sizeof(double)) : NULL;
    if (!s.t) {
        return COSTATE_ERR_MEMORY;
    }
    s.value = s.t + n;
    s.knot = s.value + n;
    list_times(&s);
    const costate_status status = fill_table(&s, table, block);
    csi_release(alloc, s.t);
    return status;
}

costate_status csi_spline_tables_create(costate_fit *fit, const costate_collocation_options *options,
                                        const costate_allocator *alloc, csi_spline_tables *tables) {
    *tables = (csi_spline_tables){.n = fit->n_series};
    tables->tables = csi_alloc(alloc, fit->n_series, sizeof *tables->tables);
    tables->blocks = csi_alloc(alloc, fit->n_series, sizeof *tables->blocks);
    costate_status status = tables->tables && tables->blocks ? COSTATE_OK : COSTATE_ERR_MEMORY;
    for (size_t s = 0; status == COSTATE_OK && s < fit->n_series; s++) {
        if (!fit->held_out[s]) {
            status = make_table(fit, options, alloc, s, &tables->tables[s], &tables->blocks[s]);
        }
    }
    if (status != COSTATE_OK) {
        csi_spline_tables_destroy(tables, alloc);
    }
    return status;
}

void csi_spline_tables_destroy(csi_spline_tables *tables, const costate_allocator *alloc) {
    for (size_t s = 0; tables->blocks && s < tables->n; s++) {
        csi_release(alloc, tables->blocks[s]);
    }
    csi_release(alloc, tables->blocks);
    csi_release(alloc, tables->tables);
    *tables = (csi_spline_tables){0};
}
