/* SPDX-License-Identifier: MIT */
/* Covariances, standard errors and intervals: linear regression, matrices with known faults, coverage by simulation. */
#include "inference_fixture.h"
#include "line_fixture.h"
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N = 5 };

/* A positive definite matrix whose unknowns have very different scales. */
static void random_matrix(double *matrix) {
    costate_random random = test_random(4);
    double root[N * N];
    fill_normal(&random, root, (size_t)N * N, 1.0);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            double sum = i == j ? 0.1 : 0.0;
            for (size_t k = 0; k < N; k++) {
                sum += root[i * N + k] * root[j * N + k];
            }
            matrix[i * N + j] = sum * pow(10.0, 4.0 * (double)i - 8.0) * pow(10.0, 4.0 * (double)j - 8.0);
        }
    }
}

static void covariance_is_the_inverse_times_the_factor(void **state) {
    (void)state;
    double matrix[N * N];
    double covariance[N * N];
    size_t culprit = 0;
    random_matrix(matrix);
    assert_ok(costate_covariance(N, matrix, 0.0, 2.5, NULL, covariance, &culprit));
    assert_true(culprit == SIZE_MAX);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < N; k++) {
                sum += matrix[i * N + k] * covariance[k * N + j];
            }
            const double unit = pow(10.0, 4.0 * ((double)i - (double)j));
            assert_close(sum / unit, i == j ? 2.5 : 0.0, 1e-10, 1e-10);
            assert_same_bits_f64(&covariance[i * N + j], &covariance[j * N + i], 1);
        }
    }
    double in_place[N * N];
    memcpy(in_place, matrix, sizeof in_place);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = i + 1; j < N; j++) {
            in_place[i * N + j] = (double)NAN; /* never read */
        }
    }
    assert_ok(costate_covariance(N, in_place, 0.0, 2.5, NULL, in_place, NULL));
    assert_same_bits_f64(in_place, covariance, (size_t)N * N);
}

static void covariance_with_a_ridge_inverts_the_sum(void **state) {
    (void)state;
    double matrix[4] = {2.0, 1.0, 1.0, 0.5}; /* singular */
    double covariance[4];
    size_t culprit;
    assert_status(costate_covariance(2, matrix, 0.0, 1.0, NULL, covariance, &culprit), COSTATE_ERR_SINGULAR);
    assert_int_equal(culprit, 1);
    assert_ok(costate_covariance(2, matrix, 0.5, 1.0, NULL, covariance, &culprit));
    const double determinant = 2.5 * 1.0 - 1.0;
    const double expected[4] = {1.0 / determinant, -1.0 / determinant, -1.0 / determinant, 2.5 / determinant};
    assert_close_array(covariance, expected, 4, 1e-14, 0.0);
}

static void covariance_of_what_is_not_determined_names_it(void **state) {
    (void)state;
    double matrix[N * N];
    double covariance[N * N] = {7.0};
    size_t culprit;
    random_matrix(matrix);
    for (size_t i = 0; i < N; i++) {
        matrix[i * N + 3] = matrix[3 * N + i] = 0.0;
    }
    assert_status(costate_covariance(N, matrix, 0.0, 1.0, NULL, covariance, &culprit), COSTATE_ERR_SINGULAR);
    assert_int_equal(culprit, 3);
    assert_true(covariance[0] == 7.0);
    /* The third is the sum of the first two. */
    random_matrix(matrix);
    for (size_t i = 0; i < N; i++) {
        matrix[i * N + 2] = matrix[2 * N + i] = matrix[i * N] + matrix[i * N + 1];
    }
    matrix[2 * N + 2] = matrix[2 * N] + matrix[2 * N + 1];
    assert_status(costate_covariance(N, matrix, 0.0, 1.0, NULL, covariance, &culprit), COSTATE_ERR_SINGULAR);
    assert_int_equal(culprit, 2);
    random_matrix(matrix);
    matrix[4 * N + 4] = -matrix[4 * N + 4];
    assert_status(costate_covariance(N, matrix, 0.0, 1.0, NULL, covariance, NULL), COSTATE_ERR_SINGULAR);
    const double indefinite[4] = {1.0, 2.0, 2.0, 1.0};
    assert_status(costate_covariance(2, indefinite, 0.0, 1.0, NULL, covariance, &culprit), COSTATE_ERR_SINGULAR);
    assert_int_equal(culprit, 1);
}

