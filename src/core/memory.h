/* SPDX-License-Identifier: MIT */
/* Allocation through the caller's hooks, and size arithmetic that cannot wrap. */
#ifndef CSI_MEMORY_H
#define CSI_MEMORY_H

#include <costate/alloc.h>
#include <stdbool.h>
#include <stddef.h>

/* Of blocks that callbacks and kernels work on: a cache line, and the widest vector. */
#define CSI_ALIGNMENT 64

/* Copy of the caller's hooks, or malloc/free for NULL. */
costate_allocator csi_allocator(const costate_allocator *alloc);

/*
 * `count` elements of `size` bytes, zeroed; NULL when the product overflows or there is no memory. A zero count gives a
 * valid pointer.
 */
void *csi_alloc(const costate_allocator *alloc, size_t count, size_t size);

/*
 * The same at an address that is a multiple of CSI_ALIGNMENT, inside *block, which is what has to be released; both NULL on failure.
 */
void *csi_alloc_aligned(const costate_allocator *alloc, size_t count, size_t size, void **block);

/* Accepts NULL. */
void csi_release(const costate_allocator *alloc, void *block);

/* *result = a + b or a * b; false when it does not fit. */
bool csi_size_add(size_t a, size_t b, size_t *result);
bool csi_size_mul(size_t a, size_t b, size_t *result);
/* *result = bytes up to the next multiple of CSI_ALIGNMENT; false when it does not fit. */
bool csi_size_align(size_t bytes, size_t *result);

#endif
