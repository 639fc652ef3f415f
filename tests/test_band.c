/* SPDX-License-Identifier: MIT */
/* Standard errors of predictions and of other functions of the unknowns. */
#include "inference_fixture.h"
#include "line_fixture.h"
#include "support/asserts.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { MAX_X = TRIAL_MAX_X };

static void band_of_a_line_is_that_of_least_squares(void **state) {
    (void)state;
    const double t[4] = {0.0, 0.7, 0.7, 9.0};
    line e;
    double x[2];
    double expected[4];
    double covariance[4];
    double y[4];
    double y_error[4];
    double h[4];
    double h_error[4];
    line_fill(&e);
    line_regress(&e, x, expected);
    costate_fit *fit = line_create(&e);
    assert_ok(costate_fit_covariance(fit, x, COSTATE_INFORMATION_EXPECTED, 0.0, covariance, NULL));
    assert_ok(costate_fit_band(fit, x, covariance, 0, 4, t, y, y_error, h, h_error));
    for (size_t i = 0; i < 4; i++) {
        const double variance = expected[0] * t[i] * t[i] + 2.0 * expected[1] * t[i] + expected[3];
        assert_close(y[i], x[1] + x[0] * t[i], 1e-12, 0.0);
        assert_close(y_error[i], sqrt(variance), 1e-9, 0.0);
    }
    assert_same_bits_f64(h, y, 4);
    assert_same_bits_f64(h_error, y_error, 4);
    const double y0 = 5.0;
    assert_ok(costate_fit_band_from(fit, x, covariance, -1.0, &y0, NULL, 4, t, y, NULL, NULL, h_error));
    for (size_t i = 0; i < 4; i++) {
        assert_close(y[i], 5.0 + x[0] * (t[i] + 1.0), 1e-12, 0.0);
        assert_close(h_error[i], sqrt(expected[0]) * (t[i] + 1.0), 1e-9, 0.0);
    }
    costate_fit_destroy(fit);
}

/* A covariance with correlations, and √(gᵀ C g). */
static void make_covariance(size_t n, double *covariance) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            covariance[i * n + j] = (i == j ? 0.04 : 0.0) + 0.01 * cos((double)i) * cos((double)j);
        }
    }
}

static double error_of(size_t n, const double *covariance, const double *g) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            sum += g[i] * covariance[i * n + j] * g[j];
        }
    }
    return sqrt(sum);
}

enum { N_TIME = 4, N_Y = 2 };

/* From y0, or for NULL of a series, at x: y and h in a row. */
static void predict(costate_fit *fit, const double *x, size_t series, const double *y0, const double *t, double *out) {
    const double covariate = 0.9;
    double *h = out + (size_t)N_TIME * N_Y;
    assert_ok(y0 ? costate_fit_predict_from(fit, x, 0.0, y0, &covariate, N_TIME, t, out, h)
                 : costate_fit_predict(fit, x, series, N_TIME, t, out, h));
}

static void check_band(const trial *e, size_t series, const double *y0) {
    enum { N_OUT = N_TIME * (N_Y + TRIAL_N_H) };
    const double t[N_TIME] = {0.6, 0.9, 1.7, 2.8};
    const double covariate = 0.9;
    const double step = 1e-3;
    costate_fit *fit = trial_create(e);
    const size_t n = costate_fit_n_x(fit);
    double x[MAX_X];
    double point[MAX_X];
    double covariance[MAX_X * MAX_X];
    double gradient[N_OUT][MAX_X];
    double at[5][N_OUT];
    double value[N_OUT];
    double error[N_OUT];
    double *h = value + (size_t)N_TIME * N_Y;
    double *h_error = error + (size_t)N_TIME * N_Y;
    trial_point(fit, x);
    make_covariance(n, covariance);
    assert_ok(y0 ? costate_fit_band_from(fit, x, covariance, 0.0, y0, &covariate, N_TIME, t, value, error, h, h_error)
                 : costate_fit_band(fit, x, covariance, series, N_TIME, t, value, error, h, h_error));
    assert_string_equal(costate_fit_detail(fit), "");
    predict(fit, x, series, y0, t, at[0]);
    assert_close_array(value, at[0], N_OUT, 1e-12, 0.0);
    memcpy(point, x, n * sizeof(double));
    for (size_t j = 0; j < n; j++) {
        for (int k = 1; k < 5; k++) {
            point[j] = x[j] + step * (const double[]){0.0, -2.0, -1.0, 1.0, 2.0}[k];
            predict(fit, point, series, y0, t, at[k]);
        }
        point[j] = x[j];
        for (size_t i = 0; i < N_OUT; i++) {
            gradient[i][j] = (at[1][i] - 8.0 * at[2][i] + 8.0 * at[3][i] - at[4][i]) / (12.0 * step);
        }
    }
    for (size_t i = 0; i < N_OUT; i++) {
        assert_close(error[i], error_of(n, covariance, gradient[i]), 1e-7, 1e-9);
    }
    costate_fit_destroy(fit);
}

