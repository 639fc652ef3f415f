/* SPDX-License-Identifier: MIT */
/* The checker on the other forms of a right-hand side: f and vjp with a kept block, and for several lanes at once. */
#include "planted_model.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/rhs.h>
#include <math.h>

#define TOLERANCE 1e-6

static costate_status check_model(model *m, costate_rhs_report *report) {
    costate_rhs rhs = rhs_of(m);
    costate_random random = costate_random_seed(1, 0);
    return costate_rhs_check(&rhs, 0.3, y_centre, p_centre, 0.5, 4, TOLERANCE, &random, report);
}

typedef struct planted {
    fault_kind kind;
    size_t n_index; /* the fault is planted at each index below */
    const char *callback;
} planted;

enum { LANES_Y = N_Y * COSTATE_LANES, LANES_P = N_P * COSTATE_LANES };

static const planted faults[] = {
    {FAULT_F_KEEP, N_Y, "f_keep"},
    {FAULT_F_KEEP_LAST_BIT, N_Y, "f_keep"},
    {FAULT_KEPT_YBAR, N_Y, "vjp_kept ybar"},
    {FAULT_KEPT_YBAR_LAST_BIT, N_Y, "vjp_kept ybar"},
    {FAULT_KEPT_PBAR, N_P, "vjp_kept pbar"},
    {FAULT_KEPT_PBAR_WITHOUT_YBAR, N_P, "vjp_kept pbar"},
    {FAULT_F_LANES, LANES_Y, "f_lanes"},
    {FAULT_LANES_YBAR, LANES_Y, "vjp_lanes ybar"},
    {FAULT_LANES_YBAR_ACCUMULATED, LANES_Y, "vjp_lanes ybar"},
    {FAULT_LANES_YBAR_WITHOUT_PBAR, LANES_Y, "vjp_lanes ybar"},
    {FAULT_LANES_PBAR, LANES_P, "vjp_lanes pbar"},
    {FAULT_LANES_PBAR_OVERWRITTEN, LANES_P, "vjp_lanes pbar"},
};

static void check_of_a_wrong_entry_names_it(void **state) {
    (void)state;
    const double factors[] = {-1, 1.001};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        for (size_t k = 0; k < 2 * faults[i].n_index; k++) {
            model m = {.kind = faults[i].kind, .index = k / 2, .factor = factors[k % 2]};
            costate_rhs_report report = {0};
            costate_status status = check_model(&m, &report);
            if (status != COSTATE_ERR_MISMATCH) {
                fail_msg("fault %d at %zu: %s", (int)m.kind, m.index, costate_status_name(status));
            }
            assert_string_equal(report.callback, faults[i].callback);
            assert_int_equal(report.index, m.index);
            assert_in_range(report.point, 0, 3);
            assert_true(report.error > 0);
            assert_close(report.error, fabs(report.analytic - report.numeric) / (1 + fabs(report.numeric)), 1e-12, 0);
        }
    }
}

static void check_of_lanes_that_share_a_point_is_a_mismatch(void **state) {
    (void)state;
    const fault_kind kinds[] = {FAULT_F_LANES_TIME, FAULT_F_LANES_PARAMETERS};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        model m = {.kind = kinds[i]};
        costate_rhs_report report = {0};
        assert_status(check_model(&m, &report), COSTATE_ERR_MISMATCH);
        assert_string_equal(report.callback, "f_lanes");
    }
}

static void check_finds_a_kept_block_that_was_not_written(void **state) {
    (void)state;
    model m = {.kind = FAULT_KEPT_IN_WORK};
    costate_rhs_report report = {0};
    assert_status(check_model(&m, &report), COSTATE_ERR_NONFINITE);
    assert_string_equal(report.callback, "vjp_kept ybar");
}

typedef struct refusal {
    model m;
    const char *callback;
} refusal;

