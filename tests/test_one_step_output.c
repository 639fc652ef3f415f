/* SPDX-License-Identifier: MIT */
/* Output at many times: its slope, the derivative with respect to these times, and what many observations cost. */
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const costate_method one_step[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853, COSTATE_METHOD_SDIRK4,
                                          COSTATE_METHOD_AUTO};
enum { N_ONE_STEP = 4 };

static costate_solver *make_solver(const costate_rhs *rhs, const costate_solver_options *options) {
    costate_solver *solver = NULL;
    assert_ok(costate_solver_create(rhs, options, NULL, &solver));
    return solver;
}

static void slope_meets_closed_forms_in_both_directions(void **state) {
    (void)state;
    for (const problem *const *each = problem_list; *each; each++)
        for (size_t m = 0; (*each)->exact && m < 2 * N_METHOD; m++) {
            const problem *q = *each;
            bool reversed = m >= N_METHOD;
            /* CVODE starts at order 1, where its polynomials have slopes of order 1. */
            double tolerance = is_one_step(every_method[m % N_METHOD]) ? 1e-6 : 1e-4;
            double first = reversed ? q->t_end : q->t0, last = reversed ? q->t0 : q->t_end, y0[2], y[2], z[2], slope[2];
            costate_solver_options options = gradient_options(every_method[m % N_METHOD], 1e-9, 1e-11);
            costate_solver *solver = make_solver(&q->rhs, &options);
            q->exact(first, q->p, q->t0, q->y0, y0);
            assert_ok(costate_solve(solver, q->p, first, y0, 1, &last, NULL));
            for (int i = 0; i <= 300; i++) {
                double t = i == 300 ? last : first + (last - first) * i / 300.0;
                q->exact(t, q->p, q->t0, q->y0, y);
                q->rhs.f(t, y, q->p, slope, NULL, q->rhs.ctx);
                assert_ok(costate_solver_eval_slope(solver, t, z));
                assert_close_array(z, slope, q->rhs.n_y, tolerance, tolerance);
            }
            costate_solver_destroy(solver);
        }
}

/* Within a step the output is a polynomial of degree 4, whose differences of fourth order are exact; with dop853 of
 * degree 7, and they are nearly so. */
static void slope_is_the_derivative_of_the_value(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    const double h = 0.05, d = 0.004;
    for (size_t m = 0; m < N_ONE_STEP; m++)
        for (int sign = -1; sign <= 1; sign += 2) {
            double end = sign * 2.0, a[4][2], slope[2], tolerance = one_step[m] == COSTATE_METHOD_DOP853 ? 1e-6 : 1e-11;
            costate_solver_options options = gradient_options(one_step[m], 1e-3, 1e-3);
            options.h_init = options.h_min = options.h_max = h;
            costate_solver *solver = make_solver(&q->rhs, &options);
            assert_ok(costate_solve(solver, q->p, 0.0, q->y0, 1, &end, NULL));
            assert_int_equal(costate_solver_counts(solver)->n_step, 40);
            for (int i = 0; i < 40; i++)
                for (int k = 1; k <= 3; k++) {
                    double t = sign * (i * h + k * h / 4.0);
                    for (int j = 0; j < 4; j++)
                        assert_ok(costate_solver_eval(solver, t + d * (j < 2 ? j - 2 : j - 1), a[j]));
                    assert_ok(costate_solver_eval_slope(solver, t, slope));
                    for (size_t l = 0; l < 2; l++)
                        assert_close((a[0][l] - 8.0 * a[1][l] + 8.0 * a[2][l] - a[3][l]) / (12.0 * d), slope[l],
                                     tolerance, tolerance);
                }
            costate_solver_destroy(solver);
        }
}

/* Moving one inner observation changes no step, and the loss by v_i' slope(t_i). */
static void slope_gives_the_derivative_with_respect_to_observation_times(void **state) {
    (void)state;
    enum { N_T = 12 };
    const problem *q = &problem_lotka_volterra;
    const double d = 1e-5;
    costate_random random = test_random(3);
    for (size_t m = 0; m < N_ONE_STEP; m++) {
        costate_solver_options options = gradient_options(one_step[m], 1e-7, 1e-9);
        costate_solver *solver = make_solver(&q->rhs, &options);
        double t[N_T], v[2 * N_T], y[2 * N_T], slope[2];
        for (size_t i = 0; i < N_T; i++)
            t[i] = 0.37 + 0.5 * (double)i;
        fill_normal(&random, v, 2 * N_T, 1.0);
        for (size_t i = 0; i + 1 < N_T; i++) {
            double loss[2] = {0.0, 0.0}, expected = 0.0;
            for (int side = 0; side < 2; side++) {
                double at = t[i];
                t[i] += side ? d : -d;
                assert_ok(costate_solve(solver, q->p, 0.0, q->y0, N_T, t, y));
                t[i] = at;
                for (size_t l = 0; l < 2 * N_T; l++)
                    loss[side] += v[l] * y[l];
            }
            assert_ok(costate_solve(solver, q->p, 0.0, q->y0, N_T, t, y));
            assert_ok(costate_solver_eval_slope(solver, t[i], slope));
            for (size_t l = 0; l < 2; l++)
                expected += v[2 * i + l] * slope[l];
            assert_close((loss[1] - loss[0]) / (2.0 * d), expected, 1e-6, 1e-6);
        }
        costate_solver_destroy(solver);
    }
}

