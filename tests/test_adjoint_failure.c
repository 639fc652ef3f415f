/* SPDX-License-Identifier: MIT */
/* Gradients that fail: wrong calls, a vjp that misbehaves at call k, limits; and the adjoint afterwards. */
#include "faulty_rhs.h"
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"

#include <math.h>
#include <string.h>

enum { N_SPARSE = 4, N_DENSE = 61, N_Y = 2, N_P = 4 };

/* Every method with few observations, then with many: the adjoint may treat these differently. */
enum { N_SETUP = 2 * N_METHOD };
static costate_method method_of(size_t setup) { return every_method[setup % N_METHOD]; }
static size_t n_t_of(size_t setup) { return setup < N_METHOD ? N_SPARSE : N_DENSE; }

/* Which callbacks the right-hand side has, and whether steps have to be repeated. */
typedef enum variant { ALL_DERIVATIVES, VJP_ONLY, WITH_KEPT, WITH_KEPT_AND_REPEATS, N_VARIANT } variant;

static const problem *const lv = &problem_lotka_volterra;
typedef struct fixture {
    costate_rhs inner;
    faulty_rhs fault;
    costate_solver_options options;
    costate_solver *solver;
    costate_adjoint *adjoint;
    size_t n_t;
    double t[N_DENSE], v[N_DENSE * N_Y];
    double y0bar[N_Y], pbar[N_P], t0bar;
    double good[N_Y + N_P + 1];
    size_t n_call[CALLBACK_COUNT]; /* calls of an undisturbed gradient */
} fixture;

static void fill_observations(fixture *fx, size_t n_t) {
    fx->n_t = n_t;
    for (size_t i = 0; i < n_t; i++)
        fx->t[i] = 4.0 * (double)i / (double)(n_t - 1);
    for (size_t i = 0; i < n_t * N_Y; i++)
        fx->v[i] = cos(1.0 + 2.0 * (double)i);
}

static costate_status solve(fixture *fx) { return costate_solve(fx->solver, lv->p, 0.0, lv->y0, fx->n_t, fx->t, NULL); }

static void gradient_call(fixture *fx, costate_status expected) {
    memset(fx->pbar, 0, sizeof fx->pbar);
    fx->y0bar[0] = fx->y0bar[1] = fx->t0bar = 4711.0;
    assert_status(costate_adjoint_vjp(fx->adjoint, lv->p, fx->n_t, fx->v, fx->y0bar, fx->pbar, &fx->t0bar), expected);
    if (expected == COSTATE_OK) {
        assert_string_equal(costate_adjoint_detail(fx->adjoint), "");
    } else {
        assert_true(fx->y0bar[0] == 4711.0 && fx->y0bar[1] == 4711.0 && fx->t0bar == 4711.0);
        assert_true(strlen(costate_adjoint_detail(fx->adjoint)) > 0);
    }
}

static void pack(const fixture *fx, double *packed) {
    memcpy(packed, fx->y0bar, sizeof fx->y0bar);
    memcpy(packed + N_Y, fx->pbar, sizeof fx->pbar);
    packed[N_Y + N_P] = fx->t0bar;
}

static void fixture_create(fixture *fx, costate_method method, size_t n_t, variant which,
                           const costate_adjoint_options *options) {
    memset(fx, 0, sizeof *fx);
    fx->inner = lv->rhs;
    if (which == VJP_ONLY) {
        fx->inner.jac = NULL;
        fx->inner.jvp = NULL;
    }
    costate_rhs rhs =
        which >= WITH_KEPT ? faulty_rhs_wrap_kept(&fx->fault, &fx->inner) : faulty_rhs_wrap(&fx->fault, &fx->inner);
    fx->options = gradient_options(method, 1e-6, 1e-8);
    fx->options.max_history_bytes = which == WITH_KEPT_AND_REPEATS ? 4000 : 0;
    assert_ok(costate_solver_create(&rhs, &fx->options, NULL, &fx->solver));
    assert_ok(costate_adjoint_create(fx->solver, options, NULL, &fx->adjoint));
    fill_observations(fx, n_t);
    assert_ok(solve(fx));
}

static void fixture_destroy(fixture *fx) {
    costate_adjoint_destroy(fx->adjoint);
    costate_solver_destroy(fx->solver);
}

static void record_good(fixture *fx) {
    faulty_rhs_arm(&fx->fault, FAULT_NONE, CALLBACK_F, 0, 0);
    gradient_call(fx, COSTATE_OK);
    pack(fx, fx->good);
    memcpy(fx->n_call, fx->fault.n_call, sizeof fx->n_call);
}

