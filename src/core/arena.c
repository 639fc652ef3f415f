/* SPDX-License-Identifier: MIT */
/* Arena that cuts aligned blocks from one caller-owned workspace. */
#include "core/arena.h"

#include "core/memory.h"
#include "core/poison.h"

#include <stdint.h>

/* What aligning the first block may cost; always reserved, so that what fits does not depend on the address. */
#define SLACK (CSI_ALIGNMENT - 1)

#ifdef CSI_ASAN
#define RED_ZONE CSI_ALIGNMENT
#else
#define RED_ZONE 0
#endif

csi_arena csi_arena_measure(void) { return (csi_arena){.capacity = SIZE_MAX - CSI_ALIGNMENT}; }

csi_arena csi_arena_open(void *block, size_t bytes) {
    csi_arena arena = {.block = block, .block_bytes = block ? bytes : 0};
    if (arena.block_bytes > SLACK) {
        size_t past = (uintptr_t)block % CSI_ALIGNMENT;
        arena.base = (unsigned char *)block + (past ? CSI_ALIGNMENT - past : 0);
        arena.capacity = bytes - SLACK;
        CSI_POISON(block, bytes);
    }
    return arena;
}

void *csi_arena_take(csi_arena *arena, size_t count, size_t size) {
    size_t bytes;
    size_t start;
    size_t end;
    bool fits = !arena->overflow && csi_size_mul(count, size, &bytes);
    if (fits && bytes == 0) {
        return arena->base;
    }
    fits = fits && csi_size_add(arena->used, SLACK, &start);
    if (fits) {
        start -= start % CSI_ALIGNMENT;
        fits = csi_size_add(start, bytes, &end) && csi_size_add(end, RED_ZONE, &end) && end <= arena->capacity;
    }
    if (!fits) {
        arena->overflow = true;
        return NULL;
    }
    arena->used = end;
    if (!arena->base) {
        return NULL;
    }
    CSI_UNPOISON(arena->base + start, bytes);
    return arena->base + start;
}

size_t csi_arena_bytes(const csi_arena *arena) {
    if (arena->overflow) {
        return SIZE_MAX;
    }
    return arena->used ? arena->used + SLACK : 0;
}

bool csi_arena_fits(const csi_arena *arena) { return !arena->overflow; }

void csi_arena_close(csi_arena *arena) {
    if (arena->block) {
        CSI_UNPOISON(arena->block, arena->block_bytes);
    }
    *arena = (csi_arena){.overflow = arena->overflow};
}
