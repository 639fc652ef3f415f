/* SPDX-License-Identifier: MIT */
/* Growing array whose elements never move: chunks, each with twice the elements of the one before. */
#include "ode/chunk_list.h"

#include "core/arena.h"
#include "core/memory.h"

#include <stdint.h>

void csi_chunk_list_clear(csi_chunk_list *list, const costate_allocator *alloc) {
    for (unsigned c = 0; c < list->n_chunk; c++) {
        csi_release(alloc, list->block[c]);
    }
    list->n_chunk = 0;
    list->capacity = 0;
}

bool csi_chunk_list_grow(csi_chunk_list *list, const costate_allocator *alloc) {
    if (list->capacity >= list->limit || list->n_chunk == CSI_CHUNK_MAX) {
        return false;
    }
    const size_t doubled = (size_t)1 << (list->log2_first + list->n_chunk);
    const size_t left = list->limit - list->capacity;
    const size_t n_new = doubled < left ? doubled : left;
    void *chunk = csi_alloc_aligned(alloc, n_new, list->stride, &list->block[list->n_chunk]);
    if (chunk == NULL) {
        return false;
    }
    list->chunk[list->n_chunk++] = chunk;
    list->capacity += n_new;
    return true;
}
