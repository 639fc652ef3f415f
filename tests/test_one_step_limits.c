/* SPDX-License-Identifier: MIT */
/* One-step methods at their limits: memory for the history, empty and endless solves, steps that cannot be chosen. */
#include "faulty_rhs.h"
#include "gradient_routes.h"
#include "problems.h"
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_T = 9, MAX_Y = 8, MAX_P = 10 };

static const costate_method one_step[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853, COSTATE_METHOD_SDIRK4,
                                          COSTATE_METHOD_AUTO};
enum { N_ONE_STEP = 4 };

/* One solve with its gradient, and what it cost. */
typedef struct outcome {
    double y[N_T * MAX_Y], y0bar[MAX_Y], pbar[MAX_P], t0bar;
    costate_solve_counts forward, backward;
    size_t bytes; /* held by the solver and its adjoint afterwards */
    costate_status eval;
} outcome;

static void run(const problem *q, const costate_rhs *rhs, const double *p, double t_end,
                const costate_solver_options *options, outcome *o) {
    double t[N_T], v[N_T * MAX_Y], z[MAX_Y];
    const double jumps[] = {0.4 * t_end};
    test_allocator counts = {.fail_at = 0};
    costate_allocator hooks = test_allocator_hooks(&counts);
    costate_solver *solver = NULL;
    costate_adjoint *adjoint = NULL;
    costate_random random = costate_random_seed(5, 0);
    memset(o, 0, sizeof *o);
    fill_normal(&random, v, N_T * q->rhs.n_y, 1.0);
    for (size_t i = 0; i < N_T; i++)
        t[i] = t_end * (double)i / (N_T - 1);
    assert_ok(costate_solver_create(rhs, options, &hooks, &solver));
    assert_ok(costate_adjoint_create(solver, NULL, &hooks, &adjoint));
    assert_ok(costate_solver_set_discontinuities(solver, 1, jumps));
    for (int repeat = 0; repeat < 2; repeat++) {
        memset(o->pbar, 0, sizeof o->pbar);
        assert_ok(costate_solve(solver, p, 0.0, q->y0, N_T, t, o->y));
        for (int again = 0; again < 2; again++) {
            memset(o->pbar, 0, sizeof o->pbar);
            assert_ok(costate_adjoint_vjp(adjoint, p, N_T, v, o->y0bar, o->pbar, &o->t0bar));
        }
    }
    o->eval = costate_solver_eval(solver, 0.5 * t_end, z);
    assert_status(costate_solver_eval_slope(solver, 0.5 * t_end, z), o->eval);
    o->forward = *costate_solver_counts(solver);
    o->backward = *costate_adjoint_counts(adjoint);
    o->bytes = counts.live_bytes;
    costate_adjoint_destroy(adjoint);
    costate_solver_destroy(solver);
    assert_int_equal(counts.n_live, 0);
}

static void assert_same_outcome(const outcome *a, const outcome *b) {
    assert_same_bits_f64(a->y, b->y, N_T * MAX_Y);
    assert_same_bits_f64(a->y0bar, b->y0bar, MAX_Y);
    assert_same_bits_f64(a->pbar, b->pbar, MAX_P);
    assert_same_bits_f64(&a->t0bar, &b->t0bar, 1);
    assert_int_equal(a->forward.n_step, b->forward.n_step);
    assert_int_equal(a->forward.n_f, b->forward.n_f);
}

/* From far too little for the steps to more than enough. */
static void assert_limits_keep_the_bits(const problem *q, const double *p, double t_end, costate_method method,
                                        double rtol, bool kept) {
    static outcome whole, o;
    faulty_rhs state;
    costate_rhs rhs = kept ? faulty_rhs_wrap_kept(&state, &q->rhs) : q->rhs;
    costate_solver_options options = gradient_options(method, rtol, 1e-2 * rtol);
    run(q, &rhs, p, t_end, &options, &whole);
    assert_true(whole.forward.n_step > 60);
    assert_int_equal(whole.backward.n_replay, 0);
    assert_ok(whole.eval);
    size_t least_bytes = 0, n_bounded = 0, replay_before = SIZE_MAX;
    for (size_t limit = 1; limit < 64 * whole.bytes; limit += 1 + limit * 3 / 5) {
        options.max_history_bytes = limit;
        run(q, &rhs, p, t_end, &options, &o);
        assert_same_outcome(&o, &whole);
        least_bytes = limit == 1 ? o.bytes : least_bytes;
        assert_true(o.bytes <= least_bytes + limit);
        assert_int_equal(o.eval == COSTATE_OK, o.backward.n_replay == 0);
        assert_true(o.eval == COSTATE_OK || o.eval == COSTATE_ERR_STATE);
        n_bounded += o.backward.n_replay > 0;
        assert_true(o.backward.n_replay <= replay_before + replay_before / 8);
        replay_before = o.backward.n_replay;
        if (kept) assert_int_equal(state.n_mismatch, 0);
    }
    assert_true(n_bounded >= 5);
    assert_int_equal(o.backward.n_replay, 0);
}

