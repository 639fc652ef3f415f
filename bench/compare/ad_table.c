/* SPDX-License-Identifier: MIT */
/* What a gradient costs next to its function: fused kernels, a vector tape, a scalar graph, dual numbers, PyTorch. */
#include "compare/comparison.h"
#include "compare/ad_table_peer.h"
#include "compare/ad_table_route.h"

#include <math.h>
#include <stdlib.h>

enum { N_ROUTE = 5, MAX_INPUT = 784, N_LOG_SUM_EXP = 100 };

#define TOLERANCE 1e-9

/* The first that takes a task is what the others are compared with. */
static const ad_table_route *const routes[N_ROUTE] = {&ad_table_fused, &ad_table_by_hand, &ad_table_tape,
                                                      &ad_table_graph, &ad_table_dual};

static const ad_table_task tasks[] = {
    {.shape = "SYNTHETIC sin(cos x)", .function = AD_TABLE_SIN_COS, .n_x = 1},
    {.shape = "SYNTHETIC r *= sin x 500 times", .function = AD_TABLE_LOOP, .n_x = 1},
    {.shape = "SYNTHETIC log-sum-exp of 100", .function = AD_TABLE_LOG_SUM_EXP, .n_x = N_LOG_SUM_EXP},
    {.shape = "SYNTHETIC logistic regression 10x784 one sample",
     .function = AD_TABLE_NETWORK,
     .n_layer = 1,
     .width = {784, 10},
     .n_x = 7850},
    {.shape = "SYNTHETIC softmax network 784-32-10 relu one sample",
     .function = AD_TABLE_NETWORK,
     .n_layer = 2,
     .width = {784, 32, 10},
     .n_x = 25450},
    {.shape = "SYNTHETIC softmax network 784-128-10 relu one sample",
     .function = AD_TABLE_NETWORK,
     .n_layer = 2,
     .width = {784, 128, 10},
     .n_x = 101770},
};
enum { N_TASK = sizeof tasks / sizeof *tasks };

/* A route at work on a task; its two passes are timed as two cases. */
typedef struct job {
    const ad_table_route *route;
    void *state;
    double value;
} job;

static void run_primal(void *ctx, size_t n) {
    job *j = ctx;
    for (size_t i = 0; i < n; i++) {
        j->value = j->route->primal(j->state);
    }
}

static void run_gradient(void *ctx, size_t n) {
    job *j = ctx;
    for (size_t i = 0; i < n; i++) {
        j->value = j->route->gradient(j->state);
    }
}

/* The numbers that the peer draws, too. */
static void fill(const ad_table_task *task, double *x, double *sample) {
    for (size_t k = 0; k < task->n_x; k++) {
        switch (task->function) {
        case AD_TABLE_SIN_COS: x[k] = 0.7; break;
        case AD_TABLE_LOOP: x[k] = 1.5; break;
        case AD_TABLE_LOG_SUM_EXP: x[k] = 2.0 * sin(1.0 + 0.7 * (double)k); break;
        default: x[k] = 0.1 * sin(1.0 + 0.7 * (double)k); break;
        }
    }
    for (size_t i = 0; i < MAX_INPUT; i++) {
        sample[i] = 0.5 + 0.5 * cos(0.3 * (double)i);
    }
}

static bool agrees(bench *b, const ad_table_task *task, const char *variant, double error, double value_error) {
    if (error <= TOLERANCE && value_error <= TOLERANCE) {
        return true;
    }
    bench_fail(b, "ad-table %s: %s differs by %.2e in the gradient and by %.2e in the value", task->shape, variant,
               error, value_error);
    return false;
}

/* Value and gradient of the first job become the reference; the others have to agree with them. */
static bool verify(bench *b, const ad_table_task *task, job *jobs, size_t n_job, double *gradient, double *reference) {
    for (size_t i = 0; i < n_job; i++) {
        run_primal(&jobs[i], 1);
        const double primal = jobs[i].value;
        run_gradient(&jobs[i], 1);
        jobs[i].route->read(jobs[i].state, i == 0 ? reference : gradient);
        const double error = bench_difference(task->n_x, i == 0 ? reference : gradient, reference);
        const double value_error =
            fmax(bench_difference(1, &primal, &jobs[0].value), bench_difference(1, &jobs[i].value, &jobs[0].value));
        if (!agrees(b, task, jobs[i].route->variant, error, value_error)) {
            return false;
        }
    }
    return true;
}

