/* SPDX-License-Identifier: MIT */
/* Batches by tiles: against the reference sample by sample, tails, tiles, padding, variants and the contract. */
#include "isa_environment.h"
#include "net_battery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Samples with cotangents, and what the calls make of them. */
typedef struct batch {
    size_t n;
    double *x, *v, *y, *xbar, *pbar;
} batch;

static batch batch_make(const net_fixture *fixture, size_t n) {
    costate_random random = costate_random_seed(fixture->seed, n);
    batch b = {n,
               doubles(n * fixture->n_in + 1),
               doubles(n * fixture->n_out + 1),
               doubles(n * fixture->n_out + 1),
               doubles(n * fixture->n_in + 1),
               doubles(fixture->n_param)};
    fill_representable(&random, b.x, n * fixture->n_in);
    fill_representable(&random, b.v, n * fixture->n_out);
    memcpy(b.pbar, fixture->pbar, fixture->n_param * sizeof *b.pbar);
    return b;
}

static void batch_release(batch *b) {
    double *arrays[] = {b->x, b->v, b->y, b->xbar, b->pbar};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

static void batch_evaluate(const net_calls *calls, const net_fixture *fixture, batch *b, double scale) {
    call_forward_tiles(calls, fixture->p, b->n, b->x, b->y);
    call_vjp_tiles(calls, fixture->p, b->n, b->x, b->v, scale, b->xbar, b->pbar);
}

static void add_reference(reference_value *sum, const reference_value *term, size_t n) {
    for (size_t i = 0; i < n; i++) {
        sum[i].value += term[i].value;
        sum[i].magnitude += term[i].magnitude;
        sum[i].error += term[i].error;
    }
}

static void check_count(const net_fixture *fixture, const net_calls *calls, size_t n) {
    const double scale = -0.75;
    batch b = batch_make(fixture, n);
    reference_net ref = net_calls_reference(calls, fixture);
    reference_value *y = references(fixture->n_out), *xbar = references(fixture->n_in);
    reference_value *pbar = references(fixture->n_param), *term = references(fixture->n_param);
    double *zero = doubles(fixture->n_param);
    for (size_t i = 0; i < fixture->n_param; i++) {
        pbar[i] = reference_exact(fixture->pbar[i]);
    }
    batch_evaluate(calls, fixture, &b, scale);
    for (size_t k = 0; k < n; k++) {
        const double *x = b.x + k * fixture->n_in, *v = b.v + k * fixture->n_out;
        reference_forward(&ref, fixture->p, x, y);
        reference_vjp(&ref, fixture->p, x, v, scale, zero, xbar, term);
        assert_matches_reference("y", b.y + k * fixture->n_out, y, fixture->n_out, ref.u);
        assert_matches_reference("xbar", b.xbar + k * fixture->n_in, xbar, fixture->n_in, ref.u);
        add_reference(pbar, term, fixture->n_param);
    }
    for (size_t i = 0; i < fixture->n_param; i++) {
        pbar[i].error += (long double)(n + 1) * ref.u * pbar[i].magnitude;
    }
    assert_matches_reference("pbar", b.pbar, pbar, fixture->n_param, ref.u);
    free(y);
    free(xbar);
    free(pbar);
    free(term);
    free(zero);
    batch_release(&b);
}

static size_t lanes(const net_calls *calls) { return calls->real == NET_F64 ? 8 : 16; }

static void check_some_counts(const net_fixture *fixture, const net_calls *calls) {
    const size_t counts[] = {lanes(calls) - 1, lanes(calls), 5 * lanes(calls) + 3};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        check_count(fixture, calls, counts[c]);
    }
}

static void batch_on_table_matches_reference(void **state) {
    (void)state;
    net_battery_table(check_some_counts);
}

static void batch_on_random_nets_matches_reference(void **state) {
    (void)state;
    net_battery_random(60, 20, check_some_counts);
}

static void check_one_count(const net_fixture *fixture, const net_calls *calls) {
    check_count(fixture, calls, lanes(calls) + 1);
}

