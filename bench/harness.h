/* SPDX-License-Identifier: MIT */
/* Benchmark harness: command line, interleaved timing of comparators, table on stdout and rows in a CSV file. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A benchmark's own switch, set by `--name`. */
typedef struct bench_switch {
    const char *name; /* with its dashes; NULL ends a list */
    const char *help;
    bool *value;
} bench_switch;

/* One run of a benchmark program. */
typedef struct bench {
    const char *program;
    bool quick;
    const char *only; /* substrings of "name shape", separated by commas; NULL: everything */
    FILE *csv;        /* NULL: no file wanted */
    const char *csv_path;
    size_t n_round;
    double min_seconds; /* length of one timed repetition, reached by doubling the iterations */
    size_t n_failure;
} bench;

/* Seconds per iteration over the rounds. */
typedef struct bench_time {
    double median;
    double min;
    double max;
    double mad; /* median absolute deviation from the median */
} bench_time;

/* One comparator. */
typedef struct bench_case {
    const char *variant;
    void (*run)(void *ctx, size_t n); /* does the work n times */
    void *ctx;
    size_t n_iteration; /* written by bench_measure() */
    bench_time time;    /* written by bench_measure() */
} bench_case;

typedef enum bench_start { BENCH_RUN, BENCH_DONE, BENCH_USAGE_ERROR } bench_start;

/*
 * Reads the command line, opens the CSV file and prints what this process runs on. BENCH_DONE after --help,
 * BENCH_USAGE_ERROR after one line on stderr: the program then leaves with status 0 or 2. `about` is the help's first
 * paragraph; `switches` may be NULL.
 */
bench_start bench_begin(bench *b, int argc, char **argv, const char *about, const bench_switch *switches);

/* True if --only allows this group. */
bool bench_wanted(const bench *b, const char *name, const char *shape);

/*
 * Times all cases in turn, A B C A B C …, so that a slow phase of the machine meets every one of them; fills their
 * `time` and writes their CSV rows (units ns, ns_min, ns_max, ns_mad). False, counted as a failure, when there is no
 * memory.
 */
bool bench_measure(bench *b, const char *name, const char *shape, bench_case *cases, size_t n_case);

/* Table of measured cases with the ratio of the first one's median to each. */
void bench_print_times(const char *name, const char *shape, const bench_case *cases, size_t n_case);

/* A duration in the unit that keeps `scale` readable, e.g. "117.2 ns"; text holds at least 16 characters. */
const char *bench_format_seconds(double seconds, double scale, char *text);

/* One CSV row; the fields must hold neither comma nor quote. */
void bench_row(bench *b, const char *name, const char *shape, const char *variant, double value, const char *unit);

/* A result that is wrong or a comparator that failed: one line on stderr, and the program's status will be 1. */
void bench_fail(bench *b, const char *format, ...);

/* Closes the CSV file and returns the program's exit status. */
int bench_end(bench *b);

/* max |a - reference| / max |reference|; infinite when a value is not finite or the reference is zero. */
double bench_difference(size_t n, const double *a, const double *reference);

#endif
