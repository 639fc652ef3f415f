/* SPDX-License-Identifier: MIT */
/* What every gradient must satisfy, whatever the problem: linearity, coinciding times, partial outputs, re-use, options, growth. */
#include "faulty_rhs.h"
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/random.h>
#include <math.h>
#include <string.h>

enum { N_Y = 2, N_P = 4, N_SPARSE = 7, N_DENSE = 47 };

static const costate_method methods[] = {COSTATE_METHOD_ADAMS, COSTATE_METHOD_BDF};
static const problem *const lv = &problem_lotka_volterra;

/* Few and many observations: the adjoint may treat them differently. */
static const struct setup {
    costate_method method;
    size_t n_t;
} setups[] = {{COSTATE_METHOD_ADAMS, N_SPARSE},
              {COSTATE_METHOD_BDF, N_SPARSE},
              {COSTATE_METHOD_ADAMS, N_DENSE},
              {COSTATE_METHOD_BDF, N_DENSE}};
enum { N_SETUP = sizeof setups / sizeof setups[0] };

typedef struct fixture {
    costate_solver *solver;
    costate_adjoint *adjoint;
    size_t n_t;
    double t[N_DENSE]; /* t0 is observed, and rows 2 and 3 coincide */
    double v[N_DENSE * N_Y];
    gradient g; /* of v */
} fixture;

static void vjp(fixture *fx, size_t n_t, const double *v, gradient *g) {
    memset(g, 0, sizeof *g);
    assert_ok(costate_adjoint_vjp(fx->adjoint, lv->p, n_t, v, g->y0bar, g->pbar, &g->t0bar));
}

static void solve(fixture *fx) { assert_ok(costate_solve(fx->solver, lv->p, 0.0, lv->y0, fx->n_t, fx->t, NULL)); }

static void fill_observations(fixture *fx, size_t n_t) {
    const double first[N_SPARSE] = {0.0, 0.4, 1.0, 1.0, 2.3, 3.9, 4.0};
    costate_random random = costate_random_seed(1, 0);
    fx->n_t = n_t;
    for (size_t i = 0; i < n_t; i++)
        fx->t[i] = i < N_SPARSE ? first[i] : 4.0 + 0.1 * (double)(i - N_SPARSE + 1);
    fill_normal(&random, fx->v, n_t * N_Y, 1.0);
}

static void fixture_create(fixture *fx, const struct setup *setup, double rtol) {
    costate_solver_options options = gradient_options(setup->method, rtol, rtol * 1e-2);
    assert_ok(costate_solver_create(&lv->rhs, &options, NULL, &fx->solver));
    assert_ok(costate_adjoint_create(fx->solver, NULL, NULL, &fx->adjoint));
    fill_observations(fx, setup->n_t);
    solve(fx);
    vjp(fx, fx->n_t, fx->v, &fx->g);
}

static void fixture_destroy(fixture *fx) {
    costate_adjoint_destroy(fx->adjoint);
    costate_solver_destroy(fx->solver);
}

static void assert_same_gradient(const gradient *a, const gradient *b) {
    assert_same_bits_f64(a->y0bar, b->y0bar, N_Y);
    assert_same_bits_f64(a->pbar, b->pbar, N_P);
    assert_same_bits_f64(&a->t0bar, &b->t0bar, 1);
}

static void assert_close_gradient(const gradient *a, const gradient *b, double tolerance) {
    assert_close_array(a->y0bar, b->y0bar, N_Y, tolerance, tolerance);
    assert_close_array(a->pbar, b->pbar, N_P, tolerance, tolerance);
    assert_close(a->t0bar, b->t0bar, tolerance, tolerance);
}

