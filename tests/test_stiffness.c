/* SPDX-License-Identifier: MIT */
/* When explicit steps give way to implicit ones and back. */
#include "ode/stiffness.h"
#include "support/asserts.h"

#include <math.h>

enum { N = 2, STEPS = 15, FORGET = 6, EASY = 10 };

static const double atol[N] = {1e-9, 1e-9};

/* An explicit step whose last two stages differ by `dy`, and their slopes by lambda times that. */
static bool explicit_step(csi_stiffness *stiffness, double h, const double *lambda, const double *dy) {
    double k[7 * N] = {0.0}, stage[N] = {1.0, 1e-5}, y_end[N];
    for (int i = 0; i < N; i++) {
        y_end[i] = stage[i] + dy[i];
        k[6 * N + i] = 5.0 + lambda[i] * (y_end[i] - stage[i]);
        k[5 * N + i] = 5.0;
    }
    const csi_step_record record = {.tableau = &csi_tsit5, .h = h, .k = k};
    return csi_stiffness_appears(stiffness, &record, N, 1e-6, atol, stage, y_end);
}

static bool explicit_at(csi_stiffness *stiffness, double z) {
    return explicit_step(stiffness, 0.1, (double[N]){-10.0 * z, -10.0 * z}, (double[N]){1e-4, 1e-9});
}

static void steps_at_the_edge_of_stability_are_stiff_after_fifteen(void **state) {
    (void)state;
    csi_stiffness stiffness = {.n_for = 100, .n_against = 3};
    csi_stiffness_begin(&stiffness);
    for (int i = 1; i < STEPS; i++)
        assert_false(explicit_at(&stiffness, 3.4));
    assert_true(explicit_at(&stiffness, 3.4));
}

static void steps_backward_in_time_count_alike(void **state) {
    (void)state;
    csi_stiffness stiffness;
    csi_stiffness_begin(&stiffness);
    for (int i = 1; i < STEPS; i++)
        assert_false(explicit_step(&stiffness, -0.1, (double[N]){34.0, 34.0}, (double[N]){1e-4, 1e-9}));
    assert_true(explicit_step(&stiffness, -0.1, (double[N]){34.0, 34.0}, (double[N]){1e-4, 1e-9}));
}

static void steps_well_inside_are_never_stiff(void **state) {
    (void)state;
    csi_stiffness stiffness;
    csi_stiffness_begin(&stiffness);
    for (int i = 0; i < 1000; i++)
        assert_false(explicit_at(&stiffness, 2.5));
}

static void a_few_misses_are_forgiven_and_six_in_a_row_forget(void **state) {
    (void)state;
    csi_stiffness stiffness;
    csi_stiffness_begin(&stiffness);
    for (int i = 1; i < STEPS; i++) {
        assert_false(explicit_at(&stiffness, 3.4));
        for (int miss = 1; miss < FORGET; miss++)
            assert_false(explicit_at(&stiffness, 1.0));
    }
    assert_true(explicit_at(&stiffness, 3.4));
    for (int miss = 0; miss < FORGET; miss++)
        explicit_at(&stiffness, 1.0);
    for (int i = 1; i < STEPS; i++)
        assert_false(explicit_at(&stiffness, 3.4));
    assert_true(explicit_at(&stiffness, 3.4));
}

/* A smooth difference in the large state hides the stiff one in the small state, unless the tolerances weigh them. */
static void small_states_have_their_say(void **state) {
    (void)state;
    csi_stiffness stiffness;
    csi_stiffness_begin(&stiffness);
    for (int i = 1; i < STEPS; i++)
        assert_false(explicit_step(&stiffness, 0.1, (double[N]){-0.1, -34.0}, (double[N]){1e-7, 1e-9}));
    assert_true(explicit_step(&stiffness, 0.1, (double[N]){-0.1, -34.0}, (double[N]){1e-7, 1e-9}));
}

static void nothing_can_be_said_without_a_difference_or_with_nan(void **state) {
    (void)state;
    csi_stiffness stiffness;
    csi_stiffness_begin(&stiffness);
    for (int i = 0; i < 2 * STEPS; i++) {
        assert_false(explicit_step(&stiffness, 0.1, (double[N]){-40.0, -40.0}, (double[N]){0.0, 0.0}));
        assert_false(explicit_step(&stiffness, 0.1, (double[N]){-40.0, (double)NAN}, (double[N]){1e-4, 1e-4}));
    }
}

static bool implicit_at(csi_stiffness *stiffness, double h, const double *jac) {
    const csi_step_record record = {.tableau = &csi_sdirk4, .h = h};
    return csi_stiffness_is_over(stiffness, &record, N, jac);
}

static void short_implicit_steps_are_over_after_ten_in_a_row(void **state) {
    (void)state;
    /* A rotation by 10: its spectral radius is 10, its row and column sums are, and its Frobenius norm is 14. */
    const double jac[] = {0.0, 10.0, -10.0, 0.0};
    csi_stiffness stiffness = {.n_for = 100};
    csi_stiffness_begin(&stiffness);
    for (int round = 0; round < 3; round++) {
        for (int i = 1; i < EASY; i++)
            assert_false(implicit_at(&stiffness, round == 1 ? -0.17 : 0.17, jac));
        assert_false(implicit_at(&stiffness, round == 1 ? -0.18 : 0.18, jac));
    }
    for (int i = 1; i < EASY; i++)
        assert_false(implicit_at(&stiffness, 0.17, jac));
    assert_true(implicit_at(&stiffness, 0.17, jac));
}

/* The least of the three norms: each of these is small in one of them alone. */
static void the_best_of_three_bounds_serves(void **state) {
    (void)state;
    const double jac[][N * N] = {
        {1.0, 0.0, 9.0, 1.0},  /* rows (1 9), (0 1): Frobenius 9.11, rows and columns 10 */
        {9.0, 9.0, 0.0, 0.0},  /* rows (9 0), (9 0): rows 9, columns 18, Frobenius 12.7 */
        {9.0, 0.0, -9.0, 0.0}, /* rows (9 -9), (0 0): columns 9, rows 18, Frobenius 12.7 */
    };
    for (int m = 0; m < 3; m++) {
        csi_stiffness stiffness;
        csi_stiffness_begin(&stiffness);
        for (int i = 1; i < EASY; i++)
            assert_false(implicit_at(&stiffness, 1.74 / (m == 0 ? 9.11043357914 : 9.0), jac[m]));
        assert_true(implicit_at(&stiffness, 1.74 / (m == 0 ? 9.11043357914 : 9.0), jac[m]));
        csi_stiffness_begin(&stiffness);
        for (int i = 0; i < 100; i++)
            assert_false(implicit_at(&stiffness, 1.76 / (m == 0 ? 9.11043357914 : 9.0), jac[m]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_at_the_edge_of_stability_are_stiff_after_fifteen),
        cmocka_unit_test(steps_backward_in_time_count_alike),
        cmocka_unit_test(steps_well_inside_are_never_stiff),
        cmocka_unit_test(a_few_misses_are_forgiven_and_six_in_a_row_forget),
        cmocka_unit_test(small_states_have_their_say),
        cmocka_unit_test(nothing_can_be_said_without_a_difference_or_with_nan),
        cmocka_unit_test(short_implicit_steps_are_over_after_ten_in_a_row),
        cmocka_unit_test(the_best_of_three_bounds_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
