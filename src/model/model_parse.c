/* SPDX-License-Identifier: MIT */
/* From the content of a model file to a model. */
#include "model/model_parse.h"

#include "core/memory.h"
#include "core/message.h"
#include "core/whole_file.h"
#include "model/model_names.h"

#include <string.h>

/* "(3, 2)", cut to fit. */
static void write_shape(size_t n_dim, const size_t *shape, costate_message *text) {
    csi_message_write(text, "(");
    for (size_t k = 0; k < n_dim; k++) {
        const costate_message before = *text;
        csi_message_write(text, "%s%s%zu", before.text, k > 0 ? ", " : "", shape[k]);
    }
    const costate_message before = *text;
    csi_message_write(text, "%s)", before.text);
}

const double *csi_model_take(const csi_model_reader *r, const char *name, size_t n_dim, const size_t *shape,
                             costate_status *status) {
    size_t k;
    costate_tensor tensor;
    if (costate_safetensors_find(r->file, name, &k) != COSTATE_OK ||
        costate_safetensors_tensor(r->file, k, &tensor) != COSTATE_OK) {
        *status = csi_say(r->message, COSTATE_ERR_FORMAT, "tensor '%.120s' is missing", name);
        return NULL;
    }
    if (tensor.dtype != COSTATE_DTYPE_F64) {
        *status = csi_say(r->message, COSTATE_ERR_FORMAT, "tensor '%.120s' is of type %s; F64 is needed", name,
                          costate_dtype_name(tensor.dtype));
        return NULL;
    }
    if (tensor.n_dim != n_dim || memcmp(tensor.shape, shape, n_dim * sizeof(*shape)) != 0) {
        costate_message is;
        costate_message wanted;
        write_shape(tensor.n_dim, tensor.shape, &is);
        write_shape(n_dim, shape, &wanted);
        *status = csi_say(r->message, COSTATE_ERR_FORMAT, "tensor '%.120s' has the shape %.150s; %.100s is needed",
                          name, is.text, wanted.text);
        return NULL;
    }
    r->used[k] = true;
    *status = COSTATE_OK;
    return tensor.data;
}

static costate_status read_nets(const csi_model_reader *r, const cJSON *array) {
    const cJSON *item;
    if (!cJSON_IsArray(array)) {
        return csi_say(r->message, COSTATE_ERR_FORMAT, "%s is no array", CSI_MODEL_KEY_NETS);
    }
    cJSON_ArrayForEach(item, array) {
        const costate_status status = csi_model_read_net(r, item);
        if (status != COSTATE_OK) {
            return status;
        }
    }
    return COSTATE_OK;
}

/* The strings of an array, which belong to the JSON; NULL, with *status and a message, if it is none of strings. */
static const char **read_names(const csi_model_reader *r, const char *what, const cJSON *array, size_t *n,
                               costate_status *status) {
    const cJSON *item;
    if (!cJSON_IsArray(array)) {
        *status = csi_say(r->message, COSTATE_ERR_FORMAT, "%.80s: no array of names", what);
        return NULL;
    }
    const char **names = csi_alloc(&r->model->alloc, (size_t)cJSON_GetArraySize(array), sizeof(*names));
    if (!names) {
        *status = csi_say(r->message, COSTATE_ERR_MEMORY, "%.80s: no memory", what);
        return NULL;
    }
    *n = 0;
    cJSON_ArrayForEach(item, array) {
        if (!cJSON_IsString(item)) {
            csi_release(&r->model->alloc, names);
            *status = csi_say(r->message, COSTATE_ERR_FORMAT, "%.80s: name %zu is no string", what, *n);
            return NULL;
        }
        names[(*n)++] = item->valuestring;
    }
    return names;
}

static costate_status add_block(const csi_model_reader *r, const char *name, size_t n, const char *const *names,
                                const double *x) {
    const costate_status status = costate_model_set_block(r->model, name, n, names, x, r->message);
    return status == COSTATE_ERR_ARGUMENT ? COSTATE_ERR_FORMAT : status;
}

