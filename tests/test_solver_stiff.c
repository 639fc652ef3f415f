/* SPDX-License-Identifier: MIT */
/* End points of the stiff test set by BDF. */
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"

#include <costate/solver.h>

/* Solves to t_end and compares with the published state, 1e-4 relative in every published component. */
static void assert_end_point(const problem *q, double rtol, double atol, const double *atol_state) {
    double y[PROBLEM_MAX_Y];
    costate_solver *solver = NULL;
    costate_solver_options options = gradient_options(COSTATE_METHOD_BDF, rtol, atol);
    options.atol_state = atol_state;
    assert_ok(costate_solver_create(&q->rhs, &options, NULL, &solver));
    assert_ok(costate_solve(solver, q->p, q->t0, q->y0, 1, &q->t_end, y));
    for (size_t i = 0; i < q->rhs.n_y; i++)
        if (q->y_end[i] != 0.0) assert_close(y[i], q->y_end[i], 1e-4, 0.0);
    /* A stiff solver crosses the smooth phase in few steps. */
    assert_true(costate_solver_counts(solver)->n_step < 20000);
    costate_solver_destroy(solver);
}

static void rober_reaches_its_end_point(void **state) {
    (void)state;
    const double atol[] = {1e-14, 1e-20, 1e-12};
    assert_end_point(&problem_rober, 1e-8, 0.0, atol);
    assert_end_point(&problem_rober_log, 1e-8, 0.0, atol);
}

static void hires_reaches_its_end_point(void **state) {
    (void)state;
    assert_end_point(&problem_hires, 1e-7, 1e-11, NULL);
}

static void vdpol_reaches_its_end_point(void **state) {
    (void)state;
    assert_end_point(&problem_vdpol, 1e-7, 1e-9, NULL);
}

static void pollu_reaches_its_end_point(void **state) {
    (void)state;
    assert_end_point(&problem_pollu, 1e-7, 1e-12, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rober_reaches_its_end_point),
        cmocka_unit_test(hires_reaches_its_end_point),
        cmocka_unit_test(vdpol_reaches_its_end_point),
        cmocka_unit_test(pollu_reaches_its_end_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
