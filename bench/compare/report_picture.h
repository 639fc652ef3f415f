/* SPDX-License-Identifier: MIT */
/* Pictures of a report: their files and the comparisons they show. */
#ifndef BENCH_REPORT_PICTURE_H
#define BENCH_REPORT_PICTURE_H

#include "compare/report_rows.h"

#include "gnuplot.h"

/* Files of a picture, in the folder of the report. */
typedef struct report_picture {
    char data_path[1024];
    char path[1024];
    FILE *data; /* open until it is drawn */
} report_picture;

/* Opens NAME-WHAT.dat, from the second page on NAME-WHAT-PAGE.dat. */
bool report_picture_open(const char *folder, const char *name, const char *what, size_t page, report_picture *picture);

/*
 * Closes the data, draws them as SVG if gnuplot is installed and writes a link to what was drawn. Without `write` there
 * is nothing to be seen in them, and no file stays. False if something could not be written or drawn.
 */
bool report_picture_draw(const report_picture *picture, const char *title, gnuplot_writer write, const void *ctx,
                         FILE *markdown);

/* Text between single quotes of gnuplot. */
void report_picture_quote(FILE *script, const char *text);

/* Pictures of one comparison: values against n where that is foreseen, and speeds. False as report_picture_draw(). */
bool report_draw_sizes(const report_rows *all, const char *name, const char *folder, FILE *markdown);
bool report_draw_speeds(const report_rows *all, const char *name, const char *folder, FILE *markdown);

#endif
