/* SPDX-License-Identifier: MIT */
/* Filling a model. A part is complete before it takes the place of an old one. */
#include <costate/model.h>

#include "core/finite.h"
#include "core/memory.h"
#include "core/message.h"
#include "model/json.h"
#include "model/model_internal.h"
#include "model/model_names.h"

#include <string.h>

char *csi_copy_text(const costate_allocator *alloc, const char *text) {
    const size_t bytes = strlen(text) + 1;
    char *copy = csi_alloc(alloc, bytes, 1);
    if (copy) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

char **csi_copy_texts(const costate_allocator *alloc, size_t n, const char *const *texts) {
    size_t bytes;
    if (!csi_size_mul(n, sizeof(char *), &bytes)) {
        return NULL;
    }
    for (size_t k = 0; k < n; k++) {
        if (!csi_size_add(bytes, strlen(texts[k]) + 1, &bytes)) {
            return NULL;
        }
    }
    char **copy = csi_alloc(alloc, bytes, 1);
    char *at = copy ? (char *)(copy + n) : NULL;
    for (size_t k = 0; k < n && copy; k++) {
        copy[k] = at;
        memcpy(at, texts[k], strlen(texts[k]) + 1);
        at += strlen(texts[k]) + 1;
    }
    return copy;
}

bool csi_list_reserve(const costate_allocator *alloc, csi_list *list) {
    if (list->n < list->capacity) {
        return true;
    }
    const size_t capacity = list->capacity > 0 ? 2 * list->capacity : 4;
    void **items = csi_alloc(alloc, capacity, sizeof(*items));
    if (!items) {
        return false;
    }
    if (list->n > 0) {
        memcpy(items, list->items, list->n * sizeof(*items));
    }
    csi_release(alloc, list->items);
    list->items = items;
    list->capacity = capacity;
    return true;
}

/* NULL when there is no memory. */
static double *copy_numbers(const costate_allocator *alloc, size_t n, const double *x) {
    double *copy = csi_alloc(alloc, n, sizeof(*copy));
    if (copy && n > 0) {
        memcpy(copy, x, n * sizeof(*copy));
    }
    return copy;
}

static costate_status no_memory(const char *name, costate_message *message) {
    return csi_say(message, COSTATE_ERR_MEMORY, "'%.80s': no memory", name);
}

/* Of a network that costate_net_create() has accepted. */
static bool copy_spec(const costate_allocator *alloc, const costate_net_spec *spec, csi_model_net *made) {
    const double *const affine[] = {spec->in_scale, spec->in_shift, spec->out_scale, spec->out_shift};
    made->layers = csi_alloc(alloc, spec->n_layer, sizeof(*made->layers));
    if (!made->layers) {
        return false;
    }
    memcpy(made->layers, spec->layers, spec->n_layer * sizeof(*made->layers));
    for (size_t k = 0; k < 4; k++) {
        const size_t n = k < 2 ? spec->n_in : spec->layers[spec->n_layer - 1].n_out;
        made->affine[k] = affine[k] ? copy_numbers(alloc, n, affine[k]) : NULL;
        if (affine[k] && !made->affine[k]) {
            return false;
        }
    }
    made->spec = *spec;
    made->spec.layers = made->layers;
    made->spec.in_scale = made->affine[0];
    made->spec.in_shift = made->affine[1];
    made->spec.out_scale = made->affine[2];
    made->spec.out_shift = made->affine[3];
    return true;
}

static costate_status fill_net(const costate_allocator *alloc, const char *name, const costate_net_spec *spec,
                               const double *p, bool row_major, csi_model_net *made, costate_message *message) {
    costate_status status = costate_net_create(spec, alloc, &made->net);
    if (status != COSTATE_OK) {
        return csi_say(message, status, "network '%.80s': %s", name, costate_status_message(status));
    }
    const size_t n_param = costate_net_n_param(made->net);
    if (!csi_all_finite(p, n_param)) {
        return csi_say(message, COSTATE_ERR_NONFINITE, "network '%.80s': parameter %zu is NaN or infinite", name,
                       csi_first_nonfinite(p, n_param));
    }
    made->name = csi_copy_text(alloc, name);
    made->p = copy_numbers(alloc, n_param, p);
    if (!made->name || !made->p || !copy_spec(alloc, spec, made)) {
        return no_memory(name, message);
    }
    return row_major ? costate_net_import_f64(made->net, COSTATE_ORDER_ROW_MAJOR, p, made->p) : COSTATE_OK;
}

/* Appends the part, or puts it in the place of the old one. */
static costate_status make_room(costate_model *model, csi_list *list, const char *name, const void *old,
                                costate_message *message) {
    if (!old && list->n == COSTATE_MODEL_MAX_PARTS) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "'%.80s': there are %d parts already", name,
                       COSTATE_MODEL_MAX_PARTS);
    }
    return old || csi_list_reserve(&model->alloc, list) ? COSTATE_OK : no_memory(name, message);
}

