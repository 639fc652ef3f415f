/* SPDX-License-Identifier: MIT */
/* Losses and noise models: values by hand, derivatives against differences, information against its definition. */
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_H = 4, MAX_NOISE = 8 };

static double between(costate_random *random, double low, double high) {
    return low + (high - low) * costate_random_uniform(random);
}

static const double LOG_2_PI = 1.8378770664093454836;

static double value_of(const costate_loss *loss, const costate_observation *observation) {
    double value = (double)NAN;
    assert_int_equal(loss->value(observation, &value, NULL, NULL, loss->ctx), COSTATE_ANSWER_OK);
    return value;
}

static void squared_loss_skips_missing_values_and_weighs_the_others(void **state) {
    (void)state;
    const double h[4] = {1.0, 2.0, 3.0, 4.0};
    const double data[4] = {0.5, (double)NAN, 5.0, 4.0};
    const double weight[4] = {2.0, 3.0, 0.5, 7.0};
    const double expected[4] = {2.0, 0.0, -2.0, 0.0};
    const costate_loss loss = costate_loss_squared();
    double value;
    double hbar[4] = {9.0, 9.0, 9.0, 9.0};
    costate_observation observation = {.n_h = 4, .h = h, .data = data, .weight = weight};
    assert_int_equal(loss.value(&observation, &value, hbar, NULL, loss.ctx), COSTATE_ANSWER_OK);
    assert_close(value, 2.0 * 0.25 + 0.5 * 4.0, 1e-15, 0.0);
    assert_close_array(hbar, expected, 4, 1e-15, 0.0);

    observation.weight = NULL;
    assert_close(value_of(&loss, &observation), 0.25 + 4.0, 1e-15, 0.0);
}

static void losses_have_the_documented_values(void **state) {
    (void)state;
    const double h[2] = {1.5, 4.0};
    const double data[2] = {1.0, 7.0};
    const double weight[2] = {2.0, 0.5};
    const double delta = 0.8;
    const double bad = 0.0;
    costate_observation observation = {.n_h = 2, .h = h, .data = data, .weight = weight};
    const costate_loss absolute = costate_loss_absolute();
    const costate_loss huber = costate_loss_huber(&delta);
    const costate_loss wrong = costate_loss_huber(&bad);
    double value;
    assert_close(value_of(&absolute, &observation), 2.0 * 0.5 + 0.5 * 3.0, 1e-15, 0.0);
    assert_close(value_of(&huber, &observation), 2.0 * 0.125 + 0.5 * 0.8 * (3.0 - 0.4), 1e-15, 0.0);
    assert_int_not_equal(wrong.value(&observation, &value, NULL, NULL, wrong.ctx), COSTATE_ANSWER_OK);
}

/* −log of the density, written once more in its textbook form. */
static void gaussian_losses_are_negative_log_densities(void **state) {
    (void)state;
    const double h[N_H] = {1.5, 4.0, 2.0, 0.7};
    const double data[N_H] = {1.1, 5.0, 1.0, 0.9};
    const double noise[5] = {0.3, 0.2, 0.5, 0.1, 0.4};
    const costate_noise kinds[N_H] = {COSTATE_NOISE_ADDITIVE, COSTATE_NOISE_PROPORTIONAL, COSTATE_NOISE_COMBINED,
                                      COSTATE_NOISE_LOGNORMAL};
    const costate_noise_model model = {N_H, kinds};
    const costate_loss loss = costate_loss_gaussian(&model);
    const double sd[3] = {0.3, 0.2 * 4.0, sqrt(0.25 + 0.01 * 4.0)};
    const costate_observation observation = {.n_h = N_H, .h = h, .data = data, .noise = noise};
    double expected = 0.0;
    double residual[N_H];
    for (size_t k = 0; k < 3; k++) {
        const double z = (data[k] - h[k]) / sd[k];
        expected -= log(exp(-z * z / 2.0) / (sd[k] * exp(LOG_2_PI / 2.0)));
    }
    const double z = (log(data[3]) - log(h[3])) / 0.4;
    expected -= log(exp(-z * z / 2.0) / (data[3] * 0.4 * exp(LOG_2_PI / 2.0)));
    assert_true(loss.likelihood);
    assert_int_equal(loss.n_noise, 5);
    assert_close(value_of(&loss, &observation), expected, 1e-13, 0.0);
    loss.residual(&observation, residual, loss.ctx);
    for (size_t k = 0; k < 3; k++) {
        assert_close(residual[k], (data[k] - h[k]) / sd[k], 1e-14, 0.0);
    }
    assert_close(residual[3], z, 1e-14, 0.0);
}