/* The tolerance of the backward solve is relative to the cotangents, so a power of two scales every number exactly. */
static void scaled_cotangents_scale_the_gradient_exactly(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++)
        for (int exponent = -60; exponent <= 60; exponent += 40) {
            fixture fx;
            fixture_create(&fx, &setups[m], 1e-7);
            double v[N_DENSE * N_Y];
            gradient g;
            for (size_t i = 0; i < fx.n_t * N_Y; i++)
                v[i] = ldexp(fx.v[i], exponent);
            vjp(&fx, fx.n_t, v, &g);
            for (size_t j = 0; j < N_P; j++)
                g.pbar[j] = ldexp(g.pbar[j], -exponent);
            for (size_t j = 0; j < N_Y; j++)
                g.y0bar[j] = ldexp(g.y0bar[j], -exponent);
            g.t0bar = ldexp(g.t0bar, -exponent);
            assert_close_gradient(&g, &fx.g, 1e-13);
            fixture_destroy(&fx);
        }
}

/* So small that no tolerance can be a fraction of it. */
static void denormal_cotangents_are_no_failure(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, &setups[m], 1e-7);
        double v[N_DENSE * N_Y];
        gradient g;
        for (size_t i = 0; i < fx.n_t * N_Y; i++)
            v[i] = ldexp(fx.v[i], -1060);
        vjp(&fx, fx.n_t, v, &g);
        assert_all_finite(g.y0bar, N_Y);
        assert_all_finite(g.pbar, N_P);
        fixture_destroy(&fx);
    }
}

static void gradient_of_a_sum_is_the_sum_of_gradients(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, &setups[m], 1e-10);
        gradient sum = {.t0bar = 0.0};
        for (size_t i = 0; i < fx.n_t; i++) {
            double v[N_DENSE * N_Y] = {0.0};
            gradient g;
            memcpy(v + i * N_Y, fx.v + i * N_Y, N_Y * sizeof *v);
            vjp(&fx, fx.n_t, v, &g);
            for (size_t j = 0; j < N_P; j++)
                sum.pbar[j] += g.pbar[j];
            for (size_t j = 0; j < N_Y; j++)
                sum.y0bar[j] += g.y0bar[j];
            sum.t0bar += g.t0bar;
        }
        assert_close_gradient(&sum, &fx.g, 1e-6);
        fixture_destroy(&fx);
    }
}

static void coinciding_times_add_their_cotangents(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, &setups[m], 1e-8);
        double moved[N_DENSE * N_Y];
        gradient g;
        memcpy(moved, fx.v, sizeof moved);
        for (size_t k = 0; k < N_Y; k++) {
            moved[2 * N_Y + k] += moved[3 * N_Y + k];
            moved[3 * N_Y + k] = 0.0;
        }
        vjp(&fx, fx.n_t, moved, &g);
        assert_close_gradient(&g, &fx.g, 1e-6);
        memmove(moved + 3 * N_Y, moved + 4 * N_Y, (fx.n_t - 4) * N_Y * sizeof *moved);
        memmove(fx.t + 3, fx.t + 4, (fx.n_t - 4) * sizeof *fx.t);
        fx.n_t--;
        solve(&fx);
        vjp(&fx, fx.n_t, moved, &g);
        assert_close_gradient(&g, &fx.g, 1e-6);
        fixture_destroy(&fx);
    }
}

/* Observations a rounding error apart, or that far from t0, are as good as coinciding. */
static void times_a_rounding_error_apart_act_as_one(void **state) {
    (void)state;
    for (size_t m = 0; m < 2; m++) {
        const double v[] = {0.5, -1.0, 2.0, 0.25, 1.0, -0.5, 0.75, 1.5};
        const double near[] = {nextafter(1.0, 2.0), 2.0, nextafter(2.0, 3.0), 3.0}, same[] = {1.0, 2.0, 2.0, 3.0};
        gradient_case apart = {&lv->rhs, lv->p, 1.0, lv->y0, 4, near, v}, together = apart;
        together.t = same;
        costate_solver_options options = gradient_options(methods[m], 1e-9, 1e-11);
        gradient a, b;
        gradient_by_adjoint(&apart, &options, &a);
        gradient_by_adjoint(&together, &options, &b);
        assert_close_array(a.y0bar, b.y0bar, N_Y, 1e-6, 1e-6);
        assert_close_array(a.pbar, b.pbar, N_P, 1e-6, 1e-6);
        const double end = nextafter(1.0, 2.0);
        apart.t = &end;
        apart.n_t = 1;
        gradient_by_adjoint(&apart, &options, &a);
        assert_close_array(a.y0bar, v, N_Y, 1e-12, 1e-12);
        assert_close_array(a.pbar, (const double[N_P]){0.0}, N_P, 1e-12, 1e-12);
    }
}