static void covariance_wrong_arguments_are_refused(void **state) {
    (void)state;
    const double one[1] = {4.0};
    const double bad[1] = {(double)NAN};
    double covariance[1];
    assert_status(costate_covariance(1, NULL, 0.0, 1.0, NULL, covariance, NULL), COSTATE_ERR_NULL);
    assert_status(costate_covariance(1, one, 0.0, 1.0, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_covariance(0, one, 0.0, 1.0, NULL, covariance, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_covariance(1, one, -1.0, 1.0, NULL, covariance, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_covariance(1, one, (double)NAN, 1.0, NULL, covariance, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_covariance(1, one, 0.0, 0.0, NULL, covariance, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_covariance(1, one, 0.0, HUGE_VAL, NULL, covariance, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_covariance(1, bad, 0.0, 1.0, NULL, covariance, NULL), COSTATE_ERR_NONFINITE);
    assert_status(costate_covariance(SIZE_MAX / 8, one, 0.0, 1.0, NULL, covariance, NULL), COSTATE_ERR_OVERFLOW);
    assert_ok(costate_covariance(1, one, 0.0, 1.0, NULL, covariance, NULL));
    assert_close(covariance[0], 0.25, 1e-15, 0.0);
}

static void covariance_survives_every_failed_allocation(void **state) {
    (void)state;
    double matrix[N * N];
    random_matrix(matrix);
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        double covariance[N * N];
        const costate_status status = costate_covariance(N, matrix, 0.0, 1.0, &hooks, covariance, NULL);
        assert_int_equal(counts.n_live, 0);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 3);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
    }
}

static void covariance_of_a_line_is_that_of_least_squares(void **state) {
    (void)state;
    const costate_information_kind kinds[] = {COSTATE_INFORMATION_EXPECTED, COSTATE_INFORMATION_OBSERVED};
    line e;
    double x[2];
    double expected[4];
    line_fill(&e);
    line_regress(&e, x, expected);
    costate_fit *fit = line_create(&e);
    for (size_t k = 0; k < 2; k++) {
        double covariance[4];
        size_t culprit = 0;
        assert_ok(costate_fit_covariance(fit, x, kinds[k], 0.0, covariance, &culprit));
        assert_true(culprit == SIZE_MAX);
        assert_close_array(covariance, expected, 4, 1e-10, 0.0);
        costate_interval intervals[2];
        assert_ok(costate_fit_intervals(fit, x, covariance, 0.9, intervals));
        for (size_t i = 0; i < 2; i++) {
            const double error = sqrt(expected[3 * i]);
            assert_int_equal(intervals[i].q, costate_fit_unknown(fit, i));
            assert_close(intervals[i].value, x[i], 1e-15, 0.0);
            assert_close(intervals[i].error, error, 1e-10, 0.0);
            assert_close(intervals[i].lower, x[i] - 1.6448536269514722 * error, 1e-10, 0.0);
            assert_close(intervals[i].upper, x[i] + 1.6448536269514722 * error, 1e-10, 0.0);
        }
    }
    costate_fit_destroy(fit);
}

/* The weight of all data is a matter of units, and a likelihood has no factor. */
static void dispersion_is_that_of_an_observation_of_weight_one(void **state) {
    (void)state;
    line e;
    double x[2];
    double covariance[4];
    double factor;
    double value;
    line_fill(&e);
    line_regress(&e, x, covariance);
    e.weight = 4.0;
    costate_fit *fit = line_create(&e);
    assert_ok(costate_fit_objective(x, &value, NULL, fit));
    assert_ok(costate_fit_dispersion(fit, x, &factor));
    assert_close(factor, 2.0 * value / (LINE_N_PRESENT - 2), 1e-15, 0.0);
    double weighted[4];
    assert_ok(costate_fit_covariance(fit, x, COSTATE_INFORMATION_EXPECTED, 0.0, weighted, NULL));
    assert_close_array(weighted, covariance, 4, 1e-10, 0.0);
    assert_ok(costate_fit_set_horizon(fit, e.t[1]));
    assert_status(costate_fit_dispersion(fit, x, &factor), COSTATE_ERR_STATE);
    assert_true(strlen(costate_fit_detail(fit)) > 0);
    costate_fit_destroy(fit);
    e.likelihood = true;
    fit = line_create(&e);
    assert_ok(costate_fit_dispersion(fit, (const double[]){1.0, 1.0, 1.0}, &factor));
    assert_true(factor == 1.0);
    costate_fit_destroy(fit);
}

static void dispersion_counts_what_has_a_weight(void **state) {
    (void)state;
    const double weight[2] = {1.0, 0.0};
    trial e;
    trial_fill(&e);
    e.spec.loss = costate_loss_squared();
    for (size_t s = 0; s < TRIAL_N_SERIES; s++) {
        e.series[s].weight = weight;
    }
    costate_fit *fit = trial_create(&e);
    double x[TRIAL_MAX_X];
    double value;
    double factor;
    trial_point(fit, x);
    assert_ok(costate_fit_objective(x, &value, NULL, fit));
    assert_ok(costate_fit_dispersion(fit, x, &factor));
    /* 5 + 5 + 4 times, of which one lacks the first quantity; three unknowns. */
    assert_close(factor, 2.0 * value / (13 - 3), 1e-15, 0.0);
    costate_fit_destroy(fit);
}

static void intervals_of_transforms_respect_their_bounds(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    trial_estimate(&e, (costate_estimate){.n = 1, .transform = COSTATE_TRANSFORM_LOG, .scale = 0.5});
    trial_estimate(
        &e, (costate_estimate){
                .first = 2, .n = 1, .transform = COSTATE_TRANSFORM_LOGIT, .lower = 1.0, .upper = 4.0, .scale = 2.0});
    costate_fit *fit = trial_create(&e);
    const size_t n = costate_fit_n_x(fit);
    double x[TRIAL_MAX_X];
    double q[64];
    double covariance[TRIAL_MAX_X * TRIAL_MAX_X] = {0.0};
    costate_interval intervals[TRIAL_MAX_X];
    trial_point(fit, x);
    for (size_t i = 0; i < n; i++) {
        covariance[i * (n + 1)] = 4.0;
    }
    assert_ok(costate_fit_natural(fit, x, q));
    assert_ok(costate_fit_intervals(fit, x, covariance, 0.95, intervals));
    assert_close(intervals[0].value, q[0], 1e-15, 0.0);
    assert_close(intervals[0].error, 0.5 * q[0] * 2.0, 1e-14, 0.0);
    assert_close(intervals[0].lower, exp(0.5 * (x[0] - 1.959963984540054 * 2.0)), 1e-13, 0.0);
    assert_close(intervals[0].upper, exp(0.5 * (x[0] + 1.959963984540054 * 2.0)), 1e-13, 0.0);
    assert_true(intervals[1].lower > 1.0 && intervals[1].upper < 4.0);
    assert_true(intervals[1].lower < q[2] && intervals[1].upper > q[2]);
    assert_close(intervals[1].error, 2.0 * 2.0 * (q[2] - 1.0) * (4.0 - q[2]) / 3.0, 1e-13, 0.0);
    assert_status(costate_fit_intervals(fit, x, covariance, 0.0, intervals), COSTATE_ERR_ARGUMENT);
    assert_status(costate_fit_intervals(fit, x, covariance, 1.0, intervals), COSTATE_ERR_ARGUMENT);
    assert_status(costate_fit_intervals(fit, x, covariance, (double)NAN, intervals), COSTATE_ERR_ARGUMENT);
    costate_fit_destroy(fit);
}

static void normal_quantile_has_known_values(void **state) {
    (void)state;
    assert_close(costate_normal_quantile(0.975), 1.9599639845400545, 1e-15, 0.0);
    assert_close(costate_normal_quantile(0.5), 0.0, 0.0, 1e-16);
    assert_close(costate_normal_quantile(0.0), -HUGE_VAL, 0.0, 0.0);
    assert_close(costate_normal_quantile(1.0), HUGE_VAL, 0.0, 0.0);
    assert_true(isnan(costate_normal_quantile(-0.1)) && isnan(costate_normal_quantile(1.1)));
    assert_true(isnan(costate_normal_quantile((double)NAN)));
}

/* Fits of decay with free initial state to data with normal noise: how often the intervals hold the truth. */
static void intervals_hold_the_truth_as_often_as_they_say(void **state) {
    (void)state;
    enum { N_FIT = 200, N_T = 40 };
    const double truth[2] = {0.8, 1.5};
    costate_random random = test_random(5);
    double t[N_T];
    double data[N_T];
    double noise[N_T];
    const costate_noise kind = COSTATE_NOISE_ADDITIVE;
    const costate_noise_model model = {1, &kind};
    const costate_estimate estimates[] = {{.transform = COSTATE_TRANSFORM_LOG}, {.part = COSTATE_FIT_INITIAL_STATE}};
    for (int likelihood = 0; likelihood < 2; likelihood++) {
        size_t held[2] = {0, 0};
        for (size_t k = 0; k < N_FIT; k++) {
            fill_normal(&random, noise, N_T, 0.1);
            for (size_t i = 0; i < N_T; i++) {
                t[i] = 0.06 * (double)(i + 1);
                data[i] = truth[1] * exp(-truth[0] * t[i]) + noise[i];
            }
            const costate_series series = {.n_t = N_T, .t = t, .data = data, .t0 = 0.0, .y0 = &truth[1]};
            const costate_fit_spec spec = {.rhs = &problem_decay.rhs,
                                           .n_series = 1,
                                           .series = &series,
                                           .p = &truth[0],
                                           .loss = likelihood ? costate_loss_gaussian(&model) : costate_loss_squared(),
                                           .noise = likelihood ? (const double[]){0.2} : NULL,
                                           .n_estimate = 2,
                                           .estimates = estimates};
            costate_fit *fit = NULL;
            double x[3];
            double covariance[9];
            costate_interval intervals[3];
            assert_ok(costate_fit_create(&spec, NULL, NULL, &fit));
            assert_ok(costate_fit_start(fit, x));
            const size_t n = costate_fit_n_x(fit);
            assert_ok(costate_minimize_lbfgs(n, costate_fit_objective, fit, NULL, NULL, x, NULL));
            assert_ok(costate_fit_covariance(fit, x, COSTATE_INFORMATION_EXPECTED, 0.0, covariance, NULL));
            assert_ok(costate_fit_intervals(fit, x, covariance, 0.95, intervals));
            held[0] += intervals[0].lower <= truth[0] && truth[0] <= intervals[0].upper;
            held[1] += intervals[n - 1].lower <= truth[1] && truth[1] <= intervals[n - 1].upper;
            costate_fit_destroy(fit);
        }
        /* 190 are expected, with a standard deviation of 3.1. */
        for (size_t i = 0; i < 2; i++) {
            print_message("%zu of %d\n", held[i], N_FIT);
            assert_true(held[i] >= 179 && held[i] <= 198);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covariance_is_the_inverse_times_the_factor),
        cmocka_unit_test(covariance_with_a_ridge_inverts_the_sum),
        cmocka_unit_test(covariance_of_what_is_not_determined_names_it),
        cmocka_unit_test(covariance_wrong_arguments_are_refused),
        cmocka_unit_test(covariance_survives_every_failed_allocation),
        cmocka_unit_test(covariance_of_a_line_is_that_of_least_squares),
        cmocka_unit_test(dispersion_is_that_of_an_observation_of_weight_one),
        cmocka_unit_test(dispersion_counts_what_has_a_weight),
        cmocka_unit_test(intervals_of_transforms_respect_their_bounds),
        cmocka_unit_test(normal_quantile_has_known_values),
        cmocka_unit_test(intervals_hold_the_truth_as_often_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
