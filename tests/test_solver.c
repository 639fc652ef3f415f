/* SPDX-License-Identifier: MIT */
/* Solves with known answers: closed forms, output times in every arrangement, dense output and counts. */
#include "faulty_rhs.h"
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"

#include <costate/solver.h>
#include <math.h>
#include <stdlib.h>

enum { N_OUT = 17 };

static costate_solver *make_solver(const costate_rhs *rhs, costate_method method, double rtol, double atol) {
    costate_solver_options options = gradient_options(method, rtol, atol);
    costate_solver *solver = NULL;
    assert_ok(costate_solver_create(rhs, &options, NULL, &solver));
    assert_non_null(solver);
    return solver;
}

static void equispaced(double first, double last, size_t n, double *t) {
    for (size_t i = 0; i < n; i++)
        t[i] = i + 1 == n ? last : first + (last - first) * (double)i / (double)(n - 1);
}

/* Largest |y - exact| / (|exact| + 1) of a solve with N_OUT outputs from t0 to t_end. */
static double closed_form_error(const problem *q, costate_method method, double rtol, double t0, double t_end) {
    double t[N_OUT], y[N_OUT * 2], y0[2], exact[2], worst = 0.0;
    q->exact(t0, q->p, q->t0, q->y0, y0);
    equispaced(t0, t_end, N_OUT, t);
    costate_solver *solver = make_solver(&q->rhs, method, rtol, rtol * 1e-2);
    assert_ok(costate_solve(solver, q->p, t0, y0, N_OUT, t, y));
    assert_same_bits_f64(y, y0, q->rhs.n_y);
    for (size_t i = 0; i < N_OUT; i++) {
        q->exact(t[i], q->p, t0, y0, exact);
        for (size_t k = 0; k < q->rhs.n_y; k++) {
            double error = fabs(y[i * q->rhs.n_y + k] - exact[k]) / (fabs(exact[k]) + 1.0);
            assert_true(error <= 1.0);
            worst = fmax(worst, error);
        }
    }
    costate_solver_destroy(solver);
    return worst;
}

static void closed_forms_are_met_and_error_falls_with_rtol(void **state) {
    (void)state;
    for (const problem *const *each = problem_list; *each; each++) {
        const problem *q = *each;
        for (size_t m = 0; q->exact && m < N_METHOD; m++) {
            double coarse = closed_form_error(q, every_method[m], 1e-5, q->t0, q->t_end);
            double fine = closed_form_error(q, every_method[m], 1e-8, q->t0, q->t_end);
            if (!(coarse <= 1e-3 && fine <= 1e-6 && fine <= coarse / 20.0))
                fail_msg("%s %s: errors %g and %g", q->name, costate_method_name(every_method[m]), coarse, fine);
        }
    }
}

static void reversed_time_meets_closed_forms(void **state) {
    (void)state;
    for (const problem *const *each = problem_list; *each; each++) {
        const problem *q = *each;
        for (size_t m = 0; q->exact && m < N_METHOD; m++) {
            double error = closed_form_error(q, every_method[m], 1e-9, q->t_end, q->t0);
            if (!(error <= 1e-6))
                fail_msg("%s %s backwards: error %g", q->name, costate_method_name(every_method[m]), error);
        }
    }
}

static void lotka_volterra_end_point_is_the_reference(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    for (size_t m = 0; m < N_METHOD; m++) {
        double y[2];
        costate_solver *solver = make_solver(&q->rhs, every_method[m], 1e-10, 1e-12);
        assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 1, &q->t_end, y));
        assert_close_array(y, q->y_end, 2, 1e-7, 0.0);
        costate_solver_destroy(solver);
    }
}

static void times_that_repeat_or_equal_t0_give_the_same_rows(void **state) {
    (void)state;
    const problem *q = &problem_oscillator;
    const double t[] = {0.0, 0.0, 1.0, 2.5, 2.5, 2.5, 7.0, 7.0};
    const double distinct[] = {1.0, 2.5, 7.0};
    for (size_t m = 0; m < N_METHOD; m++) {
        double y[16], z[6];
        costate_solver *solver = make_solver(&q->rhs, every_method[m], 1e-8, 1e-10);
        assert_ok(costate_solve(solver, q->p, 0.0, q->y0, 8, t, y));
        assert_ok(costate_solve(solver, q->p, 0.0, q->y0, 3, distinct, z));
        assert_same_bits_f64(y, q->y0, 2);
        assert_same_bits_f64(y + 2, q->y0, 2);
        assert_same_bits_f64(y + 4, z, 2);
        for (size_t i = 3; i < 6; i++)
            assert_same_bits_f64(y + 2 * i, z + 2, 2);
        for (size_t i = 6; i < 8; i++)
            assert_same_bits_f64(y + 2 * i, z + 4, 2);
        costate_solver_destroy(solver);
    }
}

