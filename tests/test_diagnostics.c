/* SPDX-License-Identifier: MIT */
/* Summaries of residuals that were counted by hand. */
#include "problems.h"
#include "support/asserts.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_T = 6, N_SERIES = 3 };

/* y' = 0 from 0 and from 10: residuals are the data less that, in the first quantity, over the noise. */
static int rest_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)y, (void)work, (void)ctx;
    dydt[0] = 0.0 * p[0];
    dydt[1] = 0.0;
    return COSTATE_ANSWER_OK;
}

static int rest_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                    double *pbar, void *work, void *ctx) {
    (void)t, (void)y, (void)p, (void)v, (void)scale, (void)pbar, (void)work, (void)ctx;
    if (ybar) ybar[0] = ybar[1] = 0.0;
    return COSTATE_ANSWER_OK;
}

static const costate_rhs rest = {.n_y = 2, .n_p = 1, .f = rest_f, .vjp = rest_vjp};

static costate_fit *create(bool likelihood, bool with_held_out, const double *weight) {
    static const double t[N_T] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
    static const double y0[2] = {0.0, 10.0};
    static const double noise[2] = {2.0, 1.0};
    static const costate_noise kinds[2] = {COSTATE_NOISE_ADDITIVE, COSTATE_NOISE_ADDITIVE};
    static const costate_noise_model model = {2, kinds};
    static const double gap = (double)NAN;
    const double data[N_SERIES][N_T * 2] = {
        {1.0, 10.0, 3.0, 10.0, gap, 10.0, -2.0, 10.0, -1.0, 10.0, 2.0, gap},
        {6.0, 9.0, -1.0, gap, 1.0, gap, gap, gap, gap, gap, gap, gap},
        {4.0, 10.5, 4.0, 10.5, 4.0, 10.5, 4.0, 10.5, 4.0, 10.5, 4.0, 10.5},
    };
    costate_series series[N_SERIES];
    for (size_t s = 0; s < N_SERIES; s++) {
        series[s] = (costate_series){
            .n_t = N_T, .t = t, .data = data[s], .weight = weight, .t0 = 0.0, .y0 = y0, .held_out = s == 2};
    }
    const costate_estimate estimates[] = {{.part = COSTATE_FIT_PARAMETER, .l2 = 3.0},
                                          {.part = COSTATE_FIT_INITIAL_STATE, .series = 0},
                                          {.part = COSTATE_FIT_NOISE, .fixed = true}};
    const costate_fit_spec spec = {.rhs = &rest,
                                   .n_series = with_held_out ? N_SERIES : N_SERIES - 1,
                                   .series = series,
                                   .loss = likelihood ? costate_loss_gaussian(&model) : costate_loss_squared(),
                                   .noise = likelihood ? noise : NULL,
                                   .n_estimate = likelihood ? 3 : 2,
                                   .estimates = estimates};
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&spec, NULL, NULL, &fit));
    return fit;
}

/* The first is one that the summaries depend on only through the penalty, which they leave out. */
static const double x[3] = {1.0, 0.0, 10.0};

