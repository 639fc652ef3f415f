/* SPDX-License-Identifier: MIT */
/* Values against n, for the comparisons that vary it. */
#include "compare/report_picture.h"

#include <stdlib.h>
#include <string.h>

/* Of a picture. */
enum { MAX_CURVE = 24 };

/* Rows with this unit whose shape ends in n=…. */
typedef struct size_plot {
    const char *name;
    const char *unit;
    const char *file;
    const char *title;
    const char *y_label;
    bool log_y;
    bool by_shape; /* a picture for every shape but for its n */
} size_plot;

static const size_plot plots[] = {
    {"blas", "GFLOP/s", "sizes", "Products of n by n matrices, f32", "GFLOP/s", true, true},
    {"blas", "Gelement/s", "elements", "Elementwise, f32", "elements per ns", true, true},
    {"expm", "ns_per_sample", "sizes", "Loss and gradient of a 4-32-16-4 network, f32", "ns per sample", false, false},
    {"micrograd", "s", "sizes", "100 steps of training on two moons", "seconds", true, false},
};

/* Curves of one picture. */
typedef struct curves {
    const size_plot *plot;
    const report_rows *all;
    const char *data_path;
    size_t n;
    size_t first[MAX_CURVE]; /* row */
} curves;

/* Characters of the shape in front of n; 0 if the plot does not show the row. */
static size_t shown(const size_plot *plot, const report_row *row) {
    const char *at = strstr(row->shape, " n=");
    return at && strcmp(row->name, plot->name) == 0 && strcmp(row->unit, plot->unit) == 0 ? (size_t)(at - row->shape)
                                                                                          : 0;
}

static bool same_shape(const size_plot *plot, const report_row *a, const report_row *b) {
    const size_t n = shown(plot, a);
    return n > 0 && shown(plot, b) == n && strncmp(a->shape, b->shape, n) == 0;
}

static bool same_curve(const size_plot *plot, const report_row *a, const report_row *b) {
    return same_shape(plot, a, b) && strcmp(a->variant, b->variant) == 0;
}

/* Points of the curve that this row begins; 0 if it begins none. */
static size_t count_points(const size_plot *plot, const report_rows *all, size_t row) {
    size_t n = 0;
    for (size_t i = 0; i < all->n_row; i++) {
        if (same_curve(plot, &all->rows[i], &all->rows[row])) {
            if (i < row) {
                return 0;
            }
            n++;
        }
    }
    return n;
}

/* Curves of two points or more, of one shape if there is a picture for each. */
static void find_curves(const report_row *shape, curves *c) {
    const report_rows *all = c->all;
    for (size_t i = 0; i < all->n_row && c->n < MAX_CURVE; i++) {
        const bool wanted =
            shown(c->plot, &all->rows[i]) > 0 && (!c->plot->by_shape || same_shape(c->plot, &all->rows[i], shape));
        if (wanted && count_points(c->plot, all, i) > 1) {
            c->first[c->n++] = i;
        }
    }
}

static void key_of(const curves *c, size_t k, size_t size, char *key) {
    const report_row *row = &c->all->rows[c->first[k]];
    snprintf(key, size, "%.*s, %s", (int)shown(c->plot, row), row->shape, row->variant);
}

/* Blocks two blank lines apart, as gnuplot counts them. */
static void write_data(const curves *c, FILE *data) {
    for (size_t k = 0; k < c->n; k++) {
        char key[256];
        key_of(c, k, sizeof key, key);
        fprintf(data, "%s# %s: n, %s\n", k ? "\n\n" : "", key, c->plot->y_label);
        for (size_t i = c->first[k]; i < c->all->n_row; i++) {
            const report_row *row = &c->all->rows[i];
            if (same_curve(c->plot, row, &c->all->rows[c->first[k]])) {
                fprintf(data, "%g %.9g\n", strtod(row->shape + shown(c->plot, row) + strlen(" n="), NULL), row->value);
            }
        }
    }
}

static void write_plot(FILE *script, const void *ctx) {
    const curves *c = ctx;
    fputs("set logscale x\nset format x '%.0f'\nset xlabel 'n'\n"
          "set key below vertical maxcols 2 Left reverse noenhanced font ',11'\n",
          script);
    fputs(c->plot->log_y ? "set logscale y\nset format y '%g'\n" : "set yrange [0:*]\n", script);
    fprintf(script, "set title '%s'\nset ylabel '%s'\nplot ", c->plot->title, c->plot->y_label);
    for (size_t k = 0; k < c->n; k++) {
        char key[256];
        key_of(c, k, sizeof key, key);
        fputs(k ? ", " : "", script);
        report_picture_quote(script, c->data_path);
        fprintf(script, " index %zu using 1:2 with linespoints lw 2 title ", k);
        report_picture_quote(script, key);
    }
}

static bool draw_page(const size_plot *plot, const report_rows *all, const report_row *shape, const char *folder,
                      size_t page, FILE *markdown) {
    report_picture picture;
    if (!report_picture_open(folder, plot->name, plot->file, page, &picture)) {
        return false;
    }
    curves c = {.plot = plot, .all = all, .data_path = picture.data_path};
    find_curves(shape, &c);
    write_data(&c, picture.data);
    return report_picture_draw(&picture, plot->title, c.n > 0 ? write_plot : NULL, &c, markdown);
}

/* True for the first row of a picture. */
static bool begins_page(const size_plot *plot, const report_rows *all, size_t row) {
    for (size_t i = 0; i < row; i++) {
        if (plot->by_shape ? same_shape(plot, &all->rows[i], &all->rows[row]) : shown(plot, &all->rows[i]) > 0) {
            return false;
        }
    }
    return shown(plot, &all->rows[row]) > 0;
}

bool report_draw_sizes(const report_rows *all, const char *name, const char *folder, FILE *markdown) {
    bool good = true;
    for (size_t k = 0; k < sizeof plots / sizeof *plots; k++) {
        size_t page = 0;
        for (size_t i = 0; i < all->n_row && strcmp(plots[k].name, name) == 0; i++) {
            if (begins_page(&plots[k], all, i)) {
                good = draw_page(&plots[k], all, &all->rows[i], folder, page++, markdown) && good;
            }
        }
    }
    return good;
}
