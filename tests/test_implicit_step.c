/* SPDX-License-Identifier: MIT */
/* Implicit steps: the stages solve their equations, the step has its order, and it fails as it should. */
#include "implicit_fixture.h"
#include "ode/dense_lu.h"
#include "support/allocators.h"
#include "support/asserts.h"

#include <complex.h>
#include <math.h>
#include <string.h>

static implicit_fixture fixture, other;

/* A problem off its start, with a step that is long for its fast components. */
typedef struct stiff_case {
    const problem *problem;
    double y[PROBLEM_MAX_Y];
    double h;
} stiff_case;

static stiff_case stiff_cases[4];
enum { N_STIFF = sizeof stiff_cases / sizeof stiff_cases[0] };

static int make_cases(void **state) {
    (void)state;
    static const struct {
        const problem *problem;
        double before, h;
    } plan[N_STIFF] = {{&problem_vdpol, 1e-3, 0.02},
                       {&problem_rober, 1.0, 2.0},
                       {&problem_hires, 0.1, 0.05},
                       {&problem_pollu, 0.1, 0.03}};
    for (int m = 0; m < N_STIFF; m++) {
        stiff_case *made = &stiff_cases[m];
        made->problem = plan[m].problem;
        made->h = plan[m].h;
        implicit_fixture_settle(&fixture, made->problem, plan[m].before, made->y);
    }
    return 0;
}

/* Stages of y' = λy, independently of the step; the last is the solution. */
static double complex linear_stage(int stage, double complex z) {
    double complex y[CSI_STAGE_MAX] = {0.0};
    for (int i = 0; i <= stage; i++) {
        double complex sum = 1.0;
        for (int j = 0; j < i; j++)
            sum += z * csi_sdirk4.a[i][j] * y[j];
        y[i] = sum / (1.0 - z * csi_sdirk4.a[i][i]);
    }
    return y[stage];
}

static void linear_problems_give_the_stability_function(void **state) {
    (void)state;
    const double k = problem_decay.p[0], w = problem_oscillator.p[0];
    for (double z = 1e-3; z < 1e6; z *= 3.7) {
        implicit_fixture_create(&fixture, &problem_decay, 1e-6, 1e-12, false);
        assert_int_equal(implicit_fixture_step(&fixture, 0.0, (double[]){1.0}, z / k), CSI_STEP_OK);
        for (int i = 1; i < csi_sdirk4.n_stage; i++) {
            double y = 0.0;
            implicit_fixture_stage(&fixture, i, &y);
            assert_close(y, creal(linear_stage(i, -z)), 1e-12, 1e-14 * (1.0 + z));
        }
        assert_close(fixture.y_end[0], creal(linear_stage(csi_sdirk4.n_stage - 1, -z)), 1e-11, 1e-14);
        implicit_fixture_destroy(&fixture);

        implicit_fixture_create(&fixture, &problem_oscillator, 1e-6, 1e-12, false);
        assert_int_equal(implicit_fixture_step(&fixture, 0.0, (double[]){1.0, 0.0}, z / w), CSI_STEP_OK);
        const double complex end = linear_stage(csi_sdirk4.n_stage - 1, z * csqrt(-1.0));
        assert_close(fixture.y_end[0], creal(end), 1e-11, 1e-13);
        assert_close(fixture.y_end[1], -w * cimag(end), 1e-11, 1e-13);
        implicit_fixture_destroy(&fixture);
    }
}

