/* SPDX-License-Identifier: MIT */
/* Recurrent layers on tiles, against their formulas in complex long double. */
#include "layer_probe.h"
#include "net_battery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum unit_kind { RNN, GRU, LSTM, N_UNIT_KIND } unit_kind;
static const size_t gates[] = {1, 3, 4};

static costate_chain_layer make_layer(unit_kind kind, size_t n_out) {
    costate_chain_layer (*const make[])(size_t) = {costate_chain_rnn, costate_chain_gru, costate_chain_lstm};
    return make[kind](n_out);
}

static unit_kind kind_of(const costate_chain_layer *layer) {
    unit_kind kind = RNN;
    while (kind < LSTM && layer->kind != make_layer(kind, 1).kind) {
        kind++;
    }
    return kind;
}

enum { MAX_UNIT = 80 };

static wide sigmoid(wide z) { return 1.0L / (1.0L + cexpl(-z)); }

/* ctanhl() itself loses the smallest imaginary parts. */
static wide tangent(wide z) { return 1.0L - 2.0L / (1.0L + cexpl(2.0L * z)); }

/* One step of one layer: rows of input products a = W x + b and state products s = U h + d. */
static void reference_step(unit_kind kind, size_t n, const wide *a, const wide *s, wide *h, wide *c) {
    for (size_t j = 0; j < n; j++) {
        if (kind == RNN) {
            h[j] = tangent(a[j] + s[j]);
        } else if (kind == GRU) {
            const wide r = sigmoid(a[j] + s[j]), z = sigmoid(a[n + j] + s[n + j]);
            h[j] = (1.0L - z) * tangent(a[2 * n + j] + r * s[2 * n + j]) + z * h[j];
        } else {
            const wide i = sigmoid(a[j] + s[j]), f = sigmoid(a[n + j] + s[n + j]);
            const wide g = tangent(a[2 * n + j] + s[2 * n + j]), o = sigmoid(a[3 * n + j] + s[3 * n + j]);
            c[j] = f * c[j] + i * g;
            h[j] = o * tangent(c[j]);
        }
    }
}

static void reference(const costate_chain_layer *layer, costate_shape in, const wide *p, const wide *x, wide *y) {
    const unit_kind kind = kind_of(layer);
    const size_t n = layer->n_out, n_row = gates[kind] * n, n_in = in.n_channel, n_step = in.width;
    const wide *W = p, *U = W + n_row * n_in, *b = U + n_row * n, *d = b + n_row;
    wide a[4 * MAX_UNIT], s[4 * MAX_UNIT], h[MAX_UNIT] = {0}, c[MAX_UNIT] = {0};
    assert_true(n <= MAX_UNIT);
    for (size_t t = 0; t < n_step; t++) {
        for (size_t i = 0; i < n_row; i++) {
            a[i] = layer->no_bias ? 0.0L : b[i];
            s[i] = layer->no_bias ? 0.0L : d[i];
            for (size_t k = 0; k < n_in; k++) {
                a[i] += W[i * n_in + k] * x[k * n_step + t];
            }
            for (size_t k = 0; k < n; k++) {
                s[i] += U[i * n + k] * h[k];
            }
        }
        reference_step(kind, n, a, s, h, c);
        for (size_t j = 0; j < n && layer->whole_sequence; j++) {
            y[j * n_step + t] = h[j];
        }
    }
    if (!layer->whole_sequence) {
        memcpy(y, h, n * sizeof *h);
    }
}

static layer_case case_of(unit_kind kind, size_t n_in, size_t n_out, size_t n_step, size_t n, size_t row) {
    return (layer_case){.layer = make_layer(kind, n_out), .in = {n_in, 1, n_step}, .n = n, .row = row};
}

static void layers_match_their_formulas(void **state) {
    (void)state;
    static const size_t sizes[][5] = {/* features, units, steps, samples, row */
                                      {1, 1, 1, 1, 16},  {2, 3, 1, 17, 32}, {3, 2, 5, 16, 16},
                                      {1, 4, 7, 15, 16}, {5, 3, 4, 33, 48}, {4, 5, 17, 2, 16},
                                      {2, 1, 33, 3, 16}, {3, 4, 6, 64, 64}, {2, 2, 3, 77, 80}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (unit_kind kind = RNN; kind < N_UNIT_KIND; kind++) {
            for (int form = 0; form < 8; form++) {
                layer_case the = case_of(kind, sizes[k][0], sizes[k][1], sizes[k][2], sizes[k][3], sizes[k][4]);
                the.layer.whole_sequence = form & 1;
                the.layer.no_bias = form & 2;
                the.layer.accuracy = form & 4 ? COSTATE_ACCURACY_ACCURATE : COSTATE_ACCURACY_FAST;
                if (form == (int)(k % 8) || sizes[k][3] * sizes[k][2] < 60) {
                    layer_check(&the, reference, 0.5, 0);
                }
            }
        }
    }
}

