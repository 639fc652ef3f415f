/* SPDX-License-Identifier: MIT */
/* The training loop in one precision: epochs of steps, validation, record, best parameters, callbacks. */
#include "batch/batch_weight.h"
#include "chain/chain_rows.h"
#include "chain/chain_train_internal.h"
#include "core/clock.h"
#include "core/memory.h"

#include <math.h>
#include <string.h>

#if CSI_REAL_BITS == 64
#define PRECISION COSTATE_CHAIN_F64
#else
#define PRECISION COSTATE_CHAIN_F32
#endif

/* One training call. */
typedef struct train_run {
    costate_chain_trainer *trainer;
    const real_batch *training;
    const real_batch *validation; /* NULL: those held out, if any */
    real *p;
    csi_train_samples samples;
    size_t batch_size;
    size_t epoch_end, step_begin, step_end;
    double began;
    costate_chain_train_progress progress; /* as far as it is known */
    bool stop;
    costate_chain_train_end end;
} train_run;

/* What the batches of an epoch have come to. */
typedef struct epoch_sums {
    double value;
    double weight;
    double n_answer;
    double n_right;
} epoch_sums;

/* Samples [first, first + n) of a list, or of the whole batch if there is none. The trainer remembers which. */
static real_batch part_of(costate_chain_trainer *t, const real_batch *whole, const size_t *list, size_t first, size_t n,
                          bool validating) {
    real_batch part = *whole;
    part.n = n;
    part.index = list == NULL ? NULL : list + first;
    if (list == NULL) {
        part.x = whole->x == NULL ? NULL : whole->x + (whole->feature_stride != 0 ? first : first * t->n_in);
        part.target = whole->target == NULL ? NULL : whole->target + first * t->n_out;
        part.label = whole->label == NULL ? NULL : whole->label + first;
        part.weight = whole->weight == NULL ? NULL : whole->weight + first;
    }
    t->index = part.index;
    t->first = first;
    t->validating = validating;
    return part;
}

/* Answers of a batch that can be right or wrong, as costate_chain_result counts them. */
static double answers_of(const costate_chain_trainer *t, const real_batch *batch) {
    if (is_binary(&t->options.loss)) {
        return (double)batch->n * (double)t->n_out;
    }
    return batch->label == NULL ? 0.0 : (double)batch->n;
}

static double share(double n_right, double n_answer) { return n_answer > 0.0 ? n_right / n_answer : (double)NAN; }

/* Euclidean norm; not finite if and only if an element is not or the norm is too large. */
static double norm_of(size_t n, const real *x) {
    enum { N_SUM = 8 };
    double sum[N_SUM] = {0.0};
    size_t i = 0;
    for (; i + N_SUM <= n; i += N_SUM) {
        for (size_t j = 0; j < N_SUM; j++) {
            sum[j] += (double)x[i + j] * (double)x[i + j];
        }
    }
    for (size_t j = 0; i < n; i++, j++) {
        sum[j] += (double)x[i] * (double)x[i];
    }
    const double square = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    if (isfinite(square)) {
        return sqrt(square);
    }
    /* The squares of large elements leave the range of numbers where the norm does not. */
    double norm = 0.0;
    for (i = 0; i < n; i++) {
        norm = hypot(norm, (double)x[i]);
    }
    return norm;
}

static bool all_finite(size_t n, const real *x) {
    real zero = 0;
    for (size_t i = 0; i < n; i++) {
        zero += x[i] * 0;
    }
    return zero == 0;
}

/* Keep what an epoch begins with, for the case that it fails. */
static costate_status keep_begin(const train_run *run) {
    const costate_chain_trainer *t = run->trainer;
    memcpy(t->begin, run->p, t->n_param * t->real_bytes);
    return costate_update_save(t->update, t->begin_state, costate_update_state_bytes(t->update));
}

/* Back to it. */
static void undo_epoch(const train_run *run) {
    const costate_chain_trainer *t = run->trainer;
    memcpy(run->p, t->begin, t->n_param * t->real_bytes);
    (void)costate_update_restore(t->update, t->begin_state, costate_update_state_bytes(t->update));
}

/* Fill in time, call back, remember a wish to stop. */
static void report(train_run *run, costate_chain_train_fn callback) {
    const costate_chain_trainer *t = run->trainer;
    costate_chain_train_progress *progress = &run->progress;
    if (callback == NULL) {
        return;
    }
    progress->gradient_norm = norm_of(t->n_param, t->gradient);
    progress->step = costate_update_count(t->update);
    progress->best_epoch = t->best_epoch;
    progress->best_loss = t->best_loss;
    progress->seconds = csi_clock_seconds() - run->began;
    progress->seconds_left =
        progress->seconds / (double)(progress->step - run->step_begin) * (double)(run->step_end - progress->step);
    if (callback(progress, t->options.ctx) != 0) {
        run->stop = true;
        run->end = COSTATE_CHAIN_TRAIN_CALLBACK;
    }
}

