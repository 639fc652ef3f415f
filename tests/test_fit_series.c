/* SPDX-License-Identifier: MIT */
/* Fits of several series: shared parameters, covariates, observables, initial states from parameters, noise, transforms,
 * penalties, held-out series, multiple shooting. */
#include "fit_fixture.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_SERIES = 3, N_T = 6, N_H = 3, MAX_X = 64 };

/* Lotka-Volterra: p = (a, b, c, d), c being a covariate; three quantities are observed. */
typedef struct experiment {
    double t[N_SERIES][N_T];
    double data[N_SERIES][N_T * N_H];
    double y0[N_SERIES][2];
    double covariate[N_SERIES];
    double p[4];
    double noise[4];
    costate_series series[N_SERIES];
    costate_noise kinds[N_H];
    costate_noise_model model;
    costate_estimate estimates[8];
    costate_fit_spec spec;
    costate_fit_options options;
} experiment;

static const size_t covariate_index[] = {2};

static int observe(double t, const double *y, const double *p, double *h, void *ctx) {
    (void)ctx;
    h[0] = y[0] + p[0] * y[1];
    h[1] = y[0] * y[1] + 0.1 * t;
    h[2] = exp(0.2 * y[1]) + p[2];
    return COSTATE_ANSWER_OK;
}

static int observe_vjp(double t, const double *y, const double *p, const double *v, double *ybar, double *pbar,
                       void *ctx) {
    (void)t;
    (void)ctx;
    ybar[0] = v[0] + v[1] * y[1];
    ybar[1] = v[0] * p[0] + v[1] * y[0] + v[2] * 0.2 * exp(0.2 * y[1]);
    pbar[0] += v[0] * y[1];
    pbar[2] += v[2];
    return COSTATE_ANSWER_OK;
}

static const costate_observable observable = {.n_h = N_H, .f = observe, .vjp = observe_vjp};

static int start_state(size_t series, const double *p, double *y0, void *ctx) {
    (void)ctx;
    y0[0] = 0.5 + 0.2 * p[1] * (double)(series + 1);
    y0[1] = p[2] / (1.0 + p[3]);
    return COSTATE_ANSWER_OK;
}

static int start_state_vjp(size_t series, const double *p, const double *y0bar, double *pbar, void *ctx) {
    (void)ctx;
    pbar[1] += 0.2 * (double)(series + 1) * y0bar[0];
    pbar[2] += y0bar[1] / (1.0 + p[3]);
    pbar[3] -= y0bar[1] * p[2] / ((1.0 + p[3]) * (1.0 + p[3]));
    return COSTATE_ANSWER_OK;
}

static const costate_initial initial = {.f = start_state, .vjp = start_state_vjp};

static void experiment_fill(experiment *e) {
    *e = (experiment){.p = {1.3, 0.9, 2.5, 1.1}, .noise = {0.5, 0.3, 0.2, 0.4}};
    e->kinds[0] = COSTATE_NOISE_COMBINED;
    e->kinds[1] = COSTATE_NOISE_PROPORTIONAL;
    e->kinds[2] = COSTATE_NOISE_LOGNORMAL;
    e->model = (costate_noise_model){N_H, e->kinds};
    for (size_t s = 0; s < N_SERIES; s++) {
        for (size_t i = 0; i < N_T; i++) {
            e->t[s][i] = 0.1 * (double)s + 0.35 * (double)(i == 3 ? 2 : i); /* the third time twice */
            for (size_t k = 0; k < N_H; k++) {
                e->data[s][i * N_H + k] = 1.8 + sin((double)(7 * s + 3 * i + k));
            }
        }
        e->data[s][4] = (double)NAN;
        e->y0[s][0] = 1.0 + 0.3 * (double)s;
        e->y0[s][1] = 0.8;
        e->covariate[s] = 2.0 + 0.5 * (double)s;
        e->series[s] = (costate_series){.n_t = s == 1 ? N_T - 2 : N_T,
                                        .t = e->t[s],
                                        .data = e->data[s],
                                        .t0 = 0.1 * (double)s - 0.05,
                                        .y0 = e->y0[s],
                                        .covariate = &e->covariate[s]};
    }
    e->options = costate_fit_options_default();
    e->options.solver.rtol = 1e-11;
    e->options.solver.atol = 1e-12;
    e->spec = (costate_fit_spec){.rhs = &problem_lotka_volterra.rhs,
                                 .n_series = N_SERIES,
                                 .series = e->series,
                                 .observable = &observable,
                                 .loss = costate_loss_gaussian(&e->model),
                                 .p = e->p,
                                 .noise = e->noise,
                                 .n_covariate = 1,
                                 .covariate_index = covariate_index,
                                 .estimates = e->estimates};
}

