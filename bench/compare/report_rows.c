/* SPDX-License-Identifier: MIT */
/* The rows and notes of a run, kept for its report. */
#include "compare/report_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more element; capacities are powers of two. */
static void *grow(void *array, size_t n, size_t size) {
    return (n & (n - 1)) == 0 ? realloc(array, (n ? 2 * n : 1) * size) : array;
}

void report_rows_add(report_rows *all, const bench_record *row) {
    report_row *rows = grow(all->rows, all->n_row, sizeof *rows);
    if (!rows) {
        all->incomplete = true;
        return;
    }
    report_row *to = &rows[all->n_row++];
    all->rows = rows;
    snprintf(to->name, sizeof to->name, "%s", row->name);
    snprintf(to->shape, sizeof to->shape, "%s", row->shape);
    snprintf(to->variant, sizeof to->variant, "%s", row->variant);
    snprintf(to->unit, sizeof to->unit, "%s", row->unit);
    to->value = row->value;
}

void report_rows_note(report_rows *all, const char *name, const char *text) {
    report_note *notes = grow(all->notes, all->n_note, sizeof *notes);
    if (!notes) {
        all->incomplete = true;
        return;
    }
    report_note *to = &notes[all->n_note++];
    all->notes = notes;
    snprintf(to->name, sizeof to->name, "%s", name);
    snprintf(to->text, sizeof to->text, "%s", text);
}

void report_rows_free(report_rows *all) {
    free(all->rows);
    free(all->notes);
    *all = (report_rows){0};
}

static bool same_name(const report_row *a, const report_row *b) { return strcmp(a->name, b->name) == 0; }

static bool same_shape(const report_row *a, const report_row *b) {
    return same_name(a, b) && strcmp(a->shape, b->shape) == 0;
}

static bool same_variant(const report_row *a, const report_row *b) {
    return same_shape(a, b) && strcmp(a->variant, b->variant) == 0;
}

static bool begins(const report_rows *all, size_t row, bool (*same)(const report_row *a, const report_row *b)) {
    for (size_t i = 0; i < row; i++) {
        if (same(&all->rows[i], &all->rows[row])) {
            return false;
        }
    }
    return true;
}

bool report_begins_name(const report_rows *all, size_t row) { return begins(all, row, same_name); }

bool report_begins_shape(const report_rows *all, size_t row) { return begins(all, row, same_shape); }

bool report_begins_variant(const report_rows *all, size_t row) { return begins(all, row, same_variant); }

double report_seconds_of(const char *unit) {
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1.0}};
    const size_t n = strcspn(unit, "_");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strlen(units[i].unit) == n && strncmp(unit, units[i].unit, n) == 0) {
            return units[i].seconds;
        }
    }
    return 0.0;
}

/* Work per second of a row's variant, in a unit of its own: from a time, or from a rate. */
static double speed_by(const report_rows *all, const report_row *variant, bool by_rate) {
    for (size_t i = 0; i < all->n_row; i++) {
        const report_row *row = &all->rows[i];
        if (!same_variant(row, variant) || strchr(row->unit, '_')) {
            continue;
        }
        const double seconds = report_seconds_of(row->unit);
        if (by_rate && strstr(row->unit, "/s")) {
            return row->value;
        }
        if (!by_rate && seconds > 0.0) {
            return 1.0 / (seconds * row->value);
        }
    }
    return (double)NAN;
}

double report_speed(const report_rows *all, size_t row) {
    size_t first = 0;
    while (!same_shape(&all->rows[first], &all->rows[row])) {
        first++;
    }
    const double by_time = speed_by(all, &all->rows[row], false) / speed_by(all, &all->rows[first], false);
    return isfinite(by_time) ? by_time : speed_by(all, &all->rows[row], true) / speed_by(all, &all->rows[first], true);
}
