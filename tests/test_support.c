/* SPDX-License-Identifier: MIT */
/* The test support itself: asserts that fail when they must, hooks that count, guards that guard. */
#define _POSIX_C_SOURCE 200809L

#include "support/allocators.h"
#include "support/asserts.h"
#include "support/guard_page.h"
#include "support/malloc_count.h"
#include "support/seeded_random.h"

#include <cvodes/cvodes.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <nvector/nvector_serial.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Wait status of a child process that runs one test; its messages are dropped. */
static int run_in_child(CMUnitTestFunction test) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
        const struct CMUnitTest tests[] = {cmocka_unit_test(test)};
        _exit(cmocka_run_group_tests(tests, NULL, NULL));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_passes(CMUnitTestFunction test) {
    int status = run_in_child(test);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void assert_fails(CMUnitTestFunction test) {
    int status = run_in_child(test);
    assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

/* A test function made of one statement. */
#define CASE(name, statement)                                                                                          \
    static void name(void **state) {                                                                                   \
        (void)state;                                                                                                   \
        statement;                                                                                                     \
    }

static const double nan_f64 = (double)NAN;
static const double inf_f64 = (double)INFINITY;
static const double one_two[2] = {1, 2};
static const double one_nan[2] = {1, (double)NAN};
static const double one_inf[2] = {1, (double)INFINITY};
static const double zeros[2] = {0, 0};
static const double zero_minus_zero[2] = {0, -0.0};
static const float one_two_f32[2] = {1, 2};
static const float one_nan_f32[2] = {1, NAN};
static const float zero_f32[1] = {0};
static const float minus_zero_f32[1] = {-0.0F};

CASE(close_equal, assert_close(1, 1, 0, 0))
CASE(close_at_the_bound, assert_close(1.5, 1, 0.25, 0.25))
CASE(close_infinite, assert_close(inf_f64, inf_f64, 0, 0))
CASE(close_past_the_bound, assert_close(1.5000001, 1, 0.25, 0.25))
CASE(close_nan, assert_close(nan_f64, 1, 1, 1))
CASE(close_nan_expected, assert_close(1, nan_f64, 1, 1))
CASE(close_both_nan, assert_close(nan_f64, nan_f64, 1, 1))
CASE(close_nan_tolerance, assert_close(1, 1, nan_f64, 0))
CASE(close_infinite_expected, assert_close(1, inf_f64, 1, 1))
CASE(close_infinite_actual, assert_close(inf_f64, 1, 1, 1))
CASE(close_infinities_of_two_signs, assert_close(-inf_f64, inf_f64, 1, 1))
CASE(array_equal, assert_close_array(one_two, one_two, 2, 0, 0))
CASE(array_nan_at_the_end, assert_close_array(one_nan, one_two, 2, 1, 1))
CASE(array_f32_equal, assert_close_array_f32(one_two_f32, one_two_f32, 2, 0, 0))
CASE(array_f32_nan_at_the_end, assert_close_array_f32(one_nan_f32, one_two_f32, 2, 1, 1))
CASE(bits_of_nan, assert_same_bits_f64(one_nan, one_nan, 2))
CASE(bits_of_the_two_zeros, assert_same_bits_f64(zero_minus_zero, zeros, 2))
CASE(bits_f32_equal, assert_same_bits_f32(one_nan_f32, one_nan_f32, 2))
CASE(bits_f32_of_the_two_zeros, assert_same_bits_f32(minus_zero_f32, zero_f32, 1))
CASE(finite, assert_all_finite(one_two, 2))
CASE(finite_nan, assert_all_finite(one_nan, 2))
CASE(finite_infinite, assert_all_finite(one_inf, 2))
CASE(finite_f32, assert_all_finite_f32(one_two_f32, 2))
CASE(finite_f32_nan, assert_all_finite_f32(one_nan_f32, 2))
CASE(ulp_one, assert_ulp_f64(1 + DBL_EPSILON, 1.0L, 1))
CASE(ulp_two, assert_ulp_f64(1 + 2 * DBL_EPSILON, 1.0L, 1.5))
CASE(ulp_nan, assert_ulp_f64(nan_f64, 1.0L, 1e300))
CASE(ulp_nan_expected, assert_ulp_f64(1, nan_f64, 1e300))
CASE(ulp_f32_one, assert_ulp_f32(1 + FLT_EPSILON, 1.0L, 1))
CASE(ulp_f32_two, assert_ulp_f32(1 + 2 * FLT_EPSILON, 1.0L, 1.5))
CASE(status_same, assert_status(COSTATE_ERR_SIZE, COSTATE_ERR_SIZE))
CASE(status_other, assert_ok(COSTATE_ERR_SIZE))

static void asserts_pass_on_what_holds(void **state) {
    (void)state;
    const CMUnitTestFunction tests[] = {close_equal, close_at_the_bound, close_infinite, array_equal, array_f32_equal,
                                        bits_of_nan, bits_f32_equal,     finite,         finite_f32,  ulp_one,
                                        ulp_f32_one, status_same};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        assert_passes(tests[i]);
    }
}

static void asserts_fail_on_nan_and_on_what_does_not_hold(void **state) {
    (void)state;
    const CMUnitTestFunction tests[] = {close_past_the_bound,
                                        close_nan,
                                        close_nan_expected,
                                        close_both_nan,
                                        close_nan_tolerance,
                                        close_infinite_expected,
                                        close_infinite_actual,
                                        close_infinities_of_two_signs,
                                        array_nan_at_the_end,
                                        array_f32_nan_at_the_end,
                                        bits_of_the_two_zeros,
                                        bits_f32_of_the_two_zeros,
                                        finite_nan,
                                        finite_infinite,
                                        finite_f32_nan,
                                        ulp_two,
                                        ulp_nan,
                                        ulp_nan_expected,
                                        ulp_f32_two,
                                        status_other};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        assert_fails(tests[i]);
    }
}

