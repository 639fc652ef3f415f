/* SPDX-License-Identifier: MIT */
/* Runs the in-process methods over their tolerances. */
#include "gradient_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CASE ((size_t)GRADIENT_MAX_CURVE * GRADIENT_MAX_RTOL)

typedef struct run_state {
    double *reference;
    double uncertainty; /* of the reference: no error can be told from it that is smaller */
    size_t n_case;
    gradient_case cases[MAX_CASE];
    double errors[MAX_CASE];
    rhs_kernels *kernels;
    bench_case timed[MAX_CASE + RHS_KERNEL_MAX];
} run_state;

double gradient_rtol(int decade) {
    static const double values[] = {1e0,  1e-1, 1e-2, 1e-3,  1e-4,  1e-5,  1e-6,
                                    1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13};
    return values[decade];
}

static void clear_state(run_state *state) {
    for (size_t i = 0; i < state->n_case; i++) {
        gradient_case_destroy(&state->cases[i]);
    }
    rhs_kernels_destroy(state->kernels);
    free(state->reference);
    free(state);
}

static bool add_cases(bench *b, run_state *state, const gradient_task *task, const gradient_range *range) {
    for (int decade = range->first; decade <= range->last; decade += range->step) {
        if (state->n_case == MAX_CASE ||
            !gradient_case_create(range->method, gradient_rtol(decade), task, &state->cases[state->n_case])) {
            bench_fail(b, "%s: %s could not be created", task->shape, gradient_method_get(range->method)->name);
            return false;
        }
        state->n_case++;
    }
    return true;
}

static bool verify_case(bench *b, const gradient_task *task, run_state *state, size_t i) {
    gradient_case *c = &state->cases[i];
    double *error = &state->errors[i];
    gradient_case_run(c, 1);
    if (c->failed) {
        bench_fail(b, "%s: %s failed: %s", task->shape, c->variant, gradient_case_detail(c));
        return false;
    }
    *error = gradient_method_has_gradient(c->method)
                 ? fmax(gradient_error(task, c->gradient, state->reference), state->uncertainty)
                 : 0.0;
    if (*error <= task->error_per_rtol * c->rtol) {
        return true;
    }
    bench_fail(b, "%s: %s has relative error %.2e (allowed: %.0e rtol)", task->shape, c->variant, *error,
               task->error_per_rtol);
    return false;
}

static run_state *prepare(bench *b, const gradient_task *task, const gradient_plan *plan) {
    run_state *state = calloc(1, sizeof *state);
    if (!state || !(state->reference = calloc(gradient_size(task), sizeof *state->reference))) {
        bench_fail(b, "%s: no memory", task->shape);
        free(state);
        return NULL;
    }
    bool ok = gradient_reference(b, task, &plan->reference, state->reference, &state->uncertainty);
    for (size_t i = 0; ok && i < plan->n_range; i++) {
        ok = add_cases(b, state, task, &plan->ranges[i]);
    }
    for (size_t i = 0; ok && i < state->n_case; i++) {
        ok = verify_case(b, task, state, i);
    }
    if (ok && plan->kernels) {
        const gradient_case *solved = &state->cases[0];
        const size_t middle = task->n_t / 2 * task->rhs->n_y;
        state->kernels = rhs_kernels_create(task->rhs, task->t[task->n_t / 2], solved->y + middle, task->p);
        ok = state->kernels != NULL;
        if (!ok) {
            bench_fail(b, "%s: no memory, or a callback failed", task->shape);
        }
    }
    if (!ok) {
        clear_state(state);
        return NULL;
    }
    return state;
}

static void report_case(bench *b, const char *shape, const gradient_case *c, double error, const bench_time *time) {
    char text[3][16];
    const gradient_counts n = gradient_case_counts(c);
    char error_text[16] = "-";
    if (gradient_method_has_gradient(c->method)) {
        snprintf(error_text, sizeof error_text, "%.1e", error);
        bench_row(b, "gradient", shape, c->variant, error, "relative_error");
    }
    printf("  %-40s %11s %11s %11s  %8s %6zu %6zu %7zu %7zu %7zu %6zu\n", c->variant,
           bench_format_seconds(time->median, time->median, text[0]),
           bench_format_seconds(time->min, time->median, text[1]),
           bench_format_seconds(time->mad, time->median, text[2]), error_text, n.n_step, n.n_step_back, n.n_f,
           n.n_vjp_y, n.n_vjp_p, n.n_setup);
    const struct {
        const char *unit;
        size_t value;
    } rows[] = {{"steps_forward", n.n_step},
                {"steps_backward", n.n_step_back},
                {"n_f", n.n_f},
                {"n_vjp_y", n.n_vjp_y},
                {"n_vjp_p", n.n_vjp_p},
                {"n_jac", n.n_jac},
                {"n_factorisation", n.n_setup}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bench_row(b, "gradient", shape, c->variant, (double)rows[i].value, rows[i].unit);
    }
}

gradient_curve *gradient_find_curve(gradient_result *result, const char *name) {
    for (size_t i = 0; i < result->n_curve; i++) {
        if (strcmp(result->curves[i].name, name) == 0) {
            return &result->curves[i];
        }
    }
    return NULL;
}

gradient_curve *gradient_add_curve(gradient_result *result, const char *name) {
    gradient_curve *curve = gradient_find_curve(result, name);
    if (!curve && result->n_curve < GRADIENT_MAX_CURVE) {
        curve = &result->curves[result->n_curve++];
        *curve = (gradient_curve){.has_gradient = true};
        snprintf(curve->name, sizeof curve->name, "%s", name);
    }
    return curve;
}

const error_point *gradient_find_point(const gradient_curve *curve, double rtol) {
    for (size_t i = 0; curve && i < curve->n; i++) {
        if (curve->points[i].rtol == rtol) {
            return &curve->points[i];
        }
    }
    return NULL;
}

static void collect_curves(const run_state *state, gradient_result *result) {
    for (size_t i = 0; i < state->n_case; i++) {
        const gradient_case *c = &state->cases[i];
        gradient_curve *curve = gradient_add_curve(result, gradient_method_get(c->method)->name);
        if (curve && curve->n < GRADIENT_MAX_RTOL) {
            curve->has_gradient = gradient_method_has_gradient(c->method);
            curve->counts[curve->n] = gradient_case_counts(c);
            curve->points[curve->n++] = (error_point){c->rtol, state->errors[i], state->timed[i].time.median};
        }
    }
}

static bool measure(bench *b, const char *shape, run_state *state, gradient_result *result) {
    for (size_t i = 0; i < state->n_case; i++) {
        state->timed[i] =
            (bench_case){.variant = state->cases[i].variant, .run = gradient_case_run, .ctx = &state->cases[i]};
    }
    const size_t n_kernel = rhs_kernels_cases(state->kernels, state->timed + state->n_case);
    if (!bench_measure(b, "gradient", shape, state->timed, state->n_case + n_kernel)) {
        return false;
    }
    result->kernels = rhs_kernels_times(state->kernels, state->timed + state->n_case);
    return true;
}

bool gradient_run(bench *b, const gradient_task *task, const gradient_plan *plan, gradient_result *result) {
    *result = (gradient_result){.task = task};
    printf("\ngradient %s\n", task->shape);
    run_state *state = prepare(b, task, plan);
    if (!state) {
        return false;
    }
    bool ok = measure(b, task->shape, state, result);
    if (ok) {
        printf("  %-40s %11s %11s %11s  %8s %6s %6s %7s %7s %7s %6s\n", "variant", "median", "min", "MAD", "error",
               "steps", "back", "f", "vjp y", "vjp p", "LU");
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
