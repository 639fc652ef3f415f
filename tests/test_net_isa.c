/* SPDX-License-Identifier: MIT */
/* One network under every kernel variant: identical bits on fma, avx2 and avx512, agreement to rounding with generic. */
#include "isa_environment.h"
#include "net_battery.h"

#include "support/seeded_random.h"
#include <costate/layer.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const fused[] = {"fma", "avx2", "avx512"};

enum { N_FUSED = sizeof fused / sizeof *fused };

static isa_environment saved;

static int save_environment(void **state) {
    (void)state;
    saved = isa_environment_save();
    isa_environment_set(NULL);
    return 0;
}

static int restore_environment(void **state) {
    isa_environment_restore(&saved);
    return net_battery_report(state);
}

/* Selects a variant for what is created from now on; false, and none selected, where it is not available. */
static bool selected(const char *name) {
    costate_isa isa;
    isa_environment_set(name);
    costate_status status = costate_isa_select(&isa);
    assert_true(status == COSTATE_OK || status == COSTATE_ERR_UNSUPPORTED);
    if (status != COSTATE_OK) {
        isa_environment_set(NULL);
    }
    return status == COSTATE_OK;
}

/* Ends the test as skipped, saying what is missing, unless at least two fused variants can be compared. */
static void require_two_fused(void) {
    size_t n = 0;
    for (size_t k = 0; k < N_FUSED; k++) {
        if (selected(fused[k])) {
            n++;
        } else {
            print_message("SKIPPED: COSTATE_ISA=%s is not available here\n", fused[k]);
        }
    }
    if (n < 2) {
        skip();
    }
}

/* Everything the calls of one network give at one point, one array after another. */
typedef struct net_results {
    double *values;
    size_t n;
} net_results;

static double *part(net_results *results, size_t *at, size_t n) {
    double *start = results->values + *at;
    *at += n;
    assert_true(*at <= results->n);
    return start;
}

static bool hessian_is_small(const net_fixture *fixture) { return fixture->n_in <= 20; }

static net_results results_make(const net_fixture *fixture) {
    size_t n_jac = fixture->n_in * fixture->n_out, n_hess = hessian_is_small(fixture) ? n_jac * fixture->n_in : 0;
    net_results results = {.n = 4 * fixture->n_out + fixture->n_in + fixture->n_param + 2 * n_jac + n_hess};
    results.values = doubles(results.n);
    return results;
}

/* Fills results with the calls of a network made under the present COSTATE_ISA. */
static void evaluate(const net_fixture *fixture, net_real real, net_placement placement, net_results *results) {
    costate_net *net;
    assert_ok(costate_net_create(&fixture->spec, NULL, &net));
    net_calls calls = {net, real, placement};
    size_t at = 0, n_out = fixture->n_out, n_jac = fixture->n_in * n_out;
    call_forward(&calls, fixture->p, fixture->x, part(results, &at, n_out));
    double *xbar = part(results, &at, fixture->n_in), *pbar = part(results, &at, fixture->n_param);
    memcpy(pbar, fixture->pbar, fixture->n_param * sizeof *pbar);
    call_vjp(&calls, fixture->p, fixture->x, fixture->v, 0.75, xbar, pbar);
    call_jvp(&calls, fixture->p, fixture->x, fixture->u, NULL, NULL, part(results, &at, n_out));
    double *y = part(results, &at, n_out), *yu = part(results, &at, n_out);
    call_jvp(&calls, fixture->p, fixture->x, fixture->u, fixture->up, y, yu);
    call_jacobian(&calls, fixture->p, fixture->x, NULL, part(results, &at, n_jac));
    if (hessian_is_small(fixture)) {
        double *jac = part(results, &at, n_jac);
        call_hessian(&calls, fixture->p, fixture->x, NULL, jac, part(results, &at, n_jac * fixture->n_in));
    }
    costate_net_destroy(net);
}

/* The sign and payload of a NaN depend on the order of an addition's operands, which is the compiler's choice. */
static void plain_nans(net_results *results) {
    for (size_t i = 0; i < results->n; i++) {
        if (isnan(results->values[i])) {
            results->values[i] = (double)NAN;
        }
    }
}

static void check_same_bits(const net_fixture *fixture, const net_calls *calls) {
    net_results first = results_make(fixture), other = results_make(fixture);
    bool have_first = false;
    for (size_t k = 0; k < N_FUSED; k++) {
        if (selected(fused[k])) {
            net_results *target = have_first ? &other : &first;
            evaluate(fixture, calls->real, (net_placement)((calls->placement + k) % N_NET_PLACEMENT), target);
            plain_nans(target);
            if (have_first) {
                assert_same_bits_f64(other.values, first.values, first.n);
            }
            have_first = true;
        }
    }
    free(other.values);
    free(first.values);
}

static void layers_of_every_width_have_identical_bits(void **state) {
    (void)state;
    require_two_fused();
    net_battery_layers(NET_BATTERY_WIDTH, 5, check_same_bits);
    net_battery_layers(5, NET_BATTERY_WIDTH, check_same_bits);
}

