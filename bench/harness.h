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

/* What the program runs on. */
typedef struct bench_machine {
    char cpu[128];
    long n_cpu;   /* online */
    char isa[16]; /* of the library's kernels */
    char load[64];
    char date[32];
} bench_machine;

typedef struct bench_record {
    const char *name;
    const char *shape;
    const char *variant;
    double value;
    const char *unit;
} bench_record;

/* Keeps what the program found out besides the CSV file; the text is not valid after the call. */
typedef struct bench_sink {
    void (*take_row)(void *ctx, const bench_record *row);
    void (*take_note)(void *ctx, const char *name, const char *text);
    void *ctx;
} bench_sink;

/* One run of a benchmark program. */
typedef struct bench {
    const char *program;
    bool quick;
    const char *only; /* substrings of "name shape", separated by commas; NULL: everything */
    FILE *csv;        /* NULL: no file wanted */
    const char *csv_path;
    size_t n_round;
    double min_seconds; /* length of one timed repetition, reached by doubling the iterations */
    size_t n_row;
    size_t n_failure;
    bench_machine machine;
    const bench_sink *sink; /* NULL: none */
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
 * `time`. False, counted as a failure, when there is no memory.
 */
bool bench_time_cases(bench *b, bench_case *cases, size_t n_case);

/* Rows of cases that were timed: units ns, ns_min, ns_max, ns_mad. */
void bench_time_rows(bench *b, const char *name, const char *shape, const bench_case *cases, size_t n_case);

/* Both. */
bool bench_measure(bench *b, const char *name, const char *shape, bench_case *cases, size_t n_case);

/* Table of measured cases with the ratio of the first one's median to each. */
void bench_print_times(const char *name, const char *shape, const bench_case *cases, size_t n_case);

/* A duration in the unit that keeps `scale` readable, e.g. "117.2 ns"; text holds at least 16 characters. */
const char *bench_format_seconds(double seconds, double scale, char *text);

/* One CSV row; the fields must hold neither comma nor quote. */
void bench_row(bench *b, const char *name, const char *shape, const char *variant, double value, const char *unit);

/* One line of what belongs to a comparison but is no row of it, such as published figures; printed behind a #. */
void bench_note(bench *b, const char *name, const char *format, ...);

/* How a goal came out, for its note. */
const char *bench_verdict(bool met);

/* A result that is wrong or a comparator that failed: one line on stderr, and the program's status will be 1. */
void bench_fail(bench *b, const char *format, ...);

/* Closes the CSV file and returns the program's exit status. */
int bench_end(bench *b);

/* Of n > 0 numbers, which are sorted. */
double bench_median(size_t n, double *sample);

/* max |a - reference| / max |reference|; infinite when a value is not finite or the reference is zero. */
double bench_difference(size_t n, const double *a, const double *reference);

#endif
