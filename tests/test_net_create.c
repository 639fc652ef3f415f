/* SPDX-License-Identifier: MIT */
/* Creation of networks: every refusal, copying of the specification, and allocation failures. */
#include "isa_environment.h"
#include "net_fixture.h"

#include "support/allocators.h"
#include "support/asserts.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* A valid specification to spoil; `layers` and the arrays are the caller's. */
typedef struct spoilable {
    costate_net_spec spec;
    costate_layer_spec layers[2];
    double in_scale[3], in_shift[3], out_scale[2], out_shift[2];
} spoilable;

static void spoilable_make(spoilable *s) {
    *s = (spoilable){.layers = {{.n_out = 4, .act = COSTATE_ACT_TANH}, {.n_out = 2}},
                     .in_scale = {1.0, 2.0, 3.0},
                     .in_shift = {0.5, 0.25, 0.125},
                     .out_scale = {2.0, 4.0},
                     .out_shift = {-1.0, 1.0}};
    s->spec = (costate_net_spec){.n_in = 3,
                                 .n_layer = 2,
                                 .layers = s->layers,
                                 .in_scale = s->in_scale,
                                 .in_shift = s->in_shift,
                                 .out_scale = s->out_scale,
                                 .out_shift = s->out_shift};
}

/* Something that is not NULL and not a network, to see it overwritten. */
static char marker;

static void assert_refused(const costate_net_spec *spec, costate_status expected) {
    test_allocator counts = {0};
    costate_allocator hooks = test_allocator_hooks(&counts);
    costate_net *net = (costate_net *)(void *)&marker;
    assert_status(costate_net_create(spec, &hooks, &net), expected);
    assert_null(net);
    assert_int_equal(counts.n_live, 0);
}

static void create_null_is_refused(void **state) {
    (void)state;
    spoilable s;
    spoilable_make(&s);
    assert_refused(NULL, COSTATE_ERR_NULL);
    assert_status(costate_net_create(&s.spec, NULL, NULL), COSTATE_ERR_NULL);
    s.spec.layers = NULL;
    assert_refused(&s.spec, COSTATE_ERR_NULL);
}

static void create_empty_network_is_refused(void **state) {
    (void)state;
    spoilable s;
    spoilable_make(&s);
    s.spec.n_in = 0;
    assert_refused(&s.spec, COSTATE_ERR_ARGUMENT);
    spoilable_make(&s);
    s.spec.n_layer = 0;
    assert_refused(&s.spec, COSTATE_ERR_ARGUMENT);
    for (size_t l = 0; l < 2; l++) {
        spoilable_make(&s);
        s.layers[l].n_out = 0;
        assert_refused(&s.spec, COSTATE_ERR_ARGUMENT);
    }
}

static void create_unknown_enumerator_is_refused(void **state) {
    (void)state;
    static const int unknown[] = {COSTATE_ACT_COUNT, -1, 1000000};
    for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++) {
        spoilable s;
        for (size_t l = 0; l < 2; l++) {
            spoilable_make(&s);
            s.layers[l].act = (costate_act)unknown[k];
            assert_refused(&s.spec, COSTATE_ERR_ARGUMENT);
        }
        spoilable_make(&s);
        s.spec.input_act = (costate_act)unknown[k];
        assert_refused(&s.spec, COSTATE_ERR_ARGUMENT);
        spoilable_make(&s);
        s.spec.accuracy = (costate_accuracy)unknown[k];
        assert_refused(&s.spec, COSTATE_ERR_ARGUMENT);
    }
}

static void create_nonfinite_scale_is_refused(void **state) {
    (void)state;
    const double bad[] = {(double)NAN, (double)INFINITY, (double)-INFINITY};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        for (size_t where = 0; where < 10; where++) {
            spoilable s;
            spoilable_make(&s);
            double *entries[10] = {&s.in_scale[0], &s.in_scale[1],  &s.in_scale[2],  &s.in_shift[0],  &s.in_shift[1],
                                   &s.in_shift[2], &s.out_scale[0], &s.out_scale[1], &s.out_shift[0], &s.out_shift[1]};
            *entries[where] = bad[k];
            assert_refused(&s.spec, COSTATE_ERR_NONFINITE);
        }
    }
}

static void create_too_many_parameters_is_refused(void **state) {
    (void)state;
    static const size_t widths[][3] = {
        {SIZE_MAX, 1, 2},                      /* n_in·n_out + n_out wraps */
        {2, SIZE_MAX / 2 + 1, 1},              /* n_in·n_out wraps to 0 */
        {1, SIZE_MAX / 2, 1},                  /* weights and biases fit, the next layer does not */
        {(size_t)1 << 32, (size_t)1 << 32, 1}, /* product wraps to 0 */
        {1, 2, SIZE_MAX / 3},                  /* the second layer wraps */
    };
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
        costate_layer_spec layers[] = {{.n_out = widths[k][1]}, {.n_out = widths[k][2]}};
        assert_refused(&(costate_net_spec){.n_in = widths[k][0], .n_layer = 2, .layers = layers}, COSTATE_ERR_OVERFLOW);
    }
}

