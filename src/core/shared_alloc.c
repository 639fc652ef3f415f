/* SPDX-License-Identifier: MIT */
/* Allocator hooks that several threads may use at once, on top of hooks that only one may, with a count of the bytes. */
#include "core/shared_alloc.h"

#include "core/memory.h"

/* In front of each block: its size, in as much space as keeps the block aligned. */
typedef union header {
    size_t bytes;
    max_align_t alignment;
} header;

static void *shared_alloc(size_t bytes, void *ctx) {
    csi_shared_alloc *shared = ctx;
    size_t total;
    if (!csi_size_add(bytes, sizeof(header), &total)) {
        return NULL;
    }
    pthread_mutex_lock(&shared->mutex);
    header *block = shared->inner.alloc(total, shared->inner.ctx);
    if (block != NULL) {
        block->bytes = total;
        shared->bytes += total;
    }
    pthread_mutex_unlock(&shared->mutex);
    return block != NULL ? block + 1 : NULL;
}

static void shared_release(void *block, void *ctx) {
    csi_shared_alloc *shared = ctx;
    header *whole = (header *)block - 1;
    pthread_mutex_lock(&shared->mutex);
    shared->bytes -= whole->bytes;
    shared->inner.release(whole, shared->inner.ctx);
    pthread_mutex_unlock(&shared->mutex);
}

costate_status csi_shared_alloc_init(csi_shared_alloc *shared, const costate_allocator *inner) {
    shared->inner = *inner;
    shared->bytes = 0;
    return pthread_mutex_init(&shared->mutex, NULL) == 0 ? COSTATE_OK : COSTATE_ERR_MEMORY;
}

void csi_shared_alloc_clear(csi_shared_alloc *shared) { pthread_mutex_destroy(&shared->mutex); }

costate_allocator csi_shared_alloc_hooks(csi_shared_alloc *shared) {
    return (costate_allocator){.alloc = shared_alloc, .release = shared_release, .ctx = shared};
}

size_t csi_shared_alloc_bytes(csi_shared_alloc *shared) {
    pthread_mutex_lock(&shared->mutex);
    const size_t bytes = shared->bytes;
    pthread_mutex_unlock(&shared->mutex);
    return bytes;
}