/* Central differences of the value at a point, for h and for the noise. */
static void check_derivatives(const costate_loss *loss, const double *h, const double *data, const double *weight,
                              const double *noise) {
    const double step = 1e-5;
    double moved_h[N_H];
    double moved_noise[MAX_NOISE];
    double hbar[N_H];
    double noisebar[MAX_NOISE];
    double value;
    costate_observation at = {.n_h = N_H, .h = moved_h, .data = data, .weight = weight, .noise = moved_noise};
    memcpy(moved_h, h, sizeof(moved_h));
    memcpy(moved_noise, noise, sizeof(moved_noise));
    for (size_t k = 0; k < MAX_NOISE; k++) {
        noisebar[k] = 10.0; /* it is added to */
    }
    assert_int_equal(loss->value(&at, &value, hbar, noisebar, loss->ctx), COSTATE_ANSWER_OK);
    for (size_t k = 0; k < N_H + loss->n_noise; k++) {
        double *entry = k < N_H ? &moved_h[k] : &moved_noise[k - N_H];
        const double centre = *entry;
        *entry = centre + step;
        const double up = value_of(loss, &at);
        *entry = centre - step;
        const double down = value_of(loss, &at);
        *entry = centre;
        assert_close(k < N_H ? hbar[k] : noisebar[k - N_H] - 10.0, (up - down) / (2.0 * step), 1e-6, 1e-7);
    }
}

static void losses_derivatives_agree_with_differences(void **state) {
    (void)state;
    costate_random random = test_random(11);
    const double delta = 0.4;
    for (int round = 0; round < 40; round++) {
        double h[N_H];
        double data[N_H];
        double weight[N_H];
        double noise[MAX_NOISE];
        costate_noise kinds[N_H];
        for (size_t k = 0; k < N_H; k++) {
            h[k] = between(&random, 0.5, 3.0);
            data[k] = k == (size_t)round % 7 ? (double)NAN : between(&random, 0.5, 3.0);
            weight[k] = between(&random, 0.1, 2.0);
            kinds[k] = (costate_noise)((size_t)(round + (int)(k * k)) % 4);
        }
        for (size_t k = 0; k < MAX_NOISE; k++) {
            noise[k] = between(&random, 0.2, 1.0);
        }
        const costate_noise_model model = {N_H, kinds};
        const costate_loss losses[] = {costate_loss_squared(), costate_loss_huber(&delta), costate_loss_absolute(),
                                       costate_loss_gaussian(&model)};
        for (size_t l = 0; l < sizeof(losses) / sizeof(losses[0]); l++) {
            check_derivatives(&losses[l], h, data, round % 2 == 0 ? weight : NULL, noise);
        }
    }
}

/* Fisher information of one quantity: E[g gᵀ] over the data's distribution, by Simpson's rule on the standard normal. */
static void expected_information(const costate_loss *loss, costate_noise kind, double h, const double *noise,
                                 double information[3][3]) {
    const int n = 400;
    memset(information, 0, 9 * sizeof(double));
    for (int i = 0; i <= n; i++) {
        const double z = -9.0 + 18.0 * i / n;
        const double share = (i == 0 || i == n ? 1.0
                              : i % 2 == 1     ? 4.0
                                               : 2.0) *
                             (18.0 / n / 3.0) * exp(-z * z / 2.0 - LOG_2_PI / 2.0);
        const double a = kind == COSTATE_NOISE_PROPORTIONAL ? 0.0 : noise[0];
        const double b = kind == COSTATE_NOISE_PROPORTIONAL ? noise[0]
                         : kind == COSTATE_NOISE_COMBINED   ? noise[1]
                                                            : 0.0;
        const double datum =
            kind == COSTATE_NOISE_LOGNORMAL ? h * exp(noise[0] * z) : h + z * sqrt(a * a + b * b * h * h);
        const costate_observation observation = {.n_h = 1, .h = &h, .data = &datum, .noise = noise};
        double g[3] = {0.0, 0.0, 0.0};
        double value;
        assert_int_equal(loss->value(&observation, &value, &g[0], &g[1], loss->ctx), COSTATE_ANSWER_OK);
        for (int r = 0; r < 3; r++) {
            for (int c = 0; c < 3; c++) {
                information[r][c] += share * g[r] * g[c];
            }
        }
    }
}

static void gaussian_information_is_the_expected_outer_product_of_gradients(void **state) {
    (void)state;
    const double h = 1.7;
    const double noise[2] = {0.4, 0.3};
    const double datum = 2.0;
    for (int k = 0; k < 4; k++) {
        const costate_noise kind = (costate_noise)k;
        const costate_noise_model model = {1, &kind};
        const costate_loss loss = costate_loss_gaussian(&model);
        const costate_observation observation = {.n_h = 1, .h = &h, .data = &datum, .noise = noise};
        double expected[3][3];
        double sum[3][3] = {{0.0}};
        double row[3] = {0.0, 0.0, 0.0};
        size_t r = 0;
        expected_information(&loss, kind, h, noise, expected);
        while (loss.information(&observation, r, &row[0], &row[1], loss.ctx) == 1) {
            for (int i = 0; i < 3; i++) {
                for (int j = 0; j < 3; j++) {
                    sum[i][j] += row[i] * row[j];
                }
            }
            r++;
        }
        assert_int_equal(r, 2);
        for (int i = 0; i < 3; i++) {
            assert_close_array(sum[i], expected[i], 3, 1e-6, 1e-9);
        }
    }
}

