/* SPDX-License-Identifier: MIT */
/* Growing array whose elements never move: chunks, each with twice the elements of the one before. */
#ifndef CSI_CHUNK_LIST_H
#define CSI_CHUNK_LIST_H

#include <costate/alloc.h>
#include <stdbool.h>
#include <stddef.h>

#define CSI_CHUNK_MAX 48

/* Start from {.stride, .limit, .log2_first}. */
typedef struct csi_chunk_list {
    size_t stride;       /* bytes of an element */
    size_t limit;        /* the most elements there may be */
    unsigned log2_first; /* of the number of elements in the first chunk */
    unsigned n_chunk;
    size_t capacity;                     /* elements in all chunks */
    unsigned char *chunk[CSI_CHUNK_MAX]; /* aligned to 64 bytes */
    void *block[CSI_CHUNK_MAX];          /* as allocated */
} csi_chunk_list;

void csi_chunk_list_clear(csi_chunk_list *list, const costate_allocator *alloc);

/* Adds a zeroed chunk; false, and nothing has changed, if there is no memory or the limit is reached. */
bool csi_chunk_list_grow(csi_chunk_list *list, const costate_allocator *alloc);

static inline unsigned csi_log2(size_t positive) {
#if defined(__GNUC__)
    return (unsigned)(8 * sizeof(unsigned long long) - 1) - (unsigned)__builtin_clzll(positive);
#else
    unsigned log2 = 0;
    while (positive >>= 1) {
        log2++;
    }
    return log2;
#endif
}

/* Element `index`, which is below the capacity. */
static inline void *csi_chunk_list_at(const csi_chunk_list *list, size_t index) {
    const size_t position = index + ((size_t)1 << list->log2_first);
    const unsigned log2 = csi_log2(position);
    return list->chunk[log2 - list->log2_first] + (position - ((size_t)1 << log2)) * list->stride;
}

/* The end of the chunk that element `index` lies in. */
static inline void *csi_chunk_list_end(const csi_chunk_list *list, size_t index) {
    const size_t first = (size_t)1 << list->log2_first;
    const unsigned log2 = csi_log2(index + first);
    const size_t end = ((size_t)2 << log2) - first; /* the last chunk may be cut short by the limit */
    const size_t begin = ((size_t)1 << log2) - first;
    return list->chunk[log2 - list->log2_first] + ((end < list->limit ? end : list->limit) - begin) * list->stride;
}

#endif