static void layers_of_any_width_have_right_slopes(void **state) {
    (void)state;
    for (size_t n_out = 1; n_out <= 19; n_out++) {
        for (unit_kind kind = RNN; kind < N_UNIT_KIND; kind++) {
            layer_case the = case_of(kind, 1 + n_out * 7 % 19, n_out, 3 + n_out % 3, 1 + n_out * 5 % 64, 64);
            the.layer.whole_sequence = n_out % 2;
            layer_check(&the, reference, 0.2, 2);
        }
    }
}

static void long_sequences_have_right_slopes(void **state) {
    (void)state;
    for (unit_kind kind = RNN; kind < N_UNIT_KIND; kind++) {
        layer_case the = case_of(kind, 2, 6, 200, 5, 16);
        layer_check(&the, reference, 0.1, 2);
        the.layer.whole_sequence = true;
        layer_check(&the, reference, 0.1, 2);
        the = case_of(kind, 9, 70, 20, 9, 32);
        layer_check(&the, reference, 0.0, 2);
    }
}

static void vjp_of_one_argument_gives_the_same(void **state) {
    (void)state;
    for (unit_kind kind = RNN; kind < N_UNIT_KIND; kind++) {
        const layer_case the = case_of(kind, 3, 5, 18, 19, 32);
        layer_data both = layer_data_make(&the, 0.1, 1), one = layer_data_make(&the, 0.1, 1);
        layer_run(&the, &both, LAYER_F64, LAYER_BOTH);
        layer_run(&the, &one, LAYER_F64, LAYER_XBAR);
        assert_same_bits_f64(one.xbar, both.xbar, the.n * both.n_in);
        layer_run(&the, &one, LAYER_F64, LAYER_PBAR);
        assert_same_bits_f64(one.pbar, both.pbar, both.n_param);
        layer_data_release(&both);
        layer_data_release(&one);
    }
}

/* Samples are lanes: which ones share a tile, and its width, change nothing for them. */
static void samples_do_not_depend_on_their_tile(void **state) {
    (void)state;
    const size_t first = 40;
    for (unit_kind kind = RNN; kind < N_UNIT_KIND; kind++) {
        const layer_case many = case_of(kind, 3, 9, 6, 150, 160), few = case_of(kind, 3, 9, 6, 11, 16);
        layer_data all = layer_data_make(&many, 0.1, 1), some = layer_data_make(&few, 0.1, 1);
        const size_t x = first * all.n_in, v = first * all.n_out;
        memcpy(some.p, all.p, some.n_param * sizeof *some.p);
        memcpy(some.x, all.x + x, few.n * some.n_in * sizeof *some.x);
        memcpy(some.v, all.v + v, few.n * some.n_out * sizeof *some.v);
        layer_run(&many, &all, LAYER_F64, LAYER_BOTH);
        layer_run(&few, &some, LAYER_F64, LAYER_BOTH);
        assert_same_bits_f64(some.y, all.y + v, few.n * some.n_out);
        assert_same_bits_f64(some.xbar, all.xbar + x, few.n * some.n_in);
        layer_data_release(&all);
        layer_data_release(&some);
    }
}

static void nan_reaches_its_own_sample_and_later_steps_alone(void **state) {
    (void)state;
    for (unit_kind kind = RNN; kind < N_UNIT_KIND; kind++) {
        layer_case the = case_of(kind, 2, 3, 5, 20, 32);
        the.layer.whole_sequence = true;
        layer_data data = layer_data_make(&the, 0.1, 1);
        data.x[7 * data.n_in + 5 + 2] = (double)NAN;
        for (layer_precision precision = LAYER_F64; precision <= LAYER_F32; precision++) {
            layer_run(&the, &data, precision, LAYER_BOTH);
            for (size_t i = 0; i < the.n * data.n_out; i++) {
                assert_int_equal(isnan(data.y[i]) != 0, i / data.n_out == 7 && i % the.in.width >= 2);
            }
            for (size_t i = 0; i < the.n * data.n_in; i++) {
                assert_int_equal(isnan(data.xbar[i]) != 0, i / data.n_in == 7);
            }
            assert_true(isnan(data.pbar[0]));
        }
        layer_data_release(&data);
    }
}

