/* SPDX-License-Identifier: MIT */
/* L-BFGS alone: bounds, memory, change criterion, scale of the function, end of progress. */
#include "analytic_objective.h"
#include "support/asserts.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N = 6 };

static void start(double *x) {
    for (size_t i = 0; i < N; i++) {
        x[i] = i % 2 == 0 ? -1.2 : 1.0;
    }
}

static void lbfgs_default_options_are_documented_values(void **state) {
    (void)state;
    const costate_lbfgs_options o = costate_lbfgs_options_default();
    assert_int_equal(o.memory, 0);
    assert_null(o.lower);
    assert_null(o.upper);
    assert_int_equal(o.stop.max_iteration, 1000);
    assert_close(o.stop.rel_change, 1e-10, 0.0, 0.0);
    assert_true(o.stop.value == -HUGE_VAL);
}

static void lbfgs_rosenbrock_converges_for_any_memory(void **state) {
    (void)state;
    const double expected[N] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    const size_t memory[] = {0, 1, 3, 20, 500};
    for (size_t k = 0; k < sizeof(memory) / sizeof(memory[0]); k++) {
        analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
        costate_lbfgs_options options = costate_lbfgs_options_default();
        costate_optimum optimum;
        double x[N] = {0.0};
        options.memory = memory[k];
        options.stop.max_iteration = 3000;
        options.stop.rel_change = 0.0;
        assert_ok(costate_minimize_lbfgs(N, analytic_evaluate, &f, &options, NULL, x, &optimum));
        assert_close_array(x, expected, N, 1e-5, 0.0);
        assert_true(optimum.n_eval < 1000);
    }
}

static void lbfgs_steps_do_not_depend_on_the_unit_of_the_function(void **state) {
    (void)state;
    double x[3][N];
    const double scale[3] = {1.0, 0x1p40, 0x1p-60};
    size_t n_call[3];
    for (int k = 0; k < 3; k++) {
        analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
        costate_lbfgs_options options = costate_lbfgs_options_default();
        f.scale = scale[k];
        start(x[k]);
        options.stop.max_iteration = 60;
        assert_ok(costate_minimize_lbfgs(N, analytic_evaluate, &f, &options, NULL, x[k], NULL));
        n_call[k] = f.n_call;
    }
    assert_int_equal(n_call[1], n_call[0]);
    assert_int_equal(n_call[2], n_call[0]);
    assert_same_bits_f64(x[1], x[0], N);
    assert_same_bits_f64(x[2], x[0], N);
}

static void lbfgs_bounds_hold_at_every_evaluation(void **state) {
    (void)state;
    analytic_objective f = analytic(ANALYTIC_QUADRATIC, 3);
    costate_lbfgs_options options = costate_lbfgs_options_default();
    costate_optimum optimum;
    const double lower[3] = {-1.0, 2.0, -HUGE_VAL};
    const double upper[3] = {-0.5, HUGE_VAL, 1.5};
    const double expected[3] = {-0.5, 2.0, 1.5};
    double x[3] = {-0.75, 3.0, 0.0};
    options.lower = lower;
    options.upper = upper;
    assert_ok(costate_minimize_lbfgs(3, analytic_evaluate, &f, &options, NULL, x, &optimum));
    assert_close_array(x, expected, 3, 1e-12, 0.0);
    assert_true(f.largest_x0 <= -0.5);
    assert_close(optimum.value, 0.25 + 2.0 + 0.75, 1e-12, 0.0);
}

static void lbfgs_equal_bounds_fix_a_variable(void **state) {
    (void)state;
    analytic_objective f = analytic(ANALYTIC_QUADRATIC, 3);
    costate_lbfgs_options options = costate_lbfgs_options_default();
    const double lower[3] = {-HUGE_VAL, 7.0, -HUGE_VAL};
    const double upper[3] = {HUGE_VAL, 7.0, HUGE_VAL};
    const double expected[3] = {0.0, 7.0, 2.0};
    double x[3] = {4.0, 7.0, 5.0};
    options.lower = lower;
    options.upper = upper;
    options.stop.rel_change = 0.0;
    assert_ok(costate_minimize_lbfgs(3, analytic_evaluate, &f, &options, NULL, x, NULL));
    assert_close_array(x, expected, 3, 0.0, 1e-6);
}

static void lbfgs_all_variables_fixed_returns_them(void **state) {
    (void)state;
    analytic_objective f = analytic(ANALYTIC_QUADRATIC, 2);
    costate_lbfgs_options options = costate_lbfgs_options_default();
    costate_optimum optimum;
    const double fixed[2] = {4.0, 7.0};
    double x[2] = {4.0, 7.0};
    options.lower = fixed;
    options.upper = fixed;
    assert_ok(costate_minimize_lbfgs(2, analytic_evaluate, &f, &options, NULL, x, &optimum));
    assert_close(optimum.value, 16.0 + 72.0, 1e-15, 0.0);
    assert_same_bits_f64(x, fixed, 2);
}

