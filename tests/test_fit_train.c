/* SPDX-License-Identifier: MIT */
/* Fits from start to end: optimiser, solver and adjoint together. */
#include "fit_fixture.h"
#include "support/asserts.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_T = FIXTURE_N_T, N_Y = FIXTURE_N_Y, N_P = FIXTURE_N_P, N_X = FIXTURE_N_X };

/* Exact data of known parameters and initial state, without gaps. */
static void fill_exact(fit_fixture *f, double *truth) {
    const double known[N_X] = {1.5, 1.0, 3.0, 1.0, 1.0, 1.0};
    double y[N_T * N_Y];
    fit_fixture_fill(f);
    memset(f->data, 0, sizeof(f->data));
    memcpy(truth, known, sizeof(known));
    costate_fit *fit = fit_fixture_create(f, NULL);
    assert_ok(costate_fit_predict(fit, truth, 0, N_T, f->t, y, NULL));
    costate_fit_destroy(fit);
    memcpy(f->data, y, sizeof(y));
}

static void lbfgs_recovers_parameters_and_initial_state(void **state) {
    (void)state;
    fit_fixture f;
    double truth[N_X];
    costate_lbfgs_options options = costate_lbfgs_options_default();
    costate_optimum optimum;
    fill_exact(&f, truth);
    costate_fit *fit = fit_fixture_create(&f, NULL);
    options.stop.rel_change = 0.0;
    assert_ok(costate_minimize_lbfgs(N_X, costate_fit_objective, fit, &options, NULL, f.x, &optimum));
    assert_close_array(f.x, truth, N_X, 1e-5, 0.0);
    assert_true(optimum.value < 1e-10);
    assert_int_equal(optimum.n_eval, costate_fit_get_counts(fit)->n_gradient);
    costate_fit_destroy(fit);
}

static void lbfgs_within_bounds_ends_at_one(void **state) {
    (void)state;
    fit_fixture f;
    double truth[N_X];
    const double lower[N_X] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    const double upper[N_X] = {1.42, 5.0, 5.0, 5.0, 5.0, 5.0};
    costate_lbfgs_options options = costate_lbfgs_options_default();
    costate_optimum optimum;
    fill_exact(&f, truth);
    costate_fit *fit = fit_fixture_create(&f, NULL);
    options.lower = lower;
    options.upper = upper;
    assert_ok(costate_minimize_lbfgs(N_X, costate_fit_objective, fit, &options, NULL, f.x, &optimum));
    assert_close(f.x[0], 1.42, 1e-12, 0.0);
    assert_true(optimum.value > 1e-6 && optimum.value < 0.1);
    costate_fit_destroy(fit);
}

static void adam_lowers_the_loss(void **state) {
    (void)state;
    fit_fixture f;
    double truth[N_X];
    double first;
    costate_adam_options options = costate_adam_options_default();
    costate_optimum optimum;
    fill_exact(&f, truth);
    costate_fit *fit = fit_fixture_create(&f, NULL);
    assert_ok(costate_fit_objective(f.x, &first, NULL, fit));
    options.rate = 0.02;
    options.rate_final = 0.001;
    options.stop.max_iteration = 300;
    assert_ok(costate_minimize_adam(N_X, costate_fit_objective, fit, &options, NULL, f.x, &optimum));
    assert_true(optimum.value < 0.01 * first);
    costate_fit_destroy(fit);
}

/* Lotka-Volterra that cannot be evaluated where its first parameter exceeds a wall. */
static int walled_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const double *wall = ctx;
    if (p[0] > *wall) {
        return COSTATE_ANSWER_FAIL;
    }
    return problem_lotka_volterra.rhs.f(t, y, p, dydt, work, NULL);
}

/* The way to the optimum leads over the wall: both optimisers must stay on this side, lower the loss, and report the failures. */
static void optimisers_back_off_from_failing_solves(void **state) {
    (void)state;
    double wall = 1.45;
    for (int k = 0; k < 2; k++) {
        fit_fixture f;
        double truth[N_X];
        double first;
        costate_rhs rhs = problem_lotka_volterra.rhs;
        costate_optimum optimum;
        costate_status status;
        fill_exact(&f, truth);
        rhs.f = walled_f;
        rhs.ctx = &wall;
        costate_fit *fit = fit_fixture_create(&f, &rhs);
        assert_ok(costate_fit_objective(f.x, &first, NULL, fit));
        if (k == 0) {
            costate_lbfgs_options options = costate_lbfgs_options_default();
            options.stop.max_iteration = 300;
            status = costate_minimize_lbfgs(N_X, costate_fit_objective, fit, &options, NULL, f.x, &optimum);
        } else {
            costate_adam_options options = costate_adam_options_default();
            options.stop.max_iteration = 300;
            status = costate_minimize_adam(N_X, costate_fit_objective, fit, &options, NULL, f.x, &optimum);
        }
        assert_ok(status);
        assert_true(optimum.n_fail > 0);
        assert_int_equal(optimum.n_fail, costate_fit_get_counts(fit)->n_fail);
        assert_true(f.x[0] <= wall);
        assert_true(optimum.value < 0.2 * first);
        costate_fit_destroy(fit);
    }
}

static int interrupt_at_100(void *ctx) {
    size_t *n = ctx;
    return ++*n >= 100;
}

static void interrupted_solve_ends_the_optimisation(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        fit_fixture f;
        size_t n = 0;
        costate_optimum optimum;
        fit_fixture_fill(&f);
        f.options.solver.interrupt = interrupt_at_100;
        f.options.solver.interrupt_ctx = &n;
        costate_fit *fit = fit_fixture_create(&f, NULL);
        assert_status(k == 0 ? costate_minimize_lbfgs(N_X, costate_fit_objective, fit, NULL, NULL, f.x, &optimum)
                             : costate_minimize_adam(N_X, costate_fit_objective, fit, NULL, NULL, f.x, &optimum),
                      COSTATE_ERR_INTERRUPTED);
        assert_true(n >= 100 && n < 400);
        assert_all_finite(f.x, N_X);
        costate_fit_destroy(fit);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lbfgs_recovers_parameters_and_initial_state),
        cmocka_unit_test(lbfgs_within_bounds_ends_at_one),
        cmocka_unit_test(adam_lowers_the_loss),
        cmocka_unit_test(optimisers_back_off_from_failing_solves),
        cmocka_unit_test(interrupted_solve_ends_the_optimisation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
