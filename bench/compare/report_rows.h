/* SPDX-License-Identifier: MIT */
/* The rows and notes of a run, kept for its report. */
#ifndef BENCH_REPORT_ROWS_H
#define BENCH_REPORT_ROWS_H

#include "harness.h"

/* Copies; longer texts are cut. */
typedef struct report_row {
    char name[32];
    char shape[128];
    char variant[96];
    char unit[48];
    double value;
} report_row;

typedef struct report_note {
    char name[32];
    char text[512];
} report_note;

typedef struct report_rows {
    size_t n_row;
    size_t n_note;
    report_row *rows;
    report_note *notes;
    bool incomplete; /* memory ran out */
} report_rows;

void report_rows_add(report_rows *all, const bench_record *row);
void report_rows_note(report_rows *all, const char *name, const char *text);
void report_rows_free(report_rows *all);

/* True for the first row of a comparison, of a shape in it, of a variant of that. */
bool report_begins_name(const report_rows *all, size_t row);
bool report_begins_shape(const report_rows *all, size_t row);
bool report_begins_variant(const report_rows *all, size_t row);

/* Seconds in a unit: ns, us, ms or s, alone or with a suffix behind _; 0 for what is no time. */
double report_seconds_of(const char *unit);

/*
 * Speed of a row's variant beside the first of its shape: the ratio of their times, else of their rates (units with /s);
 * units with a suffix behind _ do not count. NaN if either has neither.
 */
double report_speed(const report_rows *all, size_t row);

#endif
