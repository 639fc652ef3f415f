/* SPDX-License-Identifier: MIT */
/* Live progress: one rewritten line on a terminal, a plain line now and then elsewhere. */
#ifndef PROGRESS_LINE_H
#define PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct progress_line {
    bool quiet;
    bool terminal;
    size_t total; /* iterations in all */
    double start; /* clock, s */
    double last;  /* clock when it was last shown */
    bool shown;   /* the terminal's line is not empty */
} progress_line;

/* What it shows. */
typedef struct progress_values {
    size_t iteration; /* of the total */
    double loss;
    double rmse; /* in units of the data */
    double grad_norm;
    size_t n_step; /* solver steps */
} progress_values;

progress_line progress_line_start(size_t total, bool quiet);

/* Shows the values if it is time to: on a terminal a few times a second, elsewhere every few seconds. */
void progress_line_show(progress_line *line, const progress_values *values);

/* Removes the line from the terminal. */
void progress_line_clear(progress_line *line);

/* Seconds since the start. */
double progress_line_seconds(const progress_line *line);

#endif
