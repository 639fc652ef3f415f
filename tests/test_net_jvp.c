/* SPDX-License-Identifier: MIT */
/* The Jacobian-vector product and the dense Jacobian. */
#include "net_battery.h"

#include <stdlib.h>

static void check_jvp(const net_fixture *fixture, const net_calls *calls) {
    reference_net ref = net_calls_reference(calls, fixture);
    size_t n_out = fixture->n_out;
    double *y = doubles(n_out), *forward = doubles(n_out), *yu = doubles(n_out), *without_y = doubles(n_out);
    reference_value *want = references(n_out);
    call_forward(calls, fixture->p, fixture->x, forward);
    const double *tangents[] = {NULL, fixture->up};
    for (size_t t = 0; t < sizeof tangents / sizeof *tangents; t++) {
        reference_jvp(&ref, fixture->p, fixture->x, fixture->u, tangents[t], want);
        call_jvp(calls, fixture->p, fixture->x, fixture->u, tangents[t], y, yu);
        call_jvp(calls, fixture->p, fixture->x, fixture->u, tangents[t], NULL, without_y);
        assert_matches_reference("yu", yu, want, n_out, ref.u);
        assert_same_bits_f64(without_y, yu, n_out);
        assert_same_bits_f64(y, forward, n_out);
    }
    free(want);
    free(without_y);
    free(yu);
    free(forward);
    free(y);
}

static void jvp_every_pair_of_widths_matches_reference(void **state) {
    (void)state;
    net_battery_layers(NET_BATTERY_WIDTH, NET_BATTERY_WIDTH, check_jvp);
}

static void jvp_table_matches_reference(void **state) {
    (void)state;
    net_battery_table(check_jvp);
}

static void jvp_random_net_matches_reference(void **state) {
    (void)state;
    net_battery_random(150, 20, check_jvp);
}

static void check_jvp_placements(const net_fixture *fixture, const net_calls *calls) {
    double *yu = doubles(fixture->n_out), *again = doubles(fixture->n_out);
    call_jvp(calls, fixture->p, fixture->x, fixture->u, fixture->up, NULL, yu);
    for (int placement = 0; placement < N_NET_PLACEMENT; placement++) {
        net_calls elsewhere = {calls->net, calls->real, (net_placement)placement};
        call_jvp(&elsewhere, fixture->p, fixture->x, fixture->u, fixture->up, NULL, again);
        assert_same_bits_f64(again, yu, fixture->n_out);
    }
    free(again);
    free(yu);
}

static void jvp_misaligned_gives_same_bits(void **state) {
    (void)state;
    net_battery_table(check_jvp_placements);
}

static void check_jacobian(const net_fixture *fixture, const net_calls *calls) {
    reference_net ref = net_calls_reference(calls, fixture);
    size_t n = fixture->n_in * fixture->n_out;
    double *y = doubles(fixture->n_out), *forward = doubles(fixture->n_out), *jac = doubles(n), *without_y = doubles(n);
    reference_value *want = references(n);
    reference_jacobian(&ref, fixture->p, fixture->x, want);
    call_forward(calls, fixture->p, fixture->x, forward);
    call_jacobian(calls, fixture->p, fixture->x, y, jac);
    assert_matches_reference("jac", jac, want, n, ref.u);
    assert_same_bits_f64(y, forward, fixture->n_out);
    for (int placement = 0; placement < N_NET_PLACEMENT; placement++) {
        net_calls elsewhere = {calls->net, calls->real, (net_placement)placement};
        call_jacobian(&elsewhere, fixture->p, fixture->x, NULL, without_y);
        assert_same_bits_f64(without_y, jac, n);
    }
    free(want);
    free(without_y);
    free(jac);
    free(forward);
    free(y);
}

static void jacobian_pairs_of_widths_match_reference(void **state) {
    (void)state;
    net_battery_layers(NET_BATTERY_WIDTH, 4, check_jacobian);
    net_battery_layers(4, NET_BATTERY_WIDTH, check_jacobian);
    net_battery_layers(17, 17, check_jacobian);
}

static void jacobian_table_matches_reference(void **state) {
    (void)state;
    net_battery_table(check_jacobian);
}

static void jacobian_random_net_matches_reference(void **state) {
    (void)state;
    net_battery_random(100, 20, check_jacobian);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        net_battery_test(jvp_every_pair_of_widths_matches_reference),
        net_battery_test(jvp_table_matches_reference),
        net_battery_test(jvp_random_net_matches_reference),
        net_battery_test(jvp_misaligned_gives_same_bits),
        net_battery_test(jacobian_pairs_of_widths_match_reference),
        net_battery_test(jacobian_table_matches_reference),
        net_battery_test(jacobian_random_net_matches_reference),
    };
    return cmocka_run_group_tests_name("net_jvp", tests, NULL, NULL);
}
