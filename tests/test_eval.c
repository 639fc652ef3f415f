/* SPDX-License-Identifier: MIT */
/* The stand-alone evaluator: every call against the long-double reference, against the library, and by algebra. */
#include "eval_calls.h"
#include "net_battery.h"
#include "reference_act.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Everything the calls give for one network. */
typedef struct results {
    double *y, *xbar, *pbar, *yu, *jac, *hess;
} results;

enum { MAX_HESSIAN_INPUT = 10 };

static results results_make(const net_fixture *fixture) {
    size_t n_jac = fixture->n_out * fixture->n_in;
    results all = {doubles(fixture->n_out), doubles(fixture->n_in), doubles(fixture->n_param),
                   doubles(fixture->n_out), doubles(n_jac),         doubles(n_jac * fixture->n_in)};
    memcpy(all.pbar, fixture->pbar, fixture->n_param * sizeof *all.pbar);
    return all;
}

static void results_release(results *all) {
    double *arrays[] = {all->y, all->xbar, all->pbar, all->yu, all->jac, all->hess};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

#define SCALE (-0.75)

static results evaluate(const net_fixture *fixture, const eval_calls *calls) {
    results got = results_make(fixture);
    eval_forward(calls, fixture->p, fixture->x, got.y);
    eval_vjp(calls, fixture->p, fixture->x, fixture->v, SCALE, got.xbar, got.pbar);
    eval_jvp(calls, fixture->p, fixture->x, fixture->u, fixture->up, NULL, got.yu);
    eval_jacobian(calls, fixture->p, fixture->x, NULL, got.jac);
    if (fixture->n_in <= MAX_HESSIAN_INPUT) {
        eval_hessian(calls, fixture->p, fixture->x, NULL, NULL, got.hess);
    }
    return got;
}

static results evaluate_library(const net_fixture *fixture, const net_calls *calls) {
    results got = results_make(fixture);
    call_forward(calls, fixture->p, fixture->x, got.y);
    call_vjp(calls, fixture->p, fixture->x, fixture->v, SCALE, got.xbar, got.pbar);
    call_jvp(calls, fixture->p, fixture->x, fixture->u, fixture->up, NULL, got.yu);
    call_jacobian(calls, fixture->p, fixture->x, NULL, got.jac);
    if (fixture->n_in <= MAX_HESSIAN_INPUT) {
        call_hessian(calls, fixture->p, fixture->x, NULL, NULL, got.hess);
    }
    return got;
}

/* Largest difference to the library seen, in units of the a-priori bound that both keep. */
static long double worst;

/* What the evaluator's header states. */
static const long double stated = 4.0L;

static void check_difference(const double *a, const double *b, const reference_value *reference, size_t n) {
    for (size_t i = 0; i < n; i++) {
        long double difference = fabsl((long double)a[i] - (long double)b[i]);
        assert_true(difference <= stated * reference[i].error + 1e-300L);
        worst = fmaxl(worst, difference / (reference[i].error + 1e-300L));
    }
}

static void check(const net_fixture *fixture, const net_calls *library) {
    if (library->real != NET_F64) {
        return;
    }
    eval_calls calls;
    eval_calls_make(&calls, fixture, library->placement);
    results got = evaluate(fixture, &calls), theirs = evaluate_library(fixture, library);
    reference_net ref = net_calls_reference(library, fixture);
    size_t n_in = fixture->n_in, n_out = fixture->n_out, n_param = fixture->n_param, n_jac = n_in * n_out;
    reference_value *want = references(n_param + n_jac * n_in), *want_x = references(n_in);
    reference_forward(&ref, fixture->p, fixture->x, want);
    assert_matches_reference("y", got.y, want, n_out, ref.u);
    check_difference(got.y, theirs.y, want, n_out);
    reference_vjp(&ref, fixture->p, fixture->x, fixture->v, SCALE, fixture->pbar, want_x, want);
    assert_matches_reference("xbar", got.xbar, want_x, n_in, ref.u);
    assert_matches_reference("pbar", got.pbar, want, n_param, ref.u);
    check_difference(got.xbar, theirs.xbar, want_x, n_in);
    check_difference(got.pbar, theirs.pbar, want, n_param);
    reference_jvp(&ref, fixture->p, fixture->x, fixture->u, fixture->up, want);
    assert_matches_reference("yu", got.yu, want, n_out, ref.u);
    check_difference(got.yu, theirs.yu, want, n_out);
    reference_jacobian(&ref, fixture->p, fixture->x, want);
    assert_matches_reference("jac", got.jac, want, n_jac, ref.u);
    check_difference(got.jac, theirs.jac, want, n_jac);
    if (n_in <= MAX_HESSIAN_INPUT) {
        reference_hessian(&ref, fixture->p, fixture->x, want);
        assert_matches_reference("hess", got.hess, want, n_jac * n_in, ref.u);
        check_difference(got.hess, theirs.hess, want, n_jac * n_in);
    }
    free(want_x);
    free(want);
    results_release(&theirs);
    results_release(&got);
}

static void eval_table_matches_reference_and_library(void **state) {
    (void)state;
    net_battery_table(check);
}

static void eval_pairs_of_widths_match_reference_and_library(void **state) {
    (void)state;
    net_battery_layers(NET_BATTERY_WIDTH, NET_BATTERY_WIDTH, check);
}

static void eval_random_nets_match_reference_and_library(void **state) {
    (void)state;
    net_battery_random(300, 33, check);
    print_message("largest difference to the library: %.3Lf of the bound\n", worst);
}

static void check_selection(const net_fixture *fixture, const net_calls *library) {
    if (library->real != NET_F64 || fixture->n_in > MAX_HESSIAN_INPUT) {
        return;
    }
    eval_calls calls;
    eval_calls_make(&calls, fixture, library->placement);
    results all = evaluate(fixture, &calls), some = results_make(fixture);
    size_t n_jac = fixture->n_in * fixture->n_out;
    eval_vjp(&calls, fixture->p, fixture->x, fixture->v, SCALE, some.xbar, NULL);
    eval_vjp(&calls, fixture->p, fixture->x, fixture->v, SCALE, NULL, some.pbar);
    assert_same_bits_f64(some.xbar, all.xbar, fixture->n_in);
    assert_same_bits_f64(some.pbar, all.pbar, fixture->n_param);
    eval_jvp(&calls, fixture->p, fixture->x, fixture->u, fixture->up, some.y, some.yu);
    assert_same_bits_f64(some.y, all.y, fixture->n_out);
    assert_same_bits_f64(some.yu, all.yu, fixture->n_out);
    double *zero = doubles(fixture->n_param), *without = doubles(fixture->n_out);
    eval_jvp(&calls, fixture->p, fixture->x, fixture->u, zero, NULL, some.yu);
    eval_jvp(&calls, fixture->p, fixture->x, fixture->u, NULL, NULL, without);
    assert_close_array(without, some.yu, fixture->n_out, 0.0, 0.0);
    eval_jacobian(&calls, fixture->p, fixture->x, some.y, some.jac);
    assert_same_bits_f64(some.y, all.y, fixture->n_out);
    assert_same_bits_f64(some.jac, all.jac, n_jac);
    eval_hessian(&calls, fixture->p, fixture->x, some.y, some.jac, some.hess);
    assert_same_bits_f64(some.y, all.y, fixture->n_out);
    assert_close_array(some.jac, all.jac, n_jac, 1e-11, 1e-11);
    assert_same_bits_f64(some.hess, all.hess, n_jac * fixture->n_in);
    free(without);
    free(zero);
    results_release(&some);
    results_release(&all);
}

static void eval_results_are_the_same_whatever_else_is_wanted(void **state) {
    (void)state;
    net_battery_table(check_selection);
}

static void check_dot_identity(const net_fixture *fixture, const net_calls *library) {
    if (library->real != NET_F64) {
        return;
    }
    eval_calls calls;
    eval_calls_make(&calls, fixture, library->placement);
    results got = results_make(fixture);
    memset(got.pbar, 0, fixture->n_param * sizeof *got.pbar);
    eval_vjp(&calls, fixture->p, fixture->x, fixture->v, 1.0, got.xbar, got.pbar);
    eval_jvp(&calls, fixture->p, fixture->x, fixture->u, fixture->up, NULL, got.yu);
    long double forward = 0.0L, backward = 0.0L, size = 1.0L;
    for (size_t i = 0; i < fixture->n_out; i++) {
        forward += (long double)fixture->v[i] * (long double)got.yu[i];
        size += fabsl((long double)fixture->v[i] * (long double)got.yu[i]);
    }
    for (size_t j = 0; j < fixture->n_in; j++) {
        backward += (long double)fixture->u[j] * (long double)got.xbar[j];
        size += fabsl((long double)fixture->u[j] * (long double)got.xbar[j]);
    }
    for (size_t k = 0; k < fixture->n_param; k++) {
        backward += (long double)fixture->up[k] * (long double)got.pbar[k];
        size += fabsl((long double)fixture->up[k] * (long double)got.pbar[k]);
    }
    assert_close((forward - backward) / size, 0.0, 0.0, 1e-12);
    results_release(&got);
}

static void eval_vjp_and_jvp_satisfy_dot_identity(void **state) {
    (void)state;
    net_battery_table(check_dot_identity);
    net_battery_random(150, 40, check_dot_identity);
}

/* z → act(z), its slope and its curvature through a network of one weight, 1. */
static void one_unit(int act, double z, double *got) {
    costate_eval_layer layer = {1, act, 1};
    costate_eval_net net = {.n_in = 1, .n_layer = 1, .layers = &layer};
    double weight = 1.0, work[16];
    assert_int_equal(costate_eval_hessian(&net, &weight, &z, &got[0], &got[1], &got[2], work, 16), COSTATE_EVAL_OK);
}

static void eval_activations_are_exact_in_the_tails(void **state) {
    (void)state;
    static const double far[] = {0.0,  -0.0,  5e-324, -5e-324, 1e-310, -1e-310, 1e-20, -1e-20, 1e-3, -1e-3,
                                 19.0, -19.0, 37.5,   -37.5,   745.0,  -745.0,  1e4,   -1e4,   1e90, -1e90};
    for (int act = 0; act < COSTATE_EVAL_ACT_COUNT; act++) {
        for (size_t k = 0; k < sizeof far / sizeof *far; k++) {
            if (act == COSTATE_EVAL_SIN && fabs(far[k]) > 1e4) {
                continue;
            }
            double got[3];
            one_unit(act, far[k], got);
            for (int order = 0; order < 3; order++) {
                reference_value want = reference_act_value((costate_act)act, order, reference_exact(far[k]), 0x1p-53L);
                assert_matches_reference(costate_act_name((costate_act)act), &got[order], &want, 1, 0x1p-53L);
            }
        }
    }
}

static void eval_activations_are_within_3_ulp(void **state) {
    (void)state;
    for (int act = 0; act < COSTATE_EVAL_ACT_COUNT; act++) {
        /* The argument's rounding is multiplied in the left tails of these two, where they vanish. */
        bool tail = act == COSTATE_EVAL_GELU || act == COSTATE_EVAL_GELU_TANH;
        for (int k = tail ? -128 : -6656; k < 6656; k++) {
            double z = k * 0.00390721, got[3];
            one_unit(act, z, got);
            assert_ulp_f64(got[0], reference_act((costate_act)act, 0, (long double)z), 3.0);
        }
    }
}

static void eval_activations_pass_nonfinite_values_on(void **state) {
    (void)state;
    for (int act = 0; act < COSTATE_EVAL_ACT_COUNT; act++) {
        double got[3];
        one_unit(act, (double)NAN, got);
        assert_true(isnan(got[0]));
        for (int side = -1; side <= 1; side += 2) {
            one_unit(act, side * (double)INFINITY, got);
            long double limit = reference_act((costate_act)act, 0, side * 1e300L);
            if (act == COSTATE_EVAL_SIN) {
                assert_true(isnan(got[0]));
            } else if (fabsl(limit) > 2.0L) {
                assert_true(isinf(got[0]) && (got[0] > 0) == (limit > 0.0L));
            } else {
                assert_close(got[0], limit, 0.0, 0.0);
            }
        }
    }
}

static void eval_numbers_are_those_of_the_library(void **state) {
    (void)state;
    assert_int_equal(COSTATE_EVAL_ACT_COUNT, COSTATE_ACT_COUNT);
#define SAME_NUMBER(name, text, formula) assert_int_equal((int)COSTATE_EVAL_##name, (int)COSTATE_ACT_##name);
    COSTATE_ACT_LIST(SAME_NUMBER)
#undef SAME_NUMBER
    assert_int_equal((int)COSTATE_EVAL_OK, (int)COSTATE_OK);
    assert_int_equal((int)COSTATE_EVAL_ERR_NULL, (int)COSTATE_ERR_NULL);
    assert_int_equal((int)COSTATE_EVAL_ERR_ARGUMENT, (int)COSTATE_ERR_ARGUMENT);
    assert_int_equal((int)COSTATE_EVAL_ERR_OVERFLOW, (int)COSTATE_ERR_OVERFLOW);
    assert_int_equal((int)COSTATE_EVAL_ERR_WORKSPACE, (int)COSTATE_ERR_WORKSPACE);
    assert_int_equal((int)COSTATE_EVAL_ERR_NONFINITE, (int)COSTATE_ERR_NONFINITE);
}

/* A 2-3-1 network, to be spoilt. */
typedef struct small_net {
    costate_eval_layer layers[2];
    double scale[3];
    costate_eval_net net;
} small_net;

static void small_net_make(small_net *small) {
    *small =
        (small_net){.layers = {{3, COSTATE_EVAL_TANH, 0}, {1, COSTATE_EVAL_IDENTITY, 0}}, .scale = {1.0, 2.0, 3.0}};
    small->net = (costate_eval_net){.n_in = 2, .n_layer = 2, .layers = small->layers};
}

static void refused(const costate_eval_net *net, costate_eval_status expected, const char *part) {
    const char *text = NULL;
    assert_int_equal(costate_eval_check(net, &text), expected);
    assert_non_null(strstr(text, part));
    assert_int_equal(costate_eval_check(net, NULL), expected);
}

static void eval_check_names_what_is_wrong(void **state) {
    (void)state;
    small_net s;
#define SPOILT(change, status, part)                                                                                   \
    small_net_make(&s);                                                                                                \
    refused(&s.net, COSTATE_EVAL_OK, "");                                                                              \
    change;                                                                                                            \
    refused(&s.net, COSTATE_EVAL_##status, part)
    SPOILT(s.net.layers = NULL, ERR_NULL, "layers");
    SPOILT(s.net.n_in = 0, ERR_ARGUMENT, "n_in");
    SPOILT(s.net.n_layer = 0, ERR_ARGUMENT, "n_layer");
    SPOILT(s.net.input_act = COSTATE_EVAL_ACT_COUNT, ERR_ARGUMENT, "input_act");
    SPOILT(s.net.input_act = -1, ERR_ARGUMENT, "input_act");
    SPOILT(s.layers[1].act = COSTATE_EVAL_ACT_COUNT, ERR_ARGUMENT, "act");
    SPOILT(s.layers[0].act = -1, ERR_ARGUMENT, "act");
    SPOILT(s.layers[0].n_out = 0, ERR_ARGUMENT, "units");
    SPOILT(s.layers[0].n_out = SIZE_MAX / 2, ERR_OVERFLOW, "parameters");
    SPOILT(s.layers[0].n_out = SIZE_MAX / 48, ERR_OVERFLOW, "parameters");
    SPOILT((s.net.n_in = 1, s.net.n_layer = 1, s.layers[0] = (costate_eval_layer){SIZE_MAX / 64, 0, 1}), ERR_OVERFLOW,
           "scratch");
    SPOILT((s.scale[1] = (double)NAN, s.net.in_scale = s.scale), ERR_NONFINITE, "in_scale");
    SPOILT((s.scale[0] = (double)INFINITY, s.net.in_shift = s.scale), ERR_NONFINITE, "in_shift");
    SPOILT((s.scale[0] = -(double)INFINITY, s.net.out_scale = s.scale), ERR_NONFINITE, "out_scale");
    SPOILT((s.scale[0] = (double)NAN, s.net.out_shift = s.scale), ERR_NONFINITE, "out_shift");
#undef SPOILT
    refused(NULL, COSTATE_EVAL_ERR_NULL, "net");
}

static void eval_calls_refuse_null(void **state) {
    (void)state;
    small_net s;
    small_net_make(&s);
    const costate_eval_net *net = &s.net;
    double p[13] = {0.0}, x[2] = {0.0}, y[1], out[4], work[64];
    const costate_eval_status null = COSTATE_EVAL_ERR_NULL;
    assert_int_equal(costate_eval_forward(NULL, p, x, y, work, 64), null);
    assert_int_equal(costate_eval_forward(net, NULL, x, y, work, 64), null);
    assert_int_equal(costate_eval_forward(net, p, NULL, y, work, 64), null);
    assert_int_equal(costate_eval_forward(net, p, x, NULL, work, 64), null);
    assert_int_equal(costate_eval_forward(net, p, x, y, NULL, 64), null);
    assert_int_equal(costate_eval_vjp(net, p, x, NULL, 1.0, out, NULL, work, 64), null);
    assert_int_equal(costate_eval_jvp(net, p, x, NULL, NULL, NULL, out, work, 64), null);
    assert_int_equal(costate_eval_jvp(net, p, x, x, NULL, NULL, NULL, work, 64), null);
    assert_int_equal(costate_eval_jacobian(net, p, x, NULL, NULL, work, 64), null);
    assert_int_equal(costate_eval_hessian(net, p, x, NULL, NULL, NULL, work, 64), null);
    assert_int_equal(costate_eval_hessian(net, p, x, NULL, NULL, out, work, 64), COSTATE_EVAL_OK);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        net_battery_test(eval_table_matches_reference_and_library),
        net_battery_test(eval_pairs_of_widths_match_reference_and_library),
        net_battery_test(eval_random_nets_match_reference_and_library),
        net_battery_test(eval_results_are_the_same_whatever_else_is_wanted),
        net_battery_test(eval_vjp_and_jvp_satisfy_dot_identity),
        cmocka_unit_test(eval_activations_are_exact_in_the_tails),
        cmocka_unit_test(eval_activations_are_within_3_ulp),
        cmocka_unit_test(eval_activations_pass_nonfinite_values_on),
        cmocka_unit_test(eval_numbers_are_those_of_the_library),
        cmocka_unit_test(eval_check_names_what_is_wrong),
        cmocka_unit_test(eval_calls_refuse_null),
    };
    return cmocka_run_group_tests_name("eval", tests, NULL, NULL);
}
