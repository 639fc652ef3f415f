/* SPDX-License-Identifier: MIT */
/* Information of a fit: closed forms of least squares and of noise models, and rows by differences of predictions. */
#include "inference_fixture.h"
#include "line_fixture.h"
#include "support/asserts.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { MAX_X = TRIAL_MAX_X };

/* Information of a line: unknowns (slope, intercept, noise …). */
static void information_of(line *e, const double *x, double *information) {
    costate_fit *fit = line_create(e);
    assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_EXPECTED, information));
    costate_fit_destroy(fit);
}

static void information_of_a_line_is_that_of_least_squares(void **state) {
    (void)state;
    line e;
    line_fill(&e);
    e.weight = 1.7;
    const double x[2] = {0.6, 1.1};
    double expected[4] = {0.0};
    double information[4];
    for (size_t i = 0; i < LINE_N_T; i++) {
        const double w = isnan(e.data[i]) ? 0.0 : e.weight;
        expected[0] += 2.0 * w * e.t[i] * e.t[i];
        expected[1] += 2.0 * w * e.t[i];
        expected[3] += 2.0 * w;
    }
    expected[2] = expected[1];
    information_of(&e, x, information);
    assert_close_array(information, expected, 4, 1e-12, 0.0);
    costate_fit *fit = line_create(&e);
    assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_OBSERVED, information));
    assert_close_array(information, expected, 4, 1e-10, 0.0);
    costate_fit_destroy(fit);
}

/* h = the intercept alone; Fisher's information of each noise model, per datum. */
static void information_of_noise_is_fishers(void **state) {
    (void)state;
    const double h = 1.7;
    const double a = 0.4;
    const double b = 0.3;
    const double v = a * a + b * b * h * h;
    const double vh = 2.0 * b * b * h;
    const double va = 2.0 * a;
    const double vb = 2.0 * b * h * h;
    const struct {
        costate_noise kind;
        size_t n;
        double noise[2];
        double expected[9];
    } cases[] = {
        {COSTATE_NOISE_ADDITIVE, 2, {a}, {1.0 / (a * a), 0.0, 0.0, 2.0 / (a * a)}},
        {COSTATE_NOISE_PROPORTIONAL,
         2,
         {b},
         {1.0 / (b * b * h * h) + 2.0 / (h * h), 2.0 / (b * h), 2.0 / (b * h), 2.0 / (b * b)}},
        {COSTATE_NOISE_LOGNORMAL, 2, {a}, {1.0 / (a * a * h * h), 0.0, 0.0, 2.0 / (a * a)}},
        {COSTATE_NOISE_COMBINED,
         3,
         {a, b},
         {1.0 / v + vh * vh / (2.0 * v * v), vh * va / (2.0 * v * v), vh * vb / (2.0 * v * v), vh * va / (2.0 * v * v),
          va * va / (2.0 * v * v), va * vb / (2.0 * v * v), vh * vb / (2.0 * v * v), va * vb / (2.0 * v * v),
          vb * vb / (2.0 * v * v)}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int logarithmic = 0; logarithmic < 2; logarithmic++) {
            line e;
            line_fill(&e);
            e.slope = 0.0;
            e.fixed_slope = true;
            e.likelihood = true;
            e.kind = cases[c].kind;
            memcpy(e.noise, cases[c].noise, sizeof e.noise);
            e.natural_noise = !logarithmic;
            const size_t n = cases[c].n;
            const double x[3] = {h, logarithmic ? log(e.noise[0]) : e.noise[0],
                                 n > 2 && logarithmic ? log(e.noise[1]) : e.noise[1]};
            double information[9];
            double expected[9];
            const double slope[3] = {1.0, logarithmic ? e.noise[0] : 1.0, logarithmic ? e.noise[1] : 1.0};
            /* The order of the unknowns is that of q: noise before the intercept. */
            const size_t order[3] = {n == 2 ? 1 : 2, 0, 1};
            double ordered[3] = {0.0};
            for (size_t i = 0; i < n; i++) {
                ordered[order[i]] = x[i];
                for (size_t j = 0; j < n; j++) {
                    expected[order[i] * n + order[j]] =
                        LINE_N_PRESENT * cases[c].expected[i * n + j] * slope[i] * slope[j];
                }
            }
            information_of(&e, ordered, information);
            assert_close_array(information, expected, n * n, 1e-12, 1e-13);
        }
    }
}