/* Largest |(1 − hγJ)⁻¹ (hγ f(Y) − hγ k)| over stages and states, relative to |y| + atol/rtol: the error of a stage. */
static double worst_stage_error(const implicit_fixture *f, double floor) {
    const costate_rhs *rhs = &f->problem->rhs;
    const size_t n = rhs->n_y;
    const double h_gamma = f->record.h * csi_sdirk4.gamma;
    double worst = 0.0;
    for (int i = 1; i < csi_sdirk4.n_stage; i++) {
        double y[PROBLEM_MAX_Y], slope[PROBLEM_MAX_Y], jac[PROBLEM_MAX_Y * PROBLEM_MAX_Y];
        int64_t pivot[PROBLEM_MAX_Y];
        implicit_fixture_stage(f, i, y);
        const double t = csi_stage_time(&f->record, &csi_sdirk4, i);
        assert_int_equal(rhs->f(t, y, f->problem->p, slope, NULL, rhs->ctx), 0);
        assert_int_equal(rhs->jac(t, y, f->problem->p, jac, NULL, rhs->ctx), 0);
        for (size_t j = 0; j < n * n; j++)
            jac[j] = (j % (n + 1) == 0) - h_gamma * jac[j];
        assert_true(csi_lu_factor(n, jac, pivot));
        for (size_t j = 0; j < n; j++)
            slope[j] = h_gamma * (slope[j] - f->k[(size_t)i * n + j]);
        csi_lu_solve(n, jac, pivot, slope);
        for (size_t j = 0; j < n; j++) {
            const double share = fabs(slope[j]) / (fabs(f->y[j]) + floor);
            worst = share <= worst ? worst : share;
        }
    }
    return worst;
}

static void stages_are_solved_whatever_the_tolerance(void **state) {
    (void)state;
    static const double rtols[] = {1e3, 1e-3, 1e-6, 1e-9, 1e-12, 1e-16};
    for (int m = 0; m < N_STIFF; m++)
        for (int k = 0; k < 6; k++) {
            const stiff_case *tried = &stiff_cases[m];
            implicit_fixture_create(&fixture, tried->problem, rtols[k], 1e-6 * rtols[k], false);
            assert_int_equal(implicit_fixture_step(&fixture, 0.0, tried->y, tried->h), CSI_STEP_OK);
            const double target = fmax(fmin(2e-10, 0.02 * rtols[k]), 2e-13);
            assert_close(worst_stage_error(&fixture, 1e-6), 0.0, 0.0, target);
            implicit_fixture_destroy(&fixture);
        }
}

/* Robertson's reaction late: states of 1e-13 beside 1. */
static void small_states_are_solved_as_well_as_large_ones(void **state) {
    (void)state;
    implicit_fixture_create(&fixture, &problem_rober, 1e-6, 1e-24, false);
    const double y[] = {2.083340149701255e-8, 8.333360770334713e-14, 0.9999999791665050};
    assert_int_equal(implicit_fixture_step(&fixture, 0.0, y, 1e10), CSI_STEP_OK);
    assert_close(worst_stage_error(&fixture, 1e-18), 0.0, 0.0, 2e-9);
    assert_true(fixture.y_end[1] > 0.0 && fixture.y_end[1] < y[1]);
    implicit_fixture_destroy(&fixture);
}

/* The state at the end is y + h Σ a_ij k_j of the slopes that are recorded. */
static void the_end_is_that_of_the_recorded_slopes(void **state) {
    (void)state;
    for (int m = 0; m < N_STIFF; m++) {
        implicit_fixture_create(&fixture, stiff_cases[m].problem, 1e-6, 1e-12, false);
        assert_int_equal(implicit_fixture_step(&fixture, 0.0, stiff_cases[m].y, stiff_cases[m].h), CSI_STEP_OK);
        double y[PROBLEM_MAX_Y];
        implicit_fixture_stage(&fixture, csi_sdirk4.n_stage - 1, y);
        for (size_t i = 0; i < fixture.calls.rhs.n_y; i++)
            assert_close(y[i], fixture.y_end[i], 1e-14, 1e-15 * fabs(fixture.y[i]));
        implicit_fixture_destroy(&fixture);
    }
}

/* log2 of what halving the step divides the error and the estimate by */
static void check_order(const problem *tried, double h) {
    double error[2], estimate[2];
    for (int half = 0; half < 2; half++, h *= 0.5) {
        double exact[PROBLEM_MAX_Y], vector[PROBLEM_MAX_Y];
        implicit_fixture_create(&fixture, tried, 1e-8, 1e-12, false);
        assert_int_equal(implicit_fixture_step(&fixture, 0.3, tried->y0, h), CSI_STEP_OK);
        tried->exact(0.3 + h, tried->p, 0.3, tried->y0, exact);
        csi_implicit_error(&fixture.implicit, &fixture.record, vector);
        error[half] = fabs(fixture.y_end[0] - exact[0]);
        estimate[half] = fabs(vector[0]);
        implicit_fixture_destroy(&fixture);
    }
    assert_close(log2(error[0] / error[1]), 5.0, 0.0, 0.25);
    assert_close(log2(estimate[0] / estimate[1]), 4.0, 0.0, 0.25);
}