static void check_names_the_callback_that_does_not_answer_ok(void **state) {
    (void)state;
    const refusal refusals[] = {
        {{.f_keep_answer = COSTATE_ANSWER_RETRY}, "f_keep"},
        {{.f_keep_answer = COSTATE_ANSWER_FAIL}, "f_keep"},
        {{.vjp_kept_answer = COSTATE_ANSWER_RETRY}, "vjp_kept"},
        {{.vjp_kept_answer = COSTATE_ANSWER_FAIL}, "vjp_kept"},
        {{.f_lanes_answer = COSTATE_ANSWER_RETRY}, "f_lanes"},
        {{.f_lanes_answer = COSTATE_ANSWER_FAIL}, "f_lanes"},
        {{.vjp_lanes_answer = COSTATE_ANSWER_RETRY}, "vjp_lanes"},
        {{.vjp_lanes_answer = COSTATE_ANSWER_FAIL}, "vjp_lanes"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        model m = refusals[i].m;
        costate_rhs_report report = {0};
        assert_status(check_model(&m, &report), COSTATE_ERR_RHS_FAIL);
        assert_string_equal(report.callback, refusals[i].callback);
        assert_true(isnan(report.error));
    }
}

static void check_names_the_callback_that_is_not_finite(void **state) {
    (void)state;
    const refusal refusals[] = {{{.f_keep_nan = true, .index = 2}, "f_keep"},
                                {{.vjp_kept_nan = true, .index = 1}, "vjp_kept ybar"},
                                {{.f_lanes_nan = true, .index = 13}, "f_lanes"},
                                {{.vjp_lanes_nan = true, .index = 22}, "vjp_lanes ybar"}};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        model m = refusals[i].m;
        costate_rhs_report report = {0};
        assert_status(check_model(&m, &report), COSTATE_ERR_NONFINITE);
        assert_string_equal(report.callback, refusals[i].callback);
        assert_int_equal(report.index, m.index);
    }
}

/* Forms that cannot be compared for want of another callback are left alone. */
static void check_without_the_callbacks_to_compare_with_agrees(void **state) {
    (void)state;
    model m = {.kind = FAULT_KEPT_YBAR, .factor = 2};
    costate_random random = test_random(9);
    costate_rhs without_vjp = rhs_of(&m);
    without_vjp.vjp = NULL;
    assert_ok(costate_rhs_check(&without_vjp, 0.3, y_centre, p_centre, 0.5, 4, TOLERANCE, &random, NULL));
    costate_rhs without_keep = rhs_of(&m);
    without_keep.f_keep = NULL;
    assert_ok(costate_rhs_check(&without_keep, 0.3, y_centre, p_centre, 0.5, 4, TOLERANCE, &random, NULL));
    model wrong_lanes = {.kind = FAULT_LANES_YBAR, .factor = 2};
    costate_rhs without_lanes = rhs_of(&wrong_lanes);
    without_lanes.f_lanes = NULL;
    assert_ok(costate_rhs_check(&without_lanes, 0.3, y_centre, p_centre, 0.5, 4, TOLERANCE, &random, NULL));
}

static void check_refuses_sizes_that_do_not_fit(void **state) {
    (void)state;
    model m = {0};
    const costate_rhs right = rhs_of(&m);
    costate_random random = test_random(10);
    costate_rhs huge[3] = {right, right, right};
    huge[0].kept_bytes = SIZE_MAX;
    huge[1].lanes_work_bytes = SIZE_MAX;
    huge[2].n_p = SIZE_MAX / sizeof(double) / 4; /* wraps in lanes */
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        assert_status(costate_rhs_check(&huge[i], 0, y_centre, p_centre, 1, 1, TOLERANCE, &random, NULL),
                      COSTATE_ERR_OVERFLOW);
    }
    assert_int_equal(m.n_call, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_of_a_wrong_entry_names_it),
        cmocka_unit_test(check_of_lanes_that_share_a_point_is_a_mismatch),
        cmocka_unit_test(check_finds_a_kept_block_that_was_not_written),
        cmocka_unit_test(check_names_the_callback_that_does_not_answer_ok),
        cmocka_unit_test(check_names_the_callback_that_is_not_finite),
        cmocka_unit_test(check_without_the_callbacks_to_compare_with_agrees),
        cmocka_unit_test(check_refuses_sizes_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