/* Gradient of one batch and the update. */
static costate_status step(train_run *run, const real_batch *batch, epoch_sums *sums) {
    costate_chain_trainer *t = run->trainer;
    const size_t done = costate_update_count(t->update);
    costate_chain_result result;
    costate_chain_eval_training(t->eval, true, (t->options.seed << 32) + done);
    real *learning = (real *)t->gradient + t->first_updated;
    memset(learning, 0, (t->n_param - t->first_updated) * sizeof *learning);
    costate_status status =
        CSI_REAL(costate_chain_loss)(t->eval, run->p, batch, &t->options.loss, &result, t->gradient);
    if (status != COSTATE_OK) {
        return status;
    }
    if (!isfinite(result.value)) {
        return COSTATE_ERR_NONFINITE;
    }
    status = CSI_REAL(costate_update_step)(t->update, run->p + t->first_updated, learning);
    if (status != COSTATE_OK) {
        return status;
    }
    double weight = 0.0;
    (void)total_weight(batch->n, batch->index, batch->weight, &weight); /* none is negative: the loss has checked */
    const double n_answer = answers_of(t, batch);
    const bool mean = t->options.loss.output.reduction == COSTATE_BATCH_MEAN;
    sums->value += mean ? result.value * weight : result.value;
    sums->weight += weight;
    sums->n_answer += n_answer;
    sums->n_right += (double)result.n_right;
    run->progress.loss = result.value;
    run->progress.accuracy = share((double)result.n_right, n_answer);
    run->progress.rate = costate_schedule_rate(&t->options.update.schedule, done);
    return COSTATE_OK;
}

/* All batches of an epoch; loss and accuracy of the epoch go into the progress. */
static costate_status train_epoch(train_run *run) {
    costate_chain_trainer *t = run->trainer;
    const csi_train_samples *samples = &run->samples;
    const size_t *list = samples->order != NULL ? samples->order : samples->member;
    epoch_sums sums = {0.0, 0.0, 0.0, 0.0};
    csi_train_shuffle(t, t->n_epoch, samples);
    for (size_t first = 0; first < samples->n_train; first += run->batch_size) {
        const size_t left = samples->n_train - first;
        const size_t n = left < run->batch_size ? left : run->batch_size;
        const real_batch batch = part_of(t, run->training, list, first, n, false);
        const costate_status status = step(run, &batch, &sums);
        if (status != COSTATE_OK) {
            return status;
        }
        report(run, t->options.step_callback);
        if (run->stop) {
            return COSTATE_OK;
        }
    }
    /* A gradient that is not finite shows in the parameters, whatever the losses after it. */
    if (!all_finite(t->n_param, run->p)) {
        return COSTATE_ERR_NONFINITE;
    }
    /* The loss of one batch stays as it is, bit by bit. */
    if (run->batch_size < samples->n_train) {
        const bool mean = t->options.loss.output.reduction == COSTATE_BATCH_MEAN;
        const double divisor = mean ? sums.weight : 1.0;
        run->progress.loss = divisor == 0.0 ? 0.0 : sums.value / divisor;
    }
    run->progress.accuracy = share(sums.n_right, sums.n_answer);
    return COSTATE_OK;
}

static costate_status validate(train_run *run) {
    costate_chain_trainer *t = run->trainer;
    const csi_train_samples *samples = &run->samples;
    costate_chain_result result;
    costate_chain_eval_training(t->eval, false, 0);
    if (run->validation == NULL && samples->n_held == 0) {
        return COSTATE_OK;
    }
    const real_batch batch = run->validation != NULL
                                 ? part_of(t, run->validation, run->validation->index, 0, run->validation->n, true)
                                 : part_of(t, run->training, samples->member, samples->n_train, samples->n_held, true);
    const costate_status status =
        CSI_REAL(costate_chain_loss)(t->eval, run->p, &batch, &t->options.loss, &result, NULL);
    if (status == COSTATE_OK) {
        run->progress.validation_loss = result.value;
        run->progress.validation_accuracy = share((double)result.n_right, answers_of(t, &batch));
    }
    return status;
}

/* Put the epoch on record, and see whether it was the best. */
static void finish_epoch(train_run *run) {
    costate_chain_trainer *t = run->trainer;
    const costate_chain_train_progress *progress = &run->progress;
    const bool validated = run->validation != NULL || run->samples.n_held > 0;
    const double watched = validated ? progress->validation_loss : progress->loss;
    const bool watched_first = !validated && run->batch_size == run->samples.n_train;
    const double record[CSI_TRAIN_N_RECORD] = {progress->loss, progress->accuracy, progress->validation_loss,
                                               progress->validation_accuracy, progress->rate};
    for (size_t k = 0; k < CSI_TRAIN_N_RECORD; k++) {
        t->history[k * t->history_capacity + t->n_epoch] = record[k];
    }
    t->n_epoch++;
    t->since_best++;
    if (isfinite(watched) && watched < t->best_loss - t->options.min_delta) {
        t->best_loss = watched;
        t->best_epoch = t->n_epoch;
        t->since_best = 0;
        memcpy(t->best, watched_first ? t->begin : run->p, t->n_param * t->real_bytes);
    }
    if (t->options.patience > 0 && t->since_best >= t->options.patience) {
        run->stop = true;
        run->end = COSTATE_CHAIN_TRAIN_PATIENCE;
    }
}

