/* SPDX-License-Identifier: MIT */
/* Allocator hooks that count, detect foreign blocks, and fail at the k-th allocation. */
#ifndef TEST_ALLOCATORS_H
#define TEST_ALLOCATORS_H

#include <costate/alloc.h>
#include <stddef.h>

/* Start from {0}, or {.fail_at = k}. One thread at a time. */
typedef struct test_allocator {
    size_t fail_at;    /* the allocation (first is 1) that gets NULL; 0: none does */
    size_t n_alloc;    /* allocations asked for, the failed one included */
    size_t n_failed;   /* allocations refused: 0 or 1 */
    size_t n_live;     /* blocks not yet released */
    size_t live_bytes; /* bytes in them */
    size_t peak_bytes; /* largest live_bytes so far */
} test_allocator;

/*
 * Hooks on a test_allocator, which must outlive every object made with them. Blocks come filled with 0xA5. The test
 * fails when a block is released that was not allocated here. The k-th-failure loop reads:
 *
 *     for (size_t k = 1;; k++) {
 *         test_allocator counts = {.fail_at = k};
 *         costate_allocator hooks = test_allocator_hooks(&counts);
 *         status = create(&hooks, &object);
 *         if (counts.n_failed == 0) {  assert_ok(status); destroy(object); assert_int_equal(counts.n_live, 0); break; }
 *         assert_status(status, COSTATE_ERR_MEMORY); assert_null(object); assert_int_equal(counts.n_live, 0);
 *     }
 */
costate_allocator test_allocator_hooks(test_allocator *counts);

#endif
