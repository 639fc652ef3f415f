/* SPDX-License-Identifier: MIT */
/* Products of a fit's Hessian with vectors: against differences of gradients, against closed forms, and symmetric. */
#include "inference/hessian.h"
#include "inference_fixture.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { MAX_X = TRIAL_MAX_X };

static double dot(size_t n, const double *a, const double *b) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

static double norm(size_t n, const double *a) { return sqrt(dot(n, a, a)); }

/* Products with two random directions: H u against differences, u·Hv against v·Hu. */
static void check_products(costate_fit *fit, double tolerance, double symmetry) {
    const size_t n = costate_fit_n_x(fit);
    costate_random random = test_random(1);
    double x[MAX_X];
    double u[MAX_X];
    double v[MAX_X];
    double hu[MAX_X];
    double hv[MAX_X];
    double expected[MAX_X];
    trial_point(fit, x);
    fill_normal(&random, u, n, 1.0);
    fill_normal(&random, v, n, 1.0);
    assert_ok(costate_fit_hessian_product(fit, x, u, hu));
    assert_string_equal(costate_fit_detail(fit), "");
    assert_ok(costate_fit_hessian_product(fit, x, v, hv));
    difference_product(fit, x, u, expected);
    assert_close_array(hu, expected, n, tolerance, tolerance * norm(n, hu));
    assert_close(dot(n, v, hu), dot(n, u, hv), symmetry, symmetry * norm(n, hu) * norm(n, v));
}

static void product_agrees_with_differences_for_every_method(void **state) {
    (void)state;
    const costate_method methods[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853, COSTATE_METHOD_SDIRK4,
                                      COSTATE_METHOD_AUTO,  COSTATE_METHOD_ADAMS,  COSTATE_METHOD_BDF};
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        const bool continuous = methods[m] == COSTATE_METHOD_ADAMS || methods[m] == COSTATE_METHOD_BDF;
        const bool is_explicit = methods[m] == COSTATE_METHOD_TSIT5 || methods[m] == COSTATE_METHOD_DOP853;
        trial e;
        trial_fill(&e);
        e.options.solver.method = methods[m];
        trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES});
        costate_fit *fit = trial_create(&e);
        assert_int_equal(costate_fit_n_x(fit), 3 + 3 + 6);
        check_products(fit, continuous ? 1e-5 : 1e-6, continuous ? 1e-6 : is_explicit ? 1e-10 : 1e-8);
        costate_fit_destroy(fit);
    }
}

/* Steps that depend on the direction would show here. */
static void product_at_a_loose_tolerance_is_symmetric_to_rounding(void **state) {
    (void)state;
    const costate_method methods[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853};
    for (size_t m = 0; m < 2; m++) {
        trial e;
        trial_fill(&e);
        e.options.solver.method = methods[m];
        e.options.solver.rtol = 1e-3;
        e.options.solver.atol = 1e-5;
        trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES});
        costate_fit *fit = trial_create(&e);
        check_products(fit, 2e-2, 1e-11);
        costate_fit_destroy(fit);
    }
}

/* Their number at the objective's loose tolerance, in which whatever weighed in the error test would show. */
static void product_takes_the_steps_of_the_objective(void **state) {
    (void)state;
    const costate_method methods[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853};
    const double atol[2] = {1e-3, 1e-8};
    for (size_t m = 0; m < 2; m++) {
        trial e;
        trial_fill(&e);
        e.options.solver.method = methods[m];
        e.options.solver.rtol = 1e-6;
        e.options.solver.atol_state = atol;
        costate_fit *fit = trial_create(&e);
        csi_hessian hessian;
        double x[MAX_X];
        double hu[MAX_X];
        double value;
        trial_point(fit, x);
        assert_ok(costate_fit_objective(x, &value, NULL, fit));
        const size_t n_step = costate_fit_get_counts(fit)->forward.n_step;
        assert_ok(csi_hessian_create(fit, &hessian));
        assert_ok(csi_hessian_at(&hessian, x));
        assert_ok(csi_hessian_apply(&hessian, x, hu));
        assert_int_equal(costate_ensemble_counts(hessian.ensemble)->n_step, n_step);
        csi_hessian_clear(&hessian);
        costate_fit_destroy(fit);
    }
}

