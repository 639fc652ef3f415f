/* SPDX-License-Identifier: MIT */
/* dop853: its error estimate, the evaluations that only its dense output needs, and what it is for, tight tolerances. */
#include "core/memory.h"
#include "faulty_rhs.h"
#include "gradient_routes.h"
#include "ode/explicit_step.h"
#include "ode/stage.h"
#include "ode/step_error.h"
#include "problems.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>
#include <string.h>

enum { N_Y = 2, N_P = 4, N_STAGE = 12, N_EXTRA = 3, N_STEP = 20 };

static const problem *const lv = &problem_lotka_volterra;

/* Every step has the length 0.1, so that 2 is reached in N_STEP of them. */
static costate_solver_options even_steps(void) {
    costate_solver_options options = gradient_options(COSTATE_METHOD_DOP853, 1e-3, 1e-3);
    options.h_init = options.h_min = options.h_max = 0.1;
    return options;
}

static costate_solver *make_solver(const costate_rhs *rhs, const costate_solver_options *options) {
    costate_solver *solver = NULL;
    assert_ok(costate_solver_create(rhs, options, NULL, &solver));
    return solver;
}

/* Norm of the error estimate of one step in units of rtol. */
static double estimate_of_step(double h) {
    double y[N_Y], k[CSI_STAGE_MAX * N_Y], stage[N_Y], y_end[N_Y];
    const double atol[N_Y] = {0.0, 0.0};
    costate_solve_counts counts = {.n_f = 0};
    const costate_allocator hooks = csi_allocator(NULL);
    csi_rhs_calls calls;
    assert_ok(csi_rhs_calls_init(&calls, &lv->rhs, &counts, &hooks));
    calls.p = lv->p;
    memcpy(y, lv->y0, sizeof y);
    csi_step_record record = {.tableau = &csi_dop853, .h = h, .t_end = h, .t_last = h, .y = y, .k = k};
    const csi_step_tolerance tolerance = {.n = N_Y, .rtol = 1.0, .atol = atol};
    assert_int_equal(csi_call_f(&calls, 0.0, y, k), 0);
    assert_int_equal(csi_explicit_step(&calls, &record, 0, stage, y_end), CSI_STEP_OK);
    const double square = csi_step_error_explicit(&record, &tolerance, y_end);
    csi_rhs_calls_clear(&calls, &hooks);
    return sqrt(square);
}

static void error_estimate_falls_with_the_eighth_power_of_the_step(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        const double coarse = estimate_of_step(sign * 0.08), fine = estimate_of_step(sign * 0.04);
        assert_close(log2(coarse / fine), 8.0, 0.0, 0.4);
    }
}

