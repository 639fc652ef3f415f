/* SPDX-License-Identifier: MIT */
/* Corners of fits: rules for parts that are empty, models that do not match, starts that cannot be solved, joints at the
 * initial time, specifications that are gone. */
#include "fit_fixture.h"
#include "support/asserts.h"

#include <costate/costate.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const costate_rhs *const lv = &problem_lotka_volterra.rhs;

/* A part without entries has nothing from entry 5 on, and no entry 0 either. */
static void rules_for_an_empty_part_are_refused(void **state) {
    (void)state;
    const costate_estimate beyond[] = {{.part = COSTATE_FIT_NOISE, .first = 5},
                                       {.part = COSTATE_FIT_NOISE, .n = 1},
                                       {.part = COSTATE_FIT_NOISE, .first = 5, .n = 1}};
    const costate_estimate nothing = {.part = COSTATE_FIT_NOISE};
    fit_fixture f;
    fit_fixture_fill(&f);
    costate_fit_spec spec = {.rhs = lv, .n_series = 1, .series = &f.series, .n_estimate = 1};
    for (size_t k = 0; k < sizeof(beyond) / sizeof(beyond[0]); k++) {
        costate_fit *fit = NULL;
        spec.estimates = &beyond[k];
        assert_status(costate_fit_create(&spec, NULL, NULL, &fit), COSTATE_ERR_ARGUMENT);
    }
    costate_fit *fit = NULL;
    spec.estimates = &nothing;
    assert_ok(costate_fit_create(&spec, NULL, NULL, &fit));
    assert_int_equal(costate_fit_n_x(fit), 4);
    costate_fit_destroy(fit);
}

/* The squared loss that stands in for none has no noise, whatever the empty one says. */
static void noise_of_a_loss_without_value_does_not_count(void **state) {
    (void)state;
    enum { MANY = 1000 };
    const costate_estimate rule = {.part = COSTATE_FIT_NOISE, .n = MANY};
    fit_fixture f;
    fit_fixture_fill(&f);
    costate_fit *fit = NULL;
    costate_fit_spec spec = {.rhs = lv, .n_series = 1, .series = &f.series, .loss = {.n_noise = MANY}};
    spec.n_estimate = 1;
    spec.estimates = &rule;
    assert_status(costate_fit_create(&spec, NULL, NULL, &fit), COSTATE_ERR_ARGUMENT);
    spec.n_estimate = 0;
    assert_ok(costate_fit_create(&spec, NULL, NULL, &fit));
    assert_int_equal(costate_fit_n_q(fit), 4 + 2 + 1);
    costate_fit_destroy(fit);
}

/* A noise model of fewer quantities than are observed, of none, or of a kind that does not exist. */
static void noise_model_that_does_not_match_has_neither_residual_nor_information(void **state) {
    (void)state;
    const costate_noise kinds[FIXTURE_N_Y] = {COSTATE_NOISE_ADDITIVE, (costate_noise)17};
    const costate_noise_model models[] = {{1, kinds}, {FIXTURE_N_Y, NULL}, {FIXTURE_N_Y, kinds}};
    for (size_t m = 0; m < sizeof(models) / sizeof(models[0]); m++) {
        fit_fixture f;
        double value;
        double residual[FIXTURE_N_T * FIXTURE_N_Y];
        double information[(FIXTURE_N_X + 1) * (FIXTURE_N_X + 1)];
        double x[FIXTURE_N_X + 1];
        fit_fixture_fill(&f);
        f.loss = costate_loss_gaussian(&models[m]);
        costate_fit *fit = fit_fixture_create(&f, NULL);
        assert_true(costate_fit_n_x(fit) <= FIXTURE_N_X + 1);
        assert_ok(costate_fit_start(fit, x));
        assert_status(costate_fit_objective(x, &value, NULL, fit), COSTATE_ERR_RHS_FAIL);
        assert_ok(costate_fit_residuals(fit, x, 0, residual));
        for (size_t i = 0; i < (size_t)FIXTURE_N_T * FIXTURE_N_Y; i++) {
            assert_true(isnan(residual[i]));
        }
        assert_ok(costate_fit_information(fit, x, COSTATE_INFORMATION_EXPECTED, information));
        for (size_t i = 0; i < costate_fit_n_x(fit); i++) {
            assert_close(information[i * costate_fit_n_x(fit) + i], 0.0, 0.0, 0.0);
        }
        costate_fit_destroy(fit);
    }
}

