/* SPDX-License-Identifier: MIT */
/* Trajectories that fail do so alone, with the status of a single solve, and calls that make no sense are refused. */
#include "ensemble_fixture.h"
#include "lane_rhs.h"
#include "support/asserts.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const problem *const lv = &problem_lotka_volterra;
static const fault_kind faults[] = {FAULT_NAN, FAULT_INF, FAULT_RETRY, FAULT_FAIL};
enum { N_FAULT = sizeof faults / sizeof faults[0], N_FAULTY = 100 };

/* Element by element, NaN where NaN is expected. */
static void assert_close_or_nan(const double *a, const double *b, size_t n, double tolerance) {
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(isnan(a[i]) != 0, isnan(b[i]) != 0);
        if (!isnan(b[i])) assert_close(a[i], b[i], tolerance, tolerance);
    }
}

static size_t count_failed(const ensemble_case *c, const ensemble_result *r) {
    size_t count = 0;
    for (size_t j = 0; j < c->all.n; j++)
        count += r->status[j] != COSTATE_OK;
    return count;
}

/* A wall that some trajectories run into and others do not. */
static void compare_faults(const costate_rhs *rhs, const costate_ensemble_options *options, unsigned kinds) {
    ensemble_case c;
    ensemble_result together, loop;
    ensemble_case_create(&c, lv, rhs, N_FAULTY, kinds);
    ensemble_run_with(options, &c, &together);
    ensemble_run_loop(options, &c, &loop);
    size_t n_failed = count_failed(&c, &loop);
    assert_true(n_failed > 10 && n_failed < N_FAULTY - 10);
    for (size_t j = 0; j < N_FAULTY; j++)
        assert_status(together.status[j], loop.status[j]);
    assert_status(together.solved, loop.solved);
    assert_ok(together.differentiated);
    assert_close_or_nan(together.y, loop.y, loop.n_y_values, 1e-9);
    assert_close_or_nan(together.y0bar, loop.y0bar, N_FAULTY * rhs->n_y, 1e-9);
    assert_close_or_nan(together.pbar, loop.pbar, loop.n_pbar, 1e-9);
    ensemble_result_destroy(&together);
    ensemble_result_destroy(&loop);
    ensemble_case_destroy(&c);
}

static void faults_of_f_are_those_of_single_solves(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    in_lanes.wall = 7.0;
    for (int lanes = 0; lanes < 2; lanes++)
        for (size_t i = 0; i < N_FAULT; i++)
            for (size_t n_thread = 1; n_thread <= 2; n_thread++) {
                costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
                options.lanes = lanes;
                options.n_thread = n_thread;
                in_lanes.fault = faults[i];
                compare_faults(&rhs, &options, ENSEMBLE_OWN_P);
                compare_faults(&rhs, &options, 0);
            }
}

/* Tries that were rejected are in the history; the reverse must not stumble over them and do everything again. */
static void rejected_steps_do_no_harm_in_the_reverse(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    in_lanes.wall = 7.0;
    for (size_t i = 0; i < N_FAULT; i++)
        for (unsigned kinds = 0; kinds < 2; kinds++) {
            costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
            costate_ensemble *ensemble = NULL;
            ensemble_case c;
            ensemble_result r;
            in_lanes.fault = faults[i];
            ensemble_case_create(&c, lv, &rhs, N_FAULTY, kinds);
            ensemble_result_create(&r, &c);
            assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
            ensemble_run(ensemble, &c, &r);
            assert_ok(r.differentiated);
            assert_true(costate_ensemble_vjp_counts(ensemble)->n_vjp_p > 0);
            assert_int_equal(costate_ensemble_vjp_counts(ensemble)->n_replay, 0);
            costate_ensemble_destroy(ensemble);
            ensemble_result_destroy(&r);
            ensemble_case_destroy(&c);
        }
}

/* Everything succeeds, as single solves do. */
static void compare_with_loop(const problem *from, const costate_rhs *rhs, const costate_ensemble_options *options) {
    ensemble_case c;
    ensemble_result together, loop;
    ensemble_case_create(&c, from, rhs, 50, 0);
    ensemble_run_with(options, &c, &together);
    ensemble_run_loop(options, &c, &loop);
    assert_ok(loop.solved);
    assert_ok(loop.differentiated);
    assert_results_close(&c, &together, &loop, 1e-10);
    ensemble_result_destroy(&together);
    ensemble_result_destroy(&loop);
    ensemble_case_destroy(&c);
}

