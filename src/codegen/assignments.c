/* SPDX-License-Identifier: MIT */
/* A network as one assignment per unit: NM-TRAN, rxode2, Mlxtran. */
#include "codegen/export.h"
#include "codegen/scalar_act.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* How a language writes what all of them have. */
typedef struct dialect {
    const char *comment;
    const char *if_open, *above, *if_close; /* if_open W above limit if_close */
    const char *or_else, *end;
    const char *normal_cdf;
    char exponent;       /* of a number */
    bool upper;          /* functions in upper case */
    bool continues;      /* a line may end in & and go on in the next one */
    bool branch_on_sign; /* exp(-|W|) by a branch rather than by abs() */
} dialect;

static const dialect dialects[COSTATE_LANGUAGE_COUNT] = {
    [COSTATE_LANGUAGE_NMTRAN] = {.comment = "; ",
                                 .if_open = "IF (",
                                 .above = ".GT.",
                                 .if_close = ") THEN",
                                 .or_else = "ELSE",
                                 .end = "ENDIF",
                                 .normal_cdf = "PHI",
                                 .exponent = 'D',
                                 .upper = true,
                                 .continues = true,
                                 .branch_on_sign = true},
    [COSTATE_LANGUAGE_RXODE2] = {.comment = "# ",
                                 .if_open = "if (",
                                 .above = " > ",
                                 .if_close = ") {",
                                 .or_else = "} else {",
                                 .end = "}",
                                 .normal_cdf = "pnorm",
                                 .exponent = 'e'},
    [COSTATE_LANGUAGE_MLXTRAN] = {.comment = "; ",
                                  .if_open = "if ",
                                  .above = " > ",
                                  .if_close = "",
                                  .or_else = "else",
                                  .end = "end",
                                  .normal_cdf = "normcdf",
                                  .exponent = 'e',
                                  .branch_on_sign = true},
};

/* Columns behind which a line is continued: far enough from 160 for the longest product. */
enum { WIDTH = 100 };

/* The variables an expression may name. */
typedef struct unit_variables {
    csi_variable z, w, e;
} unit_variables;

static const dialect *speech(const csi_export *export) { return &dialects[export->language]; }

static void put_break(csi_export *export) {
    if (speech(export)->continues && export->text.column > WIDTH) {
        csi_text_put(&export->text, " &\n     ");
    }
}

static void put_value(csi_export *export, double value) {
    csi_text_number(&export->text, value, speech(export)->exponent);
}

/* " + |x|" or " - |x|"; the first term of a sum has no plus, and its minus no blanks. */
static void put_signed(csi_export *export, double x, bool first) {
    put_break(export);
    csi_text_put(&export->text, first ? (x < 0 ? "-" : "") : (x < 0 ? " - " : " + "));
    put_value(export, fabs(x));
}

/* The first n bytes of `name`, a function and what follows it. */
static void put_function(csi_export *export, const char *name, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const bool raise = speech(export)->upper && name[i] >= 'a' && name[i] <= 'z';
        const char c[] = {(char)(raise ? name[i] - 'a' + 'A' : name[i]), '\0'};
        csi_text_put(&export->text, c);
    }
}

/* An integer, or a decimal number of few digits, which strtod() would read in the host's locale. */
static double read_number(const char *digits, size_t n) {
    double value = 0.0, unit = 1.0;
    bool fraction = false;
    for (size_t i = 0; i < n; i++) {
        if (digits[i] == '.') {
            fraction = true;
        } else {
            value = 10.0 * value + (digits[i] - '0');
            unit *= fraction ? 10.0 : 1.0;
        }
    }
    return value / unit;
}