static void zero_cotangents_give_zero(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, &setups[m], 1e-7);
        const double v[N_DENSE * N_Y] = {0.0};
        gradient g, zero = {.t0bar = 0.0};
        vjp(&fx, fx.n_t, v, &g);
        assert_close_gradient(&g, &zero, 0.0);
        fixture_destroy(&fx);
    }
}

/* Only t0 is observed: lambda is zero all the way, and y0bar is the cotangent. */
static void cotangent_at_t0_alone_is_y0bar(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, &setups[m], 1e-7);
        const double v[N_DENSE * N_Y] = {0.3, -1.7};
        gradient g, expected = {.y0bar = {0.3, -1.7}};
        vjp(&fx, fx.n_t, v, &g);
        assert_close_gradient(&g, &expected, 0.0);
        const double t[] = {2.5, 2.5};
        assert_ok(costate_solve(fx.solver, lv->p, 2.5, lv->y0, 2, t, NULL));
        vjp(&fx, 2, fx.v, &g);
        expected = (gradient){.y0bar = {fx.v[0] + fx.v[2], fx.v[1] + fx.v[3]}};
        assert_close_gradient(&g, &expected, 1e-15);
        fixture_destroy(&fx);
    }
}

/* Cotangents that are zero from some time on: the solve beyond it does not matter. */
static void times_after_the_last_cotangent_do_not_matter(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, &setups[m], 1e-10);
        double v[N_DENSE * N_Y];
        gradient whole, part;
        memcpy(v, fx.v, sizeof v);
        memset(v + 4 * N_Y, 0, (fx.n_t - 4) * N_Y * sizeof *v);
        vjp(&fx, fx.n_t, v, &whole);
        fx.n_t = 4;
        solve(&fx);
        vjp(&fx, 4, v, &part);
        assert_close_gradient(&whole, &part, 1e-7);
        fixture_destroy(&fx);
    }
}

static void pbar_accumulates(void **state) {
    (void)state;
    fixture fx;
    fixture_create(&fx, &setups[0], 1e-8);
    double pbar[N_P] = {100.0, -200.0, 0.5, 0.0};
    for (int k = 1; k <= 2; k++) {
        assert_ok(costate_adjoint_vjp(fx.adjoint, lv->p, fx.n_t, fx.v, NULL, pbar, NULL));
        const double start[N_P] = {100.0, -200.0, 0.5, 0.0};
        for (size_t j = 0; j < N_P; j++)
            assert_close(pbar[j] - start[j], k * fx.g.pbar[j], 1e-11, 1e-11);
    }
    fixture_destroy(&fx);
}

static void outputs_left_out_do_not_change_the_others(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, &setups[m], 1e-8);
        for (int wanted = 0; wanted < 8; wanted++) {
            gradient g = {.t0bar = -3.0};
            assert_ok(costate_adjoint_vjp(fx.adjoint, lv->p, fx.n_t, fx.v, wanted & 1 ? g.y0bar : NULL,
                                          wanted & 2 ? g.pbar : NULL, wanted & 4 ? &g.t0bar : NULL));
            if (wanted & 1) assert_same_bits_f64(g.y0bar, fx.g.y0bar, N_Y);
            if (wanted & 2) assert_same_bits_f64(g.pbar, fx.g.pbar, N_P);
            if (wanted & 4) assert_same_bits_f64(&g.t0bar, &fx.g.t0bar, 1);
        }
        fixture_destroy(&fx);
    }
}