static void batch_on_every_width_matches_reference(void **state) {
    (void)state;
    net_battery_layers(40, 5, check_one_count);
    net_battery_layers(5, 40, check_one_count);
    net_battery_layers(10, 10, check_one_count);
}

/* Two layers with the activation and, by turns, scales and no bias. */
static void for_each_activation(net_check check) {
    for (int act = 0; act < COSTATE_ACT_COUNT; act++) {
        for (int accuracy = 0; accuracy < 2; accuracy++) {
            net_shape shape = {.n_in = 3, .n_layer = 3, .affine = accuracy == 0 ? 0 : NET_AFFINE};
            shape.accuracy = accuracy == 0 ? COSTATE_ACCURACY_FAST : COSTATE_ACCURACY_ACCURATE;
            shape.input_act = act % 2 == 0 ? COSTATE_ACT_IDENTITY : COSTATE_ACT_CUBE;
            shape.layers[0] = (costate_layer_spec){.n_out = 6, .act = (costate_act)act};
            shape.layers[1] = (costate_layer_spec){.n_out = 5, .act = (costate_act)act, .no_bias = act % 3 == 0};
            shape.layers[2] = (costate_layer_spec){.n_out = 2, .act = act % 2 == 0 ? (costate_act)act : 0};
            net_fixture fixture;
            net_fixture_make(&fixture, &shape, (uint64_t)act);
            for (int real = 0; real < N_NET_REAL; real++) {
                check(&fixture, &(net_calls){fixture.net, (net_real)real, (net_placement)((act + real) % 3)});
            }
            net_fixture_release(&fixture);
        }
    }
}

static void check_every_count(const net_fixture *fixture, const net_calls *calls) {
    for (size_t n = 0; n <= 2 * lanes(calls) + 1; n++) {
        check_count(fixture, calls, n);
    }
}

static void batch_of_every_count_matches_reference(void **state) {
    (void)state;
    for_each_activation(check_every_count);
}

/* More than one tile, the last of one sample, in whole and in half a vector. */
static void check_tiles(const net_fixture *fixture, const net_calls *calls) {
    check_count(fixture, calls, 16 * lanes(calls) + 1);
    check_count(fixture, calls, 33 * lanes(calls) + lanes(calls) / 2);
}

static void batch_of_several_tiles_matches_reference(void **state) {
    (void)state;
    for_each_activation(check_tiles);
}

static void check_selection(const net_fixture *fixture, const net_calls *calls) {
    batch b = batch_make(fixture, 20 * lanes(calls) + 5);
    double *xbar = doubles(b.n * fixture->n_in), *pbar = doubles(fixture->n_param);
    batch_evaluate(calls, fixture, &b, 1.25);
    for (int placement = 0; placement < N_NET_PLACEMENT; placement++) {
        net_calls elsewhere = {calls->net, calls->real, (net_placement)placement};
        memcpy(pbar, fixture->pbar, fixture->n_param * sizeof *pbar);
        call_vjp_tiles(&elsewhere, fixture->p, b.n, b.x, b.v, 1.25, NULL, pbar);
        call_vjp_tiles(&elsewhere, fixture->p, b.n, b.x, b.v, 1.25, xbar, NULL);
        call_vjp_tiles(&elsewhere, fixture->p, b.n, b.x, b.v, 1.25, NULL, NULL);
        assert_same_bits_f64(xbar, b.xbar, b.n * fixture->n_in);
        assert_same_bits_f64(pbar, b.pbar, fixture->n_param);
    }
    free(xbar);
    free(pbar);
    batch_release(&b);
}

static void batch_of_either_gives_same_bits_as_both(void **state) {
    (void)state;
    net_battery_table(check_selection);
}

