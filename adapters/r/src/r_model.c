/* SPDX-License-Identifier: MIT */
/* Model handles: a built-in model, or a network as right-hand side. */
#include "costate_r.h"

static const char kind[] = "costate_model";

static void finalise(SEXP handle) {
    struct cr_model *model = R_ExternalPtrAddr(handle);
    R_Free(model);
    R_ClearExternalPtr(handle);
}

const struct cr_model *cr_model_get(SEXP handle) { return cr_handle_get(handle, kind); }

static SEXP new_model(const struct cr_model *from, SEXP keep) {
    SEXP handle = PROTECT(cr_handle_new(kind, finalise, keep));
    struct cr_model *model = R_Calloc(1, struct cr_model);
    *model = *from;
    R_SetExternalPtrAddr(handle, model);
    UNPROTECT(1);
    return handle;
}

SEXP cr_model_builtin(SEXP name) {
    const struct cr_model *model = cr_builtin_model(cr_string(name, "model"));
    if (model == NULL) {
        Rf_error("there is no model '%s'", cr_string(name, "model"));
    }
    return new_model(model, R_NilValue);
}

SEXP cr_model_network(SEXP net) {
    struct cr_model model = {.name = "network"};
    cr_check(costate_net_rhs(cr_net_get(net), &model.rhs),
             "a right-hand side has as many inputs as outputs, or time too");
    return new_model(&model, net);
}

/* The names, or base1, base2, … */
static SEXP names(const char *const *given, const char *base, size_t n) {
    SEXP result = PROTECT(Rf_allocVector(STRSXP, (R_xlen_t)n));
    for (size_t i = 0; i < n; i++) {
        char numbered[32];
        snprintf(numbered, sizeof numbered, "%s%.0f", base, (double)(i + 1));
        SET_STRING_ELT(result, (R_xlen_t)i, Rf_mkChar(given == NULL ? numbered : given[i]));
    }
    UNPROTECT(1);
    return result;
}

SEXP cr_model_names(SEXP handle) {
    const struct cr_model *model = cr_model_get(handle);
    const char *elements[] = {"name", "state", "param", "has_start", ""};
    SEXP result = PROTECT(Rf_mkNamed(VECSXP, elements));
    SET_VECTOR_ELT(result, 0, Rf_mkString(model->name));
    SET_VECTOR_ELT(result, 1, names(model->state, "y", model->rhs.n_y));
    SET_VECTOR_ELT(result, 2, names(model->param, "p", model->rhs.n_p));
    SET_VECTOR_ELT(result, 3, Rf_ScalarLogical(model->start != NULL));
    UNPROTECT(1);
    return result;
}
