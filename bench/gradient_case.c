/* SPDX-License-Identifier: MIT */
/* The spiral gradient by costate and by stock CVODES. */
#include "gradient_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Above the number of forward steps at any tolerance used here: stock CVODES then never has to integrate forward a
 * second time.
 */
#define STOCK_STEPS_PER_SEGMENT 5000

const char *gradient_method_name(gradient_method method) {
    switch (method) {
#define GRADIENT_METHOD_NAME(name, text)                                                                               \
    case GRADIENT_##name: return text;
        GRADIENT_METHOD_LIST(GRADIENT_METHOD_NAME)
#undef GRADIENT_METHOD_NAME
    }
    return "unknown";
}

double gradient_atol(double rtol) { return 1e-3 * rtol; }

static bool is_stock(gradient_method method) {
    return method == GRADIENT_STOCK || method == GRADIENT_STOCK_ERROR_CONTROL;
}

static bool create_ours(gradient_case *c) {
    costate_solver_options options = costate_solver_options_default();
    options.method = COSTATE_METHOD_ADAMS;
    options.rtol = c->rtol;
    options.atol = gradient_atol(c->rtol);
    return costate_solver_create(&c->task->problem->rhs, &options, NULL, &c->solver) == COSTATE_OK &&
           (c->method == GRADIENT_SOLVE_ONLY ||
            costate_adjoint_create(c->solver, NULL, NULL, &c->adjoint) == COSTATE_OK);
}

static bool create_stock(gradient_case *c) {
    const cvodes_stock_options options = {
        .rtol = c->rtol,
        .atol = gradient_atol(c->rtol),
        .quad_error_control = c->method == GRADIENT_STOCK_ERROR_CONTROL,
        .steps_per_segment = STOCK_STEPS_PER_SEGMENT,
    };
    c->stock = cvodes_stock_create(&c->task->problem->rhs, &options);
    return c->stock != NULL;
}

bool gradient_case_create(gradient_method method, double rtol, const spiral_task *task, gradient_case *c) {
    *c = (gradient_case){.method = method, .rtol = rtol, .task = task};
    snprintf(c->variant, sizeof c->variant, "%s rtol=%.0e", gradient_method_name(method), rtol);
    c->gradient = calloc(task->problem->n_p + 2, sizeof *c->gradient);
    if (!c->gradient || !(is_stock(method) ? create_stock(c) : create_ours(c))) {
        gradient_case_destroy(c);
        return false;
    }
    return true;
}

void gradient_case_destroy(gradient_case *c) {
    costate_adjoint_destroy(c->adjoint);
    costate_solver_destroy(c->solver);
    cvodes_stock_destroy(c->stock);
    free(c->gradient);
    *c = (gradient_case){0};
}

static bool run_ours(gradient_case *c) {
    const spiral *s = c->task->problem;
    const double *t = s->t + c->task->first;
    if (costate_solve(c->solver, s->p, 0.0, spiral_y0, c->task->n_t, t, c->y) != COSTATE_OK) {
        return false;
    }
    c->loss = spiral_loss(c->y, c->v, c->task);
    if (c->method == GRADIENT_SOLVE_ONLY) {
        return true;
    }
    memset(c->gradient, 0, s->n_p * sizeof *c->gradient);
    return costate_adjoint_vjp(c->adjoint, s->p, c->task->n_t, c->v, c->gradient + s->n_p, c->gradient, NULL) ==
           COSTATE_OK;
}

static bool run_stock(gradient_case *c) {
    const spiral *s = c->task->problem;
    return cvodes_stock_gradient(c->stock, s->p, 0.0, spiral_y0, c->task->n_t, s->t + c->task->first, spiral_loss,
                                 c->task, c->y, c->v, &c->loss, c->gradient + s->n_p, c->gradient);
}

void gradient_case_run(void *ctx, size_t n) {
    gradient_case *c = ctx;
    for (size_t i = 0; i < n; i++) {
        if (!(is_stock(c->method) ? run_stock(c) : run_ours(c))) {
            c->failed = true;
        }
    }
}

gradient_counts gradient_case_counts(const gradient_case *c) {
    if (c->stock) {
        const cvodes_stock_counts *s = cvodes_stock_last_counts(c->stock);
        return (gradient_counts){s->n_step, s->n_step_back, s->n_f, s->n_vjp_y, s->n_vjp_p};
    }
    const costate_solve_counts *forward = costate_solver_counts(c->solver);
    gradient_counts counts = {.n_step = forward->n_step, .n_f = forward->n_f};
    if (c->adjoint) {
        const costate_solve_counts *backward = costate_adjoint_counts(c->adjoint);
        counts.n_step_back = backward->n_step;
        counts.n_f += backward->n_f;
        counts.n_vjp_y = backward->n_vjp_y;
        counts.n_vjp_p = backward->n_vjp_p;
    }
    return counts;
}
