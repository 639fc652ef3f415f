/* SPDX-License-Identifier: MIT */
/* Reference gradients. */
#include "gradient_reference.h"

#include "gradient_case.h"
#include <costate/sensitivity.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SENSITIVITY_MAX_PARAM 300
#define SENSITIVITY_MAX_STEPS 1000000

double gradient_error(const gradient_task *task, const double *a, const double *reference) {
    double difference = 0.0;
    double norm = 0.0;
    for (size_t i = 0; i < gradient_size(task); i++) {
        const double weight = task->weight ? task->weight[i] : 1.0;
        difference += weight * weight * (a[i] - reference[i]) * (a[i] - reference[i]);
        norm += weight * weight * reference[i] * reference[i];
    }
    const double error = sqrt(difference / norm);
    return isfinite(error) ? error : HUGE_VAL;
}

static bool expect_close(bench *b, const gradient_task *task, const reference_plan *plan, const char *what,
                         double error) {
    printf("#   reference against %s: %.1e\n", what, error);
    if (error <= plan->agreement) {
        return true;
    }
    bench_fail(b, "%s: the reference gradient differs by %.2e from %s (allowed: %.0e)", task->shape, error, what,
               plan->agreement);
    return false;
}

static bool run_once(bench *b, gradient_method method, const gradient_task *task, double rtol, double *gradient,
                     double *loss) {
    gradient_case c;
    if (!gradient_case_create(method, rtol, task, &c)) {
        bench_fail(b, "%s: %s could not be created", task->shape, gradient_method_get(method)->name);
        return false;
    }
    gradient_case_run(&c, 1);
    const bool ok = !c.failed;
    if (ok) {
        memcpy(gradient, c.gradient, gradient_size(task) * sizeof *gradient);
        *loss = c.loss;
    } else {
        bench_fail(b, "%s: %s failed: %s", task->shape, c.variant, gradient_case_detail(&c));
    }
    gradient_case_destroy(&c);
    return ok;
}

static costate_status solve_sensitivities(const gradient_task *task, costate_sensitivity *sens, double *y, double *v,
                                          double *gradient) {
    const size_t n_p = task->rhs->n_p;
    const costate_status status =
        costate_sensitivity_solve(sens, task->p, task->t0, task->y0, task->n_t, task->t, y, NULL);
    if (status != COSTATE_OK) {
        return status;
    }
    task->loss(y, v, task->ctx);
    memset(gradient, 0, n_p * sizeof *gradient);
    return costate_sensitivity_vjp(sens, task->p, task->n_t, v, gradient + n_p, gradient, NULL);
}

static bool by_sensitivities(bench *b, const gradient_task *task, const reference_plan *plan, double *gradient) {
    const size_t n_y = task->rhs->n_y;
    costate_solver_options options = costate_solver_options_default();
    options.method = gradient_method_get(plan->ours)->method;
    options.rtol = plan->sensitivity_rtol;
    options.atol = gradient_atol(plan->sensitivity_rtol);
    options.max_steps = SENSITIVITY_MAX_STEPS;
    double *block = calloc(2 * task->n_t * n_y + n_y, sizeof *block);
    if (!block) {
        bench_fail(b, "%s: no memory", task->shape);
        return false;
    }
    if (task->scale) {
        for (size_t i = 0; i < n_y; i++) {
            block[i] = options.atol * task->scale[i];
        }
        options.atol_state = block;
    }
    costate_sensitivity *sens = NULL;
    const bool ok =
        costate_sensitivity_create(task->rhs, &options, COSTATE_SENSITIVITY_STAGGERED, NULL, &sens) == COSTATE_OK &&
        solve_sensitivities(task, sens, block + n_y, block + n_y + task->n_t * n_y, gradient) == COSTATE_OK;
    if (!ok) {
        bench_fail(b, "%s: the forward sensitivities failed: %s", task->shape, costate_sensitivity_detail(sens));
    }
    costate_sensitivity_destroy(sens);
    free(block);
    return ok;
}

static bool confirm(bench *b, const gradient_task *task, const reference_plan *plan, const double *gradient,
                    double *other, double *uncertainty) {
    double loss;
    if (!run_once(b, plan->stock, task, plan->rtol, other, &loss)) {
        return false;
    }
    *uncertainty = gradient_error(task, other, gradient);
    if (!expect_close(b, task, plan, gradient_method_get(plan->stock)->name, *uncertainty)) {
        return false;
    }
    if (task->rhs->n_p > SENSITIVITY_MAX_PARAM) {
        return true;
    }
    if (!by_sensitivities(b, task, plan, other)) {
        return false;
    }
    const double error = gradient_error(task, other, gradient);
    *uncertainty = fmin(*uncertainty, error);
    return expect_close(b, task, plan, "forward sensitivities", error);
}

bool gradient_reference(bench *b, const gradient_task *task, const reference_plan *plan, double *gradient,
                        double *uncertainty) {
    double *other = malloc(gradient_size(task) * sizeof *other);
    double loss;
    if (!other) {
        bench_fail(b, "%s: no memory", task->shape);
        return false;
    }
    bool ok = run_once(b, plan->ours, task, plan->rtol, gradient, &loss) &&
              confirm(b, task, plan, gradient, other, uncertainty);
    if (ok && task->published) {
        ok = expect_close(b, task, plan, "published values", task->published(loss, gradient, task->ctx));
    }
    free(other);
    return ok;
}
