/* SPDX-License-Identifier: MIT */
/* The single layer for many samples. */
#include "isa_environment.h"
#include "net_battery.h"
#include "placed_array.h"

#include "support/malloc_count.h"
#include <costate/layer.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More than two blocks of any width, and a rest. */
enum { MOST_SAMPLES = 29 };

static costate_layer layer_of(const net_fixture *fixture) {
    const costate_layer_spec *spec = &fixture->shape.layers[0];
    costate_layer layer;
    assert_ok(
        costate_layer_make(fixture->n_in, spec->n_out, spec->act, spec->no_bias, fixture->shape.accuracy, &layer));
    return layer;
}

/* n samples that both precisions represent. */
static double *samples(const net_fixture *fixture, size_t n) {
    costate_random random = costate_random_seed(fixture->seed, 1);
    double *x = doubles(n * fixture->n_in);
    fill_representable(&random, x, n * fixture->n_in);
    return x;
}

/* The outputs of n samples, by arrays of their exact size. */
static double *outputs(const net_fixture *fixture, const net_calls *calls, size_t n, const double *x) {
    const costate_layer layer = layer_of(fixture);
    placed p = place(calls, fixture->p, fixture->n_param), from = place(calls, x, n * fixture->n_in),
           to = place(calls, NULL, n * fixture->n_out);
    if (calls->real == NET_F64) {
        assert_ok(costate_layer_forward_batch_f64(&layer, p.data, n, from.data, to.data));
    } else {
        assert_ok(costate_layer_forward_batch_f32(&layer, p.data, n, from.data, to.data));
    }
    double *y = values_of(&to), *after = values_of(&from);
    assert_same_bits_f64(after, x, n * fixture->n_in);
    free(after);
    guard_destroy(&to.buffer);
    guard_destroy(&from.buffer);
    guard_destroy(&p.buffer);
    return y;
}

static void check_reference(const net_fixture *fixture, const net_calls *calls, size_t n) {
    const reference_net ref = net_calls_reference(calls, fixture);
    double *x = samples(fixture, n), *y = outputs(fixture, calls, n, x);
    reference_value *want = references(fixture->n_out);
    for (size_t s = 0; s < n; s++) {
        reference_forward(&ref, fixture->p, x + s * fixture->n_in, want);
        assert_matches_reference("y", y + s * fixture->n_out, want, fixture->n_out, ref.u);
    }
    free(want);
    free(y);
    free(x);
}

static void check_few_samples(const net_fixture *fixture, const net_calls *calls) {
    check_reference(fixture, calls, 1 + (7 * fixture->n_in + fixture->n_out) % 14);
}

static void batch_of_every_pair_of_widths_matches_reference(void **state) {
    (void)state;
    net_battery_layers(NET_BATTERY_WIDTH, NET_BATTERY_WIDTH, check_few_samples);
}

/* Shapes with blocks of every width, rows beyond whole vectors that are one, two and more, and both orientations. */
static const struct {
    size_t n_in, n_out;
} shapes[] = {{1, 1},   {2, 3},   {1, 40},  {9, 9},   {16, 17}, {17, 18}, {20, 33},  {33, 33},   {30, 34},
              {7, 48},  {5, 50},  {16, 64}, {3, 66},  {3, 70},  {40, 97}, {10, 112}, {129, 130}, {260, 273},
              {2, 161}, {33, 32}, {40, 7},  {70, 13}, {100, 1}, {31, 5},  {18, 16},  {300, 6}};

/* Every shape in both precisions with every kind of end: the fused activations and others, with and without bias. */
static void for_each_shape(net_check check) {
    static const costate_act acts[] = {COSTATE_ACT_IDENTITY, COSTATE_ACT_RELU, COSTATE_ACT_TANH, COSTATE_ACT_SILU};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        for (size_t a = 0; a < sizeof acts / sizeof *acts; a++) {
            net_shape shape = net_shape_layer(shapes[k].n_in, shapes[k].n_out, acts[a], (k + a) % 2 == 1);
            shape.accuracy = k % 3 == 0 ? COSTATE_ACCURACY_ACCURATE : COSTATE_ACCURACY_FAST;
            net_fixture fixture;
            net_fixture_make(&fixture, &shape, 31 * k + a);
            for (int real = 0; real < N_NET_REAL; real++) {
                const net_placement placement = (net_placement)((k + a + (size_t)real) % N_NET_PLACEMENT);
                check(&fixture, &(net_calls){fixture.net, (net_real)real, placement});
            }
            net_fixture_release(&fixture);
        }
    }
}

