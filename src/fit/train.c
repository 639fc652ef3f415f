/* SPDX-License-Identifier: MIT */
/* Training: the stages of a plan, one after the other. */
#include "core/clock.h"
#include "core/memory.h"
#include "fit/fit_internal.h"
#include "fit/train_internal.h"
#include "optimize/minimize_track.h"

#include <costate/train.h>
#include <math.h>
#include <string.h>

/* Stages of a journal: the run's number, with this added for validation losses and for looks at the loss in between. */
static const uint32_t STAGE_OF_VALIDATION = 0x10000;
static const uint32_t STAGE_OF_LOOK = 0x20000;

typedef struct training {
    costate_fit *fit;
    const costate_train_plan *plan;
    costate_allocator alloc;
    costate_train_outcome *outcome;
    costate_train_run run; /* the one in progress */
    double end_seconds;    /* no run begins after this; infinite without a limit */
    costate_status status; /* not OK: ends the training */
    bool over;             /* the rest of the plan is not run */

    bool has_validation;
    double *validated_x; /* point with the best validation loss */
    double validation;   /* last seen */
    double best_validation;
    size_t n_iteration;   /* of the last stage */
    size_t improved_last; /* iteration that gave the best validation loss */
} training;

static costate_status validation_objective(const double *x, double *value, double *grad, void *ctx) {
    (void)grad;
    return costate_fit_validation(ctx, x, value);
}

/* A value through the journal; infinite where it cannot be evaluated. */
static double value_at(training *t, costate_objective_fn f, uint32_t stage, const double *x) {
    costate_journaled journaled = {.journal = t->plan->journal,
                                   .n = costate_fit_n_x(t->fit),
                                   .f = f,
                                   .ctx = t->fit,
                                   .stage = stage + (uint32_t)t->outcome->n_run};
    double value = HUGE_VAL;
    const costate_status status = costate_journal_objective(x, &value, NULL, &journaled);
    if (csi_status_ends_run(status)) {
        t->status = status;
        t->over = true;
    }
    return status == COSTATE_OK && isfinite(value) ? value : HUGE_VAL;
}

static void validate(training *t, const double *x) {
    t->validation = value_at(t, validation_objective, STAGE_OF_VALIDATION, x);
    if (!(t->validation >= t->best_validation)) {
        t->best_validation = t->validation;
        t->improved_last = t->n_iteration;
        memcpy(t->validated_x, x, costate_fit_n_x(t->fit) * sizeof(double));
    }
}

/* Early stopping, in the last stage. */
static void look_at_validation(training *t, const costate_progress *progress) {
    t->n_iteration++;
    if (t->n_iteration % t->plan->validate_every == 0) {
        validate(t, progress->x);
    }
    if (t->plan->patience > 0 && t->n_iteration - t->improved_last >= t->plan->patience) {
        t->outcome->stopped_early = true;
        t->over = true;
    }
}

static int on_progress(const costate_progress *progress, void *ctx) {
    training *t = ctx;
    if (t->run.kind == COSTATE_TRAIN_FULL && t->has_validation) {
        look_at_validation(t, progress);
    }
    if (t->plan->progress && t->status == COSTATE_OK) {
        const costate_train_progress report = {.run = &t->run,
                                               .name = costate_train_kind_text(t->run.kind),
                                               .optimizer = progress,
                                               .validation = t->validation,
                                               .best_validation = t->best_validation};
        if (t->plan->progress(&report, t->plan->progress_ctx) != 0) {
            t->outcome->stopped = true;
            t->over = true;
        }
    }
    return t->over;
}

static costate_stop_criteria criteria(training *t, const costate_stop_criteria *wanted, size_t iterations) {
    return (costate_stop_criteria){.max_iteration = iterations,
                                   .max_seconds = isinf(t->end_seconds) ? 0.0 : t->end_seconds - csi_clock_seconds(),
                                   .value = -HUGE_VAL,
                                   .grad_norm = wanted->grad_norm,
                                   .rel_change = wanted->rel_change,
                                   .progress = on_progress,
                                   .progress_ctx = t};
}

static costate_status minimize(training *t, costate_journaled *f, size_t iterations, double *x,
                               costate_optimum *optimum) {
    const costate_train_plan *plan = t->plan;
    if (t->run.lbfgs) {
        const costate_lbfgs_options options = {.memory = plan->lbfgs.memory,
                                               .stop = criteria(t, &plan->lbfgs.stop, iterations)};
        return costate_minimize_lbfgs(f->n, costate_journal_objective, f, &options, &t->alloc, x, optimum);
    }
    costate_adam_options options = plan->adam;
    options.stop = criteria(t, &(costate_stop_criteria){0}, iterations);
    return costate_minimize_adam(f->n, costate_journal_objective, f, &options, &t->alloc, x, optimum);
}

