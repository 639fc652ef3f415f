/* SPDX-License-Identifier: MIT */
/* The header of a safetensors file: what its JSON says of every tensor. */
#include "model/safetensors_header.h"

#include "core/memory.h"
#include "core/message.h"

#include <stdlib.h>
#include <string.h>

static costate_status read_dtype(const cJSON *item, const char *name, costate_dtype *dtype, costate_message *message) {
    if (!cJSON_IsString(item)) {
        return csi_say(message, COSTATE_ERR_FORMAT, "tensor '%.100s': dtype is no string", name);
    }
    for (int k = 0; k < (int)COSTATE_DTYPE_COUNT; k++) {
        if (strcmp(item->valuestring, costate_dtype_name((costate_dtype)k)) == 0) {
            *dtype = (costate_dtype)k;
            return COSTATE_OK;
        }
    }
    return csi_say(message, COSTATE_ERR_UNSUPPORTED, "tensor '%.100s': elements of type '%.20s' are not supported",
                   name, item->valuestring);
}

static costate_status read_shape(const cJSON *item, costate_tensor *tensor, costate_message *message) {
    const cJSON *length;
    if (!cJSON_IsArray(item)) {
        return csi_say(message, COSTATE_ERR_FORMAT, "tensor '%.100s': shape is no array", tensor->name);
    }
    cJSON_ArrayForEach(length, item) {
        if (tensor->n_dim == COSTATE_TENSOR_MAX_DIM) {
            return csi_say(message, COSTATE_ERR_UNSUPPORTED, "tensor '%.100s': more than %d dimensions", tensor->name,
                           COSTATE_TENSOR_MAX_DIM);
        }
        if (!csi_json_size(length, &tensor->shape[tensor->n_dim])) {
            return csi_say(message, COSTATE_ERR_FORMAT, "tensor '%.100s': a length in its shape is no size",
                           tensor->name);
        }
        tensor->n_dim++;
    }
    return COSTATE_OK;
}

static costate_status read_offsets(const cJSON *item, csi_header_entry *entry, costate_message *message) {
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2 || !csi_json_size(item->child, &entry->begin) ||
        !csi_json_size(item->child->next, &entry->end) || entry->begin > entry->end) {
        return csi_say(message, COSTATE_ERR_FORMAT, "tensor '%.100s': data_offsets are not two positions in order",
                       entry->tensor.name);
    }
    return COSTATE_OK;
}

static costate_status read_entry(const cJSON *item, csi_header_entry *entry, costate_message *message) {
    size_t bytes;
    const char *name = item->string;
    const cJSON *dtype = csi_json_member(item, "dtype");
    const cJSON *shape = csi_json_member(item, "shape");
    const cJSON *offsets = csi_json_member(item, "data_offsets");
    *entry = (csi_header_entry){.tensor = {.name = name}};
    if (!cJSON_IsObject(item) || !dtype || !shape || !offsets || cJSON_GetArraySize(item) != 3) {
        return csi_say(message, COSTATE_ERR_FORMAT,
                       "tensor '%.100s': dtype, shape and data_offsets are needed, once each", name);
    }
    costate_status status = read_dtype(dtype, name, &entry->tensor.dtype, message);
    if (status == COSTATE_OK) {
        status = read_shape(shape, &entry->tensor, message);
    }
    if (status == COSTATE_OK) {
        status = read_offsets(offsets, entry, message);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    if (!csi_tensor_size(&entry->tensor, &entry->n, &bytes)) {
        return csi_say(message, COSTATE_ERR_FORMAT, "tensor '%.100s': the product of its shape overflows", name);
    }
    if (entry->end - entry->begin != bytes) {
        return csi_say(message, COSTATE_ERR_FORMAT,
                       "tensor '%.100s': its shape needs %zu bytes, data_offsets give it %zu", name, bytes,
                       entry->end - entry->begin);
    }
    return COSTATE_OK;
}

static costate_status check_metadata(const cJSON *metadata, costate_message *message) {
    const cJSON *item;
    if (!cJSON_IsObject(metadata)) {
        return csi_say(message, COSTATE_ERR_FORMAT, "the metadata are no object");
    }
    cJSON_ArrayForEach(item, metadata) {
        if (!cJSON_IsString(item)) {
            return csi_say(message, COSTATE_ERR_FORMAT, "metadata '%.100s': no string", item->string);
        }
    }
    return COSTATE_OK;
}

/* Of the n members of an object. */
static costate_status check_names(const cJSON *object, size_t n, const costate_allocator *alloc,
                                  costate_message *message) {
    const cJSON *item;
    size_t k = 0;
    const char **names = csi_alloc(alloc, n, sizeof(*names));
    if (!names) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the names");
    }
    cJSON_ArrayForEach(item, object) { names[k++] = item->string; }
    const char *twice = csi_find_twice(names, n);
    const costate_status status =
        twice ? csi_say(message, COSTATE_ERR_FORMAT, "the name '%.100s' is there twice", twice) : COSTATE_OK;
    csi_release(alloc, names);
    return status;
}

