/* SPDX-License-Identifier: MIT */
/* One export: the network, what things are called, and where the text goes. */
#ifndef CSI_EXPORT_H
#define CSI_EXPORT_H

#include "codegen/text.h"
#include "nn/net_plan.h"
#include <costate/codegen.h>

typedef struct csi_export {
    csi_text text;
    const costate_net *net;
    const double *p;
    costate_language language;
    const char *name;
    const char *const *inputs;  /* NULL: the defaults */
    const char *const *outputs; /* NULL: the defaults */
    const char *provenance;     /* or NULL */
} csi_export;

/* Longest name, without the zero byte. */
enum { CSI_NAME_MAX = 31 };

/* An input, output or inner variable as the text has it, including what is put in front of default names. */
typedef struct csi_variable {
    char text[96];
} csi_variable;

csi_variable csi_input_name(const csi_export *export, size_t i);
csi_variable csi_output_name(const csi_export *export, size_t k);

/* "<name>_<kind><layer>_<unit>", counted from 1; layer 0 is the scaled inputs. NM-TRAN gets the lower-case letter `kind` in upper case. */
csi_variable csi_unit_variable(const csi_export *export, char kind, size_t layer, size_t unit);

/* "<name>_s<layer>_<unit>_<part>" */
csi_variable csi_partial_sum(const csi_export *export, size_t layer, size_t unit, size_t part);

/* Most products that one assignment adds up. */
enum { CSI_TERMS = 16 };

/* COSTATE_OK, or COSTATE_ERR_NULL or COSTATE_ERR_ARGUMENT with the name at fault in the message. */
costate_status csi_check_names(const csi_export *export, costate_message *message);

/* Weight from input j to unit i. */
static inline double csi_weight(const csi_export *export, const csi_layer *layer, size_t i, size_t j) {
    return export->p[layer->weight + (layer->columns ? i + j * layer->n_out : i * layer->n_in + j)];
}

/* Elements of the affine maps around the layers. */
static inline const double *csi_in_scale(const costate_net *net) { return net->affine_f64; }
static inline const double *csi_in_shift(const costate_net *net) { return net->affine_f64 + net->n_in; }
static inline const double *csi_out_scale(const costate_net *net) { return net->affine_f64 + 2 * net->n_in; }
static inline const double *csi_out_shift(const costate_net *net) {
    return net->affine_f64 + 2 * net->n_in + net->n_out;
}

/*
 * The comment at the top, each line begun by `mark`: network, layers, maps, which variable or element is which input and output, provenance. Elements are
 * counted from `base`; where inputs and outputs are variables, `base` is SIZE_MAX.
 */
void csi_put_header(csi_export *export, const char *mark, size_t base);

/* Does the affine map change anything? */
bool csi_scales_input(const costate_net *net);
bool csi_scales_output(const costate_net *net);

/* One per kind of language; names and parameters have been checked. */
void csi_write_c99(csi_export *export);
void csi_write_stan(csi_export *export);
void csi_write_assignments(csi_export *export);

#endif
