/* SPDX-License-Identifier: MIT */
/* Steps of training over all pairs, beside the same step in PyTorch and the peak of the cores. */
#include "compare/expm_groups.h"
#include "compare/fma_peak.h"

#include "peer_script.h"
#include <math.h>
#include <string.h>

enum { MAX_THREAD = 2, N_CASE = 2 * MAX_THREAD, MAX_PEER = 4, SEED = 1 };

/* The seconds are for one core and two of a machine like that of the recorded figures. */
static const double goal_seconds[MAX_THREAD] = {400e-6, 210e-6};
#define GOAL_PEAK 0.55
#define GOAL_PEER 6.5

static const char shape[] = "SYNTHETIC step " EXPM_WIDTHS " f32 n=10000";

/* Case 2 t is the step on t + 1 threads, case 2 t + 1 the multiply-adds on as many. */
typedef struct step_group {
    size_t n;
    expm_job jobs[MAX_THREAD];
    fma_peak peaks[MAX_THREAD];
    bench_case cases[N_CASE];
    size_t n_peer;
    struct {
        char variant[64];
        double seconds;
    } peers[MAX_PEER];
} step_group;

static double flops(const step_group *g, size_t t) { return EXPM_FLOP * (double)g->n / g->cases[2 * t].time.median; }

/* Of the fastest round: what disturbs a round lowers the peak. */
static double peak(const step_group *g, size_t t) { return fma_peak_flop(&g->peaks[t]) / g->cases[2 * t + 1].time.min; }

static costate_status create(const exponential_pairs *pairs, step_group *g) {
    static const char *const variants[N_CASE] = {"1 thread", "multiply-adds alone 1 thread", "2 threads",
                                                 "multiply-adds alone 2 threads"};
    *g = (step_group){.n = pairs->n};
    for (size_t t = 0; t < MAX_THREAD; t++) {
        g->jobs[t].batch = expm_batch(pairs, pairs->n);
        g->jobs[t].call = expm_model_step;
        const costate_status status = expm_model_create(t + 1, SEED, &g->jobs[t].model);
        if (status != COSTATE_OK || !fma_peak_create(t + 1, &g->peaks[t])) {
            return status == COSTATE_OK ? COSTATE_ERR_MEMORY : status;
        }
        g->cases[2 * t] = (bench_case){.variant = variants[2 * t], .run = expm_job_run, .ctx = &g->jobs[t]};
        g->cases[2 * t + 1] = (bench_case){.variant = variants[2 * t + 1], .run = fma_peak_run, .ctx = &g->peaks[t]};
    }
    return COSTATE_OK;
}

static void destroy(step_group *g) {
    for (size_t t = 0; t < MAX_THREAD; t++) {
        expm_model_destroy(&g->jobs[t].model);
        fma_peak_destroy(&g->peaks[t]);
    }
}

static void take_peer(const peer_row *row, void *ctx) {
    step_group *g = ctx;
    if (g->n_peer < MAX_PEER && strcmp(row->unit, "ns") == 0) {
        snprintf(g->peers[g->n_peer].variant, sizeof g->peers[0].variant, "%s", row->variant);
        g->peers[g->n_peer++].seconds = 1e-9 * row->value;
    }
}

static void run_peer(bench *b, const compare_options *options, step_group *g) {
    if (b->quick || options->no_peers) {
        printf("\n# skipped: PyTorch (%s)\n", b->quick ? "--quick" : "--no-peers");
        return;
    }
    char pairs[24];
    snprintf(pairs, sizeof pairs, "%zu", g->n);
    const char *const arguments[] = {"--shape", shape, "--pairs", pairs, NULL};
    peer_script_run(b, "expm.py", "expm", arguments, take_peer, g);
}

static void write_rows(bench *b, const step_group *g) {
    for (size_t t = 0; t < MAX_THREAD; t++) {
        const char *variant = g->cases[2 * t].variant;
        bench_time_rows(b, "expm", shape, &g->cases[2 * t], 1);
        bench_row(b, "expm", shape, variant, 1e-9 * flops(g, t), "GFLOP/s");
        bench_row(b, "expm", shape, variant, 100.0 * flops(g, t) / peak(g, t), "percent_of_peak");
        bench_row(b, "expm", shape, g->cases[2 * t + 1].variant, 1e-9 * peak(g, t), "GFLOP/s_peak");
    }
}

