/* SPDX-License-Identifier: MIT */
/* What inference does when its arguments, its model, its loss or its memory are not what they should be. */
#include "inference_fixture.h"
#include "faulty_rhs.h"
#include "support/allocators.h"
#include "support/asserts.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { MAX_X = TRIAL_MAX_X };

static int no_quantity(size_t i, const double *q, double *value, double *qbar, void *ctx) {
    (void)i, (void)q, (void)value, (void)qbar, (void)ctx;
    return COSTATE_ANSWER_FAIL;
}

/* Every call that takes a fit at a point, one after the other. */
static costate_status call(size_t which, costate_fit *fit, const double *x, double *matrix) {
    const double t[2] = {0.7, 1.2};
    double out[2 * MAX_X];
    double error[2 * MAX_X];
    switch (which) {
    case 0: return costate_fit_information(fit, x, COSTATE_INFORMATION_EXPECTED, matrix);
    case 1: return costate_fit_information(fit, x, COSTATE_INFORMATION_OBSERVED, matrix);
    case 2: return costate_fit_hessian_product(fit, x, x, out);
    case 3: return costate_fit_covariance(fit, x, COSTATE_INFORMATION_EXPECTED, 1.0, matrix, NULL);
    case 4: return costate_fit_band(fit, x, matrix, 0, 2, t, NULL, NULL, out, error);
    case 5:
        return costate_fit_band_from(fit, x, matrix, 0.0, (const double[]){1.0, 1.0}, (const double[]){0.5}, 2, t, out,
                                     error, NULL, NULL);
    default: return costate_fit_diagnostics(fit, x, false, (costate_residual_summary[TRIAL_N_H]){{0}}, NULL);
    }
}

enum { N_CALL = 7 };

