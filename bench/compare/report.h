/* SPDX-License-Identifier: MIT */
/* The report of a run: compare.md with the tables of all its rows and, drawn by gnuplot, pictures. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "compare/report_rows.h"

typedef struct report {
    const char *folder;
    report_rows rows;
    bench_sink sink;
} report;

/* Makes the folder and lets the rows of b come here; false, with a line on stderr, if nothing can be written there. */
bool report_begin(bench *b, const char *folder, report *r);

/* Writes what has come, under the command line; a file that cannot be written is a failure of b. */
void report_end(bench *b, report *r, const char *arguments);

#endif
