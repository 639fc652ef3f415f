/* SPDX-License-Identifier: MIT */
/* The comment at the top of every exported text. */
#include "codegen/export.h"

#include <costate/version.h>
#include <stdint.h>
#include <string.h>

/* Columns after which a comment goes on in the next line: at a blank, or anywhere. */
enum { SOFT_WIDTH = 90, HARD_WIDTH = 110 };

static bool differs(const double *x, size_t n, double from) {
    size_t i = 0;
    while (i < n && x[i] == from) {
        i++;
    }
    return i < n;
}

bool csi_scales_input(const costate_net *net) {
    return differs(csi_in_scale(net), net->n_in, 1) || differs(csi_in_shift(net), net->n_in, 0);
}

bool csi_scales_output(const costate_net *net) {
    return differs(csi_out_scale(net), net->n_out, 1) || differs(csi_out_shift(net), net->n_out, 0);
}

/* No language may see the end of the comment, the start of another one or a trigraph in a text that is not ours. */
static bool must_part(char before, char c) {
    return (before == '*' && c == '/') || (before == '/' && c == '*') || (before == '?' && c == '?');
}

static void put_foreign(csi_text *text, const char *mark, const char *string) {
    char before = '\0';
    csi_text_put(text, mark);
    for (; *string != '\0'; string++) {
        const bool printable = *string >= ' ' && *string <= '~';
        const char c[] = {(char)(printable ? *string : '_'), '\0'};
        const bool full = text->column >= HARD_WIDTH || (text->column >= SOFT_WIDTH && c[0] == ' ');
        if (*string == '\n' || full) {
            csi_text_format(text, "\n%s", mark);
            before = '\0';
        }
        if (*string != '\n' && !(full && c[0] == ' ')) {
            csi_text_put(text, must_part(before, c[0]) ? " " : "");
            csi_text_put(text, c);
            before = c[0];
        }
    }
    csi_text_put(text, "\n");
}

static void put_shape(csi_export *export, const char *mark) {
    csi_text *text = &export->text;
    csi_text_format(text, "%s%s: dense network %zu", mark, export->name, export->net->n_in);
    for (size_t l = 0; l < export->net->n_layer; l++) {
        if (text->column >= SOFT_WIDTH) {
            csi_text_format(text, "\n%s  ", mark);
        }
        csi_text_format(text, "-%zu", export->net->layers[l].n_out);
    }
    csi_text_format(text, ", written by costate %s\n", costate_version());
}

static void put_layers(csi_export *export, const char *mark) {
    const costate_net *net = export->net;
    if (net->input_act != COSTATE_ACT_IDENTITY || csi_scales_input(net)) {
        csi_text_format(&export->text, "%sinputs:%s %s\n", mark, csi_scales_input(net) ? " scaled and shifted," : "",
                        costate_act_name(net->input_act));
    }
    for (size_t l = 0; l < net->n_layer; l++) {
        const csi_layer *layer = &net->layers[l];
        csi_text_format(&export->text, "%slayer %zu: %zu to %zu, %s%s\n", mark, l + 1, layer->n_in, layer->n_out,
                        costate_act_name(layer->act), layer->has_bias ? "" : ", no bias");
    }
    if (csi_scales_output(net)) {
        csi_text_format(&export->text, "%soutputs: scaled and shifted\n", mark);
    }
}

static void put_variables(csi_export *export, const char *mark, const char *what, char element, size_t base, size_t n,
                          csi_variable (*name)(const csi_export *, size_t)) {
    csi_text *text = &export->text;
    csi_text_format(text, "%s%s", mark, what);
    for (size_t i = 0; i < n; i++) {
        if (text->column >= SOFT_WIDTH) {
            csi_text_format(text, "\n%s ", mark);
        }
        const csi_variable variable = name(export, i);
        if (base != SIZE_MAX) {
            csi_text_format(text, " %c[%zu]", element, base + i);
        }
        csi_text_format(text, " %s%s", variable.text, i + 1 < n ? "," : "");
    }
    csi_text_put(text, "\n");
}

void csi_put_header(csi_export *export, const char *mark, size_t base) {
    put_shape(export, mark);
    put_layers(export, mark);
    if (base == SIZE_MAX || export->inputs != NULL) {
        put_variables(export, mark, "reads", 'x', base, export->net->n_in, csi_input_name);
    }
    if (base == SIZE_MAX || export->outputs != NULL) {
        put_variables(export, mark, "assigns", 'y', base, export->net->n_out, csi_output_name);
    }
    if (export->provenance != NULL && export->provenance[0] != '\0') {
        put_foreign(&export->text, mark, export->provenance);
    }
}