static void a_step_is_of_order_four_and_its_estimate_of_order_three(void **state) {
    (void)state;
    check_order(&problem_logistic, 0.05);
    check_order(&problem_oscillator, 0.03);
    check_order(&problem_gaussian, 0.05);
    check_order(&problem_decay, 0.05);
}

static void the_error_is_the_filtered_sum_of_slopes(void **state) {
    (void)state;
    for (int m = 0; m < N_STIFF; m++) {
        const problem *tried = stiff_cases[m].problem;
        const size_t n = tried->rhs.n_y;
        implicit_fixture_create(&fixture, tried, 1e-6, 1e-12, false);
        assert_int_equal(implicit_fixture_step(&fixture, 0.0, stiff_cases[m].y, stiff_cases[m].h), CSI_STEP_OK);
        double error[PROBLEM_MAX_Y], jac[PROBLEM_MAX_Y * PROBLEM_MAX_Y];
        csi_implicit_error(&fixture.implicit, &fixture.record, error);
        assert_int_equal(tried->rhs.jac(0.0, fixture.y, tried->p, jac, NULL, tried->rhs.ctx), 0);
        for (size_t i = 0; i < n; i++) {
            double left = error[i], right = 0.0, size = fabs(error[i]);
            for (size_t j = 0; j < n; j++) {
                const double term = fixture.record.h * csi_sdirk4.gamma * jac[i + n * j] * error[j];
                left -= term;
                size += fabs(term);
            }
            for (int j = 0; j < csi_sdirk4.n_stage; j++) {
                const double term = fixture.record.h * csi_sdirk4.e[j] * fixture.k[(size_t)j * n + i];
                right += term;
                size += fabs(term);
            }
            assert_close(left, right, 0.0, 1e-13 * size);
        }
        implicit_fixture_destroy(&fixture);
    }
}

static void a_repeated_step_has_the_same_bits(void **state) {
    (void)state;
    for (int m = 0; m < N_STIFF; m++) {
        const stiff_case *tried = &stiff_cases[m];
        const size_t n = tried->problem->rhs.n_y;
        implicit_fixture_create(&fixture, tried->problem, 1e-6, 1e-12, false);
        implicit_fixture_create(&other, tried->problem, 1e-6, 1e-12, false);
        /* A longer try leaves its Jacobian behind; `other` starts afresh. */
        assert_true(implicit_fixture_step(&fixture, 0.0, tried->y, 2.0 * tried->h) >= 0);
        implicit_fixture_begin(&fixture, 0.0, tried->y, tried->h);
        const size_t n_jac = fixture.counts.n_jac;
        assert_int_equal(csi_implicit_step(&fixture.implicit, &fixture.calls, &fixture.record, true, fixture.y_end),
                         CSI_STEP_OK);
        assert_int_equal(fixture.counts.n_jac, n_jac);
        assert_int_equal(implicit_fixture_step(&other, 0.0, tried->y, tried->h), CSI_STEP_OK);
        assert_same_bits_f64(fixture.y_end, other.y_end, n);
        assert_same_bits_f64(fixture.k, other.k, n * (size_t)csi_sdirk4.n_stage);
        assert_same_bits_f64(fixture.newton, other.newton, n * n);
        assert_memory_equal(fixture.pivot, other.pivot, n * sizeof *fixture.pivot);
        implicit_fixture_destroy(&fixture);
        implicit_fixture_destroy(&other);
    }
}

