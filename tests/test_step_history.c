/* SPDX-License-Identifier: MIT */
/* History of a one-step solve: what comes back is what was, from records or by repetition, within its limit. */
#include "step_history_fixture.h"
#include "support/asserts.h"

#include <math.h>

#define ALIGNMENT 64

static const csi_step_shape shapes[] = {
    {.n = 1, .n_slope = 7},
    {.n = 2, .n_slope = 7, .kept_stride = 128},
    {.n = 3, .n_slope = 7, .implicit = true},
    {.n = 9, .n_slope = 7, .implicit = true, .kept_stride = 64},
};
enum { N_SHAPE = sizeof shapes / sizeof *shapes };

static csi_step_history *create(const csi_step_shape *shape, bool record, size_t max_bytes,
                                const costate_allocator *hooks) {
    csi_step_history *history = NULL;
    assert_ok(csi_step_history_create(shape, record, max_bytes, hooks, &history));
    assert_non_null(history);
    return history;
}

static void check_layout(const csi_step_shape *shape, const csi_step_record *record) {
    assert_int_equal((uintptr_t)record % ALIGNMENT, 0);
    assert_int_equal((uintptr_t)record->y % ALIGNMENT, 0);
    assert_ptr_equal(record->k, record->y + shape->n);
    assert_int_equal((uintptr_t)record->newton % ALIGNMENT, 0);
    assert_int_equal((uintptr_t)record->pivot % ALIGNMENT, 0);
    assert_int_equal((uintptr_t)record->kept % ALIGNMENT, 0);
    assert_int_equal(record->newton != NULL, shape->implicit);
    assert_int_equal(record->pivot != NULL, shape->implicit);
}

static void complete_history_gives_every_record_back(void **state) {
    (void)state;
    for (size_t s = 0; s < N_SHAPE; s++) {
        fake_solve solve = fake_solve_create(&shapes[s], 5000);
        csi_step_history *history = create(&shapes[s], true, 0, NULL);
        assert_ok(fake_solve_forward(&solve, history));
        assert_int_equal(csi_step_history_count(history), solve.n_step);
        assert_true(csi_step_history_is_complete(history));
        for (size_t i = 0; i < solve.n_step; i++) {
            const csi_step_record *record = csi_step_history_at(history, i);
            check_layout(&shapes[s], record);
            assert_true(fake_digest(&solve, record) == solve.digest[i]);
        }
        fake_solve_backward(&solve, history);
        assert_int_equal(solve.n_replay, 0);
        csi_step_history_destroy(history);
        fake_solve_destroy(&solve);
    }
}

/* Some megabytes of them, without a gap; none for a shape without. */
static void kept_blocks_are_those_of_the_first_records(void **state) {
    (void)state;
    const csi_step_shape shape = {.n = 1, .n_slope = 7, .kept_stride = 1024};
    fake_solve solve = fake_solve_create(&shape, 5000);
    csi_step_history *history = create(&shape, true, 0, NULL);
    assert_ok(fake_solve_forward(&solve, history));
    size_t n_kept = 0;
    while (n_kept < solve.n_step && csi_step_history_at(history, n_kept)->kept != NULL) {
        n_kept++;
    }
    assert_in_range(n_kept * 6 * 1024, 1 << 20, 16 << 20);
    for (size_t i = n_kept; i < solve.n_step; i++) {
        assert_null(csi_step_history_at(history, i)->kept);
    }
    csi_step_history_destroy(history);
    fake_solve_destroy(&solve);
}

static void repeated_records_are_the_same_to_the_bit(void **state) {
    (void)state;
    const size_t lengths[] = {0, 1, 2, 3, 5, 8, 17, 100, 611};
    const size_t limits[] = {1, 1000, 2000, 4000, 10000, 30000, 100000, 1000000};
    for (size_t s = 0; s < N_SHAPE; s++) {
        for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
            csi_step_history *history = create(&shapes[s], true, limits[l], NULL);
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
                fake_solve solve = fake_solve_create(&shapes[s], lengths[i]);
                assert_ok(fake_solve_forward(&solve, history));
                fake_solve_backward(&solve, history);
                const size_t n_first = solve.n_replay;
                fake_solve_backward(&solve, history);
                assert_int_equal(csi_step_history_is_complete(history), n_first == 0);
                fake_solve_destroy(&solve);
            }
            csi_step_history_destroy(history);
        }
    }
}