static void lbfgs_wrong_bounds_are_refused(void **state) {
    (void)state;
    const double low[2] = {0.0, 0.0};
    const double high[2] = {1.0, 1.0};
    const double not_a_number[2] = {0.0, (double)NAN};
    const double inside[2] = {0.5, 0.5};
    const double outside[2] = {0.5, 1.5};
    const struct {
        const double *lower, *upper, *x;
    } wrong[] = {{high, low, inside},  {low, high, outside}, {not_a_number, NULL, inside}, {NULL, not_a_number, inside},
                 {high, NULL, inside}, {NULL, low, inside},  {low, high, not_a_number}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        analytic_objective f = analytic(ANALYTIC_QUADRATIC, 2);
        costate_lbfgs_options options = costate_lbfgs_options_default();
        double x[2];
        memcpy(x, wrong[i].x, sizeof(x));
        options.lower = wrong[i].lower;
        options.upper = wrong[i].upper;
        assert_status(costate_minimize_lbfgs(2, analytic_evaluate, &f, &options, NULL, x, NULL), COSTATE_ERR_ARGUMENT);
        assert_int_equal(f.n_call, 0);
        assert_same_bits_f64(x, wrong[i].x, 2);
    }
}

/* Its smallest value is one, so that relative changes go to zero. */
static costate_status raised(const double *x, double *value, double *grad, void *ctx) {
    analytic_objective *f = ctx;
    const costate_status status = analytic_evaluate(x, value, grad, f);
    *value += f->scale;
    return status;
}

static void lbfgs_change_criterion_stops_the_run(void **state) {
    (void)state;
    const double rel_change[2] = {1e-1, 1e-10};
    double value[2];
    size_t n_call[2];
    for (int k = 0; k < 2; k++) {
        analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
        costate_lbfgs_options options = costate_lbfgs_options_default();
        costate_optimum optimum;
        double x[N];
        start(x);
        f.scale = 1e-3;
        options.stop.rel_change = rel_change[k];
        assert_ok(costate_minimize_lbfgs(N, raised, &f, &options, NULL, x, &optimum));
        assert_int_equal(optimum.stop, COSTATE_STOP_CHANGE);
        value[k] = optimum.value;
        n_call[k] = f.n_call;
    }
    assert_true(n_call[0] < n_call[1]);
    assert_true(value[0] > value[1]);
}

/* Every trial after the first few fails: the line search runs dry, and that is the end of progress. */
static void lbfgs_line_search_without_feasible_trial_ends_with_change(void **state) {
    (void)state;
    analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
    costate_lbfgs_options options = costate_lbfgs_options_default();
    costate_optimum optimum;
    double x[N];
    start(x);
    f.first = 6;
    f.n_bad = SIZE_MAX;
    assert_ok(costate_minimize_lbfgs(N, analytic_evaluate, &f, &options, NULL, x, &optimum));
    assert_int_equal(optimum.stop, COSTATE_STOP_CHANGE);
    assert_true(optimum.n_eval < 60);
    assert_int_equal(optimum.n_fail, optimum.n_eval - 6);
    assert_true(isfinite(optimum.value));
}

/* A function whose values carry noise of 1e-9, as a solve at a loose tolerance does. */
static costate_status noisy(const double *x, double *value, double *grad, void *ctx) {
    const costate_status status = analytic_evaluate(x, value, grad, ctx);
    *value += 1e-9 * sin(1e12 * (x[0] + x[N - 1]));
    return status;
}

static void lbfgs_noise_is_no_error(void **state) {
    (void)state;
    analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
    costate_lbfgs_options options = costate_lbfgs_options_default();
    costate_optimum optimum;
    double x[N] = {0.0};
    options.stop.rel_change = 0.0;
    assert_ok(costate_minimize_lbfgs(N, noisy, &f, &options, NULL, x, &optimum));
    assert_true(optimum.value < 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lbfgs_default_options_are_documented_values),
        cmocka_unit_test(lbfgs_rosenbrock_converges_for_any_memory),
        cmocka_unit_test(lbfgs_steps_do_not_depend_on_the_unit_of_the_function),
        cmocka_unit_test(lbfgs_bounds_hold_at_every_evaluation),
        cmocka_unit_test(lbfgs_equal_bounds_fix_a_variable),
        cmocka_unit_test(lbfgs_all_variables_fixed_returns_them),
        cmocka_unit_test(lbfgs_wrong_bounds_are_refused),
        cmocka_unit_test(lbfgs_change_criterion_stops_the_run),
        cmocka_unit_test(lbfgs_line_search_without_feasible_trial_ends_with_change),
        cmocka_unit_test(lbfgs_noise_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
