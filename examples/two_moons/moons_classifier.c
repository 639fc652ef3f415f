/* SPDX-License-Identifier: MIT */
/* A chain that learns the probability of a class at a point. */
#include "moons_classifier.h"

#include <math.h>
#include <stdlib.h>

/* Patience counts updates: a few points make short epochs, in which little happens. */
enum { HELD_OUT = 4, PATIENCE = 2000 };

static const double MIN_DELTA = 1e-4;

static const costate_chain_loss LOSS = {.kind = COSTATE_CHAIN_LOSS_OUTPUT,
                                        .output = {COSTATE_BATCH_LOSS_LOGISTIC, COSTATE_BATCH_MEAN, 0.0}};

size_t moons_classifier_n_validation(size_t n) { return n / HELD_OUT; }

static costate_status create_trainer(const moons_classifier_options *options, size_t n, moons_classifier *classifier) {
    costate_chain_train_options train = costate_chain_train_options_default();
    train.eval.precision = COSTATE_CHAIN_F32;
    train.loss = LOSS;
    train.update = costate_update_options_default(COSTATE_UPDATE_ADAMW);
    train.update.schedule.rate = options->rate;
    train.batch_size = options->batch_size;
    train.seed = options->seed;
    train.validation_fraction = 1.0 / HELD_OUT;
    train.split = COSTATE_CHAIN_SPLIT_LAST;
    train.patience = 1 + PATIENCE / costate_chain_train_n_step(&train, n, false);
    train.min_delta = MIN_DELTA;
    train.restore_best = true;
    train.epoch_callback = epoch_line_show;
    train.ctx = &classifier->line;
    return costate_chain_trainer_create(classifier->chain, &train, NULL, &classifier->trainer);
}

costate_status moons_classifier_create(const moons_classifier_options *options, size_t n,
                                       moons_classifier *classifier) {
    const costate_chain_layer layers[] = {costate_chain_dense(32, options->act), costate_chain_dense(16, options->act),
                                          costate_chain_dense(1, COSTATE_ACT_IDENTITY)};
    costate_random weights = costate_random_seed(options->seed, 2);
    *classifier = (moons_classifier){0};
    costate_status status = costate_chain_create(costate_shape_vector(2), 3, layers, NULL, &classifier->chain, NULL);
    if (status == COSTATE_OK) {
        status = create_trainer(options, n, classifier);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    classifier->p = calloc(costate_chain_n_param(classifier->chain), sizeof(float));
    return classifier->p ? costate_chain_init_f32(classifier->chain, &weights, classifier->p) : COSTATE_ERR_MEMORY;
}

void moons_classifier_destroy(moons_classifier *classifier) {
    costate_chain_trainer_destroy(classifier->trainer);
    costate_chain_destroy(classifier->chain);
    free(classifier->p);
    *classifier = (moons_classifier){0};
}

costate_status moons_classifier_train(moons_classifier *classifier, size_t n_epoch, const labelled_points *points,
                                      moons_classifier_result *result) {
    const size_t n_validation = moons_classifier_n_validation(points->n);
    const size_t n_training = points->n - n_validation;
    const costate_batch_f32 all = {.n = points->n, .x = points->x, .target = points->target};
    const costate_batch_f32 training = {.n = n_training, .x = points->x, .target = points->target};
    const costate_batch_f32 validation = {
        .n = n_validation, .x = points->x + 2 * n_training, .target = points->target + n_training};
    *result = (moons_classifier_result){.n_training = n_training, .n_validation = n_validation};
    costate_status status =
        costate_chain_train_f32(classifier->trainer, n_epoch, &all, NULL, classifier->p, &result->outcome);
    epoch_line_clear(&classifier->line);
    costate_chain_eval *eval = costate_chain_trainer_eval(classifier->trainer);
    if (status == COSTATE_OK) {
        status = costate_chain_loss_f32(eval, classifier->p, &training, &LOSS, &result->training, NULL);
    }
    if (status == COSTATE_OK) {
        status = costate_chain_loss_f32(eval, classifier->p, &validation, &LOSS, &result->validation, NULL);
    }
    return status;
}

costate_status moons_classifier_probability(moons_classifier *classifier, size_t n, const float *x,
                                            float *probability) {
    const costate_batch_f32 batch = {.n = n, .x = x};
    const costate_status status =
        costate_chain_forward_f32(costate_chain_trainer_eval(classifier->trainer), classifier->p, &batch, probability);
    for (size_t i = 0; status == COSTATE_OK && i < n; i++) {
        probability[i] = 1.0F / (1.0F + expf(-probability[i]));
    }
    return status;
}
