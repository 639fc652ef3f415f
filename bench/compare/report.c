/* SPDX-License-Identifier: MIT */
/* The report of a run. */
#include "compare/report.h"

#include "compare/report_picture.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_COLUMN = 24, MAX_PATH = 1024 };
#define FILE_NAME "compare.md"

/* Rows with equal headings stand in one column. */
typedef struct column {
    char heading[64];
} column;

static void take_row(void *ctx, const bench_record *row) {
    report *r = ctx;
    report_rows_add(&r->rows, row);
}

static void take_note(void *ctx, const char *name, const char *text) {
    report *r = ctx;
    report_rows_note(&r->rows, name, text);
}

static FILE *open_report(const char *folder, const char *mode) {
    char path[MAX_PATH];
    const int length = snprintf(path, sizeof path, "%s/" FILE_NAME, folder);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(path, mode);
}

bool report_begin(bench *b, const char *folder, report *r) {
    *r = (report){.folder = folder, .sink = {.take_row = take_row, .take_note = take_note, .ctx = r}};
    /* Now rather than after the run; what an earlier one wrote stays until then. */
    const bool made = mkdir(folder, 0777) == 0 || errno == EEXIST;
    FILE *out = made ? open_report(folder, "a") : NULL;
    if (!out) {
        fprintf(stderr, "%s: %s/" FILE_NAME ": %s\n", b->program, folder, strerror(errno));
        return false;
    }
    fclose(out);
    b->sink = &r->sink;
    return true;
}

/* The unit in words; all times are one quantity. */
static column column_of(const char *unit) {
    column c;
    const bool is_time = report_seconds_of(unit) > 0.0;
    const char *suffix = strchr(unit, '_');
    snprintf(c.heading, sizeof c.heading, "%s%s", is_time ? "time" : unit, is_time && suffix ? suffix : "");
    for (char *at = c.heading; *at; at++) {
        if (*at == '_') {
            *at = ' ';
        }
    }
    return c;
}

static size_t find_columns(const report_rows *all, const char *name, column *columns) {
    size_t n = 0;
    for (size_t i = 0; i < all->n_row; i++) {
        const column c = column_of(all->rows[i].unit);
        bool known = strcmp(all->rows[i].name, name) != 0;
        for (size_t k = 0; k < n && !known; k++) {
            known = strcmp(columns[k].heading, c.heading) == 0;
        }
        if (!known && n < MAX_COLUMN) {
            columns[n++] = c;
        }
    }
    return n;
}

static void write_value(const report_row *row, FILE *out) {
    const double seconds = report_seconds_of(row->unit);
    char text[16];
    if (seconds > 0.0) {
        fprintf(out, " %s |", bench_format_seconds(seconds * row->value, seconds * row->value, text));
    } else if (fabs(row->value) >= 1000.0 && fabs(row->value) < 1e9) {
        fprintf(out, " %.0f |", row->value);
    } else {
        fprintf(out, " %.4g |", row->value);
    }
}

static void write_cell(const report_rows *all, const report_row *variant, const column *c, FILE *out) {
    for (size_t i = 0; i < all->n_row; i++) {
        const report_row *row = &all->rows[i];
        if (strcmp(row->name, variant->name) == 0 && strcmp(row->shape, variant->shape) == 0 &&
            strcmp(row->variant, variant->variant) == 0 && strcmp(column_of(row->unit).heading, c->heading) == 0) {
            write_value(row, out);
            return;
        }
    }
    fputs(" |", out);
}

static void write_table(const report_rows *all, const char *name, FILE *out) {
    column columns[MAX_COLUMN];
    const size_t n_column = find_columns(all, name, columns);
    fputs("\n| shape | variant |", out);
    for (size_t k = 0; k < n_column; k++) {
        fprintf(out, " %s |", columns[k].heading);
    }
    fputs(" speed |\n|---|---|---|", out);
    for (size_t k = 0; k < n_column; k++) {
        fputs("---|", out);
    }
    fputc('\n', out);
    for (size_t i = 0; i < all->n_row; i++) {
        const report_row *row = &all->rows[i];
        if (strcmp(row->name, name) != 0 || !report_begins_variant(all, i)) {
            continue;
        }
        const double speed = report_speed(all, i);
        fprintf(out, "| %s | %s |", report_begins_shape(all, i) ? row->shape : "", row->variant);
        for (size_t k = 0; k < n_column; k++) {
            write_cell(all, row, &columns[k], out);
        }
        fprintf(out, isfinite(speed) ? " %.3g |\n" : " |\n", speed);
    }
}

static void write_heading(const bench *b, const char *arguments, FILE *out) {
    fprintf(out, "## Comparisons of %s\n\n", b->machine.date);
    fprintf(out, "`%s%s` on %s (%ld online), kernels %s, compiler %s, load average at the start %s.\n", b->program,
            arguments, b->machine.cpu, b->machine.n_cpu, b->machine.isa, __VERSION__, b->machine.load);
    fprintf(out,
            "A time is the median of %zu rounds of at least %g ms, with the least, the most and the median absolute\n"
            "deviation beside it, unless the comparison times whole epochs or trainings. Speed: the first variant of a "
            "shape is 1.\n",
            b->n_round, 1e3 * b->min_seconds);
}

static bool write_comparison(const report *r, const char *name, FILE *out) {
    fprintf(out, "\n### %s\n", name);
    bool first = true;
    for (size_t i = 0; i < r->rows.n_note; i++) {
        if (strcmp(r->rows.notes[i].name, name) == 0) {
            fprintf(out, "%s- %s\n", first ? "\n" : "", r->rows.notes[i].text);
            first = false;
        }
    }
    write_table(&r->rows, name, out);
    const bool sizes_drawn = report_draw_sizes(&r->rows, name, r->folder, out);
    return report_draw_speeds(&r->rows, name, r->folder, out) && sizes_drawn;
}

static void write_report(bench *b, const report *r, const char *arguments) {
    FILE *out = open_report(r->folder, "w");
    if (!out) {
        bench_fail(b, "%s/" FILE_NAME ": %s", r->folder, strerror(errno));
        return;
    }
    write_heading(b, arguments, out);
    for (size_t i = 0; i < r->rows.n_row; i++) {
        if (report_begins_name(&r->rows, i) && !write_comparison(r, r->rows.rows[i].name, out)) {
            bench_fail(b, "%s: the pictures of %s are not complete", r->folder, r->rows.rows[i].name);
        }
    }
    const bool written = !ferror(out);
    if (fclose(out) != 0 || !written || r->rows.incomplete) {
        bench_fail(b, "%s/" FILE_NAME ": not everything could be written", r->folder);
    } else {
        printf("\nwrote %s/" FILE_NAME "\n", r->folder);
    }
}

void report_end(bench *b, report *r, const char *arguments) {
    write_report(b, r, arguments);
    report_rows_free(&r->rows);
    b->sink = NULL;
}
