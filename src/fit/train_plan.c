/* SPDX-License-Identifier: MIT */
/* What a training plan means for a fit. */
#include "core/memory.h"
#include "fit/fit_internal.h"
#include "fit/train_internal.h"

#include <costate/train.h>
#include <math.h>
#include <stdlib.h>

costate_train_plan costate_train_plan_default(void) {
    return (costate_train_plan){.collocation = true,
                                .collocation_options = costate_collocation_options_default(),
                                .collocation_effort = {.adam = 300, .lbfgs = 200},
                                .horizon_effort = {.adam = 200},
                                .shooting_length = 5,
                                .shooting_weight = 1.0,
                                .shooting_weight_last = 100.0,
                                .shooting_effort = {.lbfgs = 100},
                                .effort = {.adam = 200, .lbfgs = 1000},
                                .adam = costate_adam_options_default(),
                                .lbfgs = costate_lbfgs_options_default(),
                                .validate_every = 10};
}

const char *costate_train_kind_text(costate_train_kind kind) {
    switch (kind) {
    case COSTATE_TRAIN_COLLOCATION: return "collocation";
    case COSTATE_TRAIN_HORIZON: return "horizon";
    case COSTATE_TRAIN_SHOOTING: return "shooting";
    case COSTATE_TRAIN_FULL: return "full";
    }
    return "unknown";
}

static size_t runs_of(costate_train_effort effort) {
    return (effort.adam > 0 ? 1U : 0U) + (effort.lbfgs > 0 ? 1U : 0U);
}

static bool positive(double x) { return x > 0.0 && isfinite(x); }

bool csi_train_plan_valid(const costate_train_plan *plan, size_t n_y) {
    const size_t most = COSTATE_TRAIN_MOST_RUNS;
    if (plan->n_horizon > most || plan->n_shooting > most || plan->validate_every == 0 || !(plan->max_seconds >= 0.0)) {
        return false;
    }
    if (plan->n_shooting > 0 &&
        (plan->shooting_length == 0 || !positive(plan->shooting_weight) || !positive(plan->shooting_weight_last))) {
        return false;
    }
    for (size_t i = 0; plan->shooting_scale && i < n_y; i++) {
        if (!positive(plan->shooting_scale[i])) {
            return false;
        }
    }
    return (plan->collocation ? 2 : 0) + plan->n_horizon * runs_of(plan->horizon_effort) +
               plan->n_shooting * runs_of(plan->shooting_effort) + runs_of(plan->effort) <=
           most;
}

static int by_size(const void *left, const void *right) {
    const double *a = left;
    const double *b = right;
    return *a < *b ? -1 : *a > *b ? 1 : 0;
}

/* The different times of the series that are not held out, in order; returns their number. */
static size_t list_times(const costate_fit *fit, double *t) {
    size_t n = 0;
    size_t n_different = 0;
    for (size_t s = 0; s < fit->n_series; s++) {
        for (size_t i = fit->first[s]; !fit->held_out[s] && i < fit->first[s + 1]; i++) {
            t[n++] = fit->t[i];
        }
    }
    qsort(t, n, sizeof *t, by_size);
    for (size_t i = 0; i < n; i++) {
        if (n_different == 0 || t[i] > t[n_different - 1]) {
            t[n_different++] = t[i];
        }
    }
    return n_different;
}

costate_status csi_train_horizons(const costate_fit *fit, size_t n_horizon, const costate_allocator *alloc,
                                  double *t_end) {
    double *t = csi_alloc(alloc, fit->n_obs, sizeof *t);
    if (!t) {
        return COSTATE_ERR_MEMORY;
    }
    const size_t n = list_times(fit, t);
    for (size_t k = 0; k < n_horizon; k++) {
        const double share = (double)(k + 1) / (double)(n_horizon + 1);
        const size_t count = (size_t)ceil(share * (double)n);
        t_end[k] = t[count - 1];
    }
    csi_release(alloc, t);
    return COSTATE_OK;
}

/* Standard deviation of the data of a state. */
static double deviation(const costate_fit *fit, size_t state) {
    double n = 0.0;
    double mean = 0.0;
    double sum = 0.0;
    for (size_t i = 0; i < fit->n_obs; i++) {
        const double datum = fit->data[i * fit->n_h + state];
        if (!isnan(datum)) {
            const double off = datum - mean;
            n += 1.0;
            mean += off / n;
            sum += off * (datum - mean);
        }
    }
    return n > 0.0 ? sqrt(sum / n) : 0.0;
}

void csi_train_shooting_scale(const costate_fit *fit, const costate_train_plan *plan, double *scale) {
    for (size_t i = 0; i < fit->n_y; i++) {
        const double spread = fit->observable.f ? 0.0 : deviation(fit, i);
        scale[i] = plan->shooting_scale ? plan->shooting_scale[i] : positive(spread) ? spread : 1.0;
    }
}

double csi_train_shooting_weight(const costate_train_plan *plan, size_t k) {
    if (plan->n_shooting < 2) {
        return plan->shooting_weight;
    }
    const double part = (double)k / (double)(plan->n_shooting - 1);
    return plan->shooting_weight * pow(plan->shooting_weight_last / plan->shooting_weight, part);
}

bool csi_train_has_validation(const costate_fit *fit) {
    for (size_t s = 0; s < fit->n_series; s++) {
        for (size_t i = fit->first[s] * fit->n_h; fit->held_out[s] && i < fit->first[s + 1] * fit->n_h; i++) {
            if (!isnan(fit->data[i])) {
                return true;
            }
        }
    }
    return false;
}
