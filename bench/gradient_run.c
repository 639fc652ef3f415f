/* SPDX-License-Identifier: MIT */
/* Runs the in-process methods over their tolerances. */
#include "gradient_run.h"

#include "gradient_reference.h"
#include <stdlib.h>
#include <string.h>

/* A gradient whose error is larger than this many rtol is taken for wrong, not for inaccurate. */
#define ERROR_PER_RTOL 1e4
#define MAX_CASE (4 * GRADIENT_MAX_RTOL)

typedef struct run_state {
    double *reference;
    size_t n_case;
    gradient_case cases[MAX_CASE];
    double errors[MAX_CASE];
    bench_case timed[MAX_CASE];
} run_state;

static void clear_state(run_state *state) {
    for (size_t i = 0; i < state->n_case; i++) {
        gradient_case_destroy(&state->cases[i]);
    }
    free(state->reference);
    free(state);
}

static bool add_cases(bench *b, run_state *state, gradient_method method, const spiral_task *task, size_t n,
                      const double *rtols) {
    for (size_t i = 0; i < n; i++) {
        if (!gradient_case_create(method, rtols[i], task, &state->cases[state->n_case])) {
            bench_fail(b, "%s: %s could not be created", task->shape, gradient_method_name(method));
            return false;
        }
        state->n_case++;
    }
    return true;
}

static bool verify_case(bench *b, const spiral_task *task, gradient_case *c, const double *reference, double *error) {
    gradient_case_run(c, 1);
    if (c->failed) {
        bench_fail(b, "%s: %s failed", task->shape, c->variant);
        return false;
    }
    *error = c->method == GRADIENT_SOLVE_ONLY ? 0.0 : gradient_error(task->problem->n_p + 2, c->gradient, reference);
    if (*error <= ERROR_PER_RTOL * c->rtol) {
        return true;
    }
    bench_fail(b, "%s: %s has relative error %.2e (allowed: %.0e rtol)", task->shape, c->variant, *error,
               ERROR_PER_RTOL);
    return false;
}

static run_state *prepare(bench *b, const spiral_task *task, const gradient_rtols *rtols) {
    run_state *state = calloc(1, sizeof *state);
    if (!state || !(state->reference = calloc(task->problem->n_p + 2, sizeof *state->reference))) {
        bench_fail(b, "%s: no memory", task->shape);
        free(state);
        return NULL;
    }
    bool ok = gradient_reference(b, task, state->reference) &&
              add_cases(b, state, GRADIENT_COSTATE, task, rtols->n_ours, rtols->ours) &&
              add_cases(b, state, GRADIENT_SOLVE_ONLY, task, rtols->n_ours, rtols->ours) &&
              add_cases(b, state, GRADIENT_STOCK, task, rtols->n_other, rtols->other) &&
              add_cases(b, state, GRADIENT_STOCK_ERROR_CONTROL, task, rtols->n_other, rtols->other);
    for (size_t i = 0; ok && i < state->n_case; i++) {
        ok = verify_case(b, task, &state->cases[i], state->reference, &state->errors[i]);
    }
    if (!ok) {
        clear_state(state);
        return NULL;
    }
    return state;
}

static void report_case(bench *b, const char *shape, const gradient_case *c, double error, const bench_time *time) {
    char text[4][16];
    const gradient_counts n = gradient_case_counts(c);
    const bool has_gradient = c->method != GRADIENT_SOLVE_ONLY;
    char error_text[16] = "-";
    if (has_gradient) {
        snprintf(error_text, sizeof error_text, "%.1e", error);
        bench_row(b, "gradient", shape, c->variant, error, "relative_error");
    }
    printf("  %-36s %11s %11s %11s %11s  %8s %6zu %6zu %7zu %7zu %7zu\n", c->variant,
           bench_format_seconds(time->median, time->median, text[0]),
           bench_format_seconds(time->min, time->median, text[1]),
           bench_format_seconds(time->max, time->median, text[2]),
           bench_format_seconds(time->mad, time->median, text[3]), error_text, n.n_step, n.n_step_back, n.n_f,
           n.n_vjp_y, n.n_vjp_p);
    const struct {
        const char *unit;
        size_t value;
    } rows[] = {{"steps_forward", n.n_step},
                {"steps_backward", n.n_step_back},
                {"n_f", n.n_f},
                {"n_vjp_y", n.n_vjp_y},
                {"n_vjp_p", n.n_vjp_p}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bench_row(b, "gradient", shape, c->variant, (double)rows[i].value, rows[i].unit);
    }
}

