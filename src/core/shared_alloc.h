/* SPDX-License-Identifier: MIT */
/* Allocator hooks that several threads may use at once, on top of hooks that only one may, with a count of the bytes. */
#ifndef CSI_SHARED_ALLOC_H
#define CSI_SHARED_ALLOC_H

#include <costate/alloc.h>
#include <costate/status.h>
#include <pthread.h>
#include <stddef.h>

typedef struct csi_shared_alloc {
    costate_allocator inner;
    pthread_mutex_t mutex;
    size_t bytes; /* in blocks not yet released */
} csi_shared_alloc;

costate_status csi_shared_alloc_init(csi_shared_alloc *shared, const costate_allocator *inner);
void csi_shared_alloc_clear(csi_shared_alloc *shared);

/* Hooks on `shared`, which must stay where it is. */
costate_allocator csi_shared_alloc_hooks(csi_shared_alloc *shared);

size_t csi_shared_alloc_bytes(csi_shared_alloc *shared);

#endif
