/* SPDX-License-Identifier: MIT */
/* Allocation through hooks, and size arithmetic at its limits. */
#include "core/memory.h"
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/malloc_count.h"

#define HALF (SIZE_MAX / 2 + 1) /* 2^63 where size_t has 64 bits */

static void size_add_at_the_limit_is_exact(void **state) {
    (void)state;
    size_t sum = 7;
    assert_true(csi_size_add(0, 0, &sum));
    assert_int_equal(sum, 0);
    assert_true(csi_size_add(SIZE_MAX - 5, 5, &sum));
    assert_true(sum == SIZE_MAX);
    assert_true(csi_size_add(0, SIZE_MAX, &sum));
    assert_true(sum == SIZE_MAX);
}

static void size_add_past_the_limit_is_refused(void **state) {
    (void)state;
    size_t sum = 7;
    assert_false(csi_size_add(SIZE_MAX - 5, 6, &sum));
    assert_false(csi_size_add(1, SIZE_MAX, &sum));
    assert_false(csi_size_add(SIZE_MAX, SIZE_MAX, &sum));
    assert_int_equal(sum, 7);
}

static void size_mul_at_the_limit_is_exact(void **state) {
    (void)state;
    size_t product = 7;
    assert_true(csi_size_mul(0, SIZE_MAX, &product));
    assert_int_equal(product, 0);
    assert_true(csi_size_mul(SIZE_MAX, 0, &product));
    assert_int_equal(product, 0);
    assert_true(csi_size_mul(SIZE_MAX, 1, &product));
    assert_true(product == SIZE_MAX);
    assert_true(csi_size_mul(SIZE_MAX / 3, 3, &product));
    assert_true(product == SIZE_MAX / 3 * 3);
    assert_true(csi_size_mul(HALF / 2, 2, &product));
    assert_true(product == HALF);
}

static void size_mul_past_the_limit_is_refused(void **state) {
    (void)state;
    size_t product = 7;
    assert_false(csi_size_mul(HALF, 2, &product));
    assert_false(csi_size_mul(2, HALF, &product));
    assert_false(csi_size_mul(SIZE_MAX / 3 + 1, 3, &product));
    assert_false(csi_size_mul(SIZE_MAX, SIZE_MAX, &product));
    assert_int_equal(product, 7);
}

static void alloc_gives_zeroed_elements(void **state) {
    (void)state;
    test_allocator counts = {0};
    costate_allocator hooks = test_allocator_hooks(&counts);
    unsigned char *block = csi_alloc(&hooks, 7, 3);
    assert_non_null(block);
    assert_int_equal(counts.live_bytes, 21);
    for (size_t i = 0; i < 21; i++) {
        assert_int_equal(block[i], 0);
    }
    csi_release(&hooks, block);
    assert_int_equal(counts.n_alloc, 1);
    assert_int_equal(counts.n_live, 0);
}

static void alloc_of_nothing_is_a_valid_block(void **state) {
    (void)state;
    test_allocator counts = {0};
    costate_allocator hooks = test_allocator_hooks(&counts);
    void *no_elements = csi_alloc(&hooks, 0, 8);
    void *no_size = csi_alloc(&hooks, 8, 0);
    assert_non_null(no_elements);
    assert_non_null(no_size);
    assert_int_equal(counts.live_bytes, 2);
    csi_release(&hooks, no_elements);
    csi_release(&hooks, no_size);
    assert_int_equal(counts.n_live, 0);
}

static void alloc_of_an_overflowing_product_does_not_call_the_hook(void **state) {
    (void)state;
    test_allocator counts = {0};
    costate_allocator hooks = test_allocator_hooks(&counts);
    assert_null(csi_alloc(&hooks, HALF, 2));
    assert_null(csi_alloc(&hooks, SIZE_MAX / 8 + 1, 8));
    assert_int_equal(counts.n_alloc, 0);
}

static void alloc_passes_on_the_failure_of_the_hook(void **state) {
    (void)state;
    test_allocator counts = {.fail_at = 2};
    costate_allocator hooks = test_allocator_hooks(&counts);
    void *first = csi_alloc(&hooks, 1, 8);
    assert_non_null(first);
    assert_null(csi_alloc(&hooks, 1, 8));
    assert_int_equal(counts.n_failed, 1);
    csi_release(&hooks, first);
    assert_int_equal(counts.n_live, 0);
}

static void release_of_null_does_not_call_the_hook(void **state) {
    (void)state;
    test_allocator counts = {0};
    costate_allocator hooks = test_allocator_hooks(&counts);
    csi_release(&hooks, NULL);
    assert_int_equal(counts.n_live, 0);
    assert_int_equal(counts.n_alloc, 0);
}

static void allocator_copies_the_hooks(void **state) {
    (void)state;
    test_allocator counts = {0};
    costate_allocator hooks = test_allocator_hooks(&counts);
    costate_allocator copy = csi_allocator(&hooks);
    hooks = (costate_allocator){0};
    void *block = csi_alloc(&copy, 1, 1);
    assert_int_equal(counts.n_live, 1);
    csi_release(&copy, block);
    assert_int_equal(counts.n_live, 0);
}

static void allocator_of_null_is_malloc(void **state) {
    (void)state;
    costate_allocator hooks = csi_allocator(NULL);
    double *block = csi_alloc(&hooks, 100, sizeof *block);
    assert_non_null(block);
    block[99] = 1;
    assert_true(block[0] == 0);
    csi_release(&hooks, block);
}

static void allocator_of_null_calls_malloc_once_and_passes_its_failure(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    costate_allocator hooks = csi_allocator(NULL);
    malloc_count_start();
    void *block = csi_alloc(&hooks, 1, 8);
    malloc_counts counts = malloc_count_stop();
    assert_int_equal(counts.here, 1);
    assert_int_equal(counts.other, 0);
    csi_release(&hooks, block);

    malloc_fail_at(1);
    block = csi_alloc(&hooks, 1, 8);
    assert_true(malloc_fail_happened());
    malloc_fail_at(0);
    assert_null(block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_add_at_the_limit_is_exact),
        cmocka_unit_test(size_add_past_the_limit_is_refused),
        cmocka_unit_test(size_mul_at_the_limit_is_exact),
        cmocka_unit_test(size_mul_past_the_limit_is_refused),
        cmocka_unit_test(alloc_gives_zeroed_elements),
        cmocka_unit_test(alloc_of_nothing_is_a_valid_block),
        cmocka_unit_test(alloc_of_an_overflowing_product_does_not_call_the_hook),
        cmocka_unit_test(alloc_passes_on_the_failure_of_the_hook),
        cmocka_unit_test(release_of_null_does_not_call_the_hook),
        cmocka_unit_test(allocator_copies_the_hooks),
        cmocka_unit_test(allocator_of_null_is_malloc),
        cmocka_unit_test(allocator_of_null_calls_malloc_once_and_passes_its_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
