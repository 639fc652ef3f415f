/* SPDX-License-Identifier: MIT */
/* The single layer with its caller-supplied cache. */
#include "isa_environment.h"
#include "net_battery.h"
#include "placed_array.h"
#include "reference_act.h"

#include "support/malloc_count.h"
#include <costate/layer.h>
#include <stdlib.h>

static costate_layer layer_of(const net_fixture *fixture) {
    const costate_layer_spec *spec = &fixture->shape.layers[0];
    costate_layer layer;
    assert_ok(
        costate_layer_make(fixture->n_in, spec->n_out, spec->act, spec->no_bias, fixture->shape.accuracy, &layer));
    assert_int_equal(costate_layer_n_param(&layer), fixture->n_param);
    return layer;
}

/* Everything one forward call and one pull-back need. */
typedef struct layer_run {
    costate_layer layer;
    net_real real;
    placed p, x, v, y, cache, xbar, pbar;
} layer_run;

static void run_open(layer_run *run, const net_fixture *fixture, const net_calls *calls) {
    run->layer = layer_of(fixture);
    run->real = calls->real;
    run->p = place(calls, fixture->p, fixture->n_param);
    run->x = place(calls, fixture->x, fixture->n_in);
    run->v = place(calls, fixture->v, fixture->n_out);
    run->y = place(calls, NULL, fixture->n_out);
    run->cache = place(calls, NULL, fixture->n_out);
    run->xbar = place(calls, NULL, fixture->n_in);
    run->pbar = place(calls, fixture->pbar, fixture->n_param);
}

static void run_close(layer_run *run) {
    placed *arrays[] = {&run->p, &run->x, &run->v, &run->y, &run->cache, &run->xbar, &run->pbar};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) {
        guard_destroy(&arrays[k]->buffer);
    }
}

static costate_status run_forward(layer_run *run, bool cached) {
    void *cache = cached ? run->cache.data : NULL;
    return run->real == NET_F64 ? costate_layer_forward_f64(&run->layer, run->p.data, run->x.data, run->y.data, cache)
                                : costate_layer_forward_f32(&run->layer, run->p.data, run->x.data, run->y.data, cache);
}

static costate_status run_pullback(layer_run *run, double scale, bool x_wanted, bool p_wanted) {
    void *xbar = x_wanted ? run->xbar.data : NULL, *pbar = p_wanted ? run->pbar.data : NULL;
    return run->real == NET_F64 ? costate_layer_pullback_f64(&run->layer, run->p.data, run->x.data, run->v.data, scale,
                                                             xbar, pbar, run->cache.data)
                                : costate_layer_pullback_f32(&run->layer, run->p.data, run->x.data, run->v.data,
                                                             (float)scale, xbar, pbar, run->cache.data);
}

static void assert_array(const char *what, const placed *array, const reference_value *want, long double u) {
    double *values = values_of(array);
    assert_matches_reference(what, values, want, array->n, u);
    free(values);
}

static void check_reference(const net_fixture *fixture, const net_calls *calls) {
    reference_net ref = net_calls_reference(calls, fixture);
    reference_value *y = references(fixture->n_out), *xbar = references(fixture->n_in),
                    *pbar = references(fixture->n_param);
    layer_run run;
    run_open(&run, fixture, calls);
    reference_forward(&ref, fixture->p, fixture->x, y);
    reference_vjp(&ref, fixture->p, fixture->x, fixture->v, -0.75, fixture->pbar, xbar, pbar);
    assert_ok(run_forward(&run, true));
    assert_ok(run_pullback(&run, -0.75, true, true));
    assert_array("y", &run.y, y, ref.u);
    assert_array("xbar", &run.xbar, xbar, ref.u);
    assert_array("pbar", &run.pbar, pbar, ref.u);
    run_close(&run);
    free(pbar);
    free(xbar);
    free(y);
}

static void layer_every_pair_of_widths_matches_reference(void **state) {
    (void)state;
    net_battery_layers(NET_BATTERY_WIDTH, NET_BATTERY_WIDTH, check_reference);
}

static bool value_is_cached(costate_act act) {
    return act == COSTATE_ACT_TANH || act == COSTATE_ACT_SIGMOID || act == COSTATE_ACT_RELU ||
           act == COSTATE_ACT_LEAKY_RELU || act == COSTATE_ACT_ELU || act == COSTATE_ACT_IDENTITY;
}