/* First steps so long that a stage lies behind a wall which the solution does not reach. */
static void steps_that_overshoot_are_cut_as_in_single_solves(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    in_lanes.wall = 11.0;
    for (size_t i = 0; faults[i] != FAULT_FAIL; i++)
        for (int halves = 1; halves < 10; halves++) {
            costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
            options.solver.h_init = 0.5 * halves;
            in_lanes.fault = faults[i];
            compare_with_loop(lv, &rhs, &options);
        }
}

/* The first Euler step of y' = -k y is as long as 0.01 / k, where f is out of order for a moment. */
static void trials_of_the_first_step_are_shortened_as_in_single_solves(void **state) {
    (void)state;
    const double trial = 0.01 / problem_decay.p[0];
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &problem_decay.rhs);
    in_lanes.t_from = problem_decay.t0 + 0.9999 * trial;
    in_lanes.t_to = problem_decay.t0 + 1.0001 * trial;
    for (size_t i = 0; faults[i] != FAULT_FAIL; i++) {
        costate_ensemble_options options = ensemble_lane_options(1e-7, 1e-12);
        in_lanes.fault = faults[i];
        compare_with_loop(&problem_decay, &rhs, &options);
    }
}

/* y' = y from nearly the largest number: the state overflows while all slopes are finite. */
static void overflow_is_no_success(void **state) {
    (void)state;
    const double y0[] = {1e308, 1.0}, t0 = 0.0, t[] = {3.0}, p[] = {-1.0};
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &problem_decay.rhs);
    const costate_trajectories all = {.n = 2, .y0 = y0, .p = p, .t0 = &t0, .n_t = 1, .t = t};
    for (int lanes = 0; lanes < 2; lanes++) {
        costate_ensemble_options options = ensemble_lane_options(1e3, 1.0);
        costate_ensemble *ensemble = NULL;
        costate_status status[2];
        double y[2];
        options.lanes = lanes;
        options.solver.h_init = 1.5;
        assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
        assert_status(costate_ensemble_solve(ensemble, &all, y, status), COSTATE_ERR_NONFINITE);
        assert_status(status[0], COSTATE_ERR_NONFINITE);
        assert_ok(status[1]);
        assert_true(isnan(y[0]));
        assert_true(isfinite(y[1]));
        costate_ensemble_destroy(ensemble);
    }
}

/* The good ones have the bits they have where nothing fails. */
static void failures_leave_the_bits_of_others_alone(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int in_vjp = 0; in_vjp < 2; in_vjp++)
        for (int lanes = 0; lanes < 2; lanes++)
            for (size_t i = 0; i < N_FAULT; i++) {
                costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
                ensemble_case c;
                ensemble_result good, faulty;
                size_t n_nan = 0, n_y = rhs.n_y, n_p = rhs.n_p;
                options.lanes = lanes;
                ensemble_case_create(&c, lv, &rhs, N_FAULTY, ENSEMBLE_OWN_P);
                in_lanes.fault = FAULT_NONE;
                ensemble_run_with(&options, &c, &good);
                in_lanes = (lane_rhs){.inner = in_lanes.inner, .fault = faults[i], .wall = 7.0, .in_vjp = in_vjp};
                ensemble_run_with(&options, &c, &faulty);
                if (in_vjp) assert_true(faulty.differentiated != COSTATE_OK);
                for (size_t j = 0; j < N_FAULTY; j++) {
                    if (isnan(faulty.y0bar[j * n_y])) {
                        n_nan++;
                        continue;
                    }
                    assert_ok(faulty.status[j]);
                    assert_same_bits_f64(faulty.y0bar + j * n_y, good.y0bar + j * n_y, n_y);
                    assert_same_bits_f64(faulty.pbar + j * n_p, good.pbar + j * n_p, n_p);
                    assert_same_bits_f64(faulty.y + j * c.all.n_t * n_y, good.y + j * c.all.n_t * n_y, c.all.n_t * n_y);
                }
                assert_true(n_nan > 10 && n_nan < N_FAULTY - 10);
                ensemble_result_destroy(&good);
                ensemble_result_destroy(&faulty);
                ensemble_case_destroy(&c);
            }
}

