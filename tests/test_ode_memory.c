/* SPDX-License-Identifier: MIT */
/* Memory of solver, adjoint and sensitivities: any allocation may fail, later gradients allocate nothing of ours. */
#include "faulty_rhs.h"
#include "gradient_routes.h"
#include "problems.h"
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/malloc_count.h"

#include <stdlib.h>
#include <string.h>

enum { N_T = 30, N_Y = 2, N_P = 4 };

static const problem *const lv = &problem_lotka_volterra;

typedef struct data {
    double t[N_T], v[N_T * N_Y], y[N_T * N_Y], y0bar[N_Y], pbar[N_P], t0bar;
} data;

static void data_fill(data *d) {
    for (size_t i = 0; i < N_T; i++) {
        d->t[i] = 10.0 * (double)i / (N_T - 1);
        d->v[2 * i] = 1.0;
        d->v[2 * i + 1] = -0.5;
    }
}

static costate_status solve(costate_solver *solver, data *d) {
    return costate_solve(solver, lv->p, 0.0, lv->y0, N_T, d->t, d->y);
}

static costate_status vjp(costate_adjoint *adjoint, data *d) {
    return costate_adjoint_vjp(adjoint, lv->p, N_T, d->v, d->y0bar, d->pbar, &d->t0bar);
}

/* Every method, then the one-step methods with too little memory for all steps and a right-hand side that keeps. */
enum { N_ONE_STEP = N_METHOD - 2, N_SETUP = N_METHOD + N_ONE_STEP };
static costate_method method_of(size_t setup) { return every_method[setup < N_METHOD ? setup : setup - N_ONE_STEP]; }

/* With tolerances per state, so that their copies count too. */
static costate_solver_options full_options(size_t setup) {
    static const double atol_state[] = {1e-10, 1e-10};
    costate_solver_options options = gradient_options(method_of(setup), 1e-8, 1e-10);
    options.atol_state = atol_state;
    options.max_history_bytes = setup < N_METHOD ? 0 : 8000;
    return options;
}

static costate_rhs rhs_of(size_t setup) {
    static faulty_rhs state;
    return setup < N_METHOD ? lv->rhs : faulty_rhs_wrap_kept(&state, &lv->rhs);
}

static costate_status create(size_t setup, const costate_allocator *hooks, costate_solver **solver) {
    costate_solver_options options = full_options(setup);
    costate_rhs rhs = rhs_of(setup);
    return costate_solver_create(&rhs, &options, hooks, solver);
}

static void creation_of_a_solver_survives_every_failed_allocation(void **state) {
    (void)state;
    for (size_t m = 0; m < N_SETUP; m++) {
        for (size_t k = 1;; k++) {
            test_allocator counts = {.fail_at = k};
            costate_allocator hooks = test_allocator_hooks(&counts);
            costate_solver *solver = (costate_solver *)(void *)&counts;
            costate_status status = create(m, &hooks, &solver);
            if (counts.n_failed == 0) {
                assert_ok(status);
                costate_solver_destroy(solver);
                assert_int_equal(counts.n_live, 0);
                assert_true(k > 1);
                break;
            }
            assert_status(status, COSTATE_ERR_MEMORY);
            assert_null(solver);
            assert_int_equal(counts.n_live, 0);
        }
    }
}

static void creation_of_an_adjoint_survives_every_failed_allocation(void **state) {
    (void)state;
    const double atol_state[] = {1e-10, 1e-10};
    for (size_t m = 0; m < N_SETUP; m++) {
        costate_adjoint_options backward = costate_adjoint_options_default();
        backward.atol_state = atol_state;
        costate_solver *solver = NULL;
        assert_ok(create(m, NULL, &solver));
        for (size_t k = 1;; k++) {
            test_allocator counts = {.fail_at = k};
            costate_allocator hooks = test_allocator_hooks(&counts);
            costate_adjoint *adjoint = (costate_adjoint *)(void *)&counts;
            costate_status status = costate_adjoint_create(solver, &backward, &hooks, &adjoint);
            if (counts.n_failed == 0) {
                assert_ok(status);
                costate_adjoint_destroy(adjoint);
                assert_int_equal(counts.n_live, 0);
                assert_true(k > 1);
                break;
            }
            assert_status(status, COSTATE_ERR_MEMORY);
            assert_null(adjoint);
            assert_int_equal(counts.n_live, 0);
        }
        costate_solver_destroy(solver);
    }
}

