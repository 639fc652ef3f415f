/* SPDX-License-Identifier: MIT */
/* Parameters of a network: named views, conversion between layouts, initial values. */
#include <costate/net.h>
#include "nn/net_plan.h"
#include <math.h>
#include <string.h>

size_t costate_net_n_view(const costate_net *net) {
    size_t n = 0;
    for (size_t l = 0; net != NULL && l < net->n_layer; l++) {
        n += net->layers[l].has_bias ? 2 : 1;
    }
    return n;
}

/* "layer<l>.<kind>" without stdio. */
static void view_name(size_t l, const char *kind, char name[32]) {
    char digits[20];
    size_t n = 0, at = strlen("layer");
    memcpy(name, "layer", at);
    do {
        digits[n++] = (char)('0' + l % 10);
        l /= 10;
    } while (l > 0);
    while (n > 0) {
        name[at++] = digits[--n];
    }
    memcpy(name + at, kind, strlen(kind) + 1);
}

static costate_param_view weight_view(const costate_net *net, size_t l) {
    const csi_layer *layer = &net->layers[l];
    costate_param_view view = {.offset = layer->weight, .n_row = layer->n_out, .n_col = layer->n_in};
    view.row_stride = layer->columns ? 1 : layer->n_in;
    view.col_stride = layer->columns ? layer->n_out : 1;
    view_name(l, ".weight", view.name);
    return view;
}

static costate_param_view bias_view(const costate_net *net, size_t l) {
    const csi_layer *layer = &net->layers[l];
    costate_param_view view = {.offset = layer->bias, .n_row = layer->n_out, .n_col = 1, .row_stride = 1};
    view.col_stride = layer->n_out;
    view_name(l, ".bias", view.name);
    return view;
}

costate_status costate_net_view(const costate_net *net, size_t k, costate_param_view *view) {
    if (net == NULL || view == NULL) {
        return COSTATE_ERR_NULL;
    }
    for (size_t l = 0; l < net->n_layer; l++) {
        if (k == 0) {
            *view = weight_view(net, l);
            return COSTATE_OK;
        }
        k--;
        if (net->layers[l].has_bias && k-- == 0) {
            *view = bias_view(net, l);
            return COSTATE_OK;
        }
    }
    return COSTATE_ERR_ARGUMENT;
}

costate_status costate_net_find(const costate_net *net, const char *name, costate_param_view *view) {
    if (net == NULL || name == NULL || view == NULL) {
        return COSTATE_ERR_NULL;
    }
    costate_param_view candidate;
    for (size_t k = 0; costate_net_view(net, k, &candidate) == COSTATE_OK; k++) {
        if (strcmp(candidate.name, name) == 0) {
            *view = candidate;
            return COSTATE_OK;
        }
    }
    return COSTATE_ERR_ARGUMENT;
}

/* Index in a foreign array of the element that is number k of the layer's weights in our order. */
static size_t foreign_index(const csi_layer *layer, costate_order order, size_t k) {
    const size_t row = layer->columns ? k % layer->n_out : k / layer->n_in;
    const size_t col = layer->columns ? k / layer->n_out : k % layer->n_in;
    return order == COSTATE_ORDER_ROW_MAJOR ? row * layer->n_in + col : col * layer->n_out + row;
}

static bool is_order(costate_order order) {
    return order == COSTATE_ORDER_ROW_MAJOR || order == COSTATE_ORDER_COLUMN_MAJOR;
}

/* Calls `visit` with (our index, foreign index) of every parameter. */
#define FOR_EACH_PARAM(net, order, own, foreign, visit)                                                                \
    for (size_t l = 0; l < (net)->n_layer; l++) {                                                                      \
        const csi_layer *layer = &(net)->layers[l];                                                                    \
        const size_t n_weight = layer->n_in * layer->n_out;                                                            \
        const size_t n_bias = layer->has_bias ? layer->n_out : 0;                                                      \
        for (size_t k = 0; k < n_weight + n_bias; k++) {                                                               \
            const size_t own = layer->weight + k;                                                                      \
            const size_t foreign = layer->weight + (k < n_weight ? foreign_index(layer, order, k) : k);                \
            visit;                                                                                                     \
        }                                                                                                              \
    }

