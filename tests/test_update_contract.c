/* SPDX-License-Identifier: MIT */
/* Parameter updates as objects: checkpoints, refused options and states, memory. */
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/malloc_count.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_KIND = 7 };

static const costate_penalty_range ranges[3] = {{2, 7, 0.3, 0.0}, {9, 0, 1.0, 1.0}, {12, 13, 0.1, 0.2}};

static costate_update *make(const costate_update_options *options, size_t n) {
    costate_update *update;
    assert_ok(costate_update_create(options, n, NULL, &update));
    return update;
}

/* Ten steps, or four of them, a checkpoint and six by another update. */
static void restored_updates_go_on_with_the_same_bits(void **state) {
    enum { N = 13, N_STEP = 10, SAVE_AT = 4 };
    (void)state;
    for (int kind = 0; kind < N_KIND; kind++) {
        costate_random random = test_random(6);
        float p[N];
        float q[N];
        float grad[N_STEP][N];
        unsigned char block[512];
        costate_update_options o = costate_update_options_default((costate_update_kind)kind);
        o.precision = COSTATE_UPDATE_F32;
        costate_update *one = make(&o, N);
        costate_update *two = make(&o, N);
        const size_t bytes = costate_update_state_bytes(one);
        assert_in_range(bytes, 1, sizeof(block) - 1);
        fill_normal_f32(&random, p, N, 1.0);
        fill_normal_f32(&random, &grad[0][0], sizeof(grad) / sizeof(float), 1.0);
        for (size_t k = 0; k < N_STEP; k++) {
            if (k == SAVE_AT) {
                assert_status(costate_update_save(one, block + 1, bytes - 1), COSTATE_ERR_WORKSPACE);
                assert_ok(costate_update_save(one, block + 1, bytes));
                memcpy(q, p, sizeof(p));
            }
            assert_ok(costate_update_step_f32(one, p, grad[k]));
        }
        assert_ok(costate_update_restore(two, block + 1, bytes));
        assert_int_equal(costate_update_count(two), SAVE_AT);
        for (size_t k = SAVE_AT; k < N_STEP; k++) {
            assert_ok(costate_update_step_f32(two, q, grad[k]));
        }
        assert_same_bits_f32(q, p, N);
        costate_update_destroy(one);
        costate_update_destroy(two);
    }
}

static void reset_updates_start_again(void **state) {
    const double grad[2] = {1.0, -2.0};
    double p[2] = {0.0, 0.0};
    double q[2] = {0.0, 0.0};
    (void)state;
    const costate_update_options o = costate_update_options_default(COSTATE_UPDATE_ADAM);
    costate_update *update = make(&o, 2);
    assert_ok(costate_update_step_f64(update, p, grad));
    assert_ok(costate_update_step_f64(update, q, p));
    costate_update_reset(update);
    costate_update_reset(NULL);
    assert_int_equal(costate_update_count(update), 0);
    q[0] = q[1] = 0.0;
    assert_ok(costate_update_step_f64(update, q, grad));
    assert_same_bits_f64(q, p, 2);
    costate_update_destroy(update);
}

