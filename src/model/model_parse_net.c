/* SPDX-License-Identifier: MIT */
/* A network from a model file. */
#include "model/model_parse.h"

#include "core/memory.h"
#include "core/message.h"
#include "model/model_names.h"
#include "model/net_tensors.h"

#include <string.h>

enum { N_NET_MEMBER = 5, N_LAYER_MEMBER = 3 };

static costate_status read_act(const csi_model_reader *r, const char *net, const cJSON *item, costate_act *act) {
    if (!cJSON_IsString(item)) {
        return csi_say(r->message, COSTATE_ERR_FORMAT, "network '%.80s': an activation is no string", net);
    }
    return costate_act_from_name(item->valuestring, act) == COSTATE_OK
               ? COSTATE_OK
               : csi_say(r->message, COSTATE_ERR_FORMAT, "network '%.80s': unknown activation '%.40s'", net,
                         item->valuestring);
}

static costate_status read_layer(const csi_model_reader *r, const char *net, size_t l, const cJSON *item,
                                 costate_layer_spec *layer) {
    const cJSON *n_out = csi_json_member(item, "n_out");
    const cJSON *bias = csi_json_member(item, "bias");
    if (!cJSON_IsObject(item) || cJSON_GetArraySize(item) != N_LAYER_MEMBER || !csi_json_size(n_out, &layer->n_out) ||
        layer->n_out == 0 || !cJSON_IsBool(bias)) {
        return csi_say(r->message, COSTATE_ERR_FORMAT,
                       "network '%.80s': layer %zu has not exactly n_out (a size), act and bias (true or false)", net,
                       l);
    }
    layer->no_bias = cJSON_IsFalse(bias) != 0;
    return read_act(r, net, csi_json_member(item, "act"), &layer->act);
}

/* All but the layers and what is in tensors. */
static costate_status read_head(const csi_model_reader *r, const char *name, const cJSON *object,
                                costate_net_spec *spec) {
    const cJSON *accuracy = csi_json_member(object, "accuracy");
    const cJSON *layers = csi_json_member(object, "layers");
    if (!csi_json_size(csi_json_member(object, "n_in"), &spec->n_in) || spec->n_in == 0) {
        return csi_say(r->message, COSTATE_ERR_FORMAT, "network '%.80s': n_in is no size", name);
    }
    if (!cJSON_IsString(accuracy) ||
        (strcmp(accuracy->valuestring, "fast") != 0 && strcmp(accuracy->valuestring, "accurate") != 0)) {
        return csi_say(r->message, COSTATE_ERR_FORMAT, "network '%.80s': accuracy is neither fast nor accurate", name);
    }
    if (!cJSON_IsArray(layers) || !layers->child) {
        return csi_say(r->message, COSTATE_ERR_FORMAT, "network '%.80s': there are no layers", name);
    }
    spec->accuracy = accuracy->valuestring[0] == 'f' ? COSTATE_ACCURACY_FAST : COSTATE_ACCURACY_ACCURATE;
    spec->n_layer = (size_t)cJSON_GetArraySize(layers);
    return read_act(r, name, csi_json_member(object, "input_act"), &spec->input_act);
}

static costate_status read_layers(const csi_model_reader *r, const char *name, const cJSON *array,
                                  costate_layer_spec *layers) {
    const cJSON *item;
    size_t l = 0;
    cJSON_ArrayForEach(item, array) {
        const costate_status status = read_layer(r, name, l, item, &layers[l]);
        if (status != COSTATE_OK) {
            return status;
        }
        l++;
    }
    return COSTATE_OK;
}

/* Every tensor of the network; the elements stay in the file. *n_param is bounded by its size. */
static costate_status take_tensors(const csi_model_reader *r, const char *name, costate_net_spec *spec,
                                   const double **sources, size_t *n_param) {
    const double **const affine[] = {&spec->in_scale, &spec->in_shift, &spec->out_scale, &spec->out_shift};
    costate_status status = COSTATE_OK;
    *n_param = 0;
    for (size_t i = 0; i < csi_n_net_tensor(spec); i++) {
        const csi_net_tensor wanted = csi_net_tensor_at(spec, i);
        char tensor[CSI_TENSOR_NAME_BYTES];
        size_t k;
        csi_net_tensor_name(name, &wanted, tensor);
        if (wanted.affine >= 0 && costate_safetensors_find(r->file, tensor, &k) != COSTATE_OK) {
            continue;
        }
        if (wanted.affine < 0 && wanted.is_bias && spec->layers[wanted.layer].no_bias) {
            continue;
        }
        const double *x = csi_model_take(r, tensor, wanted.tensor.n_dim, wanted.tensor.shape, &status);
        if (!x) {
            return status;
        }
        if (wanted.affine >= 0) {
            *affine[wanted.affine] = x;
        } else {
            sources[i] = x;
            *n_param += wanted.n;
        }
    }
    return COSTATE_OK;
}

static costate_status add_net(const csi_model_reader *r, const char *name, costate_net_spec *spec,
                              const double **sources) {
    const costate_allocator *alloc = &r->model->alloc;
    size_t n_param;
    costate_status status = take_tensors(r, name, spec, sources, &n_param);
    if (status != COSTATE_OK) {
        return status;
    }
    double *p = csi_alloc(alloc, n_param, sizeof(*p));
    if (!p) {
        return csi_say(r->message, COSTATE_ERR_MEMORY, "network '%.80s': no memory", name);
    }
    size_t at = 0;
    for (size_t i = 0; i < 2 * spec->n_layer; i++) {
        const size_t n = sources[i] ? csi_net_tensor_at(spec, i).n : 0;
        if (n > 0) {
            memcpy(p + at, sources[i], n * sizeof(*p));
        }
        at += n;
    }
    status = csi_model_put_net(r->model, name, spec, p, true, r->message);
    csi_release(alloc, p);
    return status == COSTATE_ERR_ARGUMENT ? COSTATE_ERR_FORMAT : status;
}

static costate_status read_spec(const csi_model_reader *r, const char *name, const cJSON *object) {
    const costate_allocator *alloc = &r->model->alloc;
    costate_net_spec spec = {0};
    costate_status status = read_head(r, name, object, &spec);
    if (status != COSTATE_OK) {
        return status;
    }
    costate_layer_spec *layers = csi_alloc(alloc, spec.n_layer, sizeof(*layers));
    const double **sources = csi_alloc(alloc, 2 * spec.n_layer, sizeof(*sources));
    spec.layers = layers;
    status = layers && sources ? read_layers(r, name, csi_json_member(object, "layers"), layers)
                               : csi_say(r->message, COSTATE_ERR_MEMORY, "network '%.80s': no memory", name);
    if (status == COSTATE_OK) {
        status = add_net(r, name, &spec, sources);
    }
    csi_release(alloc, layers);
    csi_release(alloc, sources);
    return status;
}

costate_status csi_model_read_net(const csi_model_reader *r, const cJSON *object) {
    const cJSON *name = csi_json_member(object, "name");
    if (!cJSON_IsObject(object) || !cJSON_IsString(name) || cJSON_GetArraySize(object) != N_NET_MEMBER) {
        return csi_say(r->message, COSTATE_ERR_FORMAT,
                       "a network is not described by exactly name, n_in, input_act, accuracy and layers");
    }
    if (csi_check_part_name(name->valuestring, r->message) != COSTATE_OK) {
        return COSTATE_ERR_FORMAT;
    }
    return csi_model_find_net(r->model, name->valuestring)
               ? csi_say(r->message, COSTATE_ERR_FORMAT, "the network '%.80s' is there twice", name->valuestring)
               : read_spec(r, name->valuestring, object);
}