static void creation_of_sensitivities_survives_every_failed_allocation(void **state) {
    (void)state;
    for (size_t m = 0; m < 2; m++)
        for (int scheme = 0; scheme < 2; scheme++) {
            costate_solver_options options = full_options(m);
            for (size_t k = 1;; k++) {
                test_allocator counts = {.fail_at = k};
                costate_allocator hooks = test_allocator_hooks(&counts);
                costate_sensitivity *sens = (costate_sensitivity *)(void *)&counts;
                costate_status status =
                    costate_sensitivity_create(&lv->rhs, &options, (costate_sensitivity_scheme)scheme, &hooks, &sens);
                if (counts.n_failed == 0) {
                    assert_ok(status);
                    costate_sensitivity_destroy(sens);
                    assert_int_equal(counts.n_live, 0);
                    assert_true(k > 1);
                    break;
                }
                assert_status(status, COSTATE_ERR_MEMORY);
                assert_null(sens);
                assert_int_equal(counts.n_live, 0);
            }
        }
}

/* The k-th allocation of the first solve and gradient fails: a status, and the objects then do what fresh ones do. */
static void first_gradient_survives_every_failed_allocation(void **state) {
    (void)state;
    data reference, d;
    memset(&reference, 0, sizeof reference);
    data_fill(&reference);
    for (size_t m = 0; m < N_SETUP; m++) {
        size_t n_refused = 0;
        for (size_t k = 0;; k++) {
            test_allocator counts = {.fail_at = 0};
            costate_allocator hooks = test_allocator_hooks(&counts);
            costate_solver *solver = NULL;
            costate_adjoint *adjoint = NULL;
            memset(&d, 0, sizeof d);
            data_fill(&d);
            assert_ok(create(m, &hooks, &solver));
            assert_ok(costate_adjoint_create(solver, NULL, &hooks, &adjoint));
            counts.fail_at = k ? counts.n_alloc + k : 0;
            costate_status first = solve(solver, &d), second = COSTATE_ERR_MEMORY;
            if (first == COSTATE_OK)
                second = vjp(adjoint, &d);
            else
                assert_status(vjp(adjoint, &d), COSTATE_ERR_STATE);
            assert_status(second, counts.n_failed ? COSTATE_ERR_MEMORY : COSTATE_OK);
            if (k == 0) {
                memcpy(&reference, &d, sizeof d);
            } else if (counts.n_failed) {
                n_refused++;
                memset(d.pbar, 0, sizeof d.pbar);
                assert_ok(solve(solver, &d));
                assert_ok(vjp(adjoint, &d));
                assert_same_bits_f64(d.y, reference.y, N_T * N_Y);
                assert_same_bits_f64(d.pbar, reference.pbar, N_P);
                assert_same_bits_f64(d.y0bar, reference.y0bar, N_Y);
            }
            size_t n_failed = counts.n_failed;
            costate_adjoint_destroy(adjoint);
            costate_solver_destroy(solver);
            assert_int_equal(counts.n_live, 0);
            if (k > 0 && n_failed == 0) break;
        }
        assert_true(n_refused > 0);
    }
}

static void first_sensitivity_solve_survives_every_failed_allocation(void **state) {
    (void)state;
    data d;
    data_fill(&d);
    for (size_t m = 0; m < 2; m++)
        for (size_t k = 1;; k++) {
            costate_solver_options options = full_options(m);
            test_allocator counts = {.fail_at = 0};
            costate_allocator hooks = test_allocator_hooks(&counts);
            costate_sensitivity *sens = NULL;
            assert_ok(costate_sensitivity_create(&lv->rhs, &options, COSTATE_SENSITIVITY_SIMULTANEOUS, &hooks, &sens));
            counts.fail_at = counts.n_alloc + k;
            costate_status status = costate_sensitivity_solve(sens, lv->p, 0.0, lv->y0, N_T, d.t, d.y, NULL);
            assert_status(status, counts.n_failed ? COSTATE_ERR_MEMORY : COSTATE_OK);
            assert_ok(costate_sensitivity_solve(sens, lv->p, 0.0, lv->y0, N_T, d.t, d.y, NULL));
            size_t n_failed = counts.n_failed;
            costate_sensitivity_destroy(sens);
            assert_int_equal(counts.n_live, 0);
            if (n_failed == 0) break;
        }
}

