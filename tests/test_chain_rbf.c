/* SPDX-License-Identifier: MIT */
/* Radial basis functions on tiles, against their formula in complex long double. */
#include "layer_probe.h"
#include "net_battery.h"

#include <math.h>

static void reference(const costate_chain_layer *layer, costate_shape in, const wide *p, const wide *x, wide *y) {
    const size_t n_in = costate_shape_size(in), n_out = layer->n_out;
    for (size_t j = 0; j < n_out; j++) {
        const wide s = p[n_in * n_out + j];
        wide sum = 0.0L;
        for (size_t i = 0; i < n_in; i++) {
            sum += (x[i] - p[j * n_in + i]) * (x[i] - p[j * n_in + i]);
        }
        y[j] = cexpl(-s * s * sum);
    }
}

static layer_case case_of(costate_shape in, size_t n_out, size_t n, size_t row) {
    return (layer_case){.layer = costate_chain_rbf(n_out), .in = in, .n = n, .row = row};
}

static void layer_matches_its_formula(void **state) {
    (void)state;
    static const size_t sizes[][4] = {/* elements, centres, samples, row */
                                      {1, 1, 1, 16},  {2, 3, 15, 16}, {5, 4, 17, 32}, {4, 9, 33, 48},
                                      {7, 2, 77, 80}, {3, 6, 64, 64}, {8, 8, 16, 16}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        layer_case the = case_of(costate_shape_vector(sizes[k][0]), sizes[k][1], sizes[k][2], sizes[k][3]);
        layer_check(&the, reference, 0.5, 0);
        the.layer.accuracy = COSTATE_ACCURACY_ACCURATE;
        layer_check(&the, reference, 0.5, 0);
    }
    const layer_case image = case_of((costate_shape){2, 3, 2}, 5, 9, 16);
    layer_check(&image, reference, 0.5, 0);
}

static void layer_of_any_size_has_right_slopes(void **state) {
    (void)state;
    for (size_t n_out = 1; n_out <= 40; n_out += 3) {
        const layer_case the = case_of(costate_shape_vector(1 + n_out * 7 % 23), n_out, 1 + n_out * 5 % 144, 144);
        layer_check(&the, reference, 0.1, 2);
    }
}

/* Near a centre far from zero ‖x‖² − 2 c·x + ‖c‖² has no digit left. */
static void distance_near_a_far_centre_is_accurate(void **state) {
    (void)state;
    const layer_case the = case_of(costate_shape_vector(3), 2, 5, 16);
    layer_data data = layer_data_make(&the, 0.0, 1);
    for (size_t i = 0; i < the.n * 3; i++) {
        data.x[i] = 4096.0 + (double)(i % 7) / 8.0;
    }
    for (size_t i = 0; i < 6; i++) {
        data.p[i] = 4096.0 + (double)(i % 5) / 4.0;
    }
    for (layer_precision precision = LAYER_F64; precision <= LAYER_F32; precision++) {
        layer_run(&the, &data, precision, LAYER_BOTH);
        for (size_t s = 0; s < the.n; s++) {
            double sum = 0.0;
            for (size_t i = 0; i < 3; i++) {
                sum += (data.x[s * 3 + i] - data.p[i]) * (data.x[s * 3 + i] - data.p[i]);
            }
            assert_close(data.y[s * 2], exp(-data.p[6] * data.p[6] * sum), precision == LAYER_F64 ? 1e-14 : 1e-6, 0.0);
        }
    }
    layer_data_release(&data);
}

static void samples_out_of_reach_have_zero_derivatives(void **state) {
    (void)state;
    const layer_case the = case_of(costate_shape_vector(2), 3, 4, 16);
    layer_data data = layer_data_make(&the, 0.1, 1);
    for (size_t i = 0; i < the.n * 2; i++) {
        data.x[i] = 1e25;
    }
    for (layer_precision precision = LAYER_F64; precision <= LAYER_F32; precision++) {
        layer_run(&the, &data, precision, LAYER_BOTH);
        for (size_t i = 0; i < the.n * 3; i++) {
            assert_close(data.y[i], 0.0, 0.0, 0.0);
        }
        for (size_t i = 0; i < the.n * 2; i++) {
            assert_close(data.xbar[i], 0.0, 0.0, 0.0);
        }
        assert_same_bits_f64(data.pbar, data.start, data.n_param);
    }
    layer_data_release(&data);
}

