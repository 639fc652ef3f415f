/* SPDX-License-Identifier: MIT */
/* Comparison of timed gradients. */
#include "gradient_report.h"

/* Says which way a ratio outside the other's errors is only a bound. */
static const char *match_text(error_match match) {
    switch (match) {
    case ERROR_MATCH_AT_MOST: return "<=";
    case ERROR_MATCH_AT_LEAST: return ">=";
    case ERROR_MATCH_INTERPOLATED: break;
    }
    return "  ";
}

static const char *match_unit(error_match match) {
    switch (match) {
    case ERROR_MATCH_AT_MOST: return "ratio_at_most";
    case ERROR_MATCH_AT_LEAST: return "ratio_at_least";
    case ERROR_MATCH_INTERPOLATED: break;
    }
    return "ratio";
}

static void report_point(bench *b, const gradient_result *result, const gradient_curve *other,
                         const error_point *point) {
    const gradient_curve *ours = &result->curves[0];
    char variant[192];
    char text[16];
    error_match match;
    const double seconds = equal_error_seconds(other->n, other->points, point->error, &match);
    const double ratio = seconds / point->seconds;
    printf("    error %.1e (ours at rtol %.0e): %-34s %s %11s = %s %.2f x ours\n", point->error, point->rtol,
           other->name, match_text(match), bench_format_seconds(seconds, seconds, text), match_text(match), ratio);
    snprintf(variant, sizeof variant, "%s / %s at error of rtol=%.0e", other->name, ours->name, point->rtol);
    bench_row(b, "gradient equal error", result->task->shape, variant, ratio, match_unit(match));
}

void gradient_report_equal_error(bench *b, const gradient_result *result) {
    const gradient_curve *ours = &result->curves[0];
    printf("  at equal error, beside %s (time of the other, interpolated between its tolerances; >= and <= where ours "
           "lies outside them):\n",
           ours->name);
    for (size_t k = 1; k < result->n_curve; k++) {
        for (size_t i = 0; i < ours->n && result->curves[k].has_gradient; i++) {
            report_point(b, result, &result->curves[k], &ours->points[i]);
        }
    }
}

static void print_kernels(const rhs_kernel_times *kernels) {
    char text[6][16];
    const double values[] = {kernels->f,   kernels->f_keep,   kernels->f_chained,
                             kernels->vjp, kernels->vjp_kept, kernels->vjp_chained};
    for (size_t i = 0; i < 6; i++) {
        bench_format_seconds(values[i], values[i], text[i]);
    }
    printf("  right-hand side by itself: f %s, f_keep %s, chained %s; vjp %s, vjp_kept %s, chained %s\n", text[0],
           kernels->f_keep > 0.0 ? text[1] : "-", text[2], text[3], kernels->vjp_kept > 0.0 ? text[4] : "-", text[5]);
}

/* The variant ends in the tolerance, as that of the gradient does. */
static void part_row(bench *b, const gradient_result *result, const char *what, const char *name, double rtol,
                     double value) {
    char variant[160];
    snprintf(variant, sizeof variant, "%s: %s rtol=%.0e", name, what, rtol);
    bench_row(b, "gradient parts", result->task->shape, variant, value, "ratio");
}

