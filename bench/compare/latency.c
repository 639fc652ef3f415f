/* SPDX-License-Identifier: MIT */
/* From the start of a process to its first gradient. */
#include "compare/comparison.h"

#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

typedef struct process_job {
    const char *mode;
    bool failed;
} process_job;

/* Starts the program, waits for its end. */
static bool run_process(const char *mode) {
    char program[] = BENCH_FIRST_GRADIENT;
    char argument[16];
    snprintf(argument, sizeof argument, "%s", mode);
    char *const arguments[] = {program, argument, NULL};
    pid_t child;
    int status = 0;
    return posix_spawn(&child, program, NULL, NULL, arguments, environ) == 0 && waitpid(child, &status, 0) == child &&
           WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void run_job(void *ctx, size_t n) {
    process_job *job = ctx;
    for (size_t i = 0; i < n; i++) {
        if (!run_process(job->mode)) {
            job->failed = true;
        }
    }
}

void compare_latency(bench *b, const compare_options *options) {
    static const char shape[] = "SYNTHETIC expm 4-32-16-4 f32 n=10000";
    (void)options;
    if (!bench_wanted(b, "latency", shape)) {
        return;
    }
    if (!run_process("check")) {
        bench_fail(b, "latency: %s does not exist or its gradient is wrong", BENCH_FIRST_GRADIENT);
        return;
    }
    process_job nothing = {.mode = "none"};
    process_job gradient = {.mode = "run"};
    bench_case cases[] = {{.variant = "process that does nothing", .run = run_job, .ctx = &nothing},
                          {.variant = "process with one gradient", .run = run_job, .ctx = &gradient}};
    if (bench_measure(b, "latency", shape, cases, 2)) {
        bench_print_times("latency", shape, cases, 2);
        printf("# published for peers that compile on the first call: 5 to 41 s, their machines\n");
    }
    if (nothing.failed || gradient.failed) {
        bench_fail(b, "latency: a process failed while it was timed");
    }
}
