/* SPDX-License-Identifier: MIT */
/* Forward evaluation, single and in batches. */
#include "net_battery.h"

#include <math.h>
#include <stdlib.h>

static void check_reference(const net_fixture *fixture, const net_calls *calls) {
    reference_net ref = net_calls_reference(calls, fixture);
    double *y = doubles(fixture->n_out);
    reference_value *want = references(fixture->n_out);
    reference_forward(&ref, fixture->p, fixture->x, want);
    call_forward(calls, fixture->p, fixture->x, y);
    assert_matches_reference("y", y, want, fixture->n_out, ref.u);
    free(want);
    free(y);
}

static void forward_every_pair_of_widths_matches_reference(void **state) {
    (void)state;
    net_battery_layers(NET_BATTERY_WIDTH, NET_BATTERY_WIDTH, check_reference);
}

static void forward_table_matches_reference(void **state) {
    (void)state;
    net_battery_table(check_reference);
}

static void forward_random_net_matches_reference(void **state) {
    (void)state;
    net_battery_random(150, 20, check_reference);
}

static void check_placements(const net_fixture *fixture, const net_calls *calls) {
    double *y = doubles(fixture->n_out), *again = doubles(fixture->n_out);
    call_forward(calls, fixture->p, fixture->x, y);
    for (int placement = 0; placement < N_NET_PLACEMENT; placement++) {
        net_calls elsewhere = {calls->net, calls->real, (net_placement)placement};
        call_forward(&elsewhere, fixture->p, fixture->x, again);
        assert_same_bits_f64(again, y, fixture->n_out);
    }
    free(again);
    free(y);
}

static void forward_misaligned_gives_same_bits(void **state) {
    (void)state;
    net_battery_table(check_placements);
    net_battery_random(50, 40, check_placements);
}

static void check_batch(const net_fixture *fixture, const net_calls *calls) {
    enum { N = 37 };
    costate_random random = costate_random_seed(fixture->seed, 1);
    double *x = doubles(N * fixture->n_in), *batch = doubles(N * fixture->n_out), *loop = doubles(N * fixture->n_out);
    fill_representable(&random, x, N * fixture->n_in);
    for (size_t k = 0; k < N; k++) {
        call_forward(calls, fixture->p, x + k * fixture->n_in, loop + k * fixture->n_out);
    }
    static const size_t counts[] = {0, 1, 2, 3, 8, N};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        call_forward_batch(calls, fixture->p, counts[c], x, batch);
        assert_same_bits_f64(batch, loop, counts[c] * fixture->n_out);
    }
    free(loop);
    free(batch);
    free(x);
}

static void forward_batch_equals_loop_bit_for_bit(void **state) {
    (void)state;
    net_battery_table(check_batch);
}

static void check_nan_reaches_every_output(const net_fixture *fixture, const net_calls *calls) {
    double *x = doubles(fixture->n_in), *y = doubles(fixture->n_out);
    for (size_t bad = 0; bad < fixture->n_in; bad++) {
        for (size_t j = 0; j < fixture->n_in; j++) {
            x[j] = j == bad ? (double)NAN : fixture->x[j];
        }
        call_forward(calls, fixture->p, x, y);
        for (size_t i = 0; i < fixture->n_out; i++) {
            if (!isnan(y[i])) {
                fail_msg("y[%zu] is %g for NaN in x[%zu]", i, y[i], bad);
            }
        }
    }
    free(y);
    free(x);
}

static void forward_nan_input_gives_nan_everywhere(void **state) {
    (void)state;
    net_battery_table(check_nan_reaches_every_output);
    net_battery_layers(5, NET_BATTERY_WIDTH, check_nan_reaches_every_output);
}

/* A NaN in one unit's weight must not leak into other units through a shared vector register or a masked tail. */
static void check_nan_stays_in_its_unit(const net_fixture *fixture, const net_calls *calls) {
    costate_param_view w;
    assert_ok(costate_net_find(fixture->net, "layer0.weight", &w));
    double *p = doubles(fixture->n_param), *y = doubles(fixture->n_out), *clean = doubles(fixture->n_out);
    call_forward(calls, fixture->p, fixture->x, clean);
    for (size_t bad = 0; bad < fixture->n_out; bad++) {
        for (size_t k = 0; k < fixture->n_param; k++) {
            p[k] = fixture->p[k];
        }
        p[w.offset + bad * w.row_stride] = (double)NAN;
        call_forward(calls, p, fixture->x, y);
        assert_true(isnan(y[bad]));
        y[bad] = clean[bad];
        assert_same_bits_f64(y, clean, fixture->n_out);
    }
    free(clean);
    free(y);
    free(p);
}

static void forward_nan_weight_stays_in_its_unit(void **state) {
    (void)state;
    net_battery_layers(NET_BATTERY_WIDTH, 9, check_nan_stays_in_its_unit);
    net_battery_layers(9, NET_BATTERY_WIDTH, check_nan_stays_in_its_unit);
}

static void forward_infinite_input_saturates(void **state) {
    (void)state;
    for (size_t n_out = 1; n_out <= NET_BATTERY_WIDTH; n_out++) {
        net_shape shape = net_shape_layer(7, n_out, COSTATE_ACT_TANH, false);
        net_fixture fixture;
        net_fixture_make(&fixture, &shape, 7 + n_out);
        fixture.x[6] = (double)-INFINITY;
        costate_param_view w;
        assert_ok(costate_net_find(fixture.net, "layer0.weight", &w));
        for (int real = 0; real < N_NET_REAL; real++) {
            double y[NET_BATTERY_WIDTH];
            call_forward(&(net_calls){fixture.net, (net_real)real, PLACE_END}, fixture.p, fixture.x, y);
            for (size_t i = 0; i < n_out; i++) {
                double weight = fixture.p[w.offset + i * w.row_stride + 6 * w.col_stride];
                assert_true(y[i] == copysign(1.0, -weight));
            }
        }
        net_fixture_release(&fixture);
    }
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        net_battery_test(forward_every_pair_of_widths_matches_reference),
        net_battery_test(forward_table_matches_reference),
        net_battery_test(forward_random_net_matches_reference),
        net_battery_test(forward_misaligned_gives_same_bits),
        net_battery_test(forward_batch_equals_loop_bit_for_bit),
        net_battery_test(forward_nan_input_gives_nan_everywhere),
        net_battery_test(forward_nan_weight_stays_in_its_unit),
        cmocka_unit_test(forward_infinite_input_saturates),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