static void report_parts_at(bench *b, gradient_result *result, const gradient_curve *ours, size_t i, double solve,
                            double plain) {
    const rhs_kernel_times *kernels = &result->kernels;
    const gradient_counts *n = &ours->counts[i];
    const double rtol = ours->points[i].rtol;
    const double total = ours->points[i].seconds;
    char text[3][16];
    printf("  rtol %.0e: solve %s + reverse %s = %s, %.2f x the solve", rtol,
           bench_format_seconds(solve, solve, text[0]), bench_format_seconds(total - solve, total - solve, text[1]),
           bench_format_seconds(total, total, text[2]), total / solve);
    part_row(b, result, "gradient / solve", ours->name, rtol, total / solve);
    if (plain > 0.0) {
        printf(", %.2f x without history", total / plain);
        part_row(b, result, "gradient / solve unrecorded", ours->name, rtol, total / plain);
    }
    if (kernels->f > 0.0) {
        const double n_f = (double)n->n_f;
        const double n_vjp = (double)(n->n_vjp_y + n->n_vjp_p);
        const bool kept = kernels->f_keep > 0.0;
        const double repeated =
            n_f * (kept ? kernels->f_keep : kernels->f) + n_vjp * (kept ? kernels->vjp_kept : kernels->vjp);
        const double chained = n_f * kernels->f_chained + n_vjp * kernels->vjp_chained;
        printf("; %zu f and %.0f VJPs: %.2f x them alone, %.2f x chained", n->n_f, n_vjp, total / repeated,
               total / chained);
        part_row(b, result, kept ? "gradient / (f_keep and vjp_kept alone)" : "gradient / (f and vjp alone)",
                 ours->name, rtol, total / repeated);
        part_row(b, result, "gradient / (the same chained)", ours->name, rtol, total / chained);
    }
    printf("\n");
}

void gradient_report_parts(bench *b, gradient_result *result, gradient_method ours, gradient_method solve,
                           const gradient_method *plain) {
    const gradient_curve *curve = gradient_find_curve(result, gradient_method_get(ours)->name);
    const gradient_curve *solves = gradient_find_curve(result, gradient_method_get(solve)->name);
    const gradient_curve *plains = plain ? gradient_find_curve(result, gradient_method_get(*plain)->name) : NULL;
    if (!curve || !solves) {
        return;
    }
    if (result->kernels.f > 0.0) {
        print_kernels(&result->kernels);
    }
    for (size_t i = 0; i < curve->n; i++) {
        const error_point *forward = gradient_find_point(solves, curve->points[i].rtol);
        const error_point *bare = gradient_find_point(plains, curve->points[i].rtol);
        if (forward) {
            report_parts_at(b, result, curve, i, forward->seconds, bare ? bare->seconds : 0.0);
        }
    }
}

void gradient_summarise(gradient_summary *summary, const gradient_result *result, int decade) {
    const gradient_curve *ours = &result->curves[0];
    const error_point *point = gradient_find_point(ours, gradient_rtol(decade));
    for (size_t k = 0; point && k < result->n_curve; k++) {
        const gradient_curve *curve = &result->curves[k];
        if (!curve->has_gradient || curve->n == 0 || summary->n == sizeof summary->lines / sizeof *summary->lines) {
            continue;
        }
        error_match match = ERROR_MATCH_INTERPOLATED;
        const double seconds =
            k == 0 ? point->seconds : equal_error_seconds(curve->n, curve->points, point->error, &match);
        const size_t i = summary->n++;
        snprintf(summary->lines[i].shape, sizeof summary->lines[i].shape, "%s", result->task->shape);
        snprintf(summary->lines[i].name, sizeof summary->lines[i].name, "%s", curve->name);
        summary->lines[i].rtol = k == 0 ? point->rtol : 0.0;
        summary->lines[i].error = point->error;
        summary->lines[i].seconds = seconds;
        summary->lines[i].match = match;
        summary->lines[i].ratio = seconds / point->seconds;
    }
}

void gradient_print_summary(const gradient_summary *summary) {
    if (summary->n > 0) {
        printf("\nby problem, at equal error\n");
    }
    for (size_t i = 0; i < summary->n; i++) {
        char text[16];
        const char *time = bench_format_seconds(summary->lines[i].seconds, summary->lines[i].seconds, text);
        if (summary->lines[i].rtol > 0.0) {
            printf("  %s, error %.1e\n    %-34s    %11s (rtol %.0e)\n", summary->lines[i].shape,
                   summary->lines[i].error, summary->lines[i].name, time, summary->lines[i].rtol);
        } else {
            printf("    %-34s %s %11s %8.2f x\n", summary->lines[i].name, match_text(summary->lines[i].match), time,
                   summary->lines[i].ratio);
        }
    }
}