static void put_expression(csi_export *export, const char *form, const unit_variables *of) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz", word[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    csi_text *text = &export->text;
    while (*form != '\0') {
        size_t n = 1;
        if (*form == 'Z' || *form == 'W' || *form == 'E') {
            csi_text_put(text, *form == 'Z' ? of->z.text : *form == 'W' ? of->w.text : of->e.text);
        } else if (strncmp(form, "cdf", 3) == 0) {
            n = 3;
            csi_text_put(text, speech(export)->normal_cdf);
        } else if (strchr(letters, *form) != NULL) {
            n = strspn(form, word);
            put_function(export, form, n);
        } else if (*form >= '0' && *form <= '9') {
            n = strspn(form, "0123456789.");
            put_break(export);
            put_value(export, read_number(form, n));
        } else {
            const char c[] = {*form, '\0'};
            csi_text_put(text, c);
        }
        form += n;
    }
}

static void put_assignment(csi_export *export, const char *indent, const char *variable, const char *form,
                           const unit_variables *of) {
    csi_text_put(&export->text, indent);
    csi_text_format(&export->text, "%s = ", variable);
    put_expression(export, form, of);
    csi_text_put(&export->text, "\n");
}

static void put_condition(csi_export *export, const char *indent, const csi_variable *variable, double limit) {
    csi_text *text = &export->text;
    csi_text_format(text, "%s%s%s%s", indent, speech(export)->if_open, variable->text, speech(export)->above);
    put_value(export, limit);
    csi_text_format(text, "%s\n", speech(export)->if_close);
}

/* target = act(z) in branches. */
static void put_branches(csi_export *export, const csi_scalar_act *form, const unit_variables *of, const char *target) {
    csi_text *text = &export->text;
    const dialect *say = speech(export);
    const csi_variable *sign = form->argument != NULL ? &of->w : &of->z;
    const unit_variables as_z = {.z = *sign};
    const bool two = form->exponential && say->branch_on_sign;
    if (form->exponential && !two) {
        put_assignment(export, "", of->e.text, "exp(-abs(Z))", &as_z);
    }
    put_condition(export, "", sign, 0.0);
    if (two) {
        put_assignment(export, "  ", of->e.text, "exp(-Z)", &as_z);
    }
    put_assignment(export, "  ", target, form->positive, of);
    csi_text_format(text, "%s\n", say->or_else);
    if (two) {
        put_assignment(export, "  ", of->e.text, "exp(Z)", &as_z);
    }
    if (form->far == NULL) {
        put_assignment(export, "  ", target, form->negative, of);
    } else {
        put_condition(export, "  ", sign, -5.0);
        put_assignment(export, "    ", target, form->negative, of);
        csi_text_format(text, "  %s\n", say->or_else);
        put_assignment(export, "    ", target, form->far, of);
        csi_text_format(text, "  %s\n", say->end);
    }
    csi_text_format(text, "%s\n", say->end);
}

/* target = act(z) for a z that is a variable already. */
static void put_activation(csi_export *export, costate_act act, size_t layer, size_t unit, const csi_variable *z,
                           const char *target) {
    const csi_scalar_act form = csi_scalar_act_of(export->language, act);
    const unit_variables of = {
        .z = *z, .w = csi_unit_variable(export, 'w', layer, unit), .e = csi_unit_variable(export, 'e', layer, unit)};
    if (form.argument != NULL) {
        put_assignment(export, "", of.w.text, form.argument, &of);
    }
    if (form.negative == NULL) {
        put_assignment(export, "", target, form.positive, &of);
    } else {
        put_branches(export, &form, &of, target);
    }
}

/* What the layer above reads of unit `unit` of layer `layer`, counted from 1; layer 0 is the inputs. */
static csi_variable result(const csi_export *export, size_t layer, size_t unit) {
    const costate_net *net = export->net;
    if (layer == 0 && net->input_act == COSTATE_ACT_IDENTITY && !csi_scales_input(net)) {
        return csi_input_name(export, unit - 1);
    }
    if (layer == net->n_layer && !csi_scales_output(net)) {
        return csi_output_name(export, unit - 1);
    }
    return csi_unit_variable(export, 'h', layer, unit);
}