/* Where the largest part of a slope that the estimate gives no weight is not finite, the step is not either. */
static void error_of_a_step_with_any_slope_not_finite_is_not_finite(void **state) {
    (void)state;
    double y[N_Y] = {1.0, 1.0}, y_end[N_Y] = {1.0, 1.0}, k[CSI_STAGE_MAX * N_Y];
    const double atol[N_Y] = {0.0, 0.0}, bad[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
    const csi_step_record record = {.tableau = &csi_dop853, .h = 0.1, .y = y, .k = k};
    const csi_step_tolerance tolerance = {.n = N_Y, .rtol = 1e-6, .atol = atol};
    for (size_t i = 0; i < CSI_STAGE_MAX * N_Y; i++)
        k[i] = 1.0 + 0.01 * (double)i;
    assert_true(isfinite(csi_step_error_explicit(&record, &tolerance, y_end)));
    for (size_t b = 0; b < 3; b++)
        for (size_t i = 0; i <= N_STAGE * N_Y + 1; i++) {
            const double good = k[i];
            k[i] = bad[b];
            assert_true(!isfinite(csi_step_error_explicit(&record, &tolerance, y_end)));
            k[i] = good;
        }
    memset(k, 0, sizeof k);
    assert_true(csi_step_error_explicit(&record, &tolerance, y_end) == 0.0);
}

/* Only steps with output strictly within them cost more, forward and backward. */
static void observed_steps_alone_cost_three_evaluations_more(void **state) {
    (void)state;
    const struct {
        size_t n_t, n_observed;
        double t[6];
    } rows[] = {
        {1, 0, {2.0}},
        {2, 1, {0.05, 2.0}},
        {4, 1, {0.61, 0.65, 0.69, 2.0}},
        {6, 3, {0.0, 0.02, 0.98, 1.01, 1.05, 2.0}},
    };
    costate_solver_options options = even_steps();
    costate_solver *solver = make_solver(&lv->rhs, &options);
    costate_adjoint *adjoint = NULL;
    assert_ok(costate_adjoint_create(solver, NULL, NULL, &adjoint));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double v[6 * N_Y], y0bar[N_Y], pbar[N_P] = {0.0};
        for (size_t j = 0; j < 6 * N_Y; j++)
            v[j] = 1.0 + (double)j;
        assert_ok(costate_solve(solver, lv->p, 0.0, lv->y0, rows[i].n_t, rows[i].t, NULL));
        assert_int_equal(costate_solver_counts(solver)->n_step, N_STEP);
        assert_int_equal(costate_solver_counts(solver)->n_f, 1 + N_STAGE * N_STEP + N_EXTRA * rows[i].n_observed);
        assert_ok(costate_adjoint_vjp(adjoint, lv->p, rows[i].n_t, v, y0bar, pbar, NULL));
        assert_int_equal(costate_adjoint_counts(adjoint)->n_f, 0);
        assert_int_equal(costate_adjoint_counts(adjoint)->n_vjp_p, N_STAGE * N_STEP + N_EXTRA * rows[i].n_observed);
    }
    costate_adjoint_destroy(adjoint);
    costate_solver_destroy(solver);
}

/* The value is what a row of output there would have been, also when the caller's p is gone; the evaluations are counted
 * once per step, and the gradient stays what it was. */
static void eval_in_a_step_without_output_gives_the_same_bits(void **state) {
    (void)state;
    double end = 2.0, v[N_Y] = {1.0, -2.0}, y0bar[2][N_Y], pbar[2][N_P] = {{0.0}};
    for (int kept = 0; kept < 2; kept++) {
        faulty_rhs fault;
        costate_rhs rhs = kept ? faulty_rhs_wrap_kept(&fault, &lv->rhs) : lv->rhs;
        costate_solver_options options = even_steps();
        costate_solver *solver = make_solver(&rhs, &options), *other = make_solver(&rhs, &options);
        costate_adjoint *adjoint = NULL;
        assert_ok(costate_adjoint_create(solver, NULL, NULL, &adjoint));
        double p[N_P];
        memcpy(p, lv->p, sizeof p);
        assert_ok(costate_solve(solver, p, 0.0, lv->y0, 1, &end, NULL));
        memset(p, 0xff, sizeof p);
        memset(pbar, 0, sizeof pbar);
        assert_ok(costate_adjoint_vjp(adjoint, lv->p, 1, v, y0bar[0], pbar[0], NULL));
        const size_t n_f = costate_solver_counts(solver)->n_f;
        for (int step = 0; step < N_STEP; step++)
            for (int part = 1; part <= 3; part++) {
                double t[] = {0.1 * step + 0.025 * part, 2.0}, y[2 * N_Y], z[N_Y], slope[N_Y], exact[N_Y];
                assert_ok(costate_solve(other, lv->p, 0.0, lv->y0, 2, t, y));
                assert_ok(costate_solver_eval(solver, t[0], z));
                assert_same_bits_f64(z, y, N_Y);
                assert_ok(costate_solver_eval_slope(solver, t[0], slope));
                lv->rhs.f(t[0], z, lv->p, exact, NULL, lv->rhs.ctx);
                assert_close_array(slope, exact, N_Y, 1e-5, 1e-5);
                assert_int_equal(costate_solver_counts(solver)->n_f, n_f + (size_t)(N_EXTRA * (step + 1)));
            }
        assert_ok(costate_adjoint_vjp(adjoint, lv->p, 1, v, y0bar[1], pbar[1], NULL));
        assert_same_bits_f64(y0bar[1], y0bar[0], N_Y);
        assert_same_bits_f64(pbar[1], pbar[0], N_P);
        if (kept) assert_int_equal(fault.n_mismatch, 0);
        costate_adjoint_destroy(adjoint);
        costate_solver_destroy(other);
        costate_solver_destroy(solver);
    }
}

