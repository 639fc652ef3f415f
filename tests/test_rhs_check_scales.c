/* SPDX-License-Identifier: MIT */
/* The checker of right-hand sides on models whose scales, domain or rounding make differences hard. */
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/rhs.h>
#include <math.h>

#define TOLERANCE 1e-6

/* Robertson's kinetics: rates nine decades apart. */
static int robertson_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t;
    (void)ctx;
    assert_null(work);
    dydt[0] = -p[0] * y[0] + p[1] * y[1] * y[2];
    dydt[1] = p[0] * y[0] - p[1] * y[1] * y[2] - p[2] * y[1] * y[1];
    dydt[2] = p[2] * y[1] * y[1];
    return COSTATE_ANSWER_OK;
}

static int robertson_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                         double *pbar, void *work, void *ctx) {
    (void)t;
    (void)work;
    (void)ctx;
    if (ybar) {
        ybar[0] = p[0] * (v[1] - v[0]);
        ybar[1] = p[1] * y[2] * (v[0] - v[1]) + 2 * p[2] * y[1] * (v[2] - v[1]);
        ybar[2] = p[1] * y[1] * (v[0] - v[1]);
    }
    if (pbar) {
        pbar[0] += scale * y[0] * (v[1] - v[0]);
        pbar[1] += scale * y[1] * y[2] * (v[0] - v[1]);
        pbar[2] += scale * y[1] * y[1] * (v[2] - v[1]);
    }
    return COSTATE_ANSWER_OK;
}

static void check_of_badly_scaled_kinetics_agrees(void **state) {
    (void)state;
    const costate_rhs rhs = {.n_y = 3, .n_p = 3, .f = robertson_f, .vjp = robertson_vjp};
    const double y[3] = {0.9, 2e-5, 0.1};
    const double p[3] = {0.04, 1e4, 3e7};
    costate_random random = test_random(2);
    costate_rhs_report report;
    assert_ok(costate_rhs_check(&rhs, 0, y, p, 0, 3, TOLERANCE, &random, &report));
}

/* Saturating elimination −Vmax·y/(K + y) + sqrt(y) with K = 0.001: not defined below 0, curved on the scale of K. */
static int elimination_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t;
    (void)p;
    (void)work;
    (void)ctx;
    if (y[0] < 0) {
        return COSTATE_ANSWER_RETRY;
    }
    dydt[0] = sqrt(y[0]) - 2 * y[0] / (1e-3 + y[0]);
    return COSTATE_ANSWER_OK;
}

static int elimination_jac(double t, const double *y, const double *p, double *out, void *work, void *ctx) {
    (void)t;
    (void)p;
    (void)work;
    (void)ctx;
    double k = 1e-3 + y[0];
    out[0] = 0.5 / sqrt(y[0]) - 2e-3 / (k * k);
    return COSTATE_ANSWER_OK;
}

static void check_shortens_steps_that_leave_the_domain(void **state) {
    (void)state;
    const costate_rhs rhs = {.n_y = 1, .f = elimination_f, .jac = elimination_jac};
    const double centres[] = {2e-4, 1e-3, 1e-2, 1};
    costate_random random = test_random(3);
    for (size_t i = 0; i < sizeof centres / sizeof *centres; i++) {
        assert_ok(costate_rhs_check(&rhs, 0, &centres[i], NULL, 0, 1, TOLERANCE, &random, NULL));
    }
}

/* A small derivative on a large offset: rounding of f hides it from short steps. */
static int offset_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t;
    (void)p;
    (void)work;
    (void)ctx;
    dydt[0] = 1e6 + sin(y[0]);
    return COSTATE_ANSWER_OK;
}

static int offset_jac(double t, const double *y, const double *p, double *out, void *work, void *ctx) {
    (void)t;
    (void)p;
    (void)work;
    (void)ctx;
    out[0] = cos(y[0]);
    return COSTATE_ANSWER_OK;
}

static void check_prefers_long_steps_under_rounding_noise(void **state) {
    (void)state;
    const costate_rhs rhs = {.n_y = 1, .f = offset_f, .jac = offset_jac};
    const double y = 0;
    costate_random random = test_random(8);
    assert_ok(costate_rhs_check(&rhs, 0, &y, NULL, 1, 1000, TOLERANCE, &random, NULL));
}

static int parameterless_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                             double *pbar, void *work, void *ctx) {
    (void)scale;
    assert_null(pbar);
    if (ybar) {
        (void)elimination_jac(t, y, p, ybar, work, ctx);
        ybar[0] *= v[0];
    }
    return COSTATE_ANSWER_OK;
}

static void check_without_parameters_passes_no_pbar(void **state) {
    (void)state;
    const costate_rhs rhs = {.n_y = 1, .f = elimination_f, .vjp = parameterless_vjp};
    const double y = 0.7;
    costate_random random = test_random(4);
    assert_ok(costate_rhs_check(&rhs, 0, &y, NULL, 0, 2, TOLERANCE, &random, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_of_badly_scaled_kinetics_agrees),
        cmocka_unit_test(check_shortens_steps_that_leave_the_domain),
        cmocka_unit_test(check_prefers_long_steps_under_rounding_noise),
        cmocka_unit_test(check_without_parameters_passes_no_pbar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