/* Prints a line, and writes what the harness does not: the primal time and the ratio. */
static void report(bench *b, const ad_table_task *task, const char *variant, double primal, double gradient,
                   double first) {
    char text[2][16];
    printf("  %-24s %11s %11s %16.2f %12.3g\n", variant, bench_format_seconds(primal, primal, text[0]),
           bench_format_seconds(gradient, gradient, text[1]), gradient / primal, first / gradient);
    bench_row(b, "ad-table", task->shape, variant, 1e9 * primal, "ns_primal");
    bench_row(b, "ad-table", task->shape, variant, gradient / primal, "gradient/primal");
}

static void report_peer(bench *b, const ad_table_task *task, const ad_table_peer_result *peer, double value,
                        const double *reference, double first) {
    const double projection = ad_table_projection(task->n_x, reference);
    if (agrees(b, task, peer->variant, bench_difference(1, &peer->projection, &projection),
               bench_difference(1, &peer->value, &value))) {
        bench_row(b, "ad-table", task->shape, peer->variant, 1e9 * peer->gradient, "ns");
        report(b, task, peer->variant, peer->primal, peer->gradient, first);
    }
}

static void measure(bench *b, const ad_table_task *task, job *jobs, size_t n_job, const ad_table_peer_result *peer,
                    const double *reference) {
    bench_case cases[2 * N_ROUTE];
    const double value = jobs[0].value;
    for (size_t i = 0; i < n_job; i++) {
        const char *variant = jobs[i].route->variant;
        cases[2 * i] = (bench_case){.variant = variant, .run = run_primal, .ctx = &jobs[i]};
        cases[2 * i + 1] = (bench_case){.variant = variant, .run = run_gradient, .ctx = &jobs[i]};
    }
    if (!bench_time_cases(b, cases, 2 * n_job)) {
        return;
    }
    const double first = cases[1].time.median;
    printf("\nad-table %s\n  %-24s %11s %11s %16s %12s\n", task->shape, "variant", "primal", "gradient",
           "gradient/primal", "first/this");
    for (size_t i = 0; i < n_job; i++) {
        bench_time_rows(b, "ad-table", task->shape, &cases[2 * i + 1], 1);
        report(b, task, jobs[i].route->variant, cases[2 * i].time.median, cases[2 * i + 1].time.median, first);
    }
    if (peer->gradient > 0.0) {
        report_peer(b, task, peer, value, reference, first);
    }
}

static void run_task(bench *b, const ad_table_task *asked, const ad_table_peer_result *peer, double *block) {
    double sample[MAX_INPUT];
    ad_table_task task = *asked;
    fill(&task, block, sample);
    task.x = block;
    task.sample = sample;
    task.label = 3;
    job jobs[N_ROUTE];
    size_t n_job = 0;
    bool ok = true;
    for (size_t i = 0; i < N_ROUTE; i++) {
        if (routes[i]->takes(&task)) {
            jobs[n_job] = (job){.route = routes[i], .state = routes[i]->create(&task)};
            ok = ok && jobs[n_job++].state;
        }
    }
    if (!ok) {
        bench_fail(b, "ad-table %s: no memory", task.shape);
    } else if (verify(b, &task, jobs, n_job, block + task.n_x, block + 2 * task.n_x)) {
        measure(b, &task, jobs, n_job, peer, block + 2 * task.n_x);
    }
    for (size_t i = 0; i < n_job; i++) {
        jobs[i].route->destroy(jobs[i].state);
    }
}

void compare_ad_table(bench *b, const compare_options *options) {
    const ad_table_task *wanted[N_TASK];
    ad_table_peer_result peers[N_TASK] = {{0}};
    size_t n = 0;
    size_t n_x = 0;
    for (size_t i = 0; i < N_TASK; i++) {
        if (bench_wanted(b, "ad-table", tasks[i].shape)) {
            wanted[n] = &tasks[i];
            peers[n++].shape = tasks[i].shape;
            n_x = tasks[i].n_x > n_x ? tasks[i].n_x : n_x;
        }
    }
    if (n == 0) {
        return;
    }
    double *block = malloc(3 * n_x * sizeof *block);
    if (!block) {
        bench_fail(b, "ad-table: no memory");
        return;
    }
    if (!options->no_peers) {
        ad_table_peer_run(b, n, peers);
    }
    for (size_t i = 0; i < n; i++) {
        run_task(b, wanted[i], &peers[i], block);
    }
    bench_note(b, "ad-table", "times are those of a value with its gradient; the primal is the value alone");
    free(block);
}