/* The longest solve whose history is complete. */
static size_t complete_length(const csi_step_shape *shape, size_t max_bytes) {
    fake_solve solve = fake_solve_create(shape, 1);
    csi_step_history *history = create(shape, true, max_bytes, NULL);
    for (;; solve.n_step++) {
        fake_solve_destroy(&solve);
        solve = fake_solve_create(shape, solve.n_step);
        assert_ok(fake_solve_forward(&solve, history));
        if (!csi_step_history_is_complete(history)) {
            break;
        }
    }
    csi_step_history_destroy(history);
    fake_solve_destroy(&solve);
    return solve.n_step - 1;
}

static size_t count_replays(const csi_step_shape *shape, size_t max_bytes, size_t n_step) {
    fake_solve solve = fake_solve_create(shape, n_step);
    csi_step_history *history = create(shape, true, max_bytes, NULL);
    assert_ok(fake_solve_forward(&solve, history));
    fake_solve_backward(&solve, history);
    csi_step_history_destroy(history);
    fake_solve_destroy(&solve);
    return solve.n_replay;
}

/* C(s + r, s) */
static double binomial(double s, double r) {
    double product = 1.0;
    for (double i = 1.0; i <= s; i++) {
        product *= (r + i) / i;
    }
    return round(product);
}

/*
 * The smallest history has two records and four checkpoints. Over u units of two steps, r the least number with
 * C(4 + r, 4) >= u, the best schedule goes through (r + 1) u - C(4 + r, 5) units (Griewank & Walther 2000, with the
 * evaluation on the way back included): the second time backward it is followed from the start. The first time, the
 * solve left checkpoints before its length was known, and spared the way to the last of them.
 */
static void smallest_history_repeats_as_few_steps_as_the_binomial_schedule(void **state) {
    (void)state;
    for (size_t n_step = 3; n_step <= 3000; n_step += 1 + n_step / 2) {
        const double n_unit = ceil((double)n_step / 2.0);
        double r = 0.0;
        while (binomial(4.0, r) < n_unit) {
            r++;
        }
        fake_solve solve = fake_solve_create(&shapes[0], n_step);
        csi_step_history *history = create(&shapes[0], true, 1, NULL);
        assert_ok(fake_solve_forward(&solve, history));
        fake_solve_backward(&solve, history);
        const size_t n_first = solve.n_replay;
        fake_solve_backward(&solve, history);
        assert_in_range(n_first, 1, (size_t)((r + 0.5) * (double)n_step));
        assert_in_range(solve.n_replay - n_first, n_step,
                        (size_t)(2.0 * ((r + 1.0) * n_unit - binomial(5.0, r - 1.0))));
        csi_step_history_destroy(history);
        fake_solve_destroy(&solve);
    }
}

static void ample_history_repeats_once_or_twice(void **state) {
    (void)state;
    const size_t max_bytes = 40000;
    for (size_t s = 0; s < N_SHAPE; s++) {
        const size_t n_complete = complete_length(&shapes[s], max_bytes);
        assert_true(n_complete > 10);
        assert_int_equal(count_replays(&shapes[s], max_bytes, n_complete), 0);
        assert_in_range(count_replays(&shapes[s], max_bytes, 3 * n_complete / 2), 1, 3 * n_complete / 2);
        assert_in_range(count_replays(&shapes[s], max_bytes, 6 * n_complete), 1, 6 * n_complete);
        assert_in_range(count_replays(&shapes[s], max_bytes, 40 * n_complete), 1, 80 * n_complete);
    }
}

