/* SPDX-License-Identifier: MIT */
/* Models: creation, release, and what can be asked of them. */
#include <costate/model.h>

#include "core/memory.h"
#include "model/model_internal.h"

#include <string.h>

costate_status costate_model_create(const costate_allocator *alloc, costate_model **model) {
    if (!model) {
        return COSTATE_ERR_NULL;
    }
    const costate_allocator hooks = csi_allocator(alloc);
    *model = csi_alloc(&hooks, 1, sizeof(**model));
    if (!*model) {
        return COSTATE_ERR_MEMORY;
    }
    (*model)->alloc = hooks;
    return COSTATE_OK;
}

void csi_model_net_destroy(const costate_allocator *alloc, csi_model_net *net) {
    if (net) {
        costate_net_destroy(net->net);
        csi_release(alloc, net->name);
        csi_release(alloc, net->layers);
        for (size_t k = 0; k < 4; k++) {
            csi_release(alloc, net->affine[k]);
        }
        csi_release(alloc, net->p);
        csi_release(alloc, net);
    }
}

void csi_model_block_destroy(const costate_allocator *alloc, csi_model_block *block) {
    if (block) {
        csi_release(alloc, block->name);
        csi_release(alloc, block->names);
        csi_release(alloc, block->x);
        csi_release(alloc, block);
    }
}

void csi_model_text_destroy(const costate_allocator *alloc, csi_model_text *text) {
    if (text) {
        csi_release(alloc, text->key);
        csi_release(alloc, text->value);
        csi_release(alloc, text);
    }
}

void costate_model_destroy(costate_model *model) {
    if (!model) {
        return;
    }
    const costate_allocator hooks = model->alloc;
    for (size_t k = 0; k < model->nets.n; k++) {
        csi_model_net_destroy(&hooks, csi_model_net_of(model, k));
    }
    for (size_t k = 0; k < model->blocks.n; k++) {
        csi_model_block_destroy(&hooks, csi_model_block_of(model, k));
    }
    for (size_t k = 0; k < model->texts.n; k++) {
        csi_model_text_destroy(&hooks, csi_model_text_of(model, k));
    }
    csi_release(&hooks, model->nets.items);
    csi_release(&hooks, model->blocks.items);
    csi_release(&hooks, model->texts.items);
    csi_release(&hooks, model->states);
    csi_release(&hooks, model->version);
    csi_release(&hooks, model);
}

csi_model_net *csi_model_find_net(const costate_model *model, const char *name) {
    for (size_t k = 0; k < model->nets.n; k++) {
        if (strcmp(csi_model_net_of(model, k)->name, name) == 0) {
            return csi_model_net_of(model, k);
        }
    }
    return NULL;
}

csi_model_block *csi_model_find_block(const costate_model *model, const char *name) {
    for (size_t k = 0; k < model->blocks.n; k++) {
        if (strcmp(csi_model_block_of(model, k)->name, name) == 0) {
            return csi_model_block_of(model, k);
        }
    }
    return NULL;
}

size_t costate_model_n_net(const costate_model *model) { return model ? model->nets.n : 0; }

static costate_status show_net(const csi_model_net *from, costate_model_net *net) {
    if (!from) {
        return COSTATE_ERR_ARGUMENT;
    }
    *net = (costate_model_net){.name = from->name, .net = from->net, .spec = from->spec, .p = from->p};
    return COSTATE_OK;
}

costate_status costate_model_net_at(const costate_model *model, size_t k, costate_model_net *net) {
    if (!model || !net) {
        return COSTATE_ERR_NULL;
    }
    return show_net(k < model->nets.n ? csi_model_net_of(model, k) : NULL, net);
}

costate_status costate_model_find_net(const costate_model *model, const char *name, costate_model_net *net) {
    if (!model || !name || !net) {
        return COSTATE_ERR_NULL;
    }
    return show_net(csi_model_find_net(model, name), net);
}

size_t costate_model_n_block(const costate_model *model) { return model ? model->blocks.n : 0; }

static costate_status show_block(const csi_model_block *from, costate_model_block *block) {
    if (!from) {
        return COSTATE_ERR_ARGUMENT;
    }
    *block = (costate_model_block){
        .name = from->name, .n = from->n, .names = (const char *const *)from->names, .x = from->x};
    return COSTATE_OK;
}

costate_status costate_model_block_at(const costate_model *model, size_t k, costate_model_block *block) {
    if (!model || !block) {
        return COSTATE_ERR_NULL;
    }
    return show_block(k < model->blocks.n ? csi_model_block_of(model, k) : NULL, block);
}

costate_status costate_model_find_block(const costate_model *model, const char *name, costate_model_block *block) {
    if (!model || !name || !block) {
        return COSTATE_ERR_NULL;
    }
    return show_block(csi_model_find_block(model, name), block);
}

size_t costate_model_states(const costate_model *model, const char *const **names) {
    if (names) {
        *names = model ? (const char *const *)model->states : NULL;
    }
    return model ? model->n_state : 0;
}

const char *costate_model_text(const costate_model *model, const char *key) {
    if (!model || !key) {
        return NULL;
    }
    for (size_t k = 0; k < model->texts.n; k++) {
        if (strcmp(csi_model_text_of(model, k)->key, key) == 0) {
            return csi_model_text_of(model, k)->value;
        }
    }
    return strcmp(key, CSI_MODEL_KEY_VERSION) == 0 ? model->version : NULL;
}

size_t costate_model_n_text(const costate_model *model) { return model ? model->texts.n : 0; }

const char *costate_model_text_key(const costate_model *model, size_t k) {
    return model && k < model->texts.n ? csi_model_text_of(model, k)->key : NULL;
}
