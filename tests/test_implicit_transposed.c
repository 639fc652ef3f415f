/* SPDX-License-Identifier: MIT */
/* Transposed stage equations: dot identity with the stage's own matrix, both ways to solve, and a step's gradient. */
#include "implicit_fixture.h"
#include "ode/dense_lu.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>
#include <string.h>

static implicit_fixture fixture;

/* A problem off its start, with a step that is long for its fast components. */
typedef struct transposed_case {
    const problem *problem;
    double before, h;
} transposed_case;

static const transposed_case cases[] = {{&problem_vdpol, 1e-3, 0.02},
                                        {&problem_rober, 1.0, 2.0},
                                        {&problem_hires, 0.1, 0.05},
                                        {&problem_pollu, 0.1, 0.03},
                                        {&problem_lotka_volterra, 0.1, 0.2}};
enum { N_CASE = sizeof cases / sizeof cases[0] };

static void take_step(const transposed_case *tried, bool keeps, double rtol) {
    double y[PROBLEM_MAX_Y];
    implicit_fixture_settle(&fixture, tried->problem, tried->before, y);
    implicit_fixture_create(&fixture, tried->problem, rtol, 1e-6 * rtol, keeps);
    assert_int_equal(implicit_fixture_step(&fixture, 0.0, y, tried->h), CSI_STEP_OK);
    fixture.counts = (costate_solve_counts){0};
    faulty_rhs_arm(&fixture.faulty, FAULT_NONE, CALLBACK_F, 0, 0);
}

/* u with (1 − hγJ(t, Y)) u = b, from the analytic Jacobian. */
static void solve_straight(double t, const double *y, const double *b, double *u) {
    const costate_rhs *rhs = &fixture.problem->rhs;
    const size_t n = rhs->n_y;
    double jac[PROBLEM_MAX_Y * PROBLEM_MAX_Y];
    int64_t pivot[PROBLEM_MAX_Y];
    assert_int_equal(rhs->jac(t, y, fixture.problem->p, jac, NULL, rhs->ctx), 0);
    for (size_t j = 0; j < n * n; j++)
        jac[j] = (j % (n + 1) == 0) - fixture.record.h * csi_sdirk4.gamma * jac[j];
    assert_true(csi_lu_factor(n, jac, pivot));
    memcpy(u, b, n * sizeof *u);
    csi_lu_solve(n, jac, pivot, u);
}

/* <w, b> = <r, u>, each state in its own unit. */
static void check_stage(int stage, const double *y, costate_random *random) {
    const size_t n = fixture.calls.rhs.n_y;
    const double t = csi_stage_time(&fixture.record, &csi_sdirk4, stage);
    double r[PROBLEM_MAX_Y], b[PROBLEM_MAX_Y], u[PROBLEM_MAX_Y], w[PROBLEM_MAX_Y];
    fill_normal(random, r, n, 1.0);
    fill_normal(random, b, n, 1.0);
    for (size_t i = 0; i < n; i++) {
        const double unit = fabs(y[i]) + 1e-6;
        r[i] /= unit;
        b[i] *= unit;
    }
    solve_straight(t, y, b, u);
    assert_int_equal(csi_implicit_solve_transposed(&fixture.implicit, &fixture.calls, &fixture.record, t, y, r, w),
                     CSI_STEP_OK);
    double left = 0.0, right = 0.0, size = 0.0;
    for (size_t i = 0; i < n; i++) {
        left += w[i] * b[i];
        right += r[i] * u[i];
        size += fabs(w[i] * b[i]) + fabs(r[i] * u[i]);
    }
    assert_close(left, right, 0.0, 2e-12 * size);
}

static void every_stage_satisfies_the_dot_identity(void **state) {
    (void)state;
    costate_random random = test_random(4);
    for (int m = 0; m < N_CASE; m++)
        for (int way = 0; way < 3; way++) {
            take_step(&cases[m], way == 1, 1e-6);
            if (way == 2) fixture.calls.rhs.jac = NULL, fixture.calls.rhs.jvp = NULL;
            for (int stage = 1; stage < csi_sdirk4.n_stage; stage++) {
                double y[PROBLEM_MAX_Y];
                implicit_fixture_stage(&fixture, stage, y);
                check_stage(stage, y, &random);
            }
            assert_true(fixture.counts.n_vjp_y > 0);
            assert_int_equal(fixture.counts.n_vjp_p, 0);
            assert_int_equal(fixture.counts.n_f, way == 1 ? csi_sdirk4.n_stage - 1 : 0);
            assert_int_equal(fixture.faulty.n_mismatch, 0);
            implicit_fixture_destroy(&fixture);
        }
}