static void memory_limit_keeps_the_bits_of_the_gradient(void **state) {
    (void)state;
    const problem *lv = &problem_lotka_volterra, *vdpol = &problem_vdpol;
    const double vdpol_p = 1e-3;
    for (size_t m = 0; m < N_ONE_STEP; m++)
        for (int kept = 0; kept < 2; kept++)
            assert_limits_keep_the_bits(lv, lv->p, 8.0, one_step[m],
                                        one_step[m] == COSTATE_METHOD_DOP853 ? 1e-11 : 1e-7, kept);
    assert_limits_keep_the_bits(vdpol, &vdpol_p, 2.0, COSTATE_METHOD_AUTO, 1e-6, true);
    assert_limits_keep_the_bits(&problem_hires, problem_hires.p, 300.0, COSTATE_METHOD_AUTO, 1e-6, false);
}

/* With little memory the work grows with the logarithm of the steps, not with their square. */
static void few_checkpoints_repeat_few_steps(void **state) {
    (void)state;
    static outcome o;
    costate_solver_options options = gradient_options(COSTATE_METHOD_TSIT5, 1e-9, 1e-11);
    options.max_history_bytes = 1;
    run(&problem_oscillator, &problem_oscillator.rhs, problem_oscillator.p, 200.0, &options, &o);
    size_t n = o.forward.n_step;
    assert_true(n > 2000 && o.backward.n_replay >= n / 2);
    options.max_history_bytes = 40 * n;
    run(&problem_oscillator, &problem_oscillator.rhs, problem_oscillator.p, 200.0, &options, &o);
    assert_true(o.backward.n_replay >= n / 2 && o.backward.n_replay <= 12 * n);
}

static void empty_solve_gives_y0_and_its_cotangent(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    const double t[] = {2.5, 2.5, 2.5}, v[] = {1.0, 2.0, 0.5, 0.25, -4.0, 8.0};
    for (size_t m = 0; m < N_ONE_STEP; m++)
        for (size_t limit = 0; limit < 2; limit++) {
            double y[6], y0bar[2], pbar[4] = {7.0, 7.0, 7.0, 7.0}, t0bar = 1.0;
            costate_solver *solver = NULL;
            costate_adjoint *adjoint = NULL;
            costate_solver_options options = gradient_options(one_step[m], 1e-6, 1e-8);
            options.max_history_bytes = limit;
            assert_ok(costate_solver_create(&q->rhs, &options, NULL, &solver));
            assert_ok(costate_adjoint_create(solver, NULL, NULL, &adjoint));
            assert_ok(costate_solve(solver, q->p, 2.5, q->y0, 3, t, y));
            for (size_t i = 0; i < 3; i++)
                assert_same_bits_f64(y + 2 * i, q->y0, 2);
            assert_int_equal(costate_solver_counts(solver)->n_step, 0);
            assert_ok(costate_adjoint_vjp(adjoint, q->p, 3, v, y0bar, pbar, &t0bar));
            assert_close(y0bar[0], -2.5, 0.0, 0.0);
            assert_close(y0bar[1], 10.25, 0.0, 0.0);
            for (size_t j = 0; j < 4; j++)
                assert_close(pbar[j], 7.0, 0.0, 0.0);
            assert_close(t0bar, 0.0, 0.0, 0.0);
            costate_adjoint_destroy(adjoint);
            costate_solver_destroy(solver);
        }
}

/* y' = p: scales at which the first step is hard to choose. */
static int constant_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)y, (void)work, (void)ctx;
    dydt[0] = p[0];
    return COSTATE_ANSWER_OK;
}

static int constant_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                        double *pbar, void *work, void *ctx) {
    (void)t, (void)y, (void)p, (void)work, (void)ctx;
    if (ybar) ybar[0] = 0.0;
    if (pbar) pbar[0] += scale * v[0];
    return COSTATE_ANSWER_OK;
}