static void add_estimate(experiment *e, costate_estimate estimate) { e->estimates[e->spec.n_estimate++] = estimate; }

static costate_fit *create(const experiment *e) {
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&e->spec, &e->options, NULL, &fit));
    return fit;
}

/* Gradient at the start, a little off it so that transforms and penalties have slopes of their own. */
static void check_gradient(costate_fit *fit, double tolerance) {
    double x[MAX_X];
    assert_true(costate_fit_n_x(fit) <= MAX_X);
    assert_ok(costate_fit_start(fit, x));
    for (size_t i = 0; i < costate_fit_n_x(fit); i++) {
        x[i] += 0.02 * cos((double)i);
    }
    check_fit_gradient(fit, x, tolerance, tolerance);
}

static void gradient_of_parameters_states_and_noise_agrees_with_differences(void **state) {
    (void)state;
    const costate_method methods[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853, COSTATE_METHOD_SDIRK4,
                                      COSTATE_METHOD_BDF};
    for (size_t m = 0; m < 4; m++) {
        experiment e;
        experiment_fill(&e);
        e.options.solver.method = methods[m];
        add_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES});
        costate_fit *fit = create(&e);
        assert_int_equal(costate_fit_n_q(fit), 4 + 4 + 3 * 3);
        assert_int_equal(costate_fit_n_x(fit), 3 + 4 + 6);
        check_gradient(fit, methods[m] == COSTATE_METHOD_BDF ? 1e-5 : 1e-6);
        costate_fit_destroy(fit);
    }
}

static void gradient_through_initial_states_of_parameters_agrees_with_differences(void **state) {
    (void)state;
    experiment e;
    experiment_fill(&e);
    e.spec.initial = &initial;
    costate_fit *fit = create(&e);
    assert_int_equal(costate_fit_n_x(fit), 3 + 4);
    check_gradient(fit, 1e-6);
    costate_fit_destroy(fit);
    add_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES});
    assert_status(costate_fit_create(&e.spec, NULL, NULL, &fit), COSTATE_ERR_ARGUMENT);
}

static void gradient_with_transforms_scales_and_penalties_agrees_with_differences(void **state) {
    (void)state;
    const double mean[2] = {0.3, -0.2};
    experiment e;
    experiment_fill(&e);
    add_estimate(&e, (costate_estimate){.transform = COSTATE_TRANSFORM_LOG, .n = 2, .l2 = 0.7, .mean = mean});
    add_estimate(
        &e, (costate_estimate){
                .first = 3, .transform = COSTATE_TRANSFORM_LOGIT, .lower = 0.5, .upper = 2.0, .scale = 3.0, .l1 = 0.4});
    add_estimate(&e, (costate_estimate){.part = COSTATE_FIT_NOISE,
                                        .transform = COSTATE_TRANSFORM_SOFTPLUS,
                                        .lower = 0.05,
                                        .scale = 0.5,
                                        .l2 = 0.1});
    add_estimate(&e, (costate_estimate){.part = COSTATE_FIT_NOISE, .first = 1, .n = 1, .fixed = true});
    add_estimate(&e,
                 (costate_estimate){
                     .part = COSTATE_FIT_INITIAL_STATE, .series = 1, .first = 1, .transform = COSTATE_TRANSFORM_LOG});
    costate_fit *fit = create(&e);
    assert_int_equal(costate_fit_n_x(fit), 3 + 3 + 1);
    assert_int_equal(costate_fit_unknown(fit, 2), 3);
    assert_int_equal(costate_fit_unknown(fit, 4), 6);
    assert_int_equal(costate_fit_unknown(fit, 6), costate_fit_offset(fit, COSTATE_FIT_INITIAL_STATE, 1) + 1);
    check_gradient(fit, 1e-6);
    costate_fit_destroy(fit);
}

static void gradient_of_the_initial_time_agrees_with_differences(void **state) {
    (void)state;
    experiment e;
    experiment_fill(&e);
    add_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_TIME, .series = COSTATE_EVERY_SERIES});
    costate_fit *fit = create(&e);
    assert_int_equal(costate_fit_n_x(fit), 3 + 4 + 3);
    double x[MAX_X];
    double value;
    assert_ok(costate_fit_start(fit, x));
    check_fit_gradient(fit, x, 1e-6, 1e-6);
    x[9] = e.t[2][0] + 0.1;
    assert_status(costate_fit_objective(x, &value, NULL, fit), COSTATE_ERR_NONFINITE);
    assert_non_null(strstr(costate_fit_detail(fit), "series 2"));
    costate_fit_destroy(fit);
}