static void print_step(const step_group *g, const char *variant, double seconds, const char *share) {
    char text[16];
    printf("  %-32s %11s %10.1f %10.1f %10s %10.3f\n", variant, bench_format_seconds(seconds, seconds, text),
           1e9 * seconds / (double)g->n, 1e-9 * EXPM_FLOP * (double)g->n / seconds, share,
           g->cases[0].time.median / seconds);
}

static void print_table(const step_group *g) {
    printf("\nexpm %s, loss, gradient and Adam, %g flop per sample\n  %-32s %11s %10s %10s %10s %10s\n", shape,
           EXPM_FLOP, "variant", "step", "ns/sample", "GFLOP/s", "% of peak", "first/this");
    for (size_t t = 0; t < MAX_THREAD; t++) {
        char share[16];
        snprintf(share, sizeof share, "%.1f", 100.0 * flops(g, t) / peak(g, t));
        print_step(g, g->cases[2 * t].variant, g->cases[2 * t].time.median, share);
    }
    for (size_t t = 0; t < MAX_THREAD; t++) {
        printf("  %-32s %11s %10s %10.1f %10s %10s\n", g->cases[2 * t + 1].variant, "-", "-", 1e-9 * peak(g, t), "100",
               "-");
    }
    for (size_t i = 0; i < g->n_peer; i++) {
        print_step(g, g->peers[i].variant, g->peers[i].seconds, "-");
    }
}

static void print_goals(bench *b, const step_group *g) {
    const double share = flops(g, 0) / peak(g, 0);
    bench_note(b, "expm",
               "recorded on one core of an AMD EPYC (Zen 5), step: SimpleChains.jl 0.4.8 585 us (258 us on two "
               "threads), PyTorch 1.13 2600 to 2900 us");
    if (b->quick) {
        return;
    }
    for (size_t t = 0; t < MAX_THREAD; t++) {
        const double seconds = g->cases[2 * t].time.median;
        bench_note(b, "expm", "goal <= %.0f us for a step on %s of an AMD EPYC (Zen 5): here %.0f us, %s",
                   1e6 * goal_seconds[t], g->cases[2 * t].variant, 1e6 * seconds,
                   bench_verdict(seconds <= goal_seconds[t]));
    }
    bench_note(b, "expm", "goal >= %.0f %% of the multiply-add peak on 1 thread: %.1f %%, %s", 100.0 * GOAL_PEAK,
               100.0 * share, bench_verdict(share >= GOAL_PEAK));
    if (g->n_peer > 0) {
        const double ratio = g->peers[0].seconds / g->cases[0].time.median;
        bench_note(b, "expm", "goal >= %.1f times %s: %.2f times, %s", GOAL_PEER, g->peers[0].variant, ratio,
                   bench_verdict(ratio >= GOAL_PEER));
    }
}

static void run(bench *b, const compare_options *options, step_group *g) {
    if (!bench_time_cases(b, g->cases, N_CASE)) {
        return;
    }
    for (size_t t = 0; t < MAX_THREAD; t++) {
        if (g->jobs[t].status != COSTATE_OK) {
            bench_fail(b, "expm: a step failed: %s", costate_status_message(g->jobs[t].status));
            return;
        }
    }
    write_rows(b, g);
    run_peer(b, options, g);
    print_table(g);
    print_goals(b, g);
}

void expm_time_steps(bench *b, const compare_options *options, const exponential_pairs *pairs) {
    if (!bench_wanted(b, "expm", shape)) {
        return;
    }
    step_group g;
    const costate_status status = create(pairs, &g);
    if (status == COSTATE_OK) {
        run(b, options, &g);
    } else {
        bench_fail(b, "expm: %s", costate_status_message(status));
    }
    destroy(&g);
}
