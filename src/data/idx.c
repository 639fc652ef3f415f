/* SPDX-License-Identifier: MIT */
/* IDX files: from their bytes to an array, its release, and what can be asked of it. */
#include <costate/idx.h>

#include "core/memory.h"
#include "core/message.h"
#include "core/whole_file.h"
#include "data/idx_array.h"
#include "data/idx_source.h"

#include <string.h>

enum { MAGIC_BYTES = 4, DIM_BYTES = 4 };

static const size_t default_max_bytes = (size_t)1 << 30;

/* All of them, or a message that says at which byte the content ends and inside of what. */
static costate_status read_part(csi_idx_source *source, void *to, size_t n, const char *what,
                                costate_message *message) {
    size_t got;
    const size_t wanted = source->at + n;
    const costate_status status = csi_idx_source_read(source, to, n, &got, message);
    if (status != COSTATE_OK || got == n) {
        return status;
    }
    return csi_say(message, COSTATE_ERR_FORMAT, "%s %zu: truncated: %s should end at byte %zu",
                   csi_idx_source_unit(source), source->at, what, wanted);
}

static costate_status read_magic(csi_idx_source *source, costate_idx *idx, costate_message *message) {
    unsigned char magic[MAGIC_BYTES];
    const costate_status status = read_part(source, magic, MAGIC_BYTES, "the magic number", message);
    if (status != COSTATE_OK) {
        return status;
    }
    const char *unit = csi_idx_source_unit(source);
    if (magic[0] != 0 || magic[1] != 0) {
        return csi_say(message, COSTATE_ERR_FORMAT, "%s %d: no IDX file, which begins with 00 00, not with %02x %02x",
                       unit, magic[0] != 0 ? 0 : 1, (unsigned)magic[0], (unsigned)magic[1]);
    }
    idx->type = (costate_idx_type)magic[2];
    if (costate_idx_type_bytes(idx->type) == 0) {
        return csi_say(message, COSTATE_ERR_FORMAT, "%s 2: %02x is no type of elements", unit, (unsigned)magic[2]);
    }
    idx->n_dim = magic[3];
    if (idx->n_dim < 1 || idx->n_dim > COSTATE_IDX_MAX_DIM) {
        return csi_say(message, COSTATE_ERR_FORMAT, "%s 3: %zu dimensions; 1 to %d are allowed", unit, idx->n_dim,
                       COSTATE_IDX_MAX_DIM);
    }
    return COSTATE_OK;
}

/* The dimensions and their product, which with a dimension of 0 is 0 whatever the others are. */
static costate_status read_dims(csi_idx_source *source, costate_idx *idx, size_t max_bytes, costate_message *message) {
    unsigned char sizes[COSTATE_IDX_MAX_DIM * DIM_BYTES];
    const costate_status status = read_part(source, sizes, idx->n_dim * DIM_BYTES, "the dimensions", message);
    if (status != COSTATE_OK) {
        return status;
    }
    bool is_empty = false;
    for (size_t k = 0; k < idx->n_dim; k++) {
        const unsigned char *s = sizes + k * DIM_BYTES;
        idx->dim[k] = (size_t)s[0] << 24 | (size_t)s[1] << 16 | (size_t)s[2] << 8 | s[3];
        is_empty = is_empty || idx->dim[k] == 0;
    }
    idx->n_element = is_empty ? 0 : 1;
    size_t bytes = costate_idx_type_bytes(idx->type);
    for (size_t k = 0; k < idx->n_dim && !is_empty; k++) {
        idx->n_element *= idx->dim[k];
        if (!csi_size_mul(bytes, idx->dim[k], &bytes) || bytes > max_bytes) {
            return csi_say(message, COSTATE_ERR_FORMAT,
                           "%s %zu: with this dimension (%zu) the elements are more than the %zu bytes allowed",
                           csi_idx_source_unit(source), MAGIC_BYTES + k * DIM_BYTES, idx->dim[k], max_bytes);
        }
    }
    return COSTATE_OK;
}

static costate_status read_elements(csi_idx_source *source, costate_idx *idx, costate_message *message) {
    const size_t element_bytes = costate_idx_type_bytes(idx->type);
    const size_t bytes = idx->n_element * element_bytes;
    const size_t most = csi_idx_source_most(source);
    if (bytes > most) {
        return csi_say(message, COSTATE_ERR_FORMAT,
                       "%s %zu: truncated: the dimensions ask for %zu bytes of elements; there are %s%zu",
                       csi_idx_source_unit(source), source->at, bytes, source->packed ? "at most " : "", most);
    }
    idx->elements = csi_alloc_aligned(&idx->alloc, bytes, 1, &idx->block);
    if (!idx->elements) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for %zu bytes of elements", bytes);
    }
    const costate_status status = read_part(source, idx->elements, bytes, "the elements", message);
    if (status == COSTATE_OK) {
        csi_from_big_endian(idx->elements, idx->n_element, element_bytes);
    }
    return status;
}

