/* SPDX-License-Identifier: MIT */
/* What every optimiser shares: evaluations, the best point, stop criteria and progress. */
#include "optimize/minimize_track.h"

#include "core/clock.h"
#include "core/memory.h"

#include <costate/optimize.h>
#include <math.h>
#include <string.h>

const char *costate_stop_text(costate_stop stop) {
    switch (stop) {
#define CSI_STOP_CASE(name, text)                                                                                      \
    case COSTATE_STOP_##name: return text;
        COSTATE_STOP_LIST(CSI_STOP_CASE)
#undef CSI_STOP_CASE
    }
    return "unknown";
}

bool csi_stop_criteria_valid(const costate_stop_criteria *criteria) {
    return criteria->max_iteration >= 1 && criteria->max_seconds >= 0.0 && !isnan(criteria->value) &&
           criteria->grad_norm >= 0.0 && criteria->rel_change >= 0.0;
}

costate_status csi_track_start(csi_track *track, size_t n, costate_objective_fn f, void *ctx, const double *x,
                               const costate_stop_criteria *criteria, const costate_allocator *alloc) {
    *track = (csi_track){.n = n,
                         .f = f,
                         .ctx = ctx,
                         .criteria = *criteria,
                         .alloc = csi_allocator(alloc),
                         .best = HUGE_VAL,
                         .best_norm = HUGE_VAL,
                         .value = HUGE_VAL,
                         .grad_norm = HUGE_VAL,
                         .start_seconds = csi_clock_seconds()};
    size_t count;
    if (!csi_size_mul(n, 2, &count)) {
        return COSTATE_ERR_MEMORY;
    }
    track->best_x = csi_alloc(&track->alloc, count, sizeof(double));
    if (!track->best_x) {
        return COSTATE_ERR_MEMORY;
    }
    track->best_grad = track->best_x + n;
    memcpy(track->best_x, x, n * sizeof(double));
    return COSTATE_OK;
}

/* These say that the call itself is wrong or unwanted: another point would not help. */
bool csi_status_ends_run(costate_status status) {
    switch (status) {
    case COSTATE_ERR_INTERRUPTED:
    case COSTATE_ERR_MEMORY:
    case COSTATE_ERR_NULL:
    case COSTATE_ERR_ARGUMENT:
    case COSTATE_ERR_SIZE:
    case COSTATE_ERR_STATE:
    case COSTATE_ERR_MISMATCH:
    case COSTATE_ERR_FORMAT:
    case COSTATE_ERR_IO: return true;
    default: return false;
    }
}

static double norm(size_t n, const double *v) {
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double a = fabs(v[i]);
        if (!(a <= largest)) { /* a NaN stays */
            largest = a;
        }
    }
    if (!(largest > 0.0) || isinf(largest)) {
        return largest;
    }
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double r = v[i] / largest;
        sum += r * r;
    }
    return largest * sqrt(sum);
}

bool csi_track_evaluate(csi_track *track, const double *x, double *grad) {
    double value = (double)NAN;
    const costate_status status = track->f(x, &value, grad, track->ctx);
    track->n_eval++;
    if (csi_status_ends_run(status)) {
        track->status = status;
        csi_track_stop(track, COSTATE_STOP_FAILURE);
    }
    const double grad_norm = status == COSTATE_OK ? norm(track->n, grad) : (double)NAN;
    track->feasible = isfinite(value) && isfinite(grad_norm);
    if (!track->feasible) {
        track->n_fail++;
        track->value = track->best;
        track->grad_norm = track->best_norm;
        return false;
    }
    track->value = value;
    track->grad_norm = grad_norm;
    if (value < track->best) {
        track->best = value;
        track->best_norm = grad_norm;
        memcpy(track->best_x, x, track->n * sizeof(double));
        memcpy(track->best_grad, grad, track->n * sizeof(double));
    }
    return true;
}

static double seconds_since_start(const csi_track *track) { return csi_clock_seconds() - track->start_seconds; }

void csi_track_check(csi_track *track) {
    const costate_stop_criteria *criteria = &track->criteria;
    if (track->value <= criteria->value) {
        csi_track_stop(track, COSTATE_STOP_VALUE);
    } else if (track->grad_norm <= criteria->grad_norm) {
        csi_track_stop(track, COSTATE_STOP_GRADIENT);
    } else if (track->n_iteration >= criteria->max_iteration) {
        csi_track_stop(track, COSTATE_STOP_MAX_ITERATION);
    } else if (criteria->max_seconds > 0.0 && seconds_since_start(track) >= criteria->max_seconds) {
        csi_track_stop(track, COSTATE_STOP_TIME);
    }
}

static int report(const csi_track *track, const double *x) {
    const costate_stop_criteria *criteria = &track->criteria;
    if (!criteria->progress) {
        return 0;
    }
    const double seconds = seconds_since_start(track);
    const double per_iteration = seconds / (double)track->n_iteration;
    const costate_progress progress = {
        .iteration = track->n_iteration,
        .max_iteration = criteria->max_iteration,
        .value = track->value,
        .best = track->best,
        .grad_norm = track->grad_norm,
        .n_eval = track->n_eval,
        .n_fail = track->n_fail,
        .seconds = seconds,
        .seconds_left = per_iteration * (double)(criteria->max_iteration - track->n_iteration),
        .x = track->feasible ? x : track->best_x,
    };
    return criteria->progress(&progress, criteria->progress_ctx);
}

void csi_track_iteration(csi_track *track, const double *x) {
    track->n_iteration++;
    if (report(track, x) != 0) {
        csi_track_stop(track, COSTATE_STOP_CALLBACK);
    }
    csi_track_check(track);
}

void csi_track_stop(csi_track *track, costate_stop stop) {
    if (!track->done) {
        track->done = true;
        track->stop = stop;
    }
}

costate_status csi_track_finish(csi_track *track, double *x, costate_optimum *optimum) {
    memcpy(x, track->best_x, track->n * sizeof(double));
    if (optimum) {
        *optimum = (costate_optimum){.stop = track->stop,
                                     .value = track->best,
                                     .grad_norm = track->best_norm,
                                     .n_iteration = track->n_iteration,
                                     .n_eval = track->n_eval,
                                     .n_fail = track->n_fail,
                                     .seconds = seconds_since_start(track)};
    }
    csi_release(&track->alloc, track->best_x);
    track->best_x = NULL;
    track->best_grad = NULL;
    if (track->status != COSTATE_OK) {
        return track->status;
    }
    return isfinite(track->best) ? COSTATE_OK : COSTATE_ERR_OPTIMIZER;
}