static void eval_slope_refuses_what_it_cannot_give(void **state) {
    (void)state;
    const problem *q = &problem_oscillator;
    for (size_t m = 0; m < N_METHOD; m++) {
        double t0 = 1.0, end = -4.0, z[2] = {7.0, 7.0};
        costate_solver_options options = gradient_options(every_method[m], 1e-6, 1e-8);
        costate_solver *solver = make_solver(&q->rhs, &options);
        assert_status(costate_solver_eval_slope(solver, t0, z), COSTATE_ERR_STATE);
        assert_ok(costate_solve(solver, q->p, t0, q->y0, 1, &t0, NULL));
        assert_status(costate_solver_eval_slope(solver, t0, z), COSTATE_ERR_STATE);
        assert_ok(costate_solve(solver, q->p, t0, q->y0, 1, &end, NULL));
        const double outside[] = {1.0 + 1e-9, -4.0 - 1e-9, (double)NAN, HUGE_VAL, -HUGE_VAL};
        for (size_t i = 0; i < 5; i++)
            assert_status(costate_solver_eval_slope(solver, outside[i], z), COSTATE_ERR_ARGUMENT);
        assert_status(costate_solver_eval_slope(solver, 0.0, NULL), COSTATE_ERR_NULL);
        assert_status(costate_solver_eval_slope(NULL, 0.0, z), COSTATE_ERR_NULL);
        assert_true(z[0] == 7.0 && z[1] == 7.0);
        costate_solver_destroy(solver);
    }
}

/* Steps, evaluations and VJPs are those of a single observation, whatever the number of observations. */
static void observations_cost_no_evaluation(void **state) {
    (void)state;
    const size_t n_t[] = {1, 2, 30, 1000};
    const problem *problems[] = {&problem_lotka_volterra, &problem_hires};
    costate_random random = test_random(4);
    double *t = calloc(1000, sizeof *t), *v = calloc(8000, sizeof *v), *y = calloc(8000, sizeof *y);
    assert_true(t && v && y);
    fill_normal(&random, v, 8000, 1.0);
    for (size_t k = 0; k < 2 * N_ONE_STEP; k++) {
        const problem *q = problems[k / N_ONE_STEP];
        if (q->stiff && one_step[k % N_ONE_STEP] == COSTATE_METHOD_TSIT5) continue;
        if (one_step[k % N_ONE_STEP] == COSTATE_METHOD_DOP853)
            continue; /* three evaluations in each step with outputs */
        costate_solver_options options = gradient_options(one_step[k % N_ONE_STEP], 1e-6, 1e-9);
        costate_solver *solver = make_solver(&q->rhs, &options);
        costate_adjoint *adjoint = NULL;
        costate_solve_counts forward = {.n_f = 0}, backward = {.n_f = 0};
        assert_ok(costate_adjoint_create(solver, NULL, NULL, &adjoint));
        for (size_t i = 0; i < 4; i++) {
            gradient g = {.t0bar = 0.0};
            for (size_t j = 0; j < n_t[i]; j++)
                t[j] = j + 1 == n_t[i] ? q->t_end : q->t_end * (double)j / (double)n_t[i];
            assert_ok(costate_solve(solver, q->p, 0.0, q->y0, n_t[i], t, y));
            assert_ok(costate_adjoint_vjp(adjoint, q->p, n_t[i], v, g.y0bar, g.pbar, NULL));
            const costate_solve_counts *f = costate_solver_counts(solver), *b = costate_adjoint_counts(adjoint);
            forward = i == 0 ? *f : forward;
            backward = i == 0 ? *b : backward;
            assert_int_equal(f->n_step, forward.n_step);
            assert_int_equal(f->n_f, forward.n_f);
            assert_int_equal(f->n_jac, forward.n_jac);
            assert_int_equal(b->n_step, f->n_step);
            /* One more where the last step's last slope matters: with observations within that step. */
            assert_true(b->n_vjp_p <= backward.n_vjp_p + 1 && b->n_vjp_p <= 6 * f->n_step + 1);
            assert_true(b->n_vjp_p >= backward.n_vjp_p);
            /* How often the transposed equations of a stage are refined depends on the cotangents. */
            if (f->n_implicit == 0) assert_int_equal(b->n_vjp_y, 0);
            assert_true(2 * (b->n_vjp_y + b->n_vjp_p) <= 3 * (backward.n_vjp_y + backward.n_vjp_p));
        }
        costate_adjoint_destroy(adjoint);
        costate_solver_destroy(solver);
    }
    free(t);
    free(v);
    free(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slope_meets_closed_forms_in_both_directions),
        cmocka_unit_test(slope_is_the_derivative_of_the_value),
        cmocka_unit_test(slope_gives_the_derivative_with_respect_to_observation_times),
        cmocka_unit_test(eval_slope_refuses_what_it_cannot_give),
        cmocka_unit_test(observations_cost_no_evaluation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
