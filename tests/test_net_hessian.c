/* SPDX-License-Identifier: MIT */
/* The input Hessian of every output. */
#include "net_battery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A Hessian costs n_in^2 evaluations; what wider networks add is checked for symmetry only. */
static bool too_wide(const net_fixture *fixture) { return fixture->n_in > 20; }

/* y, Jacobian and Hessian of one point. */
typedef struct derivatives {
    double *y, *jac, *hess;
} derivatives;

static derivatives derivatives_make(const net_fixture *fixture) {
    size_t n_jac = fixture->n_out * fixture->n_in;
    return (derivatives){doubles(fixture->n_out), doubles(n_jac), doubles(n_jac * fixture->n_in)};
}

static void derivatives_release(derivatives *d) {
    free(d->y);
    free(d->jac);
    free(d->hess);
}

static void check_reference(const net_fixture *fixture, const net_calls *calls) {
    if (too_wide(fixture)) {
        return;
    }
    reference_net ref = net_calls_reference(calls, fixture);
    size_t n_jac = fixture->n_out * fixture->n_in, n_hess = n_jac * fixture->n_in;
    reference_value *y = references(fixture->n_out), *jac = references(n_jac), *hess = references(n_hess);
    reference_forward(&ref, fixture->p, fixture->x, y);
    reference_jacobian(&ref, fixture->p, fixture->x, jac);
    reference_hessian(&ref, fixture->p, fixture->x, hess);
    derivatives got = derivatives_make(fixture);
    call_hessian(calls, fixture->p, fixture->x, got.y, got.jac, got.hess);
    assert_matches_reference("y", got.y, y, fixture->n_out, ref.u);
    assert_matches_reference("jac", got.jac, jac, n_jac, ref.u);
    assert_matches_reference("hess", got.hess, hess, n_hess, ref.u);
    derivatives_release(&got);
    free(hess);
    free(jac);
    free(y);
}

static void hessian_pairs_of_widths_match_reference(void **state) {
    (void)state;
    net_battery_layers(4, NET_BATTERY_WIDTH, check_reference);
    net_battery_layers(12, 3, check_reference);
}

static void hessian_table_matches_reference(void **state) {
    (void)state;
    net_battery_table(check_reference);
}

static void hessian_random_net_matches_reference(void **state) {
    (void)state;
    net_battery_random(150, 8, check_reference);
}

static void check_outputs(const net_fixture *fixture, const net_calls *calls) {
    if (too_wide(fixture)) {
        return;
    }
    size_t n_jac = fixture->n_out * fixture->n_in, n_hess = n_jac * fixture->n_in;
    derivatives all = derivatives_make(fixture), some = derivatives_make(fixture);
    call_hessian(calls, fixture->p, fixture->x, all.y, all.jac, all.hess);
    for (int placement = 0; placement < N_NET_PLACEMENT; placement++) {
        net_calls elsewhere = {calls->net, calls->real, (net_placement)placement};
        call_hessian(&elsewhere, fixture->p, fixture->x, NULL, NULL, some.hess);
        assert_same_bits_f64(some.hess, all.hess, n_hess);
        memset(some.hess, 0, n_hess * sizeof *some.hess);
        call_hessian(&elsewhere, fixture->p, fixture->x, some.y, NULL, some.hess);
        assert_same_bits_f64(some.hess, all.hess, n_hess);
        assert_same_bits_f64(some.y, all.y, fixture->n_out);
        call_hessian(&elsewhere, fixture->p, fixture->x, NULL, some.jac, some.hess);
        assert_same_bits_f64(some.jac, all.jac, n_jac);
    }
    derivatives_release(&some);
    derivatives_release(&all);
}

static void hessian_is_the_same_whatever_else_is_wanted(void **state) {
    (void)state;
    net_battery_table(check_outputs);
    net_battery_random(20, 8, check_outputs);
}