static costate_status read_named_block(const csi_model_reader *r, const cJSON *item) {
    size_t n;
    costate_status status;
    const char **names = read_names(r, item->string, item, &n, &status);
    if (!names) {
        return status;
    }
    const double *x = csi_model_take(r, item->string, 1, &n, &status);
    if (x) {
        status = add_block(r, item->string, n, names, x);
    }
    csi_release(&r->model->alloc, names);
    return status;
}

/* Its length is that of the tensor. */
static costate_status read_plain_block(const csi_model_reader *r, const char *name) {
    size_t k;
    costate_tensor tensor = {0};
    costate_status status;
    if (costate_safetensors_find(r->file, name, &k) == COSTATE_OK) {
        (void)costate_safetensors_tensor(r->file, k, &tensor);
    }
    const double *x = csi_model_take(r, name, 1, tensor.shape, &status);
    return x ? add_block(r, name, tensor.shape[0], NULL, x) : status;
}

static costate_status read_blocks(const csi_model_reader *r, const cJSON *object) {
    const cJSON *item;
    if (!cJSON_IsObject(object)) {
        return csi_say(r->message, COSTATE_ERR_FORMAT, "%s is no object", CSI_MODEL_KEY_BLOCKS);
    }
    cJSON_ArrayForEach(item, object) {
        if (csi_check_part_name(item->string, r->message) != COSTATE_OK) {
            return COSTATE_ERR_FORMAT;
        }
        if (csi_model_find_block(r->model, item->string)) {
            return csi_say(r->message, COSTATE_ERR_FORMAT, "the block '%.80s' is there twice", item->string);
        }
        const costate_status status =
            cJSON_IsNull(item) ? read_plain_block(r, item->string) : read_named_block(r, item);
        if (status != COSTATE_OK) {
            return status;
        }
    }
    return COSTATE_OK;
}

static costate_status read_states(const csi_model_reader *r, const cJSON *array) {
    size_t n;
    costate_status status;
    const char **names = read_names(r, "states", array, &n, &status);
    if (!names) {
        return status;
    }
    status = costate_model_set_states(r->model, n, names, r->message);
    csi_release(&r->model->alloc, names);
    return status == COSTATE_ERR_ARGUMENT ? COSTATE_ERR_FORMAT : status;
}

static costate_status read_json(const csi_model_reader *r, const costate_metadata *entry,
                                costate_status (*read)(const csi_model_reader *, const cJSON *)) {
    cJSON *tree;
    costate_status status = csi_json_parse(entry->key, entry->value, strlen(entry->value), &tree, r->message);
    if (status == COSTATE_OK) {
        status = read(r, tree);
        cJSON_Delete(tree);
    }
    return status;
}

static costate_status read_version(const csi_model_reader *r, const char *version) {
    r->model->version = csi_copy_text(&r->model->alloc, version);
    return r->model->version ? COSTATE_OK : csi_say(r->message, COSTATE_ERR_MEMORY, "no memory for the version");
}

static costate_status read_entry(const csi_model_reader *r, const costate_metadata *entry) {
    if (strncmp(entry->key, CSI_MODEL_PREFIX, strlen(CSI_MODEL_PREFIX)) != 0) {
        const costate_status status = csi_model_add_text(r->model, entry->key, entry->value, r->message);
        return status == COSTATE_ERR_ARGUMENT ? COSTATE_ERR_FORMAT : status;
    }
    if (strcmp(entry->key, CSI_MODEL_KEY_FORMAT) == 0) {
        return COSTATE_OK;
    }
    if (strcmp(entry->key, CSI_MODEL_KEY_VERSION) == 0) {
        return read_version(r, entry->value);
    }
    if (strcmp(entry->key, CSI_MODEL_KEY_NETS) == 0) {
        return read_json(r, entry, read_nets);
    }
    if (strcmp(entry->key, CSI_MODEL_KEY_BLOCKS) == 0) {
        return read_json(r, entry, read_blocks);
    }
    return strcmp(entry->key, CSI_MODEL_KEY_STATES) == 0
               ? read_json(r, entry, read_states)
               : csi_say(r->message, COSTATE_ERR_FORMAT, "metadata '%.100s': not known", entry->key);
}