static void create_with_bad_isa_is_refused(void **state) {
    (void)state;
    spoilable s;
    spoilable_make(&s);
    isa_environment saved = isa_environment_save();
    static const char *const unknown[] = {"sse9", "AVX2", "avx2 ", "avx"};
    for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++) {
        isa_environment_set(unknown[k]);
        assert_refused(&s.spec, COSTATE_ERR_ARGUMENT);
    }
    isa_environment_restore(&saved);
}

static void create_survives_failure_of_every_allocation(void **state) {
    (void)state;
    spoilable s;
    spoilable_make(&s);
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        costate_allocator hooks = test_allocator_hooks(&counts);
        costate_net *net = (costate_net *)(void *)&marker;
        costate_status status = costate_net_create(&s.spec, &hooks, &net);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 1);
            costate_net_destroy(net);
            assert_int_equal(counts.n_live, 0);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_null(net);
        assert_int_equal(counts.n_live, 0);
    }
}

static void evaluate(const costate_net *net, double *y) {
    double p[3 * 4 + 4 + 4 * 2 + 2];
    static const double x[3] = {0.5, -1.0, 2.0};
    costate_random random = costate_random_seed(1, 0);
    fill_representable(&random, p, sizeof p / sizeof *p);
    assert_int_equal(costate_net_n_param(net), sizeof p / sizeof *p);
    size_t work_bytes = costate_net_work_bytes_f64(net);
    void *work = malloc(work_bytes);
    assert_ok(costate_net_forward_f64(net, p, x, y, work, work_bytes));
    free(work);
}

static void create_copies_everything_it_points_to(void **state) {
    (void)state;
    spoilable s;
    spoilable_make(&s);
    costate_net *net;
    double before[2], after[2];
    assert_ok(costate_net_create(&s.spec, NULL, &net));
    evaluate(net, before);
    s = (spoilable){0};
    evaluate(net, after);
    assert_same_bits_f64(after, before, 2);
    costate_layer_spec layer;
    assert_ok(costate_net_layer(net, 0, &layer));
    assert_int_equal(layer.n_out, 4);
    costate_net_destroy(net);
}

static void accessors_report_the_specification(void **state) {
    (void)state;
    spoilable s;
    spoilable_make(&s);
    s.layers[1].no_bias = true;
    s.layers[1].act = COSTATE_ACT_CUBE;
    costate_net *net;
    costate_isa isa;
    assert_ok(costate_net_create(&s.spec, NULL, &net));
    assert_int_equal(costate_net_n_in(net), 3);
    assert_int_equal(costate_net_n_out(net), 2);
    assert_int_equal(costate_net_n_layer(net), 2);
    assert_int_equal(costate_net_n_param(net), 3 * 4 + 4 + 4 * 2);
    assert_ok(costate_isa_select(&isa));
    assert_int_equal(costate_net_isa(net), isa);
    for (size_t l = 0; l < 2; l++) {
        costate_layer_spec layer;
        assert_ok(costate_net_layer(net, l, &layer));
        assert_int_equal(layer.n_out, s.layers[l].n_out);
        assert_int_equal(layer.act, s.layers[l].act);
        assert_int_equal(layer.no_bias, s.layers[l].no_bias);
    }
    costate_net_destroy(net);
}

static void accessors_refuse_null_and_unknown_layer(void **state) {
    (void)state;
    spoilable s;
    spoilable_make(&s);
    costate_net *net;
    costate_layer_spec layer;
    assert_ok(costate_net_create(&s.spec, NULL, &net));
    assert_status(costate_net_layer(NULL, 0, &layer), COSTATE_ERR_NULL);
    assert_status(costate_net_layer(net, 0, NULL), COSTATE_ERR_NULL);
    assert_status(costate_net_layer(net, 2, &layer), COSTATE_ERR_ARGUMENT);
    assert_int_equal(costate_net_n_in(NULL), 0);
    assert_int_equal(costate_net_n_out(NULL), 0);
    assert_int_equal(costate_net_n_param(NULL), 0);
    assert_int_equal(costate_net_n_layer(NULL), 0);
    costate_net_destroy(net);
    costate_net_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_null_is_refused),
        cmocka_unit_test(create_empty_network_is_refused),
        cmocka_unit_test(create_unknown_enumerator_is_refused),
        cmocka_unit_test(create_nonfinite_scale_is_refused),
        cmocka_unit_test(create_too_many_parameters_is_refused),
        cmocka_unit_test(create_with_bad_isa_is_refused),
        cmocka_unit_test(create_survives_failure_of_every_allocation),
        cmocka_unit_test(create_copies_everything_it_points_to),
        cmocka_unit_test(accessors_report_the_specification),
        cmocka_unit_test(accessors_refuse_null_and_unknown_layer),
    };
    return cmocka_run_group_tests_name("net_create", tests, NULL, NULL);
}