static void foreign_states_are_refused(void **state) {
    unsigned char block[256];
    (void)state;
    costate_update_options o = costate_update_options_default(COSTATE_UPDATE_MOMENTUM);
    costate_update *momentum = make(&o, 4);
    o.kind = COSTATE_UPDATE_NESTEROV;
    costate_update *nesterov = make(&o, 4);
    o.kind = COSTATE_UPDATE_MOMENTUM;
    o.precision = COSTATE_UPDATE_F32;
    costate_update *single = make(&o, 8);
    const size_t bytes = costate_update_state_bytes(momentum);
    assert_int_equal(costate_update_state_bytes(single), bytes);
    assert_ok(costate_update_save(momentum, block, sizeof(block)));
    assert_status(costate_update_restore(nesterov, block, bytes), COSTATE_ERR_MISMATCH);
    assert_status(costate_update_restore(single, block, bytes), COSTATE_ERR_MISMATCH);
    const uint64_t eight = 8;
    memcpy(block + 8, &eight, sizeof(eight));
    assert_status(costate_update_restore(single, block, bytes), COSTATE_ERR_MISMATCH);
    assert_status(costate_update_restore(momentum, block, bytes), COSTATE_ERR_MISMATCH);
    assert_ok(costate_update_save(momentum, block, sizeof(block)));
    assert_status(costate_update_restore(momentum, block, bytes - 1), COSTATE_ERR_SIZE);
    assert_status(costate_update_restore(momentum, block, bytes + 1), COSTATE_ERR_SIZE);
    assert_status(costate_update_restore(NULL, block, bytes), COSTATE_ERR_NULL);
    assert_status(costate_update_restore(momentum, NULL, bytes), COSTATE_ERR_NULL);
    assert_status(costate_update_save(NULL, block, bytes), COSTATE_ERR_NULL);
    assert_status(costate_update_save(momentum, NULL, bytes), COSTATE_ERR_NULL);
    assert_int_equal(costate_update_state_bytes(NULL), 0);
    block[0] ^= 1;
    assert_status(costate_update_restore(momentum, block, bytes), COSTATE_ERR_MISMATCH);
    costate_update_destroy(momentum);
    costate_update_destroy(nesterov);
    costate_update_destroy(single);
}

static void refused(costate_update_options options, costate_status status) {
    costate_update *update = (costate_update *)&options;
    assert_status(costate_update_create(&options, 4, NULL, &update), status);
    assert_null(update);
}

#define REFUSED(kind_, field, value_, status)                                                                          \
    do {                                                                                                               \
        costate_update_options o_ = costate_update_options_default(kind_);                                             \
        o_.field = (value_);                                                                                           \
        refused(o_, (status));                                                                                         \
    } while (0)

static void invalid_options_are_refused(void **state) {
    static const costate_penalty_range overlap[2] = {{0, 3, 0.0, 1.0}, {2, 1, 0.0, 1.0}};
    static const costate_penalty_range past = {2, 3, 0.0, 1.0};
    static const costate_penalty_range negative = {0, 3, -1.0, 1.0};
    const double nan = (double)NAN;
    const costate_status bad = COSTATE_ERR_ARGUMENT;
    costate_update *update;
    (void)state;
    REFUSED(COSTATE_UPDATE_DESCENT, schedule.rate, 0.0, bad);
    REFUSED(COSTATE_UPDATE_DESCENT, schedule.rate, nan, bad);
    REFUSED(COSTATE_UPDATE_DESCENT, schedule.kind, COSTATE_SCHEDULE_LINEAR, bad);
    REFUSED(COSTATE_UPDATE_DESCENT, schedule.kind, (costate_schedule_kind)8, bad);
    REFUSED(COSTATE_UPDATE_DESCENT, kind, (costate_update_kind)N_KIND, bad);
    REFUSED(COSTATE_UPDATE_DESCENT, precision, (costate_update_precision)2, bad);
    REFUSED(COSTATE_UPDATE_DESCENT, clip_norm, 0.0, bad);
    REFUSED(COSTATE_UPDATE_DESCENT, clip_value, nan, bad);
    REFUSED(COSTATE_UPDATE_MOMENTUM, momentum, 1.0, bad);
    REFUSED(COSTATE_UPDATE_NESTEROV, momentum, -0.1, bad);
    REFUSED(COSTATE_UPDATE_RMSPROP, rho, nan, bad);
    REFUSED(COSTATE_UPDATE_ADAGRAD, epsilon, 0.0, bad);
    REFUSED(COSTATE_UPDATE_ADAM, beta1, 1.0, bad);
    REFUSED(COSTATE_UPDATE_ADAM, beta2, nan, bad);
    REFUSED(COSTATE_UPDATE_ADAMW, decay, -1.0, bad);
    REFUSED(COSTATE_UPDATE_ADAM, n_range, 1, COSTATE_ERR_NULL);
    costate_update_options o = costate_update_options_default(COSTATE_UPDATE_ADAM);
    o.n_range = 2;
    o.range = overlap;
    refused(o, bad);
    o.n_range = 1;
    o.range = &past;
    refused(o, bad);
    o.range = &negative;
    refused(o, bad);
    o = costate_update_options_default(COSTATE_UPDATE_ADAM);
    o.precision = COSTATE_UPDATE_F32;
    o.epsilon = 1e-40;
    refused(o, bad);
    o = costate_update_options_default(COSTATE_UPDATE_ADAM);
    assert_status(costate_update_create(&o, SIZE_MAX / 9, NULL, &update), COSTATE_ERR_OVERFLOW);
    assert_null(update);
    assert_status(costate_update_create(NULL, 4, NULL, &update), COSTATE_ERR_NULL);
    assert_status(costate_update_create(&o, 4, NULL, NULL), COSTATE_ERR_NULL);
}