static void memory_stays_below_the_limit(void **state) {
    (void)state;
    for (size_t s = 0; s < N_SHAPE; s++) {
        for (size_t max_bytes = 10000; max_bytes < 3000000; max_bytes *= 3) {
            test_allocator counts = {0};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            fake_solve solve = fake_solve_create(&shapes[s], 4000);
            csi_step_history *history = create(&shapes[s], true, max_bytes, &hooks);
            const size_t before = counts.live_bytes;
            assert_ok(fake_solve_forward(&solve, history));
            fake_solve_backward(&solve, history);
            const size_t mesh_bytes = csi_step_history_is_complete(history) ? 0 : 64 * solve.n_step + ALIGNMENT;
            assert_in_range(counts.peak_bytes - before, 1, max_bytes + mesh_bytes);
            csi_step_history_destroy(history);
            assert_int_equal(counts.n_live, 0);
            fake_solve_destroy(&solve);
        }
    }
}

static void same_solve_again_allocates_nothing_and_uses_the_same_memory(void **state) {
    (void)state;
    for (size_t max_bytes = 0; max_bytes <= 20000; max_bytes += 20000) {
        test_allocator counts = {0};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        fake_solve solve = fake_solve_create(&shapes[1], 1000);
        csi_step_history *history = create(&shapes[1], true, max_bytes, &hooks);
        const csi_step_record *first = csi_step_history_next(history);
        assert_ok(fake_solve_forward(&solve, history));
        fake_solve_backward(&solve, history);
        const size_t n_alloc = counts.n_alloc;
        for (solve.n_step = 1000; solve.n_step > 0; solve.n_step /= 2) {
            assert_ok(fake_solve_forward(&solve, history));
            fake_solve_backward(&solve, history);
        }
        csi_step_history_begin(history);
        assert_ptr_equal(csi_step_history_next(history), first);
        assert_int_equal(csi_step_history_count(history), 0);
        assert_int_equal(counts.n_alloc, n_alloc);
        csi_step_history_destroy(history);
        fake_solve_destroy(&solve);
    }
}

static void without_recording_two_records_take_turns(void **state) {
    (void)state;
    test_allocator counts = {0};
    const costate_allocator hooks = test_allocator_hooks(&counts);
    csi_step_history *history = create(&shapes[1], false, 0, &hooks);
    fake_solve solve = fake_solve_create(&shapes[1], 1000);
    assert_ok(fake_solve_forward(&solve, history));
    assert_int_equal(csi_step_history_count(history), 1000);
    assert_false(csi_step_history_is_complete(history));
    assert_true(counts.peak_bytes < 8192);
    csi_step_record *even = csi_step_history_next(history);
    assert_null(even->kept);
    assert_ok(csi_step_history_accept(history));
    csi_step_record *odd = csi_step_history_next(history);
    assert_ptr_not_equal(odd, even);
    assert_ok(csi_step_history_accept(history));
    assert_ptr_equal(csi_step_history_next(history), even);
    csi_step_history_destroy(history);
    fake_solve_destroy(&solve);
    assert_int_equal(counts.n_live, 0);
}

static void failure_of_the_kth_allocation_leaves_a_usable_history(void **state) {
    (void)state;
    for (size_t max_bytes = 0; max_bytes <= 20000; max_bytes += 20000) {
        fake_solve solve = fake_solve_create(&shapes[1], 1500);
        for (size_t k = 1;; k++) {
            test_allocator counts = {.fail_at = k};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            csi_step_history *history = NULL;
            costate_status status = csi_step_history_create(&shapes[1], true, max_bytes, &hooks, &history);
            if (status != COSTATE_OK) {
                assert_status(status, COSTATE_ERR_MEMORY);
                assert_null(history);
                assert_int_equal(counts.n_live, 0);
                continue;
            }
            status = fake_solve_forward(&solve, history);
            if (counts.n_failed > 0) {
                assert_status(status, COSTATE_ERR_MEMORY);
                assert_ok(fake_solve_forward(&solve, history));
            }
            fake_solve_backward(&solve, history);
            csi_step_history_destroy(history);
            assert_int_equal(counts.n_live, 0);
            if (counts.n_failed == 0) {
                assert_ok(status);
                assert_true(k > 4);
                break;
            }
        }
        fake_solve_destroy(&solve);
    }
}

