/* SPDX-License-Identifier: MIT */
/* Arena that cuts aligned blocks from one caller-owned workspace, and by the same code computes the size it needs. */
#ifndef CSI_ARENA_H
#define CSI_ARENA_H

#include "core/memory.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Two modes, one code path: csi_arena_measure() starts an arena without memory whose csi_arena_take() only adds up (and
 * returns NULL); csi_arena_open() starts one on a workspace of any alignment. csi_arena_bytes() of a measured arena is
 * what a workspace needs to hold the same blocks; one byte less is refused, both whatever its alignment.
 * Under AddressSanitizer the space outside the blocks is poisoned until csi_arena_close().
 */
typedef struct csi_arena {
    unsigned char *base; /* first aligned byte; NULL when measuring */
    size_t capacity;     /* bytes from base */
    size_t used;         /* bytes handed out, red zones and alignment included */
    bool overflow;       /* a block did not fit, or a size wrapped */
    void *block;         /* the caller's workspace, for closing */
    size_t block_bytes;
} csi_arena;

csi_arena csi_arena_measure(void);
csi_arena csi_arena_open(void *block, size_t bytes);

/*
 * A 64-byte-aligned block for `count` elements of `size` bytes; NULL when measuring or when it does not fit. A block of
 * no bytes takes no space.
 */
void *csi_arena_take(csi_arena *arena, size_t count, size_t size);

/* Bytes a workspace needs for what was taken; SIZE_MAX if that does not fit in size_t. */
size_t csi_arena_bytes(const csi_arena *arena);

/* True if every block fitted. */
bool csi_arena_fits(const csi_arena *arena);

/* Lifts the poison; the workspace is the caller's again. */
void csi_arena_close(csi_arena *arena);

#endif