static void check_symmetric(const net_fixture *fixture, const net_calls *calls) {
    size_t n_in = fixture->n_in;
    derivatives got = derivatives_make(fixture);
    call_hessian(calls, fixture->p, fixture->x, got.y, got.jac, got.hess);
    for (size_t k = 0; k < fixture->n_out; k++) {
        for (size_t i = 0; i < n_in; i++) {
            for (size_t j = 0; j < i; j++) {
                const double *h = got.hess + k * n_in * n_in;
                assert_same_bits_f64(&h[i * n_in + j], &h[j * n_in + i], 1);
            }
        }
    }
    derivatives_release(&got);
}

static void hessian_is_symmetric(void **state) {
    (void)state;
    net_battery_table(check_symmetric);
    net_battery_random(50, 9, check_symmetric);
}

/* jac at x + h·e_j. */
static void shifted_jacobian(const net_fixture *fixture, const net_calls *calls, size_t j, double h, double *jac) {
    double *x = doubles(fixture->n_in);
    memcpy(x, fixture->x, fixture->n_in * sizeof *x);
    x[j] += h;
    call_jacobian(calls, fixture->p, x, NULL, jac);
    free(x);
}

static void check_differences(const net_fixture *fixture, const net_calls *calls) {
    if (calls->real != NET_F64 || too_wide(fixture)) {
        return;
    }
    size_t n_in = fixture->n_in, n_out = fixture->n_out;
    derivatives got = derivatives_make(fixture);
    call_hessian(calls, fixture->p, fixture->x, NULL, NULL, got.hess);
    double h = 1e-4,
           *jac[4] = {doubles(n_in * n_out), doubles(n_in * n_out), doubles(n_in * n_out), doubles(n_in * n_out)};
    double worst = 0.0, size = 1.0;
    for (size_t j = 0; j < n_in; j++) {
        shifted_jacobian(fixture, calls, j, h, jac[0]);
        shifted_jacobian(fixture, calls, j, -h, jac[1]);
        shifted_jacobian(fixture, calls, j, 2.0 * h, jac[2]);
        shifted_jacobian(fixture, calls, j, -2.0 * h, jac[3]);
        for (size_t k = 0; k < n_out; k++) {
            for (size_t i = 0; i < n_in; i++) {
                size_t at = k + n_out * i;
                double numeric = (8.0 * (jac[0][at] - jac[1][at]) - (jac[2][at] - jac[3][at])) / (12.0 * h);
                double analytic = got.hess[(k * n_in + i) * n_in + j];
                assert_true(isfinite(analytic) && isfinite(numeric));
                worst = fmax(worst, fabs(analytic - numeric));
                size = fmax(size, fabs(analytic));
            }
        }
    }
    assert_close(worst, 0.0, 0.0, 1e-7 * size);
    for (size_t i = 0; i < 4; i++) {
        free(jac[i]);
    }
    derivatives_release(&got);
}

static void hessian_matches_differences_of_jacobian(void **state) {
    (void)state;
    net_battery_table(check_differences);
}

static void hessian_of_branches_is_zero_for_piecewise_linear(void **state) {
    (void)state;
    static const costate_act acts[] = {COSTATE_ACT_RELU, COSTATE_ACT_LEAKY_RELU, COSTATE_ACT_IDENTITY};
    for (size_t a = 0; a < sizeof acts / sizeof *acts; a++) {
        net_shape shape = net_shape_layer(3, 21, acts[a], false);
        net_fixture fixture;
        net_fixture_make(&fixture, &shape, 3);
        for (int real = 0; real < N_NET_REAL; real++) {
            double hess[21 * 9];
            call_hessian(&(net_calls){fixture.net, (net_real)real, PLACE_END}, fixture.p, fixture.x, NULL, NULL, hess);
            for (size_t i = 0; i < 21 * 9; i++) {
                assert_true(hess[i] == 0.0);
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
        net_battery_test(hessian_pairs_of_widths_match_reference),
        net_battery_test(hessian_table_matches_reference),
        net_battery_test(hessian_random_net_matches_reference),
        net_battery_test(hessian_is_the_same_whatever_else_is_wanted),
        net_battery_test(hessian_is_symmetric),
        net_battery_test(hessian_matches_differences_of_jacobian),
        cmocka_unit_test(hessian_of_branches_is_zero_for_piecewise_linear),
    };
    return cmocka_run_group_tests_name("net_hessian", tests, NULL, NULL);
}
