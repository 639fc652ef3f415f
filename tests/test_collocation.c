/* SPDX-License-Identifier: MIT */
/* Derivative matching: its gradient, what it recovers, and which data it uses. */
#include "faulty_rhs.h"
#include "problems.h"
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_T = 41, N_Y = 2, N_P = 4, N_SERIES = 3, MAX_X = 64 };

/* Lotka-Volterra series from different initial states; the last one is held out. */
typedef struct study {
    double t[N_SERIES][N_T];
    double data[N_SERIES][N_T * N_Y];
    double y0[N_SERIES][N_Y];
    costate_series series[N_SERIES];
    costate_fit_spec spec;
    costate_estimate estimates[4];
    size_t covariate_index[1];
    double covariate[N_SERIES];
    double p[N_P];
} study;

static const double true_p[N_P] = {1.5, 1.0, 3.0, 1.0};

static void solve_series(study *s, size_t k, size_t n_t) {
    const costate_rhs *rhs = &problem_lotka_volterra.rhs;
    const costate_series series = {.n_t = n_t, .t = s->t[k], .data = s->data[k], .t0 = 0.0, .y0 = s->y0[k]};
    const costate_fit_spec spec = {.rhs = rhs, .n_series = 1, .series = &series, .p = true_p};
    costate_fit_options options = costate_fit_options_default();
    options.solver.rtol = 1e-10;
    options.solver.atol = 1e-10;
    double x[MAX_X];
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&spec, &options, NULL, &fit));
    assert_ok(costate_fit_start(fit, x));
    assert_ok(costate_fit_predict(fit, x, 0, n_t, s->t[k], s->data[k], NULL));
    costate_fit_destroy(fit);
}

/* Noise-free data at 0, 0.1, …, 4 (series 0), 0.1, 0.2, … (1) and 0, … (2, held out). */
static void fill(study *s) {
    memset(s, 0, sizeof *s);
    for (size_t k = 0; k < N_SERIES; k++) {
        s->y0[k][0] = 1.0 + 0.4 * (double)k;
        s->y0[k][1] = 1.0 - 0.2 * (double)k;
        for (size_t i = 0; i < N_T; i++) {
            s->t[k][i] = 0.1 * (double)(i + (k == 1 ? 1 : 0));
        }
        solve_series(s, k, N_T);
        s->series[k] = (costate_series){
            .n_t = N_T, .t = s->t[k], .data = s->data[k], .t0 = 0.0, .y0 = s->y0[k], .held_out = k == 2};
    }
    for (size_t j = 0; j < N_P; j++) {
        s->p[j] = 0.7 * true_p[j];
    }
    s->spec =
        (costate_fit_spec){.rhs = &problem_lotka_volterra.rhs, .n_series = N_SERIES, .series = s->series, .p = s->p};
    s->spec.estimates = s->estimates;
}

static costate_fit *make_fit(const study *s) {
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&s->spec, NULL, NULL, &fit));
    return fit;
}

static costate_collocation *collocate(costate_fit *fit, const costate_collocation_options *options) {
    costate_collocation *c = NULL;
    const costate_status status = costate_collocation_create(fit, options, NULL, &c);
    if (status != COSTATE_OK) {
        fail_msg("%s: %s", costate_status_name(status), costate_fit_detail(fit));
    }
    assert_non_null(c);
    return c;
}

static void minimize(costate_fit *fit, costate_collocation *c, double *x) {
    assert_ok(costate_fit_start(fit, x));
    costate_lbfgs_options options = costate_lbfgs_options_default();
    options.stop.rel_change = 0.0;
    assert_ok(costate_minimize_lbfgs(costate_fit_n_x(fit), costate_collocation_objective, c, &options, NULL, x, NULL));
}

static void parameters_are_recovered_from_data(void **state) {
    (void)state;
    study s;
    double x[MAX_X];
    fill(&s);
    costate_fit *fit = make_fit(&s);
    costate_collocation *c = collocate(fit, NULL);
    minimize(fit, c, x);
    assert_int_equal(costate_fit_n_x(fit), N_P);
    assert_close_array(x, true_p, N_P, 0.01, 0.0);
    costate_collocation_destroy(c);
    costate_fit_destroy(fit);
}

