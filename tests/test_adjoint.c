/* SPDX-License-Identifier: MIT */
/* Gradients by the adjoint against published values, closed forms and differences. */
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>
#include <string.h>

enum { LV_N_T = 101 };
static const double lv_sum_pbar[] = {8.30536266231077, -159.48429271513157, 75.20350821377296, -339.19509276608903};
static const double lv_sum_y0bar[] = {-39.12754122267786, -8.787780218991653};

/* The loss "sum of x + y at t = 0, 0.1, ..., 10". */
static gradient_case lv_sum_case(void) {
    static double t[LV_N_T], v[2 * LV_N_T];
    for (size_t i = 0; i < LV_N_T; i++) {
        t[i] = (double)i / 10.0;
        v[2 * i] = v[2 * i + 1] = 1.0;
    }
    const problem *q = &problem_lotka_volterra;
    return (gradient_case){&q->rhs, q->p, 0.0, q->y0, LV_N_T, t, v};
}

/* What is asked at rtol 1e-10; 0: relative to the largest entry alone, lower orders leaving less in the small ones. */
static double entry_tolerance(costate_method method) {
    return method == COSTATE_METHOD_TSIT5 || method == COSTATE_METHOD_DOP853 || method == COSTATE_METHOD_AUTO ? 1e-8
           : method == COSTATE_METHOD_ADAMS                                                                   ? 1e-7
                                                                                                              : 0.0;
}

static void assert_reference(const gradient *g, const double *pbar, const double *y0bar, costate_method method) {
    double largest = 0.0, rtol = entry_tolerance(method);
    for (size_t j = 0; j < 4; j++)
        largest = fmax(largest, fabs(pbar[j]));
    double atol = rtol > 0.0 ? 0.0 : 5e-8 * largest;
    assert_close_array(g->pbar, pbar, 4, rtol, atol);
    assert_close_array(g->y0bar, y0bar, 2, rtol, atol);
}

static void lotka_volterra_sum_has_the_reference_gradient(void **state) {
    (void)state;
    gradient_case c = lv_sum_case();
    for (size_t m = 0; m < N_METHOD; m++) {
        costate_solver_options options = gradient_options(every_method[m], 1e-10, 1e-12);
        costate_solver *solver = NULL;
        double y[2 * LV_N_T], loss = 0.0;
        assert_ok(costate_solver_create(c.rhs, &options, NULL, &solver));
        assert_ok(costate_solve(solver, c.p, c.t0, c.y0, c.n_t, c.t, y));
        for (size_t i = 0; i < 2 * LV_N_T; i++)
            loss += y[i];
        assert_close(loss, 450.76406403953956, 1e-8, 0.0);
        costate_solver_destroy(solver);
        gradient g;
        gradient_by_adjoint(&c, &options, &g);
        assert_reference(&g, lv_sum_pbar, lv_sum_y0bar, every_method[m]);
    }
}

static void lotka_volterra_end_point_loss_has_the_reference_gradient(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    const double pbar[] = {0.62196158554956, 0.06800140415064931, 0.16917646399541045, 0.27256069394932614};
    const double y0bar[] = {0.2995995083029675, -0.014151816344797948};
    const double v[] = {q->y_end[0] - 1.0, q->y_end[1] - 1.0};
    gradient_case c = {&q->rhs, q->p, 0.0, q->y0, 1, &q->t_end, v};
    for (size_t m = 0; m < N_METHOD; m++) {
        costate_solver_options options = gradient_options(every_method[m], 1e-10, 1e-12);
        gradient g;
        gradient_by_adjoint(&c, &options, &g);
        assert_reference(&g, pbar, y0bar, every_method[m]);
    }
}

static void error_falls_with_rtol_over_three_decades(void **state) {
    (void)state;
    gradient_case c = lv_sum_case();
    gradient reference = {.y0bar = {0.0}};
    memcpy(reference.pbar, lv_sum_pbar, sizeof lv_sum_pbar);
    memcpy(reference.y0bar, lv_sum_y0bar, sizeof lv_sum_y0bar);
    for (size_t m = 0; m < N_METHOD; m++) {
        double error[4];
        for (int decade = 0; decade < 4; decade++) {
            double rtol = pow(10.0, -5 - decade);
            costate_solver_options options = gradient_options(every_method[m], rtol, rtol * 1e-2);
            gradient g;
            gradient_by_adjoint(&c, &options, &g);
            error[decade] = gradient_distance(&c, &g, &reference);
        }
        for (int decade = 1; decade < 4; decade++)
            assert_true(error[decade] < error[decade - 1]);
        if (!(error[3] <= error[0] / 100.0 && error[3] <= 2e-6))
            fail_msg("%s: %g %g %g %g", costate_method_name(every_method[m]), error[0], error[1], error[2], error[3]);
    }
}