/* Rate constants of 0.04, 3e7 and 1e4, on a logarithmic scale. */
static void product_of_stiff_kinetics_agrees_with_differences(void **state) {
    (void)state;
    const double t[4] = {0.4, 4.0, 40.0, 400.0};
    const double data[12] = {0.9, 3e-5, 0.1, 0.8, 2e-5, 0.2, 0.7, 1e-5, 0.3, 0.4, 3e-6, 0.6};
    const double weight[3] = {1.0, 1e8, 1.0};
    const costate_series series = {.n_t = 4, .t = t, .data = data, .weight = weight, .t0 = 0.0, .y0 = problem_rober.y0};
    const costate_estimate estimates[] = {{.transform = COSTATE_TRANSFORM_LOG}};
    const double atol[3] = {1e-12, 1e-16, 1e-12};
    costate_fit_options options = costate_fit_options_default();
    options.solver.method = COSTATE_METHOD_SDIRK4;
    options.solver.rtol = 1e-9;
    options.solver.atol_state = atol;
    const costate_fit_spec spec = {.rhs = &problem_rober.rhs,
                                   .n_series = 1,
                                   .series = &series,
                                   .p = problem_rober.p,
                                   .n_estimate = 1,
                                   .estimates = estimates};
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&spec, &options, NULL, &fit));
    check_products(fit, 1e-6, 1e-7);
    costate_fit_destroy(fit);
}

static void product_with_atol_of_each_state_agrees_with_differences(void **state) {
    (void)state;
    const double atol[2] = {1e-11, 1e-12};
    trial e;
    trial_fill(&e);
    e.options.solver.atol_state = atol;
    costate_fit *fit = trial_create(&e);
    check_products(fit, 1e-7, 1e-10);
    costate_fit_destroy(fit);
}

static void product_through_initial_states_of_parameters_agrees_with_differences(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    e.spec.initial = &trial_initial;
    costate_fit *fit = trial_create(&e);
    check_products(fit, 1e-7, 1e-10);
    costate_fit_destroy(fit);
}

static void product_through_initial_times_agrees_with_differences(void **state) {
    (void)state;
    for (int with_initial = 0; with_initial < 2; with_initial++) {
        trial e;
        trial_fill(&e);
        e.options.solver.rtol = 1e-12;
        e.spec.initial = with_initial ? &trial_initial : NULL;
        trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_TIME, .series = 0});
        trial_estimate(
            &e, (costate_estimate){.part = COSTATE_FIT_INITIAL_TIME, .series = 2, .transform = COSTATE_TRANSFORM_LOG});
        if (!with_initial) {
            trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = 2});
        }
        costate_fit *fit = trial_create(&e);
        check_products(fit, 1e-7, 1e-7);
        costate_fit_destroy(fit);
    }
}

/* y' = -a t y: f depends on time at the initial time. The datum at that time is one of the initial state. */
static void product_through_the_initial_time_of_a_model_of_time_is_exact(void **state) {
    (void)state;
    const double t[3] = {0.6, 1.0, 1.5};
    const double data[3] = {0.9, 0.4, 0.3};
    const double y0 = 1.3;
    const double p = 0.7;
    const costate_series series = {.n_t = 3, .t = t, .data = data, .t0 = 0.6, .y0 = &y0};
    const costate_estimate estimates[] = {{.part = COSTATE_FIT_INITIAL_TIME}};
    costate_fit_options options = costate_fit_options_default();
    options.solver.rtol = 1e-12;
    options.solver.atol = 1e-14;
    const costate_fit_spec spec = {.rhs = &problem_gaussian.rhs,
                                   .n_series = 1,
                                   .series = &series,
                                   .p = &p,
                                   .n_estimate = 1,
                                   .estimates = estimates};
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&spec, &options, NULL, &fit));
    assert_int_equal(costate_fit_n_x(fit), 2);
    double hu[2];
    double hv[2];
    double expected[2][2] = {{0.0}};
    double gauss_newton[4] = {0.0};
    double information[4];
    /* h = y0 exp(-a (t² - t0²)/2), x = (a, t0) */
    for (int i = 1; i < 3; i++) {
        const double w = 0.5 * (t[i] * t[i] - 0.36);
        const double h = y0 * exp(-p * w);
        const double slope[2] = {-w * h, p * 0.6 * h};
        const double bend[2][2] = {{w * w * h, 0.6 * h - w * p * 0.6 * h},
                                   {0.6 * h - w * p * 0.6 * h, p * h + p * p * 0.36 * h}};
        for (int j = 0; j < 2; j++) {
            for (int k = 0; k < 2; k++) {
                expected[j][k] += 2.0 * (slope[j] * slope[k] + (h - data[i]) * bend[j][k]);
                gauss_newton[2 * j + k] += 2.0 * slope[j] * slope[k];
            }
        }
    }
    const double x[2] = {0.7, 0.6};
    assert_ok(costate_fit_hessian_product(fit, x, (const double[]){1.0, 0.0}, hu));
    assert_ok(costate_fit_hessian_product(fit, x, (const double[]){0.0, 1.0}, hv));
    assert_close_array(hu, expected[0], 2, 1e-9, 1e-9);
    assert_close_array(hv, expected[1], 2, 1e-9, 1e-9);
    assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_EXPECTED, information));
    assert_close_array(information, gauss_newton, 4, 1e-9, 1e-9);
    costate_fit_destroy(fit);
}

