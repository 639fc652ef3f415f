/* SPDX-License-Identifier: MIT */
/* Allocation through the caller's hooks, and size arithmetic that cannot wrap. */
#include "core/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *malloc_block(size_t bytes, void *ctx) {
    (void)ctx;
    return malloc(bytes);
}

static void free_block(void *block, void *ctx) {
    (void)ctx;
    free(block);
}

costate_allocator csi_allocator(const costate_allocator *alloc) {
    return alloc ? *alloc : (costate_allocator){.alloc = malloc_block, .release = free_block, .ctx = NULL};
}

void *csi_alloc(const costate_allocator *alloc, size_t count, size_t size) {
    size_t bytes;
    if (!csi_size_mul(count, size, &bytes)) {
        return NULL;
    }
    if (bytes == 0) {
        bytes = 1;
    }
    void *block = alloc->alloc(bytes, alloc->ctx);
    if (block) {
        memset(block, 0, bytes);
    }
    return block;
}

void *csi_alloc_aligned(const costate_allocator *alloc, size_t count, size_t size, void **block) {
    size_t bytes;
    *block = NULL;
    if (!csi_size_mul(count, size, &bytes) || !csi_size_add(bytes, CSI_ALIGNMENT - 1, &bytes)) {
        return NULL;
    }
    *block = csi_alloc(alloc, bytes, 1);
    const size_t past = (uintptr_t)*block % CSI_ALIGNMENT;
    return *block != NULL ? (unsigned char *)*block + (past == 0 ? 0 : CSI_ALIGNMENT - past) : NULL;
}

void csi_release(const costate_allocator *alloc, void *block) {
    if (block) {
        alloc->release(block, alloc->ctx);
    }
}

bool csi_size_add(size_t a, size_t b, size_t *result) {
    if (a > SIZE_MAX - b) {
        return false;
    }
    *result = a + b;
    return true;
}

bool csi_size_mul(size_t a, size_t b, size_t *result) {
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *result = a * b;
    return true;
}

bool csi_size_align(size_t bytes, size_t *result) {
    if (!csi_size_add(bytes, CSI_ALIGNMENT - 1, result)) {
        return false;
    }
    *result -= *result % CSI_ALIGNMENT;
    return true;
}
