/* SPDX-License-Identifier: MIT */
/* From an information matrix to covariances, standard errors and intervals. */
#include "core/finite.h"
#include "core/memory.h"
#include "core/normal_quantile.h"
#include "fit/fit_internal.h"
#include "ode/dense_cholesky.h"

#include <costate/inference.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* 1 − R² of an unknown on those before it, below which it is taken to be determined by them. */
#define LEAST_PIVOT 1e-12

/* Scratch of an inversion. */
typedef struct inversion {
    double *matrix;  /* n × n, scaled to a unit diagonal, then its factor */
    double **column; /* n, into matrix */
    double *scale;   /* n */
    double *x;       /* n, one column of the inverse */
} inversion;

static void release_scratch(const costate_allocator *alloc, inversion *scratch) {
    csi_release(alloc, scratch->matrix);
    csi_release(alloc, (void *)scratch->column);
    csi_release(alloc, scratch->scale);
}

static costate_status allocate_scratch(const costate_allocator *alloc, size_t n, inversion *scratch) {
    size_t count;
    if (!csi_size_mul(n, n, &count) || count > SIZE_MAX / sizeof(double)) {
        return COSTATE_ERR_OVERFLOW;
    }
    scratch->matrix = csi_alloc(alloc, count, sizeof(double));
    scratch->column = csi_alloc(alloc, n, sizeof(double *));
    scratch->scale = csi_alloc(alloc, n, 2 * sizeof(double));
    if (!scratch->matrix || !scratch->column || !scratch->scale) {
        release_scratch(alloc, scratch);
        return COSTATE_ERR_MEMORY;
    }
    scratch->x = scratch->scale + n;
    for (size_t j = 0; j < n; j++) {
        scratch->column[j] = scratch->matrix + j * n;
    }
    return COSTATE_OK;
}

/* The factor of the scaled matrix; n, or the first unknown that stands in the way. */
static size_t factorise(size_t n, const double *information, double ridge, inversion *scratch) {
    for (size_t i = 0; i < n; i++) {
        const double diagonal = information[i * n + i] + ridge;
        if (!(diagonal > 0.0)) {
            return i;
        }
        scratch->scale[i] = 1.0 / sqrt(diagonal);
    }
    for (size_t j = 0; j < n; j++) {
        scratch->column[j][j] = 1.0;
        for (size_t i = j + 1; i < n; i++) {
            scratch->column[j][i] = information[i * n + j] * scratch->scale[i] * scratch->scale[j];
        }
    }
    return csi_cholesky_factor(n, scratch->column, LEAST_PIVOT);
}

static void invert(size_t n, double factor, inversion *scratch, double *covariance) {
    for (size_t j = 0; j < n; j++) {
        memset(scratch->x, 0, n * sizeof(double));
        scratch->x[j] = factor * scratch->scale[j];
        csi_cholesky_solve(n, scratch->column, scratch->x);
        for (size_t i = j; i < n; i++) {
            covariance[i * n + j] = scratch->x[i] * scratch->scale[i];
            covariance[j * n + i] = covariance[i * n + j];
        }
    }
}

static bool lower_triangle_finite(size_t n, const double *matrix) {
    for (size_t i = 0; i < n; i++) {
        if (!csi_all_finite(matrix + i * n, i + 1)) {
            return false;
        }
    }
    return true;
}

costate_status costate_covariance(size_t n, const double *information, double ridge, double factor,
                                  const costate_allocator *alloc, double *covariance, size_t *culprit) {
    if (culprit) {
        *culprit = SIZE_MAX;
    }
    if (!information || !covariance) {
        return COSTATE_ERR_NULL;
    }
    if (n == 0 || !(ridge >= 0.0) || isinf(ridge) || !(factor > 0.0) || isinf(factor)) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (n > SIZE_MAX / sizeof(double) / n) {
        return COSTATE_ERR_OVERFLOW;
    }
    if (!lower_triangle_finite(n, information)) {
        return COSTATE_ERR_NONFINITE;
    }
    const costate_allocator a = csi_allocator(alloc);
    inversion scratch = {0};
    const costate_status status = allocate_scratch(&a, n, &scratch);
    if (status != COSTATE_OK) {
        return status;
    }
    const size_t done = factorise(n, information, ridge, &scratch);
    if (done == n) {
        invert(n, factor, &scratch, covariance);
    } else if (culprit) {
        *culprit = done;
    }
    release_scratch(&a, &scratch);
    return done == n ? COSTATE_OK : COSTATE_ERR_SINGULAR;
}