static void band_agrees_with_differences_of_predictions(void **state) {
    (void)state;
    const double y0[2] = {1.3, 0.7};
    trial e;
    trial_fill(&e);
    trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES});
    check_band(&e, 1, NULL);
    check_band(&e, 1, y0);
    e.series[2].held_out = true;
    check_band(&e, 2, NULL);
    trial_fill(&e);
    e.spec.initial = &trial_initial;
    e.options.solver.rtol = 1e-12;
    trial_estimate(&e, (costate_estimate){.n = 1, .transform = COSTATE_TRANSFORM_LOG, .scale = 0.5});
    trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_TIME, .series = 2});
    check_band(&e, 2, NULL);
}

/* At the initial time the state is the initial one, wherever that time moves. */
static void band_at_an_estimated_initial_time_is_that_of_the_initial_state(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_TIME, .series = 2});
    trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = 2, .first = 1});
    costate_fit *fit = trial_create(&e);
    const size_t n = costate_fit_n_x(fit);
    double x[MAX_X];
    double covariance[MAX_X * MAX_X] = {0.0};
    double error[2];
    assert_ok(costate_fit_start(fit, x));
    for (size_t i = 0; i < n; i++) {
        covariance[i * (n + 1)] = 0.09;
    }
    assert_ok(costate_fit_band(fit, x, covariance, 2, 1, &e.series[2].t0, NULL, error, NULL, NULL));
    assert_close(error[0], 0.0, 0.0, 1e-14);
    assert_close(error[1], 0.3, 1e-13, 0.0);
    costate_fit_destroy(fit);
}

/* slope · i + intercept² */
static int quantity(size_t i, const double *q, double *value, double *qbar, void *ctx) {
    const size_t *refuse = ctx;
    if (refuse && i == *refuse) {
        return COSTATE_ANSWER_RETRY;
    }
    *value = q[0] * (double)i + q[1] * q[1];
    assert_true(qbar[0] == 0.0 && qbar[1] == 0.0 && qbar[2] == 0.0);
    qbar[0] += (double)i;
    qbar[1] += 2.0 * q[1];
    qbar[2] += 17.0; /* the initial time is not estimated */
    return i == 7 ? ((*value = (double)NAN), COSTATE_ANSWER_OK) : COSTATE_ANSWER_OK;
}

static void quantities_have_errors_by_the_delta_method(void **state) {
    (void)state;
    line e;
    double value[8];
    double error[8];
    const double x[2] = {0.6, 1.2};
    const double covariance[4] = {0.04, -0.01, -0.01, 0.09};
    size_t refused = 2;
    line_fill(&e);
    costate_fit *fit = line_create(&e);
    assert_int_equal(costate_fit_n_q(fit), 3);
    assert_ok(costate_fit_quantities(fit, x, covariance, 5, quantity, NULL, value, error));
    for (size_t i = 0; i < 5; i++) {
        const double g[2] = {(double)i, 2.4};
        assert_close(value[i], 0.6 * (double)i + 1.44, 1e-14, 0.0);
        assert_close(error[i], error_of(2, covariance, g), 1e-14, 0.0);
    }
    assert_status(costate_fit_quantities(fit, x, covariance, 5, quantity, &refused, value, error),
                  COSTATE_ERR_RHS_FAIL);
    assert_status(costate_fit_quantities(fit, x, covariance, 8, quantity, NULL, value, error), COSTATE_ERR_NONFINITE);
    costate_fit_destroy(fit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(band_of_a_line_is_that_of_least_squares),
        cmocka_unit_test(band_agrees_with_differences_of_predictions),
        cmocka_unit_test(band_at_an_estimated_initial_time_is_that_of_the_initial_state),
        cmocka_unit_test(quantities_have_errors_by_the_delta_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
