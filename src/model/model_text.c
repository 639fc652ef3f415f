/* SPDX-License-Identifier: MIT */
/* The texts of a model. */
#include <costate/model.h>

#include "core/memory.h"
#include "core/message.h"
#include "model/json.h"
#include "model/model_internal.h"
#include "model/model_names.h"

#include <string.h>

costate_status csi_model_add_text(costate_model *model, const char *key, const char *value, costate_message *message) {
    costate_status status = csi_check_text_key(key, message);
    if (status != COSTATE_OK) {
        return status;
    }
    csi_model_text *made =
        csi_list_reserve(&model->alloc, &model->texts) ? csi_alloc(&model->alloc, 1, sizeof(*made)) : NULL;
    if (made) {
        made->key = csi_copy_text(&model->alloc, key);
        made->value = csi_copy_text(&model->alloc, value);
    }
    if (!made || !made->key || !made->value) {
        csi_model_text_destroy(&model->alloc, made);
        return csi_say(message, COSTATE_ERR_MEMORY, "text '%.80s': no memory", key);
    }
    model->texts.items[model->texts.n++] = made;
    return COSTATE_OK;
}

static csi_model_text *find_text(const costate_model *model, const char *key) {
    for (size_t k = 0; k < model->texts.n; k++) {
        if (strcmp(csi_model_text_of(model, k)->key, key) == 0) {
            return csi_model_text_of(model, k);
        }
    }
    return NULL;
}

costate_status costate_model_set_text(costate_model *model, const char *key, const char *value,
                                      costate_message *message) {
    csi_message_clear(message);
    if (!model || !value) {
        return csi_say(message, COSTATE_ERR_NULL, "model or value is NULL");
    }
    if (!csi_is_utf8(value, strlen(value))) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "the text is no UTF-8");
    }
    csi_model_text *old = key ? find_text(model, key) : NULL;
    if (!old) {
        return csi_model_add_text(model, key, value, message);
    }
    char *copy = csi_copy_text(&model->alloc, value);
    if (!copy) {
        return csi_say(message, COSTATE_ERR_MEMORY, "text '%.80s': no memory", key);
    }
    csi_release(&model->alloc, old->value);
    old->value = copy;
    return COSTATE_OK;
}
