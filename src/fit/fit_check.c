/* SPDX-License-Identifier: MIT */
/* What a fit's specification must fulfil. */
#include "core/finite.h"
#include "core/memory.h"
#include "fit/fit_internal.h"

#include <math.h>

static bool any_infinite(size_t n, const double *a) {
    for (size_t i = 0; i < n; i++) {
        if (isinf(a[i])) {
            return true;
        }
    }
    return false;
}

static costate_status check_weights(const double *weight, size_t n_h) {
    for (size_t k = 0; weight && k < n_h; k++) {
        if (!isfinite(weight[k])) {
            return COSTATE_ERR_NONFINITE;
        }
        if (weight[k] < 0.0) {
            return COSTATE_ERR_ARGUMENT;
        }
    }
    return COSTATE_OK;
}

static costate_status check_times(const costate_series *series) {
    if (!isfinite(series->t0) || !csi_all_finite(series->t, series->n_t)) {
        return COSTATE_ERR_NONFINITE;
    }
    double previous = series->t0;
    for (size_t i = 0; i < series->n_t; i++) {
        if (series->t[i] < previous) {
            return COSTATE_ERR_ARGUMENT;
        }
        previous = series->t[i];
    }
    return COSTATE_OK;
}

static costate_status check_series(const costate_fit_spec *spec, const costate_series *series, size_t n_h) {
    size_t n_value;
    if (!series->t || !series->data || (!spec->initial && !series->y0) ||
        (spec->n_covariate > 0 && !series->covariate)) {
        return COSTATE_ERR_NULL;
    }
    if (series->n_t == 0) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!csi_size_mul(series->n_t, n_h, &n_value)) {
        return COSTATE_ERR_OVERFLOW;
    }
    if ((series->y0 && !spec->initial && !csi_all_finite(series->y0, spec->rhs->n_y)) ||
        !csi_all_finite(series->covariate, spec->n_covariate) || any_infinite(n_value, series->data)) {
        return COSTATE_ERR_NONFINITE;
    }
    const costate_status status = check_weights(series->weight, n_h);
    return status == COSTATE_OK ? check_times(series) : status;
}

static costate_status check_covariates(const costate_fit_spec *spec) {
    for (size_t k = 0; k < spec->n_covariate; k++) {
        if (spec->covariate_index[k] >= spec->rhs->n_p) {
            return COSTATE_ERR_ARGUMENT;
        }
        for (size_t j = 0; j < k; j++) {
            if (spec->covariate_index[j] == spec->covariate_index[k]) {
                return COSTATE_ERR_ARGUMENT;
            }
        }
    }
    return COSTATE_OK;
}

static bool has_bounds(costate_transform transform) {
    return transform == COSTATE_TRANSFORM_LOGIT || transform == COSTATE_TRANSFORM_SOFTPLUS;
}

/* Without a loss of its own a fit has the squared one. */
static size_t n_noise_of(const costate_fit_spec *spec) { return spec->loss.value ? spec->loss.n_noise : 0; }

static costate_status check_estimate(const costate_fit_spec *spec, const costate_estimate *e) {
    const bool of_series = e->part == COSTATE_FIT_INITIAL_STATE || e->part == COSTATE_FIT_INITIAL_TIME;
    const size_t size = e->part == COSTATE_FIT_PARAMETER       ? spec->rhs->n_p
                        : e->part == COSTATE_FIT_NOISE         ? n_noise_of(spec)
                        : e->part == COSTATE_FIT_INITIAL_STATE ? spec->rhs->n_y
                        : e->part == COSTATE_FIT_INITIAL_TIME  ? 1
                                                               : 0;
    const bool known_part = of_series || e->part == COSTATE_FIT_PARAMETER || e->part == COSTATE_FIT_NOISE;
    const size_t n = e->n > 0 ? e->n : size - (e->first < size ? e->first : size);
    const bool empty = size == 0 && e->first == 0 && e->n == 0;
    if (!known_part || (e->first >= size && !empty) || n > size - e->first ||
        (of_series && e->series != COSTATE_EVERY_SERIES && e->series >= spec->n_series) ||
        (e->part == COSTATE_FIT_INITIAL_STATE && spec->initial && !e->fixed)) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!csi_all_finite((const double[]){e->lower, e->upper, e->scale, e->l2, e->l1}, 5) ||
        (e->mean && !csi_all_finite(e->mean, n))) {
        return COSTATE_ERR_NONFINITE;
    }
    const bool known =
        e->transform == COSTATE_TRANSFORM_NONE || e->transform == COSTATE_TRANSFORM_LOG || has_bounds(e->transform);
    return known && e->scale >= 0.0 && e->l2 >= 0.0 && e->l1 >= 0.0 &&
                   (e->transform != COSTATE_TRANSFORM_LOGIT || e->lower < e->upper)
               ? COSTATE_OK
               : COSTATE_ERR_ARGUMENT;
}

static bool pointers_given(const costate_fit_spec *spec) {
    return spec->rhs && spec->rhs->f && spec->series && (spec->n_covariate == 0 || spec->covariate_index) &&
           (spec->n_estimate == 0 || spec->estimates) &&
           (!spec->observable || (spec->observable->f && spec->observable->vjp)) &&
           (!spec->initial || (spec->initial->f && spec->initial->vjp));
}

costate_status csi_fit_check(const costate_fit_spec *spec) {
    if (!pointers_given(spec)) {
        return COSTATE_ERR_NULL;
    }
    const size_t n_h = spec->observable ? spec->observable->n_h : spec->rhs->n_y;
    if (spec->rhs->n_y == 0 || n_h == 0 || spec->n_series == 0) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!spec->rhs->vjp) {
        return COSTATE_ERR_UNSUPPORTED;
    }
    if ((spec->p && !csi_all_finite(spec->p, spec->rhs->n_p)) ||
        (spec->noise && !csi_all_finite(spec->noise, n_noise_of(spec)))) {
        return COSTATE_ERR_NONFINITE;
    }
    costate_status status = check_covariates(spec);
    for (size_t s = 0; status == COSTATE_OK && s < spec->n_series; s++) {
        status = check_series(spec, &spec->series[s], n_h);
    }
    for (size_t k = 0; status == COSTATE_OK && k < spec->n_estimate; k++) {
        status = check_estimate(spec, &spec->estimates[k]);
    }
    return status;
}
