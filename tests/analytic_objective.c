/* SPDX-License-Identifier: MIT */
/* Functions with a known minimum that count their calls and can fail where or when a test wants. */
#include "analytic_objective.h"

#include <math.h>
#include <string.h>

analytic_objective analytic(analytic_kind kind, size_t n) {
    return (analytic_objective){
        .kind = kind, .n = n, .scale = 1.0, .status = COSTATE_ERR_MAX_STEPS, .wall = HUGE_VAL, .largest_x0 = -HUGE_VAL};
}

static double quadratic(size_t n, const double *x, double *grad) {
    double value = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double r = x[i] - (double)i;
        const double weight = (double)(i + 1);
        value += weight * r * r;
        grad[i] = 2.0 * weight * r;
    }
    return value;
}

static double rosenbrock(size_t n, const double *x, double *grad) {
    double value = 0.0;
    memset(grad, 0, n * sizeof(double));
    for (size_t i = 0; i + 1 < n; i++) {
        const double a = x[i + 1] - x[i] * x[i];
        const double b = 1.0 - x[i];
        value += 100.0 * a * a + b * b;
        grad[i] += -400.0 * a * x[i] - 2.0 * b;
        grad[i + 1] += 200.0 * a;
    }
    return value;
}

static costate_status misbehave(const analytic_objective *self, double *value, double *grad) {
    switch (self->fault) {
    case ANALYTIC_NAN_VALUE: *value = (double)NAN; return COSTATE_OK;
    case ANALYTIC_NAN_GRADIENT: grad[self->n - 1] = (double)NAN; return COSTATE_OK;
    case ANALYTIC_INFINITE_VALUE: *value = -HUGE_VAL; return COSTATE_OK;
    default: return self->status;
    }
}

costate_status analytic_evaluate(const double *x, double *value, double *grad, void *ctx) {
    analytic_objective *self = ctx;
    const size_t call = self->n_call++;
    memcpy(self->last_x, x, self->n * sizeof(double));
    self->largest_x0 = fmax(self->largest_x0, x[0]);
    *value =
        self->scale * (self->kind == ANALYTIC_QUADRATIC ? quadratic(self->n, x, grad) : rosenbrock(self->n, x, grad));
    for (size_t i = 0; i < self->n; i++) {
        grad[i] *= self->scale;
    }
    if ((call >= self->first && call - self->first < self->n_bad) || x[0] > self->wall) {
        self->n_faulty++;
        return misbehave(self, value, grad);
    }
    return COSTATE_OK;
}
