/* SPDX-License-Identifier: MIT */
/* From tensors and metadata to the content of a safetensors file. */
#include <costate/safetensors.h>

#include "core/atomic_file.h"
#include "core/memory.h"
#include "core/message.h"
#include "model/json.h"
#include "model/safetensors_internal.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The elements in the file: which tensors have them at which position. */
typedef struct layout {
    size_t *order; /* n_tensor indices, in the order of the file */
    size_t *begin; /* n_tensor positions, of tensors in the order of the caller */
    size_t n_bytes;
} layout;

static costate_status check_tensor(const costate_tensor *tensor, size_t k, costate_message *message) {
    size_t n;
    size_t bytes;
    if (!tensor->name) {
        return csi_say(message, COSTATE_ERR_NULL, "tensor %zu: the name is NULL", k);
    }
    if (!csi_is_utf8(tensor->name, strlen(tensor->name)) || strcmp(tensor->name, CSI_METADATA_KEY) == 0) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "tensor %zu: the name is reserved or no UTF-8", k);
    }
    if (costate_dtype_bytes(tensor->dtype) == 0 || tensor->n_dim > COSTATE_TENSOR_MAX_DIM) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "tensor '%.100s': unknown type or too many dimensions",
                       tensor->name);
    }
    if (!csi_tensor_size(tensor, &n, &bytes)) {
        return csi_say(message, COSTATE_ERR_OVERFLOW, "tensor '%.100s': its size does not fit", tensor->name);
    }
    return bytes > 0 && !tensor->data
               ? csi_say(message, COSTATE_ERR_NULL, "tensor '%.100s': the elements are NULL", tensor->name)
               : COSTATE_OK;
}

static costate_status check_entry(const costate_metadata *entry, size_t k, costate_message *message) {
    if (!entry->key || !entry->value) {
        return csi_say(message, COSTATE_ERR_NULL, "metadata %zu: key or value is NULL", k);
    }
    return csi_is_utf8(entry->key, strlen(entry->key)) && csi_is_utf8(entry->value, strlen(entry->value))
               ? COSTATE_OK
               : csi_say(message, COSTATE_ERR_ARGUMENT, "metadata %zu: key or value is no UTF-8", k);
}

static costate_status check_parts(size_t n_tensor, const costate_tensor *tensors, size_t n_metadata,
                                  const costate_metadata *metadata, costate_message *message) {
    costate_status status = COSTATE_OK;
    if ((n_tensor > 0 && !tensors) || (n_metadata > 0 && !metadata)) {
        return csi_say(message, COSTATE_ERR_NULL, "tensors or metadata is NULL");
    }
    for (size_t k = 0; k < n_tensor && status == COSTATE_OK; k++) {
        status = check_tensor(&tensors[k], k, message);
    }
    for (size_t k = 0; k < n_metadata && status == COSTATE_OK; k++) {
        status = check_entry(&metadata[k], k, message);
    }
    return status;
}

static costate_status check_differ(size_t n_tensor, const costate_tensor *tensors, size_t n_metadata,
                                   const costate_metadata *metadata, const costate_allocator *alloc,
                                   costate_message *message) {
    const size_t n = n_tensor > n_metadata ? n_tensor : n_metadata;
    const char **names = csi_alloc(alloc, n, sizeof(*names));
    if (!names) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the names");
    }
    for (size_t k = 0; k < n_tensor; k++) {
        names[k] = tensors[k].name;
    }
    const char *twice = csi_find_twice(names, n_tensor);
    for (size_t k = 0; k < n_metadata && !twice; k++) {
        names[k] = metadata[k].key;
    }
    twice = twice ? twice : csi_find_twice(names, n_metadata);
    csi_release(alloc, names);
    return twice ? csi_say(message, COSTATE_ERR_ARGUMENT, "the name '%.100s' is there twice", twice) : COSTATE_OK;
}

/* Those with larger elements first, else in the caller's order. */
static costate_status lay_out(size_t n_tensor, const costate_tensor *tensors, layout *l, costate_message *message) {
    static const size_t sizes[] = {8, 4, 1};
    size_t at = 0;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        for (size_t k = 0; k < n_tensor; k++) {
            size_t n;
            size_t bytes;
            if (costate_dtype_bytes(tensors[k].dtype) != sizes[s]) {
                continue;
            }
            l->order[at++] = k;
            l->begin[k] = l->n_bytes;
            if (!csi_tensor_size(&tensors[k], &n, &bytes) || !csi_size_add(l->n_bytes, bytes, &l->n_bytes)) {
                return csi_say(message, COSTATE_ERR_OVERFLOW, "the tensors' size does not fit");
            }
        }
    }
    return COSTATE_OK;
}

/* As text, because cJSON would write a large number with an exponent. */
static bool add_size(cJSON *array, size_t size) {
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%zu", size);
    return cJSON_AddItemToArray(array, cJSON_CreateRaw(digits));
}

static bool add_tensor(cJSON *root, const costate_tensor *tensor, size_t begin) {
    size_t n;
    size_t bytes = 0;
    cJSON *object = cJSON_AddObjectToObject(root, tensor->name);
    bool good = object && cJSON_AddStringToObject(object, "dtype", costate_dtype_name(tensor->dtype));
    cJSON *shape = good ? cJSON_AddArrayToObject(object, "shape") : NULL;
    for (size_t k = 0; k < tensor->n_dim && shape && good; k++) {
        good = add_size(shape, tensor->shape[k]);
    }
    cJSON *offsets = shape && good ? cJSON_AddArrayToObject(object, "data_offsets") : NULL;
    return offsets && csi_tensor_size(tensor, &n, &bytes) && add_size(offsets, begin) &&
           add_size(offsets, begin + bytes);
}