/* Loss and gradient of the spiral against the published entries, `atol` in units of the largest of them. */
static void assert_spiral_reference(const spiral *s, costate_method method, double rtol, double loss_tolerance,
                                    double tolerance, double atol) {
    const double y0bar[] = {95.575668426, 12.785918153};
    costate_solver_options options = gradient_options(method, rtol, rtol * 1e-2);
    costate_solver *solver = NULL;
    double y[SPIRAL_N_T * SPIRAL_N_Y], v[SPIRAL_N_T * SPIRAL_N_Y], g[SPIRAL_N_P], norm = 0.0;
    assert_ok(costate_solver_create(&s->rhs, &options, NULL, &solver));
    assert_ok(costate_solve(solver, s->p, 0.0, s->y0, SPIRAL_N_T, s->t, y));
    assert_close(spiral_loss(s, y, v), 179.4993723660, loss_tolerance, 0.0);
    costate_solver_destroy(solver);

    gradient_case c = {&s->rhs, s->p, 0.0, s->y0, SPIRAL_N_T, s->t, v};
    gradient found;
    gradient_by_adjoint(&c, &options, &found);
    assert_ok(costate_net_export_f64(s->net, COSTATE_ORDER_ROW_MAJOR, found.pbar, g));
    for (size_t k = 0; k < SPIRAL_N_P; k++)
        norm += g[k] * g[k];
    assert_close(sqrt(norm), 233.92695546, tolerance, 0.0);
    assert_close(g[0], -14.40600222, tolerance, 95.6 * atol);
    assert_close(g[100], -2.04799302, tolerance, 95.6 * atol);
    assert_close(g[150], 34.16885973, tolerance, 95.6 * atol);
    assert_close(g[251], 28.33705057, tolerance, 95.6 * atol);
    assert_close_array(found.y0bar, y0bar, 2, tolerance, 95.6 * atol);
}

static void spiral_neural_ode_has_the_reference_gradient(void **state) {
    (void)state;
    spiral s;
    assert_ok(spiral_create(&s));
    for (size_t m = 0; m < N_METHOD; m++)
        assert_spiral_reference(&s, every_method[m], 1e-10, 1e-9, 1e-7, 0.0);
    spiral_destroy(&s);
}

/* What the one-step methods promise at three tolerances, relative to the largest entry. */
static void one_step_gradients_have_the_accuracy_of_each_tolerance(void **state) {
    (void)state;
    const struct {
        costate_method method;
        double rtol, error;
    } rows[] = {
        {COSTATE_METHOD_TSIT5, 1e-6, 1e-4},  {COSTATE_METHOD_TSIT5, 1e-8, 1e-6},  {COSTATE_METHOD_TSIT5, 1e-10, 1e-8},
        {COSTATE_METHOD_DOP853, 1e-6, 1e-4}, {COSTATE_METHOD_DOP853, 1e-8, 1e-6}, {COSTATE_METHOD_DOP853, 1e-10, 1e-8},
        {COSTATE_METHOD_AUTO, 1e-6, 1e-4},   {COSTATE_METHOD_AUTO, 1e-8, 1e-6},   {COSTATE_METHOD_AUTO, 1e-10, 1e-8},
        {COSTATE_METHOD_SDIRK4, 1e-6, 1e-3}, {COSTATE_METHOD_SDIRK4, 1e-8, 1e-5}, {COSTATE_METHOD_SDIRK4, 1e-10, 1e-7},
    };
    spiral s;
    gradient_case c = lv_sum_case();
    gradient reference = {.y0bar = {0.0}};
    memcpy(reference.pbar, lv_sum_pbar, sizeof lv_sum_pbar);
    memcpy(reference.y0bar, lv_sum_y0bar, sizeof lv_sum_y0bar);
    assert_ok(spiral_create(&s));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gradient g;
        costate_solver_options options = gradient_options(rows[i].method, rows[i].rtol, rows[i].rtol * 1e-2);
        gradient_by_adjoint(&c, &options, &g);
        double error = gradient_distance(&c, &g, &reference);
        if (!(error <= rows[i].error))
            fail_msg("%s at rtol %g: error %g", costate_method_name(rows[i].method), rows[i].rtol, error);
        assert_spiral_reference(&s, rows[i].method, rows[i].rtol, rows[i].error, rows[i].error, rows[i].error);
    }
    spiral_destroy(&s);
}