static void a_near_stage_needs_no_factorisation_and_a_far_one_its_own(void **state) {
    (void)state;
    costate_random random = test_random(5);
    for (int keeps = 0; keeps < 2; keeps++) {
        take_step(&cases[3], keeps, 1e-6);
        double y[PROBLEM_MAX_Y];
        memcpy(y, fixture.y, sizeof y);
        y[0] *= 1.0001;
        check_stage(1, y, &random);
        assert_int_equal(fixture.counts.n_setup, 0);
        assert_in_range(fixture.counts.n_vjp_y, 1, 5);
        assert_int_equal(fixture.faulty.n_kept, keeps ? fixture.counts.n_vjp_y : 0);
        for (int i = 0; i < 20; i++)
            y[i] = 3.0 * y[i] + 0.1;
        fixture.counts.n_vjp_y = 0;
        check_stage(1, y, &random);
        assert_in_range(fixture.counts.n_vjp_y, 1, 2);
        assert_int_equal(fixture.counts.n_setup, 1);
        assert_int_equal(fixture.counts.n_jac, 1);
        assert_int_equal(fixture.counts.n_f, keeps ? 2 : 0);
        implicit_fixture_destroy(&fixture);
    }
}

/* How far from the step's start a stage may be until it gets its own factorisation. */
static double reach(bool without_jac) {
    double far = 1e-6;
    for (size_t n_setup = 0; n_setup == 0; far *= 1.2) {
        costate_random random = test_random(8);
        take_step(&cases[0], false, 1e-6);
        if (without_jac) fixture.calls.rhs.jac = NULL;
        check_stage(1, (double[]){fixture.y[0] * (1.0 + far), fixture.y[1]}, &random);
        n_setup = fixture.counts.n_setup;
        implicit_fixture_destroy(&fixture);
    }
    return far;
}

static void more_refinements_are_worth_their_while_without_jac(void **state) {
    (void)state;
    assert_true(reach(true) > 2.0 * reach(false));
}

/* At a state of zero and no absolute tolerance nothing says what the state is worth; the equation is solved all the same. */
static void a_state_of_zero_counts_too(void **state) {
    (void)state;
    implicit_fixture_create(&fixture, &problem_logistic, 1e-6, 0.0, false);
    assert_int_equal(implicit_fixture_step(&fixture, 0.0, (double[]){2.0}, 0.5), CSI_STEP_OK);
    costate_random random = test_random(6);
    check_stage(1, (double[PROBLEM_MAX_Y]){0.0}, &random);
    implicit_fixture_destroy(&fixture);
}

static void nothing_in_gives_nothing(void **state) {
    (void)state;
    take_step(&cases[0], false, 1e-6);
    const double r[2] = {0.0, 0.0};
    double w[2] = {1.0, 1.0};
    assert_int_equal(
        csi_implicit_solve_transposed(&fixture.implicit, &fixture.calls, &fixture.record, 0.0, fixture.y, r, w),
        CSI_STEP_OK);
    assert_true(w[0] == 0.0 && w[1] == 0.0);
    assert_int_equal(fixture.counts.n_vjp_y, 0);
    implicit_fixture_destroy(&fixture);
}

static int solve_with(fault_kind fault, callback_kind callback, const double *y) {
    double r[PROBLEM_MAX_Y], w[PROBLEM_MAX_Y];
    for (size_t i = 0; i < fixture.calls.rhs.n_y; i++)
        r[i] = 1.0 + (double)i;
    faulty_rhs_arm(&fixture.faulty, fault, callback, 0, SIZE_MAX);
    return csi_implicit_solve_transposed(&fixture.implicit, &fixture.calls, &fixture.record, 0.0, y, r, w);
}

static void faults_become_outcomes(void **state) {
    (void)state;
    static const struct {
        fault_kind fault;
        int outcome;
    } faults[] = {{FAULT_RETRY, CSI_STEP_RETRY},
                  {FAULT_FAIL, CSI_STEP_FAIL},
                  {FAULT_NAN, CSI_STEP_NONFINITE},
                  {FAULT_INF, CSI_STEP_NONFINITE}};
    double far[PROBLEM_MAX_Y];
    for (int i = 0; i < PROBLEM_MAX_Y; i++)
        far[i] = 2.0;
    for (int m = 0; m < 4; m++) {
        take_step(&cases[2], false, 1e-6);
        assert_int_equal(solve_with(faults[m].fault, CALLBACK_VJP, fixture.y), faults[m].outcome);
        assert_int_equal(solve_with(faults[m].fault, CALLBACK_JAC, far), faults[m].outcome);
        implicit_fixture_destroy(&fixture);
    }
    take_step(&cases[2], true, 1e-6);
    assert_int_equal(solve_with(FAULT_RETRY, CALLBACK_F, fixture.y), CSI_STEP_RETRY);
    assert_int_equal(solve_with(FAULT_FAIL, CALLBACK_VJP, fixture.y), CSI_STEP_FAIL);
    implicit_fixture_destroy(&fixture);
}

