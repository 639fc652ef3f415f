/* SPDX-License-Identifier: MIT */
/* Creation of a fit. */
#include "core/memory.h"
#include "fit/fit_internal.h"

#include <math.h>
#include <string.h>

costate_fit_options costate_fit_options_default(void) {
    return (costate_fit_options){
        .solver = costate_solver_options_default(), .adjoint = costate_adjoint_options_default(), .n_thread = 1};
}

static void count_observations(const costate_fit_spec *spec, size_t *n_obs, bool *fits) {
    *n_obs = 0;
    for (size_t s = 0; s < spec->n_series; s++) {
        *fits = *fits && csi_size_add(*n_obs, spec->series[s].n_t, n_obs);
    }
}

/* Sizes of the parts of q and of the block of numbers. */
static bool set_sizes(costate_fit *fit, const costate_fit_spec *spec, size_t *count) {
    const size_t n_s = spec->n_series;
    bool fits = true;
    size_t part;
    fit->n_y = spec->rhs->n_y;
    fit->n_p = spec->rhs->n_p;
    fit->n_h = spec->observable ? spec->observable->n_h : fit->n_y;
    fit->n_noise = fit->loss.n_noise;
    fit->n_series = n_s;
    fit->n_covariate = spec->n_covariate;
    count_observations(spec, &fit->n_obs, &fits);
    fits = fits && csi_size_add(fit->n_y, 1, &part) && csi_size_mul(part, n_s, &part) &&
           csi_size_add(part, fit->n_p, &part) && csi_size_add(part, fit->n_noise, &fit->n_q);
    const size_t terms[][2] = {{fit->n_obs, fit->n_h}, {fit->n_obs, 1}, {n_s, fit->n_h}, {n_s, fit->n_covariate},
                               {fit->n_q, 3},          {fit->n_h, 2},   {fit->n_y, 5},   {fit->n_p, 1}};
    *count = 0;
    for (size_t k = 0; k < sizeof terms / sizeof terms[0]; k++) {
        fits = fits && csi_size_mul(terms[k][0], terms[k][1], &part) && csi_size_add(*count, part, count);
    }
    return fits;
}

static double *take(double **at, size_t n) {
    double *taken = *at;
    *at += n;
    return taken;
}

static costate_status allocate(costate_fit *fit, size_t count) {
    fit->block = csi_alloc(&fit->alloc, count, sizeof(double));
    fit->first = csi_alloc(&fit->alloc, fit->n_series + 1, sizeof(size_t));
    fit->held_out = csi_alloc(&fit->alloc, fit->n_series, sizeof(bool));
    fit->covariate_index = csi_alloc(&fit->alloc, fit->n_covariate, sizeof(size_t));
    fit->rhs_work = csi_alloc_aligned(&fit->alloc, fit->rhs.work_bytes, 1, &fit->rhs_block);
    if (!fit->block || !fit->first || !fit->held_out || !fit->covariate_index || !fit->rhs_work) {
        return COSTATE_ERR_MEMORY;
    }
    double *at = fit->block;
    fit->t = take(&at, fit->n_obs);
    fit->data = take(&at, fit->n_obs * fit->n_h);
    fit->weight = take(&at, fit->n_series * fit->n_h);
    fit->covariate = take(&at, fit->n_series * fit->n_covariate);
    fit->q0 = take(&at, fit->n_q);
    fit->q = take(&at, fit->n_q);
    fit->qbar = take(&at, fit->n_q);
    fit->h = take(&at, fit->n_h);
    fit->hbar = take(&at, fit->n_h);
    fit->slope = take(&at, fit->n_y);
    fit->state = take(&at, fit->n_y);
    fit->shooting_scale = take(&at, fit->n_y);
    fit->p = take(&at, fit->n_p);
    fit->atol = take(&at, 2 * fit->n_y);
    return COSTATE_OK;
}

static void copy_or_fill(double *to, const double *from, size_t n, double fill) {
    for (size_t i = 0; i < n; i++) {
        to[i] = from ? from[i] : fill;
    }
}

static void copy_series(costate_fit *fit, const costate_fit_spec *spec, size_t s) {
    const costate_series *series = &spec->series[s];
    const size_t first = fit->first[s];
    fit->first[s + 1] = first + series->n_t;
    fit->held_out[s] = series->held_out;
    memcpy(fit->t + first, series->t, series->n_t * sizeof(double));
    memcpy(fit->data + first * fit->n_h, series->data, series->n_t * fit->n_h * sizeof(double));
    copy_or_fill(fit->weight + s * fit->n_h, series->weight, fit->n_h, 1.0);
    copy_or_fill(fit->covariate + s * fit->n_covariate, series->covariate, fit->n_covariate, 0.0);
    copy_or_fill(fit->q0 + csi_fit_state_offset(fit, s), fit->initial.f ? NULL : series->y0, fit->n_y, 0.0);
    fit->q0[csi_fit_time_offset(fit, s)] = series->t0;
}

