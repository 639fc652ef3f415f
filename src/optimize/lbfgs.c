/* SPDX-License-Identifier: MIT */
/* Limited-memory BFGS: NLopt's LD_LBFGS behind the shared bookkeeping of the optimisers. */
#include "core/memory.h"
#include "optimize/minimize_track.h"

#include <costate/optimize.h>
#include <limits.h>
#include <math.h>
#include <nlopt.h>
#include <string.h>

/*
 * NLopt's first trial step is −∇f and its own gradient tolerance is absolute. It therefore works on z = x / X_UNIT and scale·f, with powers of two
 * that give the first step a sensible length in x whatever the unit of f, put that tolerance well below 1e-9 of the first gradient, and leave every
 * digit as it is.
 */
static const double X_UNIT = 0x1p-12;

typedef struct lbfgs_run {
    csi_track track;
    nlopt_opt opt;
    double scale;
    double penalty; /* scaled value of a failed evaluation */
    double *z;      /* the arrays below, n elements each, in one block */
    double *x;
    double *lower; /* in units of z */
    double *upper;
} lbfgs_run;

costate_lbfgs_options costate_lbfgs_options_default(void) {
    return (costate_lbfgs_options){.stop = {.max_iteration = 1000, .value = -HUGE_VAL, .rel_change = 1e-10}};
}

static bool bounds_valid(size_t n, const double *lower, const double *upper, const double *x) {
    for (size_t i = 0; i < n; i++) {
        if (lower && !(lower[i] <= x[i])) {
            return false;
        }
        if (upper && !(x[i] <= upper[i])) {
            return false;
        }
    }
    return true;
}

static bool options_valid(const costate_lbfgs_options *o, size_t n, const double *x) {
    return n <= INT_MAX && o->memory <= INT_MAX && csi_stop_criteria_valid(&o->stop) &&
           bounds_valid(n, o->lower, o->upper, x);
}

static void scale_by(double factor, size_t n, const double *from, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = factor * from[i];
    }
}

/* The first step is as long as the linear model needs to bring the function to zero, within these limits. */
static const double FIRST_STEP_MIN = 0.01;
static const double FIRST_STEP_MAX = 1.0;

static void choose_scale(lbfgs_run *run) {
    const double value = fabs(run->track.value);
    const double norm = run->track.grad_norm;
    int exponent = 0;
    if (norm > 0.0) {
        const double first_step = fmin(fmax(value / norm, FIRST_STEP_MIN), FIRST_STEP_MAX);
        frexp(norm / first_step, &exponent);
    }
    run->scale = ldexp(1.0 / (X_UNIT * X_UNIT), -exponent);
    run->penalty = 1e6 * (1.0 + run->scale * value);
}

/* NLopt's objective. It goes on calling for a while after it has been told to stop; then nothing is evaluated. */
static double lbfgs_objective(unsigned n, const double *z, double *grad, void *ctx) {
    lbfgs_run *run = ctx;
    csi_track *track = &run->track;
    bool feasible = false;
    if (!track->done) {
        scale_by(X_UNIT, n, z, run->x);
        feasible = csi_track_evaluate(track, run->x, grad);
    }
    if (feasible && track->n_iteration == 0) {
        choose_scale(run);
    } else if (!feasible && !isfinite(track->best)) {
        csi_track_stop(track, COSTATE_STOP_FAILURE);
    }
    if (!track->done) {
        csi_track_iteration(track, run->x);
    }
    if (track->done) {
        nlopt_force_stop(run->opt);
    }
    if (!feasible) {
        memset(grad, 0, n * sizeof(double));
        return run->penalty;
    }
    scale_by(run->scale * X_UNIT, n, grad, grad);
    return run->scale * track->value;
}

static nlopt_result create(lbfgs_run *run) {
    const size_t n = run->track.n;
    size_t count;
    if (!csi_size_mul(n, 4, &count)) {
        return NLOPT_OUT_OF_MEMORY;
    }
    run->z = csi_alloc(&run->track.alloc, count, sizeof(double));
    run->opt = run->z ? nlopt_create(NLOPT_LD_LBFGS, (unsigned)n) : NULL;
    if (!run->opt) {
        return NLOPT_OUT_OF_MEMORY;
    }
    run->x = run->z + n;
    run->lower = run->x + n;
    run->upper = run->lower + n;
    return NLOPT_SUCCESS;
}

static nlopt_result configure(lbfgs_run *run, const costate_lbfgs_options *options) {
    const size_t max_iteration = options->stop.max_iteration;
    nlopt_result result = nlopt_set_min_objective(run->opt, lbfgs_objective, run);
    if (result >= 0 && options->lower) {
        scale_by(1.0 / X_UNIT, run->track.n, options->lower, run->lower);
        result = nlopt_set_lower_bounds(run->opt, run->lower);
    }
    if (result >= 0 && options->upper) {
        scale_by(1.0 / X_UNIT, run->track.n, options->upper, run->upper);
        result = nlopt_set_upper_bounds(run->opt, run->upper);
    }
    if (result >= 0) {
        result = nlopt_set_ftol_rel(run->opt, options->stop.rel_change);
    }
    if (result >= 0) {
        result = nlopt_set_vector_storage(run->opt, (unsigned)options->memory);
    }
    if (result >= 0 && max_iteration < INT_MAX) {
        result = nlopt_set_maxeval(run->opt, (int)max_iteration + 1);
    }
    return result;
}

/* A line search that finds nothing lower, for rounding or because every trial failed, is the end of progress and no error. */
static void conclude(lbfgs_run *run, nlopt_result result) {
    csi_track *track = &run->track;
    switch (result) {
    case NLOPT_OUT_OF_MEMORY:
        track->status = COSTATE_ERR_MEMORY;
        csi_track_stop(track, COSTATE_STOP_FAILURE);
        break;
    case NLOPT_INVALID_ARGS:
        track->status = COSTATE_ERR_ARGUMENT;
        csi_track_stop(track, COSTATE_STOP_FAILURE);
        break;
    case NLOPT_SUCCESS: csi_track_stop(track, COSTATE_STOP_GRADIENT); break;
    default: csi_track_stop(track, COSTATE_STOP_CHANGE); break;
    }
}

costate_status costate_minimize_lbfgs(size_t n, costate_objective_fn f, void *ctx, const costate_lbfgs_options *options,
                                      const costate_allocator *alloc, double *x, costate_optimum *optimum) {
    const costate_lbfgs_options o = options ? *options : costate_lbfgs_options_default();
    if (!f || !x) {
        return COSTATE_ERR_NULL;
    }
    if (n == 0 || !options_valid(&o, n, x)) {
        return COSTATE_ERR_ARGUMENT;
    }
    lbfgs_run run = {.scale = 1.0, .penalty = 1e6};
    const costate_status status = csi_track_start(&run.track, n, f, ctx, x, &o.stop, alloc);
    if (status != COSTATE_OK) {
        return status;
    }
    nlopt_result result = create(&run);
    if (result >= 0) {
        result = configure(&run, &o);
    }
    if (result >= 0) {
        double value;
        scale_by(1.0 / X_UNIT, n, x, run.z);
        result = nlopt_optimize(run.opt, run.z, &value);
    }
    conclude(&run, result);
    nlopt_destroy(run.opt);
    csi_release(&run.track.alloc, run.z);
    return csi_track_finish(&run.track, x, optimum);
}
