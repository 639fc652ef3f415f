/* SPDX-License-Identifier: MIT */
/* From the content of a safetensors file to tensors and metadata. */
#include <costate/safetensors.h>

#include "core/finite.h"
#include "core/memory.h"
#include "core/message.h"
#include "core/whole_file.h"
#include "model/safetensors_header.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The three parts of the content. */
typedef struct parts {
    cJSON *header;
    csi_header_entry *entries;
    size_t n_entry;
    const unsigned char *elements;
    size_t n_bytes; /* of the elements */
} parts;

static costate_status read_json(const unsigned char *header, size_t length, const costate_allocator *alloc,
                                cJSON **root, costate_message *message) {
    if (length == 0 || header[0] != '{') {
        return csi_say(message, COSTATE_ERR_FORMAT, "the header does not begin with '{'");
    }
    char *text = csi_alloc(alloc, length + 1, 1);
    if (!text) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the header");
    }
    memcpy(text, header, length);
    const costate_status status = csi_json_parse("the header", text, length, root, message);
    csi_release(alloc, text);
    return status;
}

static costate_status read_parts(const unsigned char *bytes, size_t n_bytes, const costate_allocator *alloc,
                                 parts *found, costate_message *message) {
    uint64_t length = 0;
    if (n_bytes < CSI_LENGTH_BYTES) {
        return csi_say(message, COSTATE_ERR_FORMAT, "truncated: %zu bytes have no room for the length of a header",
                       n_bytes);
    }
    for (size_t b = 0; b < CSI_LENGTH_BYTES; b++) {
        length |= (uint64_t)bytes[b] << (8 * b);
    }
    if (length > COSTATE_SAFETENSORS_MAX_HEADER) {
        return csi_say(message, COSTATE_ERR_FORMAT, "a header of %llu bytes is claimed; at most %zu are possible",
                       (unsigned long long)length, COSTATE_SAFETENSORS_MAX_HEADER);
    }
    if (length > n_bytes - CSI_LENGTH_BYTES) {
        return csi_say(message, COSTATE_ERR_FORMAT, "truncated: a header of %llu bytes is claimed, %zu are there",
                       (unsigned long long)length, n_bytes - CSI_LENGTH_BYTES);
    }
    const size_t n_header = (size_t)length;
    found->elements = bytes + CSI_LENGTH_BYTES + n_header;
    found->n_bytes = n_bytes - CSI_LENGTH_BYTES - n_header;
    const costate_status status = read_json(bytes + CSI_LENGTH_BYTES, n_header, alloc, &found->header, message);
    return status != COSTATE_OK
               ? status
               : csi_header_entries(found->header, found->n_bytes, alloc, &found->entries, &found->n_entry, message);
}

static const char *copy_string(char **to, const char *from) {
    const size_t bytes = strlen(from) + 1;
    char *at = *to;
    memcpy(at, from, bytes);
    *to += bytes;
    return at;
}

/* Names, keys and values, out of the JSON. */
static costate_status copy_strings(costate_safetensors *file, const parts *from, costate_message *message) {
    const cJSON *metadata = csi_json_member(from->header, CSI_METADATA_KEY);
    const cJSON *item;
    size_t bytes = 0;
    for (size_t k = 0; k < from->n_entry; k++) {
        bytes += strlen(from->entries[k].tensor.name) + 1;
    }
    cJSON_ArrayForEach(item, metadata) {
        bytes += strlen(item->string) + strlen(item->valuestring) + 2;
        file->n_metadata++;
    }
    file->strings = csi_alloc(&file->alloc, bytes, 1);
    file->metadata = csi_alloc(&file->alloc, file->n_metadata, sizeof(*file->metadata));
    if (!file->strings || !file->metadata) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the metadata");
    }
    char *at = file->strings;
    for (size_t k = 0; k < from->n_entry; k++) {
        file->tensors[k] = from->entries[k].tensor;
        file->tensors[k].name = copy_string(&at, from->entries[k].tensor.name);
    }
    size_t k = 0;
    cJSON_ArrayForEach(item, metadata) {
        file->metadata[k].key = copy_string(&at, item->string);
        file->metadata[k++].value = copy_string(&at, item->valuestring);
    }
    return COSTATE_OK;
}

/* Each tensor begins at a multiple of the largest element, which it need not do in the file. */
static costate_status copy_elements(costate_safetensors *file, const parts *from, costate_message *message) {
    enum { ALIGNMENT = 8 };
    size_t bytes = 0;
    bool fits = true;
    for (size_t k = 0; k < from->n_entry && fits; k++) {
        const size_t wanted = from->entries[k].end - from->entries[k].begin;
        fits = csi_size_add(bytes, wanted + (ALIGNMENT - wanted % ALIGNMENT) % ALIGNMENT, &bytes);
    }
    file->elements = fits ? csi_alloc(&file->alloc, bytes, 1) : NULL;
    if (!file->elements) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the tensors");
    }
    unsigned char *at = file->elements;
    for (size_t k = 0; k < from->n_entry; k++) {
        const csi_header_entry *entry = &from->entries[k];
        const size_t wanted = entry->end - entry->begin;
        if (wanted > 0) {
            csi_from_little_endian(at, from->elements + entry->begin, entry->n,
                                   costate_dtype_bytes(entry->tensor.dtype));
        }
        file->tensors[k].data = at;
        at += wanted + (ALIGNMENT - wanted % ALIGNMENT) % ALIGNMENT;
    }
    return COSTATE_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp((*(const costate_tensor *const *)a)->name, (*(const costate_tensor *const *)b)->name);
}