/* Σ rows by differences of what is predicted, without an adjoint. */
static void information_by_differences(costate_fit *fit, const trial *e, const double *x, double *information) {
    const size_t n = costate_fit_n_x(fit);
    double q[64];
    double slope[MAX_X];
    double point[MAX_X];
    double jacobian[TRIAL_N_T * TRIAL_N_H][MAX_X];
    double h[5][TRIAL_N_T * TRIAL_N_H];
    const double step = 1e-3;
    assert_true(costate_fit_n_q(fit) <= 64);
    assert_ok(costate_fit_natural(fit, x, q));
    assert_ok(costate_fit_natural_slope(fit, x, slope));
    memcpy(point, x, n * sizeof(double));
    memset(information, 0, n * n * sizeof(double));
    for (size_t s = 0; s < TRIAL_N_SERIES; s++) {
        const size_t n_t = e->series[s].n_t;
        assert_ok(costate_fit_predict(fit, x, s, n_t, e->t[s], NULL, h[0]));
        for (size_t j = 0; j < n; j++) {
            for (int k = 1; k < 5; k++) {
                point[j] = x[j] + step * (const double[]){0.0, -2.0, -1.0, 1.0, 2.0}[k];
                assert_ok(costate_fit_predict(fit, point, s, n_t, e->t[s], NULL, h[k]));
            }
            point[j] = x[j];
            for (size_t i = 0; i < n_t * TRIAL_N_H; i++) {
                jacobian[i][j] = (h[1][i] - 8.0 * h[2][i] + 8.0 * h[3][i] - h[4][i]) / (12.0 * step);
            }
        }
        for (size_t i = 0; i < n_t; i++) {
            double hbar[TRIAL_N_H];
            double noisebar[3] = {0.0};
            const costate_observation observation = {.series = s,
                                                     .index = i,
                                                     .t = e->t[s][i],
                                                     .n_h = TRIAL_N_H,
                                                     .h = &h[0][i * TRIAL_N_H],
                                                     .data = &e->data[s][i * TRIAL_N_H],
                                                     .noise = q + 4};
            const costate_loss *loss = &e->spec.loss;
            for (size_t r = 0; loss->information(&observation, r, hbar, noisebar, loss->ctx) == 1; r++) {
                double row[MAX_X];
                for (size_t j = 0; j < n; j++) {
                    const size_t at = costate_fit_unknown(fit, j);
                    row[j] = at >= 4 && at < 4 + loss->n_noise ? noisebar[at - 4] * slope[j] : 0.0;
                    for (size_t k = 0; k < TRIAL_N_H; k++) {
                        row[j] += hbar[k] * jacobian[i * TRIAL_N_H + k][j];
                    }
                }
                for (size_t j = 0; j < n * n; j++) {
                    information[j] += row[j / n] * row[j % n];
                }
            }
        }
    }
}

static void check_information(const trial *e) {
    costate_fit *fit = trial_create(e);
    const size_t n = costate_fit_n_x(fit);
    double x[MAX_X];
    double information[MAX_X * MAX_X];
    double expected[MAX_X * MAX_X];
    trial_point(fit, x);
    assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_EXPECTED, information));
    information_by_differences(fit, e, x, expected);
    for (size_t i = 0; i < n * n; i++) {
        const double size = sqrt(expected[i / n * (n + 1)] * expected[i % n * (n + 1)]);
        assert_close(information[i], expected[i], 1e-7, 1e-7 * size);
    }
    costate_fit_destroy(fit);
}

static void information_agrees_with_differences_of_predictions(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES});
    check_information(&e);
    e.options.n_thread = 2;
    check_information(&e);
    trial_fill(&e);
    e.spec.initial = &trial_initial;
    e.options.solver.method = COSTATE_METHOD_SDIRK4;
    check_information(&e);
    trial_fill(&e);
    e.spec.loss = costate_loss_squared();
    trial_estimate(&e, (costate_estimate){.n = 1, .transform = COSTATE_TRANSFORM_LOG, .scale = 0.5});
    trial_estimate(&e, (costate_estimate){.first = 2, .n = 1, .fixed = true});
    check_information(&e);
}