/* y' = p y, which cannot be evaluated beyond a time. */
typedef struct cliff {
    double end;
    size_t n_f;
} cliff;

static int cliff_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    cliff *self = ctx;
    (void)work;
    self->n_f++;
    dydt[0] = p[0] * y[0];
    return t <= self->end ? COSTATE_ANSWER_OK : COSTATE_ANSWER_FAIL;
}

static int cliff_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                     double *pbar, void *work, void *ctx) {
    (void)t;
    (void)work;
    (void)ctx;
    if (ybar) {
        ybar[0] = p[0] * v[0];
    }
    if (pbar) {
        pbar[0] += scale * y[0] * v[0];
    }
    return COSTATE_ANSWER_OK;
}

static int start_of_p(size_t series, const double *p, double *y0, void *ctx) {
    (void)series;
    (void)ctx;
    y0[0] = 2.0 + p[0];
    return COSTATE_ANSWER_OK;
}

static int start_of_p_vjp(size_t series, const double *p, const double *y0bar, double *pbar, void *ctx) {
    (void)series;
    (void)p;
    (void)ctx;
    pbar[0] += y0bar[0];
    return COSTATE_ANSWER_OK;
}

/* Data, else the states as far as the solve gets, else the initial state: that of the parameters, not of the series. */
static void segments_start_where_a_solve_fails(void **state) {
    (void)state;
    enum { N = 40 };
    const costate_initial initial = {.f = start_of_p, .vjp = start_of_p_vjp};
    cliff model = {.end = 2.05};
    const costate_rhs rhs = {.n_y = 1, .n_p = 1, .ctx = &model, .f = cliff_f, .vjp = cliff_vjp};
    const double p = 0.3;
    double t[N];
    double data[N];
    double x[N];
    for (size_t i = 0; i < N; i++) {
        t[i] = 0.1 * (double)(i + 1);
        data[i] = i == N - 1 ? 7.0 : (double)NAN;
    }
    const costate_series series = {.n_t = N, .t = t, .data = data};
    const costate_fit_spec spec = {.rhs = &rhs, .n_series = 1, .series = &series, .initial = &initial, .p = &p};
    costate_fit_options options = costate_fit_options_default();
    options.solver.h_max = 0.02;
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&spec, &options, NULL, &fit));
    assert_ok(costate_fit_set_shooting(fit, 1, 1.0, NULL));
    assert_int_equal(costate_fit_n_x(fit), N);
    assert_ok(costate_fit_start(fit, x));
    assert_string_equal(costate_fit_detail(fit), "");
    for (size_t i = 1; i < N; i++) {
        const double expected = i == N - 1 ? 7.0 : t[i] <= 2.01 ? 2.3 * exp(0.3 * t[i]) : 2.3;
        assert_close(x[i], expected, 1e-6, 0.0);
    }
    /* One solve of about a hundred steps, not one for every joint. */
    assert_true(model.n_f < 2000);
    costate_fit_destroy(fit);
}