static costate_status fill(costate_safetensors *file, const parts *from, costate_message *message) {
    file->n_tensor = from->n_entry;
    file->tensors = csi_alloc(&file->alloc, from->n_entry, sizeof(*file->tensors));
    file->by_name = csi_alloc(&file->alloc, from->n_entry, sizeof(*file->by_name));
    if (!file->tensors || !file->by_name) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the tensors");
    }
    costate_status status = copy_strings(file, from, message);
    if (status == COSTATE_OK) {
        status = copy_elements(file, from, message);
    }
    for (size_t k = 0; k < from->n_entry; k++) {
        file->by_name[k] = &file->tensors[k];
    }
    if (status == COSTATE_OK) {
        qsort(file->by_name, from->n_entry, sizeof(*file->by_name), compare_names);
    }
    return status;
}

static bool is_finite(const costate_tensor *tensor, size_t n) {
    if (tensor->dtype == COSTATE_DTYPE_F64) {
        return csi_all_finite(tensor->data, n);
    }
    const float *x = tensor->data;
    for (size_t i = 0; tensor->dtype == COSTATE_DTYPE_F32 && i < n; i++) {
        if (!isfinite(x[i])) {
            return false;
        }
    }
    return true;
}

static costate_status check_finite(const costate_safetensors *file, const parts *from, costate_message *message) {
    for (size_t k = 0; k < file->n_tensor; k++) {
        const size_t n = from->entries[k].begin == from->entries[k].end ? 0 : from->entries[k].n;
        if (!is_finite(&file->tensors[k], n)) {
            return csi_say(message, COSTATE_ERR_NONFINITE, "tensor '%.100s': a value is NaN or infinite",
                           file->tensors[k].name);
        }
    }
    return COSTATE_OK;
}

static costate_status make_file(const parts *from, bool finite, const costate_allocator *alloc,
                                costate_safetensors **file, costate_message *message) {
    costate_safetensors *made = csi_alloc(alloc, 1, sizeof(*made));
    if (!made) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the content of the file");
    }
    made->alloc = *alloc;
    costate_status status = fill(made, from, message);
    if (status == COSTATE_OK && finite) {
        status = check_finite(made, from, message);
    }
    if (status != COSTATE_OK) {
        costate_safetensors_destroy(made);
        return status;
    }
    *file = made;
    return COSTATE_OK;
}

static size_t max_bytes(const costate_safetensors_options *options) {
    const size_t largest = sizeof(size_t) > 4 ? (size_t)((uint64_t)4 << 30) : (size_t)1 << 30;
    return options && options->max_bytes > 0 ? options->max_bytes : largest;
}

costate_status costate_safetensors_parse(const void *bytes, size_t n_bytes, const costate_safetensors_options *options,
                                         const costate_allocator *alloc, costate_safetensors **file,
                                         costate_message *message) {
    csi_message_clear(message);
    if (!file) {
        return csi_say(message, COSTATE_ERR_NULL, "file is NULL");
    }
    *file = NULL;
    if (!bytes && n_bytes > 0) {
        return csi_say(message, COSTATE_ERR_NULL, "bytes is NULL");
    }
    if (n_bytes > max_bytes(options)) {
        return csi_say(message, COSTATE_ERR_FORMAT, "%zu bytes are more than the %zu allowed", n_bytes,
                       max_bytes(options));
    }
    const costate_allocator hooks = csi_allocator(alloc);
    parts found = {0};
    costate_status status = read_parts(bytes, n_bytes, &hooks, &found, message);
    if (status == COSTATE_OK) {
        status = make_file(&found, options && options->finite, &hooks, file, message);
    }
    cJSON_Delete(found.header);
    csi_release(&hooks, found.entries);
    return status;
}

costate_status costate_safetensors_load(const char *path, const costate_safetensors_options *options,
                                        const costate_allocator *alloc, costate_safetensors **file,
                                        costate_message *message) {
    csi_message_clear(message);
    if (!file) {
        return csi_say(message, COSTATE_ERR_NULL, "file is NULL");
    }
    *file = NULL;
    if (!path) {
        return csi_say(message, COSTATE_ERR_NULL, "path is NULL");
    }
    const costate_allocator hooks = csi_allocator(alloc);
    char *bytes;
    size_t n_bytes;
    costate_status status = csi_read_whole_file(path, max_bytes(options), &hooks, &bytes, &n_bytes, message);
    if (status == COSTATE_OK) {
        status = costate_safetensors_parse(bytes, n_bytes, options, alloc, file, message);
        csi_release(&hooks, bytes);
    }
    csi_message_name_file(message, path);
    return status;
}
