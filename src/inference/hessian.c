/* SPDX-License-Identifier: MIT */
/* Products of the Hessian of a fit's objective with vectors (doc/math.md, "Second derivatives"). */
#include "inference/hessian.h"

#include "core/finite.h"
#include "core/memory.h"

#include <costate/inference.h>
#include <math.h>
#include <string.h>

/* A natural value or state that is zero says nothing of its size: this many units of x then stand for it. */
#define LEAST_UNITS 1e-3

/* A tolerance that no tangent's error comes near. */
#define NO_LIMIT 1e150

static void lay_out(csi_hessian *h, csi_arena *arena) {
    const costate_fit *fit = h->fit;
    const size_t n = fit->n_y;
    const size_t n_row = fit->row_first[fit->n_segment];
    const size_t n_x = costate_fit_n_x(fit);
    h->rhs_work = csi_arena_take(arena, h->rhs.work_bytes, 1);
    h->x = csi_arena_take(arena, n_x, sizeof(double));
    h->slope = csi_arena_take(arena, n_x, sizeof(double));
    h->uq = csi_arena_take(arena, fit->n_q, sizeof(double));
    h->qbar = csi_arena_take(arena, fit->n_q, sizeof(double));
    h->uqbar = csi_arena_take(arena, fit->n_q, sizeof(double));
    h->magnitude = csi_arena_take(arena, n, sizeof(double));
    h->unit = csi_arena_take(arena, n, sizeof(double));
    h->start = csi_arena_take(arena, fit->n_segment, h->rhs.n_y * sizeof(double));
    h->startbar = csi_arena_take(arena, fit->n_segment, h->rhs.n_y * sizeof(double));
    h->initial = csi_arena_take(arena, fit->n_segment, h->rhs.n_y * sizeof(double));
    h->initialbar = csi_arena_take(arena, fit->n_segment, h->rhs.n_y * sizeof(double));
    h->parameter = csi_arena_take(arena, fit->n_segment, h->rhs.n_p * sizeof(double));
    h->parameterbar = csi_arena_take(arena, fit->n_segment, h->rhs.n_p * sizeof(double));
    h->state = csi_arena_take(arena, n_row, h->rhs.n_y * sizeof(double));
    h->statebar = csi_arena_take(arena, n_row, h->rhs.n_y * sizeof(double));
    h->slopes = csi_arena_take(arena, h->rhs.n_y, sizeof(double));
    h->point_y = csi_arena_take(arena, n, sizeof(double));
    h->point_p = csi_arena_take(arena, fit->n_p, sizeof(double));
    h->point_noise = csi_arena_take(arena, fit->n_noise, sizeof(double));
    h->ybar = csi_arena_take(arena, n, sizeof(double));
    h->pbar = csi_arena_take(arena, fit->n_p, sizeof(double));
    h->noisebar = csi_arena_take(arena, fit->n_noise, sizeof(double));
    h->sum = csi_arena_take(arena, n + fit->n_p + fit->n_noise, sizeof(double));
}

static costate_status allocate(csi_hessian *h) {
    csi_arena measured = csi_arena_measure();
    lay_out(h, &measured);
    if (!csi_arena_fits(&measured)) {
        return COSTATE_ERR_OVERFLOW;
    }
    const size_t bytes = csi_arena_bytes(&measured);
    h->block = csi_alloc(&h->fit->alloc, bytes, 1);
    if (!h->block) {
        return COSTATE_ERR_MEMORY;
    }
    h->arena = csi_arena_open(h->block, bytes);
    lay_out(h, &h->arena);
    return COSTATE_OK;
}

/*
 * Explicit steps are chosen by y alone, so that they are the fit's own steps whatever the direction: in a norm over
 * twice as many states, half of which weigh nothing, tolerances have to be smaller by √2 for that. Implicit stages are
 * iterated until they are converged in this norm, so that there the tangents have to count.
 */
static costate_status create_ensemble(csi_hessian *h) {
    const costate_fit *fit = h->fit;
    const costate_solver_options *own = &fit->options.solver;
    const bool is_explicit = own->method == COSTATE_METHOD_TSIT5 || own->method == COSTATE_METHOD_DOP853;
    const double factor = is_explicit ? sqrt(0.5) : 1.0;
    double *atol = csi_alloc(&fit->alloc, h->rhs.n_y, sizeof(double));
    if (!atol) {
        return COSTATE_ERR_MEMORY;
    }
    for (size_t i = 0; i < fit->n_y; i++) {
        const double given = own->atol_state ? own->atol_state[i] : own->atol;
        atol[i] = factor * given;
        atol[fit->n_y + i] = is_explicit ? NO_LIMIT : given;
    }
    costate_ensemble_options options = costate_ensemble_options_default();
    options.solver = *own;
    options.solver.record = true;
    options.solver.rtol *= factor;
    options.solver.atol_state = atol;
    options.adjoint = fit->options.adjoint;
    options.adjoint.atol_state = NULL;
    options.n_thread = fit->options.n_thread;
    const costate_status status = costate_ensemble_create(&h->rhs, &options, &fit->alloc, &h->ensemble);
    csi_release(&fit->alloc, atol);
    return status;
}

