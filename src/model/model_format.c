/* SPDX-License-Identifier: MIT */
/* From a model to the content of a model file. */
#include <costate/model.h>

#include "core/atomic_file.h"
#include "core/memory.h"
#include "core/message.h"
#include "model/json.h"
#include "model/model_internal.h"
#include "model/net_tensors.h"

#include <costate/safetensors.h>
#include <costate/version.h>
#include <stdio.h>
#include <string.h>

/* Entries of the metadata that are not texts. */
enum { N_OWN_KEY = 5 };

/* What the file consists of. */
typedef struct content {
    const costate_model *model;
    costate_tensor *tensors;
    char (*names)[CSI_TENSOR_NAME_BYTES];
    double *p; /* of all networks, row-major */
    costate_metadata *metadata;
    char *json[3]; /* nets, blocks, states; to be released with cJSON_free() */
    size_t n_tensor, n_metadata;
} content;

static bool add_size(cJSON *object, const char *name, size_t size) {
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%zu", size);
    return cJSON_AddRawToObject(object, name, digits) != NULL;
}

static bool add_layers(cJSON *object, const costate_net_spec *spec) {
    cJSON *layers = cJSON_AddArrayToObject(object, "layers");
    bool good = layers != NULL;
    for (size_t l = 0; l < spec->n_layer && good; l++) {
        cJSON *layer = cJSON_CreateObject();
        good = cJSON_AddItemToArray(layers, layer) && add_size(layer, "n_out", spec->layers[l].n_out) &&
               cJSON_AddStringToObject(layer, "act", costate_act_name(spec->layers[l].act)) &&
               cJSON_AddBoolToObject(layer, "bias", !spec->layers[l].no_bias);
    }
    return good;
}

static cJSON *nets_json(const costate_model *model) {
    cJSON *nets = cJSON_CreateArray();
    bool good = nets != NULL;
    for (size_t k = 0; k < model->nets.n && good; k++) {
        const csi_model_net *net = csi_model_net_of(model, k);
        cJSON *object = cJSON_CreateObject();
        good = cJSON_AddItemToArray(nets, object) && cJSON_AddStringToObject(object, "name", net->name) &&
               add_size(object, "n_in", net->spec.n_in) &&
               cJSON_AddStringToObject(object, "input_act", costate_act_name(net->spec.input_act)) &&
               cJSON_AddStringToObject(object, "accuracy",
                                       net->spec.accuracy == COSTATE_ACCURACY_ACCURATE ? "accurate" : "fast") &&
               add_layers(object, &net->spec);
    }
    if (!good) {
        cJSON_Delete(nets);
    }
    return good ? nets : NULL;
}

static bool add_names(cJSON *array, size_t n, char *const *names) {
    bool good = array != NULL;
    for (size_t k = 0; k < n && good; k++) {
        good = cJSON_AddItemToArray(array, cJSON_CreateString(names[k]));
    }
    return good;
}

static cJSON *blocks_json(const costate_model *model) {
    cJSON *blocks = cJSON_CreateObject();
    bool good = blocks != NULL;
    for (size_t k = 0; k < model->blocks.n && good; k++) {
        const csi_model_block *block = csi_model_block_of(model, k);
        good = block->names ? add_names(cJSON_AddArrayToObject(blocks, block->name), block->n, block->names)
                            : cJSON_AddNullToObject(blocks, block->name) != NULL;
    }
    if (!good) {
        cJSON_Delete(blocks);
    }
    return good ? blocks : NULL;
}

static cJSON *states_json(const costate_model *model) {
    cJSON *states = cJSON_CreateArray();
    if (!add_names(states, model->n_state, model->states)) {
        cJSON_Delete(states);
        return NULL;
    }
    return states;
}

static bool make_metadata(content *c) {
    static const char *const keys[] = {CSI_MODEL_KEY_NETS, CSI_MODEL_KEY_BLOCKS, CSI_MODEL_KEY_STATES};
    const costate_model *model = c->model;
    cJSON *trees[] = {nets_json(model), blocks_json(model), states_json(model)};
    bool good = true;
    c->metadata = csi_alloc(&model->alloc, model->texts.n + N_OWN_KEY, sizeof(*c->metadata));
    for (size_t k = 0; k < 3; k++) {
        c->json[k] = trees[k] ? cJSON_PrintUnformatted(trees[k]) : NULL;
        cJSON_Delete(trees[k]);
        good = good && c->json[k];
    }
    if (!good || !c->metadata) {
        return false;
    }
    c->metadata[c->n_metadata++] = (costate_metadata){CSI_MODEL_KEY_FORMAT, CSI_MODEL_FORMAT};
    c->metadata[c->n_metadata++] = (costate_metadata){CSI_MODEL_KEY_VERSION, costate_version()};
    for (size_t k = 0; k < 3; k++) {
        c->metadata[c->n_metadata++] = (costate_metadata){keys[k], c->json[k]};
    }
    for (size_t k = 0; k < model->texts.n; k++) {
        const csi_model_text *text = csi_model_text_of(model, k);
        c->metadata[c->n_metadata++] = (costate_metadata){text->key, text->value};
    }
    return true;
}