static void further_gradients_allocate_nothing_of_ours(void **state) {
    (void)state;
    data d;
    memset(&d, 0, sizeof d);
    data_fill(&d);
    for (size_t m = 0; m < N_SETUP; m++) {
        test_allocator counts = {.fail_at = 0};
        costate_allocator hooks = test_allocator_hooks(&counts);
        costate_solver *solver = NULL;
        costate_adjoint *adjoint = NULL;
        assert_ok(create(m, &hooks, &solver));
        assert_ok(costate_adjoint_create(solver, NULL, &hooks, &adjoint));
        assert_ok(solve(solver, &d));
        assert_ok(vjp(adjoint, &d));
        size_t n_alloc = counts.n_alloc, live_bytes = counts.live_bytes;
        for (int k = 0; k < 5; k++) {
            assert_ok(solve(solver, &d));
            assert_ok(vjp(adjoint, &d));
        }
        assert_int_equal(counts.n_alloc, n_alloc);
        assert_int_equal(counts.live_bytes, live_bytes);
        costate_adjoint_destroy(adjoint);
        costate_solver_destroy(solver);
        assert_int_equal(counts.n_live, 0);
    }
}

static void further_gradients_call_malloc_only_inside_cvode(void **state) {
    (void)state;
    if (!malloc_count_available()) skip();
    data d;
    memset(&d, 0, sizeof d);
    data_fill(&d);
    for (size_t m = 0; m < N_SETUP; m++) {
        costate_solver *solver = NULL;
        costate_adjoint *adjoint = NULL;
        malloc_count_start();
        costate_status created = create(m, NULL, &solver);
        malloc_counts counts = malloc_count_stop();
        assert_ok(created);
        assert_true(counts.here > 0 && (counts.sundials > 10) == !is_one_step(method_of(m)));
        assert_ok(costate_adjoint_create(solver, NULL, NULL, &adjoint));
        assert_ok(solve(solver, &d));
        assert_ok(vjp(adjoint, &d));
        malloc_count_start();
        costate_status forward = solve(solver, &d), backward = vjp(adjoint, &d);
        counts = malloc_count_stop();
        assert_ok(forward);
        assert_ok(backward);
        print_message("%s: calls of malloc in one gradient: %zu ours, %zu in CVODE, %zu elsewhere\n",
                      costate_method_name(method_of(m)), counts.here, counts.sundials, counts.other);
        assert_int_equal(counts.here, 0);
        assert_int_equal(counts.other, 0);
        costate_adjoint_destroy(adjoint);
        costate_solver_destroy(solver);
    }
}

static void discontinuities_survive_a_failed_allocation(void **state) {
    (void)state;
    const double first[] = {1.0, 2.0}, more[] = {1.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 8.5, 9.0};
    test_allocator counts = {.fail_at = 0};
    costate_allocator hooks = test_allocator_hooks(&counts);
    costate_solver *solver = NULL;
    assert_ok(create(N_SETUP - 1, &hooks, &solver));
    assert_ok(costate_solver_set_discontinuities(solver, 2, first));
    data d;
    data_fill(&d);
    assert_ok(solve(solver, &d));
    assert_int_equal(costate_solver_counts(solver)->n_restart, 3);
    counts.fail_at = counts.n_alloc + 1;
    assert_status(costate_solver_set_discontinuities(solver, 9, more), COSTATE_ERR_MEMORY);
    assert_ok(solve(solver, &d));
    assert_int_equal(costate_solver_counts(solver)->n_restart, 3);
    assert_ok(costate_solver_set_discontinuities(solver, 9, more));
    assert_ok(solve(solver, &d));
    assert_int_equal(costate_solver_counts(solver)->n_restart, 10);
    costate_solver_destroy(solver);
    assert_int_equal(counts.n_live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation_of_a_solver_survives_every_failed_allocation),
        cmocka_unit_test(creation_of_an_adjoint_survives_every_failed_allocation),
        cmocka_unit_test(creation_of_sensitivities_survives_every_failed_allocation),
        cmocka_unit_test(first_gradient_survives_every_failed_allocation),
        cmocka_unit_test(first_sensitivity_solve_survives_every_failed_allocation),
        cmocka_unit_test(further_gradients_allocate_nothing_of_ours),
        cmocka_unit_test(further_gradients_call_malloc_only_inside_cvode),
        cmocka_unit_test(discontinuities_survive_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
