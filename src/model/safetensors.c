/* SPDX-License-Identifier: MIT */
/* Element types, byte order, and what can be asked of the content of a safetensors file. */
#include <costate/safetensors.h>

#include "core/memory.h"
#include "model/safetensors_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t costate_dtype_bytes(costate_dtype dtype) {
    switch (dtype) {
#define BYTES_CASE(name, text, type, bytes)                                                                            \
    case COSTATE_DTYPE_##name: return (bytes);
        COSTATE_DTYPE_LIST(BYTES_CASE)
#undef BYTES_CASE
    default: return 0;
    }
}

const char *costate_dtype_name(costate_dtype dtype) {
    switch (dtype) {
#define NAME_CASE(name, text, type, bytes)                                                                             \
    case COSTATE_DTYPE_##name: return text;
        COSTATE_DTYPE_LIST(NAME_CASE)
#undef NAME_CASE
    default: return "unknown";
    }
}

bool csi_tensor_size(const costate_tensor *tensor, size_t *n, size_t *bytes) {
    *n = 1;
    for (size_t k = 0; k < tensor->n_dim; k++) {
        if (!csi_size_mul(*n, tensor->shape[k], n)) {
            return false;
        }
    }
    return csi_size_mul(*n, costate_dtype_bytes(tensor->dtype), bytes);
}

void csi_to_little_endian(unsigned char *to, const unsigned char *from, size_t n, size_t element_bytes) {
    for (size_t i = 0; i < n; i++, from += element_bytes, to += element_bytes) {
        uint64_t wide = *from;
        if (element_bytes == 8) {
            memcpy(&wide, from, 8);
        } else if (element_bytes == 4) {
            uint32_t narrow;
            memcpy(&narrow, from, 4);
            wide = narrow;
        }
        for (size_t b = 0; b < element_bytes; b++) {
            to[b] = (unsigned char)(wide >> (8 * b));
        }
    }
}

void csi_from_little_endian(unsigned char *to, const unsigned char *from, size_t n, size_t element_bytes) {
    for (size_t i = 0; i < n; i++, from += element_bytes, to += element_bytes) {
        uint64_t wide = 0;
        for (size_t b = 0; b < element_bytes; b++) {
            wide |= (uint64_t)from[b] << (8 * b);
        }
        if (element_bytes == 8) {
            memcpy(to, &wide, 8);
        } else if (element_bytes == 4) {
            const uint32_t narrow = (uint32_t)wide;
            memcpy(to, &narrow, 4);
        } else {
            *to = (unsigned char)wide;
        }
    }
}

void costate_safetensors_destroy(costate_safetensors *file) {
    if (file) {
        const costate_allocator hooks = file->alloc;
        csi_release(&hooks, file->tensors);
        csi_release(&hooks, file->by_name);
        csi_release(&hooks, file->metadata);
        csi_release(&hooks, file->strings);
        csi_release(&hooks, file->elements);
        csi_release(&hooks, file);
    }
}

size_t costate_safetensors_n_tensor(const costate_safetensors *file) { return file ? file->n_tensor : 0; }

costate_status costate_safetensors_tensor(const costate_safetensors *file, size_t k, costate_tensor *tensor) {
    if (!file || !tensor) {
        return COSTATE_ERR_NULL;
    }
    if (k >= file->n_tensor) {
        return COSTATE_ERR_ARGUMENT;
    }
    *tensor = file->tensors[k];
    return COSTATE_OK;
}

static int compare_name(const void *name, const void *tensor) {
    return strcmp(name, (*(const costate_tensor *const *)tensor)->name);
}

costate_status costate_safetensors_find(const costate_safetensors *file, const char *name, size_t *k) {
    if (!file || !name || !k) {
        return COSTATE_ERR_NULL;
    }
    const costate_tensor *const *found =
        bsearch(name, file->by_name, file->n_tensor, sizeof(*file->by_name), compare_name);
    if (!found) {
        return COSTATE_ERR_ARGUMENT;
    }
    *k = (size_t)(*found - file->tensors);
    return COSTATE_OK;
}

size_t costate_safetensors_n_metadata(const costate_safetensors *file) { return file ? file->n_metadata : 0; }

costate_status costate_safetensors_metadata(const costate_safetensors *file, size_t k, costate_metadata *entry) {
    if (!file || !entry) {
        return COSTATE_ERR_NULL;
    }
    if (k >= file->n_metadata) {
        return COSTATE_ERR_ARGUMENT;
    }
    *entry = file->metadata[k];
    return COSTATE_OK;
}

const char *costate_safetensors_value(const costate_safetensors *file, const char *key) {
    for (size_t k = 0; file && key && k < file->n_metadata; k++) {
        if (strcmp(file->metadata[k].key, key) == 0) {
            return file->metadata[k].value;
        }
    }
    return NULL;
}