static void faults_of_vjp_have_a_status_each(void **state) {
    (void)state;
    const costate_status expected[] = {COSTATE_ERR_NONFINITE, COSTATE_ERR_NONFINITE, COSTATE_ERR_RHS_RETRY,
                                       COSTATE_ERR_RHS_FAIL};
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int lanes = 0; lanes < 2; lanes++)
        for (unsigned kinds = 0; kinds < 2; kinds++)
            for (size_t i = 0; i < N_FAULT; i++) {
                costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
                costate_ensemble *ensemble = NULL;
                ensemble_case c;
                ensemble_result r;
                options.lanes = lanes;
                ensemble_case_create(&c, lv, &rhs, 30, kinds);
                ensemble_result_create(&r, &c);
                in_lanes = (lane_rhs){.inner = in_lanes.inner, .fault = faults[i], .wall = 7.0, .in_vjp = true};
                assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
                ensemble_run(ensemble, &c, &r);
                assert_ok(r.solved);
                assert_status(r.differentiated, expected[i]);
                size_t first = 0;
                while (first < 30 && !isnan(r.y0bar[first * rhs.n_y]))
                    first++;
                char name[32];
                snprintf(name, sizeof name, "trajectory %zu: ", first);
                assert_memory_equal(costate_ensemble_detail(ensemble), name, strlen(name));
                in_lanes.fault = FAULT_NONE;
                ensemble_result_destroy(&r);
                ensemble_result_create(&r, &c);
                ensemble_run(ensemble, &c, &r);
                assert_ok(r.differentiated);
                assert_all_finite(r.y0bar, 30 * rhs.n_y);
                assert_string_equal(costate_ensemble_detail(ensemble), "");
                costate_ensemble_destroy(ensemble);
                ensemble_result_destroy(&r);
                ensemble_case_destroy(&c);
            }
}

/* What one trajectory's data may be wrong in. */
static void spoil(ensemble_case *c, int what, size_t j) {
    switch (what) {
    case 0: c->y0[j * 2 + 1] = (double)NAN; break;
    case 1: c->p[j * 4 + 2] = (double)INFINITY; break;
    case 2: c->t0[j] = (double)NAN; break;
    case 3: c->t[c->first[j]] = (double)INFINITY; break;
    case 4: c->t0[j] = c->t[c->first[j]] + 1.0; break; /* between its times */
    default: c->first[j + 1] = c->first[j]; break;     /* no times; the next one has more */
    }
}

static void bad_data_are_refused_trajectory_by_trajectory(void **state) {
    (void)state;
    enum { BAD = 8 }; /* has 3 times */
    const costate_status expected[] = {COSTATE_ERR_NONFINITE, COSTATE_ERR_NONFINITE, COSTATE_ERR_NONFINITE,
                                       COSTATE_ERR_NONFINITE, COSTATE_ERR_ARGUMENT,  COSTATE_ERR_ARGUMENT};
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int lanes = 0; lanes < 2; lanes++)
        for (int what = 0; what < 6; what++) {
            costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
            ensemble_case c;
            ensemble_result r;
            options.lanes = lanes;
            ensemble_case_create(&c, lv, &rhs, 20, ENSEMBLE_OWN_P | ENSEMBLE_OWN_T0 | ENSEMBLE_OWN_TIMES);
            if (what == 4) c.t[c.first[BAD] + 1] = c.t[c.first[BAD]] + 2.0;
            if (what == 5) { /* the times it loses go to the next one, before that one's own t0 */
                for (size_t i = c.first[BAD]; i < c.first[BAD + 1]; i++)
                    c.t[i] = c.t0[BAD + 1];
            }
            spoil(&c, what, BAD);
            ensemble_run_with(&options, &c, &r);
            assert_status(r.solved, expected[what]);
            assert_ok(r.differentiated);
            for (size_t j = 0; j < 20; j++) {
                assert_status(r.status[j], j == BAD ? expected[what] : COSTATE_OK);
                assert_int_equal(isnan(r.y0bar[2 * j]) != 0, j == BAD);
                assert_int_equal(isnan(r.y0bar[2 * j + 1]) != 0, j == BAD);
                for (size_t i = c.first[j] * 2; i < c.first[j + 1] * 2; i++)
                    assert_int_equal(isnan(r.y[i]) != 0, j == BAD);
            }
            assert_all_finite(r.pbar, r.n_pbar);
            ensemble_result_destroy(&r);
            ensemble_case_destroy(&c);
        }
}

