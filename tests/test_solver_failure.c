/* SPDX-License-Identifier: MIT */
/* Solves that fail: a right-hand side that misbehaves at call k, step limits, interrupts; and the solver afterwards. */
#include "faulty_rhs.h"
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"

#include <costate/solver.h>
#include <math.h>
#include <string.h>

enum { N_OUT = 21, N_Y = 2 };

static const problem *const lv = &problem_lotka_volterra;

/* A solver of the Lotka-Volterra problem whose right-hand side can fail, and what it gives when that does not. */
typedef struct fixture {
    faulty_rhs fault;
    costate_solver *solver;
    double t[N_OUT];
    double good[N_OUT * N_Y];
    double y[N_OUT * N_Y];
    size_t n_call[CALLBACK_COUNT]; /* calls of an undisturbed solve */
} fixture;

static void run(fixture *fx, costate_status expected) {
    for (size_t i = 0; i < N_OUT * N_Y; i++)
        fx->y[i] = 12345.0;
    assert_status(costate_solve(fx->solver, lv->p, lv->t0, lv->y0, N_OUT, fx->t, fx->y), expected);
}

/* Which callbacks the right-hand side has. */
typedef enum variant { ALL_DERIVATIVES, JVP_ONLY, WITH_KEPT } variant;

static void fixture_create(fixture *fx, costate_method method, variant which) {
    static costate_rhs inner;
    inner = lv->rhs;
    if (which == JVP_ONLY) {
        inner.jac = NULL;
        inner.vjp = NULL;
    }
    memset(fx, 0, sizeof *fx);
    costate_rhs rhs =
        which == WITH_KEPT ? faulty_rhs_wrap_kept(&fx->fault, &inner) : faulty_rhs_wrap(&fx->fault, &inner);
    costate_solver_options options = gradient_options(method, 1e-6, 1e-8);
    assert_ok(costate_solver_create(&rhs, &options, NULL, &fx->solver));
    for (size_t i = 0; i < N_OUT; i++)
        fx->t[i] = 0.5 * (double)i;
    run(fx, COSTATE_OK);
    memcpy(fx->good, fx->y, sizeof fx->good);
    memcpy(fx->n_call, fx->fault.n_call, sizeof fx->n_call);
}

/* Without a fault the solver gives the bits it gave at first. */
static void assert_usable(fixture *fx) {
    faulty_rhs_arm(&fx->fault, FAULT_NONE, CALLBACK_F, 0, 0);
    run(fx, COSTATE_OK);
    assert_same_bits_f64(fx->y, fx->good, N_OUT * N_Y);
    assert_string_equal(costate_solver_detail(fx->solver), "");
}

/* Rows up to the time reached are near the good ones, all others NaN; the bookkeeping is finite. */
static void assert_rows_of_failed_solve(fixture *fx) {
    const costate_solve_counts *c = costate_solver_counts(fx->solver);
    assert_true(c->t_reached >= lv->t0 && c->t_reached <= lv->t_end);
    assert_true(isfinite(c->last_step) && c->seconds >= 0.0);
    for (size_t i = 0; i < N_OUT; i++)
        if (fx->t[i] <= c->t_reached)
            assert_close_array(fx->y + i * N_Y, fx->good + i * N_Y, N_Y, 1e-3, 1e-3);
        else
            assert_true(isnan(fx->y[i * N_Y]) && isnan(fx->y[i * N_Y + 1]));
    assert_true(strlen(costate_solver_detail(fx->solver)) > 0);
    double z[N_Y];
    assert_status(costate_solver_eval(fx->solver, lv->t0, z), COSTATE_ERR_STATE);
}

static const fault_kind lasting[] = {FAULT_RETRY,          FAULT_FAIL, FAULT_OTHER_POSITIVE,
                                     FAULT_OTHER_NEGATIVE, FAULT_NAN,  FAULT_INF};

static void lasting_fault(fixture *fx, callback_kind callback) {
    size_t n = fx->n_call[callback];
    assert_true(n > 0);
    for (size_t f = 0; f < sizeof lasting / sizeof lasting[0]; f++)
        for (size_t k = 0; k < n; k += k < 12 ? 1 : 1 + n / 23) {
            faulty_rhs_arm(&fx->fault, lasting[f], callback, k, SIZE_MAX);
            run(fx, faulty_rhs_status(lasting[f]));
            assert_rows_of_failed_solve(fx);
            assert_true(fx->fault.n_call[callback] < k + 1000);
            if (k == 0) assert_true(isnan(fx->y[N_Y * 2]));
            assert_usable(fx);
        }
}

