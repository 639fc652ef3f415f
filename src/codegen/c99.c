/* SPDX-License-Identifier: MIT */
/* A network as a C99 translation unit: constant tables, and loops over them. */
#include "codegen/c99_parts.h"
#include "codegen/export.h"

#include <string.h>

/* Numbers begin a new line behind this column. */
enum { WIDTH = 90 };

static void put_numbers(csi_export *export, size_t n, double (*number)(const csi_export *, const void *, size_t),
                        const void *of) {
    for (size_t i = 0; i < n; i++) {
        const bool full = export->text.column > WIDTH;
        csi_text_put(&export->text, i == 0 ? "" : full ? ",\n    " : ", ");
        csi_text_number(&export->text, number(export, of, i), 'e');
    }
}

static double array_element(const csi_export *export, const void *of, size_t i) {
    (void)export;
    return ((const double *)of)[i];
}

static double weight_by_row(const csi_export *export, const void *of, size_t k) {
    const csi_layer *layer = of;
    return csi_weight(export, layer, k / layer->n_in, k % layer->n_in);
}

static void put_array(csi_export *export, const char *name, const double *x, size_t n) {
    csi_text_format(&export->text, "static const double %s_%s[%zu] = {\n    ", export->name, name, n);
    put_numbers(export, n, array_element, x);
    csi_text_put(&export->text, "};\n");
}

static void put_tables(csi_export *export) {
    const costate_net *net = export->net;
    csi_text *text = &export->text;
    put_array(export, "in_scale", csi_in_scale(net), net->n_in);
    put_array(export, "in_shift", csi_in_shift(net), net->n_in);
    put_array(export, "out_scale", csi_out_scale(net), net->n_out);
    put_array(export, "out_shift", csi_out_shift(net), net->n_out);
    for (size_t l = 0; l < net->n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        const size_t n_weight = layer->n_in * layer->n_out;
        csi_text_format(text, "\n/* layer %zu: weights, one row per unit, and biases */\n", l + 1);
        csi_text_format(text, "static const double %s_w%zu[%zu] = {\n    ", export->name, l + 1, n_weight);
        put_numbers(export, n_weight, weight_by_row, layer);
        csi_text_put(text, "};\n");
        if (layer->has_bias) {
            csi_text_format(text, "static const double %s_b%zu[%zu] = {\n    ", export->name, l + 1, layer->n_out);
            put_numbers(export, layer->n_out, array_element, export->p + layer->bias);
            csi_text_put(text, "};\n");
        }
    }
}

static bool uses(const costate_net *net, costate_act act) {
    bool found = net->input_act == act;
    for (size_t l = 0; l < net->n_layer; l++) {
        found = found || net->layers[l].act == act;
    }
    return found;
}

static void put_activations(csi_export *export) {
    const costate_net *net = export->net;
    const bool gated = uses(net, COSTATE_ACT_GELU_TANH) || uses(net, COSTATE_ACT_SILU);
    if (gated || uses(net, COSTATE_ACT_GELU) || uses(net, COSTATE_ACT_GAUSSIAN)) {
        csi_text_template(&export->text, csi_c99_clamp, export->name);
    }
    if (gated) {
        csi_text_template(&export->text, csi_c99_gate, export->name);
    }
    for (unsigned act = 0; act < COSTATE_ACT_COUNT; act++) {
        if (uses(net, (costate_act)act)) {
            csi_text_template(&export->text, csi_c99_act[act], export->name);
        }
    }
}

static void put_layers(csi_export *export) {
    const costate_net *net = export->net;
    csi_text *text = &export->text;
    csi_text_template(text, csi_c99_layer, export->name);
    csi_text_format(text, "static const struct %s_layer %s_layers[%zu] = {\n", export->name, export->name,
                    net->n_layer);
    for (size_t l = 0; l < net->n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        csi_text_format(text, "    {%zu, %zu, %s_w%zu, ", layer->n_in, layer->n_out, export->name, l + 1);
        if (layer->has_bias) {
            csi_text_format(text, "%s_b%zu", export->name, l + 1);
        } else {
            csi_text_put(text, "0");
        }
        csi_text_format(text, ", %s_%s},\n", export->name, costate_act_name(layer->act));
    }
    csi_text_put(text, "};\n");
}

/* Sizes as macros that the end of the text takes back. */
static void put_sizes(csi_export *export) {
    const costate_net *net = export->net;
    size_t widest = net->n_in, n_unit = net->n_in;
    for (size_t l = 0; l < net->n_layer; l++) {
        const size_t n_out = net->layers[l].n_out;
        widest = n_out > widest ? n_out : widest;
        n_unit += n_out;
    }
    csi_text *text = &export->text;
    const char *name = export->name;
    csi_text_format(text, "\n#define %s_N_IN %zu\n#define %s_N_OUT %zu\n", name, net->n_in, name, net->n_out);
    csi_text_format(text, "#define %s_N_LAYER %zu\n", name, net->n_layer);
    csi_text_format(text, "#define %s_WIDEST %zu /* vector of a call */\n", name, widest);
    csi_text_format(text, "#define %s_N_UNIT %zu /* inputs and units of all layers */\n", name, n_unit);
    csi_text_format(text, "#define %s_IN_ACT %s_%s\n", name, name, costate_act_name(net->input_act));
}

void csi_write_c99(csi_export *export) {
    csi_text *text = &export->text;
    csi_text_put(text, "/*\n");
    csi_put_header(export, " * ", 0);
    csi_text_template(text, csi_c99_declarations, export->name);
    put_tables(export);
    put_activations(export);
    put_layers(export);
    put_sizes(export);
    csi_text_template(text, csi_c99_value, export->name);
    csi_text_template(text, csi_c99_derivatives, export->name);
    csi_text_template(text, csi_c99_hessian, export->name);
}
