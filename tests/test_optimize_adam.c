/* SPDX-License-Identifier: MIT */
/* Adam alone: the update rule, the rate schedule, clipping, backing off. */
#include "analytic_objective.h"
#include "support/asserts.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N = 3 };

static const double start[N] = {5.0, 3.0, -1.0};

static void adam_default_options_are_documented_values(void **state) {
    (void)state;
    const costate_adam_options o = costate_adam_options_default();
    assert_close(o.rate, 0.01, 0.0, 0.0);
    assert_close(o.rate_final, 0.0, 0.0, 0.0);
    assert_close(o.beta1, 0.9, 0.0, 0.0);
    assert_close(o.beta2, 0.999, 0.0, 0.0);
    assert_close(o.epsilon, 1e-8, 0.0, 0.0);
    assert_close(o.clip, 0.0, 0.0, 0.0);
    assert_int_equal(o.stop.max_iteration, 1000);
    assert_true(o.stop.value == -HUGE_VAL);
}

/* The published algorithm, written out with powers instead of running products; x is the point after `count` updates. */
static void reference_adam(const costate_adam_options *o, size_t max_iteration, size_t count, double *x) {
    double m[N] = {0};
    double s[N] = {0};
    analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
    for (size_t k = 1; k <= count; k++) {
        double value;
        double g[N];
        double norm = 0.0;
        assert_ok(analytic_evaluate(x, &value, g, &f));
        for (size_t i = 0; i < N; i++) {
            norm += g[i] * g[i];
        }
        norm = sqrt(norm);
        const double shrink = o->clip > 0.0 ? fmin(1.0, o->clip / norm) : 1.0;
        const double fraction = max_iteration > 1 ? (double)(k - 1) / (double)(max_iteration - 1) : 0.0;
        const double rate =
            o->rate_final > 0.0 ? exp((1.0 - fraction) * log(o->rate) + fraction * log(o->rate_final)) : o->rate;
        for (size_t i = 0; i < N; i++) {
            m[i] = o->beta1 * m[i] + (1.0 - o->beta1) * shrink * g[i];
            s[i] = o->beta2 * s[i] + (1.0 - o->beta2) * shrink * shrink * g[i] * g[i];
            const double m_hat = m[i] / (1.0 - pow(o->beta1, (double)k));
            const double s_hat = s[i] / (1.0 - pow(o->beta2, (double)k));
            x[i] -= rate * m_hat / (sqrt(s_hat) + o->epsilon);
        }
    }
}

static void check_against_reference(costate_adam_options options) {
    enum { COUNT = 12 };
    for (size_t count = 1; count <= COUNT; count++) {
        analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
        double x[N];
        double expected[N];
        memcpy(x, start, sizeof(x));
        memcpy(expected, start, sizeof(x));
        options.stop.max_iteration = count;
        assert_ok(costate_minimize_adam(N, analytic_evaluate, &f, &options, NULL, x, NULL));
        reference_adam(&options, count, count, expected);
        assert_close_array(f.last_x, expected, N, 1e-13, 0.0);
    }
}

static void adam_updates_follow_the_published_algorithm(void **state) {
    (void)state;
    costate_adam_options options = costate_adam_options_default();
    options.rate = 0.3;
    check_against_reference(options);
    options.beta1 = 0.5;
    options.beta2 = 0.8;
    options.epsilon = 0.1;
    check_against_reference(options);
}

static void adam_rate_falls_geometrically_to_rate_final(void **state) {
    (void)state;
    costate_adam_options options = costate_adam_options_default();
    options.rate = 0.5;
    options.rate_final = 0.01;
    check_against_reference(options);
}

static void adam_clip_bounds_the_gradient(void **state) {
    (void)state;
    costate_adam_options options = costate_adam_options_default();
    options.clip = 4.0;
    options.epsilon = 0.5;
    check_against_reference(options);
}

static costate_status record_first_step(const double *x, double *value, double *grad, void *ctx) {
    analytic_objective *f = ctx;
    const costate_status status = analytic_evaluate(x, value, grad, f);
    return f->n_call == 1 ? COSTATE_OK : status;
}

/* The first update moves every variable by the rate; after each failure the next one starts at the best point with half of it. */
static void adam_halves_the_rate_after_each_failure_and_gives_up_after_ten(void **state) {
    (void)state;
    for (size_t n_bad = 1; n_bad <= 12; n_bad++) {
        analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
        costate_adam_options options = costate_adam_options_default();
        costate_optimum optimum;
        double x[N];
        memcpy(x, start, sizeof(x));
        f.first = 1;
        f.n_bad = n_bad;
        options.rate = 1.0;
        options.stop.max_iteration = n_bad < 10 ? n_bad + 1 : 100;
        assert_ok(costate_minimize_adam(N, record_first_step, &f, &options, NULL, x, &optimum));
        if (n_bad < 10) {
            assert_int_equal(optimum.stop, COSTATE_STOP_MAX_ITERATION);
            assert_int_equal(optimum.n_fail, n_bad);
            assert_close(start[0] - f.last_x[0], pow(0.5, (double)n_bad), 1e-6, 0.0);
        } else {
            assert_int_equal(optimum.stop, COSTATE_STOP_FAILURE);
            assert_int_equal(optimum.n_fail, 10);
            assert_int_equal(optimum.n_eval, 11);
            assert_same_bits_f64(x, start, N);
        }
    }
}

