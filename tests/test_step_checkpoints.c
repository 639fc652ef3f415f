/* SPDX-License-Identifier: MIT */
/* The binomial schedule against the best of all schedules, and the checkpoints of a solve of unknown length. */
#include "ode/step_checkpoints.h"
#include "support/allocators.h"
#include "support/asserts.h"

#include <math.h>

enum { N_UNIT = 80, N_FREE = 7 };

/* Fewest units to go through so that all of n_unit can be visited from the last to the first, with n_free slots:
 * through `m` units to a checkpoint, then the part behind with one slot less, then the part before. */
static void find_fewest(size_t fewest[N_UNIT + 1][N_FREE + 1]) {
    for (size_t n_free = 0; n_free <= N_FREE; n_free++) {
        fewest[1][n_free] = 1;
    }
    for (size_t n_unit = 2; n_unit <= N_UNIT; n_unit++) {
        fewest[n_unit][0] = n_unit + fewest[n_unit - 1][0];
        for (size_t n_free = 1; n_free <= N_FREE; n_free++) {
            fewest[n_unit][n_free] = SIZE_MAX;
            for (size_t m = 1; m < n_unit; m++) {
                const size_t work = m + fewest[n_unit - m][n_free - 1] + fewest[m][n_free];
                if (work < fewest[n_unit][n_free]) {
                    fewest[n_unit][n_free] = work;
                }
            }
        }
    }
}

static void split_costs_no_more_than_the_best_split(void **state) {
    (void)state;
    static size_t fewest[N_UNIT + 1][N_FREE + 1];
    find_fewest(fewest);
    for (size_t n_unit = 2; n_unit <= N_UNIT; n_unit++) {
        for (size_t n_free = 1; n_free <= N_FREE; n_free++) {
            const size_t m = csi_step_checkpoints_split(n_unit, n_free);
            assert_in_range(m, 1, n_unit - 1);
            assert_int_equal(m + fewest[n_unit - m][n_free - 1] + fewest[m][n_free], fewest[n_unit][n_free]);
        }
    }
}

static void split_of_extreme_sizes_lies_inside(void **state) {
    (void)state;
    const size_t sizes[] = {1, 2, 3, 1000, (size_t)1 << 31, SIZE_MAX / 2 - 1};
    const size_t units[] = {2, 3, 1000000, (size_t)1 << 40, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof units / sizeof *units; j++) {
            if (sizes[i] > 3 || units[j] <= 1000000) {
                assert_in_range(csi_step_checkpoints_split(units[j], sizes[i]), 1, units[j] - 1);
            }
        }
    }
}

/* The state of step i is (i, …), its slope (−i, …). */
static csi_step_record record_at(size_t step, double *y, double *k) {
    for (size_t i = 0; i < 2; i++) {
        y[i] = (double)step + 0.25 * (double)i;
        k[i] = -y[i];
    }
    return (csi_step_record){.y = y, .k = k};
}

/* C(s + r, s), as a double. */
static double binomial(size_t s, size_t r) {
    double product = 1.0;
    for (size_t i = 1; i <= s; i++) {
        product *= (double)(r + i) / (double)i;
    }
    return round(product);
}

/* Goes back over n_unit steps after checkpoints were placed at each of them; the most often that one was repeated. */
static size_t most_repetitions(csi_step_checkpoints *checkpoints, size_t n_unit) {
    double y[2], k[2];
    size_t repeated[N_UNIT] = {0};
    for (size_t unit = n_unit; unit-- > 0;) {
        size_t step = csi_step_checkpoints_return_to(checkpoints, unit);
        csi_step_record record = {.y = y, .k = k};
        csi_step_checkpoints_restore(checkpoints, &record);
        assert_true(y[0] == (double)step && y[1] == (double)step + 0.25 && k[0] == -y[0] && k[1] == -y[1]);
        size_t pause = SIZE_MAX;
        for (size_t i = step; i <= unit; i++) {
            repeated[i]++;
            if (i == pause) {
                record = record_at(i, y, k);
                csi_step_checkpoints_append(checkpoints, i, &record);
            }
            const size_t n_free = checkpoints->n_slot - checkpoints->n_used;
            if ((i == step || i == pause) && i < unit && n_free > 0) {
                pause = i + csi_step_checkpoints_split(unit + 1 - i, n_free);
            }
        }
    }
    size_t most = 0;
    for (size_t i = 0; i < n_unit; i++) {
        most = repeated[i] > most ? repeated[i] : most;
    }
    return most;
}

static void placed_checkpoints_keep_repetitions_few(void **state) {
    (void)state;
    test_allocator counts = {0};
    const costate_allocator hooks = test_allocator_hooks(&counts);
    for (size_t n_slot = 4; n_slot <= 20; n_slot += 4) {
        csi_step_checkpoints checkpoints = csi_step_checkpoints_start(2, n_slot * 48);
        assert_int_equal(checkpoints.n_slot, n_slot);
        for (size_t n_unit = 1; n_unit <= N_UNIT; n_unit++) {
            assert_true(csi_step_checkpoints_begin(&checkpoints, &hooks));
            for (size_t unit = 0; unit < n_unit; unit++) {
                double y[2], k[2];
                const csi_step_record record = record_at(unit, y, k);
                csi_step_checkpoints_place(&checkpoints, unit, &record);
            }
            size_t r = 0;
            while (binomial(n_slot - 1, r) < (double)n_unit) {
                r++;
            }
            assert_in_range(most_repetitions(&checkpoints, n_unit), 1, r + 1);
        }
        csi_step_checkpoints_clear(&checkpoints, &hooks);
    }
    assert_int_equal(counts.n_live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_costs_no_more_than_the_best_split),
        cmocka_unit_test(split_of_extreme_sizes_lies_inside),
        cmocka_unit_test(placed_checkpoints_keep_repetitions_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