static void repeated_gradients_have_the_same_bits(void **state) {
    (void)state;
    const double other_p[N_P] = {0.5, 0.7, 1.0, 0.3}, other_y0[N_Y] = {3.0, 0.2}, back = -2.0,
                 other_v[N_Y] = {1e6, -3e5};
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, &setups[m], 1e-8);
        gradient g;
        vjp(&fx, fx.n_t, fx.v, &g);
        assert_same_gradient(&g, &fx.g);
        assert_ok(costate_solve(fx.solver, other_p, 1.0, other_y0, 1, &back, NULL));
        assert_ok(costate_adjoint_vjp(fx.adjoint, other_p, 1, other_v, g.y0bar, g.pbar, &g.t0bar));
        solve(&fx);
        vjp(&fx, fx.n_t, fx.v, &g);
        assert_same_gradient(&g, &fx.g);
        fixture_destroy(&fx);
    }
}

static void problem_without_parameters_has_y0bar(void **state) {
    (void)state;
    const problem *q = &problem_cubic_spiral;
    const double t[] = {0.0, 0.7, 1.5}, v[] = {0.1, 0.2, -1.0, 0.4, 0.8, 0.5}, y0_dir[] = {0.6, -0.8};
    gradient_case c = {&q->rhs, NULL, 0.0, q->y0, 3, t, v};
    for (size_t m = 0; m < 2; m++) {
        costate_solver_options options = gradient_options(methods[m], 1e-10, 1e-12);
        gradient g;
        gradient_by_adjoint(&c, &options, &g);
        options = gradient_options(COSTATE_METHOD_ADAMS, 1e-12, 1e-14);
        double numeric = gradient_by_differences(&c, &options, NULL, y0_dir, 0.3, 3e-4);
        assert_close(gradient_dot(&c, &g, NULL, y0_dir, 0.3), numeric, 1e-6, 0.0);
    }
}

static void own_options_of_the_backward_solve_are_honoured(void **state) {
    (void)state;
    const double atol_state[] = {1e-12, 1e-12};
    fixture fx;
    fixture_create(&fx, &setups[0], 1e-10);
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
        assert_close_gradient(&g, &fx.g, variant < 2 || variant == 4 ? 1e-2 : 1e-7);
        if (variant >= 3) assert_int_equal(c->n_vjp_p, n_step * (variant == 3 ? 8u : 1u));
        if (variant == 4) assert_true(fabs(g.pbar[0] - fx.g.pbar[0]) > 1e-9);
        costate_adjoint_destroy(other);
    }
    fixture_destroy(&fx);
}

/* The number of nodes is chosen so that the error of the quadrature is lost in that of lambda. */
static void chosen_nodes_keep_the_quadrature_below_the_tolerance(void **state) {
    (void)state;
    const double rtol[] = {1e-4, 1e-7, 1e-10};
    for (size_t m = 0; m < N_SETUP; m++)
        for (size_t k = 0; k < 3; k++) {
            fixture fx;
            fixture_create(&fx, &setups[m], rtol[k]);
            costate_adjoint_options o = costate_adjoint_options_default();
            o.quad_nodes = 8;
            costate_adjoint *finest = NULL;
            gradient g = {.t0bar = 0.0};
            assert_ok(costate_adjoint_create(fx.solver, &o, NULL, &finest));
            assert_ok(costate_adjoint_vjp(finest, lv->p, fx.n_t, fx.v, g.y0bar, g.pbar, &g.t0bar));
            double largest = 0.0;
            for (size_t j = 0; j < N_P; j++)
                largest = fmax(largest, fabs(g.pbar[j]));
            assert_close_array(fx.g.pbar, g.pbar, N_P, 0.0, 3.0 * rtol[k] * largest);
            assert_same_bits_f64(fx.g.y0bar, g.y0bar, N_Y);
            costate_adjoint_destroy(finest);
            fixture_destroy(&fx);
        }
}