static void table_has_identical_bits(void **state) {
    (void)state;
    require_two_fused();
    net_battery_table(check_same_bits);
}

static void random_nets_have_identical_bits(void **state) {
    (void)state;
    require_two_fused();
    net_battery_random(150, 40, check_same_bits);
}

/* One activation at many points per call, tails included, with every special value in every lane. */
static void check_every_activation(void (*check)(const net_fixture *fixture, const net_calls *calls)) {
    static const double special[] = {0.0,
                                     -0.0,
                                     1e-320,
                                     -1e-40,
                                     4.9e-324,
                                     1e-30,
                                     0.01,
                                     1.0,
                                     -3.0,
                                     19.0,
                                     -20.0,
                                     40.0,
                                     -88.5,
                                     104.0,
                                     -708.5,
                                     -744.0,
                                     711.0,
                                     1e5,
                                     -1e10,
                                     3e38,
                                     -1e39,
                                     1e160,
                                     -1e300,
                                     (double)INFINITY,
                                     (double)-INFINITY,
                                     (double)NAN};
    static const size_t widths[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 33, 101, 300};
    enum { N_SPECIAL = sizeof special / sizeof *special };
    costate_random random = test_random(401);
    for (int act = 0; act < COSTATE_ACT_COUNT; act++) {
        for (int accuracy = COSTATE_ACCURACY_FAST; accuracy <= COSTATE_ACCURACY_ACCURATE; accuracy++) {
            for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
                size_t n_out = widths[w];
                net_shape shape = net_shape_layer(1, n_out, (costate_act)act, false);
                shape.accuracy = (costate_accuracy)accuracy;
                net_fixture fixture;
                net_fixture_make(&fixture, &shape, costate_random_bits(&random));
                fixture.x[0] = 1.0;
                for (size_t i = 0; i < n_out; i++) {
                    double scale = i % 3 == 0 ? 1.0 : i % 3 == 1 ? 10.0 : 100.0;
                    bool is_special = costate_random_below(&random, 3) == 0;
                    double z = is_special ? special[costate_random_below(&random, N_SPECIAL)]
                                          : scale * costate_random_normal(&random);
                    fixture.p[i] = z;
                    fixture.p[n_out + i] = 0.0;
                }
                for (int real = 0; real < N_NET_REAL; real++) {
                    for (size_t i = 0; i < n_out && real == NET_F32; i++) {
                        fixture.p[i] = (double)(float)fixture.p[i];
                    }
                    check(&fixture, &(net_calls){fixture.net, (net_real)real, PLACE_END});
                }
                net_fixture_release(&fixture);
            }
        }
    }
}

static void special_values_have_identical_bits(void **state) {
    (void)state;
    require_two_fused();
    check_every_activation(check_same_bits);
}

/* y, the cache before and after, xbar and pbar of the public layer calls. */
static size_t layer_results(const net_fixture *fixture, net_real real, double *out) {
    size_t n_in = fixture->n_in, n_out = fixture->n_out, n_param = fixture->n_param, n = 0;
    const costate_layer_spec *spec = &fixture->shape.layers[0];
    costate_layer layer;
    assert_ok(costate_layer_make(n_in, n_out, spec->act, spec->no_bias, fixture->shape.accuracy, &layer));
    double *y = out, *filled = y + n_out, *cache = filled + n_out, *xbar = cache + n_out, *pbar = xbar + n_in;
    n = 3 * n_out + n_in + n_param;
    if (real == NET_F64) {
        memcpy(pbar, fixture->pbar, n_param * sizeof *pbar);
        assert_ok(costate_layer_forward_f64(&layer, fixture->p, fixture->x, y, cache));
        memcpy(filled, cache, n_out * sizeof *cache);
        assert_ok(costate_layer_pullback_f64(&layer, fixture->p, fixture->x, fixture->v, 0.75, xbar, pbar, cache));
        return n;
    }
    float *single = calloc(2 * (n_param + n_in + n_out) + 3 * n_out, sizeof *single);
    float *p = single, *x = p + n_param, *v = x + n_in, *out32 = v + n_out;
    for (size_t i = 0; i < n_param; i++) {
        p[i] = (float)fixture->p[i];
        out32[3 * n_out + n_in + i] = (float)fixture->pbar[i];
    }
    for (size_t i = 0; i < n_in; i++) {
        x[i] = (float)fixture->x[i];
    }
    for (size_t i = 0; i < n_out; i++) {
        v[i] = (float)fixture->v[i];
    }
    assert_ok(costate_layer_forward_f32(&layer, p, x, out32, out32 + 2 * n_out));
    memcpy(out32 + n_out, out32 + 2 * n_out, n_out * sizeof *out32);
    assert_ok(costate_layer_pullback_f32(&layer, p, x, v, 0.75f, out32 + 3 * n_out, out32 + 3 * n_out + n_in,
                                         out32 + 2 * n_out));
    for (size_t i = 0; i < n; i++) {
        out[i] = (double)out32[i];
    }
    free(single);
    return n;
}

