/* SPDX-License-Identifier: MIT */
/* Residual sum of squares of several subjects with common parameters, and its gradient by the discrete adjoint. */
#include "costate_r.h"
#include <math.h>
#include <string.h>

static const char kind[] = "costate_objective";

/* Arrays live in R vectors that the handle keeps reachable. */
struct objective {
    const struct cr_model *model;
    costate_ensemble *ensemble;
    struct cr_poll poll;
    size_t n;            /* subjects */
    const double *dose;  /* n, or NULL: y0 is given */
    const double *value; /* n_row × n_y, NaN where there is no observation */
    double *y0;          /* n × n_y */
    double *y0bar;       /* n × n_y */
    size_t *first;       /* n + 1 */
    const double *t;     /* n_row */
    size_t n_row;
    double *y; /* n_row × n_y */
    double *v; /* n_row × n_y */
    double *p; /* those of the last solve */
    double t0;
    bool solved;
};

static void finalise(SEXP handle) {
    struct objective *objective = R_ExternalPtrAddr(handle);
    if (objective != NULL) {
        costate_ensemble_destroy(objective->ensemble);
        R_Free(objective);
    }
    R_ClearExternalPtr(handle);
}

/* A new vector that lives as long as `keep`. */
static double *scratch(SEXP keep, int slot, size_t n) {
    SET_VECTOR_ELT(keep, slot, Rf_allocVector(REALSXP, (R_xlen_t)n));
    return REAL(VECTOR_ELT(keep, slot));
}

/* The subjects' rows: `from` counts the rows before each subject, and all of them at its end. */
static void set_first(struct objective *objective, SEXP from, SEXP keep, int slot) {
    const double *count = cr_doubles(from, objective->n + 1, "first");
    SET_VECTOR_ELT(keep, slot, Rf_allocVector(RAWSXP, (R_xlen_t)((objective->n + 1) * sizeof(size_t))));
    objective->first = (size_t *)(void *)RAW(VECTOR_ELT(keep, slot));
    for (size_t j = 0; j <= objective->n; j++) {
        objective->first[j] = (size_t)count[j];
    }
    if (objective->first[objective->n] != objective->n_row) {
        Rf_error("first does not end at the number of times");
    }
}

/* start: n doses for a model that makes its initial states of them, otherwise n_y × n states. */
static void set_start(struct objective *objective, SEXP start, SEXP keep, int slot) {
    const size_t n_y = objective->model->rhs.n_y;
    objective->y0 = scratch(keep, slot, objective->n * n_y);
    if (objective->model->start != NULL) {
        objective->dose = cr_doubles(start, objective->n, "dose");
    } else {
        memcpy(objective->y0, cr_doubles(start, objective->n * n_y, "y0"), objective->n * n_y * sizeof(double));
    }
}

SEXP cr_objective_create(SEXP model, SEXP start, SEXP first, SEXP times, SEXP value, SEXP t0, SEXP control) {
    enum {
        slot_model,
        slot_start,
        slot_times,
        slot_value,
        slot_y0,
        slot_first,
        slot_y,
        slot_v,
        slot_y0bar,
        slot_p,
        n_slot
    };
    SEXP keep = PROTECT(Rf_allocVector(VECSXP, n_slot));
    SEXP handle = PROTECT(cr_handle_new(kind, finalise, keep));
    struct objective *objective = R_Calloc(1, struct objective);
    R_SetExternalPtrAddr(handle, objective);

    objective->model = cr_model_get(model);
    const size_t n_y = objective->model->rhs.n_y;
    objective->n = (size_t)Rf_xlength(first) - 1;
    objective->n_row = (size_t)Rf_xlength(times);
    objective->t = cr_doubles(times, objective->n_row, "times");
    objective->value = cr_doubles(value, objective->n_row * n_y, "value");
    objective->t0 = Rf_asReal(t0);
    SET_VECTOR_ELT(keep, slot_model, model);
    SET_VECTOR_ELT(keep, slot_start, start);
    SET_VECTOR_ELT(keep, slot_times, times);
    SET_VECTOR_ELT(keep, slot_value, value);
    set_first(objective, first, keep, slot_first);
    set_start(objective, start, keep, slot_y0);
    objective->y = scratch(keep, slot_y, objective->n_row * n_y);
    objective->v = scratch(keep, slot_v, objective->n_row * n_y);
    objective->y0bar = scratch(keep, slot_y0bar, objective->n * n_y);
    objective->p = scratch(keep, slot_p, objective->model->rhs.n_p);

    costate_ensemble_options options = costate_ensemble_options_default();
    options.solver = cr_solver_options(control, &objective->poll);
    options.n_thread = cr_count(cr_list_get(control, "threads"), "threads");
    cr_check(costate_ensemble_create(&objective->model->rhs, &options, NULL, &objective->ensemble), "control");
    UNPROTECT(2);
    return handle;
}