/* The products with inputs from ≤ j < to. */
static void put_products(csi_export *export, size_t layer, size_t unit, size_t from, size_t to, bool first) {
    const csi_layer *own = &export->net->layers[layer - 1];
    for (size_t j = from; j < to; j++) {
        const csi_variable input = result(export, layer - 1, j + 1);
        put_signed(export, csi_weight(export, own, unit - 1, j), first && j == from);
        csi_text_format(&export->text, "*%s", input.text);
    }
}

/*
 * target = form with W x + b of one unit in the place of its Z. What comes ahead of the last products is added up in variables of its own.
 */
static void put_sum(csi_export *export, size_t layer, size_t unit, const csi_variable *target, const char *form) {
    const csi_layer *own = &export->net->layers[layer - 1];
    const size_t n_before = strcspn(form, "Z");
    csi_text *text = &export->text;
    size_t part = 0;
    for (size_t from = 0; from < own->n_in; from += CSI_TERMS) {
        const bool last = own->n_in - from <= CSI_TERMS;
        const csi_variable sum = csi_partial_sum(export, layer, unit, part + 1);
        csi_text_format(text, "%s = ", last ? target->text : sum.text);
        put_function(export, form, last ? n_before : 0);
        if (from > 0) {
            csi_text_put(text, csi_partial_sum(export, layer, unit, part).text);
        } else if (own->has_bias) {
            put_signed(export, export->p[own->bias + unit - 1], true);
        }
        put_products(export, layer, unit, from, last ? own->n_in : from + CSI_TERMS, from == 0 && !own->has_bias);
        csi_text_format(text, "%s\n", last ? form + n_before + 1 : "");
        part++;
    }
}

static void put_unit(csi_export *export, size_t layer, size_t unit) {
    const costate_act act = export->net->layers[layer - 1].act;
    const csi_scalar_act form = csi_scalar_act_of(export->language, act);
    const csi_variable target = result(export, layer, unit);
    if (form.once) {
        put_sum(export, layer, unit, &target, form.positive);
    } else {
        const csi_variable z = csi_unit_variable(export, 'z', layer, unit);
        put_sum(export, layer, unit, &z, "Z");
        put_activation(export, act, layer, unit, &z, target.text);
    }
}

/* target = scale·from + shift, without what changes nothing. */
static void put_affine(csi_export *export, const csi_variable *target, double scale, const csi_variable *from,
                       double shift) {
    csi_text_format(&export->text, "%s = ", target->text);
    if (scale != 1) {
        put_value(export, scale);
        csi_text_put(&export->text, "*");
    }
    csi_text_put(&export->text, from->text);
    if (shift != 0) {
        put_signed(export, shift, false);
    }
    csi_text_put(&export->text, "\n");
}

static void put_inputs(csi_export *export) {
    const costate_net *net = export->net;
    const bool acts = net->input_act != COSTATE_ACT_IDENTITY;
    for (size_t i = 0; i < net->n_in && (acts || csi_scales_input(net)); i++) {
        const csi_variable input = csi_input_name(export, i), target = result(export, 0, i + 1);
        const csi_variable scaled = acts ? csi_unit_variable(export, 'z', 0, i + 1) : target;
        put_affine(export, &scaled, csi_in_scale(net)[i], &input, csi_in_shift(net)[i]);
        if (acts) {
            put_activation(export, net->input_act, 0, i + 1, &scaled, target.text);
        }
    }
}

static void put_outputs(csi_export *export) {
    const costate_net *net = export->net;
    for (size_t k = 0; k < net->n_out && csi_scales_output(net); k++) {
        const csi_variable from = result(export, net->n_layer, k + 1), target = csi_output_name(export, k);
        put_affine(export, &target, csi_out_scale(net)[k], &from, csi_out_shift(net)[k]);
    }
}

void csi_write_assignments(csi_export *export) {
    csi_put_header(export, speech(export)->comment, SIZE_MAX);
    put_inputs(export);
    for (size_t l = 1; l <= export->net->n_layer; l++) {
        for (size_t i = 1; i <= export->net->layers[l - 1].n_out; i++) {
            put_unit(export, l, i);
        }
    }
    put_outputs(export);
}