static void calls_are_counted_and_stay_within_the_step(void **state) {
    (void)state;
    implicit_fixture_create(&fixture, &problem_pollu, 1e-6, 1e-12, false);
    assert_int_equal(implicit_fixture_step(&fixture, 2.0, stiff_cases[3].y, 0.03125), CSI_STEP_OK);
    assert_int_equal(fixture.counts.n_jac, 1);
    assert_int_equal(fixture.counts.n_setup, 1);
    assert_int_equal(fixture.counts.n_f, fixture.faulty.n_call[CALLBACK_F]);
    assert_int_equal(fixture.counts.n_nonlin_iter, fixture.counts.n_f);
    assert_in_range(fixture.counts.n_f, 10, 26);
    assert_int_equal(fixture.faulty.n_call[CALLBACK_JAC], 1);
    assert_true(fixture.faulty.t_min == 2.0 && fixture.faulty.t_max == 2.03125);
    assert_false(fixture.record.has_kept);
    implicit_fixture_destroy(&fixture);
}

static void faults_become_outcomes(void **state) {
    (void)state;
    static const struct {
        fault_kind fault;
        int outcome;
    } cases[] = {{FAULT_RETRY, CSI_STEP_RETRY},          {FAULT_FAIL, CSI_STEP_FAIL},
                 {FAULT_OTHER_POSITIVE, CSI_STEP_RETRY}, {FAULT_OTHER_NEGATIVE, CSI_STEP_FAIL},
                 {FAULT_NAN, CSI_STEP_NONFINITE},        {FAULT_INF, CSI_STEP_NONFINITE}};
    const stiff_case *tried = &stiff_cases[2];
    implicit_fixture_create(&fixture, tried->problem, 1e-6, 1e-12, false);
    assert_int_equal(implicit_fixture_step(&fixture, 0.0, tried->y, tried->h), CSI_STEP_OK);
    const size_t n_f = fixture.counts.n_f;
    for (size_t m = 0; m < sizeof cases / sizeof cases[0]; m++) {
        for (size_t call = 0; call < n_f; call++) {
            faulty_rhs_arm(&fixture.faulty, cases[m].fault, CALLBACK_F, call, 1);
            assert_int_equal(implicit_fixture_step(&fixture, 0.0, tried->y, tried->h), cases[m].outcome);
            assert_int_equal(fixture.faulty.n_call[CALLBACK_F], call + 1);
        }
        /* A Jacobian that could not be had is not used again. */
        faulty_rhs_arm(&fixture.faulty, cases[m].fault, CALLBACK_JAC, 0, 1);
        assert_int_equal(implicit_fixture_step(&fixture, 0.0, tried->y, tried->h), cases[m].outcome);
        assert_int_equal(fixture.faulty.n_call[CALLBACK_F], 0);
        assert_int_equal(csi_implicit_step(&fixture.implicit, &fixture.calls, &fixture.record, true, fixture.y_end),
                         CSI_STEP_OK);
        assert_int_equal(fixture.faulty.n_call[CALLBACK_JAC], 2);
    }
    implicit_fixture_destroy(&fixture);
}

static void a_singular_matrix_asks_for_another_step(void **state) {
    (void)state;
    static const double growth = -2.0;
    problem tried = problem_decay;
    tried.p = &growth;
    implicit_fixture_create(&fixture, &tried, 1e-6, 1e-12, false);
    assert_int_equal(implicit_fixture_step(&fixture, 0.0, (double[]){1.0}, 2.0), CSI_STEP_NO_CONVERGENCE);
    assert_int_equal(implicit_fixture_step(&fixture, 0.0, (double[]){1.0}, 1.0), CSI_STEP_OK);
    implicit_fixture_destroy(&fixture);
}

static void steps_too_long_for_newton_do_not_converge_and_cost_little(void **state) {
    (void)state;
    implicit_fixture_create(&fixture, &problem_vdpol, 1e-6, 1e-12, false);
    for (double h = 0.8; h < 1e4; h *= 10.0) {
        fixture.counts.n_f = 0;
        assert_int_equal(implicit_fixture_step(&fixture, 0.0, stiff_cases[0].y, h), CSI_STEP_NO_CONVERGENCE);
        assert_in_range(fixture.counts.n_f, 1, 40);
    }
    implicit_fixture_destroy(&fixture);
}

/* y' = -(y - 1) claiming a Jacobian of 0: Newton's iteration contracts by exactly hγ. */
static int pull_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)p, (void)work, (void)ctx;
    dydt[0] = 1.0 - y[0];
    return COSTATE_ANSWER_OK;
}

static int no_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)y, (void)p, (void)work, (void)ctx;
    jac[0] = 0.0;
    return COSTATE_ANSWER_OK;
}