static void run_optimizer(training *t, costate_objective_fn f, void *ctx, size_t iterations, double *x) {
    if (iterations == 0 || t->over) {
        return;
    }
    if (!(csi_clock_seconds() < t->end_seconds)) {
        t->outcome->stopped = true;
        t->over = true;
        return;
    }
    costate_journaled journaled = {.journal = t->plan->journal,
                                   .n = costate_fit_n_x(t->fit),
                                   .f = f,
                                   .ctx = ctx,
                                   .stage = (uint32_t)t->outcome->n_run};
    t->run.status = COSTATE_OK;
    t->run.optimum = (costate_optimum){0};
    const costate_status status = minimize(t, &journaled, iterations, x, &t->run.optimum);
    t->run.status = status;
    t->outcome->runs[t->outcome->n_run++] = t->run;
    if (status != COSTATE_OK && status != COSTATE_ERR_OPTIMIZER) {
        t->status = t->status != COSTATE_OK ? t->status : status;
        t->over = true;
    } else if (t->run.optimum.stop == COSTATE_STOP_TIME) {
        t->outcome->stopped = true;
        t->over = true;
    }
}

/* Adam, then L-BFGS, of the run that t->run describes. */
static void run_stage(training *t, costate_objective_fn f, void *ctx, costate_train_effort effort, double *x) {
    t->run.lbfgs = false;
    run_optimizer(t, f, ctx, effort.adam, x);
    t->run.lbfgs = true;
    run_optimizer(t, f, ctx, effort.lbfgs, x);
}

/* Splines need states that are observed; other fits do without. */
static void note_missing_collocation(training *t, costate_status status) {
    t->run.status = status;
    t->run.optimum = (costate_optimum){0};
    t->outcome->runs[t->outcome->n_run++] = t->run;
    if (status != COSTATE_ERR_UNSUPPORTED) {
        t->status = status;
        t->over = true;
    }
}

static void collocate(training *t, const double *first_horizon, double *before, double *x) {
    costate_collocation *collocation = NULL;
    const size_t n_bytes = costate_fit_n_x(t->fit) * sizeof(double);
    const size_t first_run = t->outcome->n_run;
    t->run = (costate_train_run){.kind = COSTATE_TRAIN_COLLOCATION, .horizon = HUGE_VAL};
    const costate_status status =
        costate_collocation_create(t->fit, &t->plan->collocation_options, &t->alloc, &collocation);
    if (status != COSTATE_OK) {
        note_missing_collocation(t, status);
        return;
    }
    memcpy(before, x, n_bytes);
    run_stage(t, costate_collocation_objective, collocation, t->plan->collocation_effort, x);
    (void)costate_collocation_set_initial(collocation, x);
    costate_collocation_destroy(collocation);
    if (t->status != COSTATE_OK) {
        return;
    }
    (void)costate_fit_set_horizon(t->fit, t->plan->n_horizon > 0 ? *first_horizon : HUGE_VAL);
    if (isinf(value_at(t, costate_fit_objective, STAGE_OF_LOOK, x))) {
        memcpy(x, before, n_bytes);
        for (size_t k = first_run; k < t->outcome->n_run; k++) {
            t->outcome->runs[k].dropped = true;
        }
    }
}

static void grow_horizon(training *t, const double *t_end, double *x) {
    for (size_t k = 0; k < t->plan->n_horizon && !t->over; k++) {
        t->run = (costate_train_run){.kind = COSTATE_TRAIN_HORIZON, .step = k, .horizon = t_end[k]};
        (void)costate_fit_set_horizon(t->fit, t_end[k]);
        run_stage(t, costate_fit_objective, t->fit, t->plan->horizon_effort, x);
    }
    (void)costate_fit_set_horizon(t->fit, HUGE_VAL);
}

/* The unknowns with the segment states behind them. */
static void shoot_from(training *t, const double *scale, const double *x_start, double *x) {
    memcpy(x, x_start, t->fit->n_unknown * sizeof(double));
    csi_fit_start_segments(t->fit, x);
    for (size_t k = 0; k < t->plan->n_shooting && !t->over; k++) {
        const double weight = csi_train_shooting_weight(t->plan, k);
        t->run = (costate_train_run){
            .kind = COSTATE_TRAIN_SHOOTING, .step = k, .horizon = HUGE_VAL, .shooting_weight = weight};
        t->status = costate_fit_set_shooting(t->fit, t->plan->shooting_length, weight, scale);
        t->over = t->status != COSTATE_OK;
        run_stage(t, costate_fit_objective, t->fit, t->plan->shooting_effort, x);
    }
}