static void slopes_and_times_of_every_size_are_integrated(void **state) {
    (void)state;
    const costate_rhs rhs = {.n_y = 1, .n_p = 1, .f = constant_f, .vjp = constant_vjp};
    const double slopes[] = {0.0, 1e-300, 1e-30, 1.0, 1e30, 1e100, 1e170, 1e250};
    const double spans[][2] = {{0.0, 1.0}, {0.0, 1e-12}, {0.0, 1e12}, {1e6, 1e6 + 1e-3}, {-1e9, 0.0}, {5.0, -1e3}};
    for (size_t m = 0; m < N_ONE_STEP; m++)
        for (size_t s = 0; s < sizeof slopes / sizeof slopes[0]; s++)
            for (size_t k = 0; k < 6; k++) {
                const double y0 = 1.0;
                double y;
                costate_solver *solver = NULL;
                costate_solver_options options = gradient_options(one_step[m], 1e-6, 1e-8);
                assert_ok(costate_solver_create(&rhs, &options, NULL, &solver));
                assert_ok(costate_solve(solver, &slopes[s], spans[k][0], &y0, 1, &spans[k][1], &y));
                assert_close(y, 1.0 + slopes[s] * (spans[k][1] - spans[k][0]), 1e-9, 1e-9);
                assert_true(costate_solver_counts(solver)->n_step < 1000);
                costate_solver_destroy(solver);
            }
}

static void smallest_step_is_taken_where_none_smaller_may_be(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    for (size_t m = 0; m < N_ONE_STEP; m++) {
        double y[2], end = 1.0;
        costate_solver *solver = NULL;
        costate_solver_options options = gradient_options(one_step[m], 1e-3, 1e-3);
        options.h_init = 1e-9;
        options.h_min = 0.01;
        assert_ok(costate_solver_create(&q->rhs, &options, NULL, &solver));
        assert_ok(costate_solve(solver, q->p, 0.0, q->y0, 1, &end, y));
        assert_true(costate_solver_counts(solver)->n_step <= 100);
        costate_solver_destroy(solver);
    }
}

/* A faulty f at the end of time only: the steps shrink towards it and the solve ends with a status. */
static int wall_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)p, (void)work, (void)ctx;
    dydt[0] = -y[0];
    return t > 1.0 ? COSTATE_ANSWER_RETRY : COSTATE_ANSWER_OK;
}

static int wall_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)y, (void)p, (void)work, (void)ctx;
    jac[0] = -1.0;
    return COSTATE_ANSWER_OK;
}

static void wall_in_time_is_approached_and_reported(void **state) {
    (void)state;
    const costate_rhs rhs = {.n_y = 1, .f = wall_f, .jac = wall_jac};
    const double y0 = 1.0, t[] = {0.9, 3.0};
    for (size_t m = 0; m < N_ONE_STEP; m++) {
        double y[2];
        costate_solver *solver = NULL;
        costate_solver_options options = gradient_options(one_step[m], 1e-6, 1e-8);
        assert_ok(costate_solver_create(&rhs, &options, NULL, &solver));
        assert_status(costate_solve(solver, NULL, 0.0, &y0, 2, t, y), COSTATE_ERR_RHS_RETRY);
        assert_close(costate_solver_counts(solver)->t_reached, 1.0, 1e-9, 0.0);
        assert_close(y[0], exp(-0.9), 1e-4, 0.0);
        assert_true(isnan(y[1]));
        assert_true(costate_solver_counts(solver)->n_f < 3000);
        costate_solver_destroy(solver);
    }
}

/* A million steps, with the memory of a few hundred. */
static void million_steps_are_differentiated(void **state) {
    (void)state;
    const problem *q = &problem_oscillator;
    const double end = 1000.0, v[] = {1.0, 0.0};
    for (size_t m = 0; m < 2; m++) {
        gradient g[2];
        for (size_t bounded = 0; bounded < 2; bounded++) {
            gradient_case c = {&q->rhs, q->p, 0.0, q->y0, 1, &end, v};
            costate_solver_options options = gradient_options(one_step[m], 1e-6, 1e-6);
            options.h_init = options.h_max = 1e-3;
            options.max_steps = 2000000;
            options.max_history_bytes = bounded ? 64000000 : 0;
            gradient_by_adjoint(&c, &options, &g[bounded]);
            double w = q->p[0], x = w * end;
            assert_close(g[bounded].y0bar[0], cos(x), 1e-6, 1e-6);
            assert_close(g[bounded].y0bar[1], sin(x) / w, 1e-6, 1e-6);
        }
        assert_same_bits_f64(g[1].y0bar, g[0].y0bar, 2);
        assert_same_bits_f64(g[1].pbar, g[0].pbar, 1);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest slow[] = {
        cmocka_unit_test(million_steps_are_differentiated),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_limit_keeps_the_bits_of_the_gradient),
        cmocka_unit_test(few_checkpoints_repeat_few_steps),
        cmocka_unit_test(empty_solve_gives_y0_and_its_cotangent),
        cmocka_unit_test(slopes_and_times_of_every_size_are_integrated),
        cmocka_unit_test(smallest_step_is_taken_where_none_smaller_may_be),
        cmocka_unit_test(wall_in_time_is_approached_and_reported),
    };
    if (argc > 1 && strcmp(argv[1], "--long") == 0) return cmocka_run_group_tests(slow, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