/* Fails at every third call. */
static costate_status fail_at_every_third(const double *x, double *value, double *grad, void *ctx) {
    analytic_objective *f = ctx;
    const costate_status status = analytic_evaluate(x, value, grad, f);
    return f->n_call % 3 == 0 ? COSTATE_ERR_STEP_SIZE : status;
}

static void adam_scattered_failures_do_not_end_the_run(void **state) {
    (void)state;
    analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
    costate_adam_options options = costate_adam_options_default();
    costate_optimum optimum;
    double x[N];
    memcpy(x, start, sizeof(x));
    options.rate = 0.2;
    options.stop.max_iteration = 60;
    assert_ok(costate_minimize_adam(N, fail_at_every_third, &f, &options, NULL, x, &optimum));
    assert_int_equal(optimum.stop, COSTATE_STOP_MAX_ITERATION);
    assert_int_equal(optimum.n_fail, 20);
}

/* After nine failures in a row the rate is 1/512 of itself; without recovery the minimum would be far beyond the limit. */
static void adam_rate_recovers_after_failures(void **state) {
    (void)state;
    analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
    costate_adam_options options = costate_adam_options_default();
    costate_optimum optimum;
    double x[N];
    memcpy(x, start, sizeof(x));
    f.first = 3;
    f.n_bad = 9;
    options.rate = 0.2;
    options.stop.max_iteration = 2000;
    options.stop.value = 1e-8;
    assert_ok(costate_minimize_adam(N, analytic_evaluate, &f, &options, NULL, x, &optimum));
    assert_int_equal(optimum.stop, COSTATE_STOP_VALUE);
    assert_int_equal(optimum.n_fail, 9);
}

static void adam_wrong_options_are_refused(void **state) {
    (void)state;
    const double nan = (double)NAN;
    costate_adam_options wrong[18];
    const size_t n_wrong = sizeof(wrong) / sizeof(wrong[0]);
    for (size_t i = 0; i < n_wrong; i++) {
        wrong[i] = costate_adam_options_default();
    }
    wrong[0].rate = 0.0;
    wrong[1].rate = -1.0;
    wrong[2].rate = nan;
    wrong[3].rate = HUGE_VAL;
    wrong[4].rate_final = -1.0;
    wrong[5].rate_final = nan;
    wrong[6].beta1 = -0.1;
    wrong[7].beta1 = 1.0;
    wrong[8].beta1 = nan;
    wrong[9].beta2 = -0.1;
    wrong[10].beta2 = 1.0;
    wrong[11].beta2 = nan;
    wrong[12].epsilon = 0.0;
    wrong[13].epsilon = nan;
    wrong[14].clip = -1.0;
    wrong[15].clip = nan;
    wrong[16].stop.max_iteration = 0;
    wrong[17].rate_final = HUGE_VAL;
    for (size_t i = 0; i < n_wrong; i++) {
        analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
        double x[N];
        memcpy(x, start, sizeof(x));
        assert_status(costate_minimize_adam(N, analytic_evaluate, &f, &wrong[i], NULL, x, NULL), COSTATE_ERR_ARGUMENT);
        assert_int_equal(f.n_call, 0);
    }
}

static void adam_without_options_uses_the_default(void **state) {
    (void)state;
    analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
    costate_optimum optimum;
    double x[N];
    memcpy(x, start, sizeof(x));
    assert_ok(costate_minimize_adam(N, analytic_evaluate, &f, NULL, NULL, x, &optimum));
    assert_int_equal(optimum.n_iteration, 1000);
    assert_true(optimum.value < 10.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adam_default_options_are_documented_values),
        cmocka_unit_test(adam_updates_follow_the_published_algorithm),
        cmocka_unit_test(adam_rate_falls_geometrically_to_rate_final),
        cmocka_unit_test(adam_clip_bounds_the_gradient),
        cmocka_unit_test(adam_halves_the_rate_after_each_failure_and_gives_up_after_ten),
        cmocka_unit_test(adam_scattered_failures_do_not_end_the_run),
        cmocka_unit_test(adam_rate_recovers_after_failures),
        cmocka_unit_test(adam_wrong_options_are_refused),
        cmocka_unit_test(adam_without_options_uses_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
