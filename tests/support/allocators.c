/* SPDX-License-Identifier: MIT */
/* Allocator hooks that count, detect foreign blocks, and fail at the k-th allocation. */
#include "support/allocators.h"

#include "support/asserts.h"

#include <stdlib.h>
#include <string.h>

/* In front of every block; a union with max_align_t keeps the block aligned for any type. */
typedef union block_header {
    struct {
        const test_allocator *owner;
        size_t bytes;
    } tag;
    max_align_t alignment;
} block_header;

static void *counted_alloc(size_t bytes, void *ctx) {
    test_allocator *counts = ctx;
    assert_true(bytes > 0);
    counts->n_alloc++;
    if (counts->n_alloc == counts->fail_at) {
        counts->n_failed++;
        return NULL;
    }
    if (bytes > SIZE_MAX - sizeof(block_header)) {
        return NULL;
    }
    block_header *header = malloc(sizeof *header + bytes);
    if (!header) {
        return NULL;
    }
    header->tag.owner = counts;
    header->tag.bytes = bytes;
    memset(header + 1, 0xA5, bytes);
    counts->n_live++;
    counts->live_bytes += bytes;
    if (counts->live_bytes > counts->peak_bytes) {
        counts->peak_bytes = counts->live_bytes;
    }
    return header + 1;
}

static void counted_release(void *block, void *ctx) {
    test_allocator *counts = ctx;
    assert_non_null(block);
    block_header *header = (block_header *)block - 1;
    assert_ptr_equal(header->tag.owner, counts);
    counts->n_live--;
    counts->live_bytes -= header->tag.bytes;
    header->tag.owner = NULL;
    free(header);
}

costate_allocator test_allocator_hooks(test_allocator *counts) {
    return (costate_allocator){.alloc = counted_alloc, .release = counted_release, .ctx = counts};
}
