/* SPDX-License-Identifier: MIT */
/* Right-hand sides that jump at known times: accuracy, order, the side on which f is evaluated, and the gradient. */
#include "frozen_steps.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/solver.h>
#include <math.h>
#include <string.h>

enum { N_JUMP = 3, N_P = N_JUMP + 2, MAX_CALL = 200000 };

static const costate_method one_step[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853, COSTATE_METHOD_SDIRK4,
                                          COSTATE_METHOD_AUTO};
enum { N_ONE_STEP = 4 };
static const double jumps[N_JUMP] = {0.31, 1.0, 1.73};
static const double y0[] = {0.4};
static const double p[N_P] = {0.9, 1.0, -2.0, 3.0, 0.5};

/* The times f and its derivatives were called at, in order. */
typedef struct call_log {
    size_t n;
    double t[MAX_CALL];
} call_log;

static void note(void *ctx, double t) {
    call_log *log = ctx;
    if (log == NULL) return;
    assert_true(log->n < MAX_CALL);
    log->t[log->n++] = t;
}

/* Which input is on at t: its rate is p[1 + piece]. At a jump itself there is no right answer. */
static size_t piece_of(double t) {
    size_t piece = 0;
    while (piece < N_JUMP && t > jumps[piece])
        piece++;
    return piece;
}

/* y' = rate(t) - k y (1 + y/10) with a rate that is constant between the jumps. */
static int infusion_f(double t, const double *y, const double *q, double *dydt, void *work, void *ctx) {
    (void)work;
    note(ctx, t);
    dydt[0] = q[1 + piece_of(t)] - q[0] * y[0] * (1.0 + 0.1 * y[0]);
    return COSTATE_ANSWER_OK;
}

static int infusion_vjp(double t, const double *y, const double *q, const double *v, double scale, double *ybar,
                        double *pbar, void *work, void *ctx) {
    (void)work;
    note(ctx, t);
    if (ybar) ybar[0] = -q[0] * (1.0 + 0.2 * y[0]) * v[0];
    if (pbar) {
        pbar[0] -= scale * y[0] * (1.0 + 0.1 * y[0]) * v[0];
        pbar[1 + piece_of(t)] += scale * v[0];
    }
    return COSTATE_ANSWER_OK;
}

static int infusion_jvp(double t, const double *y, const double *q, const double *u, const double *up, double *ju,
                        void *work, void *ctx) {
    (void)work;
    note(ctx, t);
    ju[0] = -q[0] * (1.0 + 0.2 * y[0]) * u[0];
    if (up) ju[0] += up[1 + piece_of(t)] - up[0] * y[0] * (1.0 + 0.1 * y[0]);
    return COSTATE_ANSWER_OK;
}

static costate_rhs infusion(call_log *log) {
    return (costate_rhs){.n_y = 1, .n_p = N_P, .ctx = log, .f = infusion_f, .vjp = infusion_vjp, .jvp = infusion_jvp};
}

/* Within one piece the equation is logistic: z = y - r1 obeys z' = -k/10 z (z + r1 - r2) with the roots r1 > r2. */
static double piece_exact(double rate, double from, double y, double to) {
    double k = p[0] / 10.0, root = sqrt(25.0 + 10.0 * rate / p[0]), r1 = -5.0 + root, r2 = -5.0 - root;
    double ratio = (y - r1) / (y - r2) * exp(-k * (r1 - r2) * (to - from));
    return (r1 - r2 * ratio) / (1.0 - ratio);
}

/* y(t) from y0 at t0, time running either way. */
static double exact(double t0, double t) {
    double y = y0[0], at = t0;
    for (size_t i = 0; i < N_JUMP && t > t0; i++)
        if (jumps[i] > t0 && jumps[i] < t) {
            y = piece_exact(p[1 + i], at, y, jumps[i]);
            at = jumps[i];
        }
    for (size_t i = N_JUMP; i-- > 0 && t < t0;)
        if (jumps[i] < t0 && jumps[i] > t) {
            y = piece_exact(p[2 + i], at, y, jumps[i]);
            at = jumps[i];
        }
    return piece_exact(p[1 + piece_of(0.5 * (at + t))], at, y, t);
}

static costate_solver *make_solver(const costate_rhs *rhs, const costate_solver_options *options) {
    costate_solver *solver = NULL;
    assert_ok(costate_solver_create(rhs, options, NULL, &solver));
    assert_ok(costate_solver_set_discontinuities(solver, N_JUMP, jumps));
    return solver;
}

/* From and to where, with jumps within, at and beyond either end. */
static const double spans[][2] = {{0.0, 2.0}, {2.0, 0.0}, {0.31, 1.73}, {1.73, 0.31},
                                  {1.0, 1.5}, {1.2, 1.0}, {0.31, 0.31}};
enum { N_SPAN = sizeof spans / sizeof spans[0] };