static costate_status train_all(train_run *run) {
    costate_chain_trainer *t = run->trainer;
    costate_status status = COSTATE_OK;
    while (t->n_epoch < run->epoch_end && !run->stop) {
        run->progress.epoch = t->n_epoch + 1;
        run->progress.validation_loss = (double)NAN;
        run->progress.validation_accuracy = (double)NAN;
        status = keep_begin(run);
        if (status == COSTATE_OK) {
            status = train_epoch(run);
        }
        if (status == COSTATE_OK && !run->stop) {
            status = validate(run);
        }
        if (status != COSTATE_OK) {
            undo_epoch(run);
            return status;
        }
        if (!run->stop) {
            finish_epoch(run);
            report(run, t->options.epoch_callback);
        }
    }
    return COSTATE_OK;
}

static costate_chain_train_outcome outcome_of(const train_run *run) {
    const costate_chain_trainer *t = run->trainer;
    const costate_chain_train_history history = costate_chain_trainer_history(t);
    const size_t last = t->n_epoch - 1;
    costate_chain_train_outcome outcome = {.end = run->end,
                                           .n_epoch = t->n_epoch,
                                           .n_step = costate_update_count(t->update),
                                           .loss = (double)NAN,
                                           .accuracy = (double)NAN,
                                           .validation_loss = (double)NAN,
                                           .validation_accuracy = (double)NAN,
                                           .best_epoch = t->best_epoch,
                                           .best_loss = t->best_loss,
                                           .seconds = csi_clock_seconds() - run->began};
    if (t->n_epoch > 0) {
        outcome.loss = history.loss[last];
        outcome.accuracy = history.accuracy[last];
        outcome.validation_loss = history.validation_loss[last];
        outcome.validation_accuracy = history.validation_accuracy[last];
    }
    return outcome;
}

/* Memory and numbers of a call, before anything is changed. */
static costate_status prepare(train_run *run, size_t n_epoch) {
    costate_chain_trainer *t = run->trainer;
    const size_t n = run->training->n;
    const size_t widest = t->n_in > t->n_out ? t->n_in : t->n_out;
    const bool validated = run->validation != NULL;
    size_t elements;
    size_t steps;
    run->step_begin = costate_update_count(t->update);
    if (!csi_size_mul(n, widest, &elements) || !csi_size_add(t->n_epoch, n_epoch, &run->epoch_end) ||
        !csi_size_mul(costate_chain_train_n_step(&t->options, n, validated), n_epoch, &steps) ||
        !csi_size_add(run->step_begin, steps, &run->step_end)) {
        return COSTATE_ERR_OVERFLOW;
    }
    costate_status status = csi_train_reserve(t, run->epoch_end);
    if (status == COSTATE_OK) {
        status = csi_train_choose(t, n, run->training->index, validated, &run->samples);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    run->batch_size = csi_train_batch_size(&t->options, run->samples.n_train);
    run->progress = (costate_chain_train_progress){.n_epoch = run->epoch_end, .n_step = run->step_end};
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_chain_train)(costate_chain_trainer *trainer, size_t n_epoch, const real_batch *training,
                                             const real_batch *validation, real *p,
                                             costate_chain_train_outcome *outcome) {
    if (trainer == NULL || training == NULL || p == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (trainer->options.eval.precision != PRECISION) {
        return COSTATE_ERR_UNSUPPORTED;
    }
    if (trainer->running) {
        return COSTATE_ERR_STATE;
    }
    if (training->n == 0) {
        return COSTATE_ERR_ARGUMENT;
    }
    train_run run = {.trainer = trainer,
                     .training = training,
                     .validation = validation != NULL && validation->n > 0 ? validation : NULL,
                     .p = p,
                     .began = csi_clock_seconds(),
                     .end = COSTATE_CHAIN_TRAIN_EPOCHS};
    costate_status status = prepare(&run, n_epoch);
    if (status != COSTATE_OK) {
        return status;
    }
    trainer->running = true;
    status = train_all(&run);
    trainer->running = false;
    costate_chain_eval_training(trainer->eval, false, 0);
    if (status != COSTATE_OK) {
        return status;
    }
    if (trainer->options.restore_best && trainer->best_epoch > 0) {
        memcpy(p, trainer->best, trainer->n_param * trainer->real_bytes);
    }
    if (outcome != NULL) {
        *outcome = outcome_of(&run);
    }
    return COSTATE_OK;
}