/* An observation at the initial time is one of y0, whose loss does not change when the start moves back. */
static void gradient_of_the_initial_time_leaves_out_what_is_observed_there(void **state) {
    (void)state;
    experiment e;
    experiment_fill(&e);
    e.series[1].t0 = e.t[1][0];
    add_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_TIME, .series = 1});
    costate_fit *fit = create(&e);
    const size_t i = costate_fit_n_x(fit) - 1;
    double x[MAX_X];
    double value[4];
    double grad[MAX_X];
    assert_ok(costate_fit_start(fit, x));
    assert_ok(costate_fit_objective(x, &value[0], grad, fit));
    /* The observation stays where it is: a start that is earlier moves y(t[0]) away from y0. What is left when the loss
     * of that first observation is taken off is a smooth function of t0. */
    const double h = 1e-4;
    double first[4];
    double y[2];
    double observed[N_H];
    for (int k = 0; k < 4; k++) {
        x[i] = e.t[1][0] - h * k;
        assert_ok(costate_fit_objective(x, &value[k], NULL, fit));
        assert_ok(costate_fit_predict(fit, x, 1, 1, e.t[1], y, observed));
        const costate_observation observation = {.n_h = N_H, .h = observed, .data = e.data[1], .noise = e.noise};
        assert_int_equal(e.spec.loss.value(&observation, &first[k], NULL, NULL, e.spec.loss.ctx), COSTATE_ANSWER_OK);
        value[k] -= first[k];
    }
    assert_close(grad[i], (11.0 * value[0] - 18.0 * value[1] + 9.0 * value[2] - 2.0 * value[3]) / (6.0 * h), 1e-5,
                 1e-5);
    costate_fit_destroy(fit);
}

static void natural_values_and_unknowns_are_inverse_to_each_other(void **state) {
    (void)state;
    experiment e;
    experiment_fill(&e);
    add_estimate(&e, (costate_estimate){.transform = COSTATE_TRANSFORM_LOG, .n = 1, .scale = 2.0});
    add_estimate(&e, (costate_estimate){.first = 1, .n = 1, .transform = COSTATE_TRANSFORM_SOFTPLUS, .lower = 0.1});
    add_estimate(&e, (costate_estimate){.first = 3, .transform = COSTATE_TRANSFORM_LOGIT, .lower = -1.0, .upper = 4.0});
    costate_fit *fit = create(&e);
    double x[MAX_X];
    double q[MAX_X];
    double slope[MAX_X];
    double moved[MAX_X];
    assert_ok(costate_fit_start(fit, x));
    assert_ok(costate_fit_natural(fit, x, q));
    assert_close_array(q, e.p, 4, 1e-14, 0.0);
    assert_close_array(q + 4, e.noise, 4, 1e-14, 0.0);
    assert_close(q[8], e.y0[0][0], 0.0, 0.0);
    assert_close(q[8 + 6 + 2], e.series[2].t0, 0.0, 0.0);
    assert_close(x[0], log(1.3) / 2.0, 1e-14, 0.0);
    assert_ok(costate_fit_natural_slope(fit, x, slope));
    for (size_t i = 0; i < costate_fit_n_x(fit); i++) {
        const double h = 1e-5;
        const size_t j = costate_fit_unknown(fit, i);
        const double centre = x[i];
        x[i] = centre + h;
        assert_ok(costate_fit_natural(fit, x, moved));
        const double up = moved[j];
        x[i] = centre - h;
        assert_ok(costate_fit_natural(fit, x, moved));
        x[i] = centre;
        assert_close(slope[i], (up - moved[j]) / (2.0 * h), 1e-8, 1e-10);
    }
    q[3] = 4.0;
    assert_status(costate_fit_unknowns(fit, q, x), COSTATE_ERR_ARGUMENT);
    costate_fit_destroy(fit);
    e.p[0] = -1.0;
    assert_status(costate_fit_create(&e.spec, NULL, NULL, &fit), COSTATE_ERR_ARGUMENT);
}