static size_t n_inside(const double *span) {
    size_t n = 0;
    for (size_t i = 0; i < N_JUMP; i++)
        n += jumps[i] > fmin(span[0], span[1]) && jumps[i] < fmax(span[0], span[1]);
    return n;
}

static void solution_and_slope_meet_the_closed_form(void **state) {
    (void)state;
    costate_rhs rhs = infusion(NULL);
    for (size_t m = 0; m < N_ONE_STEP; m++)
        for (size_t s = 0; s < N_SPAN; s++) {
            double first = spans[s][0], last = spans[s][1], t[9], y[9], at = 0.0;
            costate_solver_options options = gradient_options(one_step[m], 1e-10, 1e-12);
            costate_solver *solver = make_solver(&rhs, &options);
            for (size_t i = 0; i < 9; i++)
                t[i] = i == 8 ? last : first + (last - first) * (double)i / 8.0;
            assert_ok(costate_solve(solver, p, first, y0, 9, t, y));
            for (size_t i = 0; i < 9; i++)
                assert_close(y[i], exact(first, t[i]), 1e-8, 1e-8);
            if (first != last) {
                assert_int_equal(costate_solver_counts(solver)->n_restart, 1 + n_inside(spans[s]));
                for (size_t i = 0; i <= 100; i++) {
                    double between = first + (last - first) * (double)i / 100.0;
                    assert_ok(costate_solver_eval(solver, between, &at));
                    assert_close(at, exact(first, between), 1e-8, 1e-8);
                }
            }
            costate_solver_destroy(solver);
        }
}

/* Told of the jumps, the error falls with the order; not told, with order 1. */
static void order_is_kept_across_jumps(void **state) {
    (void)state;
    costate_rhs rhs = infusion(NULL);
    const double order[] = {5.0, 4.0}, end = 2.0;
    for (size_t m = 0; m < 2; m++)
        for (int told = 0; told < 2; told++) {
            double error[3], y;
            for (size_t i = 0; i < 3; i++) {
                double h = 0.13 / (double)(1 << i), tolerance = told ? 50.0 * pow(h, 4.0) : 1.0;
                costate_solver_options options = gradient_options(one_step[m], tolerance, tolerance);
                options.h_init = options.h_min = options.h_max = h;
                costate_solver *solver = make_solver(&rhs, &options);
                if (!told) assert_ok(costate_solver_set_discontinuities(solver, 0, NULL));
                assert_ok(costate_solve(solver, p, 0.0, y0, 1, &end, &y));
                error[i] = fabs(y - exact(0.0, end));
                costate_solver_destroy(solver);
            }
            if (told)
                assert_true(log2(error[0] / error[2]) >= 2.0 * (order[m] - 0.5));
            else
                assert_true(error[2] > 1e-4);
        }
}

/* Every call lies on the current piece's own side, and the pieces come in order. */
static void assert_calls_in_order(const call_log *log, double first, double last) {
    bool up = last > first;
    size_t piece = piece_of(nextafter(first, last));
    for (size_t i = 0; i < log->n; i++) {
        for (size_t j = 0; j < N_JUMP; j++)
            assert_true(log->t[i] != jumps[j]);
        assert_true(log->t[i] >= fmin(first, last) && log->t[i] <= fmax(first, last));
        size_t next = piece_of(log->t[i]);
        assert_true(up ? next >= piece && next <= piece + 1 : next <= piece && next + 1 >= piece);
        piece = next;
    }
}

static void f_is_never_evaluated_at_a_jump_nor_beyond_it(void **state) {
    (void)state;
    static call_log log;
    costate_rhs rhs = infusion(&log);
    for (size_t m = 0; m < N_ONE_STEP; m++)
        for (size_t s = 0; s < N_SPAN; s++) {
            double first = spans[s][0], last = spans[s][1], v[3] = {1.0, -0.5, 2.0}, y0bar, pbar[N_P] = {0.0}, t0bar;
            double t[3] = {first, 0.5 * (first + last), last};
            costate_solver_options options = gradient_options(one_step[m], 1e-7, 1e-9);
            costate_solver *solver = make_solver(&rhs, &options);
            costate_adjoint *adjoint = NULL;
            assert_ok(costate_adjoint_create(solver, NULL, NULL, &adjoint));
            log.n = 0;
            assert_ok(costate_solve(solver, p, first, y0, 3, t, NULL));
            assert_true(log.n > 10 || first == last);
            assert_calls_in_order(&log, first, last);
            log.n = 0;
            assert_ok(costate_adjoint_vjp(adjoint, p, 3, v, &y0bar, pbar, &t0bar));
            assert_true(log.n > 10 || first == last);
            assert_calls_in_order(&log, last, first);
            costate_adjoint_destroy(adjoint);
            costate_solver_destroy(solver);
        }
}