static void check_layer_calls(const net_fixture *fixture, const net_calls *calls) {
    size_t capacity = 3 * fixture->n_out + fixture->n_in + fixture->n_param;
    net_results first = {doubles(capacity), capacity}, other = {doubles(capacity), capacity};
    bool have_first = false;
    for (size_t k = 0; k < N_FUSED; k++) {
        if (selected(fused[k])) {
            net_results *target = have_first ? &other : &first;
            assert_int_equal(layer_results(fixture, calls->real, target->values), capacity);
            plain_nans(target);
            if (have_first) {
                assert_same_bits_f64(other.values, first.values, capacity);
            }
            have_first = true;
        }
    }
    free(other.values);
    free(first.values);
}

static void layer_calls_have_identical_bits(void **state) {
    (void)state;
    require_two_fused();
    net_battery_layers(NET_BATTERY_WIDTH, 3, check_layer_calls);
    net_battery_layers(3, NET_BATTERY_WIDTH, check_layer_calls);
    check_every_activation(check_layer_calls);
}

static void check_generic(const net_fixture *fixture, const net_calls *calls) {
    reference_net ref = net_calls_reference(calls, fixture);
    reference_value *y = references(fixture->n_out), *xbar = references(fixture->n_in),
                    *pbar = references(fixture->n_param);
    reference_forward(&ref, fixture->p, fixture->x, y);
    reference_vjp(&ref, fixture->p, fixture->x, fixture->v, 0.75, fixture->pbar, xbar, pbar);
    net_results results = results_make(fixture);
    isa_environment_set("generic");
    evaluate(fixture, calls->real, calls->placement, &results);
    assert_matches_reference("y", results.values, y, fixture->n_out, ref.u);
    assert_matches_reference("xbar", results.values + fixture->n_out, xbar, fixture->n_in, ref.u);
    assert_matches_reference("pbar", results.values + fixture->n_out + fixture->n_in, pbar, fixture->n_param, ref.u);
    free(results.values);
    free(pbar);
    free(xbar);
    free(y);
}

static void generic_agrees_to_rounding(void **state) {
    (void)state;
    net_battery_table(check_generic);
    net_battery_layers(NET_BATTERY_WIDTH, 3, check_generic);
    net_battery_layers(3, NET_BATTERY_WIDTH, check_generic);
    net_battery_random(50, 20, check_generic);
}

static void net_reports_the_variant_it_was_made_with(void **state) {
    (void)state;
    static const char *const names[] = {"generic", "fma", "avx2", "avx512"};
    net_shape shape = net_shape_layer(2, 3, COSTATE_ACT_TANH, false);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        if (selected(names[k])) {
            net_fixture fixture;
            net_fixture_make(&fixture, &shape, 1);
            isa_environment_set(NULL);
            assert_string_equal(costate_isa_name(costate_net_isa(fixture.net)), names[k]);
            net_fixture_release(&fixture);
        }
    }
}

static void unavailable_variant_is_refused(void **state) {
    (void)state;
    net_shape shape = net_shape_layer(2, 3, COSTATE_ACT_TANH, false);
    costate_net_spec spec = {.n_in = 2, .n_layer = 1, .layers = shape.layers};
    bool all = true;
    for (size_t k = 0; k < N_FUSED; k++) {
        if (!selected(fused[k])) {
            costate_net *net;
            costate_layer layer;
            isa_environment_set(fused[k]);
            assert_status(costate_net_create(&spec, NULL, &net), COSTATE_ERR_UNSUPPORTED);
            assert_null(net);
            assert_status(costate_layer_make(2, 3, COSTATE_ACT_TANH, false, COSTATE_ACCURACY_FAST, &layer),
                          COSTATE_ERR_UNSUPPORTED);
            all = false;
        }
    }
    if (all) {
        print_message("SKIPPED: every variant is available here\n");
        skip();
    }
}

static void unknown_variant_is_refused(void **state) {
    (void)state;
    net_shape shape = net_shape_layer(2, 3, COSTATE_ACT_TANH, false);
    costate_net_spec spec = {.n_in = 2, .n_layer = 1, .layers = shape.layers};
    costate_net *net;
    isa_environment_set("avx1024");
    assert_status(costate_net_create(&spec, NULL, &net), COSTATE_ERR_ARGUMENT);
    assert_null(net);
}

#define isa_test(function) cmocka_unit_test_setup_teardown(function, save_environment, restore_environment)

int main(void) {
    const struct CMUnitTest tests[] = {
        isa_test(layers_of_every_width_have_identical_bits),
        isa_test(table_has_identical_bits),
        isa_test(random_nets_have_identical_bits),
        isa_test(special_values_have_identical_bits),
        isa_test(layer_calls_have_identical_bits),
        isa_test(generic_agrees_to_rounding),
        isa_test(net_reports_the_variant_it_was_made_with),
        isa_test(unavailable_variant_is_refused),
        isa_test(unknown_variant_is_refused),
    };
    return cmocka_run_group_tests_name("net_isa", tests, NULL, NULL);
}