static void accept_that_failed_can_be_tried_again(void **state) {
    (void)state;
    for (size_t k = 1; k <= 10; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        csi_step_history *history = NULL;
        if (csi_step_history_create(&shapes[0], true, 2000, &hooks, &history) != COSTATE_OK) {
            continue;
        }
        static const csi_tableau tableau = {.n_stage = 7};
        for (size_t i = 0; i < 3000; i++) {
            csi_step_record *record = csi_step_history_next(history);
            record = record != NULL ? record : csi_step_history_next(history);
            assert_non_null(record);
            record->tableau = &tableau;
            if (csi_step_history_accept(history) != COSTATE_OK) {
                assert_int_equal(csi_step_history_count(history), i);
                assert_ptr_equal(csi_step_history_next(history), record);
                assert_ok(csi_step_history_accept(history));
            }
            assert_int_equal(csi_step_history_count(history), i + 1);
        }
        csi_step_history_destroy(history);
        assert_int_equal(counts.n_live, 0);
    }
}

static void failed_replay_is_passed_on_and_can_be_tried_again(void **state) {
    (void)state;
    fake_solve solve = fake_solve_create(&shapes[2], 400);
    csi_step_history *history = create(&shapes[2], true, 5000, NULL);
    assert_ok(fake_solve_forward(&solve, history));
    const csi_step_replay replay = fake_replay(&solve);
    size_t n_failed = 0;
    for (size_t i = solve.n_step; i-- > 0;) {
        int answer = -1;
        solve.fail_at = solve.n_replay + 1 + i % 40;
        const csi_step_record *record = csi_step_history_back(history, i, &replay, &answer);
        if (record == NULL) {
            assert_int_equal(answer, FAKE_FAILURE);
            n_failed++;
            record = csi_step_history_back(history, i, &replay, &answer);
        }
        assert_non_null(record);
        assert_int_equal(answer, 0);
        assert_true(fake_digest(&solve, record) == solve.digest[i]);
    }
    assert_true(n_failed > 3);
    solve.fail_at = 0;
    fake_solve_backward(&solve, history);
    csi_step_history_destroy(history);
    fake_solve_destroy(&solve);
}

static void shape_whose_size_overflows_is_refused(void **state) {
    (void)state;
    const csi_step_shape huge[] = {
        {.n = SIZE_MAX / 8, .n_slope = 7},
        {.n = SIZE_MAX / 64, .n_slope = 7},
        {.n = (size_t)1 << (sizeof(size_t) * 4), .n_slope = 1, .implicit = true},
        {.n = 1, .n_slope = 7, .kept_stride = SIZE_MAX / 2},
        {.n = 1, .n_slope = 7, .kept_stride = SIZE_MAX / 6},
    };
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        csi_step_history *history = NULL;
        assert_status(csi_step_history_create(&huge[i], true, 0, NULL, &history), COSTATE_ERR_OVERFLOW);
        assert_null(history);
    }
    csi_step_history_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complete_history_gives_every_record_back),
        cmocka_unit_test(kept_blocks_are_those_of_the_first_records),
        cmocka_unit_test(repeated_records_are_the_same_to_the_bit),
        cmocka_unit_test(smallest_history_repeats_as_few_steps_as_the_binomial_schedule),
        cmocka_unit_test(ample_history_repeats_once_or_twice),
        cmocka_unit_test(memory_stays_below_the_limit),
        cmocka_unit_test(same_solve_again_allocates_nothing_and_uses_the_same_memory),
        cmocka_unit_test(without_recording_two_records_take_turns),
        cmocka_unit_test(failure_of_the_kth_allocation_leaves_a_usable_history),
        cmocka_unit_test(accept_that_failed_can_be_tried_again),
        cmocka_unit_test(failed_replay_is_passed_on_and_can_be_tried_again),
        cmocka_unit_test(shape_whose_size_overflows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
