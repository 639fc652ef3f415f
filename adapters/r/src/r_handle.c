/* SPDX-License-Identifier: MIT */
/* Objects of the library behind external pointers. */
#include "costate_r.h"

SEXP cr_handle_new(const char *kind, R_CFinalizer_t finalise, SEXP keep) {
    SEXP handle = PROTECT(R_MakeExternalPtr(NULL, Rf_install(kind), keep));
    R_RegisterCFinalizerEx(handle, finalise, TRUE);
    UNPROTECT(1);
    return handle;
}

void *cr_handle_get(SEXP handle, const char *kind) {
    if (TYPEOF(handle) != EXTPTRSXP || R_ExternalPtrTag(handle) != Rf_install(kind)) {
        Rf_error("not a handle of kind '%s'", kind);
    }
    void *object = R_ExternalPtrAddr(handle);
    if (object == NULL) {
        Rf_error("this '%s' belongs to another session: create it again", kind);
    }
    return object;
}