static costate_status shoot(training *t, double *scale, double *x) {
    if (t->plan->n_shooting == 0 || t->over) {
        return COSTATE_OK;
    }
    csi_train_shooting_scale(t->fit, t->plan, scale);
    costate_status status = costate_fit_set_shooting(t->fit, t->plan->shooting_length, t->plan->shooting_weight, scale);
    if (status != COSTATE_OK) {
        return status;
    }
    double *longer = csi_alloc(&t->alloc, costate_fit_n_x(t->fit), sizeof *longer);
    if (longer) {
        shoot_from(t, scale, x, longer);
        memcpy(x, longer, t->fit->n_unknown * sizeof(double));
    }
    csi_release(&t->alloc, longer);
    status = costate_fit_set_shooting(t->fit, 0, 0.0, NULL);
    return longer ? status : COSTATE_ERR_MEMORY;
}

/* The loss itself, with early stopping. */
static void finish(training *t, double *x) {
    if (t->over) {
        return;
    }
    const size_t first_run = t->outcome->n_run;
    t->run = (costate_train_run){.kind = COSTATE_TRAIN_FULL, .horizon = HUGE_VAL};
    if (t->has_validation) {
        validate(t, x);
    }
    run_stage(t, costate_fit_objective, t->fit, t->plan->effort, x);
    if (t->outcome->n_run > first_run && t->status == COSTATE_OK &&
        t->outcome->runs[t->outcome->n_run - 1].status == COSTATE_ERR_OPTIMIZER) {
        t->status = COSTATE_ERR_OPTIMIZER;
    }
    if (t->has_validation && t->status == COSTATE_OK) {
        validate(t, x);
    }
    if (isfinite(t->best_validation)) {
        memcpy(x, t->validated_x, costate_fit_n_x(t->fit) * sizeof(double));
    }
}

static void assess(training *t, const double *x) {
    double value;
    t->outcome->value = costate_fit_objective(x, &value, NULL, t->fit) == COSTATE_OK ? value : (double)NAN;
    t->outcome->validation = (double)NAN;
    if (t->has_validation && costate_fit_validation(t->fit, x, &value) == COSTATE_OK) {
        t->outcome->validation = value;
    }
}

/* `block` has room for the horizons, the scale, and two points. */
static costate_status train(training *t, double *block, double *x) {
    double *horizons = block;
    double *scale = horizons + t->plan->n_horizon;
    double *before = scale + t->fit->n_y;
    t->validated_x = before + costate_fit_n_x(t->fit);
    t->status = csi_train_horizons(t->fit, t->plan->n_horizon, &t->alloc, horizons);
    if (t->status != COSTATE_OK) {
        return t->status;
    }
    if (t->plan->collocation) {
        collocate(t, horizons, before, x);
    }
    grow_horizon(t, horizons, x);
    const costate_status status = shoot(t, scale, x);
    if (status != COSTATE_OK) {
        return status;
    }
    finish(t, x);
    assess(t, x);
    return t->status;
}

costate_status costate_train(costate_fit *fit, const costate_train_plan *plan, const costate_allocator *alloc,
                             double *x, costate_train_outcome *outcome) {
    const costate_train_plan p = plan ? *plan : costate_train_plan_default();
    const costate_allocator a = csi_allocator(alloc);
    size_t count;
    if (outcome) {
        *outcome = (costate_train_outcome){.value = (double)NAN, .validation = (double)NAN};
    }
    if (!fit || !x) {
        return COSTATE_ERR_NULL;
    }
    if (fit->shooting > 0 || isfinite(fit->horizon)) {
        return COSTATE_ERR_STATE;
    }
    if (!csi_train_plan_valid(&p, fit->n_y)) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!csi_size_mul(costate_fit_n_x(fit), 2, &count) || !csi_size_add(count, p.n_horizon + fit->n_y, &count)) {
        return COSTATE_ERR_MEMORY;
    }
    costate_train_outcome *made = csi_alloc(&a, 1, sizeof *made);
    double *block = csi_alloc(&a, count, sizeof *block);
    costate_status status = COSTATE_ERR_MEMORY;
    if (made && block) {
        training t = {.fit = fit,
                      .plan = &p,
                      .alloc = a,
                      .outcome = made,
                      .end_seconds = p.max_seconds > 0.0 ? csi_clock_seconds() + p.max_seconds : HUGE_VAL,
                      .has_validation = csi_train_has_validation(fit),
                      .validation = (double)NAN,
                      .best_validation = (double)NAN};
        status = train(&t, block, x);
        if (outcome) {
            *outcome = *made;
        }
    }
    csi_release(&a, block);
    csi_release(&a, made);
    return status;
}