static void single_time_equal_to_t0_gives_y0(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    const double t[] = {3.25, 3.25};
    for (size_t m = 0; m < N_METHOD; m++)
        for (size_t n_t = 1; n_t <= 2; n_t++) {
            double y[4], z[2];
            costate_solver *solver = make_solver(&q->rhs, every_method[m], 1e-8, 1e-10);
            assert_ok(costate_solve(solver, q->p, 3.25, q->y0, n_t, t, y));
            assert_same_bits_f64(y + 2 * (n_t - 1), q->y0, 2);
            assert_int_equal(costate_solver_counts(solver)->n_step, 0);
            assert_ok(costate_solver_eval(solver, 3.25, z));
            assert_same_bits_f64(z, q->y0, 2);
            assert_status(costate_solver_eval(solver, 3.5, z), COSTATE_ERR_ARGUMENT);
            costate_solver_destroy(solver);
        }
}

static void outputs_do_not_influence_the_steps(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    double t[101], y[202], z[2];
    equispaced(q->t0, q->t_end, 101, t);
    for (size_t m = 0; m < N_METHOD; m++) {
        costate_solver *solver = make_solver(&q->rhs, every_method[m], 1e-7, 1e-9);
        assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 1, &q->t_end, z));
        size_t n_step = costate_solver_counts(solver)->n_step;
        assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 101, t, y));
        assert_int_equal(costate_solver_counts(solver)->n_step, n_step);
        assert_same_bits_f64(y + 200, z, 2);
        assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 101, t, NULL));
        assert_int_equal(costate_solver_counts(solver)->n_step, n_step);
        costate_solver_destroy(solver);
    }
}

static void f_is_never_evaluated_outside_the_interval(void **state) {
    (void)state;
    const double ends[][2] = {{0.5, 2.0}, {2.0, 0.5}, {-1e-3, 1e-3}, {1e6, 1e6 + 1.0}};
    for (size_t m = 0; m < N_METHOD; m++)
        for (size_t e = 0; e < 4; e++) {
            faulty_rhs watch;
            costate_rhs rhs = faulty_rhs_wrap(&watch, &problem_logistic.rhs);
            costate_solver *solver = make_solver(&rhs, every_method[m], 1e-6, 1e-8);
            double t[3];
            equispaced(ends[e][0], ends[e][1], 3, t);
            assert_ok(costate_solve(solver, problem_logistic.p, t[0], problem_logistic.y0, 2, t + 1, NULL));
            assert_true(watch.t_min >= fmin(t[0], t[2]) && watch.t_max <= fmax(t[0], t[2]));
            costate_solver_destroy(solver);
        }
}

static void eval_repeats_the_outputs_and_holds_the_tolerance_between_them(void **state) {
    (void)state;
    const problem *all[] = {&problem_oscillator, &problem_linear, &problem_logistic};
    for (size_t k = 0; k < 3; k++)
        for (size_t m = 0; m < N_METHOD; m++) {
            const problem *q = all[k];
            size_t n_y = q->rhs.n_y;
            double t[N_OUT], y[N_OUT * 2], z[2], exact[2], at_outputs = 0.0, between = 0.0;
            equispaced(q->t0, q->t_end, N_OUT, t);
            costate_solver *solver = make_solver(&q->rhs, every_method[m], 1e-9, 1e-11);
            assert_ok(costate_solve(solver, q->p, q->t0, q->y0, N_OUT, t, y));
            for (size_t i = 0; i < N_OUT; i++) {
                assert_ok(costate_solver_eval(solver, t[i], z));
                assert_close_array(z, y + i * n_y, n_y, 1e-13, 1e-14);
            }
            for (int i = 0; i <= 2000; i++) {
                double at = q->t0 + (q->t_end - q->t0) * i / 2000.0;
                q->exact(at, q->p, q->t0, q->y0, exact);
                assert_ok(costate_solver_eval(solver, at, z));
                assert_close_array(z, exact, n_y, 5e-7, 5e-7);
                between = fmax(between, fabs(z[0] - exact[0]));
            }
            for (size_t i = 0; i < N_OUT; i++) {
                q->exact(t[i], q->p, q->t0, q->y0, exact);
                at_outputs = fmax(at_outputs, fabs(y[i * n_y] - exact[0]));
            }
            if (!(between <= 4.0 * at_outputs + 1e-9))
                fail_msg("%s: error %g between outputs, %g at them", q->name, between, at_outputs);
            costate_solver_destroy(solver);
        }
}

