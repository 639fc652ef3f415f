/* SPDX-License-Identifier: MIT */
/* Options and arguments of a solver: ranges, tolerances per state, limits, and what is refused. */
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"

#include <costate/solver.h>
#include <math.h>
#include <string.h>

static const problem *const lv = &problem_lotka_volterra;

static costate_solver *make_solver(const costate_solver_options *options) {
    costate_solver *solver = NULL;
    assert_ok(costate_solver_create(&lv->rhs, options, NULL, &solver));
    return solver;
}

static void defaults_are_the_documented_ones(void **state) {
    (void)state;
    costate_solver_options o = costate_solver_options_default();
    assert_int_equal(o.method, COSTATE_METHOD_TSIT5);
    assert_close(o.rtol, 1e-6, 0.0, 0.0);
    assert_close(o.atol, 1e-8, 0.0, 0.0);
    assert_null(o.atol_state);
    assert_int_equal(o.max_steps, 100000);
    assert_close(o.h_init + o.h_min + o.h_max, 0.0, 0.0, 0.0);
    assert_int_equal(o.max_order, 0);
    assert_true(o.record);
    assert_true(o.interrupt == NULL);
    double y[2], z[2];
    costate_solver *explicit = make_solver(&o), *implied = make_solver(NULL);
    assert_ok(costate_solve(explicit, lv->p, 0.0, lv->y0, 1, &lv->t_end, y));
    assert_ok(costate_solve(implied, lv->p, 0.0, lv->y0, 1, &lv->t_end, z));
    assert_same_bits_f64(z, y, 2);
    costate_solver_destroy(explicit);
    costate_solver_destroy(implied);
}

static void methods_have_names(void **state) {
    (void)state;
    costate_method method = COSTATE_METHOD_ADAMS;
    const char *const names[N_METHOD] = {"adams", "bdf", "tsit5", "dop853", "sdirk4", "auto"};
    for (size_t m = 0; m < N_METHOD; m++) {
        assert_string_equal(costate_method_name(every_method[m]), names[m]);
        assert_ok(costate_method_from_name(names[m], &method));
        assert_int_equal(method, every_method[m]);
    }
    assert_string_equal(costate_method_name((costate_method)77), "unknown");
    assert_ok(costate_method_from_name("bdf", &method));
    assert_int_equal(method, COSTATE_METHOD_BDF);
    assert_status(costate_method_from_name("BDF", &method), COSTATE_ERR_ARGUMENT);
    assert_status(costate_method_from_name("", &method), COSTATE_ERR_ARGUMENT);
    assert_status(costate_method_from_name(NULL, &method), COSTATE_ERR_NULL);
    assert_status(costate_method_from_name("adams", NULL), COSTATE_ERR_NULL);
    assert_int_equal(method, COSTATE_METHOD_BDF);
}

/* Each row spoils one option. */
typedef enum spoilt {
    BAD_METHOD,
    BAD_RTOL,
    BAD_ATOL,
    BAD_ATOL_STATE,
    BAD_MAX_STEPS,
    BAD_H_INIT,
    BAD_H_MIN,
    BAD_H_MAX,
    BAD_ORDER,
    BAD_ORDER_BDF,
    BAD_ORDER_ONE_STEP
} spoilt;

static costate_solver_options spoil(spoilt which, double value, double *atol_state) {
    costate_solver_options o = costate_solver_options_default();
    switch (which) {
    case BAD_METHOD: o.method = (costate_method)(int)value; break;
    case BAD_RTOL: o.rtol = value; break;
    case BAD_ATOL: o.atol = value; break;
    case BAD_ATOL_STATE:
        atol_state[1] = value;
        o.atol_state = atol_state;
        break;
    case BAD_MAX_STEPS: o.max_steps = (size_t)value; break;
    case BAD_H_INIT: o.h_init = value; break;
    case BAD_H_MIN: o.h_min = value; break;
    case BAD_H_MAX: o.h_max = value; break;
    case BAD_ORDER_ONE_STEP:
        o.method = COSTATE_METHOD_TSIT5;
        o.max_order = (int)value;
        break;
    case BAD_ORDER_BDF:
    case BAD_ORDER:
        o.method = which == BAD_ORDER ? COSTATE_METHOD_ADAMS : COSTATE_METHOD_BDF;
        o.max_order = (int)value;
        break;
    }
    return o;
}