static const fault_kind every_fault[] = {FAULT_RETRY,          FAULT_FAIL, FAULT_OTHER_POSITIVE,
                                         FAULT_OTHER_NEGATIVE, FAULT_NAN,  FAULT_INF};

static void eval_reports_what_f_answers(void **state) {
    (void)state;
    double end = 2.0, z[N_Y] = {7.0, 7.0};
    for (size_t f = 0; f < 6; f++)
        for (size_t call = 0; call < N_EXTRA; call++) {
            faulty_rhs fault;
            costate_rhs rhs = faulty_rhs_wrap(&fault, &lv->rhs);
            costate_solver_options options = even_steps();
            costate_solver *solver = make_solver(&rhs, &options);
            assert_ok(costate_solve(solver, lv->p, 0.0, lv->y0, 1, &end, NULL));
            faulty_rhs_arm(&fault, every_fault[f], CALLBACK_F, call, 1);
            assert_status(costate_solver_eval(solver, 0.55, z), faulty_rhs_status(every_fault[f]));
            assert_true(strlen(costate_solver_detail(solver)) > 0);
            assert_true(z[0] == 7.0 && z[1] == 7.0);
            assert_ok(costate_solver_eval(solver, 0.55, z));
            assert_true(z[0] != 7.0 && z[1] != 7.0);
            z[0] = z[1] = 7.0;
            costate_solver_destroy(solver);
        }
}

/* The first step has output within it: its extra evaluations are calls 13 to 15. */
static void refusal_of_an_extra_evaluation_cuts_the_step(void **state) {
    (void)state;
    double t[] = {0.05, 2.0}, y[2 * N_Y], expected[2 * N_Y];
    for (size_t f = 0; f < 6; f++)
        for (size_t call = 1 + N_STAGE; call < 1 + N_STAGE + N_EXTRA; call++) {
            faulty_rhs fault;
            costate_rhs rhs = faulty_rhs_wrap(&fault, &lv->rhs);
            costate_solver_options options = even_steps();
            options.h_min = 0.0;
            costate_solver *solver = make_solver(&rhs, &options);
            assert_ok(costate_solve(solver, lv->p, 0.0, lv->y0, 2, t, expected));
            const size_t n_step = costate_solver_counts(solver)->n_step;
            faulty_rhs_arm(&fault, every_fault[f], CALLBACK_F, call, 1);
            const costate_status status = costate_solve(solver, lv->p, 0.0, lv->y0, 2, t, y);
            if (faulty_rhs_status(every_fault[f]) == COSTATE_ERR_RHS_FAIL) {
                assert_status(status, COSTATE_ERR_RHS_FAIL);
            } else {
                assert_ok(status);
                assert_true(costate_solver_counts(solver)->n_step > n_step);
                assert_close_array(y, expected, 2 * N_Y, 1e-6, 1e-6);
            }
            faulty_rhs_arm(&fault, every_fault[f], CALLBACK_F, call, SIZE_MAX);
            assert_status(costate_solve(solver, lv->p, 0.0, lv->y0, 2, t, y), faulty_rhs_status(every_fault[f]));
            costate_solver_destroy(solver);
        }
}

