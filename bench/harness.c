/* SPDX-License-Identifier: MIT */
/* Benchmark harness: timing, verification of results, table and CSV rows. */
#include "harness.h"
#include "seconds.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static double time_run(const bench_case *c, size_t n) {
    const double start = seconds_now();
    c->run(c->ctx, n);
    return seconds_now() - start;
}

/* True if one element of a list separated by commas occurs in the text. */
static bool matches_any(const char *text, const char *list) {
    for (const char *item = list;; item++) {
        const size_t n = strcspn(item, ",");
        for (const char *at = text; *at; at++) {
            if (strncmp(at, item, n) == 0) {
                return true;
            }
        }
        item += n;
        if (!*item) {
            return false;
        }
    }
}

bool bench_wanted(const bench *b, const char *name, const char *shape) {
    if (!b->only) {
        return true;
    }
    char group[256];
    snprintf(group, sizeof group, "%s %s", name, shape);
    return matches_any(group, b->only);
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(size_t n, double *sample) {
    qsort(sample, n, sizeof *sample, compare_doubles);
    return n % 2 ? sample[n / 2] : 0.5 * (sample[n / 2 - 1] + sample[n / 2]);
}

static bench_time summarise(size_t n, double *sample) {
    bench_time time;
    time.median = bench_median(n, sample);
    time.min = sample[0];
    time.max = sample[n - 1];
    for (size_t i = 0; i < n; i++) {
        sample[i] = fabs(sample[i] - time.median);
    }
    time.mad = bench_median(n, sample);
    return time;
}

static size_t calibrate(const bench_case *c, double min_seconds) {
    size_t n = 1;
    while (time_run(c, n) < min_seconds && n < ((size_t)1 << 40)) {
        n *= 2;
    }
    return n;
}

bool bench_time_cases(bench *b, bench_case *cases, size_t n_case) {
    double *sample = malloc(n_case * b->n_round * sizeof *sample);
    if (!sample) {
        bench_fail(b, "no memory for %zu samples", n_case * b->n_round);
        return false;
    }
    for (size_t i = 0; i < n_case; i++) {
        cases[i].n_iteration = calibrate(&cases[i], b->min_seconds);
    }
    for (size_t round = 0; round < b->n_round; round++) {
        for (size_t i = 0; i < n_case; i++) {
            const size_t n = cases[i].n_iteration;
            sample[i * b->n_round + round] = time_run(&cases[i], n) / (double)n;
        }
    }
    for (size_t i = 0; i < n_case; i++) {
        cases[i].time = summarise(b->n_round, sample + i * b->n_round);
    }
    free(sample);
    return true;
}

void bench_time_rows(bench *b, const char *name, const char *shape, const bench_case *cases, size_t n_case) {
    for (size_t i = 0; i < n_case; i++) {
        const bench_case *c = &cases[i];
        bench_row(b, name, shape, c->variant, 1e9 * c->time.median, "ns");
        bench_row(b, name, shape, c->variant, 1e9 * c->time.min, "ns_min");
        bench_row(b, name, shape, c->variant, 1e9 * c->time.max, "ns_max");
        bench_row(b, name, shape, c->variant, 1e9 * c->time.mad, "ns_mad");
    }
}

bool bench_measure(bench *b, const char *name, const char *shape, bench_case *cases, size_t n_case) {
    if (!bench_time_cases(b, cases, n_case)) {
        return false;
    }
    bench_time_rows(b, name, shape, cases, n_case);
    return true;
}

const char *bench_format_seconds(double seconds, double scale, char *text) {
    static const struct {
        double scale;
        const char *unit;
    } units[] = {{1e9, "ns"}, {1e6, "us"}, {1e3, "ms"}, {1.0, "s "}};
    size_t k = 0;
    while (k < 3 && scale * units[k].scale >= 9999.5) {
        k++;
    }
    snprintf(text, 16, "%.1f %s", seconds * units[k].scale, units[k].unit);
    return text;
}

void bench_print_times(const char *name, const char *shape, const bench_case *cases, size_t n_case) {
    char text[4][16];
    printf("\n%s %s\n  %-36s %11s %11s %11s %11s  %s\n", name, shape, "variant", "median", "min", "max", "MAD",
           "first/this");
    for (size_t i = 0; i < n_case; i++) {
        const bench_time *t = &cases[i].time;
        printf("  %-36s %11s %11s %11s %11s  %10.3f\n", cases[i].variant,
               bench_format_seconds(t->median, t->median, text[0]), bench_format_seconds(t->min, t->median, text[1]),
               bench_format_seconds(t->max, t->median, text[2]), bench_format_seconds(t->mad, t->median, text[3]),
               cases[0].time.median / t->median);
    }
}

void bench_row(bench *b, const char *name, const char *shape, const char *variant, double value, const char *unit) {
    b->n_row++;
    if (b->csv) {
        fprintf(b->csv, "%s,%s,%s,%.9g,%s\n", name, shape, variant, value, unit);
    }
    if (b->sink) {
        b->sink->take_row(b->sink->ctx, &(bench_record){name, shape, variant, value, unit});
    }
}

void bench_note(bench *b, const char *name, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("# %s\n", text);
    if (b->sink) {
        b->sink->take_note(b->sink->ctx, name, text);
    }
}

const char *bench_verdict(bool met) { return met ? "met" : "not met"; }

void bench_fail(bench *b, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", b->program);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    b->n_failure++;
}

int bench_end(bench *b) {
    if (b->csv) {
        const bool written = !ferror(b->csv);
        if (fclose(b->csv) != 0 || !written) {
            bench_fail(b, "%s: not everything could be written", b->csv_path);
        }
        b->csv = NULL;
    }
    return b->n_failure ? 1 : 0;
}

double bench_difference(size_t n, const double *a, const double *reference) {
    double worst = 0.0;
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(a[i]) || !isfinite(reference[i])) {
            return HUGE_VAL;
        }
        worst = fmax(worst, fabs(a[i] - reference[i]));
        largest = fmax(largest, fabs(reference[i]));
    }
    return largest > 0.0 ? worst / largest : HUGE_VAL;
}