#define CONVERSIONS(bits, real)                                                                                        \
    costate_status costate_net_import_f##bits(const costate_net *net, costate_order order, const real *foreign,        \
                                              real *p) {                                                               \
        if (net == NULL || foreign == NULL || p == NULL) {                                                             \
            return COSTATE_ERR_NULL;                                                                                   \
        }                                                                                                              \
        if (!is_order(order)) {                                                                                        \
            return COSTATE_ERR_ARGUMENT;                                                                               \
        }                                                                                                              \
        FOR_EACH_PARAM(net, order, i, j, p[i] = foreign[j])                                                            \
        return COSTATE_OK;                                                                                             \
    }                                                                                                                  \
    costate_status costate_net_export_f##bits(const costate_net *net, costate_order order, const real *p,              \
                                              real *foreign) {                                                         \
        if (net == NULL || foreign == NULL || p == NULL) {                                                             \
            return COSTATE_ERR_NULL;                                                                                   \
        }                                                                                                              \
        if (!is_order(order)) {                                                                                        \
            return COSTATE_ERR_ARGUMENT;                                                                               \
        }                                                                                                              \
        FOR_EACH_PARAM(net, order, i, j, foreign[j] = p[i])                                                            \
        return COSTATE_OK;                                                                                             \
    }

CONVERSIONS(64, double)
CONVERSIONS(32, float)

static double draw(costate_init scheme, const csi_layer *layer, costate_random *random) {
    const double fan_in = (double)layer->n_in, fan_both = fan_in + (double)layer->n_out;
    switch (scheme) {
    case COSTATE_INIT_GLOROT_UNIFORM: return sqrt(6 / fan_both) * (2 * costate_random_uniform(random) - 1);
    case COSTATE_INIT_GLOROT_NORMAL: return sqrt(2 / fan_both) * costate_random_normal(random);
    case COSTATE_INIT_HE_UNIFORM: return sqrt(6 / fan_in) * (2 * costate_random_uniform(random) - 1);
    case COSTATE_INIT_HE_NORMAL: return sqrt(2 / fan_in) * costate_random_normal(random);
    default: return 0;
    }
}

/* Writes through whichever of p64 and p32 is given. */
static costate_status init(const costate_net *net, costate_init scheme, double out_gain, costate_random *random,
                           double *p64, float *p32) {
    if (net == NULL || random == NULL || (p64 == NULL && p32 == NULL)) {
        return COSTATE_ERR_NULL;
    }
    if ((unsigned)scheme > COSTATE_INIT_ZEROS) {
        return COSTATE_ERR_ARGUMENT;
    }
    for (size_t l = 0; l < net->n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        const costate_param_view view = weight_view(net, l);
        const double gain = l + 1 == net->n_layer ? out_gain : 1;
        for (size_t k = 0; k < view.n_row * view.n_col + (layer->has_bias ? layer->n_out : 0); k++) {
            const bool weight = k < view.n_row * view.n_col;
            const double value = weight ? gain * draw(scheme, layer, random) : 0;
            const size_t at = weight ? view.offset + k / view.n_col * view.row_stride + k % view.n_col * view.col_stride
                                     : view.offset + k;
            if (p64 != NULL) {
                p64[at] = value;
            } else {
                p32[at] = (float)value;
            }
        }
    }
    return COSTATE_OK;
}

costate_status costate_net_init_f64(const costate_net *net, costate_init scheme, double out_gain,
                                    costate_random *random, double *p) {
    return init(net, scheme, out_gain, random, p, NULL);
}

costate_status costate_net_init_f32(const costate_net *net, costate_init scheme, double out_gain,
                                    costate_random *random, float *p) {
    return init(net, scheme, out_gain, random, NULL, p);
}