static void assert_usable(fixture *fx) {
    double again[N_Y + N_P + 1];
    faulty_rhs_arm(&fx->fault, FAULT_NONE, CALLBACK_F, 0, 0);
    gradient_call(fx, COSTATE_OK);
    pack(fx, again);
    assert_same_bits_f64(again, fx->good, N_Y + N_P + 1);
}

static void lasting_fault(fixture *fx, callback_kind callback) {
    const fault_kind kinds[] = {FAULT_RETRY,          FAULT_FAIL, FAULT_OTHER_POSITIVE,
                                FAULT_OTHER_NEGATIVE, FAULT_NAN,  FAULT_INF};
    record_good(fx);
    size_t n = fx->n_call[callback];
    assert_true(n > 0);
    for (size_t f = 0; f < sizeof kinds / sizeof kinds[0]; f++)
        for (size_t k = 0; k < n; k += k < 12 ? 1 : 1 + n / 19) {
            faulty_rhs_arm(&fx->fault, kinds[f], callback, k, SIZE_MAX);
            gradient_call(fx, faulty_rhs_status(kinds[f]));
            assert_true(fx->fault.n_call[callback] < k + 1000);
            assert_usable(fx);
        }
}

static void lasting_fault_of_vjp_is_reported_at_every_call(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++)
        for (int which = 0; which < N_VARIANT; which++) {
            fixture fx;
            fixture_create(&fx, method_of(m), n_t_of(m), (variant)which, NULL);
            lasting_fault(&fx, CALLBACK_VJP);
            assert_int_equal(fx.fault.n_mismatch, 0);
            fixture_destroy(&fx);
        }
}

/* Not every sweep needs these. */
static void lasting_fault_of_jac_or_f_is_reported_at_every_call(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, method_of(m), n_t_of(m), WITH_KEPT_AND_REPEATS, NULL);
        record_good(&fx);
        bool needs_jac = method_of(m) == COSTATE_METHOD_SDIRK4 || (method_of(m) == COSTATE_METHOD_BDF && m < N_METHOD);
        assert_true(fx.n_call[CALLBACK_JAC] > 0 || !needs_jac);
        assert_true(fx.n_call[CALLBACK_F] > 0 || !is_one_step(method_of(m)));
        if (fx.n_call[CALLBACK_JAC] > 0) lasting_fault(&fx, CALLBACK_JAC);
        if (fx.n_call[CALLBACK_F] > 0) lasting_fault(&fx, CALLBACK_F);
        fixture_destroy(&fx);
    }
}