/* Slopes of the right-hand side itself, one of them missing and one wrong but without weight. */
static void exact_slopes_give_the_exact_parameters(void **state) {
    (void)state;
    study s;
    double x[MAX_X];
    double dydt[N_SERIES][N_T * N_Y];
    double weight[N_T];
    costate_collocation_table tables[N_SERIES];
    double value = 1.0;
    fill(&s);
    for (size_t k = 0; k < N_SERIES; k++) {
        for (size_t i = 0; i < N_T; i++) {
            weight[i] = i == 7 ? 0.0 : 1.0 + 0.1 * (double)i;
            assert_int_equal(
                s.spec.rhs->f(s.t[k][i], s.data[k] + i * N_Y, true_p, dydt[k] + i * N_Y, NULL, s.spec.rhs->ctx), 0);
        }
        dydt[k][5] = (double)NAN;
        dydt[k][7 * N_Y] += 100.0;
        tables[k] = (costate_collocation_table){
            .n_t = k == 1 ? 0 : N_T, .t = s.t[k], .y = s.data[k], .dydt = dydt[k], .weight = weight};
    }
    tables[2].t = NULL; /* held out: not looked at */
    costate_fit *fit = make_fit(&s);
    costate_collocation *c = NULL;
    assert_ok(costate_collocation_create_from(fit, tables, NULL, NULL, &c));
    assert_ok(costate_collocation_objective(true_p, &value, NULL, c));
    assert_close(value, 0.0, 0.0, 1e-28);
    minimize(fit, c, x);
    assert_close_array(x, true_p, N_P, 1e-6, 0.0);
    assert_int_equal(costate_collocation_n_t(c, 0), N_T);
    assert_int_equal(costate_collocation_n_t(c, 1), 0);
    assert_int_equal(costate_collocation_n_t(c, 2), 0);
    costate_collocation_destroy(c);
    costate_fit_destroy(fit);
}

static void add_covariates(study *s) {
    s->spec.n_covariate = 1;
    s->covariate_index[0] = 3;
    s->spec.covariate_index = s->covariate_index;
    for (size_t k = 0; k < N_SERIES; k++) {
        s->covariate[k] = 0.8 + 0.1 * (double)k;
        s->series[k].covariate = &s->covariate[k];
    }
}

/* The value by its definition, from the points that the collocation hands out. */
static double naive_value(const study *s, costate_collocation *c, const double *scale, bool log_time, size_t n_obs) {
    static double t[8 * N_T], y[8 * N_T * N_Y], dydt[8 * N_T * N_Y];
    double sum = 0.0;
    double n = 0.0;
    for (size_t k = 0; k < N_SERIES; k++) {
        const double p[N_P] = {s->p[0], s->p[1], s->p[2], s->covariate[k]};
        assert_ok(costate_collocation_get(c, k, t, y, dydt));
        for (size_t row = 0; row < costate_collocation_n_t(c, k); row++) {
            double f[N_Y];
            assert_int_equal(s->spec.rhs->f(t[row], y + row * N_Y, p, f, NULL, s->spec.rhs->ctx), 0);
            for (size_t i = 0; i < N_Y; i++) {
                if (!isnan(dydt[row * N_Y + i])) {
                    sum += pow((log_time ? t[row] : 1.0) * (f[i] - dydt[row * N_Y + i]) / scale[i], 2.0);
                    n += 1.0;
                }
            }
        }
    }
    return sum / n * (double)n_obs;
}