static void information_of_initial_times_agrees_with_differences_of_predictions(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    e.options.solver.rtol = 1e-12;
    e.spec.initial = &trial_initial;
    trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_TIME, .series = 0});
    trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_TIME, .series = 2});
    check_information(&e);
}

/* Without residuals the curvature of the model has no part in the Hessian. */
static void information_of_a_perfect_fit_is_the_hessian(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    e.spec.loss = costate_loss_squared();
    double x[MAX_X];
    double expected[MAX_X * MAX_X];
    double observed[MAX_X * MAX_X];
    costate_fit *fit = trial_create(&e);
    trial_point(fit, x);
    for (size_t s = 0; s < TRIAL_N_SERIES; s++) {
        assert_ok(costate_fit_predict(fit, x, s, e.series[s].n_t, e.t[s], NULL, e.data[s]));
    }
    costate_fit_destroy(fit);
    fit = trial_create(&e);
    const size_t n = costate_fit_n_x(fit);
    assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_EXPECTED, expected));
    assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_OBSERVED, observed));
    assert_close_array(observed, expected, n * n, 1e-9, 1e-9 * expected[0]);
    costate_fit_destroy(fit);
}

static void information_is_symmetric_and_has_its_products_as_columns(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    costate_fit *fit = trial_create(&e);
    const size_t n = costate_fit_n_x(fit);
    double x[MAX_X];
    double u[MAX_X] = {0.0};
    double hu[MAX_X];
    double information[MAX_X * MAX_X];
    trial_point(fit, x);
    u[2] = 1.0;
    assert_ok(costate_fit_hessian_product(fit, x, u, hu));
    assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_OBSERVED, information));
    for (size_t i = 0; i < n; i++) {
        assert_close(information[i * n + 2], hu[i], 1e-10, 1e-9);
        for (size_t j = 0; j < n; j++) {
            assert_same_bits_f64(&information[i * n + j], &information[j * n + i], 1);
        }
    }
    costate_fit_destroy(fit);
}

static void information_of_a_penalty_is_added(void **state) {
    (void)state;
    double information[2][MAX_X * MAX_X];
    size_t n = 0;
    for (size_t k = 0; k < 2; k++) {
        trial e;
        trial_fill(&e);
        trial_estimate(&e, (costate_estimate){.n = 1, .scale = 3.0, .l2 = k == 1 ? 2.5 : 0.0});
        costate_fit *fit = trial_create(&e);
        double x[MAX_X];
        trial_point(fit, x);
        n = costate_fit_n_x(fit);
        assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_EXPECTED, information[k]));
        costate_fit_destroy(fit);
    }
    information[0][0] += 2.0 * 2.5 * 9.0;
    assert_close_array(information[1], information[0], n * n, 1e-13, 1e-13);
}

static void information_leaves_out_what_the_objective_does(void **state) {
    (void)state;
    double information[2][MAX_X * MAX_X];
    size_t n = 0;
    for (size_t k = 0; k < 2; k++) {
        trial e;
        trial_fill(&e);
        e.series[2].held_out = true;
        if (k == 1) {
            e.series[0].n_t = 3;
            e.series[1].n_t = 4;
            e.spec.n_series = 2;
        }
        costate_fit *fit = trial_create(&e);
        double x[MAX_X];
        assert_ok(costate_fit_set_horizon(fit, k == 0 ? 1.4 : (double)INFINITY));
        trial_point(fit, x);
        n = costate_fit_n_x(fit);
        assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_EXPECTED, information[k]));
        costate_fit_destroy(fit);
    }
    assert_close_array(information[0], information[1], n * n, 1e-12, 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(information_of_a_line_is_that_of_least_squares),
        cmocka_unit_test(information_of_noise_is_fishers),
        cmocka_unit_test(information_agrees_with_differences_of_predictions),
        cmocka_unit_test(information_of_initial_times_agrees_with_differences_of_predictions),
        cmocka_unit_test(information_of_a_perfect_fit_is_the_hessian),
        cmocka_unit_test(information_is_symmetric_and_has_its_products_as_columns),
        cmocka_unit_test(information_of_a_penalty_is_added),
        cmocka_unit_test(information_leaves_out_what_the_objective_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
