/* SPDX-License-Identifier: MIT */
/* From the start of a process to its first gradient. */
#include "compare/comparison.h"

#include <spawn.h>
#include <sys/wait.h>

#define GOAL_SECONDS 0.01

extern char **environ;

typedef struct process_job {
    const char *net;
    const char *mode;
    bool failed;
} process_job;

static const struct {
    const char *net;
    const char *shape;
} groups[] = {{"expm", "SYNTHETIC expm 4-32-16-4 f32 n=10000"}, {"lenet5", "SYNTHETIC lenet5 f32 n=128"}};

/* Starts the program, waits for its end. */
static bool run_process(const char *net, const char *mode) {
    char program[] = BENCH_FIRST_GRADIENT;
    char arguments[2][16];
    snprintf(arguments[0], sizeof arguments[0], "%s", net);
    snprintf(arguments[1], sizeof arguments[1], "%s", mode);
    char *const all[] = {program, arguments[0], arguments[1], NULL};
    pid_t child;
    int status = 0;
    return posix_spawn(&child, program, NULL, NULL, all, environ) == 0 && waitpid(child, &status, 0) == child &&
           WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void run_job(void *ctx, size_t n) {
    process_job *job = ctx;
    for (size_t i = 0; i < n; i++) {
        if (!run_process(job->net, job->mode)) {
            job->failed = true;
        }
    }
}

static void run_group(bench *b, const char *net, const char *shape) {
    if (!run_process(net, "check")) {
        bench_fail(b, "latency: %s %s does not exist or its gradient is wrong", BENCH_FIRST_GRADIENT, net);
        return;
    }
    process_job nothing = {.net = net, .mode = "none"};
    process_job gradient = {.net = net, .mode = "run"};
    bench_case cases[] = {{.variant = "process that does nothing", .run = run_job, .ctx = &nothing},
                          {.variant = "process with one gradient", .run = run_job, .ctx = &gradient}};
    if (bench_measure(b, "latency", shape, cases, 2)) {
        bench_print_times("latency", shape, cases, 2);
    }
    if (cases[1].time.median > 0.0 && !b->quick) {
        bench_note(b, "latency", "goal < %.0f ms for %s: %.2f ms, %s", 1e3 * GOAL_SECONDS, net,
                   1e3 * cases[1].time.median, bench_verdict(cases[1].time.median < GOAL_SECONDS));
    }
    if (nothing.failed || gradient.failed) {
        bench_fail(b, "latency: a process failed while it was timed");
    }
}

void compare_latency(bench *b, const compare_options *options) {
    (void)options;
    bool any = false;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (bench_wanted(b, "latency", groups[i].shape)) {
            run_group(b, groups[i].net, groups[i].shape);
            any = true;
        }
    }
    if (any) {
        bench_note(b, "latency", "published for peers that compile on the first call, their machines: 5 to 41 s");
    }
}