/* Tensors without elements share their position with others. */
static int compare_position(const void *a, const void *b) {
    const csi_header_entry *x = a;
    const csi_header_entry *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    if (x->end != y->end) {
        return x->end < y->end ? -1 : 1;
    }
    return strcmp(x->tensor.name, y->tensor.name);
}

static costate_status check_cover(const csi_header_entry *entries, size_t n, size_t n_bytes, costate_message *message) {
    size_t at = 0;
    for (size_t k = 0; k < n; k++) {
        const char *name = entries[k].tensor.name;
        if (entries[k].begin > at) {
            return csi_say(message, COSTATE_ERR_FORMAT, "tensor '%.100s': a hole of %zu bytes before it", name,
                           entries[k].begin - at);
        }
        if (entries[k].begin < at) {
            return csi_say(message, COSTATE_ERR_FORMAT, "tensors '%.100s' and '%.100s' overlap",
                           entries[k - 1].tensor.name, name);
        }
        at = entries[k].end;
        if (at > n_bytes) {
            return csi_say(message, COSTATE_ERR_FORMAT,
                           "tensor '%.100s': ends at byte %zu of %zu; the file is truncated", name, at, n_bytes);
        }
    }
    return at == n_bytes
               ? COSTATE_OK
               : csi_say(message, COSTATE_ERR_FORMAT, "%zu bytes at the end belong to no tensor", n_bytes - at);
}

static costate_status read_members(const cJSON *root, const costate_allocator *alloc, csi_header_entry *entries,
                                   size_t *n, costate_message *message) {
    costate_status status = COSTATE_OK;
    const cJSON *item;
    *n = 0;
    cJSON_ArrayForEach(item, root) {
        if (strcmp(item->string, CSI_METADATA_KEY) != 0) {
            status = read_entry(item, &entries[*n], message);
            (*n)++;
        } else {
            status = check_metadata(item, message);
            if (status == COSTATE_OK) {
                status = check_names(item, (size_t)cJSON_GetArraySize(item), alloc, message);
            }
        }
        if (status != COSTATE_OK) {
            return status;
        }
    }
    return COSTATE_OK;
}

costate_status csi_header_entries(const cJSON *root, size_t n_bytes, const costate_allocator *alloc,
                                  csi_header_entry **entries, size_t *n, costate_message *message) {
    *entries = NULL;
    *n = 0;
    if (!cJSON_IsObject(root)) {
        return csi_say(message, COSTATE_ERR_FORMAT, "the header is no object");
    }
    const size_t n_member = (size_t)cJSON_GetArraySize(root);
    costate_status status = check_names(root, n_member, alloc, message);
    if (status != COSTATE_OK) {
        return status;
    }
    *entries = csi_alloc(alloc, n_member, sizeof(**entries));
    if (!*entries) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the tensors");
    }
    status = read_members(root, alloc, *entries, n, message);
    if (status != COSTATE_OK) {
        return status;
    }
    qsort(*entries, *n, sizeof(**entries), compare_position);
    return check_cover(*entries, *n, n_bytes, message);
}
