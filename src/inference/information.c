/* SPDX-License-Identifier: MIT */
/* The second derivative of a fit's objective: rows of the loss's information pulled back, or the exact Hessian. */
#include "core/arena.h"
#include "core/finite.h"
#include "core/memory.h"
#include "inference/hessian.h"
#include "inference/trajectory_row.h"

#include <costate/inference.h>
#include <math.h>
#include <string.h>

/* Row by row for all trajectories at once: each has parameters of its own, to keep what the VJP gives for it apart. */
typedef struct row_work {
    costate_fit *fit;
    costate_trajectories trajectories;
    void *block;
    csi_arena arena;
    double *p;        /* n_segment × n_p */
    double *pbar;     /* n_segment × n_p */
    double *noisebar; /* n_segment × n_noise */
    double *y0bar;    /* n_segment × n_y */
    bool *present;    /* n_segment */
    double *gradient; /* n_unknown */
} row_work;

static void lay_out(row_work *rows, csi_arena *arena) {
    const costate_fit *fit = rows->fit;
    rows->p = csi_arena_take(arena, fit->n_segment, fit->n_p * sizeof(double));
    rows->pbar = csi_arena_take(arena, fit->n_segment, fit->n_p * sizeof(double));
    rows->noisebar = csi_arena_take(arena, fit->n_segment, fit->n_noise * sizeof(double));
    rows->y0bar = csi_arena_take(arena, fit->n_segment, fit->n_y * sizeof(double));
    rows->present = csi_arena_take(arena, fit->n_segment, sizeof(bool));
    rows->gradient = csi_arena_take(arena, fit->n_unknown, sizeof(double));
}

static costate_status allocate(row_work *rows) {
    csi_arena measured = csi_arena_measure();
    lay_out(rows, &measured);
    if (!csi_arena_fits(&measured)) {
        return COSTATE_ERR_OVERFLOW;
    }
    const size_t bytes = csi_arena_bytes(&measured);
    rows->block = csi_alloc(&rows->fit->alloc, bytes, 1);
    if (!rows->block) {
        return csi_fit_fail(rows->fit, COSTATE_ERR_MEMORY, "no room for the rows of the information");
    }
    rows->arena = csi_arena_open(rows->block, bytes);
    lay_out(rows, &rows->arena);
    return COSTATE_OK;
}

/* One observation's row: its cotangents go to v, pbar and noisebar. */
static costate_status set_row(row_work *rows, size_t j, size_t k, size_t row) {
    costate_fit *fit = rows->fit;
    const csi_segment *segment = &fit->segments[j];
    const size_t i = segment->first + k;
    const size_t at = segment->row + k;
    const double *p = rows->p + j * fit->n_p;
    double *noisebar = rows->noisebar + j * fit->n_noise;
    costate_status status = csi_fit_observe(fit, fit->t[i], fit->y + at * fit->n_y, p, fit->h);
    if (status != COSTATE_OK) {
        return status;
    }
    const costate_observation observation = csi_fit_observation(fit, segment->series, i, fit->q, fit->h);
    rows->present[j] = fit->loss.information(&observation, row, fit->hbar, noisebar, fit->loss.ctx) == 1;
    if (!rows->present[j]) {
        return COSTATE_OK;
    }
    return csi_fit_observe_vjp(fit, fit->t[i], fit->y + at * fit->n_y, p, fit->hbar, fit->v + at * fit->n_y,
                               rows->pbar + j * fit->n_p);
}

static costate_status set_rows(row_work *rows, size_t k, size_t row, bool *any) {
    costate_fit *fit = rows->fit;
    costate_status status = COSTATE_OK;
    *any = false;
    memset(fit->v, 0, fit->row_first[fit->n_segment] * fit->n_y * sizeof(double));
    memset(rows->pbar, 0, fit->n_segment * fit->n_p * sizeof(double));
    for (size_t j = 0; j < fit->n_segment && status == COSTATE_OK; j++) {
        rows->present[j] = false;
        if (k < fit->segments[j].n) {
            status = set_row(rows, j, k, row);
        }
        *any = *any || rows->present[j];
    }
    return status;
}

/* information += g gᵀ, lower triangle */
static void add_square(size_t n, const double *g, double *information) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            information[i * n + j] += g[i] * g[j];
        }
    }
}

/* Rows of missing data, and of a variance that does not depend on the state, need no sweep. */
static costate_status pull_back(row_work *rows) {
    costate_fit *fit = rows->fit;
    bool any = false;
    for (size_t i = 0; i < fit->row_first[fit->n_segment] * fit->n_y && !any; i++) {
        any = fit->v[i] != 0.0;
    }
    if (!any) {
        memset(rows->y0bar, 0, fit->n_segment * fit->n_y * sizeof(double));
        return COSTATE_OK;
    }
    const costate_status status =
        costate_ensemble_vjp(fit->ensemble, &rows->trajectories, fit->v, rows->y0bar, rows->pbar);
    csi_fit_count_vjp(fit);
    return status == COSTATE_OK ? status : csi_fit_fail(fit, status, costate_ensemble_detail(fit->ensemble));
}