static void value_is_the_mean_square_mismatch(void **state) {
    (void)state;
    static const double scale[N_Y] = {0.5, 2.0};
    for (int log_time = 0; log_time < 2; log_time++) {
        study s;
        double value;
        fill(&s);
        add_covariates(&s);
        s.data[0][6] = (double)NAN;
        costate_collocation_options options = costate_collocation_options_default();
        options.scale = scale;
        options.n_between = 3;
        options.log_time = log_time == 1;
        costate_fit *fit = make_fit(&s);
        costate_collocation *c = collocate(fit, &options);
        assert_ok(costate_collocation_objective(s.p, &value, NULL, c));
        assert_close(value, naive_value(&s, c, scale, log_time == 1, N_SERIES * N_T), 1e-12, 0.0);
        assert_true(value > 1.0);
        costate_collocation_destroy(c);
        costate_fit_destroy(fit);
    }
}

static void check_gradient(costate_fit *fit, costate_collocation *c, const double *x) {
    const size_t n = costate_fit_n_x(fit);
    double grad[MAX_X];
    double point[MAX_X];
    double value;
    assert_ok(costate_collocation_objective(x, &value, grad, c));
    memcpy(point, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        const double h = 1e-4;
        double above, below;
        point[i] = x[i] + h;
        assert_ok(costate_collocation_objective(point, &above, NULL, c));
        point[i] = x[i] - h;
        assert_ok(costate_collocation_objective(point, &below, NULL, c));
        point[i] = x[i];
        assert_close(grad[i], (above - below) / (2.0 * h), 1e-6, 1e-6);
    }
}

/* Transforms, a penalty, covariates, estimated initial states, and the unknowns of shooting. */
static void gradient_agrees_with_differences(void **state) {
    (void)state;
    study s;
    double x[MAX_X];
    static const double mean[1] = {0.3};
    costate_random random = test_random(1);
    fill(&s);
    s.estimates[0] =
        (costate_estimate){.part = COSTATE_FIT_PARAMETER, .n = 1, .transform = COSTATE_TRANSFORM_LOG, .scale = 0.5};
    s.estimates[1] = (costate_estimate){.part = COSTATE_FIT_PARAMETER,
                                        .first = 2,
                                        .n = 1,
                                        .transform = COSTATE_TRANSFORM_LOGIT,
                                        .upper = 9.0,
                                        .l2 = 0.7,
                                        .mean = mean};
    s.estimates[2] = (costate_estimate){.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES, .l2 = 0.1};
    s.spec.n_estimate = 3;
    add_covariates(&s);
    costate_fit *fit = make_fit(&s);
    costate_collocation *c = collocate(fit, NULL);
    for (size_t length = 0; length <= 20; length += 20) {
        assert_ok(costate_fit_set_shooting(fit, length, 1.0, NULL));
        assert_true(costate_fit_n_x(fit) <= MAX_X);
        assert_ok(costate_fit_start(fit, x));
        for (size_t i = 0; i < costate_fit_n_x(fit); i++) {
            x[i] += 0.1 * costate_random_normal(&random);
        }
        check_gradient(fit, c, x);
    }
    costate_collocation_destroy(c);
    costate_fit_destroy(fit);
}

static void points_are_times_and_what_lies_between(void **state) {
    (void)state;
    study s;
    double t[400], y[800], dydt[800];
    fill(&s);
    s.series[0].n_t = 5;
    s.series[1].n_t = 5;
    s.t[1][2] = s.t[1][1]; /* 0.1 0.2 0.2 0.4 0.5 after t0 = 0 */
    s.data[1][0] = (double)NAN;
    s.data[1][9] = (double)NAN;
    s.data[1][7] = (double)NAN;
    costate_collocation_options options = costate_collocation_options_default();
    options.n_between = 1;
    costate_fit *fit = make_fit(&s);
    costate_collocation *c = collocate(fit, &options);
    assert_int_equal(costate_collocation_n_t(c, 0), 9);
    assert_int_equal(costate_collocation_n_t(c, 1), 9);
    assert_int_equal(costate_collocation_n_t(c, 2), 0);
    assert_int_equal(costate_collocation_n_t(c, 3), 0);
    assert_ok(costate_collocation_get(c, 1, t, y, dydt));
    static const double expected[] = {0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.45, 0.5};
    assert_close_array(t, expected, 9, 1e-14, 0.0);
    for (size_t row = 0; row < 9; row++) {
        /* State 1 has its last datum at 0.2; both begin with the initial state. */
        assert_int_equal(isnan(dydt[row * N_Y]), 0);
        assert_int_equal(isnan(dydt[row * N_Y + 1]), row > 4);
        assert_true(isfinite(y[row * N_Y + 1]));
    }
    assert_status(costate_collocation_get(c, 3, t, y, dydt), COSTATE_ERR_ARGUMENT);
    assert_status(costate_collocation_get(NULL, 0, t, y, dydt), COSTATE_ERR_NULL);
    assert_ok(costate_collocation_get(c, 0, NULL, NULL, NULL));
    costate_collocation_destroy(c);
    costate_fit_destroy(fit);
}

