/* SPDX-License-Identifier: MIT */
/* The hand-written derivatives of the test problems, and the set-up of the spiral neural ODE. */
#include "faulty_rhs.h"
#include "problems.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>

static void derivatives_of_every_problem_agree_with_differences(void **state) {
    (void)state;
    costate_random random = test_random(1);
    /* Constants of order one: the formulas do not depend on them, the accuracy of differences does. */
    double y[PROBLEM_MAX_Y], p[PROBLEM_MAX_P];
    for (size_t i = 0; i < PROBLEM_MAX_Y; i++)
        y[i] = 0.8 + 0.02 * (double)i;
    for (size_t i = 0; i < PROBLEM_MAX_P; i++)
        p[i] = 1.5 + 0.01 * (double)i;
    for (const problem *const *each = problem_list; *each; each++) {
        costate_rhs_report report;
        costate_status status = costate_rhs_check(&(*each)->rhs, 0.3, y, p, 0.1, 5, 1e-8, &random, &report);
        if (status != COSTATE_OK)
            print_error("%s: %s[%zu] = %g, differences give %g\n", (*each)->name, report.callback, report.index,
                        report.analytic, report.numeric);
        assert_ok(status);
    }
}

static void derivatives_of_spiral_network_agree_with_differences(void **state) {
    (void)state;
    costate_random random = test_random(2);
    spiral s;
    assert_ok(spiral_create(&s));
    assert_ok(costate_rhs_check(&s.rhs, 0.0, s.y0, s.p, 0.1, 3, 1e-6, &random, NULL));
    spiral_destroy(&s);
}

static void wrapped_problem_keeps_its_derivatives(void **state) {
    (void)state;
    costate_random random = test_random(3);
    const problem *lv = &problem_lotka_volterra;
    faulty_rhs counts;
    costate_rhs rhs = faulty_rhs_wrap(&counts, &lv->rhs);
    assert_ok(costate_rhs_check(&rhs, 0.0, lv->y0, lv->p, 0.1, 2, 1e-8, &random, NULL));
    assert_true(counts.n_call[CALLBACK_F] > 0 && counts.n_call[CALLBACK_VJP] > counts.n_vjp_p && counts.n_vjp_p > 0);
    faulty_rhs_arm(&counts, FAULT_FAIL, CALLBACK_VJP, 1, 1);
    assert_status(costate_rhs_check(&rhs, 0.0, lv->y0, lv->p, 0.1, 2, 1e-8, &random, NULL), COSTATE_ERR_RHS_FAIL);
    faulty_rhs_arm(&counts, FAULT_NAN, CALLBACK_JAC, 0, 1);
    assert_status(costate_rhs_check(&rhs, 0.0, lv->y0, lv->p, 0.1, 2, 1e-8, &random, NULL), COSTATE_ERR_NONFINITE);
}

static void every_closed_form_satisfies_its_equation(void **state) {
    (void)state;
    const double h = 1e-3;
    for (const problem *const *each = problem_list; *each; each++) {
        const problem *q = *each;
        if (!q->exact) continue;
        double start[2], y[5][2], dydt[2];
        q->exact(q->t0, q->p, q->t0, q->y0, start);
        assert_close_array(start, q->y0, q->rhs.n_y, 0.0, 1e-15);
        double t = 0.3 * q->t0 + 0.7 * q->t_end;
        for (int k = 0; k < 5; k++)
            q->exact(t + h * (k - 2), q->p, q->t0, q->y0, y[k]);
        assert_int_equal(q->rhs.f(t, y[2], q->p, dydt, NULL, q->rhs.ctx), COSTATE_ANSWER_OK);
        for (size_t i = 0; i < q->rhs.n_y; i++)
            assert_close((8.0 * (y[3][i] - y[1][i]) - (y[4][i] - y[0][i])) / (12.0 * h), dydt[i], 1e-9, 1e-10);
    }
}

static void spiral_data_and_loss_are_as_specified(void **state) {
    (void)state;
    spiral s;
    assert_ok(spiral_create(&s));
    assert_int_equal(s.rhs.n_p, SPIRAL_N_P);
    assert_close(s.t[0], 0.0, 0.0, 0.0);
    assert_close(s.t[29], 1.5, 1e-15, 0.0);
    assert_close(s.data[0], 2.0, 0.0, 0.0);
    double row_major[SPIRAL_N_P], y[SPIRAL_N_T * SPIRAL_N_Y], v[SPIRAL_N_T * SPIRAL_N_Y];
    assert_ok(costate_net_export_f64(s.net, COSTATE_ORDER_ROW_MAJOR, s.p, row_major));
    assert_close(row_major[1], 0.1 * sin(1.7), 1e-15, 0.0);
    assert_close(row_major[251], 0.1 * sin(1.0 + 0.7 * 251.0), 1e-15, 0.0);
    for (size_t i = 0; i < SPIRAL_N_T * SPIRAL_N_Y; i++)
        y[i] = s.data[i] + (i == 7 ? 0.5 : i == 8 ? -2.0 : 0.0);
    assert_close(spiral_loss(&s, y, v), 4.25, 1e-14, 0.0);
    assert_close(v[7], 1.0, 1e-14, 0.0);
    assert_close(v[8], -4.0, 1e-14, 0.0);
    assert_close(v[9], 0.0, 0.0, 0.0);
    spiral_destroy(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives_of_every_problem_agree_with_differences),
        cmocka_unit_test(derivatives_of_spiral_network_agree_with_differences),
        cmocka_unit_test(wrapped_problem_keeps_its_derivatives),
        cmocka_unit_test(every_closed_form_satisfies_its_equation),
        cmocka_unit_test(spiral_data_and_loss_are_as_specified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
