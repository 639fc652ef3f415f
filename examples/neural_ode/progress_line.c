/* SPDX-License-Identifier: MIT */
/* Live progress: one rewritten line on a terminal, a plain line now and then elsewhere. */
#define _POSIX_C_SOURCE 200809L

#include "progress_line.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const double TERMINAL_INTERVAL = 0.1;
static const double PLAIN_INTERVAL = 2.0;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

progress_line progress_line_start(size_t total, bool quiet) {
    const double start = now();
    return (progress_line){
        .quiet = quiet, .terminal = isatty(STDOUT_FILENO) == 1, .total = total, .start = start, .last = start};
}

void progress_line_show(progress_line *line, const progress_values *values) {
    const double time = now();
    if (line->quiet || time - line->last < (line->terminal ? TERMINAL_INTERVAL : PLAIN_INTERVAL)) {
        return;
    }
    const double elapsed = time - line->start;
    const double left = elapsed * (double)(line->total - values->iteration) / (double)values->iteration;
    printf("%s%zu/%zu loss %.3e RMSE %.4g |g| %.1e steps %zu %.1f s, ETA %.1f s%s", line->terminal ? "\r" : "",
           values->iteration, line->total, values->loss, values->rmse, values->grad_norm, values->n_step, elapsed, left,
           line->terminal ? "\033[K" : "\n");
    fflush(stdout);
    line->last = time;
    line->shown = true;
}

void progress_line_clear(progress_line *line) {
    if (line->terminal && line->shown) {
        fputs("\r\033[K", stdout);
        fflush(stdout);
    }
    line->shown = false;
}

double progress_line_seconds(const progress_line *line) { return now() - line->start; }