static void counts_are_those_of_the_callbacks(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        faulty_rhs watch;
        costate_rhs rhs = faulty_rhs_wrap(&watch, &lv->rhs);
        costate_solver_options options = gradient_options(setups[m].method, 1e-6, 1e-8);
        fixture fx;
        assert_ok(costate_solver_create(&rhs, &options, NULL, &fx.solver));
        assert_ok(costate_adjoint_create(fx.solver, NULL, NULL, &fx.adjoint));
        fill_observations(&fx, setups[m].n_t);
        solve(&fx);
        const costate_solve_counts forward = *costate_solver_counts(fx.solver);
        for (int repeat = 0; repeat < 2; repeat++) {
            faulty_rhs_arm(&watch, FAULT_NONE, CALLBACK_F, 0, 0);
            vjp(&fx, fx.n_t, fx.v, &fx.g);
            const costate_solve_counts *c = costate_adjoint_counts(fx.adjoint);
            assert_int_equal(c->n_vjp_y + c->n_vjp_p, watch.n_call[CALLBACK_VJP]);
            assert_int_equal(c->n_vjp_p, watch.n_vjp_p);
            assert_int_equal(c->n_jac, watch.n_call[CALLBACK_JAC]);
            assert_int_equal(c->n_f, watch.n_call[CALLBACK_F]);
            assert_true(c->n_step > 10 && c->n_vjp_y + c->n_jac >= c->n_step && c->n_vjp_p > 10);
            /* At most one start for each distinct observation time after t0. */
            assert_true(c->n_restart >= 1 && c->n_restart <= fx.n_t - 2);
            assert_close(c->t_reached, 0.0, 0.0, 0.0);
            assert_true(c->last_step > 0.0 && c->seconds > 0.0 && c->n_nonlin_fail <= c->n_step / 10);
            assert_true(watch.t_min >= 0.0 && watch.t_max <= fx.t[fx.n_t - 1]);
        }
        assert_int_equal(costate_solver_counts(fx.solver)->n_f, forward.n_f);
        assert_int_equal(costate_solver_counts(fx.solver)->n_step, forward.n_step);
        fixture_destroy(&fx);
    }
}

static void every_set_of_derivatives_gives_the_same_gradient(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, &setups[m], 1e-10);
        for (int variant = 0; variant < 2; variant++) {
            costate_rhs rhs = lv->rhs;
            rhs.jac = NULL;
            rhs.jvp = variant ? NULL : rhs.jvp;
            gradient_case c = {&rhs, lv->p, 0.0, lv->y0, fx.n_t, fx.t, fx.v};
            costate_solver_options options = gradient_options(setups[m].method, 1e-10, 1e-12);
            gradient g;
            gradient_by_adjoint(&c, &options, &g);
            assert_close_gradient(&g, &fx.g, 1e-6);
        }
        fixture_destroy(&fx);
    }
}

static void thousands_of_steps_give_the_closed_form(void **state) {
    (void)state;
    const problem *q = &problem_oscillator;
    const double end = 400.0, v[] = {1.0, 0.0};
    gradient_case c = {&q->rhs, q->p, 0.0, q->y0, 1, &end, v};
    costate_solver_options options = gradient_options(COSTATE_METHOD_ADAMS, 1e-11, 1e-13);
    gradient g;
    gradient_by_adjoint(&c, &options, &g);
    double w = q->p[0], x = w * end;
    assert_close(g.y0bar[0], cos(x), 1e-6, 1e-6);
    assert_close(g.y0bar[1], sin(x) / w, 1e-6, 1e-6);
    assert_close(g.pbar[0], -end * sin(x) * q->y0[0] + (end * cos(x) / w - sin(x) / (w * w)) * q->y0[1], 1e-6, 1e-4);
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
        cmocka_unit_test(own_options_of_the_backward_solve_are_honoured),
        cmocka_unit_test(chosen_nodes_keep_the_quadrature_below_the_tolerance),
        cmocka_unit_test(counts_are_those_of_the_callbacks),
        cmocka_unit_test(every_set_of_derivatives_gives_the_same_gradient),
        cmocka_unit_test(thousands_of_steps_give_the_closed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