static void lasting_fault_of_f_is_reported_at_every_call(void **state) {
    (void)state;
    for (size_t m = 0; m < 2 * N_METHOD; m++) {
        fixture fx;
        fixture_create(&fx, every_method[m % N_METHOD], m < N_METHOD ? ALL_DERIVATIVES : WITH_KEPT);
        lasting_fault(&fx, CALLBACK_F);
        costate_solver_destroy(fx.solver);
    }
}

static void lasting_fault_of_a_derivative_is_reported_at_every_call(void **state) {
    (void)state;
    const costate_method implicit[] = {COSTATE_METHOD_BDF, COSTATE_METHOD_SDIRK4};
    for (size_t m = 0; m < 2; m++) {
        fixture fx;
        fixture_create(&fx, implicit[m], ALL_DERIVATIVES);
        lasting_fault(&fx, CALLBACK_JAC);
        costate_solver_destroy(fx.solver);
        fixture_create(&fx, implicit[m], JVP_ONLY);
        lasting_fault(&fx, CALLBACK_JVP);
        costate_solver_destroy(fx.solver);
    }
}

static void single_fault(fixture *fx, callback_kind callback, size_t first) {
    const fault_kind kinds[] = {FAULT_RETRY, FAULT_OTHER_POSITIVE, FAULT_NAN, FAULT_INF};
    size_t n = fx->n_call[callback];
    assert_true(n > 0);
    for (size_t f = 0; f < 4; f++)
        for (size_t k = first; k < n; k += k < 12 ? 1 : 1 + n / 23) {
            faulty_rhs_arm(&fx->fault, kinds[f], callback, k, 1);
            run(fx, COSTATE_OK);
            assert_close_array(fx->y, fx->good, N_OUT * N_Y, 1e-3, 1e-3);
            assert_usable(fx);
        }
}

/* After its first call a single RETRY, NaN or infinity only costs a shorter step. */
static void single_fault_of_f_is_survived(void **state) {
    (void)state;
    for (size_t m = 0; m < 2 * N_METHOD; m++) {
        fixture fx;
        fixture_create(&fx, every_method[m % N_METHOD], m < N_METHOD ? ALL_DERIVATIVES : WITH_KEPT);
        single_fault(&fx, CALLBACK_F, 1);
        costate_solver_destroy(fx.solver);
    }
}

static void single_fault_of_a_derivative_is_survived(void **state) {
    (void)state;
    fixture fx;
    fixture_create(&fx, COSTATE_METHOD_SDIRK4, ALL_DERIVATIVES);
    single_fault(&fx, CALLBACK_JAC, 0);
    costate_solver_destroy(fx.solver);
    fixture_create(&fx, COSTATE_METHOD_SDIRK4, JVP_ONLY);
    single_fault(&fx, CALLBACK_JVP, 0);
    costate_solver_destroy(fx.solver);
}

static void single_fail_ends_the_solve(void **state) {
    (void)state;
    for (size_t m = 0; m < N_METHOD; m++) {
        fixture fx;
        fixture_create(&fx, every_method[m], ALL_DERIVATIVES);
        size_t n = fx.n_call[CALLBACK_F];
        for (size_t k = 0; k < n; k += 1 + n / 40) {
            faulty_rhs_arm(&fx.fault, k % 2 ? FAULT_FAIL : FAULT_OTHER_NEGATIVE, CALLBACK_F, k, 1);
            run(&fx, COSTATE_ERR_RHS_FAIL);
            assert_int_equal(fx.fault.n_call[CALLBACK_F], k + 1);
            assert_rows_of_failed_solve(&fx);
            assert_usable(&fx);
        }
        costate_solver_destroy(fx.solver);
    }
}