static void gradient_is_the_derivative_of_the_steps_across_jumps(void **state) {
    (void)state;
    costate_random random = test_random(5);
    costate_rhs rhs = infusion(NULL);
    frozen_field field = frozen_field_of_rhs(&rhs);
    for (size_t m = 0; m < N_ONE_STEP; m++)
        for (size_t s = 0; s + 1 < N_SPAN; s++)
            for (int at_jumps = 0; at_jumps < 2; at_jumps++) {
                double first = spans[s][0], last = spans[s][1], t[16], v[16];
                size_t n_t = 0;
                for (size_t i = 0; i <= 6; i++)
                    t[n_t++] = i == 6 ? last : first + (last - first) * (double)i / 6.0;
                for (size_t j = 0; at_jumps && j < N_JUMP; j++) {
                    double jump = last > first ? jumps[j] : jumps[N_JUMP - 1 - j];
                    if (jump < fmin(first, last) || jump > fmax(first, last)) continue;
                    size_t at = n_t++;
                    for (; at > 0 && (last > first ? t[at - 1] > jump : t[at - 1] < jump); at--)
                        t[at] = t[at - 1];
                    t[at] = jump;
                }
                fill_normal(&random, v, n_t, 1.0);
                gradient_case c = {&rhs, p, first, y0, n_t, t, v};
                costate_solver_options options = gradient_options(one_step[m], 1e-9, 1e-11);
                frozen_steps steps = {.n_jump = N_JUMP, .jump = jumps};
                gradient g;
                frozen_gradient(&c, &options, &steps, &g, NULL, NULL);
                double error = frozen_gradient_error(&steps, &field, &c, &g, 10, NULL, NULL);
                if (!(error <= (one_step[m] == COSTATE_METHOD_SDIRK4 ? 1e-8 : 1e-12)))
                    fail_msg("%s, span %zu: %g", costate_method_name(one_step[m]), s, error);
                frozen_steps_clear(&steps);
            }
}

static void list_of_times_may_be_in_any_order_and_be_replaced(void **state) {
    (void)state;
    costate_rhs rhs = infusion(NULL);
    const double shuffled[] = {1.73, 0.31, 1.0, 0.31, -5.0, 99.0, 1.73}, end = 2.0;
    for (size_t m = 0; m < N_ONE_STEP; m++) {
        double reference, y;
        costate_solver_options options = gradient_options(one_step[m], 1e-6, 1e-8);
        costate_solver *solver = make_solver(&rhs, &options);
        assert_ok(costate_solve(solver, p, 0.0, y0, 1, &end, &reference));
        size_t n_step = costate_solver_counts(solver)->n_step;
        assert_ok(costate_solver_set_discontinuities(solver, 7, shuffled));
        assert_ok(costate_solve(solver, p, 0.0, y0, 1, &end, &y));
        assert_same_bits_f64(&y, &reference, 1);
        assert_int_equal(costate_solver_counts(solver)->n_step, n_step);
        assert_int_equal(costate_solver_counts(solver)->n_restart, 4);
        const double bad[] = {0.5, (double)NAN}, infinite[] = {HUGE_VAL};
        assert_status(costate_solver_set_discontinuities(solver, 2, bad), COSTATE_ERR_NONFINITE);
        assert_status(costate_solver_set_discontinuities(solver, 1, infinite), COSTATE_ERR_NONFINITE);
        assert_status(costate_solver_set_discontinuities(solver, 1, NULL), COSTATE_ERR_NULL);
        assert_status(costate_solver_set_discontinuities(NULL, 1, jumps), COSTATE_ERR_NULL);
        assert_ok(costate_solve(solver, p, 0.0, y0, 1, &end, &y));
        assert_same_bits_f64(&y, &reference, 1);
        assert_ok(costate_solver_set_discontinuities(solver, 0, NULL));
        assert_ok(costate_solve(solver, p, 0.0, y0, 1, &end, &y));
        assert_int_equal(costate_solver_counts(solver)->n_restart, 1);
        costate_solver_destroy(solver);
    }
}

static void multistep_methods_refuse_discontinuities(void **state) {
    (void)state;
    costate_rhs rhs = infusion(NULL);
    for (size_t m = 0; m < N_METHOD; m++) {
        if (is_one_step(every_method[m])) continue;
        costate_solver *solver = NULL;
        costate_solver_options options = gradient_options(every_method[m], 1e-6, 1e-8);
        assert_ok(costate_solver_create(&rhs, &options, NULL, &solver));
        assert_status(costate_solver_set_discontinuities(solver, N_JUMP, jumps), COSTATE_ERR_UNSUPPORTED);
        costate_solver_destroy(solver);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solution_and_slope_meet_the_closed_form),
        cmocka_unit_test(order_is_kept_across_jumps),
        cmocka_unit_test(f_is_never_evaluated_at_a_jump_nor_beyond_it),
        cmocka_unit_test(gradient_is_the_derivative_of_the_steps_across_jumps),
        cmocka_unit_test(list_of_times_may_be_in_any_order_and_be_replaced),
        cmocka_unit_test(multistep_methods_refuse_discontinuities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