static void rober_gradient_in_log_rates_is_the_reference(void **state) {
    (void)state;
    enum { N_T = 50 };
    const problem *q = &problem_rober_log;
    const double scale[] = {1.0, 3.65e-5, 1.0}, pbar[] = {17.5863200022, -14.8106059914, -2.83616400890};
    const double atol[] = {1e-11, 1e-15, 1e-11};
    const costate_method methods[] = {COSTATE_METHOD_BDF, COSTATE_METHOD_SDIRK4, COSTATE_METHOD_AUTO};
    double t[N_T], y[3 * N_T], v[3 * N_T];
    for (size_t i = 0; i < N_T; i++)
        t[i] = pow(10.0, -5.0 + 10.0 * (double)i / (N_T - 1));
    for (size_t m = 0; m < 3; m++) {
        costate_solver_options options = gradient_options(methods[m], 1e-9, 0.0);
        options.atol_state = atol;
        costate_solver *solver = NULL;
        assert_ok(costate_solver_create(&q->rhs, &options, NULL, &solver));
        assert_ok(costate_solve(solver, q->p, 0.0, q->y0, N_T, t, y));
        double loss = 0.0;
        for (size_t i = 0; i < 3 * N_T; i++) {
            double z = y[i] / scale[i % 3];
            loss += z * z;
            v[i] = 2.0 * z / scale[i % 3];
        }
        assert_close(loss, 60.04884085886, 1e-7, 0.0);
        costate_solver_destroy(solver);
        gradient_case c = {&q->rhs, q->p, 0.0, q->y0, N_T, t, v};
        gradient g;
        gradient_by_adjoint(&c, &options, &g);
        assert_close_array(g.pbar, pbar, 3, 1e-5, 0.0);
    }
}

/* Gradient of the functional through the closed form, by differences of it. */
static void closed_form_gradient(const problem *q, const gradient_case *c, gradient *g) {
    const double h = 3e-5;
    size_t n_y = q->rhs.n_y, n_p = q->rhs.n_p;
    for (size_t j = 0; j < n_p + n_y + 1; j++) {
        double derivative = 0.0;
        const double weight[] = {1.0, -8.0, 8.0, -1.0}, shift[] = {-2.0, -1.0, 1.0, 2.0};
        for (size_t k = 0; k < 4; k++) {
            double p[4], y0[2], y[2], t0 = c->t0;
            memcpy(p, c->p, n_p * sizeof *p);
            memcpy(y0, c->y0, n_y * sizeof *y0);
            *(j < n_p ? &p[j] : j < n_p + n_y ? &y0[j - n_p] : &t0) += shift[k] * h;
            for (size_t i = 0; i < c->n_t; i++) {
                q->exact(c->t[i] == c->t0 ? t0 : c->t[i], p, t0, y0, y);
                for (size_t l = 0; l < n_y; l++)
                    derivative += weight[k] * c->v[i * n_y + l] * y[l] / (12.0 * h);
            }
        }
        *(j < n_p ? &g->pbar[j] : j < n_p + n_y ? &g->y0bar[j - n_p] : &g->t0bar) = derivative;
    }
}

/* Both directions of time, t0 observed. */
static void closed_forms_give_the_gradient_with_y0_and_t0(void **state) {
    (void)state;
    enum { N_T = 6 };
    costate_random random = test_random(1);
    for (const problem *const *each = problem_list; *each; each++)
        for (int run = 0; (*each)->exact && run < 2 * N_METHOD; run++) {
            const problem *q = *each;
            double middle = 0.5 * (q->t0 + q->t_end);
            double first = run % 2 ? middle : q->t0, last = run % 2 ? q->t0 : middle;
            double t[N_T], v[2 * N_T], y0[2];
            for (size_t i = 0; i < N_T; i++)
                t[i] = first + (last - first) * (double)i / (N_T - 1);
            fill_normal(&random, v, 2 * N_T, 1.0);
            q->exact(first, q->p, q->t0, q->y0, y0);
            gradient_case c = {&q->rhs, q->p, first, y0, N_T, t, v};
            costate_solver_options options = gradient_options(every_method[run / 2], 1e-10, 1e-12);
            gradient g, expected;
            gradient_by_adjoint(&c, &options, &g);
            closed_form_gradient(q, &c, &expected);
            double tolerance = every_method[run / 2] == COSTATE_METHOD_BDF ? 2e-7 : 2e-8;
            assert_close_array(g.pbar, expected.pbar, q->rhs.n_p, tolerance, tolerance);
            assert_close_array(g.y0bar, expected.y0bar, q->rhs.n_y, tolerance, tolerance);
            assert_close(g.t0bar, expected.t0bar, tolerance, tolerance);
        }
}