/* Data at 1e-4 … 1e2: the logarithmic grid sees all decades. */
static void log_time_recovers_rates_of_different_decades(void **state) {
    (void)state;
    enum { N = 61 };
    double t[N + 1], data[N + 1];
    const double rate = 35.0;
    const double y0 = 2.0;
    double x = 0.0;
    const double p = 1.0;
    t[0] = 0.0; /* left out */
    data[0] = 77.0;
    for (size_t i = 1; i <= N; i++) {
        t[i] = pow(10.0, -4.0 + 0.06 * (double)(i - 1));
        data[i] = y0 * exp(-rate * t[i]);
    }
    const costate_estimate positive = {.part = COSTATE_FIT_PARAMETER, .transform = COSTATE_TRANSFORM_LOG};
    const costate_series series = {.n_t = N + 1, .t = t, .data = data, .t0 = 0.0, .y0 = &y0};
    const costate_fit_spec spec = {
        .rhs = &problem_decay.rhs, .n_series = 1, .series = &series, .p = &p, .n_estimate = 1, .estimates = &positive};
    costate_collocation_options options = costate_collocation_options_default();
    options.log_time = true;
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&spec, NULL, NULL, &fit));
    costate_collocation *c = collocate(fit, &options);
    minimize(fit, c, &x);
    assert_close(exp(x), rate, 0.01, 0.0);
    double first[4 * N];
    assert_ok(costate_collocation_get(c, 0, first, NULL, NULL));
    assert_close(first[0], t[1], 0.0, 0.0);
    assert_close(first[1], sqrt(t[1] * t[2]), 1e-12, 0.0);
    costate_collocation_destroy(c);
    costate_fit_destroy(fit);
}

static void estimated_initial_states_are_set(void **state) {
    (void)state;
    study s;
    double x[MAX_X];
    double t[400], y[800];
    fill(&s);
    s.estimates[0] = (costate_estimate){
        .part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES, .transform = COSTATE_TRANSFORM_LOG};
    s.spec.n_estimate = 1;
    s.y0[0][0] = 9.0; /* start values that nothing should use */
    s.y0[1][0] = 9.0;
    s.y0[2][0] = 9.0;
    costate_fit *fit = make_fit(&s);
    costate_collocation *c = collocate(fit, NULL);
    assert_ok(costate_fit_start(fit, x));
    assert_ok(costate_collocation_set_initial(c, x));
    for (size_t k = 0; k < 2; k++) {
        double q[MAX_X];
        assert_ok(costate_collocation_get(c, k, t, y, NULL));
        assert_close(t[0], 0.0, 0.0, 0.0);
        assert_ok(costate_fit_natural(fit, x, q));
        const double *state0 = q + costate_fit_offset(fit, COSTATE_FIT_INITIAL_STATE, k);
        assert_close_array(state0, y, N_Y, 1e-12, 0.0);
        assert_close(state0[0], 1.0 + 0.4 * (double)k, 0.05, 0.0);
        assert_close(state0[1], 1.0 - 0.2 * (double)k, 0.05, 0.0);
    }
    assert_int_equal(costate_fit_n_x(fit), N_P + 2 * N_Y); /* those of the series that is held out are not estimated */
    assert_status(costate_collocation_set_initial(NULL, x), COSTATE_ERR_NULL);
    assert_status(costate_collocation_set_initial(c, NULL), COSTATE_ERR_NULL);
    costate_collocation_destroy(c);
    costate_fit_destroy(fit);
}