costate_status csi_hessian_create(costate_fit *fit, csi_hessian *hessian) {
    *hessian = (csi_hessian){.fit = fit, .tangent = {.rhs = fit->rhs}};
    costate_status status = csi_tangent_rhs_init(&hessian->tangent, &hessian->rhs);
    if (status == COSTATE_OK) {
        status = allocate(hessian);
    }
    if (status == COSTATE_OK) {
        hessian->tangent.magnitude = hessian->magnitude;
        status = create_ensemble(hessian);
    }
    if (status != COSTATE_OK) {
        csi_hessian_clear(hessian);
        return csi_fit_fail(fit, status, "no room for second derivatives");
    }
    return COSTATE_OK;
}

void csi_hessian_clear(csi_hessian *hessian) {
    costate_ensemble_destroy(hessian->ensemble);
    csi_arena_close(&hessian->arena);
    csi_release(&hessian->fit->alloc, hessian->block);
    hessian->ensemble = NULL;
    hessian->block = NULL;
}

static void measure_states(csi_hessian *h) {
    const costate_fit *fit = h->fit;
    const size_t n = fit->n_y;
    for (size_t i = 0; i < n; i++) {
        double most = 0.0;
        for (size_t j = 0; j < fit->n_segment; j++) {
            most = fmax(most, fabs(fit->y0[j * n + i]));
        }
        for (size_t row = 0; row < fit->row_first[fit->n_segment]; row++) {
            most = fmax(most, fabs(fit->y[row * n + i]));
        }
        h->magnitude[i] = most > 0.0 ? most : 1.0;
    }
}

costate_status csi_hessian_at(csi_hessian *hessian, const double *x) {
    costate_fit *fit = hessian->fit;
    const costate_status status = csi_fit_solve(fit, x, 0, fit->n_segment);
    if (status != COSTATE_OK) {
        return status;
    }
    memcpy(hessian->x, x, costate_fit_n_x(fit) * sizeof(double));
    measure_states(hessian);
    return costate_fit_natural_slope(fit, x, hessian->slope);
}

/* The tangents of q, and how large those of parameters and noise are. */
static void bind_tangents(csi_hessian *h, const double *u, double scale) {
    const costate_fit *fit = h->fit;
    double p_size = 0.0;
    double noise_size = 0.0;
    memset(h->uq, 0, fit->n_q * sizeof(double));
    for (size_t i = 0; i < fit->n_unknown; i++) {
        const size_t q = fit->unknowns[i].q;
        h->uq[q] = h->slope[i] * (u[i] / scale);
        const double unit = fmax(fabs(fit->q[q]), LEAST_UNITS * fabs(h->slope[i]));
        const double size = unit > 0.0 ? fabs(h->uq[q]) / unit : 0.0;
        p_size = q < fit->n_p ? fmax(p_size, size) : p_size;
        noise_size = q >= fit->n_p && q < fit->n_p + fit->n_noise ? fmax(noise_size, size) : noise_size;
    }
    h->tangent.p_size = p_size;
    h->q_size = fmax(p_size, noise_size);
}

static costate_trajectories trajectories_of(const csi_hessian *h) {
    const costate_fit *fit = h->fit;
    return (costate_trajectories){.n = fit->n_segment,
                                  .y0 = h->initial,
                                  .p = h->parameter,
                                  .own_p = true,
                                  .t0 = fit->t0,
                                  .own_t0 = true,
                                  .t = fit->row_t,
                                  .first = fit->row_first};
}

static costate_status solve(csi_hessian *h) {
    costate_fit *fit = h->fit;
    for (size_t j = 0; j < fit->n_segment; j++) {
        double *p = h->parameter + j * h->rhs.n_p;
        memcpy(p, csi_fit_trajectory_parameters(fit, j), fit->n_p * sizeof(double));
        memcpy(p + fit->n_p, h->uq, fit->n_p * sizeof(double));
        const costate_status status = csi_hessian_start(h, j);
        if (status != COSTATE_OK) {
            return status;
        }
    }
    const costate_trajectories trajectories = trajectories_of(h);
    const costate_status status = costate_ensemble_solve(h->ensemble, &trajectories, h->state, NULL);
    return status == COSTATE_OK ? status : csi_fit_fail(fit, status, costate_ensemble_detail(h->ensemble));
}

