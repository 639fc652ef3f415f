/* SPDX-License-Identifier: MIT */
/* The forward call that keeps its activations and the VJP that takes them: the bits of the plain calls. */
#include "net_battery.h"

#include "support/guard_page.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_same_bits(const net_fixture *fixture, const net_calls *calls) {
    size_t n_in = fixture->n_in, n_out = fixture->n_out, n_param = fixture->n_param;
    double *y = doubles(n_out), *xbar = doubles(n_in), *pbar = doubles(n_param);
    double *y_kept = doubles(n_out), *xbar_kept = doubles(n_in), *pbar_kept = doubles(n_param);
    call_forward(calls, fixture->p, fixture->x, y);
    for (int want = 1; want < 4; want++) {
        bool want_x = want & 1, want_p = want & 2;
        memcpy(pbar, fixture->pbar, n_param * sizeof *pbar);
        memcpy(pbar_kept, fixture->pbar, n_param * sizeof *pbar);
        call_vjp(calls, fixture->p, fixture->x, fixture->v, 0.75, want_x ? xbar : NULL, want_p ? pbar : NULL);
        call_kept(calls, fixture->p, fixture->x, fixture->v, 0.75, y_kept, want_x ? xbar_kept : NULL,
                  want_p ? pbar_kept : NULL);
        assert_same_bits_f64(y_kept, y, n_out);
        assert_same_bits_f64(xbar_kept, xbar, n_in);
        assert_same_bits_f64(pbar_kept, pbar, n_param);
    }
    double *arrays[] = {y, xbar, pbar, y_kept, xbar_kept, pbar_kept};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

static void kept_calls_on_table_have_the_bits_of_plain_ones(void **state) {
    (void)state;
    net_battery_table(check_same_bits);
}

static void kept_calls_on_every_width_have_the_bits_of_plain_ones(void **state) {
    (void)state;
    net_battery_layers(NET_BATTERY_WIDTH, 5, check_same_bits);
    net_battery_layers(5, NET_BATTERY_WIDTH, check_same_bits);
}

static void kept_calls_on_random_nets_have_the_bits_of_plain_ones(void **state) {
    (void)state;
    net_battery_random(150, 40, check_same_bits);
}

/* A hidden layer of every width, between few inputs and outputs, with every activation. */
static void kept_calls_on_hidden_layers_have_the_bits_of_plain_ones(void **state) {
    (void)state;
    for (size_t n = 1; n <= 17; n++) {
        for (int act = 0; act < COSTATE_ACT_COUNT; act++) {
            net_shape shape = {.n_in = 1 + n % 5, .n_layer = 2, .affine = n % 3 == 0 ? NET_AFFINE : 0};
            shape.layers[0] = (costate_layer_spec){.n_out = n, .act = (costate_act)act, .no_bias = n % 4 == 0};
            shape.layers[1] = (costate_layer_spec){.n_out = 1 + (n + (size_t)act) % 5, .act = COSTATE_ACT_IDENTITY};
            shape.input_act = n % 2 == 0 ? COSTATE_ACT_CUBE : COSTATE_ACT_IDENTITY;
            net_fixture fixture;
            net_fixture_make(&fixture, &shape, n);
            for (int real = 0; real < N_NET_REAL; real++) {
                check_same_bits(&fixture, &(net_calls){fixture.net, (net_real)real, (net_placement)(n % 3)});
            }
            net_fixture_release(&fixture);
        }
    }
}