static void copy_spec(costate_fit *fit, const costate_fit_spec *spec) {
    for (size_t k = 0; k < fit->n_covariate; k++) {
        fit->covariate_index[k] = spec->covariate_index[k];
    }
    copy_or_fill(fit->q0, spec->p, fit->n_p, 0.0);
    copy_or_fill(fit->q0 + fit->n_p, spec->noise, fit->n_noise, 1.0);
    copy_or_fill(fit->shooting_scale, NULL, fit->n_y, 1.0);
    for (size_t s = 0; s < fit->n_series; s++) {
        copy_series(fit, spec, s);
    }
}

/* The options are used again where a fit makes another solver, when the caller's arrays may be gone. */
static void copy_tolerances(costate_fit *fit) {
    costate_fit_options *options = &fit->options;
    if (options->solver.atol_state) {
        memcpy(fit->atol, options->solver.atol_state, fit->n_y * sizeof(double));
        options->solver.atol_state = fit->atol;
    }
    if (options->adjoint.atol_state) {
        memcpy(fit->atol + fit->n_y, options->adjoint.atol_state, fit->n_y * sizeof(double));
        options->adjoint.atol_state = fit->atol + fit->n_y;
    }
}

/* A few series alone would leave lanes idle. */
static costate_status create_ensemble(costate_fit *fit) {
    costate_ensemble_options options = costate_ensemble_options_default();
    options.solver = fit->options.solver;
    options.solver.record = true;
    options.adjoint = fit->options.adjoint;
    options.n_thread = fit->options.n_thread;
    options.lanes = fit->n_series >= COSTATE_LANES;
    return costate_ensemble_create(&fit->rhs, &options, &fit->alloc, &fit->ensemble);
}

static costate_status build(costate_fit *fit, const costate_fit_spec *spec) {
    size_t count;
    fit->rhs = *spec->rhs;
    fit->observable = spec->observable ? *spec->observable : (costate_observable){0};
    fit->initial = spec->initial ? *spec->initial : (costate_initial){0};
    fit->loss = spec->loss.value ? spec->loss : costate_loss_squared();
    fit->horizon = (double)INFINITY;
    if (!set_sizes(fit, spec, &count)) {
        return COSTATE_ERR_OVERFLOW;
    }
    costate_status status = allocate(fit, count);
    if (status == COSTATE_OK) {
        copy_spec(fit, spec);
        copy_tolerances(fit);
        status = csi_fit_list_unknowns(fit, spec);
    }
    if (status == COSTATE_OK) {
        status = csi_fit_cut(fit, 0);
    }
    if (status == COSTATE_OK && fit->n_segment == 0) {
        status = COSTATE_ERR_ARGUMENT;
    }
    return status == COSTATE_OK ? create_ensemble(fit) : status;
}

costate_status costate_fit_create(const costate_fit_spec *spec, const costate_fit_options *options,
                                  const costate_allocator *alloc, costate_fit **fit) {
    if (!fit) {
        return COSTATE_ERR_NULL;
    }
    *fit = NULL;
    if (!spec) {
        return COSTATE_ERR_NULL;
    }
    costate_status status = csi_fit_check(spec);
    if (status != COSTATE_OK) {
        return status;
    }
    const costate_allocator a = csi_allocator(alloc);
    costate_fit *created = csi_alloc(&a, 1, sizeof(*created));
    if (!created) {
        return COSTATE_ERR_MEMORY;
    }
    created->alloc = a;
    created->options = options ? *options : costate_fit_options_default();
    status = build(created, spec);
    if (status != COSTATE_OK) {
        costate_fit_destroy(created);
        return status;
    }
    *fit = created;
    return COSTATE_OK;
}

void costate_fit_destroy(costate_fit *fit) {
    if (!fit) {
        return;
    }
    const costate_allocator alloc = fit->alloc;
    costate_ensemble_destroy(fit->ensemble);
    csi_release(&alloc, fit->unknowns);
    csi_release(&alloc, fit->first);
    csi_release(&alloc, fit->held_out);
    csi_release(&alloc, fit->covariate_index);
    csi_release(&alloc, fit->block);
    csi_release(&alloc, fit->segments);
    csi_release(&alloc, fit->row_first);
    csi_release(&alloc, fit->status);
    csi_release(&alloc, fit->trajectory_block);
    csi_release(&alloc, fit->rhs_block);
    csi_release(&alloc, fit->prediction);
    csi_release(&alloc, fit);
}