/* Output within some of the steps only, repeated from checkpoints or not. */
static void checkpoints_keep_the_bits_with_output_in_some_steps(void **state) {
    (void)state;
    const double t[] = {0.0, 0.31, 0.33, 1.2, 1.9, 4.0, 4.01, 6.0};
    enum { N_T = sizeof t / sizeof t[0] };
    double v[N_T * N_Y], y0bar[2][N_Y], pbar[2][N_P], y[2][N_T * N_Y];
    costate_random random = test_random(1);
    fill_normal(&random, v, N_T * N_Y, 1.0);
    for (int kept = 0; kept < 2; kept++)
        for (size_t limit = 1; limit < 20000; limit *= 3) {
            size_t n_replay = 0;
            for (int bounded = 0; bounded < 2; bounded++) {
                faulty_rhs fault;
                costate_rhs rhs = kept ? faulty_rhs_wrap_kept(&fault, &lv->rhs) : lv->rhs;
                costate_solver_options options = even_steps();
                options.max_history_bytes = bounded ? limit : 0;
                costate_solver *solver = make_solver(&rhs, &options);
                costate_adjoint *adjoint = NULL;
                assert_ok(costate_adjoint_create(solver, NULL, NULL, &adjoint));
                assert_ok(costate_solve(solver, lv->p, 0.0, lv->y0, N_T, t, y[bounded]));
                memset(pbar[bounded], 0, sizeof pbar[bounded]);
                assert_ok(costate_adjoint_vjp(adjoint, lv->p, N_T, v, y0bar[bounded], pbar[bounded], NULL));
                n_replay = costate_adjoint_counts(adjoint)->n_replay;
                if (kept) assert_int_equal(fault.n_mismatch, 0);
                costate_adjoint_destroy(adjoint);
                costate_solver_destroy(solver);
            }
            assert_true(n_replay > 0 || limit > 5000);
            assert_same_bits_f64(y[1], y[0], N_T * N_Y);
            assert_same_bits_f64(y0bar[1], y0bar[0], N_Y);
            assert_same_bits_f64(pbar[1], pbar[0], N_P);
        }
}

/* Largest error of an entry relative to itself. */
static double gradient_error(double rtol, bool at_end) {
    enum { N_T = 101 };
    const double sum[] = {8.30536266231077,    -159.48429271513157, 75.20350821377296,
                          -339.19509276608903, -39.12754122267786,  -8.787780218991653};
    const double end[] = {0.62196158554956,    0.06800140415064931, 0.16917646399541045,
                          0.27256069394932614, 0.2995995083029675,  -0.014151816344797948};
    const double *expected = at_end ? end : sum;
    double t[N_T], y[N_T * N_Y], v[N_T * N_Y], g[N_P + N_Y] = {0.0}, worst = 0.0;
    const size_t n_t = at_end ? 1 : N_T;
    for (size_t i = 0; i < n_t; i++)
        t[i] = at_end ? 10.0 : 0.1 * (double)i;
    costate_solver_options options = gradient_options(COSTATE_METHOD_DOP853, rtol, rtol);
    costate_solver *solver = make_solver(&lv->rhs, &options);
    costate_adjoint *adjoint = NULL;
    assert_ok(costate_adjoint_create(solver, NULL, NULL, &adjoint));
    assert_ok(costate_solve(solver, lv->p, 0.0, lv->y0, n_t, t, y));
    for (size_t i = 0; i < n_t * N_Y; i++)
        v[i] = at_end ? y[i] - 1.0 : 1.0;
    assert_ok(costate_adjoint_vjp(adjoint, lv->p, n_t, v, g + N_P, g, NULL));
    for (size_t j = 0; j < N_P + N_Y; j++) {
        const double error = fabs(g[j] / expected[j] - 1.0);
        worst = error <= worst ? worst : isnan(error) ? HUGE_VAL : error;
    }
    costate_adjoint_destroy(adjoint);
    costate_solver_destroy(solver);
    return worst;
}

/* The references have eleven digits or more. */
static void reference_gradients_are_met_within_a_hundred_tolerances(void **state) {
    (void)state;
    for (int at_end = 0; at_end < 2; at_end++)
        for (int digits = 6; digits <= 12; digits++) {
            const double rtol = pow(10.0, -digits), error = gradient_error(rtol, at_end);
            if (!(error <= 100.0 * rtol)) fail_msg("%s at rtol %g: %g", at_end ? "end" : "sum", rtol, error);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_estimate_falls_with_the_eighth_power_of_the_step),
        cmocka_unit_test(error_of_a_step_with_any_slope_not_finite_is_not_finite),
        cmocka_unit_test(observed_steps_alone_cost_three_evaluations_more),
        cmocka_unit_test(eval_in_a_step_without_output_gives_the_same_bits),
        cmocka_unit_test(eval_reports_what_f_answers),
        cmocka_unit_test(refusal_of_an_extra_evaluation_cuts_the_step),
        cmocka_unit_test(checkpoints_keep_the_bits_with_output_in_some_steps),
        cmocka_unit_test(reference_gradients_are_met_within_a_hundred_tolerances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
