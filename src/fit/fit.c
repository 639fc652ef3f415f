/* SPDX-License-Identifier: MIT */
/* The loss of a solve against data, and its gradient by the adjoint, as a function of parameters and initial state. */
#include "core/finite.h"
#include "core/memory.h"

#include <costate/fit.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct costate_fit {
    costate_allocator alloc;
    costate_solver *solver;
    costate_adjoint *adjoint;
    costate_loss_fn loss;
    void *loss_ctx;

    size_t n_y;
    size_t n_p;
    size_t n_x;
    size_t n_t;
    size_t horizon; /* observations in use */
    bool estimate_y0;
    double t0;

    double *block;  /* the arrays below */
    double *t;      /* n_t */
    double *data;   /* n_t × n_y */
    double *weight; /* n_y, NULL for 1 */
    double *y0;     /* n_y */
    double *y;      /* n_t × n_y, states of the last solve */
    double *v;      /* n_t × n_y, their cotangents */

    costate_fit_counts counts;
    char detail[256];
};

costate_fit_options costate_fit_options_default(void) {
    return (costate_fit_options){.solver = costate_solver_options_default(),
                                 .adjoint = costate_adjoint_options_default(),
                                 .loss = costate_loss_squared};
}

static bool any_infinite(size_t n, const double *a) {
    for (size_t i = 0; i < n; i++) {
        if (isinf(a[i])) {
            return true;
        }
    }
    return false;
}

/* n_value is n_t × n_y, already known to fit. */
static costate_status check_series(const costate_series *series, size_t n_y, size_t n_value) {
    if (!csi_all_finite(&series->t0, 1) || !csi_all_finite(series->t, series->n_t) ||
        !csi_all_finite(series->y0, n_y) || (series->weight && !csi_all_finite(series->weight, n_y)) ||
        any_infinite(n_value, series->data)) {
        return COSTATE_ERR_NONFINITE;
    }
    double previous = series->t0;
    for (size_t i = 0; i < series->n_t; i++) {
        if (series->t[i] < previous) {
            return COSTATE_ERR_ARGUMENT;
        }
        previous = series->t[i];
    }
    return COSTATE_OK;
}

static costate_status copy_series(costate_fit *fit, const costate_series *series, size_t n_value) {
    size_t count;
    if (!csi_size_mul(n_value, 3, &count) || !csi_size_add(count, series->n_t, &count) ||
        !csi_size_add(count, fit->n_y, &count) || !csi_size_add(count, fit->n_y, &count) ||
        count > SIZE_MAX / sizeof(double)) {
        return COSTATE_ERR_OVERFLOW;
    }
    fit->block = csi_alloc(&fit->alloc, count, sizeof(double));
    if (!fit->block) {
        return COSTATE_ERR_MEMORY;
    }
    fit->t = fit->block;
    fit->data = fit->t + series->n_t;
    fit->y = fit->data + n_value;
    fit->v = fit->y + n_value;
    fit->y0 = fit->v + n_value;
    memcpy(fit->t, series->t, series->n_t * sizeof(double));
    memcpy(fit->data, series->data, n_value * sizeof(double));
    memcpy(fit->y0, series->y0, fit->n_y * sizeof(double));
    if (series->weight) {
        fit->weight = fit->y0 + fit->n_y;
        memcpy(fit->weight, series->weight, fit->n_y * sizeof(double));
    }
    return COSTATE_OK;
}

