/* SPDX-License-Identifier: MIT */
/*
 * A compiled model for deSolve: initmod, derivs, jac and a dosing event around a costate right-hand side. deSolve passes
 * no context to these functions, so a shared object holds one model, in static storage; R calls it from one thread.
 *
 * parms in R: the parameters of the right-hand side, then the dose that the event adds to state 1.
 */
#include "elimination_ude.h"
#define R_NO_REMAP
#include <R.h>
#include <R_ext/Rdynload.h>
#include <stdint.h>
#include <stdlib.h>

/* Called by these names. */
void initmod(void (*copy_parms)(int *n, double *parms));
void derivs(int *neq, double *t, double *y, double *ydot, double *yout, int *ip);
void jac(int *neq, double *t, double *y, int *ml, int *mu, double *pd, int *nrowpd, double *yout, int *ip);
void dose(int *n, double *t, double *y);
void R_unload_elimination(DllInfo *info);

static struct {
    struct elimination model;
    double *parms; /* n_p parameters and the dose */
    void *memory;
    void *work; /* in memory, aligned to 64 bytes */
    size_t work_bytes;
} host;

static void release(void) {
    elimination_destroy(&host.model);
    free(host.parms);
    free(host.memory);
    host.parms = NULL;
    host.memory = NULL;
}

static void create(void) {
    const costate_status status = elimination_create(&host.model);
    if (status != COSTATE_OK) {
        Rf_error("%s", costate_status_message(status));
    }
    const size_t of_outputs = costate_ude_work_bytes(host.model.ude);
    host.work_bytes = of_outputs > host.model.rhs.work_bytes ? of_outputs : host.model.rhs.work_bytes;
    host.parms = malloc((host.model.rhs.n_p + 1) * sizeof *host.parms);
    host.memory = malloc(host.work_bytes + 64);
    if (host.parms == NULL || host.memory == NULL) {
        release();
        Rf_error("%s", costate_status_message(COSTATE_ERR_MEMORY));
    }
    host.work = (char *)host.memory + (64 - (uintptr_t)host.memory % 64) % 64;
}

static void check(int answer, double t) {
    if (answer != COSTATE_ANSWER_OK) {
        Rf_error("the model cannot be evaluated at t = %.17g", t);
    }
}

/* Called at the start of every solve; deSolve refuses parms of another length than n. */
void initmod(void (*copy_parms)(int *n, double *parms)) {
    if (host.model.ude == NULL) {
        create();
    }
    int n = (int)host.model.rhs.n_p + 1;
    copy_parms(&n, host.parms);
}

/* With nout ≥ 1 in R, the output variable is what the network says: the elimination rate is softplus of it. */
void derivs(int *neq, double *t, double *y, double *ydot, double *yout, int *ip) {
    const costate_rhs *rhs = &host.model.rhs;
    if ((size_t)*neq != rhs->n_y) {
        Rf_error("the model has %.0f states, not %d", (double)rhs->n_y, *neq);
    }
    check(rhs->f(*t, y, host.parms, ydot, host.work, rhs->ctx), *t);
    if (ip[0] >= 1) {
        costate_ude_outputs(host.model.ude, *t, y, host.parms, yout, host.work, host.work_bytes);
    }
}

/* Full Jacobian, jactype = "fullusr": column-major with *nrowpd = *neq rows, which is how the library writes it. */
void jac(int *neq, double *t, double *y, int *ml, int *mu, double *pd, int *nrowpd, double *yout, int *ip) {
    (void)ml, (void)mu, (void)yout, (void)ip;
    const costate_rhs *rhs = &host.model.rhs;
    if (*nrowpd != *neq || (size_t)*neq != rhs->n_y) {
        Rf_error("only a full Jacobian is offered");
    }
    check(rhs->jac(*t, y, host.parms, pd, host.work, rhs->ctx), *t);
}

void dose(int *n, double *t, double *y) {
    (void)n, (void)t;
    y[0] += host.parms[host.model.rhs.n_p];
}

void R_unload_elimination(DllInfo *info) {
    (void)info;
    release();
}
