/* SPDX-License-Identifier: MIT */
/* Loss and gradient of 64 samples to a million: a sample's time should not depend on their number. */
#include "compare/expm_groups.h"

#include <math.h>

enum { MAX_THREAD = 2, SEED = 2 };

static const size_t sizes[] = {64, 256, 1000, 10000, 100000, 1000000};
enum { N_SIZE = sizeof sizes / sizeof *sizes, N_SIZE_QUICK = 4 };

static const char *const variants[MAX_THREAD] = {"1 thread", "2 threads"};

/* Nanoseconds per sample over the sizes that ran. */
typedef struct size_range {
    double least;
    double most;
} size_range;

static const char *shape_of(size_t n, size_t size, char *shape) {
    snprintf(shape, size, "SYNTHETIC gradient " EXPM_WIDTHS " f32 n=%zu", n);
    return shape;
}

static void time_size(bench *b, size_t n, const exponential_pairs *pairs, expm_job *jobs, size_range *range) {
    char shape[64];
    bench_case cases[MAX_THREAD];
    if (!bench_wanted(b, "expm", shape_of(n, sizeof shape, shape))) {
        return;
    }
    for (size_t t = 0; t < MAX_THREAD; t++) {
        jobs[t].batch = expm_batch(pairs, n);
        cases[t] = (bench_case){.variant = variants[t], .run = expm_job_run, .ctx = &jobs[t]};
    }
    if (!bench_measure(b, "expm", shape, cases, MAX_THREAD)) {
        return;
    }
    bench_print_times("expm", shape, cases, MAX_THREAD);
    double each[MAX_THREAD];
    for (size_t t = 0; t < MAX_THREAD; t++) {
        each[t] = 1e9 * cases[t].time.median / (double)n;
        bench_row(b, "expm", shape, variants[t], each[t], "ns_per_sample");
    }
    printf("  ns per sample: %.1f, on two threads %.1f\n", each[0], each[1]);
    range->least = fmin(range->least, each[0]);
    range->most = fmax(range->most, each[0]);
}

static void time_sizes(bench *b, const exponential_pairs *pairs, expm_job *jobs) {
    size_range range = {HUGE_VAL, 0.0};
    for (size_t i = 0; i < N_SIZE && sizes[i] <= pairs->n; i++) {
        time_size(b, sizes[i], pairs, jobs, &range);
    }
    for (size_t t = 0; t < MAX_THREAD; t++) {
        if (jobs[t].status != COSTATE_OK) {
            bench_fail(b, "expm: a gradient failed: %s", costate_status_message(jobs[t].status));
            return;
        }
    }
    if (range.most > 0.0) {
        bench_note(b, "expm",
                   "ns per sample and gradient on one thread, over these sizes: %.1f to %.1f; recorded for "
                   "SimpleChains.jl 0.4.8 on an AMD EPYC (Zen 5): 41 to 50 in cache, 60 at n = 10000",
                   range.least, range.most);
    }
}

void expm_time_sizes(bench *b) {
    const size_t n_size = b->quick ? N_SIZE_QUICK : N_SIZE;
    size_t most = 0;
    for (size_t i = 0; i < n_size; i++) {
        char shape[64];
        most = bench_wanted(b, "expm", shape_of(sizes[i], sizeof shape, shape)) ? sizes[i] : most;
    }
    if (most == 0) {
        return;
    }
    exponential_pairs pairs;
    expm_job jobs[MAX_THREAD] = {{.call = expm_model_gradient}, {.call = expm_model_gradient}};
    costate_random random = costate_random_seed(SEED, 0);
    costate_status status = exponential_pairs_draw(most, &random, &pairs);
    for (size_t t = 0; t < MAX_THREAD && status == COSTATE_OK; t++) {
        status = expm_model_create(t + 1, SEED, &jobs[t].model);
    }
    if (status == COSTATE_OK) {
        time_sizes(b, &pairs, jobs);
    } else {
        bench_fail(b, "expm: %s", costate_status_message(status));
    }
    for (size_t t = 0; t < MAX_THREAD; t++) {
        expm_model_destroy(&jobs[t].model);
    }
    exponential_pairs_free(&pairs);
}
