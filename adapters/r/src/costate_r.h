/* SPDX-License-Identifier: MIT */
/* What the files of the R package share: handles, failures, interrupts, options and models. */
#ifndef COSTATE_R_H
#define COSTATE_R_H

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>
#include <costate/ensemble.h>
#include <costate/net.h>
#include <costate/solver.h>
#include <stddef.h>

/* An external pointer of a kind, with no object yet; `keep` stays reachable as long as it does. */
SEXP cr_handle_new(const char *kind, R_CFinalizer_t finalise, SEXP keep);
/* The object behind a handle; an R error if it is not of that kind or has not survived its session. */
void *cr_handle_get(SEXP handle, const char *kind);

/* Raise an R condition unless the status is COSTATE_OK. Does not return on failure: hold nothing R does not know of. */
void cr_check(costate_status status, const char *detail);

/* Checked arguments. */
const double *cr_doubles(SEXP x, size_t n, const char *what);
size_t cr_count(SEXP x, const char *what);
const char *cr_string(SEXP x, const char *what);
SEXP cr_list_get(SEXP list, const char *name);

/* How often an interrupt callback was asked; R is asked only now and then. */
struct cr_poll {
    unsigned n;
};
/* The interrupt callback: whether the user wants to stop. Never jumps. */
int cr_interrupted(void *poll);

/* Options from the list that costate_control() makes. */
costate_solver_options cr_solver_options(SEXP control, struct cr_poll *poll);

/* A right-hand side, and how one number per subject (a dose) makes the initial state, where that is known. */
struct cr_model {
    const char *name;
    costate_rhs rhs;
    const char *const *state; /* n_y names, or NULL */
    const char *const *param; /* n_p names, or NULL */
    void (*start)(const double *p, double dose, double *y0);
    /* pbar += (dy0/dp)^T y0bar */
    void (*start_vjp)(const double *p, double dose, const double *y0bar, double *pbar);
};
/* NULL for an unknown name. */
const struct cr_model *cr_builtin_model(const char *name);
const struct cr_model *cr_model_get(SEXP handle);
const costate_net *cr_net_get(SEXP handle);

/* Entries of .Call. */
SEXP cr_net_create(SEXP units, SEXP act, SEXP bias, SEXP n_in, SEXP input_act, SEXP scales);
SEXP cr_net_size(SEXP net);
SEXP cr_net_convert(SEXP net, SEXP p, SEXP order, SEXP to_library);
SEXP cr_net_forward(SEXP net, SEXP p, SEXP x);
SEXP cr_net_vjp(SEXP net, SEXP p, SEXP x, SEXP v);
SEXP cr_model_builtin(SEXP name);
SEXP cr_model_network(SEXP net);
SEXP cr_model_names(SEXP model);
SEXP cr_solve(SEXP model, SEXP p, SEXP y0, SEXP times, SEXP control);
SEXP cr_objective_create(SEXP model, SEXP start, SEXP first, SEXP times, SEXP value, SEXP t0, SEXP control);
SEXP cr_objective_value(SEXP objective, SEXP p, SEXP failed);
SEXP cr_objective_gradient(SEXP objective, SEXP p);

#endif