/* ybar = (∂y_end/∂y)ᵀ lam of the step just taken: doc/math.md's sweep for one step without observations. */
static void pull_back_step(const double *lam, double *ybar) {
    const costate_rhs *rhs = &fixture.problem->rhs;
    const size_t n = rhs->n_y;
    const int last = csi_sdirk4.n_stage - 1;
    const double h = fixture.record.h;
    double total[CSI_STAGE_MAX][PROBLEM_MAX_Y], r[PROBLEM_MAX_Y], w[PROBLEM_MAX_Y], y[PROBLEM_MAX_Y];
    memset(ybar, 0, n * sizeof *ybar);
    for (int stage = last; stage >= 0; stage--) {
        const double t = csi_stage_time(&fixture.record, &csi_sdirk4, stage);
        for (size_t i = 0; i < n; i++) {
            r[i] = stage == last ? h * csi_sdirk4.gamma * lam[i] : 0.0;
            for (int m = stage + 1; m <= last; m++)
                r[i] += h * csi_sdirk4.a[m][stage] * total[m][i];
        }
        if (stage == 0) {
            memcpy(w, r, sizeof w);
            memcpy(y, fixture.y, sizeof y);
        } else {
            implicit_fixture_stage(&fixture, stage, y);
            assert_int_equal(
                csi_implicit_solve_transposed(&fixture.implicit, &fixture.calls, &fixture.record, t, y, r, w),
                CSI_STEP_OK);
        }
        assert_int_equal(rhs->vjp(t, y, fixture.problem->p, w, 1.0, total[stage], NULL, NULL, rhs->ctx), 0);
        for (size_t i = 0; i < n; i++) {
            total[stage][i] += stage == last ? lam[i] : 0.0;
            ybar[i] += total[stage][i];
        }
    }
}

/* d<lam, y_end>/ds along y + s u, by differences of fourth order. */
static double difference(const double *y, const double *u, const double *lam, double h, double length) {
    const size_t n = fixture.calls.rhs.n_y;
    static const double place[] = {-2.0, -1.0, 1.0, 2.0}, weight[] = {1.0, -8.0, 8.0, -1.0};
    double sum = 0.0;
    for (int m = 0; m < 4; m++) {
        double moved[PROBLEM_MAX_Y];
        for (size_t i = 0; i < n; i++)
            moved[i] = y[i] + place[m] * length * u[i];
        assert_int_equal(implicit_fixture_step(&fixture, 0.0, moved, h), CSI_STEP_OK);
        for (size_t i = 0; i < n; i++)
            sum += weight[m] * lam[i] * fixture.y_end[i];
    }
    return sum / (12.0 * length);
}

static void a_step_pulled_back_is_the_derivative_of_the_computed_step(void **state) {
    (void)state;
    costate_random random = test_random(7);
    static const double rtols[] = {1e3, 1e-4, 1e-8};
    for (int m = 0; m < N_CASE; m++)
        for (int k = 0; k < 3; k++) {
            const size_t n = cases[m].problem->rhs.n_y;
            double y[PROBLEM_MAX_Y], u[PROBLEM_MAX_Y], lam[PROBLEM_MAX_Y], ybar[PROBLEM_MAX_Y];
            take_step(&cases[m], false, rtols[k]);
            memcpy(y, fixture.y, sizeof y);
            fill_normal(&random, u, n, 1.0);
            fill_normal(&random, lam, n, 1.0);
            for (size_t i = 0; i < n; i++) {
                u[i] *= y[i];
                lam[i] /= fabs(fixture.y_end[i]) + 1e-4;
            }
            /* As a solve does, moves the state where fast components do not go far: a guess that is far off leaves
             * Newton's error small, but not its derivative. */
            for (int i = 0; i < 4; i++)
                csi_lu_solve(n, fixture.newton, fixture.pivot, u);
            pull_back_step(lam, ybar);
            double slope = 0.0, size = 0.0;
            for (size_t i = 0; i < n; i++) {
                slope += ybar[i] * u[i];
                size += fabs(ybar[i] * u[i]);
            }
            assert_close(slope, difference(y, u, lam, cases[m].h, 3e-4), 0.0, 1e-8 * size);
            implicit_fixture_destroy(&fixture);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stage_satisfies_the_dot_identity),
        cmocka_unit_test(a_near_stage_needs_no_factorisation_and_a_far_one_its_own),
        cmocka_unit_test(more_refinements_are_worth_their_while_without_jac),
        cmocka_unit_test(a_state_of_zero_counts_too),
        cmocka_unit_test(nothing_in_gives_nothing),
        cmocka_unit_test(faults_become_outcomes),
        cmocka_unit_test(a_step_pulled_back_is_the_derivative_of_the_computed_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