static costate_status add_rows(row_work *rows, const double *x, size_t k, double *information) {
    costate_fit *fit = rows->fit;
    costate_status status = pull_back(rows);
    for (size_t j = 0; j < fit->n_segment && status == COSTATE_OK; j++) {
        const csi_segment *segment = &fit->segments[j];
        if (rows->present[j]) {
            const bool at_start = fit->t[segment->first + k] <= fit->t0[j];
            const csi_trajectory_row row = {.series = segment->series,
                                            .t0 = fit->t0[j],
                                            .y0 = fit->y0 + j * fit->n_y,
                                            .p = rows->p + j * fit->n_p,
                                            .y0bar = rows->y0bar + j * fit->n_y,
                                            .at_start = at_start ? fit->v + (segment->row + k) * fit->n_y : NULL,
                                            .pbar = rows->pbar + j * fit->n_p,
                                            .noisebar = rows->noisebar + j * fit->n_noise};
            status = csi_fit_pull_row(fit, x, &row, rows->gradient);
            add_square(fit->n_unknown, rows->gradient, information);
        }
    }
    return status;
}

static costate_status solve(row_work *rows, const double *x) {
    costate_fit *fit = rows->fit;
    costate_status status = csi_fit_solve(fit, x, 0, fit->n_segment);
    if (status != COSTATE_OK) {
        return status;
    }
    for (size_t j = 0; j < fit->n_segment; j++) {
        memcpy(rows->p + j * fit->n_p, csi_fit_trajectory_parameters(fit, j), fit->n_p * sizeof(double));
    }
    rows->trajectories = csi_fit_trajectories(fit, 0, fit->n_segment);
    rows->trajectories.p = rows->p;
    rows->trajectories.own_p = true;
    status = costate_ensemble_solve(fit->ensemble, &rows->trajectories, fit->y, NULL);
    csi_fit_count_solve(fit);
    return status == COSTATE_OK ? status : csi_fit_fail(fit, status, costate_ensemble_detail(fit->ensemble));
}

static costate_status add_all_rows(row_work *rows, const double *x, double *information) {
    costate_fit *fit = rows->fit;
    size_t n_most = 0;
    for (size_t j = 0; j < fit->n_segment; j++) {
        n_most = fit->segments[j].n > n_most ? fit->segments[j].n : n_most;
    }
    costate_status status = solve(rows, x);
    for (size_t k = 0; k < n_most && status == COSTATE_OK; k++) {
        bool any = true;
        for (size_t row = 0; any && status == COSTATE_OK; row++) {
            status = set_rows(rows, k, row, &any);
            if (status == COSTATE_OK && any) {
                status = add_rows(rows, x, k, information);
            }
        }
    }
    return status;
}

static costate_status expected(costate_fit *fit, const double *x, double *information) {
    const size_t n = fit->n_unknown;
    if (!fit->loss.information) {
        return csi_fit_fail(fit, COSTATE_ERR_UNSUPPORTED, "the loss has no information");
    }
    row_work rows = {.fit = fit};
    costate_status status = allocate(&rows);
    if (status != COSTATE_OK) {
        return status;
    }
    memset(information, 0, n * n * sizeof(double));
    status = add_all_rows(&rows, x, information);
    csi_arena_close(&rows.arena);
    csi_release(&fit->alloc, rows.block);
    for (size_t i = 0; i < n && status == COSTATE_OK; i++) {
        const csi_unknown *unknown = &fit->unknowns[i];
        information[i * n + i] += 2.0 * unknown->l2 * unknown->scale * unknown->scale;
        for (size_t j = 0; j < i; j++) {
            information[j * n + i] = information[i * n + j];
        }
    }
    return status;
}

static costate_status observed(costate_fit *fit, const double *x, double *information) {
    const size_t n = fit->n_unknown;
    csi_hessian hessian;
    double *unit = csi_alloc(&fit->alloc, n, sizeof(double));
    if (!unit) {
        return csi_fit_fail(fit, COSTATE_ERR_MEMORY, "no room for a direction");
    }
    memset(unit, 0, n * sizeof(double));
    costate_status status = csi_hessian_create(fit, &hessian);
    if (status == COSTATE_OK) {
        status = csi_hessian_at(&hessian, x);
        for (size_t i = 0; i < n && status == COSTATE_OK; i++) {
            unit[i] = 1.0;
            status = csi_hessian_apply(&hessian, unit, information + i * n);
            unit[i] = 0.0;
        }
        csi_hessian_clear(&hessian);
    }
    csi_release(&fit->alloc, unit);
    for (size_t i = 0; i < n && status == COSTATE_OK; i++) {
        for (size_t j = 0; j < i; j++) {
            const double mean = 0.5 * (information[i * n + j] + information[j * n + i]);
            information[i * n + j] = mean;
            information[j * n + i] = mean;
        }
    }
    return status;
}

costate_status costate_fit_information(costate_fit *fit, const double *x, costate_information_kind kind,
                                       double *information) {
    if (!fit || !x || !information) {
        return COSTATE_ERR_NULL;
    }
    fit->detail[0] = '\0';
    if (fit->shooting > 0) {
        return csi_fit_fail(fit, COSTATE_ERR_STATE, "multiple shooting is on");
    }
    if (kind != COSTATE_INFORMATION_EXPECTED && kind != COSTATE_INFORMATION_OBSERVED) {
        return csi_fit_fail(fit, COSTATE_ERR_ARGUMENT, "no such kind of information");
    }
    const size_t n = fit->n_unknown;
    const costate_status status =
        kind == COSTATE_INFORMATION_EXPECTED ? expected(fit, x, information) : observed(fit, x, information);
    if (status != COSTATE_OK) {
        return status;
    }
    fit->detail[0] = '\0';
    return csi_all_finite(information, n * n)
               ? COSTATE_OK
               : csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "the information is not finite");
}
