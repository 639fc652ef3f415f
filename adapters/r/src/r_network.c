/* SPDX-License-Identifier: MIT */
/* Networks: creation, order of parameters, forward and VJP. */
#include "costate_r.h"
#include <string.h>

static const char kind[] = "costate_network";

static void finalise(SEXP handle) {
    costate_net_destroy(R_ExternalPtrAddr(handle));
    R_ClearExternalPtr(handle);
}

const costate_net *cr_net_get(SEXP handle) { return cr_handle_get(handle, kind); }

static costate_act act_named(const char *name) {
    costate_act act = COSTATE_ACT_IDENTITY;
    if (costate_act_from_name(name, &act) != COSTATE_OK) {
        Rf_error("'%s' is no activation", name);
    }
    return act;
}

/* A scale or shift: an element of the list, NULL for none. */
static const double *scale_or_shift(SEXP scales, const char *name, size_t n) {
    SEXP x = cr_list_get(scales, name);
    return x == R_NilValue ? NULL : cr_doubles(x, n, name);
}

SEXP cr_net_create(SEXP units, SEXP act, SEXP bias, SEXP n_in, SEXP input_act, SEXP scales) {
    const R_xlen_t n_layer = Rf_xlength(units);
    if (TYPEOF(units) != INTSXP || TYPEOF(act) != STRSXP || TYPEOF(bias) != LGLSXP || n_layer < 1 ||
        Rf_xlength(act) != n_layer || Rf_xlength(bias) != n_layer) {
        Rf_error("units, act and bias must have one element for each layer");
    }
    costate_layer_spec *layers = (costate_layer_spec *)R_alloc((size_t)n_layer, sizeof *layers);
    for (R_xlen_t i = 0; i < n_layer; i++) {
        const int n = INTEGER(units)[i];
        layers[i] = (costate_layer_spec){.n_out = n > 0 ? (size_t)n : 0,
                                         .act = act_named(CHAR(STRING_ELT(act, i))),
                                         .no_bias = LOGICAL(bias)[i] != TRUE};
    }
    const costate_net_spec spec = {
        .n_in = cr_count(n_in, "n_in"),
        .n_layer = (size_t)n_layer,
        .layers = layers,
        .input_act = act_named(cr_string(input_act, "input_act")),
        .in_scale = scale_or_shift(scales, "in_scale", cr_count(n_in, "n_in")),
        .in_shift = scale_or_shift(scales, "in_shift", cr_count(n_in, "n_in")),
        .out_scale = scale_or_shift(scales, "out_scale", layers[n_layer - 1].n_out),
        .out_shift = scale_or_shift(scales, "out_shift", layers[n_layer - 1].n_out),
    };
    SEXP handle = PROTECT(cr_handle_new(kind, finalise, R_NilValue));
    costate_net *net = NULL;
    cr_check(costate_net_create(&spec, NULL, &net), "network");
    R_SetExternalPtrAddr(handle, net);
    UNPROTECT(1);
    return handle;
}

SEXP cr_net_size(SEXP handle) {
    const costate_net *net = cr_net_get(handle);
    const double size[] = {(double)costate_net_n_in(net), (double)costate_net_n_out(net),
                           (double)costate_net_n_param(net)};
    SEXP result = Rf_allocVector(REALSXP, 3);
    memcpy(REAL(result), size, sizeof size);
    return result;
}

SEXP cr_net_convert(SEXP handle, SEXP p, SEXP order, SEXP to_library) {
    const costate_net *net = cr_net_get(handle);
    const double *from = cr_doubles(p, costate_net_n_param(net), "p");
    const costate_order foreign =
        strcmp(cr_string(order, "order"), "row") == 0 ? COSTATE_ORDER_ROW_MAJOR : COSTATE_ORDER_COLUMN_MAJOR;
    SEXP result = PROTECT(Rf_allocVector(REALSXP, Rf_xlength(p)));
    cr_check(Rf_asLogical(to_library) == TRUE ? costate_net_import_f64(net, foreign, from, REAL(result))
                                              : costate_net_export_f64(net, foreign, from, REAL(result)),
             "parameters");
    UNPROTECT(1);
    return result;
}

/* Samples in x: its columns, or x itself. */
static size_t samples(SEXP x, const costate_net *net) {
    const size_t n_in = costate_net_n_in(net);
    const size_t n = TYPEOF(x) == REALSXP ? (size_t)Rf_xlength(x) / n_in : 0;
    cr_doubles(x, n * n_in, "x");
    return n;
}

SEXP cr_net_forward(SEXP handle, SEXP p, SEXP x) {
    const costate_net *net = cr_net_get(handle);
    const double *param = cr_doubles(p, costate_net_n_param(net), "p");
    const size_t n = samples(x, net);
    const size_t work_bytes = costate_net_batch_work_bytes_f64(net);
    void *work = R_alloc(work_bytes, 1);
    SEXP y = PROTECT(Rf_allocMatrix(REALSXP, (int)costate_net_n_out(net), (int)n));
    cr_check(costate_net_forward_batch_f64(net, param, n, REAL(x), REAL(y), work, work_bytes), "forward");
    UNPROTECT(1);
    return y;
}

SEXP cr_net_vjp(SEXP handle, SEXP p, SEXP x, SEXP v) {
    const costate_net *net = cr_net_get(handle);
    const double *param = cr_doubles(p, costate_net_n_param(net), "p");
    const size_t n = samples(x, net);
    const double *cotangent = cr_doubles(v, n * costate_net_n_out(net), "v");
    const size_t work_bytes = costate_net_batch_work_bytes_f64(net);
    void *work = R_alloc(work_bytes, 1);
    const char *names[] = {"x", "p", ""};
    SEXP result = PROTECT(Rf_mkNamed(VECSXP, names));
    SET_VECTOR_ELT(result, 0, Rf_allocMatrix(REALSXP, (int)costate_net_n_in(net), (int)n));
    SET_VECTOR_ELT(result, 1, Rf_allocVector(REALSXP, Rf_xlength(p)));
    double *pbar = REAL(VECTOR_ELT(result, 1));
    memset(pbar, 0, costate_net_n_param(net) * sizeof *pbar);
    cr_check(costate_net_vjp_batch_f64(net, param, n, REAL(x), cotangent, 1, REAL(VECTOR_ELT(result, 0)), pbar, work,
                                       work_bytes),
             "vjp");
    UNPROTECT(1);
    return result;
}
