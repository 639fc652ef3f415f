/* SPDX-License-Identifier: MIT */
/* Buffers between two inaccessible pages: a read or write past the chosen end stops the test with SIGSEGV. */
#ifndef TEST_GUARD_PAGE_H
#define TEST_GUARD_PAGE_H

#include <stddef.h>

/* Which end of the buffer touches an inaccessible page; the other end is up to a page away from one. */
typedef enum guard_side { GUARD_BEFORE, GUARD_AFTER } guard_side;

typedef struct guard_buffer {
    void *data;       /* the buffer; with GUARD_AFTER its alignment is that of its size in bytes */
    void *map;        /* the whole mapping */
    size_t map_bytes; /* pages included */
} guard_buffer;

/* A zeroed buffer of exactly `bytes` bytes, also for 0; the test fails if it cannot be mapped. */
guard_buffer guard_create(size_t bytes, guard_side side);
void guard_destroy(guard_buffer *buffer);

#endif
