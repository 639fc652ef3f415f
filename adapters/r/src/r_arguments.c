/* SPDX-License-Identifier: MIT */
/* Checked arguments of .Call, and solver options. */
#include "costate_r.h"
#include <string.h>

const double *cr_doubles(SEXP x, size_t n, const char *what) {
    if (TYPEOF(x) != REALSXP) {
        Rf_error("%s must be a vector of doubles", what);
    }
    if ((size_t)Rf_xlength(x) != n) {
        Rf_error("%s has %.0f elements, %.0f are needed", what, (double)Rf_xlength(x), (double)n);
    }
    return REAL(x);
}

size_t cr_count(SEXP x, const char *what) {
    const double value = Rf_length(x) == 1 ? Rf_asReal(x) : NA_REAL;
    if (!(value >= 0 && value <= 4503599627370496.0) || value != (double)(size_t)value) {
        Rf_error("%s must be one whole number", what);
    }
    return (size_t)value;
}

const char *cr_string(SEXP x, const char *what) {
    if (TYPEOF(x) != STRSXP || Rf_length(x) != 1 || STRING_ELT(x, 0) == NA_STRING) {
        Rf_error("%s must be one string", what);
    }
    return CHAR(STRING_ELT(x, 0));
}

SEXP cr_list_get(SEXP list, const char *name) {
    SEXP names = Rf_getAttrib(list, R_NamesSymbol);
    for (R_xlen_t i = 0; i < Rf_xlength(names); i++) {
        if (strcmp(CHAR(STRING_ELT(names, i)), name) == 0) {
            return VECTOR_ELT(list, i);
        }
    }
    Rf_error("the list has no element '%s'", name);
    return R_NilValue;
}

costate_solver_options cr_solver_options(SEXP control, struct cr_poll *poll) {
    if (TYPEOF(control) != VECSXP) {
        Rf_error("control must come from costate_control()");
    }
    costate_solver_options options = costate_solver_options_default();
    cr_check(costate_method_from_name(cr_string(cr_list_get(control, "method"), "method"), &options.method), "method");
    options.rtol = Rf_asReal(cr_list_get(control, "rtol"));
    options.atol = Rf_asReal(cr_list_get(control, "atol"));
    options.max_steps = cr_count(cr_list_get(control, "max_steps"), "max_steps");
    options.interrupt = cr_interrupted;
    options.interrupt_ctx = poll;
    return options;
}