/* A row's results are its own: a NaN elsewhere changes no bit of them, and the sums over all rows become NaN. */
static void check_nan(const net_fixture *fixture, const net_calls *calls) {
    size_t n = 3 * lanes(calls) + 2, bad = lanes(calls) + 3, n_in = fixture->n_in, n_out = fixture->n_out;
    batch clean = batch_make(fixture, n), spoilt = batch_make(fixture, n);
    for (size_t i = 0; i < n_in; i++) {
        spoilt.x[bad * n_in + i] = (double)NAN;
    }
    for (size_t i = 0; i < n_out; i++) {
        spoilt.v[bad * n_out + i] = (double)NAN;
    }
    batch_evaluate(calls, fixture, &clean, 1.0);
    batch_evaluate(calls, fixture, &spoilt, 1.0);
    assert_same_bits_f64(spoilt.y, clean.y, bad * n_out);
    assert_same_bits_f64(spoilt.xbar, clean.xbar, bad * n_in);
    size_t after = n - bad - 1;
    assert_same_bits_f64(spoilt.y + (bad + 1) * n_out, clean.y + (bad + 1) * n_out, after * n_out);
    assert_same_bits_f64(spoilt.xbar + (bad + 1) * n_in, clean.xbar + (bad + 1) * n_in, after * n_in);
    assert_true(isnan(spoilt.xbar[bad * n_in]));
    for (size_t i = 0; i < fixture->n_param; i++) {
        assert_true(isnan(spoilt.pbar[i]));
        assert_true(!isnan(clean.pbar[i]));
    }
    batch_release(&clean);
    batch_release(&spoilt);
}

static void batch_keeps_a_nan_to_its_row(void **state) {
    (void)state;
    for_each_activation(check_nan);
}

/* Lanes without a sample hold zeros, and 0·∞ is NaN: none of it may reach a sum. */
static void empty_lanes_add_nothing(void **state) {
    (void)state;
    const costate_layer_spec layers[] = {{.n_out = 2, .act = COSTATE_ACT_TANH}, {.n_out = 1}};
    const costate_net_spec spec = {.n_in = 1, .n_layer = 2, .layers = layers};
    costate_net *net;
    assert_ok(costate_net_create(&spec, NULL, &net));
    const double p[] = {(double)INFINITY, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0};
    double x[13], v[13], tiles[7], loop[7];
    for (size_t k = 0; k < 13; k++) {
        x[k] = 0.5;
        v[k] = 1.0;
    }
    for (int real = 0; real < N_NET_REAL; real++) {
        memset(tiles, 0, sizeof tiles);
        memset(loop, 0, sizeof loop);
        const net_calls calls = {net, (net_real)real, PLACE_END};
        call_vjp_tiles(&calls, p, 13, x, v, 1.0, NULL, tiles);
        call_vjp_batch(&calls, p, 13, x, v, 1.0, NULL, loop);
        for (size_t i = 0; i < 7; i++) {
            assert_close(tiles[i], loop[i], 1e-5, 0.0);
        }
    }
    costate_net_destroy(net);
}

static void a_million_samples_add_up(void **state) {
    (void)state;
    const costate_layer_spec layer = {.n_out = 1};
    const costate_net_spec spec = {.n_in = 1, .n_layer = 1, .layers = &layer};
    const size_t n = ((size_t)1 << 20) + 11;
    costate_net *net;
    assert_ok(costate_net_create(&spec, NULL, &net));
    const size_t bytes = costate_net_batch_work_bytes_f32(net);
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y), pbar[2] = {1.0f, 2.0f};
    void *work = malloc(bytes);
    assert_non_null(x);
    assert_non_null(y);
    assert_non_null(work);
    for (size_t k = 0; k < n; k++) {
        x[k] = 1.0f;
    }
    const float p[] = {2.0f, 3.0f};
    assert_ok(costate_net_forward_batch_f32(net, p, n, x, y, work, bytes));
    assert_ok(costate_net_vjp_batch_f32(net, p, n, x, x, 1.0f, NULL, pbar, work, bytes));
    for (size_t k = 0; k < n; k++) {
        assert_true(y[k] == 5.0f);
    }
    assert_true(pbar[0] == (float)n + 1.0f);
    assert_true(pbar[1] == (float)n + 2.0f);
    free(x);
    free(y);
    free(work);
    costate_net_destroy(net);
}

