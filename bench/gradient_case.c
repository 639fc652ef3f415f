/* SPDX-License-Identifier: MIT */
/* Gradients by costate and by stock CVODES. */
#include "gradient_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 1000000

/* Copies task->scale times factor, or factor / scale. NULL without a scale or memory. */
static double *scaled(const gradient_task *task, double factor, bool inverse) {
    double *values = task->scale ? malloc(task->rhs->n_y * sizeof *values) : NULL;
    for (size_t i = 0; values && i < task->rhs->n_y; i++) {
        values[i] = inverse ? factor / task->scale[i] : factor * task->scale[i];
    }
    return values;
}

static bool create_adjoint(gradient_case *c, double atol) {
    costate_adjoint_options options = costate_adjoint_options_default();
    double *atol_state = scaled(c->task, atol * c->task->cotangent, true);
    options.atol_state = atol_state;
    const bool ok = costate_adjoint_create(c->solver, &options, NULL, &c->adjoint) == COSTATE_OK;
    free(atol_state);
    return ok;
}

static bool create_ours(gradient_case *c, const gradient_method_info *info) {
    costate_solver_options options = costate_solver_options_default();
    options.method = info->method;
    options.rtol = c->rtol;
    options.atol = gradient_atol(c->rtol);
    options.max_steps = MAX_STEPS;
    options.record = info->kind != GRADIENT_KIND_PLAIN_SOLVE;
    double *atol_state = scaled(c->task, options.atol, false);
    options.atol_state = atol_state;
    const bool ok = costate_solver_create(c->task->rhs, &options, NULL, &c->solver) == COSTATE_OK &&
                    (info->kind != GRADIENT_KIND_OURS || create_adjoint(c, options.atol));
    free(atol_state);
    return ok;
}

static bool create_stock(gradient_case *c, const gradient_method_info *info) {
    const cvodes_stock_options options = {
        .bdf = info->method == COSTATE_METHOD_BDF,
        .rtol = c->rtol,
        .atol = gradient_atol(c->rtol),
        .scale = c->task->scale,
        .quad_error_control = info->kind == GRADIENT_KIND_STOCK_CHECKED,
        .steps_per_segment = c->task->stock_steps,
    };
    c->stock = cvodes_stock_create(c->task->rhs, &options);
    return c->stock != NULL;
}

bool gradient_case_create(gradient_method method, double rtol, const gradient_task *task, gradient_case *c) {
    const gradient_method_info *info = gradient_method_get(method);
    const size_t n_state = task->n_t * task->rhs->n_y;
    *c = (gradient_case){.method = method, .rtol = rtol, .task = task};
    snprintf(c->variant, sizeof c->variant, "%s rtol=%.0e", info->name, rtol);
    c->y = calloc(n_state, sizeof *c->y);
    c->v = calloc(n_state, sizeof *c->v);
    c->gradient = calloc(gradient_size(task), sizeof *c->gradient);
    if (!c->y || !c->v || !c->gradient ||
        !(gradient_method_is_stock(method) ? create_stock(c, info) : create_ours(c, info))) {
        gradient_case_destroy(c);
        return false;
    }
    return true;
}

void gradient_case_destroy(gradient_case *c) {
    costate_adjoint_destroy(c->adjoint);
    costate_solver_destroy(c->solver);
    cvodes_stock_destroy(c->stock);
    free(c->y);
    free(c->v);
    free(c->gradient);
    *c = (gradient_case){0};
}

static bool run_ours(gradient_case *c) {
    const gradient_task *task = c->task;
    const size_t n_p = task->rhs->n_p;
    if (costate_solve(c->solver, task->p, task->t0, task->y0, task->n_t, task->t, c->y) != COSTATE_OK) {
        return false;
    }
    c->loss = task->loss(c->y, c->v, task->ctx);
    if (!c->adjoint) {
        return true;
    }
    memset(c->gradient, 0, n_p * sizeof *c->gradient);
    return costate_adjoint_vjp(c->adjoint, task->p, task->n_t, c->v, c->gradient + n_p, c->gradient, NULL) ==
           COSTATE_OK;
}

static bool run_stock(gradient_case *c) {
    const gradient_task *task = c->task;
    return cvodes_stock_gradient(c->stock, task->p, task->t0, task->y0, task->n_t, task->t, task->loss, task->ctx, c->y,
                                 c->v, &c->loss, c->gradient + task->rhs->n_p, c->gradient);
}

void gradient_case_run(void *ctx, size_t n) {
    gradient_case *c = ctx;
    for (size_t i = 0; i < n; i++) {
        if (!(c->stock ? run_stock(c) : run_ours(c))) {
            c->failed = true;
        }
    }
}

static void add_counts(gradient_counts *sum, const costate_solve_counts *counts) {
    sum->n_f += counts->n_f;
    sum->n_vjp_y += counts->n_vjp_y;
    sum->n_vjp_p += counts->n_vjp_p;
    sum->n_jac += counts->n_jac;
    sum->n_setup += counts->n_setup;
}

gradient_counts gradient_case_counts(const gradient_case *c) {
    if (c->stock) {
        const cvodes_stock_counts *s = cvodes_stock_last_counts(c->stock);
        return (gradient_counts){s->n_step, s->n_step_back, s->n_f, s->n_vjp_y, s->n_vjp_p, s->n_jac, s->n_setup};
    }
    const costate_solve_counts *forward = costate_solver_counts(c->solver);
    gradient_counts counts = {.n_step = forward->n_step};
    add_counts(&counts, forward);
    if (c->adjoint) {
        const costate_solve_counts *backward = costate_adjoint_counts(c->adjoint);
        counts.n_step_back = backward->n_step;
        add_counts(&counts, backward);
    }
    return counts;
}

const char *gradient_case_detail(const gradient_case *c) {
    const char *detail = costate_solver_detail(c->solver);
    return *detail ? detail : costate_adjoint_detail(c->adjoint);
}
