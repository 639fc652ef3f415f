/* SPDX-License-Identifier: MIT */
/* Speeds beside the first variant of a shape, as bars. */
#include "compare/report_picture.h"

#include <math.h>
#include <string.h>

/* Of a page. */
enum { MAX_BAR = 32 };

typedef struct bars {
    const char *name;
    const char *data_path;
    size_t n;
} bars;

/* Bars go from 1 to the speed; slower ones to the left. */
static void plot(FILE *script, const void *ctx) {
    const bars *p = ctx;
    fputs("set logscale x\nset format x '%g'\nset xlabel 'speed, first variant of the shape = 1'\n"
          "unset grid\nset grid x\nset key off\nset style fill solid 0.8 noborder\n"
          "set ytics nomirror font ',8' noenhanced\nset lmargin at screen 0.53\nset rmargin at screen 0.97\n"
          "set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb '#555555'\n",
          script);
    fprintf(script, "set yrange [%g:0.5]\nset title '%s'\nplot ", 0.5 - (double)p->n, p->name);
    report_picture_quote(script, p->data_path);
    fprintf(script,
            " using 2:(-$1):($2 < 1 ? $2 : 1):($2 < 1 ? 1 : $2):(-$1 - 0.35):(-$1 + 0.35):ytic(3) with boxxyerror lc "
            "rgb '%s'",
            GNUPLOT_BLUE);
}

/* From row *row on, which is moved behind the last one used. */
static size_t write_bars(const report_rows *all, const char *name, size_t *row, FILE *data) {
    size_t n = 0;
    for (; *row < all->n_row && n < MAX_BAR; ++*row) {
        const report_row *at = &all->rows[*row];
        if (strcmp(at->name, name) != 0 || !report_begins_variant(all, *row) || report_begins_shape(all, *row)) {
            continue;
        }
        const double speed = report_speed(all, *row);
        if (isfinite(speed) && speed > 0.0) {
            fprintf(data, "%zu %.6g \"%s, %s\"\n", n++, speed, at->shape, at->variant);
        }
    }
    return n;
}

bool report_draw_speeds(const report_rows *all, const char *name, const char *folder, FILE *markdown) {
    bool good = true;
    size_t row = 0;
    for (size_t page = 0; good && row < all->n_row; page++) {
        report_picture picture;
        if (!report_picture_open(folder, name, "speed", page, &picture)) {
            return false;
        }
        const bars p = {.name = name, .data_path = picture.data_path, .n = write_bars(all, name, &row, picture.data)};
        good = report_picture_draw(&picture, "speeds", p.n > 0 ? plot : NULL, &p, markdown);
    }
    return good;
}