static void eval_works_backwards_and_refuses_other_times(void **state) {
    (void)state;
    const problem *q = &problem_oscillator;
    for (size_t m = 0; m < N_METHOD; m++) {
        double end = -4.0, z[2] = {7.0, 7.0}, exact[2];
        costate_solver *solver = make_solver(&q->rhs, every_method[m], 1e-9, 1e-11);
        assert_status(costate_solver_eval(solver, 0.0, z), COSTATE_ERR_STATE);
        assert_ok(costate_solve(solver, q->p, 1.0, q->y0, 1, &end, NULL));
        for (int i = 0; i <= 500; i++) {
            double at = 1.0 - 5.0 * i / 500.0;
            assert_ok(costate_solver_eval(solver, at, z));
            q->exact(at, q->p, 1.0, q->y0, exact);
            assert_close_array(z, exact, 2, 2e-7, 2e-7);
        }
        const double outside[] = {1.0 + 1e-9, -4.0 - 1e-9, (double)NAN, HUGE_VAL, -HUGE_VAL};
        for (size_t i = 0; i < 5; i++)
            assert_status(costate_solver_eval(solver, outside[i], z), COSTATE_ERR_ARGUMENT);
        assert_status(costate_solver_eval(solver, 0.0, NULL), COSTATE_ERR_NULL);
        assert_status(costate_solver_eval(NULL, 0.0, z), COSTATE_ERR_NULL);
        costate_solver_destroy(solver);
    }
}

/* Long enough for the history to grow many times. */
static void eval_covers_thousands_of_steps(void **state) {
    (void)state;
    const problem *q = &problem_oscillator;
    double end = 1500.0, z[2], exact[2];
    for (size_t m = 0; m < N_METHOD; m++) {
        if (every_method[m] == COSTATE_METHOD_BDF || every_method[m] == COSTATE_METHOD_SDIRK4) continue;
        costate_solver *solver = make_solver(&q->rhs, every_method[m], 1e-10, 1e-12);
        assert_ok(costate_solve(solver, q->p, 0.0, q->y0, 1, &end, NULL));
        assert_true(costate_solver_counts(solver)->n_step > 5000);
        for (int i = 0; i <= 3000; i++) {
            double at = end * i / 3000.0;
            assert_ok(costate_solver_eval(solver, at, z));
            q->exact(at, q->p, 0.0, q->y0, exact);
            assert_close_array(z, exact, 2, 1e-5, 1e-5);
        }
        costate_solver_destroy(solver);
    }
}

/* What tells one method's counts from another's, on a problem that is not stiff. */
static void assert_counts_of_method(const costate_solve_counts *c, costate_method method) {
    bool explicit = method == COSTATE_METHOD_TSIT5 || method == COSTATE_METHOD_DOP853 || method == COSTATE_METHOD_AUTO;
    size_t n_try = c->n_step + c->n_error_fail, n_stage = method == COSTATE_METHOD_DOP853 ? 12 : 6;
    assert_int_equal(c->n_switch + c->n_replay, 0);
    assert_int_equal(c->n_implicit, method == COSTATE_METHOD_SDIRK4 ? c->n_step : 0);
    if (explicit) {
        /* The slope at the start, the estimate of the first step, the stages of each try; no output within a step. */
        assert_int_equal(c->n_f, 2 + n_stage * n_try);
        assert_int_equal(c->n_jac + c->n_setup + c->n_nonlin_iter + c->n_nonlin_fail, 0);
        assert_int_equal(c->last_order, method == COSTATE_METHOD_DOP853 ? 8 : 5);
    } else if (method == COSTATE_METHOD_SDIRK4) {
        assert_true(c->n_f <= 30 * n_try && c->n_nonlin_iter >= 4 * c->n_step);
        assert_true(c->n_jac >= c->n_step && c->n_setup >= c->n_step && c->n_setup <= n_try + c->n_nonlin_fail);
        assert_int_equal(c->last_order, 4);
    } else {
        assert_true(c->n_f <= 5 * c->n_step && c->n_nonlin_iter >= c->n_step);
        assert_true(method == COSTATE_METHOD_ADAMS ? c->n_jac == 0 && c->n_setup == 0
                                                   : c->n_jac > 0 && c->n_setup >= c->n_jac);
        assert_true(c->last_order >= 1 && c->last_order <= (method == COSTATE_METHOD_ADAMS ? 12 : 5));
    }
}