/* After forward: act(z) or act'(z) as documented; after the pull-back: d = v act'(z), whatever was wanted. */
static void check_cache(const net_fixture *fixture, const net_calls *calls) {
    costate_act act = fixture->shape.layers[0].act;
    long double u = net_real_roundoff(calls->real);
    costate_net_spec linear_spec = fixture->spec;
    costate_layer_spec linear_layer = fixture->shape.layers[0];
    linear_layer.act = COSTATE_ACT_IDENTITY;
    linear_spec.layers = &linear_layer;
    reference_net linear = {&linear_spec, fixture->net, u};
    reference_value *z = references(fixture->n_out), *cache = references(fixture->n_out),
                    *d = references(fixture->n_out);
    reference_forward(&linear, fixture->p, fixture->x, z);
    for (size_t i = 0; i < fixture->n_out; i++) {
        cache[i] = reference_act_value(act, value_is_cached(act) ? 0 : 1, z[i], u);
        d[i] = reference_mul(reference_exact(fixture->v[i]), reference_act_value(act, 1, z[i], u), u);
    }
    for (int wanted = 0; wanted < 4; wanted++) {
        layer_run run;
        run_open(&run, fixture, calls);
        assert_ok(run_forward(&run, true));
        assert_array("cache", &run.cache, cache, u);
        assert_ok(run_pullback(&run, 2.0, wanted & 1, wanted & 2));
        assert_array("d", &run.cache, d, u);
        run_close(&run);
    }
    free(d);
    free(cache);
    free(z);
}

static void layer_cache_holds_what_is_documented(void **state) {
    (void)state;
    net_battery_layers(3, 27, check_cache);
    net_battery_layers(27, 3, check_cache);
}

static void assert_same_array(const placed *array, const placed *want) {
    double *got = values_of(array), *expected = values_of(want);
    assert_same_bits_f64(got, expected, want->n);
    free(expected);
    free(got);
}

static void check_selection(const net_fixture *fixture, const net_calls *calls) {
    layer_run both, apart;
    run_open(&both, fixture, calls);
    assert_ok(run_forward(&both, true));
    assert_ok(run_pullback(&both, 0.75, true, true));
    run_open(&apart, fixture,
             &(net_calls){calls->net, calls->real, (net_placement)((calls->placement + 1) % N_NET_PLACEMENT)});
    assert_ok(run_forward(&apart, false));
    assert_same_array(&apart.y, &both.y);
    assert_ok(run_forward(&apart, true));
    assert_same_array(&apart.y, &both.y);
    assert_ok(run_pullback(&apart, 0.75, true, false));
    assert_ok(run_forward(&apart, true));
    assert_ok(run_pullback(&apart, 0.75, false, true));
    assert_same_array(&apart.xbar, &both.xbar);
    assert_same_array(&apart.pbar, &both.pbar);
    run_close(&apart);
    run_close(&both);
}

static void layer_gives_same_bits_whatever_is_wanted_and_wherever_it_lies(void **state) {
    (void)state;
    net_battery_layers(NET_BATTERY_WIDTH, 3, check_selection);
    net_battery_layers(3, NET_BATTERY_WIDTH, check_selection);
}

static void make_errors_are_reported(void **state) {
    (void)state;
    costate_layer layer;
    const costate_accuracy fast = COSTATE_ACCURACY_FAST;
    assert_status(costate_layer_make(2, 3, COSTATE_ACT_TANH, false, fast, NULL), COSTATE_ERR_NULL);
    assert_status(costate_layer_make(0, 3, COSTATE_ACT_TANH, false, fast, &layer), COSTATE_ERR_ARGUMENT);
    assert_status(costate_layer_make(2, 0, COSTATE_ACT_TANH, false, fast, &layer), COSTATE_ERR_ARGUMENT);
    assert_status(costate_layer_make(2, 3, (costate_act)COSTATE_ACT_COUNT, false, fast, &layer), COSTATE_ERR_ARGUMENT);
    assert_status(costate_layer_make(2, 3, (costate_act)-1, false, fast, &layer), COSTATE_ERR_ARGUMENT);
    assert_status(costate_layer_make(2, 3, COSTATE_ACT_TANH, false, (costate_accuracy)2, &layer), COSTATE_ERR_ARGUMENT);
    assert_status(costate_layer_make(SIZE_MAX, 2, COSTATE_ACT_TANH, false, fast, &layer), COSTATE_ERR_OVERFLOW);
    assert_status(costate_layer_make(SIZE_MAX / 2, 2, COSTATE_ACT_TANH, false, fast, &layer), COSTATE_ERR_OVERFLOW);
    isa_environment saved = isa_environment_save();
    isa_environment_set("mmx");
    assert_status(costate_layer_make(2, 3, COSTATE_ACT_TANH, false, fast, &layer), COSTATE_ERR_ARGUMENT);
    isa_environment_restore(&saved);
}