static void fused_variants_give_the_same_bits(void **state) {
    (void)state;
    static const char *const names[] = {"fma", "avx2", "avx512"};
    isa_environment saved = isa_environment_save();
    size_t n_compared = 0;
    for (size_t s = 0; s < n_net_shapes; s++) {
        for (int real = 0; real < N_NET_REAL; real++) {
            batch first = {0};
            for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
                costate_isa isa;
                isa_environment_set(names[k]);
                if (costate_isa_select(&isa) != COSTATE_OK) {
                    continue;
                }
                net_fixture fixture;
                net_fixture_make(&fixture, &net_shapes[s], 7);
                const net_calls calls = {fixture.net, (net_real)real, PLACE_END};
                batch b = batch_make(&fixture, 18 * lanes(&calls) + 3);
                batch_evaluate(&calls, &fixture, &b, 0.7);
                if (first.y == NULL) {
                    first = b;
                } else {
                    assert_same_bits_f64(b.y, first.y, b.n * fixture.n_out);
                    assert_same_bits_f64(b.xbar, first.xbar, b.n * fixture.n_in);
                    assert_same_bits_f64(b.pbar, first.pbar, fixture.n_param);
                    batch_release(&b);
                    n_compared++;
                }
                net_fixture_release(&fixture);
            }
            batch_release(&first);
        }
    }
    isa_environment_restore(&saved);
    if (n_compared == 0) {
        skip();
    }
}

static void batch_workspace_has_its_contract(void **state) {
    (void)state;
    const costate_layer_spec layer = {.n_out = 2, .act = COSTATE_ACT_TANH};
    const costate_net_spec spec = {.n_in = 2, .n_layer = 1, .layers = &layer};
    costate_net *net;
    double a[64] = {0.5}, y[64];
    assert_int_equal(costate_net_batch_work_bytes_f64(NULL), 0);
    assert_int_equal(costate_net_batch_work_bytes_f32(NULL), 0);
    assert_ok(costate_net_create(&spec, NULL, &net));
    const size_t bytes = costate_net_batch_work_bytes_f64(net);
    void *work = malloc(bytes);
    assert_non_null(work);
    assert_true(bytes >= costate_net_work_bytes_f64(net));
    assert_int_equal(costate_net_forward_batch_f64(net, a, 32, a, NULL, work, bytes), COSTATE_ERR_NULL);
    assert_int_equal(costate_net_forward_batch_f64(net, a, 32, a, y, NULL, bytes), COSTATE_ERR_NULL);
    assert_int_equal(costate_net_vjp_batch_f64(net, a, 32, a, NULL, 1.0, y, NULL, work, bytes), COSTATE_ERR_NULL);
    assert_int_equal(costate_net_forward_batch_f64(net, a, 32, a, y, work, costate_net_work_bytes_f64(net) - 1),
                     COSTATE_ERR_WORKSPACE);
    assert_ok(costate_net_vjp_batch_f64(net, a, 32, a, a, 1.0, NULL, NULL, work, bytes));
    assert_ok(costate_net_forward_batch_f64(net, a, 32, a, y, work, bytes - 1));
    free(work);
    costate_net_destroy(net);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        net_battery_test(batch_on_table_matches_reference),
        net_battery_test(batch_on_random_nets_matches_reference),
        net_battery_test(batch_on_every_width_matches_reference),
        net_battery_test(batch_of_every_count_matches_reference),
        net_battery_test(batch_of_several_tiles_matches_reference),
        net_battery_test(batch_of_either_gives_same_bits_as_both),
        net_battery_test(batch_keeps_a_nan_to_its_row),
        cmocka_unit_test(empty_lanes_add_nothing),
        cmocka_unit_test(a_million_samples_add_up),
        net_battery_test(fused_variants_give_the_same_bits),
        cmocka_unit_test(batch_workspace_has_its_contract),
    };
    return cmocka_run_group_tests_name("net_batch", tests, NULL, NULL);
}