static bool add_metadata(cJSON *root, size_t n_metadata, const costate_metadata *metadata) {
    cJSON *object = cJSON_AddObjectToObject(root, CSI_METADATA_KEY);
    bool good = object != NULL;
    for (size_t k = 0; k < n_metadata && good; k++) {
        good = cJSON_AddStringToObject(object, metadata[k].key, metadata[k].value) != NULL;
    }
    return good;
}

/* The header, to be released with cJSON_free(); NULL when there is no memory. */
static char *make_header(size_t n_tensor, const costate_tensor *tensors, const layout *l, size_t n_metadata,
                         const costate_metadata *metadata) {
    cJSON *root = cJSON_CreateObject();
    bool good = root && (n_metadata == 0 || add_metadata(root, n_metadata, metadata));
    for (size_t k = 0; k < n_tensor && good; k++) {
        good = add_tensor(root, &tensors[l->order[k]], l->begin[l->order[k]]);
    }
    char *text = good ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    return text;
}

/* Blanks after the header let the elements begin at a multiple of 8. */
static costate_status put_together(size_t n_tensor, const costate_tensor *tensors, const layout *l, const char *header,
                                   const costate_allocator *alloc, void **bytes, size_t *n_bytes,
                                   costate_message *message) {
    const size_t length = strlen(header);
    const size_t padded = (length + CSI_LENGTH_BYTES - 1) / CSI_LENGTH_BYTES * CSI_LENGTH_BYTES;
    size_t total;
    if (padded > COSTATE_SAFETENSORS_MAX_HEADER) {
        return csi_say(message, COSTATE_ERR_OVERFLOW, "the header has %zu bytes; at most %zu are possible", length,
                       COSTATE_SAFETENSORS_MAX_HEADER);
    }
    if (!csi_size_add(CSI_LENGTH_BYTES + padded, l->n_bytes, &total)) {
        return csi_say(message, COSTATE_ERR_OVERFLOW, "the tensors' size does not fit");
    }
    unsigned char *block = csi_alloc(alloc, total, 1);
    if (!block) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the content of the file");
    }
    for (size_t b = 0; b < CSI_LENGTH_BYTES; b++) {
        block[b] = (unsigned char)((uint64_t)padded >> (8 * b));
    }
    unsigned char *at = block + CSI_LENGTH_BYTES;
    memcpy(at, header, length);
    memset(at + length, ' ', padded - length);
    at += padded;
    for (size_t k = 0; k < n_tensor; k++) {
        size_t n;
        size_t size;
        (void)csi_tensor_size(&tensors[k], &n, &size);
        csi_to_little_endian(at + l->begin[k], tensors[k].data, size > 0 ? n : 0,
                             costate_dtype_bytes(tensors[k].dtype));
    }
    *bytes = block;
    *n_bytes = total;
    return COSTATE_OK;
}

static costate_status format(size_t n_tensor, const costate_tensor *tensors, size_t n_metadata,
                             const costate_metadata *metadata, const costate_allocator *alloc, layout *l, void **bytes,
                             size_t *n_bytes, costate_message *message) {
    costate_status status = check_differ(n_tensor, tensors, n_metadata, metadata, alloc, message);
    if (status == COSTATE_OK) {
        status = lay_out(n_tensor, tensors, l, message);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    char *header = make_header(n_tensor, tensors, l, n_metadata, metadata);
    if (!header) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the header");
    }
    status = put_together(n_tensor, tensors, l, header, alloc, bytes, n_bytes, message);
    cJSON_free(header);
    return status;
}

costate_status costate_safetensors_format(size_t n_tensor, const costate_tensor *tensors, size_t n_metadata,
                                          const costate_metadata *metadata, const costate_allocator *alloc,
                                          void **bytes, size_t *n_bytes, costate_message *message) {
    csi_message_clear(message);
    if (!bytes || !n_bytes) {
        return csi_say(message, COSTATE_ERR_NULL, "bytes or n_bytes is NULL");
    }
    *bytes = NULL;
    *n_bytes = 0;
    costate_status status = check_parts(n_tensor, tensors, n_metadata, metadata, message);
    if (status != COSTATE_OK) {
        return status;
    }
    const costate_allocator hooks = csi_allocator(alloc);
    layout l = {.order = csi_alloc(&hooks, n_tensor, sizeof(*l.order))};
    l.begin = csi_alloc(&hooks, n_tensor, sizeof(*l.begin));
    status = l.order && l.begin ? format(n_tensor, tensors, n_metadata, metadata, &hooks, &l, bytes, n_bytes, message)
                                : csi_say(message, COSTATE_ERR_MEMORY, "no memory for the order of the tensors");
    csi_release(&hooks, l.order);
    csi_release(&hooks, l.begin);
    return status;
}

costate_status costate_safetensors_save(const char *path, size_t n_tensor, const costate_tensor *tensors,
                                        size_t n_metadata, const costate_metadata *metadata,
                                        const costate_allocator *alloc, costate_message *message) {
    void *bytes;
    size_t n_bytes;
    if (!path) {
        csi_message_clear(message);
        return csi_say(message, COSTATE_ERR_NULL, "path is NULL");
    }
    costate_status status =
        costate_safetensors_format(n_tensor, tensors, n_metadata, metadata, alloc, &bytes, &n_bytes, message);
    if (status != COSTATE_OK) {
        csi_message_name_file(message, path);
        return status;
    }
    const costate_allocator hooks = csi_allocator(alloc);
    status = csi_replace_file(path, bytes, n_bytes, &hooks, message);
    csi_release(&hooks, bytes);
    return status;
}