static void n_param_counts_weights_and_biases(void **state) {
    (void)state;
    costate_layer layer;
    assert_ok(costate_layer_make(5, 3, COSTATE_ACT_TANH, false, COSTATE_ACCURACY_FAST, &layer));
    assert_int_equal(costate_layer_n_param(&layer), 18);
    assert_ok(costate_layer_make(5, 3, COSTATE_ACT_TANH, true, COSTATE_ACCURACY_FAST, &layer));
    assert_int_equal(costate_layer_n_param(&layer), 15);
    assert_int_equal(costate_layer_n_param(NULL), 0);
}

static void calls_without_required_pointer_are_refused(void **state) {
    (void)state;
    costate_layer layer;
    double p[2] = {1.0, 1.0}, x[1] = {1.0}, y[1] = {7.0}, cache[1] = {7.0}, v[1] = {1.0}, xbar[1] = {7.0},
           pbar[2] = {7.0, 7.0};
    float p32[2] = {1.0f, 1.0f}, x32[1] = {1.0f}, y32[1] = {7.0f}, cache32[1] = {7.0f}, v32[1] = {1.0f};
    assert_ok(costate_layer_make(1, 1, COSTATE_ACT_TANH, false, COSTATE_ACCURACY_FAST, &layer));
    assert_status(costate_layer_forward_f64(NULL, p, x, y, cache), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_f64(&layer, NULL, x, y, cache), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_f64(&layer, p, NULL, y, cache), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_f64(&layer, p, x, NULL, cache), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_f32(NULL, p32, x32, y32, cache32), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_f32(&layer, NULL, x32, y32, cache32), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_f32(&layer, p32, NULL, y32, cache32), COSTATE_ERR_NULL);
    assert_status(costate_layer_forward_f32(&layer, p32, x32, NULL, cache32), COSTATE_ERR_NULL);
    assert_status(costate_layer_pullback_f64(NULL, p, x, v, 1.0, xbar, pbar, cache), COSTATE_ERR_NULL);
    assert_status(costate_layer_pullback_f64(&layer, NULL, x, v, 1.0, xbar, pbar, cache), COSTATE_ERR_NULL);
    assert_status(costate_layer_pullback_f64(&layer, p, NULL, v, 1.0, xbar, pbar, cache), COSTATE_ERR_NULL);
    assert_status(costate_layer_pullback_f64(&layer, p, x, NULL, 1.0, xbar, pbar, cache), COSTATE_ERR_NULL);
    assert_status(costate_layer_pullback_f64(&layer, p, x, v, 1.0, xbar, pbar, NULL), COSTATE_ERR_NULL);
    assert_status(costate_layer_pullback_f32(NULL, p32, x32, v32, 1.0f, NULL, NULL, cache32), COSTATE_ERR_NULL);
    assert_status(costate_layer_pullback_f32(&layer, NULL, x32, v32, 1.0f, NULL, NULL, cache32), COSTATE_ERR_NULL);
    assert_status(costate_layer_pullback_f32(&layer, p32, NULL, v32, 1.0f, NULL, NULL, cache32), COSTATE_ERR_NULL);
    assert_status(costate_layer_pullback_f32(&layer, p32, x32, NULL, 1.0f, NULL, NULL, cache32), COSTATE_ERR_NULL);
    assert_status(costate_layer_pullback_f32(&layer, p32, x32, v32, 1.0f, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_true(y[0] == 7.0 && cache[0] == 7.0 && xbar[0] == 7.0 && pbar[0] == 7.0 && pbar[1] == 7.0);
    assert_true(y32[0] == 7.0f && cache32[0] == 7.0f);
}

static void check_no_allocation(const net_fixture *fixture, const net_calls *calls) {
    layer_run run;
    run_open(&run, fixture, calls);
    malloc_count_start();
    costate_status forward = run_forward(&run, true), pullback = run_pullback(&run, 1.0, true, true);
    malloc_counts counts = malloc_count_stop();
    assert_ok(forward);
    assert_ok(pullback);
    assert_int_equal(counts.here, 0);
    assert_int_equal(counts.other, 0);
    run_close(&run);
}

static void layer_allocates_nothing(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    net_battery_layers(2, 26, check_no_allocation);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        net_battery_test(layer_every_pair_of_widths_matches_reference),
        net_battery_test(layer_cache_holds_what_is_documented),
        net_battery_test(layer_gives_same_bits_whatever_is_wanted_and_wherever_it_lies),
        cmocka_unit_test(make_errors_are_reported),
        cmocka_unit_test(n_param_counts_weights_and_biases),
        cmocka_unit_test(calls_without_required_pointer_are_refused),
        net_battery_test(layer_allocates_nothing),
    };
    return cmocka_run_group_tests_name("layer", tests, NULL, NULL);
}
