/* SPDX-License-Identifier: MIT */
/* Options and counts of the backward solve, its choice of quadrature nodes, and the derivatives it can do with. */
#include "adjoint_fixture.h"
#include "faulty_rhs.h"
#include "support/asserts.h"

#include <math.h>

static const problem *const lv = &problem_lotka_volterra;

static void own_options_of_the_backward_solve_are_honoured(void **state) {
    (void)state;
    const double atol_state[] = {1e-12, 1e-12};
    adjoint_fixture fx;
    adjoint_fixture_create(&fx, &adjoint_setups[0], 1e-10);
    size_t n_step = costate_adjoint_counts(fx.adjoint)->n_step;
    for (int variant = 0; variant < 5; variant++) {
        costate_adjoint_options o = costate_adjoint_options_default();
        assert_true(o.rtol == 0.0 && o.atol == 0.0 && !o.atol_state && o.max_steps == 0 && o.quad_nodes == 0);
        if (variant == 0) o.rtol = 1e-4;
        if (variant == 1) o.atol = 1e-5;
        if (variant == 2) o.atol_state = atol_state;
        if (variant >= 3) o.quad_nodes = variant == 3 ? 8 : 1;
        costate_adjoint *other = NULL;
        gradient g = {.t0bar = 0.0};
        assert_ok(costate_adjoint_create(fx.solver, &o, NULL, &other));
        assert_ok(costate_adjoint_vjp(other, lv->p, fx.n_t, fx.v, g.y0bar, g.pbar, &g.t0bar));
        const costate_solve_counts *c = costate_adjoint_counts(other);
        assert_true(variant < 2 ? c->n_step < n_step : variant == 2 || c->n_step == n_step);
        assert_lv_gradients_close(&g, &fx.g, variant < 2 || variant == 4 ? 1e-2 : 1e-7);
        if (variant >= 3) assert_int_equal(c->n_vjp_p, n_step * (variant == 3 ? 8u : 1u));
        if (variant == 4) assert_true(fabs(g.pbar[0] - fx.g.pbar[0]) > 1e-9);
        costate_adjoint_destroy(other);
    }
    adjoint_fixture_destroy(&fx);
}

/* The number of nodes is chosen so that the error of the quadrature is lost in that of lambda. */
static void chosen_nodes_keep_the_quadrature_below_the_tolerance(void **state) {
    (void)state;
    const double rtol[] = {1e-4, 1e-7, 1e-10};
    for (size_t m = 0; m < N_CONTINUOUS_SETUP; m++)
        for (size_t k = 0; k < 3; k++) {
            adjoint_fixture fx;
            adjoint_fixture_create(&fx, &adjoint_setups[m], rtol[k]);
            costate_adjoint_options o = costate_adjoint_options_default();
            o.quad_nodes = 8;
            costate_adjoint *finest = NULL;
            gradient g = {.t0bar = 0.0};
            assert_ok(costate_adjoint_create(fx.solver, &o, NULL, &finest));
            assert_ok(costate_adjoint_vjp(finest, lv->p, fx.n_t, fx.v, g.y0bar, g.pbar, &g.t0bar));
            double largest = 0.0;
            for (size_t j = 0; j < LV_N_P; j++)
                largest = fmax(largest, fabs(g.pbar[j]));
            assert_close_array(fx.g.pbar, g.pbar, LV_N_P, 0.0, 3.0 * rtol[k] * largest);
            assert_same_bits_f64(fx.g.y0bar, g.y0bar, LV_N_Y);
            costate_adjoint_destroy(finest);
            adjoint_fixture_destroy(&fx);
        }
}

static void counts_are_those_of_the_callbacks(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        faulty_rhs watch;
        costate_rhs rhs = faulty_rhs_wrap(&watch, &lv->rhs);
        costate_solver_options options = gradient_options(adjoint_setups[m].method, 1e-6, 1e-8);
        adjoint_fixture fx;
        assert_ok(costate_solver_create(&rhs, &options, NULL, &fx.solver));
        assert_ok(costate_adjoint_create(fx.solver, NULL, NULL, &fx.adjoint));
        adjoint_fixture_fill(&fx, adjoint_setups[m].n_t);
        adjoint_fixture_solve(&fx);
        const costate_solve_counts forward = *costate_solver_counts(fx.solver);
        for (int repeat = 0; repeat < 2; repeat++) {
            faulty_rhs_arm(&watch, FAULT_NONE, CALLBACK_F, 0, 0);
            adjoint_fixture_vjp(&fx, fx.n_t, fx.v, &fx.g);
            const costate_solve_counts *c = costate_adjoint_counts(fx.adjoint);
            assert_int_equal(c->n_vjp_y + c->n_vjp_p, watch.n_call[CALLBACK_VJP]);
            assert_int_equal(c->n_vjp_p, watch.n_vjp_p);
            assert_int_equal(c->n_jac, watch.n_call[CALLBACK_JAC]);
            assert_int_equal(c->n_f, watch.n_call[CALLBACK_F]);
            assert_true(c->n_step > 10 && c->n_vjp_p > 10);
            if (is_one_step(adjoint_setups[m].method)) {
                assert_int_equal(c->n_step, forward.n_step);
                assert_int_equal(c->n_implicit, forward.n_implicit);
            } else {
                assert_true(c->n_vjp_y + c->n_jac >= c->n_step);
                /* At most one start for each distinct observation time after t0. */
                assert_true(c->n_restart >= 1 && c->n_restart <= fx.n_t - 2);
            }
            assert_close(c->t_reached, 0.0, 0.0, 0.0);
            assert_true(c->last_step > 0.0 && c->seconds > 0.0 && c->n_nonlin_fail <= c->n_step / 10);
            assert_true(watch.t_min >= 0.0 && watch.t_max <= fx.t[fx.n_t - 1]);
        }
        assert_int_equal(costate_solver_counts(fx.solver)->n_f, forward.n_f);
        assert_int_equal(costate_solver_counts(fx.solver)->n_step, forward.n_step);
        adjoint_fixture_destroy(&fx);
    }
}

static void every_set_of_derivatives_gives_the_same_gradient(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        adjoint_fixture fx;
        adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-10);
        for (int variant = 0; variant < 2; variant++) {
            costate_rhs rhs = lv->rhs;
            rhs.jac = NULL;
            rhs.jvp = variant ? NULL : rhs.jvp;
            gradient_case c = {&rhs, lv->p, 0.0, lv->y0, fx.n_t, fx.t, fx.v};
            costate_solver_options options = gradient_options(adjoint_setups[m].method, 1e-10, 1e-12);
            gradient g;
            gradient_by_adjoint(&c, &options, &g);
            assert_lv_gradients_close(&g, &fx.g, 1e-6);
        }
        adjoint_fixture_destroy(&fx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_options_of_the_backward_solve_are_honoured),
        cmocka_unit_test(chosen_nodes_keep_the_quadrature_below_the_tolerance),
        cmocka_unit_test(counts_are_those_of_the_callbacks),
        cmocka_unit_test(every_set_of_derivatives_gives_the_same_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