/* Extreme unknowns stay within their bounds and have slopes that are finite. */
static void transforms_hold_their_bounds_far_out(void **state) {
    (void)state;
    experiment e;
    experiment_fill(&e);
    add_estimate(
        &e, (costate_estimate){.first = 0, .n = 1, .transform = COSTATE_TRANSFORM_LOGIT, .lower = 1.0, .upper = 2.0});
    add_estimate(&e, (costate_estimate){.first = 1, .n = 1, .transform = COSTATE_TRANSFORM_SOFTPLUS, .lower = 0.5});
    costate_fit *fit = create(&e);
    double x[MAX_X];
    double q[MAX_X];
    double slope[MAX_X];
    assert_ok(costate_fit_start(fit, x));
    for (int k = -1; k <= 1; k += 2) {
        x[0] = 800.0 * k;
        x[1] = 800.0 * k;
        assert_ok(costate_fit_natural(fit, x, q));
        assert_ok(costate_fit_natural_slope(fit, x, slope));
        assert_close(q[0], k < 0 ? 1.0 : 2.0, 1e-15, 0.0);
        assert_close(q[1], k < 0 ? 0.5 : 800.5, 1e-15, 0.0);
        assert_all_finite(slope, costate_fit_n_x(fit));
        assert_close(slope[1], k < 0 ? 0.0 : 1.0, 1e-15, 1e-15);
    }
    costate_fit_destroy(fit);
}

/* The sum over series fitted alone, series by series. */
static void value_of_several_series_is_the_sum_of_their_values(void **state) {
    (void)state;
    experiment e;
    experiment_fill(&e);
    double x[MAX_X];
    double value;
    double sum = 0.0;
    double grad[MAX_X];
    double part[MAX_X];
    double total[MAX_X] = {0.0};
    costate_fit *fit = create(&e);
    const size_t n = costate_fit_n_x(fit);
    assert_ok(costate_fit_start(fit, x));
    assert_ok(costate_fit_objective(x, &value, grad, fit));
    costate_fit_destroy(fit);
    for (size_t s = 0; s < N_SERIES; s++) {
        double alone;
        experiment one = e;
        one.spec.n_series = 1;
        one.spec.series = &e.series[s];
        fit = create(&one);
        assert_int_equal(costate_fit_n_x(fit), n);
        assert_ok(costate_fit_objective(x, &alone, part, fit));
        sum += alone;
        for (size_t i = 0; i < n; i++) {
            total[i] += part[i];
        }
        costate_fit_destroy(fit);
    }
    assert_close(value, sum, 1e-13, 0.0);
    assert_close_array(grad, total, n, 1e-11, 1e-11);
}

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    double value[2];
    double grad[2][MAX_X];
    size_t n = 0;
    for (size_t k = 0; k < 2; k++) {
        experiment e;
        double x[MAX_X];
        experiment_fill(&e);
        e.options.n_thread = 1 + 2 * k;
        costate_fit *fit = create(&e);
        assert_ok(costate_fit_set_shooting(fit, 2, 3.0, NULL));
        n = costate_fit_n_x(fit);
        assert_ok(costate_fit_start(fit, x));
        assert_ok(costate_fit_objective(x, &value[k], grad[k], fit));
        costate_fit_destroy(fit);
    }
    assert_same_bits_f64(&value[0], &value[1], 1);
    assert_same_bits_f64(grad[0], grad[1], n);
}

static void held_out_series_is_validated_and_not_fitted(void **state) {
    (void)state;
    experiment e;
    double x[MAX_X];
    double value;
    double expected;
    double validation;
    experiment_fill(&e);
    experiment without = e;
    without.spec.n_series = 2;
    without.spec.series = e.series;
    costate_fit *two = create(&without);
    assert_ok(costate_fit_start(two, x));
    assert_ok(costate_fit_objective(x, &expected, NULL, two));
    assert_status(costate_fit_validation(two, x, &validation), COSTATE_ERR_STATE);
    costate_fit_destroy(two);

    e.series[2].held_out = true;
    costate_fit *fit = create(&e);
    assert_ok(costate_fit_objective(x, &value, NULL, fit));
    assert_close(value, expected, 1e-14, 0.0);
    assert_ok(costate_fit_validation(fit, x, &validation));
    costate_fit_destroy(fit);

    experiment alone;
    experiment_fill(&alone);
    alone.spec.n_series = 1;
    alone.spec.series = &alone.series[2];
    fit = create(&alone);
    assert_ok(costate_fit_objective(x, &expected, NULL, fit));
    assert_close(validation, expected / (N_T * N_H - 1), 1e-13, 0.0);
    costate_fit_destroy(fit);
    for (size_t s = 0; s < N_SERIES; s++) {
        e.series[s].held_out = true;
    }
    assert_status(costate_fit_create(&e.spec, NULL, NULL, &fit), COSTATE_ERR_ARGUMENT);
}

