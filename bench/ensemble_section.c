/* SPDX-License-Identifier: MIT */
/* Many short trajectories: lanes against one at a time, threads, and numbers of trajectories. */
#include "gradient_sections.h"

#include "ensemble_case.h"
#include "peer_script.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

#define N_ELEMENT(array) (sizeof(array) / sizeof *(array))
#define REFERENCE_RTOL 1e-11
#define ERROR_PER_RTOL 1e3
#define MAX_CASE 12

/* Positions in ensemble_run.cases; those with more threads follow. */
enum { LOOP, SCALAR, LANES, LANES_SOLVE, ADAMS, N_FIXED };

typedef struct ensemble_run {
    bench *b;
    char shape[48];
    double rtol;
    double loss; /* of the reference */
    double norm; /* of the reference's gradient with respect to the parameters */
    size_t n_case;
    ensemble_case cases[MAX_CASE];
    bench_case timed[MAX_CASE];
} ensemble_run;

/* What is run. */
typedef struct ensemble_size {
    size_t n;
    double rtol;
    bool threads; /* also with more threads, and the peers */
    bool in_quick;
} ensemble_size;

static const ensemble_size sizes[] = {
    {100, 1e-6, false, true}, {1000, 1e-6, false, true}, {10000, 1e-6, true, false}, {10000, 1e-3, true, false}};

static double norm(size_t n, const double *a) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i] * a[i];
    }
    return sqrt(sum);
}

static bool create_cases(ensemble_run *run, const short_trajectories *set, bool threads) {
    ensemble_case *c = run->cases;
    bool ok = ensemble_case_create_loop(set, COSTATE_METHOD_TSIT5, run->rtol, &c[LOOP]) &&
              ensemble_case_create(set, run->rtol, false, 1, false, &c[SCALAR]) &&
              ensemble_case_create(set, run->rtol, true, 1, false, &c[LANES]) &&
              ensemble_case_create(set, run->rtol, true, 1, true, &c[LANES_SOLVE]) &&
              ensemble_case_create_loop(set, COSTATE_METHOD_ADAMS, run->rtol, &c[ADAMS]);
    run->n_case = N_FIXED;
    const long n_core = sysconf(_SC_NPROCESSORS_ONLN);
    for (size_t n = 2; ok && threads && (long)n <= n_core && run->n_case + 2 <= MAX_CASE; n *= 2) {
        ok = ensemble_case_create(set, run->rtol, false, n, false, &c[run->n_case++]) &&
             ensemble_case_create(set, run->rtol, true, n, false, &c[run->n_case++]);
    }
    return ok;
}

/* The largest element-wise difference, relative to the largest element. */
static bool verify_case(ensemble_run *run, ensemble_case *c, const ensemble_case *reference) {
    ensemble_case_run(c, 1);
    if (c->failed) {
        bench_fail(run->b, "%s: %s failed: %s", run->shape, c->variant, ensemble_case_detail(c));
        return false;
    }
    const size_t n = TRAJECTORY_N_P + c->set->n;
    const double error = c->solve_only ? fabs(c->loss / reference->loss - 1.0)
                                       : fmax(bench_difference(TRAJECTORY_N_P, c->gradient, reference->gradient),
                                              bench_difference(n, c->gradient, reference->gradient));
    bench_row(run->b, "ensemble", run->shape, c->variant, error, "relative_error");
    if (error <= ERROR_PER_RTOL * run->rtol) {
        return true;
    }
    bench_fail(run->b, "%s: %s has relative error %.2e (allowed: %.0e rtol)", run->shape, c->variant, error,
               ERROR_PER_RTOL);
    return false;
}

static bool verify(ensemble_run *run, const short_trajectories *set) {
    ensemble_case reference;
    if (!ensemble_case_create_loop(set, COSTATE_METHOD_ADAMS, REFERENCE_RTOL, &reference)) {
        bench_fail(run->b, "%s: the reference could not be created", run->shape);
        return false;
    }
    ensemble_case_run(&reference, 1);
    bool ok = !reference.failed;
    if (!ok) {
        bench_fail(run->b, "%s: the reference failed: %s", run->shape, ensemble_case_detail(&reference));
    }
    run->loss = reference.loss;
    run->norm = norm(TRAJECTORY_N_P, reference.gradient);
    for (size_t i = 0; ok && i < run->n_case; i++) {
        ok = verify_case(run, &run->cases[i], &reference);
    }
    ensemble_case_destroy(&reference);
    return ok;
}

static void report_ratio(ensemble_run *run, const char *what, double ratio) {
    printf("  %s: %.2f x\n", what, ratio);
    bench_row(run->b, "ensemble ratio", run->shape, what, ratio, "ratio");
}