/* Values that the objective sees: neither missing, nor of weight 0, nor beyond the horizon. */
static size_t count_values(const costate_fit *fit) {
    size_t n = 0;
    for (size_t j = 0; j < fit->n_segment; j++) {
        const csi_segment *segment = &fit->segments[j];
        for (size_t i = segment->first; i < segment->first + segment->n; i++) {
            for (size_t k = 0; k < fit->n_h; k++) {
                n += !isnan(fit->data[i * fit->n_h + k]) && fit->weight[segment->series * fit->n_h + k] > 0.0 ? 1 : 0;
            }
        }
    }
    return n;
}

costate_status costate_fit_dispersion(costate_fit *fit, const double *x, double *factor) {
    if (!fit || !x || !factor) {
        return COSTATE_ERR_NULL;
    }
    fit->detail[0] = '\0';
    if (fit->loss.likelihood) {
        *factor = 1.0;
        return COSTATE_OK;
    }
    const size_t n_value = count_values(fit);
    const size_t n_x = costate_fit_n_x(fit);
    if (n_value <= n_x) {
        return csi_fit_fail(fit, COSTATE_ERR_STATE, "no more observed values than unknowns");
    }
    double value;
    double penalties = 0.0;
    const costate_status status = costate_fit_objective(x, &value, NULL, fit);
    if (status == COSTATE_OK) {
        csi_fit_penalties(fit, x, &penalties, NULL);
        *factor = 2.0 * fmax(value - penalties, 0.0) / (double)(n_value - n_x);
    }
    return status;
}

costate_status costate_fit_covariance(costate_fit *fit, const double *x, costate_information_kind kind, double ridge,
                                      double *covariance, size_t *culprit) {
    if (culprit) {
        *culprit = SIZE_MAX;
    }
    costate_status status = costate_fit_information(fit, x, kind, covariance);
    double factor = 1.0;
    if (status == COSTATE_OK) {
        status = costate_fit_dispersion(fit, x, &factor);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    size_t at = SIZE_MAX;
    /* Of a perfect fit every error is zero; a factor of zero would hide that a matrix is singular. */
    const double positive = factor > 0.0 ? factor : DBL_MIN;
    status = costate_covariance(costate_fit_n_x(fit), covariance, ridge, positive, &fit->alloc, covariance, &at);
    if (culprit) {
        *culprit = at;
    }
    if (status == COSTATE_ERR_SINGULAR) {
        snprintf(fit->detail, sizeof(fit->detail), "the data and the unknowns before it do not determine unknown %zu",
                 at);
    } else if (status != COSTATE_OK) {
        csi_fit_fail(fit, status, "the information could not be inverted");
    }
    return status;
}

costate_status costate_fit_intervals(const costate_fit *fit, const double *x, const double *covariance, double level,
                                     costate_interval *intervals) {
    if (!fit || !x || !covariance || !intervals) {
        return COSTATE_ERR_NULL;
    }
    if (!(level > 0.0 && level < 1.0)) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (fit->shooting > 0) {
        return COSTATE_ERR_STATE;
    }
    const double z = csi_normal_quantile(0.5 + 0.5 * level);
    for (size_t i = 0; i < fit->n_unknown; i++) {
        const csi_unknown *unknown = &fit->unknowns[i];
        const double deviation = sqrt(covariance[i * fit->n_unknown + i]);
        intervals[i] = (costate_interval){
            .q = unknown->q,
            .value = csi_transform(unknown, unknown->scale * x[i]),
            .error = unknown->scale * csi_transform_slope(unknown, unknown->scale * x[i]) * deviation,
            .lower = csi_transform(unknown, unknown->scale * (x[i] - z * deviation)),
            .upper = csi_transform(unknown, unknown->scale * (x[i] + z * deviation)),
        };
    }
    return COSTATE_OK;
}

double costate_normal_quantile(double probability) {
    if (!(probability >= 0.0 && probability <= 1.0)) {
        return (double)NAN;
    }
    if (probability < DBL_MIN || probability == 1.0) {
        return probability == 1.0 ? (double)INFINITY : -(double)INFINITY;
    }
    return csi_normal_quantile(probability);
}