/* With the states of the whole solve at the joints there are no gaps: the loss is that of the whole solve. */
static void shooting_without_gaps_has_the_loss_of_single_shooting(void **state) {
    (void)state;
    experiment e;
    double single[MAX_X];
    double x[MAX_X];
    double whole;
    double expected;
    double value;
    experiment_fill(&e);
    costate_fit *fit = create(&e);
    const size_t n_single = costate_fit_n_x(fit);
    const double scale[2] = {2.0, 0.5};
    assert_ok(costate_fit_start(fit, single));
    assert_ok(costate_fit_objective(single, &whole, NULL, fit));
    assert_ok(costate_fit_set_shooting(fit, 2, 5.0, scale));
    /* 6, 4, 6 observations in segments of 2; the third time is there twice, which the joint does not mind */
    assert_int_equal(costate_fit_n_x(fit), n_single + 2 * (2 + 1 + 2));
    assert_ok(costate_fit_start(fit, x));
    assert_ok(costate_fit_objective(x, &value, NULL, fit));
    assert_close(value, whole, 1e-8, 0.0);
    x[n_single + 3] += 0.1; /* the second state of the second joint, in units of 0.5 */
    assert_ok(costate_fit_objective(x, &value, NULL, fit));
    assert_ok(costate_fit_set_shooting(fit, 2, 7.0, scale));
    assert_ok(costate_fit_objective(x, &expected, NULL, fit));
    assert_close(expected - value, 2.0 * 0.01, 1e-6, 0.0);
    assert_ok(costate_fit_set_shooting(fit, 0, 0.0, NULL));
    assert_int_equal(costate_fit_n_x(fit), n_single);
    assert_ok(costate_fit_objective(single, &value, NULL, fit));
    assert_same_bits_f64(&value, &whole, 1);
    costate_fit_destroy(fit);
}

static void gradient_of_shooting_agrees_with_differences(void **state) {
    (void)state;
    const double scale[2] = {1.5, 0.7};
    for (size_t length = 1; length <= 4; length++) {
        for (int horizon = 0; horizon < 2; horizon++) {
            experiment e;
            experiment_fill(&e);
            add_estimate(&e, (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES});
            costate_fit *fit = create(&e);
            assert_ok(costate_fit_set_shooting(fit, length, 4.0, scale));
            const size_t n = costate_fit_n_x(fit);
            assert_ok(costate_fit_set_horizon(fit, horizon == 0 ? HUGE_VAL : 0.9));
            assert_int_equal(costate_fit_n_x(fit), n);
            check_gradient(fit, 1e-6);
            costate_fit_destroy(fit);
        }
    }
}

static void residuals_are_standardised_and_predictions_observed(void **state) {
    (void)state;
    experiment e;
    double x[MAX_X];
    double residual[N_T * N_H];
    double y[N_T * 2];
    double h[N_T * N_H];
    double p[4];
    experiment_fill(&e);
    costate_fit *fit = create(&e);
    assert_ok(costate_fit_start(fit, x));
    assert_ok(costate_fit_residuals(fit, x, 1, residual));
    assert_ok(costate_fit_predict(fit, x, 1, N_T - 2, e.t[1], y, h));
    memcpy(p, e.p, sizeof(p));
    p[2] = e.covariate[1];
    for (size_t i = 0; i < N_T - 2; i++) {
        double expected[N_H];
        observe(e.t[1][i], y + 2 * i, p, expected, NULL);
        assert_close_array(h + N_H * i, expected, N_H, 1e-14, 0.0);
        const double *d = e.data[1] + N_H * i;
        assert_close(residual[N_H * i], (d[0] - h[N_H * i]) / sqrt(0.25 + 0.09 * h[N_H * i] * h[N_H * i]), 1e-12, 0.0);
        assert_close(residual[N_H * i + 2], log(d[2] / h[N_H * i + 2]) / 0.4, 1e-12, 1e-13);
    }
    assert_true(isnan(residual[4]));
    double from[2];
    assert_ok(costate_fit_predict_from(fit, x, e.series[1].t0, e.y0[1], &e.covariate[1], 1, &e.t[1][3], from, NULL));
    assert_close_array(from, y + 2 * 3, 2, 1e-9, 0.0);
    assert_status(costate_fit_predict_from(fit, x, 0.0, e.y0[1], NULL, 1, &e.t[1][3], from, NULL), COSTATE_ERR_NULL);
    assert_status(costate_fit_residuals(fit, x, 3, residual), COSTATE_ERR_ARGUMENT);
    assert_int_equal(costate_fit_n_t(fit, 1), N_T - 2);
    assert_int_equal(costate_fit_n_t(fit, 3), 0);
    costate_fit_destroy(fit);
}