static void collect_curves(const run_state *state, gradient_result *result) {
    for (size_t i = 0; i < state->n_case; i++) {
        const gradient_case *c = &state->cases[i];
        if (c->method == GRADIENT_SOLVE_ONLY) {
            continue;
        }
        const char *method = gradient_method_name(c->method);
        gradient_curve *curve = result->n_curve ? &result->curves[result->n_curve - 1] : NULL;
        if (!curve || strcmp(curve->method, method) != 0) {
            curve = &result->curves[result->n_curve++];
            snprintf(curve->method, sizeof curve->method, "%s", method);
        }
        curve->points[curve->n++] = (error_point){c->rtol, state->errors[i], state->timed[i].time.median};
    }
}

bool gradient_run(bench *b, const spiral_task *task, const gradient_rtols *rtols, gradient_result *result) {
    *result = (gradient_result){.task = task};
    printf("\ngradient %s\n", task->shape);
    run_state *state = prepare(b, task, rtols);
    if (!state) {
        return false;
    }
    for (size_t i = 0; i < state->n_case; i++) {
        state->timed[i] =
            (bench_case){.variant = state->cases[i].variant, .run = gradient_case_run, .ctx = &state->cases[i]};
    }
    bool ok = bench_measure(b, "gradient", task->shape, state->timed, state->n_case);
    if (ok) {
        printf("  %-36s %11s %11s %11s %11s  %8s %6s %6s %7s %7s %7s\n", "variant", "median", "min", "max", "MAD",
               "error", "steps", "back", "f", "vjp y", "vjp p");
        for (size_t i = 0; i < state->n_case; i++) {
            report_case(b, task->shape, &state->cases[i], state->errors[i], &state->timed[i].time);
            if (state->cases[i].failed) {
                bench_fail(b, "%s: %s failed while it was timed", task->shape, state->cases[i].variant);
                ok = false;
            }
        }
        collect_curves(state, result);
    }
    clear_state(state);
    return ok;
}

static const char *match_text(error_match match) {
    switch (match) {
    case ERROR_MATCH_AT_MOST: return "<=";
    case ERROR_MATCH_AT_LEAST: return ">=";
    case ERROR_MATCH_INTERPOLATED: break;
    }
    return "  ";
}

/* The unit says which way an out-of-range ratio is only a bound. */
static const char *match_unit(error_match match) {
    switch (match) {
    case ERROR_MATCH_AT_MOST: return "ratio_at_most";
    case ERROR_MATCH_AT_LEAST: return "ratio_at_least";
    case ERROR_MATCH_INTERPOLATED: break;
    }
    return "ratio";
}

void gradient_report_equal_error(bench *b, const gradient_result *result) {
    const gradient_curve *ours = &result->curves[0];
    printf("  at equal error (time of the other, interpolated between its tolerances; >= and <= where ours lies "
           "outside them):\n");
    for (size_t k = 1; k < result->n_curve; k++) {
        const gradient_curve *other = &result->curves[k];
        for (size_t i = 0; i < ours->n; i++) {
            char variant[160];
            char text[16];
            error_match match;
            const error_point *point = &ours->points[i];
            const double seconds = equal_error_seconds(other->n, other->points, point->error, &match);
            const double ratio = seconds / point->seconds;
            printf("    error %.1e (ours at rtol %.0e): %-34s %s %11s = %s %.2f x ours\n", point->error, point->rtol,
                   other->method, match_text(match), bench_format_seconds(seconds, seconds, text), match_text(match),
                   ratio);
            snprintf(variant, sizeof variant, "%s / costate adams at error of rtol=%.0e", other->method, point->rtol);
            bench_row(b, "gradient equal error", result->task->shape, variant, ratio, match_unit(match));
        }
    }
}
