/* SPDX-License-Identifier: MIT */
/* One initial-value problem. */
#include "costate_r.h"

static const char kind[] = "costate_solver";

static void finalise(SEXP handle) {
    costate_solver_destroy(R_ExternalPtrAddr(handle));
    R_ClearExternalPtr(handle);
}

/* y(times), one column for each time; y0 is the state at times[0]. */
SEXP cr_solve(SEXP model_handle, SEXP p, SEXP y0, SEXP times, SEXP control) {
    const struct cr_model *model = cr_model_get(model_handle);
    const double *param = cr_doubles(p, model->rhs.n_p, "p");
    const double *start = cr_doubles(y0, model->rhs.n_y, "y0");
    const size_t n_t = (size_t)Rf_xlength(times);
    const double *t = cr_doubles(times, n_t, "times");
    if (n_t == 0) {
        Rf_error("times is empty");
    }
    struct cr_poll poll = {0};
    costate_solver_options options = cr_solver_options(control, &poll);
    options.record = false;

    SEXP y = PROTECT(Rf_allocMatrix(REALSXP, (int)model->rhs.n_y, (int)n_t));
    SEXP handle = PROTECT(cr_handle_new(kind, finalise, model_handle));
    costate_solver *solver = NULL;
    cr_check(costate_solver_create(&model->rhs, &options, NULL, &solver), "control");
    R_SetExternalPtrAddr(handle, solver);
    cr_check(costate_solve(solver, param, t[0], start, n_t, t, REAL(y)), costate_solver_detail(solver));
    finalise(handle);
    UNPROTECT(2);
    return y;
}
