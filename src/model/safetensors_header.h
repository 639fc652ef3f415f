/* SPDX-License-Identifier: MIT */
/* The header of a safetensors file: what its JSON says of every tensor. */
#ifndef CSI_SAFETENSORS_HEADER_H
#define CSI_SAFETENSORS_HEADER_H

#include "model/json.h"
#include "model/safetensors_internal.h"

/* A tensor without elements; its name belongs to the JSON. */
typedef struct csi_header_entry {
    costate_tensor tensor;
    size_t n;          /* elements */
    size_t begin, end; /* bytes, counted from the end of the header */
} csi_header_entry;

/*
 * Checks the header on its own: all names differ, every member but that of the metadata is a tensor whose shape matches its position, and
 * metadata are strings. Then also against the n_bytes bytes behind it, which the tensors have to cover. *entries, of the *n tensors in the
 * order of the file, is released by the caller, also after a failure.
 */
costate_status csi_header_entries(const cJSON *root, size_t n_bytes, const costate_allocator *alloc,
                                  csi_header_entry **entries, size_t *n, costate_message *message);

#endif