static void option_out_of_range_is_refused(void **state) {
    (void)state;
    const double nan = (double)NAN, inf = HUGE_VAL;
    const struct {
        spoilt which;
        double value;
    } rows[] = {
        {BAD_METHOD, N_METHOD},    {BAD_METHOD, 99.0},
        {BAD_RTOL, 0.0},           {BAD_RTOL, -1e-6},
        {BAD_RTOL, nan},           {BAD_RTOL, inf},
        {BAD_ATOL, -1e-12},        {BAD_ATOL, nan},
        {BAD_ATOL, inf},           {BAD_ATOL_STATE, -1.0},
        {BAD_ATOL_STATE, nan},     {BAD_ATOL_STATE, inf},
        {BAD_MAX_STEPS, 0.0},      {BAD_H_INIT, -1.0},
        {BAD_H_INIT, nan},         {BAD_H_INIT, inf},
        {BAD_H_MIN, -1.0},         {BAD_H_MIN, nan},
        {BAD_H_MIN, inf},          {BAD_H_MAX, -1.0},
        {BAD_H_MAX, nan},          {BAD_ORDER, -1.0},
        {BAD_ORDER, 13.0},         {BAD_ORDER_BDF, 6.0},
        {BAD_ORDER_BDF, -1.0},     {BAD_ORDER_ONE_STEP, -1.0},
        {BAD_ORDER_ONE_STEP, 1.0}, {BAD_ORDER_ONE_STEP, 5.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double atol_state[2] = {1e-8, 1e-8};
        costate_solver_options o = spoil(rows[i].which, rows[i].value, atol_state);
        costate_solver *solver = (costate_solver *)(void *)&o;
        costate_status status = costate_solver_create(&lv->rhs, &o, NULL, &solver);
        if (status != COSTATE_ERR_ARGUMENT)
            fail_msg("option %d = %g: %s", (int)rows[i].which, rows[i].value, costate_status_name(status));
        assert_null(solver);
    }
    for (int order = 1; order <= 12; order++) {
        costate_solver_options o = spoil(order <= 5 ? BAD_ORDER_BDF : BAD_ORDER, order, NULL);
        costate_solver *solver = make_solver(&o);
        assert_ok(costate_solve(solver, lv->p, 0.0, lv->y0, 1, &lv->t_end, NULL));
        assert_true(costate_solver_counts(solver)->last_order <= order);
        costate_solver_destroy(solver);
    }
}

static void incomplete_right_hand_side_is_refused(void **state) {
    (void)state;
    costate_solver *solver = NULL;
    const costate_method implicit[] = {COSTATE_METHOD_BDF, COSTATE_METHOD_SDIRK4, COSTATE_METHOD_AUTO};
    costate_rhs rhs = lv->rhs;
    assert_status(costate_solver_create(NULL, NULL, NULL, &solver), COSTATE_ERR_NULL);
    assert_status(costate_solver_create(&rhs, NULL, NULL, NULL), COSTATE_ERR_NULL);
    rhs.f = NULL;
    assert_status(costate_solver_create(&rhs, NULL, NULL, &solver), COSTATE_ERR_NULL);
    rhs = lv->rhs;
    rhs.n_y = 0;
    assert_status(costate_solver_create(&rhs, NULL, NULL, &solver), COSTATE_ERR_ARGUMENT);
    rhs = lv->rhs;
    rhs.jac = NULL;
    rhs.jvp = NULL;
    rhs.vjp = NULL;
    for (size_t m = 0; m < 3; m++) {
        costate_solver_options options = gradient_options(implicit[m], 1e-6, 1e-8);
        assert_status(costate_solver_create(&rhs, &options, NULL, &solver), COSTATE_ERR_UNSUPPORTED);
        assert_null(solver);
    }
    rhs.n_y = SIZE_MAX / 4;
    assert_status(costate_solver_create(&rhs, NULL, NULL, &solver), COSTATE_ERR_OVERFLOW);
    rhs.n_y = 2;
    assert_ok(costate_solver_create(&rhs, NULL, NULL, &solver));
    costate_solver_destroy(solver);
    costate_solver_destroy(NULL);
}

static void wrong_arguments_of_a_solve_are_refused_and_named(void **state) {
    (void)state;
    const double up_down[] = {1.0, 2.0, 1.5}, across[] = {-1.0, 1.0}, bad_time[] = {1.0, (double)NAN, 2.0};
    const double bad_y0[] = {1.0, HUGE_VAL}, bad_p[] = {1.5, 1.0, (double)NAN, 1.0}, good[] = {1.0, 2.0};
    double y[6];
    costate_solver *solver = make_solver(NULL);
    assert_string_equal(costate_solver_detail(solver), "");
    assert_status(costate_solve(solver, lv->p, 0.0, lv->y0, 3, up_down, y), COSTATE_ERR_ARGUMENT);
    assert_status(costate_solve(solver, lv->p, 0.0, lv->y0, 2, across, y), COSTATE_ERR_ARGUMENT);
    assert_true(strlen(costate_solver_detail(solver)) > 0);
    assert_status(costate_solve(solver, lv->p, 0.0, lv->y0, 0, good, y), COSTATE_ERR_ARGUMENT);
    assert_non_null(strstr(costate_solver_detail(solver), "n_t"));
    assert_status(costate_solve(solver, lv->p, 0.0, lv->y0, 3, bad_time, y), COSTATE_ERR_NONFINITE);
    assert_non_null(strstr(costate_solver_detail(solver), "t"));
    assert_status(costate_solve(solver, lv->p, (double)NAN, lv->y0, 2, good, y), COSTATE_ERR_NONFINITE);
    assert_non_null(strstr(costate_solver_detail(solver), "t0"));
    assert_status(costate_solve(solver, lv->p, 0.0, bad_y0, 2, good, y), COSTATE_ERR_NONFINITE);
    assert_non_null(strstr(costate_solver_detail(solver), "y0"));
    assert_status(costate_solve(solver, bad_p, 0.0, lv->y0, 2, good, y), COSTATE_ERR_NONFINITE);
    assert_non_null(strstr(costate_solver_detail(solver), "p"));
    assert_status(costate_solve(NULL, lv->p, 0.0, lv->y0, 2, good, y), COSTATE_ERR_NULL);
    assert_status(costate_solve(solver, NULL, 0.0, lv->y0, 2, good, y), COSTATE_ERR_NULL);
    assert_status(costate_solve(solver, lv->p, 0.0, NULL, 2, good, y), COSTATE_ERR_NULL);
    assert_status(costate_solve(solver, lv->p, 0.0, lv->y0, 2, NULL, y), COSTATE_ERR_NULL);
    assert_ok(costate_solve(solver, lv->p, 0.0, lv->y0, 2, good, y));
    assert_string_equal(costate_solver_detail(solver), "");
    assert_string_equal(costate_solver_detail(NULL), "");
    costate_solver_destroy(solver);
}

/* Two copies of one equation in different units: with matching tolerances both have the same relative error. */
static void tolerance_per_state_follows_the_unit_of_the_state(void **state) {
    (void)state;
    const double y0[] = {1.0, 1e-9}, p[] = {-1.0, 0.0, 0.0, -1.0}, end = 8.0;
    const double atol_state[] = {1e-9, 1e-18};
    for (size_t k = 0; k < 2 * (N_METHOD - 1); k++) {
        bool per_state = k % 2;
        double y[2], error[2];
        costate_solver *solver = NULL;
        costate_solver_options o = gradient_options(every_method[1 + k / 2], 1e-8, 1.0);
        o.atol_state = per_state ? atol_state : NULL;
        assert_ok(costate_solver_create(&problem_linear.rhs, &o, NULL, &solver));
        assert_ok(costate_solve(solver, p, 0.0, y0, 1, &end, y));
        for (size_t i = 0; i < 2; i++)
            error[i] = fabs(y[i] / y0[i] * exp(end) - 1.0);
        assert_true(per_state ? error[0] <= 1e-4 && error[1] <= 1e-4 : error[0] > 1e-4);
        costate_solver_destroy(solver);
    }
}

static void set_tolerances_equals_creation_with_them(costate_method method) {
    const double atol_state[] = {1e-7, 1e-10}, bad_state[] = {1e-7, -1.0};
    costate_solver_options o = gradient_options(method, 1e-7, 1e-3), plain = gradient_options(method, 1e-6, 1e-8);
    o.atol_state = atol_state;
    double y[2], z[2];
    costate_solver *fresh = make_solver(&o), *changed = make_solver(&plain);
    assert_ok(costate_solve(fresh, lv->p, 0.0, lv->y0, 1, &lv->t_end, y));
    assert_ok(costate_solve(changed, lv->p, 0.0, lv->y0, 1, &lv->t_end, z));
    assert_true(z[0] != y[0]);
    assert_ok(costate_solver_set_tolerances(changed, 1e-7, 1e-3, atol_state));
    const double bad[][2] = {{0.0, 1e-8},  {-1.0, 1e-8},        {(double)NAN, 1e-8},
                             {1e-6, -1.0}, {1e-6, (double)NAN}, {HUGE_VAL, 1e-8}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_status(costate_solver_set_tolerances(changed, bad[i][0], bad[i][1], NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_solver_set_tolerances(changed, 1e-5, 1e-8, bad_state), COSTATE_ERR_ARGUMENT);
    assert_status(costate_solver_set_tolerances(NULL, 1e-5, 1e-8, NULL), COSTATE_ERR_NULL);
    assert_ok(costate_solve(changed, lv->p, 0.0, lv->y0, 1, &lv->t_end, z));
    assert_same_bits_f64(z, y, 2);
    assert_ok(costate_solver_set_tolerances(changed, 1e-6, 1e-8, NULL));
    costate_solver_destroy(fresh);
    fresh = make_solver(&plain);
    assert_ok(costate_solve(fresh, lv->p, 0.0, lv->y0, 1, &lv->t_end, y));
    assert_ok(costate_solve(changed, lv->p, 0.0, lv->y0, 1, &lv->t_end, z));
    assert_same_bits_f64(z, y, 2);
    costate_solver_destroy(fresh);
    costate_solver_destroy(changed);
}

static void changed_tolerances_equal_those_of_creation(void **state) {
    (void)state;
    for (size_t m = 0; m < N_METHOD; m++)
        set_tolerances_equals_creation_with_them(every_method[m]);
}

static void step_lengths_are_honoured_in_both_directions(void **state) {
    (void)state;
    for (size_t k = 0; k < 2 * N_METHOD; k++) {
        double sign = k % 2 ? -1.0 : 1.0, end = 2.0 * sign;
        costate_solver_options o = gradient_options(every_method[k / 2], 1e-6, 1e-8);
        o.h_max = 0.01;
        costate_solver *solver = make_solver(&o);
        assert_ok(costate_solve(solver, lv->p, 0.0, lv->y0, 1, &end, NULL));
        assert_true(costate_solver_counts(solver)->n_step >= 200);
        assert_true(costate_solver_counts(solver)->last_step <= 0.01 * (1.0 + 1e-12));
        costate_solver_destroy(solver);
        o.h_max = 0.0;
        o.h_init = 1e-7;
        o.max_steps = 1;
        solver = make_solver(&o);
        assert_status(costate_solve(solver, lv->p, 0.0, lv->y0, 1, &end, NULL), COSTATE_ERR_MAX_STEPS);
        assert_close(costate_solver_counts(solver)->t_reached, sign * 1e-7, 1e-12, 0.0);
        assert_close(costate_solver_counts(solver)->last_step, 1e-7, 1e-12, 0.0);
        costate_solver_destroy(solver);
    }
}

/* The equation is linear: Newton's method converges at any step, and the error test alone asks for a smaller one. */
static void error_test_at_the_smallest_step_is_reported(void **state) {
    (void)state;
    const problem *q = &problem_gaussian;
    for (size_t m = 1; m < N_METHOD; m++) {
        costate_solver_options o = gradient_options(every_method[m], 1e-10, 1e-12);
        o.h_min = 0.25;
        costate_solver *solver = NULL;
        assert_ok(costate_solver_create(&q->rhs, &o, NULL, &solver));
        assert_status(costate_solve(solver, q->p, q->t0, q->y0, 1, &q->t_end, NULL), COSTATE_ERR_STEP_SIZE);
        assert_true(strlen(costate_solver_detail(solver)) > 0);
        costate_solver_destroy(solver);
    }
}

static void too_tight_a_tolerance_is_reported(void **state) {
    (void)state;
    for (size_t m = 0; m < N_METHOD; m++) {
        if (every_method[m] == COSTATE_METHOD_BDF) continue;
        costate_solver_options o = gradient_options(every_method[m], 1e-18, 0.0);
        costate_solver *solver = make_solver(&o);
        assert_status(costate_solve(solver, lv->p, 0.0, lv->y0, 1, &lv->t_end, NULL), COSTATE_ERR_ACCURACY);
        assert_true(strlen(costate_solver_detail(solver)) > 0);
        assert_ok(costate_solver_set_tolerances(solver, 1e-6, 1e-8, NULL));
        assert_ok(costate_solve(solver, lv->p, 0.0, lv->y0, 1, &lv->t_end, NULL));
        costate_solver_destroy(solver);
    }
}

/* A relative tolerance alone means nothing for a state that is zero. */
static void state_without_a_tolerance_is_reported(void **state) {
    (void)state;
    const double y0[] = {1.0, 0.0}, p[] = {-1.0, 0.0, 0.0, -1.0}, end = 1.0;
    for (size_t m = 0; m < N_METHOD; m++) {
        costate_solver_options o = gradient_options(every_method[m], 1e-6, 0.0);
        costate_solver *solver = NULL;
        double y[2];
        assert_ok(costate_solver_create(&problem_linear.rhs, &o, NULL, &solver));
        costate_status status = costate_solve(solver, p, 0.0, y0, 1, &end, y);
        if (is_one_step(every_method[m])) assert_status(status, COSTATE_ERR_ACCURACY);
        assert_true(status != COSTATE_OK && isnan(y[0]) && isnan(y[1]));
        assert_ok(costate_solver_set_tolerances(solver, 1e-6, 1e-9, NULL));
        assert_ok(costate_solve(solver, p, 0.0, y0, 1, &end, y));
        assert_close(y[0], exp(-1.0), 1e-4, 0.0);
        costate_solver_destroy(solver);
    }
}

static void eval_without_record_is_refused(void **state) {
    (void)state;
    for (size_t m = 0; m < N_METHOD; m++) {
        costate_solver_options o = gradient_options(every_method[m], 1e-6, 1e-8);
        const double t[] = {0.0, 1.7, 4.4, 4.4, 10.0};
        double y[10], z[10];
        costate_solver *recording = make_solver(&o);
        o.record = false;
        costate_solver *plain = make_solver(&o);
        assert_ok(costate_solve(recording, lv->p, 0.0, lv->y0, 5, t, y));
        assert_ok(costate_solve(plain, lv->p, 0.0, lv->y0, 5, t, z));
        assert_same_bits_f64(z, y, 10);
        assert_status(costate_solver_eval(plain, 5.0, z), COSTATE_ERR_STATE);
        assert_status(costate_solver_eval_slope(plain, 5.0, z), COSTATE_ERR_STATE);
        costate_solver_destroy(recording);
        costate_solver_destroy(plain);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_documented_ones),
        cmocka_unit_test(methods_have_names),
        cmocka_unit_test(option_out_of_range_is_refused),
        cmocka_unit_test(incomplete_right_hand_side_is_refused),
        cmocka_unit_test(wrong_arguments_of_a_solve_are_refused_and_named),
        cmocka_unit_test(tolerance_per_state_follows_the_unit_of_the_state),
        cmocka_unit_test(changed_tolerances_equal_those_of_creation),
        cmocka_unit_test(step_lengths_are_honoured_in_both_directions),
        cmocka_unit_test(error_test_at_the_smallest_step_is_reported),
        cmocka_unit_test(too_tight_a_tolerance_is_reported),
        cmocka_unit_test(state_without_a_tolerance_is_reported),
        cmocka_unit_test(eval_without_record_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