static void squared_information_is_half_the_second_derivative_twice(void **state) {
    (void)state;
    const double h[2] = {1.0, 2.0};
    const double data[2] = {0.0, (double)NAN};
    const double weight[2] = {3.0, 5.0};
    const costate_loss loss = costate_loss_squared();
    const costate_observation observation = {.n_h = 2, .h = h, .data = data, .weight = weight};
    double hbar[2];
    assert_int_equal(loss.information(&observation, 0, hbar, NULL, NULL), 1);
    assert_close(hbar[0] * hbar[0], 6.0, 1e-14, 0.0);
    assert_close(hbar[1], 0.0, 0.0, 0.0);
    assert_int_equal(loss.information(&observation, 1, hbar, NULL, NULL), 1);
    assert_close(hbar[0], 0.0, 0.0, 0.0);
    assert_close(hbar[1], 0.0, 0.0, 0.0);
    assert_int_equal(loss.information(&observation, 2, hbar, NULL, NULL), 0);
}

/* Quadratic within delta, linear and so without curvature beyond it. */
static void huber_information_ends_at_delta(void **state) {
    (void)state;
    const double h[2] = {1.0, 2.0};
    const double data[2] = {0.5, 4.0};
    const double weight[2] = {3.0, 5.0};
    const double delta = 1.0;
    const costate_loss loss = costate_loss_huber(&delta);
    const costate_observation observation = {.n_h = 2, .h = h, .data = data, .weight = weight};
    double hbar[2];
    assert_int_equal(loss.information(&observation, 0, hbar, NULL, loss.ctx), 1);
    assert_close(hbar[0] * hbar[0], 3.0, 1e-14, 0.0);
    assert_int_equal(loss.information(&observation, 1, hbar, NULL, loss.ctx), 1);
    assert_close(hbar[1], 0.0, 0.0, 0.0);
}

static void impossible_observations_are_refused(void **state) {
    (void)state;
    const struct {
        costate_noise kind;
        double h;
        double datum;
        double noise[2];
    } cases[] = {
        {COSTATE_NOISE_ADDITIVE, 1.0, 1.0, {0.0, 0.0}},         {COSTATE_NOISE_PROPORTIONAL, 0.0, 1.0, {0.3, 0.0}},
        {COSTATE_NOISE_COMBINED, 0.0, 1.0, {0.0, 0.3}},         {COSTATE_NOISE_LOGNORMAL, -1.0, 1.0, {0.3, 0.0}},
        {COSTATE_NOISE_LOGNORMAL, 1.0, 0.0, {0.3, 0.0}},        {COSTATE_NOISE_LOGNORMAL, 1.0, 1.0, {-0.3, 0.0}},
        {COSTATE_NOISE_ADDITIVE, 1.0, 1.0, {(double)NAN, 0.0}}, {(costate_noise)77, 1.0, 1.0, {0.3, 0.3}}};
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        const costate_noise_model model = {1, &cases[k].kind};
        const costate_loss loss = costate_loss_gaussian(&model);
        const costate_observation observation = {
            .n_h = 1, .h = &cases[k].h, .data = &cases[k].datum, .noise = cases[k].noise};
        double value;
        assert_int_not_equal(loss.value(&observation, &value, NULL, NULL, loss.ctx), COSTATE_ANSWER_OK);
    }
    const costate_loss empty = costate_loss_gaussian(NULL);
    const costate_observation observation = {.n_h = 1};
    double value;
    assert_int_equal(empty.n_noise, 0);
    assert_int_not_equal(empty.value(&observation, &value, NULL, NULL, empty.ctx), COSTATE_ANSWER_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(squared_loss_skips_missing_values_and_weighs_the_others),
        cmocka_unit_test(losses_have_the_documented_values),
        cmocka_unit_test(gaussian_losses_are_negative_log_densities),
        cmocka_unit_test(losses_derivatives_agree_with_differences),
        cmocka_unit_test(gaussian_information_is_the_expected_outer_product_of_gradients),
        cmocka_unit_test(squared_information_is_half_the_second_derivative_twice),
        cmocka_unit_test(huber_information_ends_at_delta),
        cmocka_unit_test(impossible_observations_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