static void product_with_transforms_scales_and_penalties_agrees_with_differences(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    trial_estimate(&e, (costate_estimate){.n = 1, .transform = COSTATE_TRANSFORM_LOG, .scale = 0.5, .l2 = 30.0});
    trial_estimate(
        &e, (costate_estimate){
                .first = 2, .n = 1, .transform = COSTATE_TRANSFORM_LOGIT, .lower = 1.0, .upper = 4.0, .scale = 2.0});
    trial_estimate(&e, (costate_estimate){.first = 3, .n = 1, .l1 = 5.0, .l2 = 3.0, .scale = 4.0});
    trial_estimate(&e,
                   (costate_estimate){
                       .part = COSTATE_FIT_NOISE, .transform = COSTATE_TRANSFORM_SOFTPLUS, .lower = 0.1, .scale = 0.7});
    trial_estimate(&e, (costate_estimate){.part = COSTATE_FIT_NOISE, .first = 1, .n = 1, .fixed = true});
    trial_estimate(
        &e, (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = 2, .transform = COSTATE_TRANSFORM_LOG});
    costate_fit *fit = trial_create(&e);
    assert_int_equal(costate_fit_n_x(fit), 3 + 2 + 2);
    check_products(fit, 1e-7, 1e-10);
    costate_fit_destroy(fit);
}

/* Without jvp tangents come from VJPs. */
static void product_without_jvp_is_the_same(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    costate_rhs rhs = problem_lotka_volterra.rhs;
    rhs.jvp = NULL;
    double x[MAX_X];
    double u[MAX_X];
    double hu[2][MAX_X];
    for (size_t k = 0; k < 2; k++) {
        e.spec.rhs = k == 0 ? &problem_lotka_volterra.rhs : &rhs;
        costate_fit *fit = trial_create(&e);
        trial_point(fit, x);
        for (size_t i = 0; i < costate_fit_n_x(fit); i++) {
            u[i] = sin((double)i + 1.0);
        }
        assert_ok(costate_fit_hessian_product(fit, x, u, hu[k]));
        assert_close_array(hu[k], hu[0], costate_fit_n_x(fit), 1e-10, 1e-10);
        costate_fit_destroy(fit);
    }
}

static void product_of_horizon_and_held_out_series_agrees_with_differences(void **state) {
    (void)state;
    trial e;
    trial_fill(&e);
    e.series[1].held_out = true;
    costate_fit *fit = trial_create(&e);
    assert_ok(costate_fit_set_horizon(fit, 1.2));
    check_products(fit, 1e-7, 1e-10);
    costate_fit_destroy(fit);
}

static void product_has_the_same_bits_for_any_number_of_threads(void **state) {
    (void)state;
    double x[MAX_X];
    double hu[2][MAX_X];
    for (size_t k = 0; k < 2; k++) {
        trial e;
        trial_fill(&e);
        e.options.n_thread = k + 1;
        costate_fit *fit = trial_create(&e);
        trial_point(fit, x);
        assert_ok(costate_fit_hessian_product(fit, x, x, hu[k]));
        assert_same_bits_f64(hu[k], hu[0], costate_fit_n_x(fit));
        costate_fit_destroy(fit);
    }
}