static void check_most_samples(const net_fixture *fixture, const net_calls *calls) {
    check_reference(fixture, calls, MOST_SAMPLES);
}

static void batch_of_blocks_of_every_width_matches_reference(void **state) {
    (void)state;
    for_each_shape(check_most_samples);
}

/* However many samples there are and wherever they lie, theirs are the same bits. */
static void check_counts(const net_fixture *fixture, const net_calls *calls) {
    double *x = samples(fixture, MOST_SAMPLES), *all = outputs(fixture, calls, MOST_SAMPLES, x);
    for (size_t n = 0; n < MOST_SAMPLES; n++) {
        const net_placement placement = (net_placement)((n + calls->placement) % N_NET_PLACEMENT);
        const size_t begin = MOST_SAMPLES - n;
        double *y = outputs(fixture, &(net_calls){calls->net, calls->real, placement}, n, x + begin * fixture->n_in);
        assert_same_bits_f64(y, all + begin * fixture->n_out, n * fixture->n_out);
        free(y);
    }
    free(all);
    free(x);
}

static void batch_of_every_count_gives_the_same_bits(void **state) {
    (void)state;
    for_each_shape(check_counts);
}

/* Outputs whose bits are those of the call for one sample. */
static size_t n_same(const net_fixture *fixture, net_real real) {
    const size_t few = fixture->n_out % (real == NET_F64 ? 8 : 16);
    return fixture->n_out >= fixture->n_in && (few == 1 || few == 2) ? fixture->n_out - few : fixture->n_out;
}

static void check_one_by_one(const net_fixture *fixture, const net_calls *calls) {
    const costate_layer layer = layer_of(fixture);
    double *x = samples(fixture, MOST_SAMPLES), *y = outputs(fixture, calls, MOST_SAMPLES, x);
    placed p = place(calls, fixture->p, fixture->n_param), to = place(calls, NULL, fixture->n_out);
    for (size_t s = 0; s < MOST_SAMPLES; s++) {
        placed from = place(calls, x + s * fixture->n_in, fixture->n_in);
        if (calls->real == NET_F64) {
            assert_ok(costate_layer_forward_f64(&layer, p.data, from.data, to.data, NULL));
        } else {
            assert_ok(costate_layer_forward_f32(&layer, p.data, from.data, to.data, NULL));
        }
        double *want = values_of(&to);
        assert_same_bits_f64(y + s * fixture->n_out, want, n_same(fixture, calls->real));
        free(want);
        guard_destroy(&from.buffer);
    }
    guard_destroy(&to.buffer);
    guard_destroy(&p.buffer);
    free(y);
    free(x);
}

static void batch_gives_the_bits_of_single_samples(void **state) {
    (void)state;
    for_each_shape(check_one_by_one);
}

static void check_nan(const net_fixture *fixture, const net_calls *calls) {
    const size_t bad = 13, n_in = fixture->n_in, n_out = fixture->n_out;
    double *x = samples(fixture, MOST_SAMPLES), *clean = outputs(fixture, calls, MOST_SAMPLES, x);
    for (size_t j = 0; j < n_in; j++) {
        x[bad * n_in + j] = j % 2 == 0 ? (double)NAN : (double)INFINITY;
    }
    const costate_layer layer = layer_of(fixture);
    placed p = place(calls, fixture->p, fixture->n_param), from = place(calls, x, MOST_SAMPLES * n_in),
           to = place(calls, NULL, MOST_SAMPLES * n_out);
    assert_ok(calls->real == NET_F64
                  ? costate_layer_forward_batch_f64(&layer, p.data, MOST_SAMPLES, from.data, to.data)
                  : costate_layer_forward_batch_f32(&layer, p.data, MOST_SAMPLES, from.data, to.data));
    double *spoilt = values_of(&to);
    assert_same_bits_f64(spoilt, clean, bad * n_out);
    for (size_t i = 0; i < n_out; i++) {
        assert_true(isnan(spoilt[bad * n_out + i]));
    }
    const size_t after = (bad + 1) * n_out;
    assert_same_bits_f64(spoilt + after, clean + after, MOST_SAMPLES * n_out - after);
    free(spoilt);
    guard_destroy(&to.buffer);
    guard_destroy(&from.buffer);
    guard_destroy(&p.buffer);
    free(clean);
    free(x);
}

static void batch_keeps_a_nan_to_its_sample(void **state) {
    (void)state;
    for_each_shape(check_nan);
}

