/* SPDX-License-Identifier: MIT */
/* Initial parameters: distributions, reproducibility and order of the draws. */
#include "net_fixture.h"

#include "support/asserts.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* n_in → n_mid → n_out, identity. */
static costate_net *two_layers(size_t n_in, size_t n_mid, size_t n_out) {
    const costate_layer_spec layers[] = {{.n_out = n_mid}, {.n_out = n_out}};
    costate_net *net;
    assert_ok(costate_net_create(&(costate_net_spec){.n_in = n_in, .n_layer = 2, .layers = layers}, NULL, &net));
    return net;
}

static double *initial(const costate_net *net, costate_init scheme, double out_gain, uint64_t seed) {
    costate_random random = costate_random_seed(seed, 0);
    double *p = doubles(costate_net_n_param(net));
    assert_ok(costate_net_init_f64(net, scheme, out_gain, &random, p));
    return p;
}

typedef struct moments {
    double mean, variance, kurtosis, largest;
} moments;

static moments moments_of(const double *x, size_t n) {
    moments m = {0};
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(x[i]));
        m.mean += x[i] / (double)n;
        m.largest = fmax(m.largest, fabs(x[i]));
    }
    for (size_t i = 0; i < n; i++) {
        double d = x[i] - m.mean;
        m.variance += d * d / (double)n;
        m.kurtosis += d * d * d * d / (double)n;
    }
    m.kurtosis /= m.variance * m.variance;
    return m;
}

static const struct {
    costate_init scheme;
    bool he, uniform;
} schemes[] = {
    {COSTATE_INIT_GLOROT_UNIFORM, false, true},
    {COSTATE_INIT_GLOROT_NORMAL, false, false},
    {COSTATE_INIT_HE_UNIFORM, true, true},
    {COSTATE_INIT_HE_NORMAL, true, false},
};

/* Sampling errors of 30 000 draws: mean 6 sd/sqrt(n), variance 6 sqrt(kurtosis/n), kurtosis a little wider. */
static void init_weights_have_the_documented_distribution(void **state) {
    (void)state;
    static const size_t widths[] = {100, 300, 120};
    costate_net *net = two_layers(widths[0], widths[1], widths[2]);
    for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) {
        double *p = initial(net, schemes[s].scheme, 1.0, 11 + s);
        for (size_t l = 0; l < 2; l++) {
            costate_param_view w;
            assert_ok(costate_net_find(net, l == 0 ? "layer0.weight" : "layer1.weight", &w));
            size_t n = w.n_row * w.n_col, fan = schemes[s].he ? w.n_col : w.n_col + w.n_row;
            double variance = 2.0 / (double)fan, kurtosis = schemes[s].uniform ? 1.8 : 3.0, root = sqrt((double)n);
            moments m = moments_of(p + w.offset, n);
            assert_close(m.mean, 0.0, 0.0, 6.0 * sqrt(variance) / root);
            assert_close(m.variance, variance, 6.0 * sqrt(kurtosis) / root, 0.0);
            assert_close(m.kurtosis, kurtosis, 0.1, 0.0);
            double limit = sqrt(6.0 / (double)fan);
            if (schemes[s].uniform) {
                assert_true(m.largest <= limit && m.largest > 0.999 * limit);
            } else {
                assert_true(m.largest > limit);
            }
        }
        free(p);
    }
    costate_net_destroy(net);
}

static void init_biases_and_scheme_zeros_are_zero(void **state) {
    (void)state;
    costate_net *net = two_layers(3, 7, 2);
    for (size_t k = 1; k < costate_net_n_view(net); k += 2) {
        costate_param_view b;
        assert_ok(costate_net_view(net, k, &b));
        double *p = initial(net, COSTATE_INIT_HE_NORMAL, 1.0, 5);
        for (size_t i = 0; i < b.n_row; i++) {
            assert_true(p[b.offset + i] == 0.0);
        }
        free(p);
    }
    double *p = initial(net, COSTATE_INIT_ZEROS, 1.0, 5);
    for (size_t i = 0; i < costate_net_n_param(net); i++) {
        assert_true(p[i] == 0.0);
    }
    free(p);
    costate_net_destroy(net);
}

static void init_gives_same_values_in_both_precisions(void **state) {
    (void)state;
    costate_net *net = two_layers(5, 17, 3);
    size_t n = costate_net_n_param(net);
    float *p32 = calloc(n, sizeof *p32), *rounded = calloc(n, sizeof *rounded);
    for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++) {
        double *p = initial(net, schemes[s].scheme, 0.1, 3);
        costate_random random = costate_random_seed(3, 0);
        assert_ok(costate_net_init_f32(net, schemes[s].scheme, 0.1, &random, p32));
        for (size_t i = 0; i < n; i++) {
            rounded[i] = (float)p[i];
        }
        assert_same_bits_f32(p32, rounded, n);
        free(p);
    }
    free(rounded);
    free(p32);
    costate_net_destroy(net);
}

