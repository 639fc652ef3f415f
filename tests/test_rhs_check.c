/* SPDX-License-Identifier: MIT */
/* The checker of right-hand sides: silent on right derivatives, and exact about which entry of a wrong one is wrong. */
#include "planted_model.h"
#include "support/asserts.h"
#include "support/malloc_count.h"
#include "support/seeded_random.h"

#include <costate/rhs.h>
#include <math.h>
#include <stdbool.h>

#define TOLERANCE 1e-6

static costate_status check_model(model *m, costate_rhs_report *report) {
    costate_rhs rhs = rhs_of(m);
    costate_random random = costate_random_seed(1, 0);
    return costate_rhs_check(&rhs, 0.3, y_centre, p_centre, 0.5, 4, TOLERANCE, &random, report);
}

static void check_of_right_derivatives_agrees(void **state) {
    (void)state;
    costate_random random = test_random(0);
    for (int i = 0; i < 20; i++) {
        model m = {0};
        costate_rhs rhs = rhs_of(&m);
        costate_rhs_report report;
        assert_ok(costate_rhs_check(&rhs, 0.3, y_centre, p_centre, 1, 5, TOLERANCE, &random, &report));
        assert_string_equal(report.callback, "");
        assert_close(report.error, 0, 0, 1e-9);
        assert_true(m.n_call > 0);
    }
}

static void check_of_f_alone_agrees(void **state) {
    (void)state;
    model m = {0};
    costate_rhs rhs = rhs_of(&m);
    rhs.vjp = NULL;
    rhs.jvp = NULL;
    rhs.jac = NULL;
    costate_random random = test_random(1);
    assert_ok(costate_rhs_check(&rhs, 0, y_centre, p_centre, 0, 1, TOLERANCE, &random, NULL));
}

typedef struct planted {
    fault_kind kind;
    size_t n_index; /* the fault is planted at each index below */
    const char *callback;
} planted;

static const planted faults[] = {
    {FAULT_YBAR, N_Y, "vjp ybar"},
    {FAULT_YBAR_WITHOUT_PBAR, N_Y, "vjp ybar"},
    {FAULT_YBAR_ACCUMULATED, N_Y, "vjp ybar"},
    {FAULT_PBAR, N_P, "vjp pbar"},
    {FAULT_PBAR_WITHOUT_YBAR, N_P, "vjp pbar"},
    {FAULT_PBAR_OVERWRITTEN, N_P, "vjp pbar"},
    {FAULT_PBAR_NOT_SCALED, N_P, "vjp pbar"},
    {FAULT_JVP, N_Y, "jvp"},
    {FAULT_JVP_WITHOUT_UP, N_Y, "jvp"},
    {FAULT_JAC, N_Y *N_Y, "jac"},
    {FAULT_JAC_ENTRY_NOT_WRITTEN, N_Y *N_Y, "jac"},
};

static void check_of_a_wrong_entry_names_it(void **state) {
    (void)state;
    const double factors[] = {-1, 1.001};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        for (size_t k = 0; k < 2 * faults[i].n_index; k++) {
            model m = {.kind = faults[i].kind, .index = k / 2, .factor = factors[k % 2]};
            costate_rhs_report report = {0};
            assert_status(check_model(&m, &report), COSTATE_ERR_MISMATCH);
            assert_string_equal(report.callback, faults[i].callback);
            assert_int_equal(report.index, m.index);
            assert_in_range(report.point, 0, 3);
            assert_true(report.error > TOLERANCE);
            assert_close(report.error, fabs(report.analytic - report.numeric) / (1 + fabs(report.numeric)), 1e-12, 0);
        }
    }
}

static void check_of_a_wrong_array_names_the_callback(void **state) {
    (void)state;
    const planted whole[] = {
        {FAULT_YBAR_SCALED, 1, "vjp ybar"}, {FAULT_JVP_IGNORES_UP, 1, "jvp"}, {FAULT_JAC_TRANSPOSED, 1, "jac"}};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        model m = {.kind = whole[i].kind};
        costate_rhs_report report = {0};
        assert_status(check_model(&m, &report), COSTATE_ERR_MISMATCH);
        assert_string_equal(report.callback, whole[i].callback);
    }
}

static void check_finds_work_that_is_read_before_it_is_written(void **state) {
    (void)state;
    model m = {.kind = FAULT_WORK_CARRIED_OVER};
    costate_rhs_report report = {0};
    assert_status(check_model(&m, &report), COSTATE_ERR_NONFINITE);
    assert_string_equal(report.callback, "vjp ybar");
}

static void check_reports_the_difference_of_both_values(void **state) {
    (void)state;
    model m = {.kind = FAULT_JAC, .index = 0, .factor = 3};
    costate_rhs rhs = rhs_of(&m);
    costate_random random = costate_random_seed(1, 0);
    costate_rhs_report report = {0};
    assert_status(costate_rhs_check(&rhs, 0.3, y_centre, p_centre, 0, 1, TOLERANCE, &random, &report),
                  COSTATE_ERR_MISMATCH);
    double right = p_centre[0] * y_centre[1];
    assert_close(report.numeric, right, 1e-9, 0);
    assert_close(report.analytic, 3 * right, 1e-14, 0);
}

typedef struct refusal {
    model m;
    const char *callback;
} refusal;