/* With positive weights: what lies beside the last units must not turn a saturated sum, or an infinite one, into NaN. */
static void hidden_layer_with_infinities_gives_no_nan(void **state) {
    (void)state;
    for (size_t n = 1; n <= NET_BATTERY_WIDTH; n++) {
        net_shape shape = {.n_in = 1, .n_layer = 2, .layers = {{.n_out = n, .act = COSTATE_ACT_TANH}, {.n_out = 1}}};
        net_fixture fixture;
        net_fixture_make(&fixture, &shape, n);
        double *pbar = doubles(fixture.n_param), y, y_kept, xbar, sum = 0;
        for (size_t k = 0; k < fixture.n_param; k++) {
            fixture.p[k] = fabs(fixture.p[k]);
            sum += k >= 2 * n ? fixture.p[k] : 0;
        }
        for (int real = 0; real < N_NET_REAL; real++) {
            const net_calls calls = {fixture.net, (net_real)real, PLACE_END};
            const double infinity = (double)INFINITY, one = 1;
            call_forward(&calls, fixture.p, &infinity, &y);
            call_kept(&calls, fixture.p, &infinity, &one, 1, &y_kept, &xbar, pbar);
            assert_close(y, sum, 1e-5, 0);
            assert_same_bits_f64(&y_kept, &y, 1);
            call_kept(&calls, fixture.p, &one, &infinity, 1, &y_kept, &xbar, NULL);
            assert_close(xbar, infinity, 0, 0);
            call_vjp(&calls, fixture.p, &one, &infinity, 1, &xbar, NULL);
            assert_close(xbar, infinity, 0, 0);
        }
        free(pbar);
        net_fixture_release(&fixture);
    }
}

/* The hidden layer and, unless the input is plain, one vector for it: what every stage of every step of a solve stores. */
static void kept_block_is_small(void **state) {
    (void)state;
    net_shape shape = {.n_in = 2, .n_layer = 2, .layers = {{.n_out = 50, .act = COSTATE_ACT_TANH}, {.n_out = 2}}};
    net_fixture plain, cubed;
    net_fixture_make(&plain, &shape, 1);
    shape.input_act = COSTATE_ACT_CUBE;
    net_fixture_make(&cubed, &shape, 1);
#if !defined(__SANITIZE_ADDRESS__)
    assert_int_equal(costate_net_kept_bytes_f64(plain.net), 56 * sizeof(double));
    assert_int_equal(costate_net_kept_bytes_f64(cubed.net), 64 * sizeof(double));
    assert_int_equal(costate_net_kept_bytes_f32(cubed.net), 80 * sizeof(float));
#endif
    net_fixture_release(&cubed);
    net_fixture_release(&plain);
    net_shape linear = net_shape_layer(3, 4, COSTATE_ACT_IDENTITY, false);
    net_fixture_make(&plain, &linear, 1);
    assert_int_equal(costate_net_kept_bytes_f64(plain.net), 0);
    assert_int_equal(costate_net_kept_bytes_f64(NULL), 0);
    assert_int_equal(costate_net_kept_bytes_f32(NULL), 0);
    net_fixture_release(&plain);
}

/* A network, arrays for its kept calls, and the status of each call with some pointers left out or a block too small. */
typedef struct kept_arrays {
    net_fixture fixture;
    double *y, *xbar, *pbar;
    void *kept, *work;
    size_t kept_bytes, work_bytes;
} kept_arrays;

static void arrays_open(kept_arrays *a) {
    const net_shape shape = {.n_in = 2,
                             .n_layer = 2,
                             .layers = {{.n_out = 5, .act = COSTATE_ACT_GELU}, {.n_out = 3, .act = COSTATE_ACT_TANH}},
                             .affine = NET_AFFINE};
    net_fixture_make(&a->fixture, &shape, 3);
    a->kept_bytes = costate_net_kept_bytes_f64(a->fixture.net);
    a->work_bytes = costate_net_work_bytes_f64(a->fixture.net);
    a->y = doubles(3);
    a->xbar = doubles(2);
    a->pbar = doubles(a->fixture.n_param);
    a->kept = malloc(a->kept_bytes);
    a->work = malloc(a->work_bytes);
    assert_non_null(a->kept);
    assert_non_null(a->work);
}

static void arrays_close(kept_arrays *a) {
    free(a->work);
    free(a->kept);
    free(a->pbar);
    free(a->xbar);
    free(a->y);
    net_fixture_release(&a->fixture);
}

static void assert_all_zero(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        assert_close(x[i], 0, 0, 0);
    }
}