static void init_depends_on_seed_only(void **state) {
    (void)state;
    costate_net *net = two_layers(5, 17, 3);
    double *first = initial(net, COSTATE_INIT_GLOROT_NORMAL, 1.0, 1),
           *same = initial(net, COSTATE_INIT_GLOROT_NORMAL, 1.0, 1);
    double *other = initial(net, COSTATE_INIT_GLOROT_NORMAL, 1.0, 2);
    size_t n_equal = 0;
    assert_same_bits_f64(same, first, costate_net_n_param(net));
    for (size_t i = 0; i < 5 * 17; i++) {
        n_equal += first[i] == other[i];
    }
    assert_int_equal(n_equal, 0);
    free(other);
    free(same);
    free(first);
    costate_net_destroy(net);
}

static void init_goes_on_where_the_stream_stands(void **state) {
    (void)state;
    costate_net *net = two_layers(2, 3, 2);
    size_t n = costate_net_n_param(net);
    double *first = doubles(n), *second = doubles(n);
    costate_random random = costate_random_seed(1, 0);
    assert_ok(costate_net_init_f64(net, COSTATE_INIT_GLOROT_UNIFORM, 1.0, &random, first));
    assert_ok(costate_net_init_f64(net, COSTATE_INIT_GLOROT_UNIFORM, 1.0, &random, second));
    assert_true(first[0] != second[0]);
    free(second);
    free(first);
    costate_net_destroy(net);
}

static void init_out_gain_scales_last_layer_only(void **state) {
    (void)state;
    costate_net *net = two_layers(4, 9, 2);
    double *plain = initial(net, COSTATE_INIT_HE_UNIFORM, 1.0, 8),
           *scaled = initial(net, COSTATE_INIT_HE_UNIFORM, 0.25, 8);
    costate_param_view w;
    assert_ok(costate_net_find(net, "layer1.weight", &w));
    assert_same_bits_f64(scaled, plain, w.offset);
    for (size_t i = 0; i < w.n_row * w.n_col; i++) {
        assert_true(plain[w.offset + i] != 0.0);
        assert_close(scaled[w.offset + i], 0.25 * plain[w.offset + i], 4e-16, 0.0);
    }
    free(scaled);
    free(plain);
    costate_net_destroy(net);
}

/* A 3×5 and a 5×3 matrix have the same Glorot limit and opposite storage orders; drawn row by row they hold the same sequence. */
static void init_draws_row_by_row_whatever_the_storage(void **state) {
    (void)state;
    costate_layer_spec up = {.n_out = 5, .no_bias = true}, down = {.n_out = 3, .no_bias = true};
    costate_net *wide, *tall;
    double rows_tall[15], rows_wide[15];
    assert_ok(costate_net_create(&(costate_net_spec){.n_in = 3, .n_layer = 1, .layers = &up}, NULL, &tall));
    assert_ok(costate_net_create(&(costate_net_spec){.n_in = 5, .n_layer = 1, .layers = &down}, NULL, &wide));
    double *p_tall = initial(tall, COSTATE_INIT_GLOROT_NORMAL, 1.0, 4),
           *p_wide = initial(wide, COSTATE_INIT_GLOROT_NORMAL, 1.0, 4);
    assert_ok(costate_net_export_f64(tall, COSTATE_ORDER_ROW_MAJOR, p_tall, rows_tall));
    assert_ok(costate_net_export_f64(wide, COSTATE_ORDER_ROW_MAJOR, p_wide, rows_wide));
    assert_same_bits_f64(rows_wide, rows_tall, 15);
    free(p_wide);
    free(p_tall);
    costate_net_destroy(wide);
    costate_net_destroy(tall);
}

static void init_errors_are_reported(void **state) {
    (void)state;
    costate_net *net = two_layers(1, 1, 1);
    costate_random random = costate_random_seed(1, 0);
    double p[4] = {0};
    float p32[4] = {0};
    const costate_init good = COSTATE_INIT_HE_NORMAL, unknown = (costate_init)(COSTATE_INIT_ZEROS + 1);
    assert_status(costate_net_init_f64(NULL, good, 1.0, &random, p), COSTATE_ERR_NULL);
    assert_status(costate_net_init_f64(net, good, 1.0, NULL, p), COSTATE_ERR_NULL);
    assert_status(costate_net_init_f64(net, good, 1.0, &random, NULL), COSTATE_ERR_NULL);
    assert_status(costate_net_init_f64(net, unknown, 1.0, &random, p), COSTATE_ERR_ARGUMENT);
    assert_status(costate_net_init_f32(NULL, good, 1.0, &random, p32), COSTATE_ERR_NULL);
    assert_status(costate_net_init_f32(net, good, 1.0, NULL, p32), COSTATE_ERR_NULL);
    assert_status(costate_net_init_f32(net, good, 1.0, &random, NULL), COSTATE_ERR_NULL);
    assert_status(costate_net_init_f32(net, unknown, 1.0, &random, p32), COSTATE_ERR_ARGUMENT);
    costate_net_destroy(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_weights_have_the_documented_distribution),
        cmocka_unit_test(init_biases_and_scheme_zeros_are_zero),
        cmocka_unit_test(init_gives_same_values_in_both_precisions),
        cmocka_unit_test(init_depends_on_seed_only),
        cmocka_unit_test(init_goes_on_where_the_stream_stands),
        cmocka_unit_test(init_out_gain_scales_last_layer_only),
        cmocka_unit_test(init_draws_row_by_row_whatever_the_storage),
        cmocka_unit_test(init_errors_are_reported),
    };
    return cmocka_run_group_tests_name("net_init", tests, NULL, NULL);
}