static void cotangents_that_are_not_finite_are_refused(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int lanes = 0; lanes < 2; lanes++) {
        costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
        ensemble_case c;
        ensemble_result r;
        options.lanes = lanes;
        ensemble_case_create(&c, lv, &rhs, 20, ENSEMBLE_OWN_P);
        c.v[(3 * c.all.n_t + 1) * 2] = (double)NAN;
        ensemble_run_with(&options, &c, &r);
        assert_ok(r.solved);
        assert_status(r.differentiated, COSTATE_ERR_NONFINITE);
        for (size_t j = 0; j < 20; j++)
            assert_int_equal(isnan(r.y0bar[2 * j]) != 0, j == 3);
        ensemble_result_destroy(&r);
        ensemble_case_destroy(&c);
    }
}

static void limits_end_solves_as_they_end_single_ones(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    const costate_status expected[] = {COSTATE_ERR_MAX_STEPS, COSTATE_ERR_STEP_SIZE, COSTATE_ERR_ACCURACY};
    for (int lanes = 0; lanes < 2; lanes++)
        for (int what = 0; what < 3; what++) {
            costate_ensemble_options options = ensemble_lane_options(1e-6, 1e-8);
            ensemble_case c;
            ensemble_result together, loop;
            options.lanes = lanes;
            if (what == 0) options.solver.max_steps = 20;
            if (what == 1) options.solver.h_min = 0.5;
            if (what == 2) options.solver.rtol = 1e-16;
            ensemble_case_create(&c, lv, &rhs, 20, 0);
            ensemble_run_with(&options, &c, &together);
            ensemble_run_loop(&options, &c, &loop);
            assert_status(together.solved, expected[what]);
            for (size_t j = 0; j < 20; j++)
                assert_status(together.status[j], loop.status[j]);
            assert_close_or_nan(together.y, loop.y, loop.n_y_values, 1e-9);
            ensemble_result_destroy(&together);
            ensemble_result_destroy(&loop);
            ensemble_case_destroy(&c);
        }
}

/* A zero tolerance makes an element's error infinite. */
static void zero_tolerance_is_refused(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int lanes = 0; lanes < 2; lanes++) {
        costate_ensemble_options options = ensemble_lane_options(1e-6, 0.0);
        ensemble_case c;
        ensemble_result r;
        options.lanes = lanes;
        ensemble_case_create(&c, lv, &rhs, 10, 0);
        c.y0[6] = 0.0;
        ensemble_run_with(&options, &c, &r);
        assert_status(r.solved, COSTATE_ERR_ACCURACY);
        for (size_t j = 0; j < 10; j++)
            assert_status(r.status[j], j == 3 ? COSTATE_ERR_ACCURACY : COSTATE_OK);
        ensemble_result_destroy(&r);
        ensemble_case_destroy(&c);
    }
}

typedef struct interrupter {
    pthread_t caller;
    size_t n_call, stop_at;
    atomic_size_t n_foreign; /* calls by other threads */
} interrupter;

static int interrupt(void *ctx) {
    interrupter *self = ctx;
    if (!pthread_equal(pthread_self(), self->caller)) {
        atomic_fetch_add(&self->n_foreign, 1);
        return 0;
    }
    return ++self->n_call >= self->stop_at;
}