static void kept_calls_without_required_pointer_are_refused(void **state) {
    (void)state;
    kept_arrays a;
    arrays_open(&a);
    const net_fixture *fix = &a.fixture;
    for (int missing = 0; missing < 5; missing++) {
        const costate_net *net = missing == 0 ? NULL : fix->net;
        const double *p = missing == 1 ? NULL : fix->p, *x = missing == 2 ? NULL : fix->x;
        double *y = missing == 3 ? NULL : a.y;
        void *kept = missing == 4 ? NULL : a.kept;
        assert_status(costate_net_forward_keep_f64(net, p, x, y, kept, a.kept_bytes), COSTATE_ERR_NULL);
    }
    for (int missing = 0; missing < 6; missing++) {
        const costate_net *net = missing == 0 ? NULL : fix->net;
        const double *p = missing == 1 ? NULL : fix->p, *x = missing == 2 ? NULL : fix->x;
        const double *v = missing == 3 ? NULL : fix->v;
        void *kept = missing == 4 ? NULL : a.kept, *work = missing == 5 ? NULL : a.work;
        assert_status(costate_net_vjp_kept_f64(net, p, x, v, 1, a.xbar, a.pbar, kept, a.kept_bytes, work, a.work_bytes),
                      COSTATE_ERR_NULL);
    }
    assert_all_zero(a.y, 3);
    assert_all_zero(a.xbar, 2);
    assert_all_zero(a.pbar, fix->n_param);
    arrays_close(&a);
}

static void kept_calls_with_a_short_block_are_refused(void **state) {
    (void)state;
    kept_arrays a;
    arrays_open(&a);
    const net_fixture *fix = &a.fixture;
    const size_t kept = a.kept_bytes, work = a.work_bytes;
    assert_status(costate_net_forward_keep_f64(fix->net, fix->p, fix->x, a.y, a.kept, kept - 1), COSTATE_ERR_WORKSPACE);
    assert_status(
        costate_net_vjp_kept_f64(fix->net, fix->p, fix->x, fix->v, 1, a.xbar, a.pbar, a.kept, kept - 1, a.work, work),
        COSTATE_ERR_WORKSPACE);
    assert_status(
        costate_net_vjp_kept_f64(fix->net, fix->p, fix->x, fix->v, 1, a.xbar, a.pbar, a.kept, kept, a.work, work - 1),
        COSTATE_ERR_WORKSPACE);
    assert_all_zero(a.y, 3);
    assert_all_zero(a.xbar, 2);
    assert_all_zero(a.pbar, fix->n_param);
    arrays_close(&a);
}

/* A network of one linear layer keeps nothing. */
static void kept_calls_without_a_block_succeed_where_none_is_needed(void **state) {
    (void)state;
    const net_shape shape = net_shape_layer(3, 4, COSTATE_ACT_IDENTITY, false);
    net_fixture fix;
    net_fixture_make(&fix, &shape, 5);
    size_t work_bytes = costate_net_work_bytes_f64(fix.net);
    void *work = malloc(work_bytes);
    double y[4], y_plain[4], xbar[3], xbar_plain[3];
    assert_ok(costate_net_forward_keep_f64(fix.net, fix.p, fix.x, y, NULL, 0));
    assert_ok(costate_net_forward_f64(fix.net, fix.p, fix.x, y_plain, work, work_bytes));
    assert_same_bits_f64(y, y_plain, 4);
    assert_ok(costate_net_vjp_kept_f64(fix.net, fix.p, fix.x, fix.v, 1, xbar, NULL, NULL, 0, work, work_bytes));
    assert_ok(costate_net_vjp_f64(fix.net, fix.p, fix.x, fix.v, 1, xbar_plain, NULL, work, work_bytes));
    assert_same_bits_f64(xbar, xbar_plain, 3);
    free(work);
    net_fixture_release(&fix);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        net_battery_test(kept_calls_on_table_have_the_bits_of_plain_ones),
        net_battery_test(kept_calls_on_every_width_have_the_bits_of_plain_ones),
        net_battery_test(kept_calls_on_random_nets_have_the_bits_of_plain_ones),
        net_battery_test(kept_calls_on_hidden_layers_have_the_bits_of_plain_ones),
        cmocka_unit_test(hidden_layer_with_infinities_gives_no_nan),
        cmocka_unit_test(kept_block_is_small),
        cmocka_unit_test(kept_calls_without_required_pointer_are_refused),
        cmocka_unit_test(kept_calls_with_a_short_block_are_refused),
        cmocka_unit_test(kept_calls_without_a_block_succeed_where_none_is_needed),
    };
    return cmocka_run_group_tests_name("net_kept", tests, NULL, NULL);
}