static void put(csi_list *list, const void *old, void *part) {
    size_t k = 0;
    while (k < list->n && (!old || list->items[k] != old)) {
        k++;
    }
    list->n = k == list->n ? k + 1 : list->n;
    list->items[k] = part;
}

costate_status csi_model_put_net(costate_model *model, const char *name, const costate_net_spec *spec, const double *p,
                                 bool row_major, costate_message *message) {
    costate_status status = csi_check_part_name(name, message);
    if (status != COSTATE_OK) {
        return status;
    }
    if (csi_model_find_block(model, name)) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "'%.80s' is a block", name);
    }
    csi_model_net *old = csi_model_find_net(model, name);
    status = make_room(model, &model->nets, name, old, message);
    if (status != COSTATE_OK) {
        return status;
    }
    csi_model_net *made = csi_alloc(&model->alloc, 1, sizeof(*made));
    status = made ? fill_net(&model->alloc, name, spec, p, row_major, made, message) : no_memory(name, message);
    if (status != COSTATE_OK) {
        csi_model_net_destroy(&model->alloc, made);
        return status;
    }
    put(&model->nets, old, made);
    csi_model_net_destroy(&model->alloc, old);
    return COSTATE_OK;
}

costate_status costate_model_set_net(costate_model *model, const char *name, const costate_net_spec *spec,
                                     const double *p, costate_message *message) {
    csi_message_clear(message);
    if (!model || !spec || !p) {
        return csi_say(message, COSTATE_ERR_NULL, "model, spec or p is NULL");
    }
    return csi_model_put_net(model, name, spec, p, false, message);
}

static costate_status fill_block(const costate_allocator *alloc, const char *name, size_t n, const char *const *names,
                                 const double *x, csi_model_block *made, costate_message *message) {
    made->n = n;
    made->name = csi_copy_text(alloc, name);
    made->names = names ? csi_copy_texts(alloc, n, names) : NULL;
    made->x = copy_numbers(alloc, n, x);
    return made->name && (made->names || !names) && made->x ? COSTATE_OK : no_memory(name, message);
}

static costate_status check_block(const costate_model *model, const char *name, size_t n, const char *const *names,
                                  const double *x, costate_message *message) {
    const costate_status status = csi_check_part_name(name, message);
    if (status != COSTATE_OK) {
        return status;
    }
    if (csi_model_find_net(model, name)) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "'%.80s' is a network", name);
    }
    if (n == 0) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "block '%.80s' has no entry", name);
    }
    if (!csi_all_finite(x, n)) {
        return csi_say(message, COSTATE_ERR_NONFINITE, "block '%.80s': entry %zu is NaN or infinite", name,
                       csi_first_nonfinite(x, n));
    }
    return names ? csi_check_entry_names(name, n, names, &model->alloc, message) : COSTATE_OK;
}

costate_status costate_model_set_block(costate_model *model, const char *name, size_t n, const char *const *names,
                                       const double *x, costate_message *message) {
    csi_message_clear(message);
    if (!model || !x) {
        return csi_say(message, COSTATE_ERR_NULL, "model or x is NULL");
    }
    costate_status status = check_block(model, name, n, names, x, message);
    if (status != COSTATE_OK) {
        return status;
    }
    csi_model_block *old = csi_model_find_block(model, name);
    status = make_room(model, &model->blocks, name, old, message);
    if (status != COSTATE_OK) {
        return status;
    }
    csi_model_block *made = csi_alloc(&model->alloc, 1, sizeof(*made));
    status = made ? fill_block(&model->alloc, name, n, names, x, made, message) : no_memory(name, message);
    if (status != COSTATE_OK) {
        csi_model_block_destroy(&model->alloc, made);
        return status;
    }
    put(&model->blocks, old, made);
    csi_model_block_destroy(&model->alloc, old);
    return COSTATE_OK;
}

costate_status costate_model_set_states(costate_model *model, size_t n, const char *const *names,
                                        costate_message *message) {
    csi_message_clear(message);
    if (!model) {
        return csi_say(message, COSTATE_ERR_NULL, "model is NULL");
    }
    const costate_status status = csi_check_entry_names("states", n, names, &model->alloc, message);
    if (status != COSTATE_OK) {
        return status;
    }
    char **copy = n > 0 ? csi_copy_texts(&model->alloc, n, names) : NULL;
    if (n > 0 && !copy) {
        return no_memory("states", message);
    }
    csi_release(&model->alloc, model->states);
    model->states = copy;
    model->n_state = n;
    return COSTATE_OK;
}
