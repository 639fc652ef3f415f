/* SPDX-License-Identifier: MIT */
/* The stiff test set by the methods that are for it: end points, number of steps, and what `auto` chooses. */
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"

#include <costate/solver.h>
#include <math.h>

static const costate_method stiff_methods[] = {COSTATE_METHOD_BDF, COSTATE_METHOD_SDIRK4, COSTATE_METHOD_AUTO};
enum { N_STIFF_METHOD = 3 };

/* One problem with the tolerances it is solved at; those of BDF are tighter because its error grows with the steps. */
typedef struct stiff_case {
    const problem *problem;
    double rtol, atol, bdf_rtol, bdf_atol;
    const double *atol_state; /* instead of atol */
    size_t max_step;          /* a step-size collapse takes many times this */
} stiff_case;

static const double rober_atol[] = {1e-14, 1e-20, 1e-12};
static const stiff_case cases[] = {
    {&problem_rober, 1e-6, 0.0, 1e-8, 0.0, rober_atol, 3000},
    {&problem_rober_log, 1e-6, 0.0, 1e-8, 0.0, rober_atol, 3000},
    {&problem_hires, 1e-6, 1e-10, 1e-7, 1e-11, NULL, 1000},
    {&problem_vdpol, 1e-6, 1e-8, 1e-7, 1e-9, NULL, 1500},
    {&problem_pollu, 1e-6, 1e-11, 1e-7, 1e-12, NULL, 300},
};
enum { N_CASE = sizeof cases / sizeof cases[0] };

/* Solves to t_end; the largest relative error over the published components. */
static double end_point_error(const stiff_case *c, costate_method method, costate_solve_counts *counts) {
    const problem *q = c->problem;
    bool bdf = method == COSTATE_METHOD_BDF;
    double y[PROBLEM_MAX_Y], worst = 0.0;
    costate_solver *solver = NULL;
    costate_solver_options options = gradient_options(method, bdf ? c->bdf_rtol : c->rtol, bdf ? c->bdf_atol : c->atol);
    options.atol_state = c->atol_state;
    assert_ok(costate_solver_create(&q->rhs, &options, NULL, &solver));
    assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 1, &q->t_end, y));
    assert_all_finite(y, q->rhs.n_y);
    for (size_t i = 0; i < q->rhs.n_y; i++)
        if (q->y_end[i] != 0.0) worst = fmax(worst, fabs(y[i] / q->y_end[i] - 1.0));
    *counts = *costate_solver_counts(solver);
    costate_solver_destroy(solver);
    return worst;
}

static void end_points_are_reached_in_few_steps(void **state) {
    (void)state;
    for (size_t k = 0; k < N_CASE; k++)
        for (size_t m = 0; m < N_STIFF_METHOD; m++) {
            costate_solve_counts counts;
            double error = end_point_error(&cases[k], stiff_methods[m], &counts);
            size_t n_fail = counts.n_error_fail + counts.n_nonlin_fail;
            bool few = counts.n_step <= (stiff_methods[m] == COSTATE_METHOD_BDF ? 20000 : cases[k].max_step) &&
                       2 * n_fail <= counts.n_step;
            if (!(error <= 1e-4 && few))
                fail_msg("%s by %s: error %g, %zu steps, %zu failures", cases[k].problem->name,
                         costate_method_name(stiff_methods[m]), error, counts.n_step, n_fail);
        }
}

/* Explicit steps to the end would be hundreds of times as many. */
static void auto_changes_to_implicit_steps_where_the_problem_is_stiff(void **state) {
    (void)state;
    for (size_t k = 0; k < N_CASE; k++) {
        costate_solve_counts counts, implicit;
        (void)end_point_error(&cases[k], COSTATE_METHOD_AUTO, &counts);
        (void)end_point_error(&cases[k], COSTATE_METHOD_SDIRK4, &implicit);
        assert_true(counts.n_switch >= 1 && counts.n_switch <= 20);
        assert_true(counts.n_implicit > 0 && counts.n_implicit < counts.n_step);
        assert_true(counts.n_f <= 4 * implicit.n_f && counts.n_jac <= 2 * implicit.n_jac);
        assert_int_equal(implicit.n_implicit, implicit.n_step);
        assert_int_equal(implicit.n_switch, 0);
    }
}

/* The same steps as tsit5 to the bit, hence the same results. */
static void auto_is_tsit5_where_the_problem_is_not_stiff(void **state) {
    (void)state;
    for (const problem *const *each = problem_list; *each; each++) {
        const problem *q = *each;
        const double rtol[] = {1e-3, 1e-6, 1e-10};
        for (size_t k = 0; k < 3 && !q->stiff; k++) {
            double y[2][2];
            for (size_t m = 0; m < 2; m++) {
                costate_solver *solver = NULL;
                costate_solver_options options =
                    gradient_options(m ? COSTATE_METHOD_AUTO : COSTATE_METHOD_TSIT5, rtol[k], rtol[k] * 1e-2);
                assert_ok(costate_solver_create(&q->rhs, &options, NULL, &solver));
                assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 1, &q->t_end, y[m]));
                assert_int_equal(costate_solver_counts(solver)->n_switch, 0);
                assert_int_equal(costate_solver_counts(solver)->n_implicit, 0);
                assert_int_equal(costate_solver_counts(solver)->n_jac, 0);
                costate_solver_destroy(solver);
            }
            assert_same_bits_f64(y[1], y[0], q->rhs.n_y);
        }
    }
}

/* Fast relaxations between slow phases: there is something to switch back to. */
static void auto_returns_to_explicit_steps(void **state) {
    (void)state;
    const double p = 1e-3, end = 4.0;
    const problem *q = &problem_vdpol;
    double y[N_STIFF_METHOD][2];
    costate_solve_counts counts = {.n_step = 0};
    for (size_t m = 0; m < N_STIFF_METHOD; m++) {
        costate_solver *solver = NULL;
        costate_solver_options options = gradient_options(stiff_methods[m], 1e-6, 1e-8);
        assert_ok(costate_solver_create(&q->rhs, &options, NULL, &solver));
        assert_ok(costate_solve(solver, &p, 0.0, q->y0, 1, &end, y[m]));
        counts = *costate_solver_counts(solver);
        costate_solver_destroy(solver);
    }
    assert_true(counts.n_switch >= 3 && counts.n_implicit > 0 && counts.n_implicit < counts.n_step);
    assert_close_array(y[1], y[0], 2, 1e-3, 1e-4);
    assert_close_array(y[2], y[0], 2, 1e-3, 1e-4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(end_points_are_reached_in_few_steps),
        cmocka_unit_test(auto_changes_to_implicit_steps_where_the_problem_is_stiff),
        cmocka_unit_test(auto_is_tsit5_where_the_problem_is_not_stiff),
        cmocka_unit_test(auto_returns_to_explicit_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