/* When all of a first segment, its joint included, lies at the initial time, nothing depends on that time. */
static void joint_at_the_initial_time_has_no_part_in_its_gradient(void **state) {
    (void)state;
    const double t[3] = {0.5, 0.5, 1.0};
    const double data[3] = {1.0, 2.0, 3.0};
    const double y0 = 1.2;
    const double p = 0.3;
    cliff model = {.end = 5.0};
    const costate_rhs rhs = {.n_y = 1, .n_p = 1, .ctx = &model, .f = cliff_f, .vjp = cliff_vjp};
    const costate_series series = {.n_t = 3, .t = t, .data = data, .t0 = 0.4, .y0 = &y0};
    const costate_estimate free_time = {.part = COSTATE_FIT_INITIAL_TIME};
    const costate_fit_spec spec = {
        .rhs = &rhs, .n_series = 1, .series = &series, .p = &p, .n_estimate = 1, .estimates = &free_time};
    costate_fit *fit = NULL;
    double x[4];
    double grad[4];
    double value;
    assert_ok(costate_fit_create(&spec, NULL, NULL, &fit));
    assert_ok(costate_fit_set_shooting(fit, 1, 2.0, NULL));
    assert_int_equal(costate_fit_n_x(fit), 4);
    assert_ok(costate_fit_start(fit, x));
    assert_ok(costate_fit_objective(x, &value, grad, fit));
    assert_true(fabs(grad[1]) > 0.1);
    x[1] = t[0];
    assert_ok(costate_fit_objective(x, &value, grad, fit));
    assert_close(grad[1], 0.0, 0.0, 1e-14);
    costate_fit_destroy(fit);
}

static void *copy_of(const void *from, size_t bytes) {
    void *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, from, bytes);
    return copy;
}

/* What a specification and options point to may be gone when the fit is used, all the way to its second derivatives. */
static void specification_need_not_outlive_creation(void **state) {
    (void)state;
    enum { N_ATOL = 4 };
    const double atol[N_ATOL] = {1e-10, 1e-11, 1e-9, 1e-9};
    const double prior[2] = {0.4, -0.1};
    const double direction[FIXTURE_N_X] = {0.3, -0.2, 0.1, 0.4, 0.2, -0.3};
    double value[2];
    double grad[2][FIXTURE_N_X];
    double product[2][FIXTURE_N_X];
    for (size_t gone = 0; gone < 2; gone++) {
        fit_fixture f;
        fit_fixture_fill(&f);
        fit_fixture *owner = copy_of(&f, sizeof(f));
        double *tolerances = copy_of(atol, sizeof(atol));
        double *mean = copy_of(prior, sizeof(prior));
        owner->series.t = owner->t;
        owner->series.data = owner->data;
        owner->series.weight = owner->weight;
        owner->series.y0 = owner->y0;
        owner->options.solver.method = COSTATE_METHOD_BDF;
        owner->options.solver.atol_state = tolerances;
        owner->options.adjoint.atol_state = tolerances + 2;
        const costate_estimate rules[] = {
            {.part = COSTATE_FIT_PARAMETER, .n = 2, .l2 = 0.3, .mean = mean},
            {.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES},
        };
        costate_estimate *estimates = copy_of(rules, sizeof(rules));
        const costate_fit_spec spec = {
            .rhs = lv, .n_series = 1, .series = &owner->series, .n_estimate = 2, .estimates = estimates};
        costate_fit *fit = NULL;
        assert_ok(costate_fit_create(&spec, &owner->options, NULL, &fit));
        if (gone) {
            memset(owner, 0xff, sizeof(*owner));
            memset(tolerances, 0xff, sizeof(atol));
            memset(mean, 0xff, sizeof(prior));
            memset(estimates, 0xff, sizeof(rules));
        }
        assert_ok(costate_fit_objective(f.x, &value[gone], grad[gone], fit));
        assert_ok(costate_fit_hessian_product(fit, f.x, direction, product[gone]));
        costate_fit_destroy(fit);
        free(owner);
        free(tolerances);
        free(mean);
        free(estimates);
    }
    assert_all_finite(grad[0], FIXTURE_N_X);
    assert_same_bits_f64(&value[0], &value[1], 1);
    assert_same_bits_f64(grad[0], grad[1], FIXTURE_N_X);
    assert_same_bits_f64(product[0], product[1], FIXTURE_N_X);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_for_an_empty_part_are_refused),
        cmocka_unit_test(noise_of_a_loss_without_value_does_not_count),
        cmocka_unit_test(noise_model_that_does_not_match_has_neither_residual_nor_information),
        cmocka_unit_test(segments_start_where_a_solve_fails),
        cmocka_unit_test(joint_at_the_initial_time_has_no_part_in_its_gradient),
        cmocka_unit_test(specification_need_not_outlive_creation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