static void interrupt_stops_solve_and_vjp(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int lanes = 0; lanes < 2; lanes++)
        for (size_t n_thread = 1; n_thread <= 2; n_thread++) {
            interrupter polled = {.caller = pthread_self(), .stop_at = SIZE_MAX};
            costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
            costate_ensemble *ensemble = NULL;
            ensemble_case c;
            ensemble_result r;
            options.lanes = lanes;
            options.n_thread = n_thread;
            options.solver.interrupt = interrupt;
            options.solver.interrupt_ctx = &polled;
            ensemble_case_create(&c, lv, &rhs, 200, 0);
            ensemble_result_create(&r, &c);
            assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
            ensemble_run(ensemble, &c, &r);
            assert_ok(r.solved);
            assert_ok(r.differentiated);
            assert_true(n_thread > 1 || polled.n_call > 100);
            polled.n_call = 0;
            polled.stop_at = 3;
            r.differentiated = costate_ensemble_vjp(ensemble, &c.all, c.v, r.y0bar, r.pbar);
            /* Another thread may have left this one too little to be asked three times. */
            if (polled.n_call >= 3) {
                assert_status(r.differentiated, COSTATE_ERR_INTERRUPTED);
                assert_true(isnan(r.y0bar[2 * 199]) || n_thread > 1);
            } else {
                assert_true(n_thread > 1);
            }
            polled.n_call = 0;
            r.solved = costate_ensemble_solve(ensemble, &c.all, r.y, r.status);
            if (polled.n_call >= 3) {
                assert_status(r.solved, COSTATE_ERR_INTERRUPTED);
                assert_true(r.status[199] == COSTATE_ERR_INTERRUPTED || n_thread > 1);
            } else {
                assert_true(n_thread > 1);
            }
            polled.stop_at = SIZE_MAX;
            ensemble_run(ensemble, &c, &r);
            assert_ok(r.solved);
            assert_ok(r.differentiated);
            assert_int_equal(polled.n_foreign, 0);
            costate_ensemble_destroy(ensemble);
            ensemble_result_destroy(&r);
            ensemble_case_destroy(&c);
        }
}

static void calls_without_sense_are_refused(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int lanes = 0; lanes < 2; lanes++) {
        costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
        costate_ensemble *ensemble = NULL;
        ensemble_case c;
        ensemble_result r;
        options.lanes = lanes;
        ensemble_case_create(&c, lv, &rhs, 10, 0);
        ensemble_result_create(&r, &c);
        assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
        assert_status(costate_ensemble_vjp(ensemble, &c.all, c.v, r.y0bar, r.pbar), COSTATE_ERR_STATE);
        assert_status(costate_ensemble_solve(NULL, &c.all, r.y, NULL), COSTATE_ERR_NULL);
        assert_status(costate_ensemble_solve(ensemble, NULL, r.y, NULL), COSTATE_ERR_NULL);
        assert_ok(costate_ensemble_solve(ensemble, &c.all, r.y, NULL));
        assert_status(costate_ensemble_vjp(NULL, &c.all, c.v, r.y0bar, r.pbar), COSTATE_ERR_NULL);
        assert_status(costate_ensemble_vjp(ensemble, NULL, c.v, r.y0bar, r.pbar), COSTATE_ERR_NULL);
        assert_status(costate_ensemble_vjp(ensemble, &c.all, NULL, r.y0bar, r.pbar), COSTATE_ERR_NULL);
        costate_trajectories other = c.all;
        other.n = 9;
        assert_status(costate_ensemble_vjp(ensemble, &other, c.v, r.y0bar, r.pbar), COSTATE_ERR_SIZE);
        other = c.all;
        other.n_t = 5;
        assert_status(costate_ensemble_vjp(ensemble, &other, c.v, r.y0bar, r.pbar), COSTATE_ERR_SIZE);
        assert_ok(costate_ensemble_vjp(ensemble, &c.all, c.v, r.y0bar, r.pbar));
        for (int missing = 0; missing < 4; missing++) {
            other = c.all;
            *(missing == 0 ? &other.y0 : missing == 1 ? &other.p : missing == 2 ? &other.t0 : &other.t) = NULL;
            assert_status(costate_ensemble_solve(ensemble, &other, r.y, NULL), COSTATE_ERR_NULL);
            assert_true(strlen(costate_ensemble_detail(ensemble)) > 0);
            assert_status(costate_ensemble_vjp(ensemble, &c.all, c.v, r.y0bar, r.pbar), COSTATE_ERR_STATE);
        }
        other = c.all;
        other.n_t = 0;
        assert_status(costate_ensemble_solve(ensemble, &other, r.y, NULL), COSTATE_ERR_ARGUMENT);
        const size_t falling[] = {0, 3, 2, 6};
        other = c.all;
        other.n = 3;
        other.first = falling;
        assert_status(costate_ensemble_solve(ensemble, &other, r.y, NULL), COSTATE_ERR_ARGUMENT);
        other = c.all;
        other.n = SIZE_MAX / 4;
        assert_status(costate_ensemble_solve(ensemble, &other, r.y, NULL), COSTATE_ERR_OVERFLOW);
        other.n = 0;
        other.y0 = other.p = other.t0 = other.t = NULL;
        assert_ok(costate_ensemble_solve(ensemble, &other, NULL, NULL));
        assert_ok(costate_ensemble_vjp(ensemble, &other, NULL, NULL, r.pbar));
        costate_ensemble_destroy(ensemble);
        ensemble_result_destroy(&r);
        ensemble_case_destroy(&c);
    }
    costate_ensemble_destroy(NULL);
    assert_null(costate_ensemble_counts(NULL));
    assert_null(costate_ensemble_vjp_counts(NULL));
    assert_string_equal(costate_ensemble_detail(NULL), "");
}