static void diagnostics_are_those_counted_by_hand(void **state) {
    (void)state;
    costate_fit *fit = create(true, true, NULL);
    costate_residual_summary q[2];
    costate_fit_summary summary;
    assert_ok(costate_fit_set_horizon(fit, 3.5));
    assert_ok(costate_fit_diagnostics(fit, x, false, q, &summary));
    /* r = 0.5, 1.5, -1, -0.5, 1 and 3, -0.5, 0.5 */
    assert_int_equal(q[0].n, 8);
    assert_close(q[0].mean, 4.5 / 8.0, 1e-14, 0.0);
    const double mean = 4.5 / 8.0;
    const double square = 0.25 + 2.25 + 1.0 + 0.25 + 1.0 + 9.0 + 0.25 + 0.25;
    const double centred = square - 8.0 * mean * mean;
    assert_close(q[0].rmse, 2.0 * sqrt(square / 8.0), 1e-14, 0.0);
    assert_close(q[0].sd, sqrt(centred / 7.0), 1e-14, 0.0);
    const double product = (0.5 - mean) * (1.5 - mean) + (1.5 - mean) * (-1.0 - mean) + (-1.0 - mean) * (-0.5 - mean) +
                           (-0.5 - mean) * (1.0 - mean) + (3.0 - mean) * (-0.5 - mean) + (-0.5 - mean) * (0.5 - mean);
    assert_close(q[0].lag1, product / centred, 1e-14, 0.0);
    /* Signs + + - - + of 3 and 2, + - + of 2 and 1: three runs each, where 3.4 and 7/3 are expected. */
    const double variance = 2.4 * 1.4 / 4.0 + (4.0 / 3.0) * (1.0 / 3.0) / 2.0;
    assert_close(q[0].runs_z, (6.0 - 3.4 - 7.0 / 3.0) / sqrt(variance), 1e-13, 0.0);
    assert_close(q[0].outside, 1.0 / 8.0, 1e-15, 0.0);
    assert_close(q[0].largest, 3.0, 1e-15, 0.0);
    assert_int_equal(q[0].largest_series, 1);
    assert_int_equal(q[0].largest_index, 0);
    assert_int_equal(q[1].n, 6);
    assert_close(q[1].largest, -1.0, 1e-14, 0.0);
    assert_close(q[1].rmse, sqrt(1.0 / 6.0), 1e-14, 0.0);
    const double loss = 14.0 * 0.5 * log(2.0 * acos(-1.0)) + 8.0 * log(2.0) + 0.5 * (square + 1.0);
    assert_int_equal(summary.n_value, 14);
    assert_close(summary.loss, loss, 1e-14, 0.0);
    assert_close(summary.aic, 2.0 * loss + 6.0, 1e-14, 0.0);
    assert_close(summary.bic, 2.0 * loss + 3.0 * log(14.0), 1e-14, 0.0);
    costate_fit_destroy(fit);
}

static void diagnostics_of_held_out_series_are_theirs_alone(void **state) {
    (void)state;
    costate_fit *fit = create(true, true, NULL);
    costate_residual_summary q[2];
    costate_fit_summary summary;
    assert_ok(costate_fit_diagnostics(fit, x, true, q, &summary));
    assert_int_equal(q[0].n, 6);
    assert_close(q[0].mean, 2.0, 1e-15, 0.0);
    assert_close(q[0].sd, 0.0, 0.0, 1e-15);
    assert_true(isnan(q[0].lag1) && isnan(q[0].runs_z));
    assert_close(q[0].outside, 1.0, 1e-15, 0.0);
    assert_int_equal(q[0].largest_series, 2);
    assert_int_equal(summary.n_value, 12);
    costate_fit_destroy(fit);
}

static void diagnostics_of_least_squares_are_in_their_own_unit(void **state) {
    (void)state;
    const double weight[2] = {4.0, 1.0};
    costate_fit *fit = create(false, false, weight);
    costate_residual_summary q[2];
    costate_fit_summary summary;
    assert_ok(costate_fit_diagnostics(fit, x, false, q, &summary));
    /* Root mean square of 1, 3, -2, -1, 2, 6, -1, 1: 2.669; 6 is beyond 1.96 of them. */
    const double square = 1.0 + 9.0 + 4.0 + 1.0 + 4.0 + 36.0 + 1.0 + 1.0;
    assert_close(q[0].rmse, sqrt(square / 8.0), 1e-14, 0.0);
    assert_close(q[0].mean, 2.0 * 9.0 / 8.0, 1e-14, 0.0);
    assert_close(q[0].largest, 12.0, 1e-14, 0.0);
    assert_close(q[0].outside, 1.0 / 8.0, 1e-15, 0.0);
    assert_close(summary.loss, 4.0 * square + 1.0, 1e-14, 0.0);
    assert_true(isnan(summary.aic) && isnan(summary.bic));
    assert_status(costate_fit_diagnostics(fit, x, true, q, &summary), COSTATE_ERR_STATE);
    assert_ok(costate_fit_diagnostics(fit, x, false, NULL, NULL));
    assert_status(costate_fit_diagnostics(NULL, x, false, q, &summary), COSTATE_ERR_NULL);
    assert_status(costate_fit_diagnostics(fit, NULL, false, q, &summary), COSTATE_ERR_NULL);
    costate_fit_destroy(fit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diagnostics_are_those_counted_by_hand),
        cmocka_unit_test(diagnostics_of_held_out_series_are_theirs_alone),
        cmocka_unit_test(diagnostics_of_least_squares_are_in_their_own_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