/* One bad answer costs a shorter step or is reported as what it was; it never spoils a gradient that is called good. */
static void single_fault_of_vjp_never_spoils_a_gradient(void **state) {
    (void)state;
    const fault_kind kinds[] = {FAULT_RETRY, FAULT_NAN, FAULT_INF, FAULT_FAIL};
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, method_of(m), n_t_of(m), ALL_DERIVATIVES, NULL);
        record_good(&fx);
        size_t n = fx.n_call[CALLBACK_VJP], n_good = 0;
        for (size_t f = 0; f < 4; f++)
            for (size_t k = 0; k < n; k += k < 12 ? 1 : 1 + n / 19) {
                double packed[N_Y + N_P + 1];
                faulty_rhs_arm(&fx.fault, kinds[f], CALLBACK_VJP, k, 1);
                memset(fx.pbar, 0, sizeof fx.pbar);
                costate_status status =
                    costate_adjoint_vjp(fx.adjoint, lv->p, fx.n_t, fx.v, fx.y0bar, fx.pbar, &fx.t0bar);
                if (status == COSTATE_OK) {
                    n_good++;
                    pack(&fx, packed);
                    assert_close_array(packed, fx.good, N_Y + N_P + 1, 1e-3, 1e-3);
                    assert_true(kinds[f] != FAULT_FAIL);
                } else {
                    assert_status(status, faulty_rhs_status(kinds[f]));
                }
                assert_usable(&fx);
            }
        /* With many observations there may be no call to cut a step; a quadrature or a discrete sweep has none. */
        assert_true(n_good > 15 || m >= N_METHOD || is_one_step(method_of(m)));
        fixture_destroy(&fx);
    }
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        fixture fx;
        fixture_create(&fx, method_of(m), n_t_of(m), ALL_DERIVATIVES, NULL);
        record_good(&fx);
        double *y = fx.y0bar, *p = fx.pbar, *t = &fx.t0bar, bad[N_DENSE * N_Y];
        assert_status(costate_adjoint_vjp(fx.adjoint, lv->p, fx.n_t - 1, fx.v, y, p, t), COSTATE_ERR_SIZE);
        assert_status(costate_adjoint_vjp(fx.adjoint, lv->p, fx.n_t + 1, fx.v, y, p, t), COSTATE_ERR_SIZE);
        assert_status(costate_adjoint_vjp(fx.adjoint, lv->p, 0, fx.v, y, p, t), COSTATE_ERR_SIZE);
        assert_status(costate_adjoint_vjp(NULL, lv->p, fx.n_t, fx.v, y, p, t), COSTATE_ERR_NULL);
        assert_status(costate_adjoint_vjp(fx.adjoint, NULL, fx.n_t, fx.v, y, p, t), COSTATE_ERR_NULL);
        assert_status(costate_adjoint_vjp(fx.adjoint, lv->p, fx.n_t, NULL, y, p, t), COSTATE_ERR_NULL);
        for (size_t i = 0; i < fx.n_t * N_Y; i++) {
            memcpy(bad, fx.v, sizeof bad);
            bad[i] = i % 2 ? (double)NAN : -HUGE_VAL;
            assert_status(costate_adjoint_vjp(fx.adjoint, lv->p, fx.n_t, bad, y, p, t), COSTATE_ERR_NONFINITE);
            assert_true(strlen(costate_adjoint_detail(fx.adjoint)) > 0);
        }
        double packed[N_Y + N_P + 1];
        pack(&fx, packed);
        assert_same_bits_f64(packed, fx.good, N_Y + N_P + 1);
        assert_usable(&fx);
        fixture_destroy(&fx);
    }
    assert_null(costate_adjoint_counts(NULL));
    assert_string_equal(costate_adjoint_detail(NULL), "");
    costate_adjoint_destroy(NULL);
}

static void gradient_needs_a_successful_solve(void **state) {
    (void)state;
    for (size_t m = 0; m < N_METHOD; m++) {
        costate_solver *solver = NULL;
        fixture fx;
        memset(&fx, 0, sizeof fx);
        costate_rhs rhs = faulty_rhs_wrap(&fx.fault, &lv->rhs);
        costate_solver_options options = gradient_options(every_method[m], 1e-6, 1e-8);
        assert_ok(costate_solver_create(&rhs, &options, NULL, &solver));
        fx.solver = solver;
        assert_ok(costate_adjoint_create(solver, NULL, NULL, &fx.adjoint));
        fill_observations(&fx, N_SPARSE);
        gradient_call(&fx, COSTATE_ERR_STATE);
        assert_ok(solve(&fx));
        record_good(&fx);
        faulty_rhs_arm(&fx.fault, FAULT_FAIL, CALLBACK_F, 30, 1);
        assert_status(solve(&fx), COSTATE_ERR_RHS_FAIL);
        gradient_call(&fx, COSTATE_ERR_STATE);
        assert_ok(solve(&fx));
        assert_usable(&fx);
        assert_status(costate_solve(solver, lv->p, (double)NAN, lv->y0, fx.n_t, fx.t, NULL), COSTATE_ERR_NONFINITE);
        gradient_call(&fx, COSTATE_ERR_STATE);
        fixture_destroy(&fx);
    }
}

static void adjoint_of_an_unsuitable_solver_is_refused(void **state) {
    (void)state;
    for (size_t m = 0; m < N_METHOD; m++) {
        costate_solver_options options = gradient_options(every_method[m], 1e-6, 1e-8);
        costate_solver *solver = NULL;
        costate_adjoint *adjoint = NULL;
        costate_rhs rhs = lv->rhs;
        options.record = false;
        assert_ok(costate_solver_create(&rhs, &options, NULL, &solver));
        assert_status(costate_adjoint_create(solver, NULL, NULL, &adjoint), COSTATE_ERR_UNSUPPORTED);
        assert_null(adjoint);
        costate_solver_destroy(solver);
        options.record = true;
        rhs.vjp = NULL;
        assert_ok(costate_solver_create(&rhs, &options, NULL, &solver));
        assert_status(costate_adjoint_create(solver, NULL, NULL, &adjoint), COSTATE_ERR_UNSUPPORTED);
        costate_solver_destroy(solver);
        assert_ok(costate_solver_create(&lv->rhs, &options, NULL, &solver));
        assert_status(costate_adjoint_create(NULL, NULL, NULL, &adjoint), COSTATE_ERR_NULL);
        assert_status(costate_adjoint_create(solver, NULL, NULL, NULL), COSTATE_ERR_NULL);
        costate_solver_destroy(solver);
    }
}

