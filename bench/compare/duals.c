/* SPDX-License-Identifier: MIT */
/* Gradients of many variables: dual numbers with 1 to 8 partials against reverse mode, verified by hand-made gradients. */
#include "compare/comparison.h"
#include "compare/test_functions.h"

#include <costate/random.h>
#include <stdlib.h>

enum { N_CASE = 8, N_FULL = 12000, N_QUICK = 333, SEED = 5 };

#define TOLERANCE 1e-11

/* Reverse mode where `by_graph` is set. */
typedef struct gradient_job {
    const char *variant;
    test_gradient *gradient_of;
    test_graph_gradient *by_graph;
    ad_graph *graph;
    size_t n;
    const double *x;
    double *gradient;
    double value;
} gradient_job;

static void run_job(void *ctx, size_t n) {
    gradient_job *job = ctx;
    for (size_t i = 0; i < n; i++) {
        job->value = job->by_graph ? job->by_graph(job->graph, job->n, job->x, job->gradient)
                                   : job->gradient_of(job->n, job->x, job->gradient);
    }
}

static bool verify(bench *b, const char *shape, gradient_job *job, double expected_value, const double *expected) {
    run_job(job, 1);
    const double error = bench_difference(job->n, job->gradient, expected);
    const double value_error = bench_difference(1, &job->value, &expected_value);
    if (error <= TOLERANCE && value_error <= TOLERANCE) {
        return true;
    }
    bench_fail(b, "duals %s: %s differs from the gradient by hand by %.2e, in value by %.2e", shape, job->variant,
               error, value_error);
    return false;
}

static void run_group(bench *b, const char *shape, gradient_job *jobs, test_gradient *by_hand, size_t n,
                      double *block) {
    double *x = block;
    costate_random random = costate_random_seed(SEED, 0);
    for (size_t i = 0; i < n; i++) {
        x[i] = 4.0 * costate_random_uniform(&random) - 2.0;
    }
    const double expected_value = by_hand(n, x, block + n);
    bench_case cases[N_CASE];
    for (size_t i = 0; i < N_CASE; i++) {
        jobs[i].n = n;
        jobs[i].x = x;
        jobs[i].gradient = block + 2 * n;
        if (!verify(b, shape, &jobs[i], expected_value, block + n)) {
            return;
        }
        cases[i] = (bench_case){.variant = jobs[i].variant, .run = run_job, .ctx = &jobs[i]};
    }
    if (bench_measure(b, "duals", shape, cases, N_CASE)) {
        bench_print_times("duals", shape, cases, N_CASE);
    }
}

#define JOBS(f, g)                                                                                                     \
    {                                                                                                                  \
        {.variant = "scalar graph (reverse)", .by_graph = f##_graph, .graph = (g)},                                    \
            {.variant = "dual 1", .gradient_of = f##_dual1}, {.variant = "dual 2", .gradient_of = f##_dual2},          \
            {.variant = "dual 3", .gradient_of = f##_dual3}, {.variant = "dual 4", .gradient_of = f##_dual4},          \
            {.variant = "dual 5", .gradient_of = f##_dual5}, {.variant = "dual 8", .gradient_of = f##_dual8},          \
            {.variant = "by hand", .gradient_of = f##_by_hand},                                                        \
    }

void compare_duals(bench *b, const compare_options *options) {
    (void)options;
    ad_graph graph = {0};
    gradient_job rosenbrock[N_CASE] = JOBS(rosenbrock, &graph);
    gradient_job ackley[N_CASE] = JOBS(ackley, &graph);
    const size_t n = b->quick ? N_QUICK : N_FULL;
    const struct {
        const char *name;
        gradient_job *jobs;
        test_gradient *by_hand;
    } groups[] = {{"rosenbrock", rosenbrock, rosenbrock_by_hand}, {"ackley", ackley, ackley_by_hand}};
    double *block = malloc(3 * n * sizeof *block);
    if (!block || !ad_graph_create(16 * n, &graph)) {
        bench_fail(b, "duals: no memory");
        free(block);
        return;
    }
    bool any = false;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        char shape[64];
        snprintf(shape, sizeof shape, "SYNTHETIC %s n=%zu", groups[i].name, n);
        if (bench_wanted(b, "duals", shape)) {
            run_group(b, shape, groups[i].jobs, groups[i].by_hand, n, block);
            any = true;
        }
    }
    if (any) {
        bench_note(b, "duals",
                   "quoted for n = 12000 and chunks of 1 to 5 on another machine, not checked against a source: C++ "
                   "2.67 to 1.25 s, ForwardDiff.jl (Revels, Lubin & Papamarkou, arXiv:1607.07892) 0.63 to 0.42 s; "
                   "compare only ratios between machines");
    }
    ad_graph_destroy(&graph);
    free(block);
}