static costate_status build(costate_fit *fit, const costate_rhs *rhs, const costate_series *series,
                            const costate_fit_options *options) {
    size_t n_value;
    if (!csi_size_mul(series->n_t, rhs->n_y, &n_value) || !csi_size_add(rhs->n_p, rhs->n_y, &fit->n_x)) {
        return COSTATE_ERR_OVERFLOW;
    }
    fit->n_y = rhs->n_y;
    fit->n_p = rhs->n_p;
    fit->n_x = series->estimate_y0 ? fit->n_x : rhs->n_p;
    fit->n_t = series->n_t;
    fit->horizon = series->n_t;
    fit->estimate_y0 = series->estimate_y0;
    fit->t0 = series->t0;
    fit->loss = options->loss;
    fit->loss_ctx = options->loss_ctx;
    if (fit->n_x == 0) {
        return COSTATE_ERR_ARGUMENT;
    }
    costate_status status = check_series(series, rhs->n_y, n_value);
    if (status == COSTATE_OK) {
        status = copy_series(fit, series, n_value);
    }
    costate_solver_options solver_options = options->solver;
    solver_options.record = true;
    if (status == COSTATE_OK) {
        status = costate_solver_create(rhs, &solver_options, &fit->alloc, &fit->solver);
    }
    if (status == COSTATE_OK) {
        status = costate_adjoint_create(fit->solver, &options->adjoint, &fit->alloc, &fit->adjoint);
    }
    return status;
}

costate_status costate_fit_create(const costate_rhs *rhs, const costate_series *series,
                                  const costate_fit_options *options, const costate_allocator *alloc,
                                  costate_fit **fit) {
    if (!fit) {
        return COSTATE_ERR_NULL;
    }
    *fit = NULL;
    const costate_fit_options o = options ? *options : costate_fit_options_default();
    if (!rhs || !rhs->f || !series || !series->t || !series->data || !series->y0 || !o.loss) {
        return COSTATE_ERR_NULL;
    }
    if (rhs->n_y == 0 || series->n_t == 0) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!rhs->vjp) {
        return COSTATE_ERR_UNSUPPORTED;
    }
    const costate_allocator a = csi_allocator(alloc);
    costate_fit *created = csi_alloc(&a, 1, sizeof(*created));
    if (!created) {
        return COSTATE_ERR_MEMORY;
    }
    created->alloc = a;
    const costate_status status = build(created, rhs, series, &o);
    if (status != COSTATE_OK) {
        costate_fit_destroy(created);
        return status;
    }
    *fit = created;
    return COSTATE_OK;
}

void costate_fit_destroy(costate_fit *fit) {
    if (!fit) {
        return;
    }
    const costate_allocator alloc = fit->alloc;
    costate_adjoint_destroy(fit->adjoint);
    costate_solver_destroy(fit->solver);
    csi_release(&alloc, fit->block);
    csi_release(&alloc, fit);
}

size_t costate_fit_n_x(const costate_fit *fit) { return fit ? fit->n_x : 0; }

costate_status costate_fit_set_horizon(costate_fit *fit, size_t n) {
    if (!fit) {
        return COSTATE_ERR_NULL;
    }
    if (n == 0 || n > fit->n_t) {
        return COSTATE_ERR_ARGUMENT;
    }
    fit->horizon = n;
    return COSTATE_OK;
}

static void add_counts(costate_solve_counts *total, const costate_solve_counts *counts) {
    total->n_step += counts->n_step;
    total->n_restart += counts->n_restart;
    total->n_f += counts->n_f;
    total->n_vjp_y += counts->n_vjp_y;
    total->n_vjp_p += counts->n_vjp_p;
    total->n_jac += counts->n_jac;
    total->n_setup += counts->n_setup;
    total->n_error_fail += counts->n_error_fail;
    total->n_nonlin_fail += counts->n_nonlin_fail;
    total->n_nonlin_iter += counts->n_nonlin_iter;
    total->n_implicit += counts->n_implicit;
    total->n_switch += counts->n_switch;
    total->n_replay += counts->n_replay;
    total->last_order = counts->last_order;
    total->last_step = counts->last_step;
    total->t_reached = counts->t_reached;
    total->seconds += counts->seconds;
}

static costate_status fail(costate_fit *fit, costate_status status, const char *detail) {
    snprintf(fit->detail, sizeof(fit->detail), "%s", detail);
    return status;
}

