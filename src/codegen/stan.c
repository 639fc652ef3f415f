/* SPDX-License-Identifier: MIT */
/* A network as Stan functions. */
#include "codegen/export.h"

/* Numbers begin a new line behind this column. */
enum { WIDTH = 90 };

typedef struct stan_act {
    const char *call; /* what to write in front of "(z)"; @ is the network's name */
    const char *body; /* its definition, if Stan has no such function */
} stan_act;

static const stan_act acts[COSTATE_ACT_COUNT] = {
    [COSTATE_ACT_IDENTITY] = {NULL, NULL},
    [COSTATE_ACT_TANH] = {"tanh", NULL},
    [COSTATE_ACT_SIGMOID] = {"inv_logit", NULL},
    [COSTATE_ACT_RELU] = {"@_relu", "z > 0 ? z : 0.0"},
    [COSTATE_ACT_LEAKY_RELU] = {"@_leaky_relu", "z > 0 ? z : 0.01 * z"},
    [COSTATE_ACT_ELU] = {"@_elu", "z > 0 ? z : expm1(z)"},
    [COSTATE_ACT_SOFTPLUS] = {"log1p_exp", NULL},
    [COSTATE_ACT_GELU] = {"@_gelu", "0.5 * z * erfc(-0.70710678118654752 * z)"},
    [COSTATE_ACT_GELU_TANH] = {"@_gelu_tanh", "z * inv_logit(1.5957691216057308 * z * (1 + 0.044715 * z * z))"},
    [COSTATE_ACT_SILU] = {"@_silu", "z * inv_logit(z)"},
    [COSTATE_ACT_SIN] = {"sin", NULL},
    [COSTATE_ACT_CUBE] = {"@_cube", "z * z * z"},
    [COSTATE_ACT_GAUSSIAN] = {"@_gaussian", "exp(-square(z))"},
};

static void put_functions_of_acts(csi_export *export) {
    const costate_net *net = export->net;
    for (unsigned act = 0; act < COSTATE_ACT_COUNT; act++) {
        bool used = net->input_act == (costate_act)act;
        for (size_t l = 0; l < net->n_layer; l++) {
            used = used || net->layers[l].act == (costate_act)act;
        }
        if (used && acts[act].body != NULL) {
            csi_text_put(&export->text, "real ");
            csi_text_template(&export->text, acts[act].call, export->name);
            csi_text_format(&export->text, "(real z) {\n  return %s;\n}\n", acts[act].body);
        }
    }
}

static void put_number(csi_export *export, double x, size_t i) {
    const bool full = export->text.column > WIDTH;
    csi_text_put(&export->text, i == 0 ? "" : full ? ",\n    " : ", ");
    csi_text_number(&export->text, x, 'e');
}

static void put_vector(csi_export *export, const char *name, size_t number, const double *x, size_t n) {
    csi_text *text = &export->text;
    csi_text_format(text, "vector %s_%s", export->name, name);
    if (number != 0) {
        csi_text_format(text, "%zu", number);
    }
    csi_text_put(text, "() {\n  return [");
    for (size_t i = 0; i < n; i++) {
        put_number(export, x[i], i);
    }
    csi_text_put(text, "]';\n}\n");
}

static void put_matrix(csi_export *export, size_t l) {
    const csi_layer *layer = &export->net->layers[l];
    csi_text *text = &export->text;
    csi_text_format(text, "matrix %s_w%zu() {\n  return [", export->name, l + 1);
    for (size_t i = 0; i < layer->n_out; i++) {
        csi_text_put(text, i == 0 ? "[" : ",\n    [");
        for (size_t j = 0; j < layer->n_in; j++) {
            put_number(export, csi_weight(export, layer, i, j), j);
        }
        csi_text_put(text, "]");
    }
    csi_text_put(text, "];\n}\n");
}

/* Constants as functions of nothing, because those keep the type of data in an expression with parameters. */
static void put_constants(csi_export *export) {
    const costate_net *net = export->net;
    if (csi_scales_input(net)) {
        put_vector(export, "in_scale", 0, csi_in_scale(net), net->n_in);
        put_vector(export, "in_shift", 0, csi_in_shift(net), net->n_in);
    }
    for (size_t l = 0; l < net->n_layer; l++) {
        put_matrix(export, l);
        if (net->layers[l].has_bias) {
            put_vector(export, "b", l + 1, export->p + net->layers[l].bias, net->layers[l].n_out);
        }
    }
    if (csi_scales_output(net)) {
        put_vector(export, "out_scale", 0, csi_out_scale(net), net->n_out);
        put_vector(export, "out_shift", 0, csi_out_shift(net), net->n_out);
    }
}

static void put_activation(csi_export *export, costate_act act, size_t layer, size_t n) {
    csi_text *text = &export->text;
    if (act != COSTATE_ACT_IDENTITY) {
        csi_text_format(text, "  for (i in 1:%zu) {\n    h%zu[i] = ", n, layer);
        csi_text_template(text, acts[act].call, export->name);
        csi_text_format(text, "(h%zu[i]);\n  }\n", layer);
    }
}

/* All vectors first: older Stan wants declarations ahead of statements. */
static void put_declarations(csi_export *export) {
    const costate_net *net = export->net;
    csi_text_format(&export->text, "  vector[%zu] h0;\n", net->n_in);
    for (size_t l = 0; l < net->n_layer; l++) {
        csi_text_format(&export->text, "  vector[%zu] h%zu;\n", net->layers[l].n_out, l + 1);
    }
}

void csi_write_stan(csi_export *export) {
    const costate_net *net = export->net;
    csi_text *text = &export->text;
    const char *name = export->name;
    csi_put_header(export, "// ", 1);
    put_constants(export);
    put_functions_of_acts(export);
    csi_text_format(text, "vector %s(vector x) {\n", name);
    put_declarations(export);
    if (csi_scales_input(net)) {
        csi_text_format(text, "  h0 = %s_in_scale() .* x + %s_in_shift();\n", name, name);
    } else {
        csi_text_put(text, "  h0 = x;\n");
    }
    put_activation(export, net->input_act, 0, net->n_in);
    for (size_t l = 0; l < net->n_layer; l++) {
        csi_text_format(text, "  h%zu = %s_w%zu() * h%zu", l + 1, name, l + 1, l);
        if (net->layers[l].has_bias) {
            csi_text_format(text, " + %s_b%zu()", name, l + 1);
        }
        csi_text_put(text, ";\n");
        put_activation(export, net->layers[l].act, l + 1, net->layers[l].n_out);
    }
    if (csi_scales_output(net)) {
        csi_text_format(text, "  return %s_out_scale() .* h%zu + %s_out_shift();\n}\n", name, net->n_layer, name);
    } else {
        csi_text_format(text, "  return h%zu;\n}\n", net->n_layer);
    }
}
