/* SPDX-License-Identifier: MIT */
/* What every gradient must satisfy, whatever the problem: linearity, coinciding times, partial outputs, re-use. */
#include "adjoint_fixture.h"
#include "support/asserts.h"

#include <math.h>
#include <string.h>

static const problem *const lv = &problem_lotka_volterra;

/* The tolerance of the backward solve is relative to the cotangents, so a power of two scales every number exactly. */
static void scaled_cotangents_scale_the_gradient_exactly(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++)
        for (int exponent = -60; exponent <= 60; exponent += 40) {
            adjoint_fixture fx;
            adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-7);
            double v[N_DENSE * LV_N_Y];
            gradient g;
            for (size_t i = 0; i < fx.n_t * LV_N_Y; i++)
                v[i] = ldexp(fx.v[i], exponent);
            adjoint_fixture_vjp(&fx, fx.n_t, v, &g);
            for (size_t j = 0; j < LV_N_P; j++)
                g.pbar[j] = ldexp(g.pbar[j], -exponent);
            for (size_t j = 0; j < LV_N_Y; j++)
                g.y0bar[j] = ldexp(g.y0bar[j], -exponent);
            g.t0bar = ldexp(g.t0bar, -exponent);
            assert_lv_gradients_close(&g, &fx.g, 1e-13);
            adjoint_fixture_destroy(&fx);
        }
}

/* So small that no tolerance can be a fraction of it. */
static void denormal_cotangents_are_no_failure(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        adjoint_fixture fx;
        adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-7);
        double v[N_DENSE * LV_N_Y];
        gradient g;
        for (size_t i = 0; i < fx.n_t * LV_N_Y; i++)
            v[i] = ldexp(fx.v[i], -1060);
        adjoint_fixture_vjp(&fx, fx.n_t, v, &g);
        assert_all_finite(g.y0bar, LV_N_Y);
        assert_all_finite(g.pbar, LV_N_P);
        adjoint_fixture_destroy(&fx);
    }
}

static void gradient_of_a_sum_is_the_sum_of_gradients(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        adjoint_fixture fx;
        adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-10);
        gradient sum = {.t0bar = 0.0};
        for (size_t i = 0; i < fx.n_t; i++) {
            double v[N_DENSE * LV_N_Y] = {0.0};
            gradient g;
            memcpy(v + i * LV_N_Y, fx.v + i * LV_N_Y, LV_N_Y * sizeof *v);
            adjoint_fixture_vjp(&fx, fx.n_t, v, &g);
            for (size_t j = 0; j < LV_N_P; j++)
                sum.pbar[j] += g.pbar[j];
            for (size_t j = 0; j < LV_N_Y; j++)
                sum.y0bar[j] += g.y0bar[j];
            sum.t0bar += g.t0bar;
        }
        assert_lv_gradients_close(&sum, &fx.g, 1e-6);
        adjoint_fixture_destroy(&fx);
    }
}

static void coinciding_times_add_their_cotangents(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        adjoint_fixture fx;
        adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-8);
        double moved[N_DENSE * LV_N_Y];
        gradient g;
        memcpy(moved, fx.v, sizeof moved);
        for (size_t k = 0; k < LV_N_Y; k++) {
            moved[2 * LV_N_Y + k] += moved[3 * LV_N_Y + k];
            moved[3 * LV_N_Y + k] = 0.0;
        }
        adjoint_fixture_vjp(&fx, fx.n_t, moved, &g);
        assert_lv_gradients_close(&g, &fx.g, 1e-6);
        memmove(moved + 3 * LV_N_Y, moved + 4 * LV_N_Y, (fx.n_t - 4) * LV_N_Y * sizeof *moved);
        memmove(fx.t + 3, fx.t + 4, (fx.n_t - 4) * sizeof *fx.t);
        fx.n_t--;
        adjoint_fixture_solve(&fx);
        adjoint_fixture_vjp(&fx, fx.n_t, moved, &g);
        assert_lv_gradients_close(&g, &fx.g, 1e-6);
        adjoint_fixture_destroy(&fx);
    }
}