static void specifications_that_make_no_sense_are_refused(void **state) {
    (void)state;
    const costate_estimate wrong[] = {
        {.part = COSTATE_FIT_PARAMETER, .first = 4},
        {.part = COSTATE_FIT_PARAMETER, .first = 2, .n = 3},
        {.part = COSTATE_FIT_NOISE, .first = 4},
        {.part = COSTATE_FIT_INITIAL_STATE, .series = 3},
        {.part = COSTATE_FIT_INITIAL_TIME, .series = 0, .first = 1},
        {.part = (costate_fit_part)9},
        {.transform = (costate_transform)9},
        {.transform = COSTATE_TRANSFORM_LOGIT, .lower = 1.0, .upper = 1.0},
        {.scale = -1.0},
        {.l2 = -1.0},
        {.l1 = -1.0},
    };
    const size_t repeated[2] = {2, 2};
    const size_t beyond[1] = {4};
    const double two[2] = {1.0, 1.0};
    costate_fit *fit;
    experiment e;
    for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++) {
        experiment_fill(&e);
        add_estimate(&e, wrong[k]);
        assert_status(costate_fit_create(&e.spec, NULL, NULL, &fit), COSTATE_ERR_ARGUMENT);
    }
    experiment_fill(&e);
    add_estimate(&e, (costate_estimate){.l2 = (double)NAN});
    assert_status(costate_fit_create(&e.spec, NULL, NULL, &fit), COSTATE_ERR_NONFINITE);
    experiment_fill(&e);
    e.spec.covariate_index = beyond;
    assert_status(costate_fit_create(&e.spec, NULL, NULL, &fit), COSTATE_ERR_ARGUMENT);
    experiment_fill(&e);
    e.spec.n_covariate = 2;
    e.spec.covariate_index = repeated;
    for (size_t s = 0; s < N_SERIES; s++) {
        e.series[s].covariate = two;
    }
    assert_status(costate_fit_create(&e.spec, NULL, NULL, &fit), COSTATE_ERR_ARGUMENT);
    experiment_fill(&e);
    e.series[1].covariate = NULL;
    assert_status(costate_fit_create(&e.spec, NULL, NULL, &fit), COSTATE_ERR_NULL);
    experiment_fill(&e);
    e.spec.n_series = 0;
    assert_status(costate_fit_create(&e.spec, NULL, NULL, &fit), COSTATE_ERR_ARGUMENT);
    experiment_fill(&e);
    fit = create(&e);
    const double no_scale[2] = {1.0, 0.0};
    assert_status(costate_fit_set_shooting(fit, 2, 0.0, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_fit_set_shooting(fit, 2, 1.0, no_scale), COSTATE_ERR_ARGUMENT);
    assert_status(costate_fit_set_shooting(NULL, 2, 1.0, NULL), COSTATE_ERR_NULL);
    costate_fit_destroy(fit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_of_parameters_states_and_noise_agrees_with_differences),
        cmocka_unit_test(gradient_through_initial_states_of_parameters_agrees_with_differences),
        cmocka_unit_test(gradient_with_transforms_scales_and_penalties_agrees_with_differences),
        cmocka_unit_test(gradient_of_the_initial_time_agrees_with_differences),
        cmocka_unit_test(gradient_of_the_initial_time_leaves_out_what_is_observed_there),
        cmocka_unit_test(natural_values_and_unknowns_are_inverse_to_each_other),
        cmocka_unit_test(transforms_hold_their_bounds_far_out),
        cmocka_unit_test(value_of_several_series_is_the_sum_of_their_values),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(held_out_series_is_validated_and_not_fitted),
        cmocka_unit_test(shooting_without_gaps_has_the_loss_of_single_shooting),
        cmocka_unit_test(gradient_of_shooting_agrees_with_differences),
        cmocka_unit_test(residuals_are_standardised_and_predictions_observed),
        cmocka_unit_test(specifications_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