/* Decay, x = (k, y0): loss Σ (y0 exp(-k t) - d)². */
static void product_of_decay_is_its_closed_form(void **state) {
    (void)state;
    const double t[3] = {0.3, 1.1, 2.0};
    const double data[3] = {1.4, 0.5, 0.4};
    const double y0 = 1.5;
    const costate_series series = {.n_t = 3, .t = t, .data = data, .t0 = 0.0, .y0 = &y0};
    const costate_estimate estimates[] = {{.part = COSTATE_FIT_INITIAL_STATE}};
    const double k = 0.8;
    costate_fit_options options = costate_fit_options_default();
    options.solver.rtol = 1e-12;
    options.solver.atol = 1e-14;
    const costate_fit_spec spec = {
        .rhs = &problem_decay.rhs, .n_series = 1, .series = &series, .p = &k, .n_estimate = 1, .estimates = estimates};
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&spec, &options, NULL, &fit));
    double h[2][2] = {{0.0}};
    for (int i = 0; i < 3; i++) {
        const double e = exp(-k * t[i]);
        const double r = y0 * e - data[i];
        h[0][0] += 2.0 * (t[i] * t[i] * y0 * y0 * e * e + r * t[i] * t[i] * y0 * e);
        h[0][1] += 2.0 * (-t[i] * y0 * e * e - r * t[i] * e);
        h[1][1] += 2.0 * e * e;
    }
    const double x[2] = {k, y0};
    const double u[2] = {0.3, -2.0};
    const double expected[2] = {h[0][0] * u[0] + h[0][1] * u[1], h[0][1] * u[0] + h[1][1] * u[1]};
    double hu[2];
    assert_ok(costate_fit_hessian_product(fit, x, u, hu));
    assert_close_array(hu, expected, 2, 1e-10, 1e-10);
    double information[4];
    assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_OBSERVED, information));
    const double matrix[4] = {h[0][0], h[0][1], h[0][1], h[1][1]};
    assert_close_array(information, matrix, 4, 1e-10, 1e-10);
    costate_fit_destroy(fit);
}

/* A neural ODE: weights of all sizes, biases of zero. */
static void product_of_a_network_agrees_with_differences(void **state) {
    (void)state;
    costate_random random = test_random(3);
    spiral s;
    assert_ok(spiral_create(&s));
    const costate_series series = {.n_t = SPIRAL_N_T, .t = s.t, .data = s.data, .t0 = 0.0, .y0 = s.y0};
    costate_fit_options options = costate_fit_options_default();
    options.solver.rtol = 1e-11;
    options.solver.atol = 1e-12;
    for (size_t i = 0; i < SPIRAL_N_P; i += 5) {
        s.p[i] = 0.0;
    }
    const costate_fit_spec spec = {.rhs = &s.rhs, .n_series = 1, .series = &series, .p = s.p};
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&spec, &options, NULL, &fit));
    double u[SPIRAL_N_P];
    double v[SPIRAL_N_P];
    double hu[SPIRAL_N_P];
    double hv[SPIRAL_N_P];
    double above[SPIRAL_N_P];
    double below[SPIRAL_N_P];
    double value;
    fill_normal(&random, u, SPIRAL_N_P, 1.0);
    fill_normal(&random, v, SPIRAL_N_P, 1.0);
    assert_ok(costate_fit_hessian_product(fit, s.p, u, hu));
    assert_ok(costate_fit_hessian_product(fit, s.p, v, hv));
    const double size = norm(SPIRAL_N_P, hu);
    assert_close(dot(SPIRAL_N_P, v, hu), dot(SPIRAL_N_P, u, hv), 0.0, 1e-10 * size * norm(SPIRAL_N_P, v));
    const double step = 1e-5;
    for (size_t i = 0; i < SPIRAL_N_P; i++) {
        s.p[i] += step * u[i];
    }
    assert_ok(costate_fit_objective(s.p, &value, above, fit));
    for (size_t i = 0; i < SPIRAL_N_P; i++) {
        s.p[i] -= 2.0 * step * u[i];
    }
    assert_ok(costate_fit_objective(s.p, &value, below, fit));
    for (size_t i = 0; i < SPIRAL_N_P; i++) {
        assert_close(hu[i], (above[i] - below[i]) / (2.0 * step), 0.0, 1e-6 * size);
    }
    costate_fit_destroy(fit);
    spiral_destroy(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(product_agrees_with_differences_for_every_method),
        cmocka_unit_test(product_at_a_loose_tolerance_is_symmetric_to_rounding),
        cmocka_unit_test(product_takes_the_steps_of_the_objective),
        cmocka_unit_test(product_of_stiff_kinetics_agrees_with_differences),
        cmocka_unit_test(product_with_atol_of_each_state_agrees_with_differences),
        cmocka_unit_test(product_through_initial_states_of_parameters_agrees_with_differences),
        cmocka_unit_test(product_through_initial_times_agrees_with_differences),
        cmocka_unit_test(product_through_the_initial_time_of_a_model_of_time_is_exact),
        cmocka_unit_test(product_with_transforms_scales_and_penalties_agrees_with_differences),
        cmocka_unit_test(product_without_jvp_is_the_same),
        cmocka_unit_test(product_of_horizon_and_held_out_series_agrees_with_differences),
        cmocka_unit_test(product_has_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(product_of_decay_is_its_closed_form),
        cmocka_unit_test(product_of_a_network_agrees_with_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