static void option_out_of_range_is_refused(void **state) {
    (void)state;
    const double values[] = {-1e-6, (double)NAN, HUGE_VAL};
    costate_solver *solver = NULL;
    assert_ok(costate_solver_create(&lv->rhs, NULL, NULL, &solver));
    for (int which = 0; which < 3; which++)
        for (size_t i = 0; i < 3; i++) {
            costate_adjoint_options o = costate_adjoint_options_default();
            double atol_state[] = {values[i], 1e-8};
            if (which == 0)
                o.rtol = values[i];
            else if (which == 1)
                o.atol = values[i];
            else
                o.atol_state = atol_state;
            costate_adjoint *adjoint = (costate_adjoint *)(void *)&o;
            assert_status(costate_adjoint_create(solver, &o, NULL, &adjoint), COSTATE_ERR_ARGUMENT);
            assert_null(adjoint);
        }
    for (int nodes = -1; nodes <= 9; nodes++) {
        costate_adjoint_options o = costate_adjoint_options_default();
        costate_adjoint *adjoint = NULL;
        o.quad_nodes = nodes;
        assert_status(costate_adjoint_create(solver, &o, NULL, &adjoint),
                      nodes < 0 || nodes > 8 ? COSTATE_ERR_ARGUMENT : COSTATE_OK);
        costate_adjoint_destroy(adjoint);
    }
    costate_solver_destroy(solver);
}

static void step_limit_of_the_backward_solve_is_exact(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        if (is_one_step(method_of(m))) continue;
        fixture fx;
        fixture_create(&fx, method_of(m), n_t_of(m), ALL_DERIVATIVES, NULL);
        record_good(&fx);
        size_t n_step = costate_adjoint_counts(fx.adjoint)->n_step;
        fixture_destroy(&fx);
        const size_t limits[] = {1, n_step / 2, n_step - 1, n_step};
        for (size_t i = 0; i < 4; i++) {
            costate_adjoint_options o = costate_adjoint_options_default();
            o.max_steps = limits[i];
            fixture_create(&fx, method_of(m), n_t_of(m), ALL_DERIVATIVES, &o);
            gradient_call(&fx, limits[i] < n_step ? COSTATE_ERR_MAX_STEPS : COSTATE_OK);
            assert_int_equal(costate_adjoint_counts(fx.adjoint)->n_step, limits[i]);
            fixture_destroy(&fx);
        }
    }
}

static int count_down(void *ctx) {
    size_t *left = ctx;
    return *left > 0 && --*left == 0;
}

static void interrupt_stops_the_backward_solve(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        size_t left = 0;
        fixture fx;
        memset(&fx, 0, sizeof fx);
        costate_rhs rhs = faulty_rhs_wrap(&fx.fault, &lv->rhs);
        costate_solver_options options = gradient_options(method_of(m), 1e-6, 1e-8);
        options.interrupt = count_down;
        options.interrupt_ctx = &left;
        assert_ok(costate_solver_create(&rhs, &options, NULL, &fx.solver));
        assert_ok(costate_adjoint_create(fx.solver, NULL, NULL, &fx.adjoint));
        fill_observations(&fx, n_t_of(m));
        assert_ok(solve(&fx));
        record_good(&fx);
        size_t n_step = costate_adjoint_counts(fx.adjoint)->n_step;
        for (size_t at = 1; at < n_step; at += 5) {
            left = at;
            gradient_call(&fx, COSTATE_ERR_INTERRUPTED);
            left = 0;
            assert_usable(&fx);
        }
        fixture_destroy(&fx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lasting_fault_of_vjp_is_reported_at_every_call),
        cmocka_unit_test(lasting_fault_of_jac_or_f_is_reported_at_every_call),
        cmocka_unit_test(single_fault_of_vjp_never_spoils_a_gradient),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(gradient_needs_a_successful_solve),
        cmocka_unit_test(adjoint_of_an_unsuitable_solver_is_refused),
        cmocka_unit_test(option_out_of_range_is_refused),
        cmocka_unit_test(step_limit_of_the_backward_solve_is_exact),
        cmocka_unit_test(interrupt_stops_the_backward_solve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
