/* SPDX-License-Identifier: MIT */
/* The spiral gradient by costate beside stock CVODES and Python libraries, over tolerances and parameter counts. */
#include "gradient_run.h"
#include "peers.h"

/* Ours at this tolerance stands for the problem in the table of parameter counts. */
#define SUMMARY_RTOL 1e-6

static const gradient_rtols full_rtols = {
    6, {1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8}, 9, {1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10}};
static const gradient_rtols scaling_rtols = {
    3, {1e-4, 1e-6, 1e-8}, 9, {1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10}};
static const gradient_rtols quick_rtols = {2, {1e-3, 1e-6}, 3, {1e-2, 1e-5, 1e-8}};

/* A line of the closing table. */
typedef struct summary_line {
    char shape[48];
    double ours;
    double other;
    error_match match;
} summary_line;

typedef struct summary {
    size_t n;
    summary_line lines[8];
} summary;

static void summarise(const gradient_result *result, summary *s) {
    const gradient_curve *ours = &result->curves[0];
    for (size_t i = 0; i < ours->n; i++) {
        const error_point *point = &ours->points[i];
        if (point->rtol == SUMMARY_RTOL && s->n < sizeof s->lines / sizeof *s->lines) {
            summary_line *line = &s->lines[s->n++];
            snprintf(line->shape, sizeof line->shape, "%s", result->task->shape);
            line->ours = point->seconds;
            line->other =
                equal_error_seconds(result->curves[1].n, result->curves[1].points, point->error, &line->match);
        }
    }
}

static void print_summary(const summary *s) {
    if (s->n == 0) {
        return;
    }
    printf("\nby parameter count, costate at rtol %.0e and %s at the same error\n", SUMMARY_RTOL,
           gradient_method_name(GRADIENT_STOCK));
    for (size_t i = 0; i < s->n; i++) {
        const summary_line *line = &s->lines[i];
        char text[2][16];
        const char *bound = line->match == ERROR_MATCH_AT_LEAST  ? ">= "
                            : line->match == ERROR_MATCH_AT_MOST ? "<= "
                                                                 : "";
        printf("  %-24s %11s %11s  %s%.1f x\n", line->shape, bench_format_seconds(line->ours, line->ours, text[0]),
               bench_format_seconds(line->other, line->other, text[1]), bound, line->other / line->ours);
    }
}

static void bench_task(bench *b, const spiral *problem, bool terminal, const gradient_rtols *rtols, bool with_peers,
                       summary *s) {
    char shape[48];
    gradient_result result;
    snprintf(shape, sizeof shape, "spiral-%zu-%s", problem->n_p, terminal ? "terminal" : "obs30");
    const spiral_task task = {
        .problem = problem, .shape = shape, .first = terminal ? SPIRAL_N_T - 1 : 0, .n_t = terminal ? 1 : SPIRAL_N_T};
    if (!bench_wanted(b, "gradient", shape) || !gradient_run(b, &task, rtols, &result)) {
        return;
    }
    if (with_peers) {
        peers_run(b, terminal ? "terminal" : "obs30", rtols, &result);
    }
    gradient_report_equal_error(b, &result);
    summarise(&result, s);
}

int main(int argc, char **argv) {
    static const char about[] = "Times the gradient of the spiral neural ODE (2 -> hidden tanh -> 2 on y^3) with 30 "
                                "observations and with the last one only, for 252, 1002 and\n"
                                "5002 parameters, beside the stock CVODES adjoint with its quadrature over all "
                                "parameters and, for 252, Python peers (bench/peers). The error is\n"
                                "that of the whole gradient, |g - reference| / |reference|, and every gradient is "
                                "checked against the reference before it is timed.";
    bool no_peers = false;
    const bench_switch switches[] = {{"--no-peers", "do not run the Python peers (--quick implies it)", &no_peers},
                                     {0}};
    bench b;
    const bench_start start = bench_begin(&b, argc, argv, about, switches);
    if (start != BENCH_RUN) {
        return start == BENCH_DONE ? 0 : 2;
    }
    static const size_t hidden[] = {50, 200, 1000};
    summary s = {0};
    for (size_t i = 0; i < (b.quick ? 2 : 3); i++) {
        spiral problem;
        if (!spiral_create(hidden[i], &problem)) {
            bench_fail(&b, "the spiral problem with %zu hidden units could not be created", hidden[i]);
            continue;
        }
        const gradient_rtols *rtols = b.quick ? &quick_rtols : i == 0 ? &full_rtols : &scaling_rtols;
        const bool with_peers = i == 0 && !b.quick && !no_peers;
        bench_task(&b, &problem, false, rtols, with_peers, &s);
        bench_task(&b, &problem, true, rtols, with_peers, &s);
        spiral_destroy(&problem);
    }
    if (b.quick && !no_peers) {
        printf("\n# skipped: the Python peers (--quick)\n");
    }
    print_summary(&s);
    return bench_end(&b);
}