static size_t n_compared;

static void check_variants(const net_fixture *fixture, const net_calls *calls) {
    static const char *const fused[] = {"fma", "avx2", "avx512"};
    isa_environment saved = isa_environment_save();
    double *x = samples(fixture, MOST_SAMPLES), *first = NULL;
    for (size_t k = 0; k < sizeof fused / sizeof *fused; k++) {
        costate_isa isa;
        isa_environment_set(fused[k]);
        if (costate_isa_select(&isa) != COSTATE_OK) {
            continue;
        }
        double *y = outputs(fixture, calls, MOST_SAMPLES, x);
        if (first == NULL) {
            first = y;
            continue;
        }
        assert_same_bits_f64(y, first, MOST_SAMPLES * fixture->n_out);
        free(y);
        n_compared++;
    }
    isa_environment_restore(&saved);
    free(first);
    free(x);
}

static void fused_variants_give_the_same_bits(void **state) {
    (void)state;
    n_compared = 0;
    for_each_shape(check_variants);
    if (n_compared == 0) {
        print_message("SKIPPED: fewer than two variants with a fused multiply-add are available here\n");
        skip();
    }
}

static void calls_without_required_pointer_are_refused(void **state) {
    (void)state;
    costate_layer layer;
    const double p[] = {1.0, 1.0}, x[] = {1.0, 2.0};
    const float p32[] = {1.0f, 1.0f}, x32[] = {1.0f, 2.0f};
    double y[] = {7.0, 7.0};
    float y32[] = {7.0f, 7.0f};
    assert_ok(costate_layer_make(1, 1, COSTATE_ACT_IDENTITY, false, COSTATE_ACCURACY_FAST, &layer));
    assert_status(costate_layer_forward_batch_f64(NULL, p, 2, x, y), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_batch_f64(&layer, NULL, 2, x, y), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_batch_f64(&layer, p, 2, NULL, y), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_batch_f64(&layer, p, 2, x, NULL), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_batch_f32(NULL, p32, 2, x32, y32), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_batch_f32(&layer, NULL, 2, x32, y32), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_batch_f32(&layer, p32, 2, NULL, y32), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_batch_f32(&layer, p32, 2, x32, NULL), COSTATE_ERR_NULL);
    assert_ok(costate_layer_forward_batch_f64(&layer, p, 0, x, y));
    assert_ok(costate_layer_forward_batch_f32(&layer, p32, 0, x32, y32));
    assert_true(y[0] == 7.0 && y[1] == 7.0 && y32[0] == 7.0f && y32[1] == 7.0f);
    assert_ok(costate_layer_forward_batch_f64(&layer, p, 2, x, y));
    assert_true(y[0] == 2.0 && y[1] == 3.0);
}

static void check_no_allocation(const net_fixture *fixture, const net_calls *calls) {
    const costate_layer layer = layer_of(fixture);
    double *x = samples(fixture, MOST_SAMPLES);
    placed p = place(calls, fixture->p, fixture->n_param), from = place(calls, x, MOST_SAMPLES * fixture->n_in),
           to = place(calls, NULL, MOST_SAMPLES * fixture->n_out);
    malloc_count_start();
    const costate_status status =
        calls->real == NET_F64 ? costate_layer_forward_batch_f64(&layer, p.data, MOST_SAMPLES, from.data, to.data)
                               : costate_layer_forward_batch_f32(&layer, p.data, MOST_SAMPLES, from.data, to.data);
    const malloc_counts counts = malloc_count_stop();
    assert_ok(status);
    assert_int_equal(counts.here, 0);
    assert_int_equal(counts.other, 0);
    guard_destroy(&to.buffer);
    guard_destroy(&from.buffer);
    guard_destroy(&p.buffer);
    free(x);
}

static void batch_allocates_nothing(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    for_each_shape(check_no_allocation);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        net_battery_test(batch_of_every_pair_of_widths_matches_reference),
        cmocka_unit_test(batch_of_blocks_of_every_width_matches_reference),
        cmocka_unit_test(batch_of_every_count_gives_the_same_bits),
        cmocka_unit_test(batch_gives_the_bits_of_single_samples),
        cmocka_unit_test(batch_keeps_a_nan_to_its_sample),
        cmocka_unit_test(fused_variants_give_the_same_bits),
        cmocka_unit_test(calls_without_required_pointer_are_refused),
        cmocka_unit_test(batch_allocates_nothing),
    };
    return cmocka_run_group_tests_name("layer_batch", tests, NULL, NULL);
}