static costate_status solve(costate_fit *fit, const double *x, size_t n_t, const double *t, double *y) {
    const double *y0 = fit->estimate_y0 ? x + fit->n_p : fit->y0;
    const costate_status status = costate_solve(fit->solver, x, fit->t0, y0, n_t, t, y);
    add_counts(&fit->counts.forward, costate_solver_counts(fit->solver));
    return status == COSTATE_OK ? status : fail(fit, status, costate_solver_detail(fit->solver));
}

/* Sum of the losses over the horizon; their cotangents go to v when it is wanted. */
static costate_status sum_losses(costate_fit *fit, double *value, double *v) {
    double sum = 0.0;
    for (size_t i = 0; i < fit->horizon; i++) {
        const costate_observation observation = {.index = i,
                                                 .t = fit->t[i],
                                                 .n_y = fit->n_y,
                                                 .y = fit->y + i * fit->n_y,
                                                 .data = fit->data + i * fit->n_y,
                                                 .weight = fit->weight};
        double term = (double)NAN;
        if (fit->loss(&observation, &term, v ? v + i * fit->n_y : NULL, fit->loss_ctx) != COSTATE_ANSWER_OK) {
            snprintf(fit->detail, sizeof(fit->detail), "the loss callback failed at observation %zu", i);
            return COSTATE_ERR_RHS_FAIL;
        }
        sum += term;
    }
    if (!isfinite(sum)) {
        return fail(fit, COSTATE_ERR_NONFINITE, "the loss is not finite");
    }
    *value = sum;
    return COSTATE_OK;
}

static costate_status pull_back(costate_fit *fit, const double *x, double *grad) {
    double *y0bar = fit->estimate_y0 ? grad + fit->n_p : NULL;
    memset(grad, 0, fit->n_x * sizeof(double));
    const costate_status status =
        costate_adjoint_vjp(fit->adjoint, x, fit->horizon, fit->v, y0bar, fit->n_p > 0 ? grad : NULL, NULL);
    add_counts(&fit->counts.backward, costate_adjoint_counts(fit->adjoint));
    if (status != COSTATE_OK) {
        return fail(fit, status, costate_adjoint_detail(fit->adjoint));
    }
    return csi_all_finite(grad, fit->n_x) ? COSTATE_OK : fail(fit, COSTATE_ERR_NONFINITE, "the gradient is not finite");
}

static costate_status evaluate(costate_fit *fit, const double *x, double *value, double *grad) {
    if (!csi_all_finite(x, fit->n_x)) {
        return fail(fit, COSTATE_ERR_NONFINITE, "an unknown is not finite");
    }
    costate_status status = solve(fit, x, fit->horizon, fit->t, fit->y);
    if (status == COSTATE_OK) {
        status = sum_losses(fit, value, grad ? fit->v : NULL);
    }
    if (status == COSTATE_OK && grad) {
        status = pull_back(fit, x, grad);
    }
    return status;
}

costate_status costate_fit_objective(const double *x, double *value, double *grad, void *fit) {
    costate_fit *self = fit;
    if (!x || !value || !self) {
        return COSTATE_ERR_NULL;
    }
    self->detail[0] = '\0';
    const costate_status status = evaluate(self, x, value, grad);
    if (grad) {
        self->counts.n_gradient++;
    } else {
        self->counts.n_value++;
    }
    if (status != COSTATE_OK) {
        self->counts.n_fail++;
    }
    return status;
}

costate_status costate_fit_predict(costate_fit *fit, const double *x, size_t n_t, const double *t, double *y) {
    if (!fit || !x || !t || !y) {
        return COSTATE_ERR_NULL;
    }
    fit->detail[0] = '\0';
    return solve(fit, x, n_t, t, y);
}

const costate_fit_counts *costate_fit_get_counts(const costate_fit *fit) { return fit ? &fit->counts : NULL; }

const char *costate_fit_detail(const costate_fit *fit) { return fit ? fit->detail : ""; }
