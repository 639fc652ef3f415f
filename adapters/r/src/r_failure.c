/* SPDX-License-Identifier: MIT */
/* Failures of the library as R conditions, and the interrupt callback. */
#include "costate_r.h"

void cr_check(costate_status status, const char *detail) {
    if (status == COSTATE_OK) {
        return;
    }
    SEXP name = PROTECT(Rf_mkString("costate"));
    SEXP package = PROTECT(R_FindNamespace(name));
    SEXP code = PROTECT(Rf_mkString(costate_status_name(status)));
    SEXP message = PROTECT(Rf_mkString(costate_status_message(status)));
    SEXP more = PROTECT(Rf_mkString(detail == NULL ? "" : detail));
    SEXP call = PROTECT(Rf_lang4(Rf_install("raise"), code, message, more));
    Rf_eval(call, package);
    Rf_error("%s", costate_status_message(status));
}

static void check_interrupt(void *unused) {
    (void)unused;
    R_CheckUserInterrupt();
}

int cr_interrupted(void *poll) {
    /* A step may take less than a microsecond, which is about what asking costs. */
    enum { steps_between = 64 };
    struct cr_poll *state = poll;
    state->n = (state->n + 1) % steps_between;
    return state->n == 0 && R_ToplevelExec(check_interrupt, NULL) == FALSE;
}
