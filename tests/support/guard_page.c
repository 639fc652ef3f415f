/* SPDX-License-Identifier: MIT */
/* Buffers between two inaccessible pages. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "support/guard_page.h"

#include "support/asserts.h"

#include <sys/mman.h>
#include <unistd.h>

guard_buffer guard_create(size_t bytes, guard_side side) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t inner = (bytes + page - 1) / page * page;
    guard_buffer buffer = {.map_bytes = inner + 2 * page};
    buffer.map = mmap(NULL, buffer.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(buffer.map, MAP_FAILED);
    unsigned char *first = (unsigned char *)buffer.map + page;
    if (inner > 0) {
        assert_int_equal(mprotect(first, inner, PROT_READ | PROT_WRITE), 0);
    }
    buffer.data = side == GUARD_BEFORE ? first : first + inner - bytes;
    return buffer;
}

void guard_destroy(guard_buffer *buffer) {
    assert_int_equal(munmap(buffer->map, buffer->map_bytes), 0);
    *buffer = (guard_buffer){0};
}