static void ulp_error_counts_in_the_type_of_the_result(void **state) {
    (void)state;
    assert_close(ulp_error_f64(1, 1.0L), 0, 0, 0);
    assert_close(ulp_error_f64(1 - DBL_EPSILON / 2, 1.0L), 0.5, 0, 0);
    assert_close(ulp_error_f64(3, 3.0L + (long double)DBL_EPSILON), 0.5, 0, 0);
    assert_close(ulp_error_f32(3, 3.0L + (long double)FLT_EPSILON), 0.5, 0, 0);
    assert_close(ulp_error_f64(0x1p-1074, 0.0L), 1, 0, 0);
    assert_close(ulp_error_f64(0x3p-1074, 0x1p-1074L), 2, 0, 0);
    assert_close(ulp_error_f32(0x1p-149F, 0.0L), 1, 0, 0);
    assert_close(ulp_error_f64(inf_f64, (long double)inf_f64), 0, 0, 0);
    assert_true(isinf(ulp_error_f64(DBL_MAX, (long double)inf_f64)));
    assert_true(isinf(ulp_error_f64(inf_f64, 1.0L)));
}

static void test_allocator_counts_and_fails_where_told(void **state) {
    (void)state;
    test_allocator counts = {.fail_at = 2};
    costate_allocator hooks = test_allocator_hooks(&counts);
    unsigned char *first = hooks.alloc(10, hooks.ctx);
    assert_int_equal(first[9], 0xA5);
    assert_null(hooks.alloc(10, hooks.ctx));
    void *third = hooks.alloc(20, hooks.ctx);
    assert_non_null(third);
    assert_int_equal(counts.n_alloc, 3);
    assert_int_equal(counts.n_failed, 1);
    assert_int_equal(counts.n_live, 2);
    assert_int_equal(counts.live_bytes, 30);
    hooks.release(first, hooks.ctx);
    assert_int_equal(counts.live_bytes, 20);
    hooks.release(third, hooks.ctx);
    assert_int_equal(counts.n_live, 0);
    assert_int_equal(counts.peak_bytes, 30);
}

static void release_of_a_foreign_block(void **state) {
    (void)state;
    test_allocator mine = {0};
    test_allocator other = {0};
    costate_allocator my_hooks = test_allocator_hooks(&mine);
    costate_allocator other_hooks = test_allocator_hooks(&other);
    other_hooks.release(my_hooks.alloc(8, my_hooks.ctx), other_hooks.ctx);
}

static void test_allocator_fails_on_a_foreign_block(void **state) {
    (void)state;
    assert_fails(release_of_a_foreign_block);
}