/* Gates far outside: the cell is open and shut, and no infinity turns into NaN. */
static void saturated_gates_have_finite_derivatives(void **state) {
    (void)state;
    for (unit_kind kind = RNN; kind < N_UNIT_KIND; kind++) {
        const layer_case the = case_of(kind, 2, 3, 4, 3, 16);
        layer_data data = layer_data_make(&the, 0.1, 1);
        for (size_t i = 0; i < the.n * data.n_in; i++) {
            data.x[i] *= 1e30;
        }
        for (layer_precision precision = LAYER_F64; precision <= LAYER_F32; precision++) {
            layer_run(&the, &data, precision, LAYER_BOTH);
            assert_all_finite(data.y, the.n * data.n_out);
            assert_all_finite(data.xbar, the.n * data.n_in);
            assert_all_finite(data.pbar, data.n_param);
        }
        layer_data_release(&data);
    }
}

static void fused_variants_give_the_same_bits(void **state) {
    (void)state;
    for (unit_kind kind = RNN; kind < N_UNIT_KIND; kind++) {
        layer_case cases[] = {case_of(kind, 3, 5, 7, 13, 16), case_of(kind, 6, 11, 19, 77, 80),
                              case_of(kind, 1, 9, 3, 100, 112), case_of(kind, 3, 8, 4, 16, 16)};
        cases[3].layer.whole_sequence = true;
        layer_check_isas(cases, sizeof cases / sizeof *cases);
    }
}

static void plan_has_the_blocks_of_the_layout(void **state) {
    (void)state;
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    for (unit_kind kind = RNN; kind < N_UNIT_KIND; kind++) {
        costate_chain_layer layer = make_layer(kind, 4);
        const size_t n_row = 4 * gates[kind], lengths[] = {3 * n_row, 4 * n_row, n_row, n_row};
        costate_chain_plan plan = {.n_block = 0};
        assert_ok(layer.kind->plan(&layer, (costate_shape){3, 1, 6}, &plan));
        assert_int_equal(plan.n_block, 4);
        for (size_t k = 0; k < 4; k++) {
            assert_string_equal(plan.block[k].name, names[k]);
            assert_int_equal(plan.block[k].length, lengths[k]);
            assert_int_equal(plan.block[k].is_bias, k >= 2);
            assert_close(plan.block[k].bound, 0.5, 1e-15, 0.0);
            assert_close(plan.block[k].value, 0.0, 0.0, 0.0);
        }
        assert_true(plan.out.n_channel == 4 && plan.out.height == 1 && plan.out.width == 1);
        layer.no_bias = layer.whole_sequence = true;
        plan = (costate_chain_plan){.n_block = 0};
        assert_ok(layer.kind->plan(&layer, (costate_shape){3, 1, 6}, &plan));
        assert_int_equal(plan.n_block, 2);
        assert_true(plan.out.n_channel == 4 && plan.out.height == 1 && plan.out.width == 6);
    }
}

static void plan_refuses_what_it_cannot_take(void **state) {
    (void)state;
    for (unit_kind kind = RNN; kind < N_UNIT_KIND; kind++) {
        costate_chain_layer layer = make_layer(kind, 4);
        costate_chain_plan plan = {.n_block = 0};
        assert_status(layer.kind->plan(&layer, (costate_shape){3, 2, 6}, &plan), COSTATE_ERR_SIZE);
        assert_status(layer.kind->plan(&layer, (costate_shape){SIZE_MAX / 2, 1, 1}, &plan), COSTATE_ERR_OVERFLOW);
        assert_status(layer.kind->plan(&layer, (costate_shape){1, 1, SIZE_MAX / 2}, &plan), COSTATE_ERR_OVERFLOW);
        layer.n_out = SIZE_MAX / 2;
        assert_status(layer.kind->plan(&layer, (costate_shape){1, 1, 1}, &plan), COSTATE_ERR_OVERFLOW);
        layer.n_out = 0;
        assert_status(layer.kind->plan(&layer, (costate_shape){3, 1, 6}, &plan), COSTATE_ERR_ARGUMENT);
    }
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_match_their_formulas),
        cmocka_unit_test(layers_of_any_width_have_right_slopes),
        cmocka_unit_test(long_sequences_have_right_slopes),
        cmocka_unit_test(vjp_of_one_argument_gives_the_same),
        cmocka_unit_test(samples_do_not_depend_on_their_tile),
        cmocka_unit_test(nan_reaches_its_own_sample_and_later_steps_alone),
        cmocka_unit_test(saturated_gates_have_finite_derivatives),
        cmocka_unit_test(fused_variants_give_the_same_bits),
        cmocka_unit_test(plan_has_the_blocks_of_the_layout),
        cmocka_unit_test(plan_refuses_what_it_cannot_take),
    };
    return cmocka_run_group_tests_name("chain_recurrent", tests, NULL, NULL);
}