static void convergence_is_judged_by_its_rate(void **state) {
    (void)state;
    static const problem tried = {.rhs = {.n_y = 1, .f = pull_f, .jac = no_jac}};
    static const struct {
        double rate, y;
        int outcome;
        size_t most;
    } judged[] = {{0.01, 2.0, CSI_STEP_OK, 30},
                  {0.2, 2.0, CSI_STEP_OK, 100},
                  {0.7, 2.0, CSI_STEP_NO_CONVERGENCE, 2},
                  {0.99, 2.0, CSI_STEP_NO_CONVERGENCE, 2},
                  {1.5, 2.0, CSI_STEP_NO_CONVERGENCE, 2},
                  /* close to rest: corrections are small, but they are no rounding errors */
                  {1.5, 1.000001, CSI_STEP_NO_CONVERGENCE, 2}};
    for (size_t m = 0; m < sizeof judged / sizeof judged[0]; m++) {
        implicit_fixture_create(&fixture, &tried, 1e-6, 1e-12, false);
        const double h = judged[m].rate / csi_sdirk4.gamma;
        assert_int_equal(implicit_fixture_step(&fixture, 0.0, &judged[m].y, h), judged[m].outcome);
        assert_in_range(fixture.counts.n_f, 2, judged[m].most);
        if (judged[m].outcome == CSI_STEP_OK)
            assert_close(fixture.y_end[0], 1.0 + creal(linear_stage(csi_sdirk4.n_stage - 1, -h)), 2e-10, 0.0);
        implicit_fixture_destroy(&fixture);
    }
}

static void a_state_that_stays_zero_needs_no_absolute_tolerance(void **state) {
    (void)state;
    implicit_fixture_create(&fixture, &problem_lotka_volterra, 1e-6, 0.0, false);
    assert_int_equal(implicit_fixture_step(&fixture, 0.0, (double[]){1.0, 0.0}, 0.1), CSI_STEP_OK);
    assert_true(fixture.y_end[1] == 0.0);
    implicit_fixture_destroy(&fixture);
}

static void scratch_is_all_or_nothing(void **state) {
    (void)state;
    csi_implicit implicit;
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        costate_allocator hooks = test_allocator_hooks(&counts);
        const costate_status status = csi_implicit_init(&implicit, 5, &hooks);
        assert_status(status, counts.n_failed == 0 ? COSTATE_OK : COSTATE_ERR_MEMORY);
        csi_implicit_clear(&implicit, &hooks);
        assert_int_equal(counts.n_live, 0);
        if (counts.n_failed == 0) {
            assert_true(k > 1);
            /* n² wraps to 0; 2n² fits just barely, and nothing beside it. */
            assert_status(csi_implicit_init(&implicit, (size_t)1 << 32, &hooks), COSTATE_ERR_OVERFLOW);
            assert_status(csi_implicit_init(&implicit, 3037000499u, &hooks), COSTATE_ERR_OVERFLOW);
            assert_status(csi_implicit_init(&implicit, (size_t)1 << 31, &hooks), COSTATE_ERR_MEMORY);
            break;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_problems_give_the_stability_function),
        cmocka_unit_test(stages_are_solved_whatever_the_tolerance),
        cmocka_unit_test(small_states_are_solved_as_well_as_large_ones),
        cmocka_unit_test(the_end_is_that_of_the_recorded_slopes),
        cmocka_unit_test(a_step_is_of_order_four_and_its_estimate_of_order_three),
        cmocka_unit_test(the_error_is_the_filtered_sum_of_slopes),
        cmocka_unit_test(a_repeated_step_has_the_same_bits),
        cmocka_unit_test(calls_are_counted_and_stay_within_the_step),
        cmocka_unit_test(faults_become_outcomes),
        cmocka_unit_test(a_singular_matrix_asks_for_another_step),
        cmocka_unit_test(steps_too_long_for_newton_do_not_converge_and_cost_little),
        cmocka_unit_test(convergence_is_judged_by_its_rate),
        cmocka_unit_test(a_state_that_stays_zero_needs_no_absolute_tolerance),
        cmocka_unit_test(scratch_is_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, make_cases, NULL);
}