static void malloc_count_tells_who_allocated(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    malloc_count_start();
    SUNContext context;
    assert_int_equal(SUNContext_Create(NULL, &context), 0);
    N_Vector vector = N_VNew_Serial(5, context);
    malloc_counts counts = malloc_count_stop();
    assert_int_equal(counts.here, 0);
    assert_true(counts.sundials >= 3);
    N_VDestroy(vector);
    SUNContext_Free(&context);

    void *(*volatile allocate)(size_t) = malloc;
    void *(*volatile allocate_zeroed)(size_t, size_t) = calloc;
    void *(*volatile reallocate)(void *, size_t) = realloc;
    void *(*volatile allocate_aligned)(size_t, size_t) = aligned_alloc;
    malloc_count_start();
    void *block = reallocate(allocate(8), 100);
    void *zeroed = allocate_zeroed(3, 3);
    void *aligned = NULL;
    int refused = posix_memalign(&aligned, 64, 64);
    void *also_aligned = allocate_aligned(64, 64);
    counts = malloc_count_stop();
    assert_int_equal(refused, 0);
    assert_int_equal(counts.here, 5);
    assert_int_equal(counts.sundials, 0);
    assert_int_equal(counts.other, 0);
    free(block);
    free(zeroed);
    free(aligned);
    free(also_aligned);
}

static void malloc_fails_at_the_kth_allocation_only(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    void *(*volatile allocate)(size_t) = malloc;
    malloc_fail_at(2);
    void *first = allocate(8);
    assert_false(malloc_fail_happened());
    void *second = allocate(8);
    assert_true(malloc_fail_happened());
    void *third = allocate(8);
    malloc_fail_at(0);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    free(first);
    free(second);
    free(third);
}

static guard_buffer guarded;

static void touch(ptrdiff_t offset) { ((volatile unsigned char *)guarded.data)[offset] = 1; }

CASE(touch_before, touch(-1))
CASE(touch_first, touch(0))
CASE(touch_fifth, touch(4))
CASE(touch_sixth, touch(5))

static void guard_before_traps_in_front_of_the_buffer(void **state) {
    (void)state;
    guarded = guard_create(5, GUARD_BEFORE);
    assert_passes(touch_first);
    assert_passes(touch_fifth);
    assert_fails(touch_before);
    guard_destroy(&guarded);
}

static void guard_after_traps_behind_the_buffer(void **state) {
    (void)state;
    guarded = guard_create(5, GUARD_AFTER);
    assert_passes(touch_first);
    assert_passes(touch_fifth);
    assert_fails(touch_sixth);
    guard_destroy(&guarded);
}

static void guard_of_an_empty_buffer_traps_everywhere(void **state) {
    (void)state;
    const guard_side sides[] = {GUARD_BEFORE, GUARD_AFTER};
    for (size_t i = 0; i < 2; i++) {
        guarded = guard_create(0, sides[i]);
        assert_non_null(guarded.data);
        assert_fails(touch_first);
        assert_fails(touch_before);
        guard_destroy(&guarded);
    }
}

static void seed_comes_from_the_environment(void **state) {
    (void)state;
    const char *value = getenv("COSTATE_TEST_SEED");
    char *saved = value ? strdup(value) : NULL;
    assert_int_equal(setenv("COSTATE_TEST_SEED", "123", 1), 0);
    assert_true(test_random(5).seed == 123);
    assert_true(test_random(5).stream == 5);
    assert_int_equal(saved ? setenv("COSTATE_TEST_SEED", saved, 1) : unsetenv("COSTATE_TEST_SEED"), 0);
    free(saved);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asserts_pass_on_what_holds),
        cmocka_unit_test(asserts_fail_on_nan_and_on_what_does_not_hold),
        cmocka_unit_test(ulp_error_counts_in_the_type_of_the_result),
        cmocka_unit_test(test_allocator_counts_and_fails_where_told),
        cmocka_unit_test(test_allocator_fails_on_a_foreign_block),
        cmocka_unit_test(malloc_count_tells_who_allocated),
        cmocka_unit_test(malloc_fails_at_the_kth_allocation_only),
        cmocka_unit_test(guard_before_traps_in_front_of_the_buffer),
        cmocka_unit_test(guard_after_traps_behind_the_buffer),
        cmocka_unit_test(guard_of_an_empty_buffer_traps_everywhere),
        cmocka_unit_test(seed_comes_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