static void steps_refuse_what_is_not_theirs(void **state) {
    double p[2] = {1.0, 2.0};
    float p32[2] = {1.0F, 2.0F};
    (void)state;
    const costate_update_options o = costate_update_options_default(COSTATE_UPDATE_ADAM);
    costate_update *update = make(&o, 2);
    assert_status(costate_update_step_f64(NULL, p, p), COSTATE_ERR_NULL);
    assert_status(costate_update_step_f64(update, NULL, p), COSTATE_ERR_NULL);
    assert_status(costate_update_step_f64(update, p, NULL), COSTATE_ERR_NULL);
    assert_status(costate_update_step_f32(update, p32, p32), COSTATE_ERR_UNSUPPORTED);
    assert_int_equal(costate_update_count(update), 0);
    assert_int_equal(costate_update_count(NULL), 0);
    costate_update_destroy(update);
    costate_update_destroy(NULL);
    update = make(&o, 0);
    assert_ok(costate_update_step_f64(update, NULL, NULL));
    assert_int_equal(costate_update_count(update), 1);
    costate_update_destroy(update);
}

static void create_survives_every_failing_allocation(void **state) {
    (void)state;
    for (int kind = 0; kind < N_KIND; kind++) {
        costate_update_options o = costate_update_options_default((costate_update_kind)kind);
        o.n_range = 3;
        o.range = ranges;
        for (size_t k = 1;; k++) {
            test_allocator counts = {.fail_at = k};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            costate_update *update;
            const costate_status status = costate_update_create(&o, 30, &hooks, &update);
            if (counts.n_failed == 0) {
                assert_ok(status);
                costate_update_destroy(update);
                assert_int_equal(counts.n_live, 0);
                assert_true(k > 1);
                break;
            }
            assert_status(status, COSTATE_ERR_MEMORY);
            assert_null(update);
            assert_int_equal(counts.n_live, 0);
        }
    }
}

static void steps_allocate_nothing(void **state) {
    double p[30] = {0.0};
    const double grad[30] = {1.0, 2.0};
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    for (int kind = 0; kind < N_KIND; kind++) {
        unsigned char block[1024];
        costate_update_options o = costate_update_options_default((costate_update_kind)kind);
        o.clip_norm = 1.0;
        o.n_range = 3;
        o.range = ranges;
        costate_update *update = make(&o, 30);
        malloc_count_start();
        const costate_status stepped = costate_update_step_f64(update, p, grad);
        const costate_status saved = costate_update_save(update, block, sizeof(block));
        const malloc_counts counts = malloc_count_stop();
        assert_ok(stepped);
        assert_ok(saved);
        assert_int_equal(counts.here + counts.other, 0);
        costate_update_destroy(update);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restored_updates_go_on_with_the_same_bits),
        cmocka_unit_test(reset_updates_start_again),
        cmocka_unit_test(foreign_states_are_refused),
        cmocka_unit_test(invalid_options_are_refused),
        cmocka_unit_test(steps_refuse_what_is_not_theirs),
        cmocka_unit_test(create_survives_every_failing_allocation),
        cmocka_unit_test(steps_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