static void check_names_the_callback_that_does_not_answer_ok(void **state) {
    (void)state;
    const refusal refusals[] = {
        {{.f_answer = COSTATE_ANSWER_RETRY}, "f"},     {{.f_answer = COSTATE_ANSWER_FAIL}, "f"},
        {{.vjp_answer = COSTATE_ANSWER_RETRY}, "vjp"}, {{.vjp_answer = COSTATE_ANSWER_FAIL}, "vjp"},
        {{.jvp_answer = COSTATE_ANSWER_RETRY}, "jvp"}, {{.jvp_answer = COSTATE_ANSWER_FAIL}, "jvp"},
        {{.jac_answer = COSTATE_ANSWER_RETRY}, "jac"}, {{.jac_answer = COSTATE_ANSWER_FAIL}, "jac"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        model m = refusals[i].m;
        costate_rhs_report report = {0};
        assert_status(check_model(&m, &report), COSTATE_ERR_RHS_FAIL);
        assert_string_equal(report.callback, refusals[i].callback);
        assert_true(isnan(report.error));
    }
}

static void check_names_the_callback_that_is_not_finite(void **state) {
    (void)state;
    const refusal refusals[] = {{{.f_nan = true, .index = 2}, "f"},
                                {{.vjp_nan = true, .index = 1}, "vjp ybar"},
                                {{.jvp_nan = true, .index = 2}, "jvp"},
                                {{.jac_nan = true, .index = 5}, "jac"}};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        model m = refusals[i].m;
        costate_rhs_report report = {0};
        assert_status(check_model(&m, &report), COSTATE_ERR_NONFINITE);
        assert_string_equal(report.callback, refusals[i].callback);
        assert_int_equal(report.index, m.index);
    }
}

static void check_refuses_null(void **state) {
    (void)state;
    model m = {0};
    costate_rhs rhs = rhs_of(&m);
    costate_rhs no_f = rhs;
    no_f.f = NULL;
    costate_random random = test_random(5);
    const double *y = y_centre;
    const double *p = p_centre;
    assert_status(costate_rhs_check(NULL, 0, y, p, 1, 1, TOLERANCE, &random, NULL), COSTATE_ERR_NULL);
    assert_status(costate_rhs_check(&no_f, 0, y, p, 1, 1, TOLERANCE, &random, NULL), COSTATE_ERR_NULL);
    assert_status(costate_rhs_check(&rhs, 0, NULL, p, 1, 1, TOLERANCE, &random, NULL), COSTATE_ERR_NULL);
    assert_status(costate_rhs_check(&rhs, 0, y, NULL, 1, 1, TOLERANCE, &random, NULL), COSTATE_ERR_NULL);
    assert_status(costate_rhs_check(&rhs, 0, y, p, 1, 1, TOLERANCE, NULL, NULL), COSTATE_ERR_NULL);
    assert_int_equal(m.n_call, 0);
}

static void check_refuses_arguments_out_of_range(void **state) {
    (void)state;
    model m = {0};
    costate_rhs rhs = rhs_of(&m);
    costate_rhs empty = rhs;
    empty.n_y = 0;
    costate_random random = test_random(6);
    const double *y = y_centre;
    const double *p = p_centre;
    const double wrong[] = {-1, (double)NAN, (double)INFINITY};
    assert_status(costate_rhs_check(&empty, 0, y, p, 1, 1, TOLERANCE, &random, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_rhs_check(&rhs, 0, y, p, 1, 0, TOLERANCE, &random, NULL), COSTATE_ERR_ARGUMENT);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_status(costate_rhs_check(&rhs, 0, y, p, wrong[i], 1, TOLERANCE, &random, NULL), COSTATE_ERR_ARGUMENT);
        assert_status(costate_rhs_check(&rhs, 0, y, p, 1, 1, wrong[i], &random, NULL), COSTATE_ERR_ARGUMENT);
    }
    assert_int_equal(m.n_call, 0);
}

static void check_refuses_sizes_that_do_not_fit(void **state) {
    (void)state;
    model m = {0};
    const costate_rhs right = rhs_of(&m);
    costate_random random = test_random(7);
    costate_rhs huge[4] = {right, right, right, right};
    huge[0].n_y = SIZE_MAX / sizeof(double) + 1;
    huge[1].n_p = SIZE_MAX / sizeof(double) + 1;
    huge[2].work_bytes = SIZE_MAX;
    huge[3].n_y = (size_t)1 << (sizeof(size_t) * 4); /* its square wraps to 0 */
    for (size_t i = 0; i < 4; i++) {
        assert_status(costate_rhs_check(&huge[i], 0, y_centre, p_centre, 1, 1, TOLERANCE, &random, NULL),
                      COSTATE_ERR_OVERFLOW);
    }
    assert_int_equal(m.n_call, 0);
}

static void check_without_memory_says_so(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    model m = {0};
    malloc_fail_at(1);
    costate_status status = check_model(&m, NULL);
    assert_true(malloc_fail_happened());
    malloc_fail_at(0);
    assert_status(status, COSTATE_ERR_MEMORY);
    assert_int_equal(m.n_call, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_of_right_derivatives_agrees),
        cmocka_unit_test(check_of_f_alone_agrees),
        cmocka_unit_test(check_of_a_wrong_entry_names_it),
        cmocka_unit_test(check_of_a_wrong_array_names_the_callback),
        cmocka_unit_test(check_finds_work_that_is_read_before_it_is_written),
        cmocka_unit_test(check_reports_the_difference_of_both_values),
        cmocka_unit_test(check_names_the_callback_that_does_not_answer_ok),
        cmocka_unit_test(check_names_the_callback_that_is_not_finite),
        cmocka_unit_test(check_refuses_null),
        cmocka_unit_test(check_refuses_arguments_out_of_range),
        cmocka_unit_test(check_refuses_sizes_that_do_not_fit),
        cmocka_unit_test(check_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