/* Observations a rounding error apart, or that far from t0, are as good as coinciding. */
static void times_a_rounding_error_apart_act_as_one(void **state) {
    (void)state;
    for (size_t m = 0; m < N_METHOD; m++) {
        const double v[] = {0.5, -1.0, 2.0, 0.25, 1.0, -0.5, 0.75, 1.5};
        const double near[] = {nextafter(1.0, 2.0), 2.0, nextafter(2.0, 3.0), 3.0}, same[] = {1.0, 2.0, 2.0, 3.0};
        gradient_case apart = {&lv->rhs, lv->p, 1.0, lv->y0, 4, near, v}, together = apart;
        together.t = same;
        costate_solver_options options = gradient_options(every_method[m], 1e-9, 1e-11);
        gradient a, b;
        gradient_by_adjoint(&apart, &options, &a);
        gradient_by_adjoint(&together, &options, &b);
        assert_close_array(a.y0bar, b.y0bar, LV_N_Y, 1e-6, 1e-6);
        assert_close_array(a.pbar, b.pbar, LV_N_P, 1e-6, 1e-6);
        const double end = nextafter(1.0, 2.0);
        apart.t = &end;
        apart.n_t = 1;
        gradient_by_adjoint(&apart, &options, &a);
        assert_close_array(a.y0bar, v, LV_N_Y, 1e-12, 1e-12);
        assert_close_array(a.pbar, (const double[LV_N_P]){0.0}, LV_N_P, 1e-12, 1e-12);
    }
}

static void zero_cotangents_give_zero(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        adjoint_fixture fx;
        adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-7);
        const double v[N_DENSE * LV_N_Y] = {0.0};
        gradient g, zero = {.t0bar = 0.0};
        adjoint_fixture_vjp(&fx, fx.n_t, v, &g);
        assert_lv_gradients_close(&g, &zero, 0.0);
        adjoint_fixture_destroy(&fx);
    }
}

/* Only t0 is observed: lambda is zero all the way, and y0bar is the cotangent. */
static void cotangent_at_t0_alone_is_y0bar(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        adjoint_fixture fx;
        adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-7);
        const double v[N_DENSE * LV_N_Y] = {0.3, -1.7};
        gradient g, expected = {.y0bar = {0.3, -1.7}};
        adjoint_fixture_vjp(&fx, fx.n_t, v, &g);
        assert_lv_gradients_close(&g, &expected, 0.0);
        const double t[] = {2.5, 2.5};
        assert_ok(costate_solve(fx.solver, lv->p, 2.5, lv->y0, 2, t, NULL));
        adjoint_fixture_vjp(&fx, 2, fx.v, &g);
        expected = (gradient){.y0bar = {fx.v[0] + fx.v[2], fx.v[1] + fx.v[3]}};
        assert_lv_gradients_close(&g, &expected, 1e-15);
        adjoint_fixture_destroy(&fx);
    }
}

/* Cotangents that are zero from some time on: the solve beyond it does not matter. */
static void times_after_the_last_cotangent_do_not_matter(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        adjoint_fixture fx;
        adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-10);
        double v[N_DENSE * LV_N_Y];
        gradient whole, part;
        memcpy(v, fx.v, sizeof v);
        memset(v + 4 * LV_N_Y, 0, (fx.n_t - 4) * LV_N_Y * sizeof *v);
        adjoint_fixture_vjp(&fx, fx.n_t, v, &whole);
        fx.n_t = 4;
        adjoint_fixture_solve(&fx);
        adjoint_fixture_vjp(&fx, 4, v, &part);
        assert_lv_gradients_close(&whole, &part, 1e-7);
        adjoint_fixture_destroy(&fx);
    }
}

static void pbar_accumulates(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        adjoint_fixture fx;
        adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-8);
        double pbar[LV_N_P] = {100.0, -200.0, 0.5, 0.0};
        for (int k = 1; k <= 2; k++) {
            assert_ok(costate_adjoint_vjp(fx.adjoint, lv->p, fx.n_t, fx.v, NULL, pbar, NULL));
            const double start[LV_N_P] = {100.0, -200.0, 0.5, 0.0};
            for (size_t j = 0; j < LV_N_P; j++)
                assert_close(pbar[j] - start[j], k * fx.g.pbar[j], 1e-11, 1e-11);
        }
        adjoint_fixture_destroy(&fx);
    }
}

static void outputs_left_out_do_not_change_the_others(void **state) {
    (void)state;
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        adjoint_fixture fx;
        adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-8);
        for (int wanted = 0; wanted < 8; wanted++) {
            gradient g = {.t0bar = -3.0};
            assert_ok(costate_adjoint_vjp(fx.adjoint, lv->p, fx.n_t, fx.v, wanted & 1 ? g.y0bar : NULL,
                                          wanted & 2 ? g.pbar : NULL, wanted & 4 ? &g.t0bar : NULL));
            if (wanted & 1) assert_same_bits_f64(g.y0bar, fx.g.y0bar, LV_N_Y);
            if (wanted & 2) assert_same_bits_f64(g.pbar, fx.g.pbar, LV_N_P);
            if (wanted & 4) assert_same_bits_f64(&g.t0bar, &fx.g.t0bar, 1);
        }
        adjoint_fixture_destroy(&fx);
    }
}