/* Random directions in (p, y0, t0), observations that include and exclude t0, time up and down. */
static void differences_of_the_solve_agree(void **state) {
    (void)state;
    enum { N_T = 5 };
    costate_random random = test_random(2);
    const problem *all[] = {&problem_lotka_volterra, &problem_gaussian, &problem_logistic};
    for (size_t k = 0; k < 3; k++)
        for (int run = 0; run < 4; run++) {
            const problem *q = all[k];
            double t[N_T], v[2 * N_T], p_dir[4], y0_dir[2], end = run % 2 ? q->t0 - 1.0 : q->t0 + 2.0;
            for (size_t i = 0; i < N_T; i++)
                t[i] = run < 2 ? q->t0 + (end - q->t0) * (double)i / (N_T - 1)
                               : q->t0 + (end - q->t0) * (double)(i + 1) / N_T;
            fill_normal(&random, v, 2 * N_T, 1.0);
            fill_normal(&random, p_dir, 4, 1.0);
            fill_normal(&random, y0_dir, 2, 1.0);
            gradient_case c = {&q->rhs, q->p, q->t0, q->y0, N_T, t, v};
            for (size_t m = 0; m < N_METHOD; m++) {
                costate_solver_options options = gradient_options(every_method[m], 1e-11, 1e-13);
                gradient g;
                gradient_by_adjoint(&c, &options, &g);
                double numeric = gradient_by_differences(&c, &options, p_dir, y0_dir, 0.7, 1e-3);
                assert_close(gradient_dot(&c, &g, p_dir, y0_dir, 0.7), numeric, 1e-6, 1e-6);
            }
        }
}

/* Many observations of a fast and a slow mode: whatever carries the adjoint past them must not lose the slow one. */
static void many_observations_of_fast_and_slow_modes_meet_the_closed_form(void **state) {
    (void)state;
    enum { N_T = 90 };
    const problem *q = &problem_linear;
    const double systems[][4] = {
        {-0.1, 0.0, 3.0, -25.0}, {-12.0, 5.0, 1.0, -0.5}, {0.2, 6.0, -6.0, -0.1}, {0.3, 1.0, 0.5, -8.0}};
    for (size_t k = 0; k < 4; k++)
        for (int sign = -1; sign <= 1; sign += 2)
            for (size_t m = 0; m < N_METHOD; m++) {
                double t[N_T], v[2 * N_T], p[4];
                for (size_t i = 0; i < N_T; i++) {
                    t[i] = sign * 6.0 * (double)(i + 1) / N_T;
                    v[2 * i] = sin((double)i);
                    v[2 * i + 1] = cos(1.7 * (double)i);
                }
                for (size_t j = 0; j < 4; j++)
                    p[j] = sign * systems[k][j];
                gradient_case c = {&q->rhs, p, 0.0, q->y0, N_T, t, v};
                costate_solver_options options = gradient_options(every_method[m], 1e-9, 1e-11);
                gradient g, expected;
                gradient_by_adjoint(&c, &options, &g);
                closed_form_gradient(q, &c, &expected);
                if (!(gradient_distance(&c, &g, &expected) <= 1e-6))
                    fail_msg("system %zu, direction %d, %s: %g", k, sign, costate_method_name(every_method[m]),
                             gradient_distance(&c, &g, &expected));
                assert_close(g.t0bar, expected.t0bar, 1e-6, 1e-5);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lotka_volterra_sum_has_the_reference_gradient),
        cmocka_unit_test(lotka_volterra_end_point_loss_has_the_reference_gradient),
        cmocka_unit_test(error_falls_with_rtol_over_three_decades),
        cmocka_unit_test(spiral_neural_ode_has_the_reference_gradient),
        cmocka_unit_test(one_step_gradients_have_the_accuracy_of_each_tolerance),
        cmocka_unit_test(rober_gradient_in_log_rates_is_the_reference),
        cmocka_unit_test(closed_forms_give_the_gradient_with_y0_and_t0),
        cmocka_unit_test(many_observations_of_fast_and_slow_modes_meet_the_closed_form),
        cmocka_unit_test(differences_of_the_solve_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
