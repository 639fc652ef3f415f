/* SPDX-License-Identifier: MIT */
/* What a fit does when its arguments, its model, its loss or its memory are not what they should be. */
#include "fit_fixture.h"
#include "faulty_rhs.h"
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/malloc_count.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_T = FIXTURE_N_T, N_Y = FIXTURE_N_Y, N_X = FIXTURE_N_X };

static const costate_rhs *const lv = &problem_lotka_volterra.rhs;

static void expect_refusal(const costate_rhs *rhs, const fit_fixture *f, costate_status expected) {
    costate_fit *fit = (costate_fit *)(void *)&expected;
    assert_status(fit_fixture_try(f, rhs, NULL, &fit), expected);
    assert_null(fit);
}

static void create_null_arguments_are_refused(void **state) {
    (void)state;
    fit_fixture f;
    fit_fixture_fill(&f);
    costate_fit *fit = NULL;
    const costate_fit_spec spec = {.rhs = lv, .n_series = 1, .series = &f.series};
    const costate_fit_spec no_series = {.rhs = lv, .n_series = 1};
    assert_status(costate_fit_create(&spec, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_create(NULL, NULL, NULL, &fit), COSTATE_ERR_NULL);
    assert_status(costate_fit_create(&no_series, NULL, NULL, &fit), COSTATE_ERR_NULL);
    expect_refusal(NULL, &f, COSTATE_ERR_NULL);
    costate_rhs without_f = *lv;
    without_f.f = NULL;
    expect_refusal(&without_f, &f, COSTATE_ERR_NULL);
    fit_fixture wrong = f;
    wrong.series.t = NULL;
    expect_refusal(lv, &wrong, COSTATE_ERR_NULL);
    wrong = f;
    wrong.series.data = NULL;
    expect_refusal(lv, &wrong, COSTATE_ERR_NULL);
    wrong = f;
    wrong.series.y0 = NULL;
    expect_refusal(lv, &wrong, COSTATE_ERR_NULL);
}

static void create_wrong_arguments_are_refused(void **state) {
    (void)state;
    fit_fixture f;
    fit_fixture_fill(&f);
    fit_fixture wrong = f;
    costate_rhs rhs = *lv;
    rhs.vjp = NULL;
    expect_refusal(&rhs, &f, COSTATE_ERR_UNSUPPORTED);
    rhs = *lv;
    rhs.n_y = 0;
    expect_refusal(&rhs, &f, COSTATE_ERR_ARGUMENT);
    rhs = *lv;
    rhs.n_p = SIZE_MAX - 1;
    expect_refusal(&rhs, &f, COSTATE_ERR_OVERFLOW);
    wrong.series.n_t = 0;
    expect_refusal(lv, &wrong, COSTATE_ERR_ARGUMENT);
    wrong.series.n_t = SIZE_MAX / 2 + 1;
    expect_refusal(lv, &wrong, COSTATE_ERR_OVERFLOW);
    wrong = f;
    wrong.series.t0 = f.t[0] + 1e-9;
    expect_refusal(lv, &wrong, COSTATE_ERR_ARGUMENT);
    wrong = f;
    wrong.options.solver.rtol = -1.0;
    expect_refusal(lv, &wrong, COSTATE_ERR_ARGUMENT);
    wrong = f;
    wrong.options.adjoint.rtol = -1.0;
    expect_refusal(lv, &wrong, COSTATE_ERR_ARGUMENT);

    double t[N_T];
    memcpy(t, f.t, sizeof(t));
    t[4] = t[3] - 0.1;
    wrong = f;
    wrong.series.t = t;
    expect_refusal(lv, &wrong, COSTATE_ERR_ARGUMENT);
}

static void create_numbers_that_are_not_finite_are_refused(void **state) {
    (void)state;
    const double spoilt[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
    for (size_t k = 0; k < 3; k++) {
        fit_fixture f;
        fit_fixture_fill(&f);
        f.series.t0 = spoilt[k];
        expect_refusal(lv, &f, COSTATE_ERR_NONFINITE);
        fit_fixture_fill(&f);
        f.t[N_T - 1] = spoilt[k];
        expect_refusal(lv, &f, COSTATE_ERR_NONFINITE);
        fit_fixture_fill(&f);
        f.weight[1] = spoilt[k];
        expect_refusal(lv, &f, COSTATE_ERR_NONFINITE);
        fit_fixture_fill(&f);
        f.y0[1] = spoilt[k];
        expect_refusal(lv, &f, COSTATE_ERR_NONFINITE);
        if (k > 0) {
            fit_fixture_fill(&f);
            f.data[N_T * N_Y - 1] = spoilt[k];
            expect_refusal(lv, &f, COSTATE_ERR_NONFINITE);
        }
    }
}

static void objective_null_arguments_are_refused(void **state) {
    (void)state;
    fit_fixture f;
    double value;
    double y[N_Y];
    fit_fixture_fill(&f);
    costate_fit *fit = fit_fixture_create(&f, NULL);
    assert_status(costate_fit_objective(NULL, &value, NULL, fit), COSTATE_ERR_NULL);
    assert_status(costate_fit_objective(f.x, NULL, NULL, fit), COSTATE_ERR_NULL);
    assert_status(costate_fit_objective(f.x, &value, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_predict(NULL, f.x, 0, 1, f.t, y, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_predict(fit, NULL, 0, 1, f.t, y, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_predict(fit, f.x, 0, 1, NULL, y, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_predict(fit, f.x, 0, 0, f.t, y, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_fit_predict(fit, f.x, 1, 1, f.t, y, NULL), COSTATE_ERR_ARGUMENT);
    assert_ok(costate_fit_predict(fit, f.x, 0, 1, f.t, NULL, NULL));
    costate_fit_destroy(fit);
}

static void objective_unknown_that_is_not_finite_is_reported(void **state) {
    (void)state;
    const double spoilt[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
    fit_fixture f;
    fit_fixture_fill(&f);
    costate_fit *fit = fit_fixture_create(&f, NULL);
    for (size_t i = 0; i < N_X; i++) {
        for (size_t k = 0; k < 3; k++) {
            double x[N_X];
            double value;
            double grad[N_X];
            memcpy(x, f.x, sizeof(x));
            x[i] = spoilt[k];
            assert_status(costate_fit_objective(x, &value, grad, fit), COSTATE_ERR_NONFINITE);
            assert_true(strlen(costate_fit_detail(fit)) > 0);
        }
    }
    costate_fit_destroy(fit);
}

/* Every fault of every callback gives its status and a text, is counted, and leaves the fit as good as new. */
static void objective_model_failure_is_reported_and_survived(void **state) {
    (void)state;
    const fault_kind faults[] = {FAULT_FAIL, FAULT_RETRY, FAULT_NAN};
    fit_fixture f;
    fit_fixture_fill(&f);
    for (int callback = CALLBACK_F; callback <= CALLBACK_VJP; callback++) {
        for (size_t k = 0; k < 3; k++) {
            faulty_rhs model;
            const costate_rhs rhs = faulty_rhs_wrap(&model, lv);
            double value[2];
            double grad[2][N_X];
            costate_fit *fit = fit_fixture_create(&f, &rhs);
            assert_ok(costate_fit_objective(f.x, &value[0], grad[0], fit));
            faulty_rhs_arm(&model, faults[k], (callback_kind)callback, 20, SIZE_MAX);
            assert_status(costate_fit_objective(f.x, &value[1], grad[1], fit), faulty_rhs_status(faults[k]));
            assert_non_null(strstr(costate_fit_detail(fit), "series 0"));
            assert_int_equal(costate_fit_get_counts(fit)->n_fail, 1);
            faulty_rhs_arm(&model, FAULT_NONE, CALLBACK_F, 0, 0);
            assert_ok(costate_fit_objective(f.x, &value[1], grad[1], fit));
            assert_string_equal(costate_fit_detail(fit), "");
            assert_same_bits_f64(&value[1], &value[0], 1);
            assert_same_bits_f64(grad[1], grad[0], N_X);
            costate_fit_destroy(fit);
        }
    }
}

typedef struct failing_loss {
    int answer;
    double value;
    size_t index; /* of the observation that fails */
} failing_loss;

static int answer_at(const costate_observation *observation, double *value, double *hbar, double *noisebar, void *ctx) {
    const failing_loss *self = ctx;
    const int answer = costate_loss_squared().value(observation, value, hbar, noisebar, NULL);
    if (observation->index != self->index) {
        return answer;
    }
    *value = self->value;
    return self->answer;
}

static void objective_loss_that_fails_is_reported(void **state) {
    (void)state;
    const struct {
        failing_loss loss;
        costate_status status;
    } cases[] = {
        {{COSTATE_ANSWER_FAIL, 1.0, 3}, COSTATE_ERR_RHS_FAIL},
        {{COSTATE_ANSWER_RETRY, 1.0, 0}, COSTATE_ERR_RHS_FAIL},
        {{17, 1.0, N_T - 1}, COSTATE_ERR_RHS_FAIL},
        {{COSTATE_ANSWER_OK, (double)NAN, 3}, COSTATE_ERR_NONFINITE},
        {{COSTATE_ANSWER_OK, HUGE_VAL, 3}, COSTATE_ERR_NONFINITE},
        {{COSTATE_ANSWER_OK, 1.0, 3}, COSTATE_OK},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        fit_fixture f;
        failing_loss loss = cases[k].loss;
        double value;
        double grad[N_X];
        fit_fixture_fill(&f);
        f.loss = (costate_loss){.value = answer_at, .ctx = &loss};
        costate_fit *fit = fit_fixture_create(&f, NULL);
        assert_status(costate_fit_objective(f.x, &value, grad, fit), cases[k].status);
        assert_true((strlen(costate_fit_detail(fit)) > 0) == (cases[k].status != COSTATE_OK));
        assert_int_equal(costate_fit_get_counts(fit)->n_fail, cases[k].status == COSTATE_OK ? 0 : 1);
        costate_fit_destroy(fit);
    }
}

static void create_failed_allocation_is_reported(void **state) {
    (void)state;
    fit_fixture f;
    fit_fixture_fill(&f);
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_fit *fit = (costate_fit *)(void *)&f;
        const costate_status status = fit_fixture_try(&f, lv, &hooks, &fit);
        if (counts.n_failed == 0) {
            assert_ok(status);
            costate_fit_destroy(fit);
            assert_int_equal(counts.n_live, 0);
            assert_true(k > 4);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_null(fit);
        assert_int_equal(counts.n_live, 0);
    }
}

/* While the history grows: the evaluation fails or does without, the next one succeeds. */
static void objective_failed_allocation_is_reported(void **state) {
    (void)state;
    fit_fixture f;
    size_t n_refused = 0;
    double expected;
    double expected_grad[N_X];
    fit_fixture_fill(&f);
    costate_fit *reference = fit_fixture_create(&f, NULL);
    assert_ok(costate_fit_objective(f.x, &expected, expected_grad, reference));
    costate_fit_destroy(reference);
    for (size_t k = 1;; k++) {
        test_allocator counts = {0};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_fit *fit;
        double value;
        double grad[N_X];
        assert_ok(fit_fixture_try(&f, lv, &hooks, &fit));
        counts.fail_at = counts.n_alloc + k;
        const costate_status status = costate_fit_objective(f.x, &value, grad, fit);
        const bool failed = counts.n_failed > 0;
        if (status == COSTATE_OK) { /* a history that finds no room is made again by the adjoint */
            assert_same_bits_f64(&value, &expected, 1);
            assert_same_bits_f64(grad, expected_grad, N_X);
        } else {
            assert_status(status, COSTATE_ERR_MEMORY);
            assert_true(failed);
            n_refused++;
        }
        assert_ok(costate_fit_objective(f.x, &value, grad, fit));
        assert_same_bits_f64(&value, &expected, 1);
        assert_same_bits_f64(grad, expected_grad, N_X);
        costate_fit_destroy(fit);
        assert_int_equal(counts.n_live, 0);
        if (!failed) {
            break;
        }
    }
    assert_true(n_refused > 0);
}

static void objective_allocates_nothing_after_the_first_gradient(void **state) {
    (void)state;
    fit_fixture f;
    double value;
    double grad[N_X];
    double y[N_T * N_Y];
    if (!malloc_count_available()) {
        skip();
    }
    fit_fixture_fill(&f);
    costate_fit *fit = fit_fixture_create(&f, NULL);
    assert_ok(costate_fit_objective(f.x, &value, grad, fit));
    malloc_count_start();
    for (size_t k = 0; k < 5; k++) {
        f.x[0] += 1e-3;
        assert_ok(costate_fit_objective(f.x, &value, grad, fit));
        assert_ok(costate_fit_objective(f.x, &value, NULL, fit));
        assert_ok(costate_fit_set_horizon(fit, f.t[1 + k]));
        assert_ok(costate_fit_predict(fit, f.x, 0, N_T, f.t, y, NULL));
    }
    assert_int_equal(malloc_count_stop().here, 0);
    costate_fit_destroy(fit);
}

/* The segments that were there before still are. */
static void shooting_failed_allocation_changes_nothing(void **state) {
    (void)state;
    fit_fixture f;
    fit_fixture_fill(&f);
    for (size_t k = 1;; k++) {
        test_allocator counts = {0};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_fit *fit = NULL;
        double x[N_X + 2 * N_T];
        double value[2];
        assert_ok(fit_fixture_try(&f, lv, &hooks, &fit));
        assert_ok(costate_fit_set_shooting(fit, 4, 2.0, NULL));
        const size_t n = costate_fit_n_x(fit);
        assert_true(n > N_X && n <= sizeof(x) / sizeof(x[0]));
        assert_ok(costate_fit_start(fit, x));
        assert_ok(costate_fit_objective(x, &value[0], NULL, fit));
        counts.fail_at = counts.n_alloc + k;
        const costate_status status = costate_fit_set_shooting(fit, 2, 3.0, NULL);
        counts.fail_at = 0;
        if (status != COSTATE_OK) {
            assert_status(status, COSTATE_ERR_MEMORY);
            assert_int_equal(costate_fit_n_x(fit), n);
            assert_ok(costate_fit_objective(x, &value[1], NULL, fit));
            assert_same_bits_f64(&value[1], &value[0], 1);
        }
        costate_fit_destroy(fit);
        assert_int_equal(counts.n_live, 0);
        if (status == COSTATE_OK) {
            assert_true(k > 2);
            break;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_null_arguments_are_refused),
        cmocka_unit_test(create_wrong_arguments_are_refused),
        cmocka_unit_test(create_numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(objective_null_arguments_are_refused),
        cmocka_unit_test(objective_unknown_that_is_not_finite_is_reported),
        cmocka_unit_test(objective_model_failure_is_reported_and_survived),
        cmocka_unit_test(objective_loss_that_fails_is_reported),
        cmocka_unit_test(create_failed_allocation_is_reported),
        cmocka_unit_test(objective_failed_allocation_is_reported),
        cmocka_unit_test(objective_allocates_nothing_after_the_first_gradient),
        cmocka_unit_test(shooting_failed_allocation_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