static void repeated_gradients_have_the_same_bits(void **state) {
    (void)state;
    const double other_p[LV_N_P] = {0.5, 0.7, 1.0, 0.3}, other_y0[LV_N_Y] = {3.0, 0.2}, back = -2.0,
                 other_v[LV_N_Y] = {1e6, -3e5};
    for (size_t m = 0; m < N_ADJOINT_SETUP; m++) {
        adjoint_fixture fx;
        adjoint_fixture_create(&fx, &adjoint_setups[m], 1e-8);
        gradient g;
        adjoint_fixture_vjp(&fx, fx.n_t, fx.v, &g);
        assert_lv_gradients_same(&g, &fx.g);
        assert_ok(costate_solve(fx.solver, other_p, 1.0, other_y0, 1, &back, NULL));
        assert_ok(costate_adjoint_vjp(fx.adjoint, other_p, 1, other_v, g.y0bar, g.pbar, &g.t0bar));
        adjoint_fixture_solve(&fx);
        adjoint_fixture_vjp(&fx, fx.n_t, fx.v, &g);
        assert_lv_gradients_same(&g, &fx.g);
        adjoint_fixture_destroy(&fx);
    }
}

static void problem_without_parameters_has_y0bar(void **state) {
    (void)state;
    const problem *q = &problem_cubic_spiral;
    const double t[] = {0.0, 0.7, 1.5}, v[] = {0.1, 0.2, -1.0, 0.4, 0.8, 0.5}, y0_dir[] = {0.6, -0.8};
    gradient_case c = {&q->rhs, NULL, 0.0, q->y0, 3, t, v};
    for (size_t m = 0; m < N_METHOD; m++) {
        costate_solver_options options = gradient_options(every_method[m], 1e-10, 1e-12);
        gradient g;
        gradient_by_adjoint(&c, &options, &g);
        options = gradient_options(COSTATE_METHOD_ADAMS, 1e-12, 1e-14);
        double numeric = gradient_by_differences(&c, &options, NULL, y0_dir, 0.3, 3e-4);
        assert_close(gradient_dot(&c, &g, NULL, y0_dir, 0.3), numeric, 1e-6, 0.0);
    }
}

static void thousands_of_steps_give_the_closed_form(void **state) {
    (void)state;
    const problem *q = &problem_oscillator;
    const double end = 400.0, v[] = {1.0, 0.0};
    gradient_case c = {&q->rhs, q->p, 0.0, q->y0, 1, &end, v};
    const costate_method methods[] = {COSTATE_METHOD_ADAMS, COSTATE_METHOD_TSIT5};
    for (size_t m = 0; m < 2; m++) {
        costate_solver_options options = gradient_options(methods[m], 1e-11, 1e-13);
        gradient g;
        gradient_by_adjoint(&c, &options, &g);
        double w = q->p[0], x = w * end;
        assert_close(g.y0bar[0], cos(x), 1e-6, 1e-6);
        assert_close(g.y0bar[1], sin(x) / w, 1e-6, 1e-6);
        assert_close(g.pbar[0], -end * sin(x) * q->y0[0] + (end * cos(x) / w - sin(x) / (w * w)) * q->y0[1], 1e-6,
                     1e-4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scaled_cotangents_scale_the_gradient_exactly),
        cmocka_unit_test(denormal_cotangents_are_no_failure),
        cmocka_unit_test(gradient_of_a_sum_is_the_sum_of_gradients),
        cmocka_unit_test(coinciding_times_add_their_cotangents),
        cmocka_unit_test(times_a_rounding_error_apart_act_as_one),
        cmocka_unit_test(zero_cotangents_give_zero),
        cmocka_unit_test(cotangent_at_t0_alone_is_y0bar),
        cmocka_unit_test(times_after_the_last_cotangent_do_not_matter),
        cmocka_unit_test(pbar_accumulates),
        cmocka_unit_test(outputs_left_out_do_not_change_the_others),
        cmocka_unit_test(repeated_gradients_have_the_same_bits),
        cmocka_unit_test(problem_without_parameters_has_y0bar),
        cmocka_unit_test(thousands_of_steps_give_the_closed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
