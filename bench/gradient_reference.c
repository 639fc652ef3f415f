/* SPDX-License-Identifier: MIT */
/* Reference gradients of the spiral problem. */
#include "gradient_reference.h"

#include "gradient_case.h"
#include <costate/sensitivity.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCE_RTOL 1e-12
#define SENSITIVITY_RTOL 1e-10
#define SENSITIVITY_MAX_PARAM 300
#define AGREEMENT 1e-8

double gradient_error(size_t n, const double *a, const double *reference) {
    double difference = 0.0;
    double norm = 0.0;
    for (size_t i = 0; i < n; i++) {
        difference += (a[i] - reference[i]) * (a[i] - reference[i]);
        norm += reference[i] * reference[i];
    }
    const double error = sqrt(difference / norm);
    return isfinite(error) ? error : HUGE_VAL;
}

static bool expect_close(bench *b, const spiral_task *task, const char *what, double error) {
    printf("#   reference against %s: %.1e\n", what, error);
    if (error <= AGREEMENT) {
        return true;
    }
    bench_fail(b, "%s: the reference gradient differs by %.2e from %s (allowed: %.0e)", task->shape, error, what,
               AGREEMENT);
    return false;
}

static bool run_once(bench *b, gradient_method method, const spiral_task *task, double *gradient, double *loss) {
    gradient_case c;
    if (!gradient_case_create(method, REFERENCE_RTOL, task, &c)) {
        bench_fail(b, "%s: %s could not be created", task->shape, gradient_method_name(method));
        return false;
    }
    gradient_case_run(&c, 1);
    const bool ok = !c.failed;
    if (ok) {
        memcpy(gradient, c.gradient, (task->problem->n_p + 2) * sizeof *gradient);
        *loss = c.loss;
    } else {
        bench_fail(b, "%s: %s failed: %s%s", task->shape, c.variant, costate_solver_detail(c.solver),
                   costate_adjoint_detail(c.adjoint));
    }
    gradient_case_destroy(&c);
    return ok;
}

static bool by_sensitivities(bench *b, const spiral_task *task, double *gradient) {
    const spiral *s = task->problem;
    costate_solver_options options = costate_solver_options_default();
    options.rtol = SENSITIVITY_RTOL;
    options.atol = gradient_atol(SENSITIVITY_RTOL);
    double y[2 * SPIRAL_N_T];
    double v[2 * SPIRAL_N_T];
    costate_sensitivity *sens = NULL;
    memset(gradient, 0, (s->n_p + 2) * sizeof *gradient);
    bool ok =
        costate_sensitivity_create(&s->rhs, &options, COSTATE_SENSITIVITY_STAGGERED, NULL, &sens) == COSTATE_OK &&
        costate_sensitivity_solve(sens, s->p, 0.0, spiral_y0, task->n_t, s->t + task->first, y, NULL) == COSTATE_OK;
    if (ok) {
        spiral_loss(y, v, task);
        ok = costate_sensitivity_vjp(sens, s->p, task->n_t, v, gradient + s->n_p, gradient, NULL) == COSTATE_OK;
    }
    if (!ok) {
        bench_fail(b, "%s: the forward sensitivities failed: %s", task->shape, costate_sensitivity_detail(sens));
    }
    costate_sensitivity_destroy(sens);
    return ok;
}

/* Known values of the 252-parameter problem with 30 observations, parameters row by row. */
static bool check_published(bench *b, const spiral_task *task, const double *gradient, double loss, double *row_major) {
    const spiral *s = task->problem;
    if (s->n_p != 252 || task->n_t != SPIRAL_N_T) {
        return true;
    }
    if (costate_net_export_f64(s->net, COSTATE_ORDER_ROW_MAJOR, gradient, row_major) != COSTATE_OK) {
        bench_fail(b, "%s: the gradient could not be exported", task->shape);
        return false;
    }
    double norm = 0.0;
    for (size_t i = 0; i < s->n_p; i++) {
        norm += row_major[i] * row_major[i];
    }
    const double values[] = {loss,           sqrt(norm),     row_major[0],  row_major[100],
                             row_major[150], row_major[251], gradient[252], gradient[253]};
    static const double known[] = {179.4993723660, 233.92695546, -14.40600222, -2.04799302,
                                   34.16885973,    28.33705057,  95.575668426, 12.785918153};
    double worst = 0.0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const double error = fabs(values[i] / known[i] - 1.0);
        worst = isfinite(error) ? fmax(worst, error) : HUGE_VAL;
    }
    return expect_close(b, task, "published values", worst);
}

bool gradient_reference(bench *b, const spiral_task *task, double *gradient) {
    const size_t n = task->problem->n_p + 2;
    double *other = malloc(n * sizeof *other);
    double loss;
    double other_loss;
    if (!other) {
        bench_fail(b, "%s: no memory", task->shape);
        return false;
    }
    bool ok = run_once(b, GRADIENT_COSTATE, task, gradient, &loss) &&
              run_once(b, GRADIENT_STOCK, task, other, &other_loss) &&
              expect_close(b, task, "CVODES adjoint", gradient_error(n, other, gradient)) &&
              check_published(b, task, gradient, loss, other);
    if (ok && n - 2 <= SENSITIVITY_MAX_PARAM) {
        ok = by_sensitivities(b, task, other) &&
             expect_close(b, task, "forward sensitivities", gradient_error(n, other, gradient));
    }
    free(other);
    return ok;
}