static void null_arguments_are_refused(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    costate_fit *fit = trial_create(&e);
    double x[MAX_X];
    double m[MAX_X * MAX_X];
    double out[MAX_X];
    const double t = 0.7;
    const costate_information_kind kind = COSTATE_INFORMATION_EXPECTED;
    costate_interval intervals[MAX_X];
    trial_point(fit, x);
    assert_status(costate_fit_information(NULL, x, kind, m), COSTATE_ERR_NULL);
    assert_status(costate_fit_information(fit, NULL, kind, m), COSTATE_ERR_NULL);
    assert_status(costate_fit_information(fit, x, kind, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_covariance(NULL, x, kind, 0.0, m, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_covariance(fit, x, kind, 0.0, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_hessian_product(NULL, x, x, out), COSTATE_ERR_NULL);
    assert_status(costate_fit_hessian_product(fit, NULL, x, out), COSTATE_ERR_NULL);
    assert_status(costate_fit_hessian_product(fit, x, NULL, out), COSTATE_ERR_NULL);
    assert_status(costate_fit_hessian_product(fit, x, x, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_dispersion(NULL, x, out), COSTATE_ERR_NULL);
    assert_status(costate_fit_dispersion(fit, NULL, out), COSTATE_ERR_NULL);
    assert_status(costate_fit_dispersion(fit, x, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_intervals(NULL, x, m, 0.9, intervals), COSTATE_ERR_NULL);
    assert_status(costate_fit_intervals(fit, x, NULL, 0.9, intervals), COSTATE_ERR_NULL);
    assert_status(costate_fit_intervals(fit, x, m, 0.9, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_band(NULL, x, m, 0, 1, &t, out, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_band(fit, x, NULL, 0, 1, &t, out, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_band(fit, x, m, 0, 1, NULL, out, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_band_from(fit, x, m, 0.0, NULL, &t, 1, &t, out, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_band_from(fit, x, m, 0.0, x, NULL, 1, &t, out, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_quantities(fit, x, m, 1, NULL, NULL, out, out), COSTATE_ERR_NULL);
    assert_status(costate_fit_quantities(fit, x, m, 1, no_quantity, NULL, NULL, out), COSTATE_ERR_NULL);
    costate_fit_destroy(fit);
}

static void wrong_arguments_and_states_are_refused(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    costate_fit *fit = trial_create(&e);
    double x[MAX_X];
    double m[MAX_X * MAX_X];
    double out[MAX_X];
    const double t = 0.7;
    trial_point(fit, x);
    assert_status(costate_fit_information(fit, x, (costate_information_kind)7, m), COSTATE_ERR_ARGUMENT);
    assert_ok(call(3, fit, x, m));
    assert_status(costate_fit_band(fit, x, m, TRIAL_N_SERIES, 1, &t, out, NULL, NULL, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_fit_band(fit, x, m, 0, 0, &t, out, NULL, NULL, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_fit_band_from(fit, x, m, 0.0, x, &t, 0, &t, out, NULL, NULL, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_fit_band(fit, x, m, 0, SIZE_MAX / 8, &t, out, NULL, NULL, NULL), COSTATE_ERR_OVERFLOW);
    const double good = x[1];
    x[1] = (double)NAN;
    for (size_t k = 0; k < N_CALL; k++) {
        assert_status(call(k, fit, x, m), COSTATE_ERR_NONFINITE);
    }
    x[1] = good;
    double u[MAX_X] = {HUGE_VAL};
    assert_status(costate_fit_hessian_product(fit, x, u, out), COSTATE_ERR_NONFINITE);
    memset(u, 0, sizeof u);
    assert_ok(costate_fit_hessian_product(fit, x, u, out));
    assert_close_array(out, u, costate_fit_n_x(fit), 0.0, 0.0);
    assert_ok(costate_fit_set_shooting(fit, 2, 1.0, NULL));
    double many[4 * MAX_X];
    assert_true(costate_fit_n_x(fit) <= 4 * MAX_X);
    assert_ok(costate_fit_start(fit, many));
    for (size_t k = 0; k < N_CALL - 1; k++) {
        assert_status(call(k, fit, many, m), COSTATE_ERR_STATE);
        assert_true(strlen(costate_fit_detail(fit)) > 0);
    }
    assert_status(costate_fit_quantities(fit, many, m, 1, no_quantity, NULL, out, out), COSTATE_ERR_STATE);
    assert_status(costate_fit_intervals(fit, many, m, 0.9, (costate_interval[1]){{0}}), COSTATE_ERR_STATE);
    costate_fit_destroy(fit);
}

static void losses_without_information_or_residual_are_refused(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    e.spec.loss = costate_loss_absolute();
    e.spec.loss.residual = NULL;
    costate_fit *fit = trial_create(&e);
    double x[MAX_X];
    double m[MAX_X * MAX_X];
    costate_residual_summary quantities[TRIAL_N_H];
    costate_fit_summary summary;
    trial_point(fit, x);
    assert_status(call(0, fit, x, m), COSTATE_ERR_UNSUPPORTED);
    assert_status(costate_fit_diagnostics(fit, x, false, quantities, NULL), COSTATE_ERR_UNSUPPORTED);
    assert_ok(costate_fit_diagnostics(fit, x, false, NULL, &summary));
    costate_fit_destroy(fit);
}

/* An unknown that nothing depends on. */
static void covariance_of_an_idle_parameter_names_it(void **state) {
    (void)state;
    const double t[3] = {0.5, 1.0, 2.0};
    const double data[3] = {1.0, 0.7, 0.4};
    const double y0 = 1.5;
    const double p[2] = {0.8, 3.0};
    costate_rhs rhs = problem_decay.rhs;
    rhs.n_p = 2;
    rhs.jvp = NULL;
    const costate_series series = {.n_t = 3, .t = t, .data = data, .t0 = 0.0, .y0 = &y0};
    const costate_fit_spec spec = {.rhs = &rhs, .n_series = 1, .series = &series, .p = p};
    costate_fit *fit = NULL;
    double covariance[4];
    size_t culprit;
    assert_ok(costate_fit_create(&spec, NULL, NULL, &fit));
    assert_status(costate_fit_covariance(fit, p, COSTATE_INFORMATION_EXPECTED, 0.0, covariance, &culprit),
                  COSTATE_ERR_SINGULAR);
    assert_int_equal(culprit, 1);
    assert_non_null(strstr(costate_fit_detail(fit), "unknown 1"));
    assert_ok(costate_fit_covariance(fit, p, COSTATE_INFORMATION_EXPECTED, 0.1, covariance, &culprit));
    costate_fit_destroy(fit);
}

/* A refusal for good, at whichever call of whichever callback, is the status, and the fit goes on as before. */
static void model_failure_is_reported_and_survived(void **state) {
    (void)state;
    const callback_kind callbacks[] = {CALLBACK_F, CALLBACK_VJP, CALLBACK_JVP};
    trial e;
    trial_fill(&e);
    e.options.solver.rtol = 1e-5;
    e.options.solver.atol = 1e-5;
    faulty_rhs model;
    const costate_rhs rhs = faulty_rhs_wrap(&model, &problem_lotka_volterra.rhs);
    e.spec.rhs = &rhs;
    trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_TIME, .series = 2});
    costate_fit *fit = trial_create(&e);
    const size_t n = costate_fit_n_x(fit);
    double x[MAX_X];
    double m[MAX_X * MAX_X] = {0.0};
    double before[MAX_X];
    double after[MAX_X];
    trial_point(fit, x);
    assert_ok(costate_fit_hessian_product(fit, x, x, before));
    for (size_t which = 0; which < N_CALL; which++) {
        for (size_t c = 0; c < 3; c++) {
            faulty_rhs_arm(&model, FAULT_NONE, callbacks[c], 0, 0);
            assert_ok(call(which, fit, x, m));
            const size_t n_call = model.n_call[callbacks[c]];
            for (size_t first = 0; first < n_call; first += 1 + n_call / 17) {
                faulty_rhs_arm(&model, FAULT_FAIL, callbacks[c], first, SIZE_MAX);
                assert_status(call(which, fit, x, m), COSTATE_ERR_RHS_FAIL);
                assert_true(strlen(costate_fit_detail(fit)) > 0);
            }
        }
    }
    faulty_rhs_arm(&model, FAULT_NAN, CALLBACK_VJP, 20, SIZE_MAX);
    assert_true(costate_fit_hessian_product(fit, x, x, after) != COSTATE_OK);
    faulty_rhs_arm(&model, FAULT_RETRY, CALLBACK_VJP, 20, SIZE_MAX);
    assert_true(costate_fit_hessian_product(fit, x, x, after) != COSTATE_OK);
    faulty_rhs_arm(&model, FAULT_NONE, CALLBACK_F, 0, 0);
    assert_ok(costate_fit_hessian_product(fit, x, x, after));
    assert_same_bits_f64(after, before, n);
    costate_fit_destroy(fit);
}

/* One refusal near a point is worked around by going closer to it. */
static void a_vjp_that_refuses_nearby_is_asked_closer(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    faulty_rhs model;
    const costate_rhs rhs = faulty_rhs_wrap(&model, &problem_lotka_volterra.rhs);
    e.spec.rhs = &rhs;
    costate_fit *fit = trial_create(&e);
    double x[MAX_X];
    double before[MAX_X];
    double after[MAX_X];
    trial_point(fit, x);
    assert_ok(costate_fit_hessian_product(fit, x, x, before));
    /* Calls of one tangent vjp: two at the point itself, four along the line. */
    faulty_rhs_arm(&model, FAULT_RETRY, CALLBACK_VJP, 6 * 5 + 3, 1);
    assert_ok(costate_fit_hessian_product(fit, x, x, after));
    assert_true(model.n_call[CALLBACK_VJP] > 6 * 5 + 3);
    assert_string_equal(costate_fit_detail(fit), "");
    assert_close_array(after, before, costate_fit_n_x(fit), 1e-9, 1e-9);
    costate_fit_destroy(fit);
}

/* Callbacks that fail from a certain call on. */
static size_t n_left;

static int failing_value(const costate_observation *observation, double *value, double *hbar, double *noisebar,
                         void *ctx) {
    const costate_loss squared = costate_loss_squared();
    (void)ctx;
    return n_left == 0 ? COSTATE_ANSWER_FAIL
                       : (n_left--, squared.value(observation, value, hbar, noisebar, squared.ctx));
}

static int failing_start_vjp(size_t series, const double *p, const double *y0bar, double *pbar, void *ctx) {
    return n_left == 0 ? COSTATE_ANSWER_FAIL : (n_left--, trial_initial.vjp(series, p, y0bar, pbar, ctx));
}

static void failure_of_loss_and_initial_state_is_reported(void **state) {
    (void)state;
    double x[MAX_X];
    double m[MAX_X * MAX_X] = {0.0};
    for (int of_loss = 0; of_loss < 2; of_loss++) {
        costate_initial initial = trial_initial;
        trial e;
        trial_fill(&e);
        e.spec.loss = costate_loss_squared();
        if (of_loss) {
            e.spec.loss.value = failing_value;
        } else {
            initial.vjp = failing_start_vjp;
        }
        e.spec.initial = &initial;
        costate_fit *fit = trial_create(&e);
        trial_point(fit, x);
        const size_t calls[] = {2, 1, 4};
        for (size_t k = 0; k < (of_loss ? 1 : 3); k++) {
            n_left = 1000000;
            assert_ok(call(calls[k], fit, x, m));
            const size_t n_call = 1000000 - n_left;
            assert_true(n_call > 0);
            for (size_t first = 0; first < n_call; first += 1 + n_call / 11) {
                n_left = first;
                assert_status(call(calls[k], fit, x, m), COSTATE_ERR_RHS_FAIL);
                assert_true(strlen(costate_fit_detail(fit)) > 0);
            }
        }
        costate_fit_destroy(fit);
    }
}

static void every_failed_allocation_is_survived(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    for (size_t which = 0; which < N_CALL; which++) {
        for (size_t k = 1;; k++) {
            test_allocator counts = {0};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            costate_fit *fit = NULL;
            double x[MAX_X];
            double m[MAX_X * MAX_X];
            double again[MAX_X * MAX_X];
            double value;
            assert_ok(costate_fit_create(&e.spec, &e.options, &hooks, &fit));
            trial_point(fit, x);
            assert_ok(costate_fit_objective(x, &value, NULL, fit));
            for (size_t i = 0; i < (size_t)MAX_X * MAX_X; i++) {
                m[i] = i % (costate_fit_n_x(fit) + 1) == 0 ? 0.1 : 0.0;
                again[i] = m[i];
            }
            counts.fail_at = counts.n_alloc + k;
            const costate_status status = call(which, fit, x, m);
            if (counts.n_failed == 0) {
                assert_ok(status);
                assert_true(k > 1);
            } else if (status == COSTATE_OK) {
                /* An ensemble without room for a history solves once more. */
                assert_ok(call(which, fit, x, again));
                assert_same_bits_f64(again, m, (size_t)MAX_X * MAX_X);
            } else {
                assert_status(status, COSTATE_ERR_MEMORY);
                assert_true(strlen(costate_fit_detail(fit)) > 0);
                assert_ok(costate_fit_objective(x, &value, NULL, fit));
            }
            costate_fit_destroy(fit);
            assert_int_equal(counts.n_live, 0);
            if (counts.n_failed == 0) {
                break;
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_arguments_are_refused),
        cmocka_unit_test(wrong_arguments_and_states_are_refused),
        cmocka_unit_test(losses_without_information_or_residual_are_refused),
        cmocka_unit_test(covariance_of_an_idle_parameter_names_it),
        cmocka_unit_test(model_failure_is_reported_and_survived),
        cmocka_unit_test(a_vjp_that_refuses_nearby_is_asked_closer),
        cmocka_unit_test(failure_of_loss_and_initial_state_is_reported),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
