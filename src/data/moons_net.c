/* SPDX-License-Identifier: MIT */
/* Networks that classify the two-moons points: widths and parameters. */
#include <costate/moons.h>

#include "core/memory.h"
#include "core/message.h"
#include "data/moons_json.h"

#include <stdio.h>

struct costate_moons_net {
    costate_allocator alloc;
    size_t n_layer;
    size_t width[COSTATE_MOONS_MAX_LAYER + 1];
    size_t n_param;
    double *p;
};

static bool read_widths(costate_moons_net *net, const cJSON *array, costate_message *message) {
    size_t n = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, array) {
        size_t width;
        if (n > COSTATE_MOONS_MAX_LAYER) {
            csi_message_write(message, "architecture: more than %d elements", COSTATE_MOONS_MAX_LAYER + 1);
            return false;
        }
        if (!csi_moons_is_size(item, &width) || width == 0) {
            csi_message_write(message, "architecture[%zu]: not a whole number, 1 or more", n);
            return false;
        }
        net->width[n++] = width;
    }
    if (n < 2 || net->width[0] != 2 || net->width[n - 1] != 1) {
        csi_message_write(message, "architecture: not two inputs, layers of units and one output");
        return false;
    }
    net->n_layer = n - 1;
    return true;
}

/* Every parameter is at least a digit and what separates it from the next. */
static bool count_parameters(costate_moons_net *net, size_t n_bytes, costate_message *message) {
    for (size_t l = 0; l < net->n_layer; l++) {
        size_t row;
        size_t n;
        if (!csi_size_add(net->width[l], 1, &row) || !csi_size_mul(row, net->width[l + 1], &n) ||
            !csi_size_add(net->n_param, n, &net->n_param) || net->n_param > n_bytes / 2) {
            csi_message_write(message, "architecture[%zu]: with this width there are more parameters than the text has",
                              l + 1);
            return false;
        }
    }
    return true;
}

/* The weights and the biases behind them. */
static bool read_layer(const costate_moons_net *net, size_t l, const cJSON *layer, double *p,
                       costate_message *message) {
    char place[CSI_MOONS_PLACE_BYTES];
    const size_t n_in = net->width[l];
    const size_t n_out = net->width[l + 1];
    (void)snprintf(place, sizeof(place), "layers[%zu].", l);
    if (!cJSON_IsObject(layer)) {
        csi_message_write(message, "layers[%zu]: not an object", l);
        return false;
    }
    const cJSON *weights = csi_moons_array(layer, place, "weights", message);
    const cJSON *biases = weights ? csi_moons_array(layer, place, "biases", message) : NULL;
    if (!biases) {
        return false;
    }
    (void)snprintf(place, sizeof(place), "layers[%zu].weights", l);
    if (!csi_moons_matrix(weights, n_out, n_in, place, p, message)) {
        return false;
    }
    (void)snprintf(place, sizeof(place), "layers[%zu].biases", l);
    return csi_moons_numbers(biases, n_out, place, p + n_out * n_in, message);
}

static bool read_layers(const costate_moons_net *net, const cJSON *layers, costate_message *message) {
    double *p = net->p;
    size_t l = 0;
    const cJSON *layer = NULL;
    cJSON_ArrayForEach(layer, layers) {
        if (!read_layer(net, l, layer, p, message)) {
            return false;
        }
        p += (net->width[l] + 1) * net->width[l + 1];
        l++;
    }
    return true;
}

static costate_status fill(costate_moons_net *net, const cJSON *object, size_t n_bytes, costate_message *message) {
    const cJSON *architecture = csi_moons_array(object, "", "architecture", message);
    const cJSON *layers = architecture ? csi_moons_array(object, "", "layers", message) : NULL;
    if (!layers || !read_widths(net, architecture, message) ||
        !csi_moons_has_length(layers, net->n_layer, "layers", message) || !count_parameters(net, n_bytes, message)) {
        return COSTATE_ERR_FORMAT;
    }
    net->p = csi_alloc(&net->alloc, net->n_param, sizeof(*net->p));
    if (!net->p) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the parameters");
    }
    return read_layers(net, layers, message) ? COSTATE_OK : COSTATE_ERR_FORMAT;
}

/* Takes the object over. */
static costate_status make(cJSON *object, size_t n_bytes, const costate_allocator *alloc, costate_moons_net **net,
                           costate_message *message) {
    costate_status status = COSTATE_OK;
    costate_moons_net *made = csi_alloc(alloc, 1, sizeof(*made));
    if (made) {
        made->alloc = *alloc;
        status = fill(made, object, n_bytes, message);
    } else {
        status = csi_say(message, COSTATE_ERR_MEMORY, "no memory for the network");
    }
    cJSON_Delete(object);
    if (status != COSTATE_OK) {
        costate_moons_net_destroy(made);
        return status;
    }
    *net = made;
    return COSTATE_OK;
}

costate_status costate_moons_net_parse(const char *text, size_t n_bytes, const costate_moons_options *options,
                                       const costate_allocator *alloc, costate_moons_net **net,
                                       costate_message *message) {
    cJSON *object;
    csi_message_clear(message);
    if (!net) {
        return csi_say(message, COSTATE_ERR_NULL, "net is NULL");
    }
    *net = NULL;
    const costate_allocator hooks = csi_allocator(alloc);
    const costate_status status = csi_moons_json_parse(text, n_bytes, options, &hooks, &object, message);
    return status == COSTATE_OK ? make(object, n_bytes, &hooks, net, message) : status;
}

costate_status costate_moons_net_read(const char *path, const costate_moons_options *options,
                                      const costate_allocator *alloc, costate_moons_net **net,
                                      costate_message *message) {
    cJSON *object;
    size_t n_bytes;
    csi_message_clear(message);
    if (!net) {
        return csi_say(message, COSTATE_ERR_NULL, "net is NULL");
    }
    *net = NULL;
    const costate_allocator hooks = csi_allocator(alloc);
    costate_status status = csi_moons_json_read(path, options, &hooks, &object, &n_bytes, message);
    if (status == COSTATE_OK) {
        status = make(object, n_bytes, &hooks, net, message);
    }
    csi_message_name_file(message, path);
    return status;
}

void costate_moons_net_destroy(costate_moons_net *net) {
    if (net) {
        const costate_allocator hooks = net->alloc;
        csi_release(&hooks, net->p);
        csi_release(&hooks, net);
    }
}

size_t costate_moons_net_n_layer(const costate_moons_net *net) { return net ? net->n_layer : 0; }

size_t costate_moons_net_width(const costate_moons_net *net, size_t k) {
    return net && k <= net->n_layer ? net->width[k] : 0;
}

size_t costate_moons_net_n_param(const costate_moons_net *net) { return net ? net->n_param : 0; }

const double *costate_moons_net_param(const costate_moons_net *net) { return net ? net->p : NULL; }