static void creation_checks_its_arguments(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    costate_ensemble *ensemble = NULL;
    costate_ensemble_options options = costate_ensemble_options_default();
    assert_status(costate_ensemble_create(&rhs, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_ensemble_create(NULL, NULL, NULL, &ensemble), COSTATE_ERR_NULL);
    options.n_thread = 1025;
    assert_status(costate_ensemble_create(&rhs, &options, NULL, &ensemble), COSTATE_ERR_ARGUMENT);
    options = costate_ensemble_options_default();
    options.solver.rtol = -1.0;
    assert_status(costate_ensemble_create(&rhs, &options, NULL, &ensemble), COSTATE_ERR_ARGUMENT);
    options = costate_ensemble_options_default();
    options.adjoint.quad_nodes = -1;
    options.solver.method = COSTATE_METHOD_ADAMS;
    assert_status(costate_ensemble_create(&rhs, &options, NULL, &ensemble), COSTATE_ERR_ARGUMENT);
    assert_null(ensemble);
    options = costate_ensemble_options_default();
    options.n_thread = 0;
    assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
    costate_ensemble_destroy(ensemble);
}

static void vjp_needs_a_record_and_a_derivative(void **state) {
    (void)state;
    lane_rhs in_lanes;
    const costate_rhs whole = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int what = 0; what < 3; what++) {
        costate_rhs rhs = whole;
        costate_ensemble_options options = costate_ensemble_options_default();
        costate_ensemble *ensemble = NULL;
        ensemble_case c;
        ensemble_result r;
        if (what < 2) options.solver.record = false;
        if (what == 1) options.lanes = false;
        if (what == 2) rhs.vjp = NULL, rhs.vjp_lanes = NULL;
        ensemble_case_create(&c, lv, &rhs, 100, 0);
        ensemble_result_create(&r, &c);
        assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
        ensemble_run(ensemble, &c, &r);
        assert_ok(r.solved);
        assert_all_finite(r.y, r.n_y_values);
        assert_status(r.differentiated, COSTATE_ERR_UNSUPPORTED);
        costate_ensemble_destroy(ensemble);
        ensemble_result_destroy(&r);
        ensemble_case_destroy(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_f_are_those_of_single_solves),
        cmocka_unit_test(rejected_steps_do_no_harm_in_the_reverse),
        cmocka_unit_test(steps_that_overshoot_are_cut_as_in_single_solves),
        cmocka_unit_test(trials_of_the_first_step_are_shortened_as_in_single_solves),
        cmocka_unit_test(overflow_is_no_success),
        cmocka_unit_test(failures_leave_the_bits_of_others_alone),
        cmocka_unit_test(faults_of_vjp_have_a_status_each),
        cmocka_unit_test(bad_data_are_refused_trajectory_by_trajectory),
        cmocka_unit_test(cotangents_that_are_not_finite_are_refused),
        cmocka_unit_test(limits_end_solves_as_they_end_single_ones),
        cmocka_unit_test(zero_tolerance_is_refused),
        cmocka_unit_test(interrupt_stops_solve_and_vjp),
        cmocka_unit_test(calls_without_sense_are_refused),
        cmocka_unit_test(creation_checks_its_arguments),
        cmocka_unit_test(vjp_needs_a_record_and_a_derivative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