static int observe(double t, const double *y, const double *p, double *h, void *ctx) {
    (void)t, (void)p, (void)ctx;
    memcpy(h, y, N_Y * sizeof(double));
    return COSTATE_ANSWER_OK;
}

static int observe_vjp(double t, const double *y, const double *p, const double *v, double *ybar, double *pbar,
                       void *ctx) {
    (void)t, (void)y, (void)p, (void)pbar, (void)ctx;
    memcpy(ybar, v, N_Y * sizeof(double));
    return COSTATE_ANSWER_OK;
}

static void states_that_are_not_observed_are_refused(void **state) {
    (void)state;
    study s;
    const costate_observable observable = {.n_h = N_Y, .f = observe, .vjp = observe_vjp};
    costate_collocation *c = (costate_collocation *)(void *)&s;
    fill(&s);
    s.spec.observable = &observable;
    costate_fit *fit = make_fit(&s);
    assert_status(costate_collocation_create(fit, NULL, NULL, &c), COSTATE_ERR_UNSUPPORTED);
    assert_null(c);
    assert_non_null(strstr(costate_fit_detail(fit), "not observed directly"));
    costate_fit_destroy(fit);
    fill(&s);
    for (size_t i = 0; i < N_T; i++) {
        s.data[0][i * N_Y + 1] = (double)NAN;
    }
    s.series[0].t0 = 0.0;
    fit = make_fit(&s);
    assert_status(costate_collocation_create(fit, NULL, NULL, &c), COSTATE_ERR_UNSUPPORTED);
    assert_null(c);
    assert_non_null(strstr(costate_fit_detail(fit), "state 1 of series 0"));
    costate_fit_destroy(fit);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    study s;
    static const double scale[2] = {1.0, 0.0};
    double t = 0.0;
    double y[2] = {1.0, 1.0};
    double dydt[2] = {HUGE_VAL, 0.0};
    double weight = -1.0;
    costate_collocation_table tables[N_SERIES] = {{0}};
    costate_collocation *c = NULL;
    fill(&s);
    costate_fit *fit = make_fit(&s);
    costate_collocation_options options = costate_collocation_options_default();
    assert_status(costate_collocation_create(NULL, NULL, NULL, &c), COSTATE_ERR_NULL);
    assert_status(costate_collocation_create(fit, NULL, NULL, NULL), COSTATE_ERR_NULL);
    options.scale = scale;
    assert_status(costate_collocation_create(fit, &options, NULL, &c), COSTATE_ERR_ARGUMENT);
    options = costate_collocation_options_default();
    options.smoothing = -2.0;
    assert_status(costate_collocation_create(fit, &options, NULL, &c), COSTATE_ERR_ARGUMENT);
    options = costate_collocation_options_default();
    options.n_between = SIZE_MAX / 8;
    assert_status(costate_collocation_create(fit, &options, NULL, &c), COSTATE_ERR_OVERFLOW);
    assert_status(costate_collocation_create_from(fit, NULL, NULL, NULL, &c), COSTATE_ERR_NULL);
    assert_status(costate_collocation_create_from(fit, tables, NULL, NULL, &c), COSTATE_ERR_ARGUMENT);
    tables[0].n_t = 1;
    assert_status(costate_collocation_create_from(fit, tables, NULL, NULL, &c), COSTATE_ERR_NULL);
    tables[0] = (costate_collocation_table){.n_t = 1, .t = &t, .y = y, .dydt = dydt};
    assert_status(costate_collocation_create_from(fit, tables, NULL, NULL, &c), COSTATE_ERR_NONFINITE);
    dydt[0] = 0.0;
    tables[0].weight = &weight;
    assert_status(costate_collocation_create_from(fit, tables, NULL, NULL, &c), COSTATE_ERR_ARGUMENT);
    tables[0].weight = NULL;
    y[1] = (double)NAN;
    assert_status(costate_collocation_create_from(fit, tables, NULL, NULL, &c), COSTATE_ERR_NONFINITE);
    y[1] = 1.0;
    dydt[0] = dydt[1] = (double)NAN;
    assert_status(costate_collocation_create_from(fit, tables, NULL, NULL, &c), COSTATE_ERR_ARGUMENT);
    assert_null(c);
    assert_status(costate_collocation_objective(true_p, &t, NULL, NULL), COSTATE_ERR_NULL);
    assert_int_equal(costate_collocation_n_t(NULL, 0), 0);
    costate_collocation_destroy(NULL);
    costate_fit_destroy(fit);
}