static costate_status check_format(const csi_model_reader *r) {
    const char *format = costate_safetensors_value(r->file, CSI_MODEL_KEY_FORMAT);
    if (!format) {
        return csi_say(r->message, COSTATE_ERR_FORMAT, "no model file: the metadata have no %s", CSI_MODEL_KEY_FORMAT);
    }
    return strcmp(format, CSI_MODEL_FORMAT) == 0
               ? COSTATE_OK
               : csi_say(r->message, COSTATE_ERR_FORMAT, "version '%.20s' of the format is not known; %s is", format,
                         CSI_MODEL_FORMAT);
}

static costate_status read_model(const csi_model_reader *r) {
    costate_status status = check_format(r);
    costate_metadata entry;
    for (size_t k = 0; status == COSTATE_OK && costate_safetensors_metadata(r->file, k, &entry) == COSTATE_OK; k++) {
        status = read_entry(r, &entry);
    }
    costate_tensor tensor;
    for (size_t k = 0; status == COSTATE_OK && costate_safetensors_tensor(r->file, k, &tensor) == COSTATE_OK; k++) {
        if (!r->used[k]) {
            status = csi_say(r->message, COSTATE_ERR_FORMAT, "tensor '%.120s' belongs to no network and no block",
                             tensor.name);
        }
    }
    return status;
}

static costate_status make_model(const costate_safetensors *file, const costate_allocator *alloc, costate_model **model,
                                 costate_message *message) {
    csi_model_reader r = {.file = file, .message = message};
    costate_status status = costate_model_create(alloc, &r.model);
    r.used = csi_alloc(alloc, costate_safetensors_n_tensor(file), sizeof(*r.used));
    status = status == COSTATE_OK && r.used ? read_model(&r)
                                            : csi_say(message, COSTATE_ERR_MEMORY, "no memory for the model");
    csi_release(alloc, r.used);
    if (status != COSTATE_OK) {
        costate_model_destroy(r.model);
        return status;
    }
    *model = r.model;
    return COSTATE_OK;
}

costate_status costate_model_parse(const void *bytes, size_t n_bytes, const costate_allocator *alloc,
                                   costate_model **model, costate_message *message) {
    const costate_safetensors_options options = {.finite = true};
    csi_message_clear(message);
    if (!model) {
        return csi_say(message, COSTATE_ERR_NULL, "model is NULL");
    }
    *model = NULL;
    costate_safetensors *file;
    costate_status status = costate_safetensors_parse(bytes, n_bytes, &options, alloc, &file, message);
    if (status == COSTATE_OK) {
        const costate_allocator hooks = csi_allocator(alloc);
        status = make_model(file, &hooks, model, message);
        costate_safetensors_destroy(file);
    }
    return status;
}

costate_status costate_model_load(const char *path, const costate_allocator *alloc, costate_model **model,
                                  costate_message *message) {
    const costate_safetensors_options options = {.finite = true};
    csi_message_clear(message);
    if (!model) {
        return csi_say(message, COSTATE_ERR_NULL, "model is NULL");
    }
    *model = NULL;
    costate_safetensors *file;
    costate_status status = costate_safetensors_load(path, &options, alloc, &file, message);
    if (status == COSTATE_OK) {
        const costate_allocator hooks = csi_allocator(alloc);
        status = make_model(file, &hooks, model, message);
        costate_safetensors_destroy(file);
        csi_message_name_file(message, path);
    }
    return status;
}