static costate_status check_end(csi_idx_source *source, costate_message *message) {
    unsigned char more;
    size_t got;
    const size_t at = source->at;
    const costate_status status = csi_idx_source_read(source, &more, 1, &got, message);
    if (status != COSTATE_OK || got == 0) {
        return status;
    }
    return csi_say(message, COSTATE_ERR_FORMAT, "%s %zu: there are bytes behind the last element",
                   csi_idx_source_unit(source), at);
}

static costate_status read_all(csi_idx_source *source, costate_idx *idx, size_t max_bytes, costate_message *message) {
    costate_status status = read_magic(source, idx, message);
    if (status == COSTATE_OK) {
        status = read_dims(source, idx, max_bytes, message);
    }
    if (status == COSTATE_OK) {
        status = read_elements(source, idx, message);
    }
    return status == COSTATE_OK ? check_end(source, message) : status;
}

static costate_status make(const void *bytes, size_t n_bytes, size_t max_bytes, const costate_allocator *alloc,
                           costate_idx **idx, costate_message *message) {
    costate_idx *made = csi_alloc(alloc, 1, sizeof(*made));
    if (!made) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the array");
    }
    made->alloc = *alloc;
    csi_idx_source source;
    costate_status status = csi_idx_source_open(&source, bytes, n_bytes, alloc, message);
    if (status == COSTATE_OK) {
        status = read_all(&source, made, max_bytes, message);
    }
    csi_idx_source_close(&source);
    if (status != COSTATE_OK) {
        costate_idx_destroy(made);
        return status;
    }
    *idx = made;
    return COSTATE_OK;
}

static size_t max_bytes_of(const costate_idx_options *options) {
    return options && options->max_bytes > 0 ? options->max_bytes : default_max_bytes;
}

costate_status costate_idx_parse(const void *bytes, size_t n_bytes, const costate_idx_options *options,
                                 const costate_allocator *alloc, costate_idx **idx, costate_message *message) {
    csi_message_clear(message);
    if (!idx) {
        return csi_say(message, COSTATE_ERR_NULL, "idx is NULL");
    }
    *idx = NULL;
    if (!bytes && n_bytes > 0) {
        return csi_say(message, COSTATE_ERR_NULL, "bytes is NULL");
    }
    const size_t max_bytes = max_bytes_of(options);
    if (n_bytes > max_bytes) {
        return csi_say(message, COSTATE_ERR_FORMAT, "%zu bytes are more than the %zu allowed", n_bytes, max_bytes);
    }
    const costate_allocator hooks = csi_allocator(alloc);
    return make(bytes, n_bytes, max_bytes, &hooks, idx, message);
}

costate_status costate_idx_read(const char *path, const costate_idx_options *options, const costate_allocator *alloc,
                                costate_idx **idx, costate_message *message) {
    csi_message_clear(message);
    if (!idx) {
        return csi_say(message, COSTATE_ERR_NULL, "idx is NULL");
    }
    *idx = NULL;
    if (!path) {
        return csi_say(message, COSTATE_ERR_NULL, "path is NULL");
    }
    const costate_allocator hooks = csi_allocator(alloc);
    const size_t max_bytes = max_bytes_of(options);
    char *bytes;
    size_t n_bytes;
    costate_status status = csi_read_whole_file(path, max_bytes, &hooks, &bytes, &n_bytes, message);
    if (status == COSTATE_OK) {
        status = make(bytes, n_bytes, max_bytes, &hooks, idx, message);
        csi_release(&hooks, bytes);
    }
    csi_message_name_file(message, path);
    return status;
}

void costate_idx_destroy(costate_idx *idx) {
    if (idx) {
        const costate_allocator hooks = idx->alloc;
        csi_release(&hooks, idx->block);
        csi_release(&hooks, idx);
    }
}

costate_status costate_idx_type_of(const costate_idx *idx, costate_idx_type *type) {
    if (!idx || !type) {
        return COSTATE_ERR_NULL;
    }
    *type = idx->type;
    return COSTATE_OK;
}

size_t costate_idx_n_dim(const costate_idx *idx) { return idx ? idx->n_dim : 0; }

size_t costate_idx_dim(const costate_idx *idx, size_t k) { return idx && k < idx->n_dim ? idx->dim[k] : 0; }

size_t costate_idx_n_element(const costate_idx *idx) { return idx ? idx->n_element : 0; }

const void *costate_idx_elements(const costate_idx *idx) { return idx ? idx->elements : NULL; }