static costate_trajectories trajectories(const struct objective *objective) {
    return (costate_trajectories){.n = objective->n,
                                  .y0 = objective->y0,
                                  .p = objective->p,
                                  .t0 = &objective->t0,
                                  .t = objective->t,
                                  .first = objective->first};
}

static costate_status solve(struct objective *objective, const double *p) {
    const costate_rhs *rhs = &objective->model->rhs;
    if (objective->solved && memcmp(objective->p, p, rhs->n_p * sizeof *p) == 0) {
        return COSTATE_OK;
    }
    memcpy(objective->p, p, rhs->n_p * sizeof *p);
    for (size_t j = 0; objective->dose != NULL && j < objective->n; j++) {
        objective->model->start(p, objective->dose[j], objective->y0 + j * rhs->n_y);
    }
    const costate_trajectories all = trajectories(objective);
    const costate_status status = costate_ensemble_solve(objective->ensemble, &all, objective->y, NULL);
    objective->solved = status == COSTATE_OK;
    return status;
}

/* Whether other parameters might do better: a failure of the integration, not of the call. */
static bool is_numerical(costate_status status) {
    switch (status) {
    case COSTATE_ERR_RHS_FAIL:
    case COSTATE_ERR_RHS_RETRY:
    case COSTATE_ERR_NONFINITE:
    case COSTATE_ERR_MAX_STEPS:
    case COSTATE_ERR_STEP_SIZE:
    case COSTATE_ERR_ACCURACY:
    case COSTATE_ERR_CONVERGENCE: return true;
    default: return false;
    }
}

SEXP cr_objective_value(SEXP handle, SEXP p, SEXP failed) {
    struct objective *objective = cr_handle_get(handle, kind);
    const double *param = cr_doubles(p, objective->model->rhs.n_p, "p");
    const costate_status status = solve(objective, param);
    if (failed != R_NilValue && is_numerical(status)) {
        return Rf_ScalarReal(Rf_asReal(failed));
    }
    cr_check(status, costate_ensemble_detail(objective->ensemble));
    double sum = 0;
    for (size_t i = 0; i < objective->n_row * objective->model->rhs.n_y; i++) {
        if (!isnan(objective->value[i])) {
            const double residual = objective->y[i] - objective->value[i];
            sum += residual * residual;
        }
    }
    return Rf_ScalarReal(sum);
}

SEXP cr_objective_gradient(SEXP handle, SEXP p) {
    struct objective *objective = cr_handle_get(handle, kind);
    const struct cr_model *model = objective->model;
    const double *param = cr_doubles(p, model->rhs.n_p, "p");
    cr_check(solve(objective, param), costate_ensemble_detail(objective->ensemble));
    for (size_t i = 0; i < objective->n_row * model->rhs.n_y; i++) {
        const double value = objective->value[i];
        objective->v[i] = isnan(value) ? 0 : 2 * (objective->y[i] - value);
    }
    SEXP result = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)model->rhs.n_p));
    double *pbar = REAL(result);
    memset(pbar, 0, model->rhs.n_p * sizeof *pbar);
    const costate_trajectories all = trajectories(objective);
    cr_check(costate_ensemble_vjp(objective->ensemble, &all, objective->v, objective->y0bar, pbar),
             costate_ensemble_detail(objective->ensemble));
    for (size_t j = 0; objective->dose != NULL && j < objective->n; j++) {
        model->start_vjp(param, objective->dose[j], objective->y0bar + j * model->rhs.n_y, pbar);
    }
    UNPROTECT(1);
    return result;
}