static void add_net(content *c, const csi_model_net *net, double *p) {
    size_t offset = 0;
    (void)costate_net_export_f64(net->net, COSTATE_ORDER_ROW_MAJOR, net->p, p);
    for (size_t i = 0; i < csi_n_net_tensor(&net->spec); i++) {
        csi_net_tensor tensor = csi_net_tensor_at(&net->spec, i);
        if (tensor.n > 0 && (tensor.affine < 0 || net->affine[tensor.affine])) {
            char *name = c->names[c->n_tensor];
            csi_net_tensor_name(net->name, &tensor, name);
            tensor.tensor.name = name;
            tensor.tensor.data = tensor.affine < 0 ? p + offset : net->affine[tensor.affine];
            c->tensors[c->n_tensor++] = tensor.tensor;
        }
        offset += tensor.affine < 0 ? tensor.n : 0;
    }
}

static bool make_tensors(content *c) {
    const costate_model *model = c->model;
    size_t n_tensor = model->blocks.n;
    size_t n_param = 0;
    for (size_t k = 0; k < model->nets.n; k++) {
        n_tensor += csi_n_net_tensor(&csi_model_net_of(model, k)->spec);
        n_param += costate_net_n_param(csi_model_net_of(model, k)->net);
    }
    c->tensors = csi_alloc(&model->alloc, n_tensor, sizeof(*c->tensors));
    c->names = csi_alloc(&model->alloc, n_tensor, sizeof(*c->names));
    c->p = csi_alloc(&model->alloc, n_param, sizeof(*c->p));
    if (!c->tensors || !c->names || !c->p) {
        return false;
    }
    size_t at = 0;
    for (size_t k = 0; k < model->nets.n; k++) {
        add_net(c, csi_model_net_of(model, k), c->p + at);
        at += costate_net_n_param(csi_model_net_of(model, k)->net);
    }
    for (size_t k = 0; k < model->blocks.n; k++) {
        const csi_model_block *block = csi_model_block_of(model, k);
        c->tensors[c->n_tensor++] = (costate_tensor){
            .name = block->name, .dtype = COSTATE_DTYPE_F64, .n_dim = 1, .shape = {block->n}, .data = block->x};
    }
    return true;
}

static void release(content *c) {
    const costate_allocator *alloc = &c->model->alloc;
    csi_release(alloc, c->tensors);
    csi_release(alloc, c->names);
    csi_release(alloc, c->p);
    csi_release(alloc, c->metadata);
    for (size_t k = 0; k < 3; k++) {
        cJSON_free(c->json[k]);
    }
}

costate_status costate_model_format(const costate_model *model, void **bytes, size_t *n_bytes,
                                    costate_message *message) {
    csi_message_clear(message);
    if (bytes) {
        *bytes = NULL;
    }
    if (n_bytes) {
        *n_bytes = 0;
    }
    if (!model || !bytes || !n_bytes) {
        return csi_say(message, COSTATE_ERR_NULL, "model, bytes or n_bytes is NULL");
    }
    content c = {.model = model};
    const costate_status status = make_metadata(&c) && make_tensors(&c)
                                      ? costate_safetensors_format(c.n_tensor, c.tensors, c.n_metadata, c.metadata,
                                                                   &model->alloc, bytes, n_bytes, message)
                                      : csi_say(message, COSTATE_ERR_MEMORY, "no memory for the content of the file");
    release(&c);
    return status;
}

costate_status costate_model_save(const costate_model *model, const char *path, costate_message *message) {
    void *bytes;
    size_t n_bytes;
    csi_message_clear(message);
    if (!model || !path) {
        return csi_say(message, COSTATE_ERR_NULL, "model or path is NULL");
    }
    costate_status status = costate_model_format(model, &bytes, &n_bytes, message);
    if (status != COSTATE_OK) {
        csi_message_name_file(message, path);
        return status;
    }
    status = csi_replace_file(path, bytes, n_bytes, &model->alloc, message);
    csi_release(&model->alloc, bytes);
    return status;
}
