/* SPDX-License-Identifier: MIT */
/* Ensembles allocate at first and not again, give everything back, and survive every allocation that fails. */
#include "ensemble_fixture.h"
#include "lane_rhs.h"
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/malloc_count.h"

#include <math.h>

static const problem *const lv = &problem_lotka_volterra;

/* In lanes and one at a time, with histories kept and not. */
enum { N_SETUP = 5, N_TRAJECTORY = 70 };
static costate_ensemble_options setup_options(size_t setup) {
    costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
    options.lanes = setup < 2;
    options.max_history_bytes = setup % 2 ? 1 : (size_t)1 << 30;
    if (setup == 4) options.solver.method = COSTATE_METHOD_ADAMS;
    return options;
}

static void creation_survives_every_failed_allocation(void **state) {
    (void)state;
    const double atol_state[] = {1e-7, 1e-7};
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (size_t setup = 0; setup < N_SETUP; setup++)
        for (size_t k = 1;; k++) {
            costate_ensemble_options options = setup_options(setup);
            test_allocator counts = {.fail_at = k};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            costate_ensemble *ensemble = (costate_ensemble *)(void *)&counts;
            options.n_thread = 2;
            options.solver.atol_state = options.adjoint.atol_state = atol_state;
            costate_status status = costate_ensemble_create(&rhs, &options, &hooks, &ensemble);
            if (counts.n_failed == 0) {
                assert_ok(status);
                costate_ensemble_destroy(ensemble);
                assert_int_equal(counts.n_live, 0);
                assert_true(k > 5);
                break;
            }
            assert_status(status, COSTATE_ERR_MEMORY);
            assert_null(ensemble);
            assert_int_equal(counts.n_live, 0);
        }
}

/* True if the results say that memory was short, and only that. */
static bool memory_was_short(const ensemble_case *c, const ensemble_result *r) {
    bool is_short = r->solved == COSTATE_ERR_MEMORY || r->differentiated == COSTATE_ERR_MEMORY;
    assert_true(r->solved == COSTATE_OK || r->solved == COSTATE_ERR_MEMORY);
    assert_true(r->differentiated == COSTATE_OK || r->differentiated == COSTATE_ERR_MEMORY ||
                (r->solved == COSTATE_ERR_MEMORY && r->differentiated == COSTATE_ERR_STATE));
    for (size_t j = 0; r->differentiated != COSTATE_ERR_STATE && j < c->all.n; j++)
        assert_true(r->status[j] == COSTATE_OK || r->status[j] == COSTATE_ERR_MEMORY);
    return is_short;
}

/* The k-th allocation of the first calls fails: a status, or no need of it, and later calls give what they give. */
static void first_calls_survive_every_failed_allocation(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    ensemble_case c;
    ensemble_case_create(&c, lv, &rhs, N_TRAJECTORY, ENSEMBLE_OWN_TIMES);
    for (size_t setup = 0; setup < N_SETUP; setup++) {
        costate_ensemble_options options = setup_options(setup);
        ensemble_result good;
        size_t n_short = 0;
        ensemble_run_with(&options, &c, &good);
        assert_ok(good.differentiated);
        for (size_t k = 1;; k += 1 + k / 32) {
            test_allocator counts = {.fail_at = 0};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            costate_ensemble *ensemble = NULL;
            ensemble_result r;
            ensemble_result_create(&r, &c);
            assert_ok(costate_ensemble_create(&rhs, &options, &hooks, &ensemble));
            counts.fail_at = counts.n_alloc + k;
            ensemble_run(ensemble, &c, &r);
            if (memory_was_short(&c, &r))
                n_short++;
            else
                assert_results_same(&c, &r, &good);
            ensemble_result_destroy(&r);
            ensemble_result_create(&r, &c);
            ensemble_run(ensemble, &c, &r);
            assert_results_same(&c, &r, &good);
            ensemble_result_destroy(&r);
            costate_ensemble_destroy(ensemble);
            assert_int_equal(counts.n_live, 0);
            if (counts.n_failed == 0) break;
        }
        assert_true(n_short > 0);
        ensemble_result_destroy(&good);
    }
    ensemble_case_destroy(&c);
}

static void repeated_calls_allocate_nothing(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    const bool hooked = malloc_count_available();
    for (size_t setup = 0; setup < N_SETUP; setup++)
        for (unsigned kinds = 0; kinds < 2; kinds++) {
            costate_ensemble_options options = setup_options(setup);
            test_allocator counts = {.fail_at = 0};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            costate_ensemble *ensemble = NULL;
            ensemble_case c;
            ensemble_result r;
            ensemble_case_create(&c, lv, &rhs, 200, kinds);
            ensemble_result_create(&r, &c);
            assert_ok(costate_ensemble_create(&rhs, &options, &hooks, &ensemble));
            ensemble_run(ensemble, &c, &r);
            assert_ok(r.differentiated);
            const size_t n_alloc = counts.n_alloc;
            malloc_count_start();
            for (int repeat = 0; repeat < 3; repeat++) {
                ensemble_run(ensemble, &c, &r);
                assert_ok(r.differentiated);
            }
            c.all.n = 150;
            c.n_row = 150 * c.all.n_t;
            ensemble_run(ensemble, &c, &r);
            assert_ok(r.differentiated);
            const malloc_counts calls = malloc_count_stop();
            if (hooked) assert_int_equal(calls.here, 0);
            assert_int_equal(counts.n_alloc, n_alloc);
            costate_ensemble_destroy(ensemble);
            assert_int_equal(counts.n_live, 0);
            ensemble_result_destroy(&r);
            ensemble_case_destroy(&c);
        }
}

/* Histories stay within their limit, but for one trajectory or task. */
static void histories_respect_their_limit(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    ensemble_case c;
    ensemble_case_create(&c, lv, &rhs, 1000, 0);
    for (int lanes = 0; lanes < 2; lanes++) {
        size_t peak[2];
        for (int limited = 0; limited < 2; limited++) {
            test_allocator counts = {.fail_at = 0};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            costate_ensemble_options options = setup_options(lanes ? 0 : 2);
            costate_ensemble *ensemble = NULL;
            ensemble_result r;
            if (limited) options.max_history_bytes = 1000000;
            ensemble_result_create(&r, &c);
            assert_ok(costate_ensemble_create(&rhs, &options, &hooks, &ensemble));
            ensemble_run(ensemble, &c, &r);
            assert_ok(r.differentiated);
            peak[limited] = counts.peak_bytes;
            costate_ensemble_destroy(ensemble);
            ensemble_result_destroy(&r);
        }
        assert_true(peak[0] > 4000000);
        assert_true(peak[1] < 2500000);
    }
    ensemble_case_destroy(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation_survives_every_failed_allocation),
        cmocka_unit_test(first_calls_survive_every_failed_allocation),
        cmocka_unit_test(repeated_calls_allocate_nothing),
        cmocka_unit_test(histories_respect_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