static void failures_of_the_objective_are_reported(void **state) {
    (void)state;
    study s;
    double value, grad[N_P];
    const double spoilt[N_P] = {1.0, (double)NAN, 1.0, 1.0};
    const double huge[N_P] = {1e308, 1e308, 1e308, 1e308};
    fill(&s);
    faulty_rhs broken;
    const costate_rhs rhs = faulty_rhs_wrap(&broken, &problem_lotka_volterra.rhs);
    s.spec.rhs = &rhs;
    costate_fit *fit = make_fit(&s);
    costate_collocation *c = collocate(fit, NULL);
    assert_ok(costate_collocation_objective(true_p, &value, grad, c));
    assert_status(costate_collocation_objective(NULL, &value, grad, c), COSTATE_ERR_NULL);
    assert_status(costate_collocation_objective(true_p, NULL, grad, c), COSTATE_ERR_NULL);
    assert_status(costate_collocation_objective(spoilt, &value, grad, c), COSTATE_ERR_NONFINITE);
    assert_status(costate_collocation_objective(huge, &value, grad, c), COSTATE_ERR_NONFINITE);
    faulty_rhs_arm(&broken, FAULT_RETRY, CALLBACK_F, 50, 1);
    assert_status(costate_collocation_objective(true_p, &value, grad, c), COSTATE_ERR_RHS_FAIL);
    faulty_rhs_arm(&broken, FAULT_FAIL, CALLBACK_VJP, 3, 1);
    assert_status(costate_collocation_objective(true_p, &value, grad, c), COSTATE_ERR_RHS_FAIL);
    faulty_rhs_arm(&broken, FAULT_NAN, CALLBACK_F, 2, 1);
    assert_status(costate_collocation_objective(true_p, &value, grad, c), COSTATE_ERR_NONFINITE);
    faulty_rhs_arm(&broken, FAULT_NAN, CALLBACK_VJP, 2, 1);
    assert_status(costate_collocation_objective(true_p, &value, grad, c), COSTATE_ERR_NONFINITE);
    faulty_rhs_arm(&broken, FAULT_NONE, CALLBACK_F, 0, 0);
    assert_ok(costate_collocation_objective(true_p, &value, grad, c));
    costate_collocation_destroy(c);
    costate_fit_destroy(fit);
}

static void failing_allocation_leaves_nothing_behind(void **state) {
    (void)state;
    study s;
    fill(&s);
    costate_fit *fit = make_fit(&s);
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_collocation *c = NULL;
        const costate_status status = costate_collocation_create(fit, NULL, &hooks, &c);
        if (counts.n_failed == 0) {
            assert_ok(status);
            costate_collocation_destroy(c);
            assert_int_equal(counts.n_live, 0);
            assert_true(k > 20);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_null(c);
        assert_int_equal(counts.n_live, 0);
    }
    costate_fit_destroy(fit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_recovered_from_data),
        cmocka_unit_test(exact_slopes_give_the_exact_parameters),
        cmocka_unit_test(value_is_the_mean_square_mismatch),
        cmocka_unit_test(gradient_agrees_with_differences),
        cmocka_unit_test(points_are_times_and_what_lies_between),
        cmocka_unit_test(log_time_recovers_rates_of_different_decades),
        cmocka_unit_test(estimated_initial_states_are_set),
        cmocka_unit_test(states_that_are_not_observed_are_refused),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(failures_of_the_objective_are_reported),
        cmocka_unit_test(failing_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