static void report(ensemble_run *run, size_t n_trajectory) {
    const bench_case *t = run->timed;
    bench_print_times("ensemble", run->shape, t, run->n_case);
    for (size_t i = 0; i < run->n_case; i++) {
        bench_row(run->b, "ensemble", run->shape, t[i].variant, 1e9 * t[i].time.median / (double)n_trajectory,
                  "ns_per_trajectory");
    }
    report_ratio(run, "one at a time / by lanes on one thread", t[LOOP].time.median / t[LANES].time.median);
    report_ratio(run, "by lanes: gradient / solve", t[LANES].time.median / t[LANES_SOLVE].time.median);
    for (size_t i = N_FIXED; i < run->n_case; i++) {
        char what[96];
        const bench_case *one = &t[i % 2 == N_FIXED % 2 ? SCALAR : LANES];
        snprintf(what, sizeof what, "%s / %s", one->variant, t[i].variant);
        report_ratio(run, what, one->time.median / t[i].time.median);
    }
}

/* A peer writes a tolerance's loss and gradient norm before its time. */
static void take_row(const peer_row *row, void *ctx) {
    ensemble_run *run = ctx;
    const bool is_loss = strcmp(row->unit, "loss") == 0;
    if (is_loss || strcmp(row->unit, "gradient_norm") == 0) {
        const double error = fabs(row->value / (is_loss ? run->loss : run->norm) - 1.0);
        if (!(error <= ERROR_PER_RTOL * run->rtol)) {
            bench_fail(run->b, "%s: the %s of %s is off by %.2e", run->shape, row->unit, row->variant, error);
        }
    } else if (strcmp(row->unit, "ns") == 0) {
        char what[128];
        snprintf(what, sizeof what, "%s / by lanes on one thread", row->variant);
        report_ratio(run, what, 1e-9 * row->value / run->timed[LANES].time.median);
    }
}

static void run_peers(ensemble_run *run, size_t n_trajectory) {
    char n[24];
    char rtol[24];
    snprintf(n, sizeof n, "%zu", n_trajectory);
    snprintf(rtol, sizeof rtol, "%.0e", run->rtol);
    const char *const arguments[] = {"--trajectories", n, "--rtol", rtol, "--shape", run->shape, NULL};
    peer_script_run(run->b, "ensemble_diffrax.py", "ensemble", arguments, take_row, run);
}

/* Seconds per trajectory by lanes and one at a time; false if nothing was timed. */
static bool run_size(bench *b, const ensemble_size *size, bool with_peers, double *per_trajectory) {
    ensemble_run run = {.b = b, .rtol = size->rtol};
    short_trajectories set;
    snprintf(run.shape, sizeof run.shape, "net-1-5-1-%zu rtol=%.0e", size->n, size->rtol);
    if (!bench_wanted(b, "ensemble", run.shape)) {
        return false;
    }
    if (!short_trajectories_create(size->n, &set)) {
        bench_fail(b, "%s: the trajectories could not be created", run.shape);
        return false;
    }
    bool ok = create_cases(&run, &set, size->threads);
    if (!ok) {
        bench_fail(b, "%s: solvers could not be created", run.shape);
    }
    ok = ok && verify(&run, &set);
    for (size_t i = 0; ok && i < run.n_case; i++) {
        run.timed[i] = (bench_case){.variant = run.cases[i].variant, .run = ensemble_case_run, .ctx = &run.cases[i]};
    }
    ok = ok && bench_measure(b, "ensemble", run.shape, run.timed, run.n_case);
    if (ok) {
        report(&run, size->n);
        per_trajectory[0] = run.timed[LANES].time.median / (double)size->n;
        per_trajectory[1] = run.timed[LOOP].time.median / (double)size->n;
        if (with_peers && size->threads) {
            run_peers(&run, size->n);
        }
    }
    for (size_t i = 0; i < run.n_case; i++) {
        ensemble_case_destroy(&run.cases[i]);
    }
    short_trajectories_destroy(&set);
    return ok;
}

void ensemble_section(bench *b, bool with_peers) {
    char text[2][16];
    bool timed[N_ELEMENT(sizes)] = {false};
    double per_trajectory[N_ELEMENT(sizes)][2];
    for (size_t i = 0; i < N_ELEMENT(sizes); i++) {
        timed[i] = (!b->quick || sizes[i].in_quick) && run_size(b, &sizes[i], with_peers, per_trajectory[i]);
    }
    for (size_t i = 0; i < N_ELEMENT(sizes); i++) {
        if (timed[i]) {
            printf("%s  %5zu trajectories rtol %.0e: %s each by lanes, %s one at a time\n", i == 0 ? "\n" : "",
                   sizes[i].n, sizes[i].rtol, bench_format_seconds(per_trajectory[i][0], per_trajectory[i][0], text[0]),
                   bench_format_seconds(per_trajectory[i][1], per_trajectory[i][1], text[1]));
        }
    }
}