static void step_limit_is_exact(void **state) {
    (void)state;
    for (size_t m = 0; m < N_METHOD; m++) {
        fixture fx;
        fixture_create(&fx, every_method[m], ALL_DERIVATIVES);
        size_t n_step = costate_solver_counts(fx.solver)->n_step;
        costate_solver_destroy(fx.solver);
        const size_t limits[] = {1, 2, n_step / 2, n_step - 1, n_step};
        for (size_t i = 0; i < 5; i++) {
            costate_solver_options options = gradient_options(every_method[m], 1e-6, 1e-8);
            options.max_steps = limits[i];
            assert_ok(costate_solver_create(&lv->rhs, &options, NULL, &fx.solver));
            run(&fx, limits[i] < n_step ? COSTATE_ERR_MAX_STEPS : COSTATE_OK);
            assert_int_equal(costate_solver_counts(fx.solver)->n_step, limits[i]);
            if (limits[i] < n_step) assert_rows_of_failed_solve(&fx);
            assert_ok(costate_solve(fx.solver, lv->p, lv->t0, lv->y0, 1, &lv->t0, NULL));
            costate_solver_destroy(fx.solver);
        }
    }
}

static int count_down(void *ctx) {
    size_t *left = ctx;
    return *left > 0 && --*left == 0;
}

static void interrupt_is_polled_after_every_step(void **state) {
    (void)state;
    for (size_t m = 0; m < N_METHOD; m++) {
        fixture fx;
        fixture_create(&fx, every_method[m], ALL_DERIVATIVES);
        size_t n_step = costate_solver_counts(fx.solver)->n_step, left = 0;
        costate_solver_destroy(fx.solver);
        costate_solver_options options = gradient_options(every_method[m], 1e-6, 1e-8);
        options.interrupt = count_down;
        options.interrupt_ctx = &left;
        assert_ok(costate_solver_create(&lv->rhs, &options, NULL, &fx.solver));
        for (size_t at = 1; at < n_step; at += 7) {
            left = at;
            run(&fx, COSTATE_ERR_INTERRUPTED);
            assert_int_equal(costate_solver_counts(fx.solver)->n_step, at);
            assert_rows_of_failed_solve(&fx);
            left = 0;
            run(&fx, COSTATE_OK);
            assert_same_bits_f64(fx.y, fx.good, N_OUT * N_Y);
        }
        left = n_step + 100;
        run(&fx, COSTATE_OK);
        assert_int_equal(left, 100);
        costate_solver_destroy(fx.solver);
    }
}

/* y' = y^2 from 1 leaves every bound at t = 1. */
static int blow_up_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)p, (void)work, (void)ctx;
    dydt[0] = y[0] * y[0];
    return COSTATE_ANSWER_OK;
}

static int blow_up_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)p, (void)work, (void)ctx;
    jac[0] = 2.0 * y[0];
    return COSTATE_ANSWER_OK;
}

static void blow_up_is_a_status(void **state) {
    (void)state;
    const costate_rhs rhs = {.n_y = 1, .f = blow_up_f, .jac = blow_up_jac};
    const double y0 = 1.0, t[] = {0.5, 2.0};
    for (size_t m = 0; m < N_METHOD; m++) {
        double y[2];
        costate_solver *solver = NULL;
        costate_solver_options options = gradient_options(every_method[m], 1e-6, 1e-8);
        assert_ok(costate_solver_create(&rhs, &options, NULL, &solver));
        costate_status status = costate_solve(solver, NULL, 0.0, &y0, 2, t, y);
        assert_true(status == COSTATE_ERR_STEP_SIZE || status == COSTATE_ERR_MAX_STEPS ||
                    status == COSTATE_ERR_NONFINITE || status == COSTATE_ERR_CONVERGENCE);
        assert_close(y[0], 2.0, 1e-4, 0.0);
        assert_true(isnan(y[1]));
        assert_close(costate_solver_counts(solver)->t_reached, 1.0, 1e-3, 0.0);
        assert_ok(costate_solve(solver, NULL, 0.0, &y0, 1, t, y));
        assert_close(y[0], 2.0, 1e-4, 0.0);
        costate_solver_destroy(solver);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lasting_fault_of_f_is_reported_at_every_call),
        cmocka_unit_test(lasting_fault_of_a_derivative_is_reported_at_every_call),
        cmocka_unit_test(single_fault_of_f_is_survived),
        cmocka_unit_test(single_fault_of_a_derivative_is_survived),
        cmocka_unit_test(single_fail_ends_the_solve),
        cmocka_unit_test(step_limit_is_exact),
        cmocka_unit_test(interrupt_is_polled_after_every_step),
        cmocka_unit_test(blow_up_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