static costate_status pull_back(csi_hessian *h) {
    costate_fit *fit = h->fit;
    memset(h->qbar, 0, fit->n_q * sizeof(double));
    memset(h->uqbar, 0, fit->n_q * sizeof(double));
    memset(h->startbar, 0, fit->n_segment * h->rhs.n_y * sizeof(double));
    memset(h->parameterbar, 0, fit->n_segment * h->rhs.n_p * sizeof(double));
    costate_status status = COSTATE_OK;
    for (size_t j = 0; j < fit->n_segment; j++) {
        for (size_t k = 0; k < fit->segments[j].n && status == COSTATE_OK; k++) {
            status = csi_hessian_observe(h, j, k);
        }
    }
    if (status != COSTATE_OK) {
        return status;
    }
    const costate_trajectories trajectories = trajectories_of(h);
    status = costate_ensemble_vjp(h->ensemble, &trajectories, h->statebar, h->initialbar, h->parameterbar);
    if (status != COSTATE_OK) {
        return csi_fit_fail(fit, status, costate_ensemble_detail(h->ensemble));
    }
    for (size_t j = 0; j < fit->n_segment && status == COSTATE_OK; j++) {
        status = csi_hessian_pull_start(h, j);
        for (size_t i = 0; i < fit->n_p; i++) {
            h->qbar[i] += h->parameterbar[j * h->rhs.n_p + i];
            h->uqbar[i] += h->parameterbar[j * h->rhs.n_p + fit->n_p + i];
        }
    }
    return status;
}

/* d²q/dx² */
static double curvature(const csi_unknown *unknown, double x) {
    const double z = unknown->scale * x;
    const double slope = csi_transform_slope(unknown, z);
    const double square = unknown->scale * unknown->scale;
    switch (unknown->transform) {
    case COSTATE_TRANSFORM_NONE: break;
    case COSTATE_TRANSFORM_LOG: return square * slope;
    case COSTATE_TRANSFORM_LOGIT: return -square * slope * tanh(0.5 * z);
    case COSTATE_TRANSFORM_SOFTPLUS: return square * slope * (1.0 - slope);
    }
    return 0.0;
}

costate_status csi_hessian_apply(csi_hessian *hessian, const double *u, double *hu) {
    costate_fit *fit = hessian->fit;
    double scale = 0.0;
    for (size_t i = 0; i < fit->n_unknown; i++) {
        scale = fmax(scale, fabs(u[i]));
    }
    memset(hu, 0, fit->n_unknown * sizeof(double));
    if (scale == 0.0) {
        return COSTATE_OK;
    }
    bind_tangents(hessian, u, scale);
    costate_status status = solve(hessian);
    if (status == COSTATE_OK) {
        status = pull_back(hessian);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    for (size_t i = 0; i < fit->n_unknown; i++) {
        const csi_unknown *unknown = &fit->unknowns[i];
        const double direct = hessian->qbar[unknown->q] * hessian->slope[i] * scale;
        const double bent = hessian->uqbar[unknown->q] * curvature(unknown, hessian->x[i]) * u[i];
        hu[i] = direct + bent + 2.0 * unknown->l2 * unknown->scale * unknown->scale * u[i];
    }
    return csi_all_finite(hu, fit->n_unknown)
               ? COSTATE_OK
               : csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "a second derivative is not finite");
}

costate_status costate_fit_hessian_product(costate_fit *fit, const double *x, const double *u, double *hu) {
    if (!fit || !x || !u || !hu) {
        return COSTATE_ERR_NULL;
    }
    fit->detail[0] = '\0';
    if (fit->shooting > 0) {
        return csi_fit_fail(fit, COSTATE_ERR_STATE, "multiple shooting is on");
    }
    if (!csi_all_finite(u, fit->n_unknown)) {
        return csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "the direction is not finite");
    }
    csi_hessian hessian;
    costate_status status = csi_hessian_create(fit, &hessian);
    if (status != COSTATE_OK) {
        return status;
    }
    status = csi_hessian_at(&hessian, x);
    if (status == COSTATE_OK) {
        status = csi_hessian_apply(&hessian, u, hu);
    }
    csi_hessian_clear(&hessian);
    if (status == COSTATE_OK) {
        fit->detail[0] = '\0'; /* of points where a callback refused and closer ones would do */
    }
    return status;
}