static void counts_are_those_of_the_last_solve(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    for (size_t m = 0; m < N_METHOD; m++) {
        faulty_rhs watch;
        costate_rhs rhs = faulty_rhs_wrap(&watch, &q->rhs);
        costate_solver *solver = make_solver(&rhs, every_method[m], 1e-6, 1e-8);
        size_t n_step[2];
        for (size_t k = 0; k < 2; k++) {
            faulty_rhs_arm(&watch, FAULT_NONE, CALLBACK_F, 0, 0);
            assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 1, &q->t_end, NULL));
            const costate_solve_counts *c = costate_solver_counts(solver);
            n_step[k] = c->n_step;
            assert_true(c->n_step >= 20 && c->n_step <= 2000);
            assert_int_equal(c->n_restart, 1);
            assert_int_equal(c->n_f, watch.n_call[CALLBACK_F]);
            assert_true(c->n_f > c->n_step);
            assert_int_equal(c->n_vjp_y + c->n_vjp_p, 0);
            assert_int_equal(c->n_jac, watch.n_call[CALLBACK_JAC]);
            assert_counts_of_method(c, every_method[m]);
            assert_true(c->last_step > 0.0 && c->last_step <= q->t_end);
            assert_close(c->t_reached, q->t_end, 0.0, 0.0);
            assert_true(c->seconds > 0.0 && c->seconds < 60.0);
        }
        assert_int_equal(n_step[0], n_step[1]);
        costate_solver_destroy(solver);
    }
    assert_null(costate_solver_counts(NULL));
}

static void reused_solver_repeats_its_bits(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    const double other_y0[] = {4.0, 0.1}, other_p[] = {0.5, 2.0, 1.0, 0.3}, back = -3.0;
    for (size_t m = 0; m < N_METHOD; m++) {
        double y[2], z[2];
        costate_solver *solver = make_solver(&q->rhs, every_method[m], 1e-8, 1e-10);
        assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 1, &q->t_end, y));
        assert_ok(costate_solve(solver, other_p, 1.0, other_y0, 1, &back, NULL));
        assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 1, &q->t_end, z));
        assert_same_bits_f64(z, y, 2);
        costate_solver_destroy(solver);
    }
}

static void implicit_methods_take_their_jacobian_from_any_derivative(void **state) {
    (void)state;
    const problem *q = &problem_hires;
    const costate_method implicit[] = {COSTATE_METHOD_BDF, COSTATE_METHOD_SDIRK4, COSTATE_METHOD_AUTO};
    double y[4][8];
    size_t n_step = 0;
    for (size_t k = 0; k < 12; k++) {
        size_t variant = k % 4;
        costate_rhs rhs = q->rhs;
        if (variant == 1 || variant == 2) rhs.jac = NULL;
        if (variant == 2 || variant == 3) rhs.jvp = NULL;
        if (variant == 1 || variant == 3) rhs.vjp = NULL;
        costate_solver *solver = make_solver(&rhs, implicit[k / 4], 1e-8, 1e-12);
        assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 1, &q->t_end, y[variant]));
        const costate_solve_counts *c = costate_solver_counts(solver);
        n_step = variant == 0 ? c->n_step : n_step;
        assert_true(c->n_jac > 0 && 10 * c->n_step <= 11 * n_step && c->n_nonlin_fail <= n_step / 10);
        assert_close_array(y[variant], y[0], 8, 1e-6, 0.0);
        costate_solver_destroy(solver);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_forms_are_met_and_error_falls_with_rtol),
        cmocka_unit_test(reversed_time_meets_closed_forms),
        cmocka_unit_test(lotka_volterra_end_point_is_the_reference),
        cmocka_unit_test(times_that_repeat_or_equal_t0_give_the_same_rows),
        cmocka_unit_test(single_time_equal_to_t0_gives_y0),
        cmocka_unit_test(outputs_do_not_influence_the_steps),
        cmocka_unit_test(f_is_never_evaluated_outside_the_interval),
        cmocka_unit_test(eval_repeats_the_outputs_and_holds_the_tolerance_between_them),
        cmocka_unit_test(eval_works_backwards_and_refuses_other_times),
        cmocka_unit_test(eval_covers_thousands_of_steps),
        cmocka_unit_test(counts_are_those_of_the_last_solve),
        cmocka_unit_test(reused_solver_repeats_its_bits),
        cmocka_unit_test(implicit_methods_take_their_jacobian_from_any_derivative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