static void vjp_of_one_argument_gives_the_same(void **state) {
    (void)state;
    const layer_case the = case_of(costate_shape_vector(6), 7, 19, 32);
    layer_data both = layer_data_make(&the, 0.1, 1), one = layer_data_make(&the, 0.1, 1);
    layer_run(&the, &both, LAYER_F32, LAYER_BOTH);
    layer_run(&the, &one, LAYER_F32, LAYER_XBAR);
    assert_same_bits_f64(one.xbar, both.xbar, the.n * both.n_in);
    layer_run(&the, &one, LAYER_F32, LAYER_PBAR);
    assert_same_bits_f64(one.pbar, both.pbar, both.n_param);
    layer_data_release(&both);
    layer_data_release(&one);
}

static void nan_stays_in_its_sample(void **state) {
    (void)state;
    const layer_case the = case_of(costate_shape_vector(3), 5, 20, 32);
    layer_data data = layer_data_make(&the, 0.1, 1);
    data.x[7 * 3 + 1] = (double)NAN;
    for (layer_precision precision = LAYER_F64; precision <= LAYER_F32; precision++) {
        layer_run(&the, &data, precision, LAYER_BOTH);
        for (size_t i = 0; i < the.n * 5; i++) {
            assert_int_equal(isnan(data.y[i]) != 0, i / 5 == 7);
        }
        for (size_t i = 0; i < the.n * 3; i++) {
            assert_int_equal(isnan(data.xbar[i]) != 0, i / 3 == 7);
        }
        assert_true(isnan(data.pbar[1]) && isnan(data.pbar[3 * 5]));
    }
    layer_data_release(&data);
}

static void fused_variants_give_the_same_bits(void **state) {
    (void)state;
    const layer_case cases[] = {case_of(costate_shape_vector(5), 6, 13, 16),
                                case_of(costate_shape_vector(9), 5, 77, 80),
                                case_of(costate_shape_vector(4), 8, 112, 112)};
    layer_check_isas(cases, sizeof cases / sizeof *cases);
}

static void plan_has_centres_and_inverse_widths(void **state) {
    (void)state;
    costate_chain_layer layer = costate_chain_rbf(5);
    costate_chain_plan plan = {.n_block = 0};
    assert_ok(layer.kind->plan(&layer, (costate_shape){2, 4, 2}, &plan));
    assert_int_equal(plan.n_block, 2);
    assert_string_equal(plan.block[0].name, "centre");
    assert_int_equal(plan.block[0].length, 80);
    assert_close(plan.block[0].value, 0.0, 0.0, 0.0);
    assert_close(plan.block[0].bound, 1.0, 0.0, 0.0);
    assert_string_equal(plan.block[1].name, "inverse_width");
    assert_int_equal(plan.block[1].length, 5);
    assert_close(plan.block[1].value, 0.25, 0.0, 0.0);
    assert_close(plan.block[1].bound, 0.0, 0.0, 0.0);
    assert_true(plan.out.n_channel == 5 && plan.out.height == 1 && plan.out.width == 1);
}

static void plan_refuses_what_it_cannot_take(void **state) {
    (void)state;
    costate_chain_layer layer = costate_chain_rbf(0);
    costate_chain_plan plan = {.n_block = 0};
    assert_status(layer.kind->plan(&layer, costate_shape_vector(3), &plan), COSTATE_ERR_ARGUMENT);
    layer.n_out = SIZE_MAX / 2;
    assert_status(layer.kind->plan(&layer, costate_shape_vector(3), &plan), COSTATE_ERR_OVERFLOW);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_matches_its_formula),
        cmocka_unit_test(layer_of_any_size_has_right_slopes),
        cmocka_unit_test(distance_near_a_far_centre_is_accurate),
        cmocka_unit_test(samples_out_of_reach_have_zero_derivatives),
        cmocka_unit_test(vjp_of_one_argument_gives_the_same),
        cmocka_unit_test(nan_stays_in_its_sample),
        cmocka_unit_test(fused_variants_give_the_same_bits),
        cmocka_unit_test(plan_has_centres_and_inverse_widths),
        cmocka_unit_test(plan_refuses_what_it_cannot_take),
    };
    return cmocka_run_group_tests_name("chain_rbf", tests, NULL, NULL);
}
