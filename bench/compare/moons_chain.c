/* SPDX-License-Identifier: MIT */
/* Training on two moons by the library's trainer of chains. */
#include "compare/moons_training.h"

#include <costate/chain_train.h>
#include <stdlib.h>
#include <string.h>

typedef struct moons_chain {
    const moons_task *task;
    costate_chain *chain;
    costate_chain_trainer *trainer;
    double *p;
    double *loss;
} moons_chain;

static double penalty(const moons_chain *m) {
    double squares = 0.0;
    for (size_t i = 0; i < m->task->n_param; i++) {
        squares += m->p[i] * m->p[i];
    }
    return MOONS_PENALTY * squares;
}

/* The trainer's loss is that before the update, without the penalty, which is then known for the next. */
static int take_loss(const costate_chain_train_progress *progress, void *ctx) {
    moons_chain *m = ctx;
    m->loss[progress->epoch - 1] += progress->loss;
    if (progress->epoch < MOONS_N_STEP) {
        m->loss[progress->epoch] = penalty(m);
    }
    return 0;
}

static costate_chain_train_options training(moons_chain *m) {
    costate_chain_train_options options = costate_chain_train_options_default();
    options.loss.output.kind = COSTATE_BATCH_LOSS_HINGE;
    options.update = costate_update_options_default(COSTATE_UPDATE_DESCENT);
    options.update.schedule = (costate_schedule){.kind = COSTATE_SCHEDULE_LINEAR,
                                                 .rate = moons_rate(0),
                                                 .rate_final = moons_rate(MOONS_N_STEP - 1),
                                                 .n_step = MOONS_N_STEP};
    options.batch_size = 0;
    options.l2 = MOONS_PENALTY;
    options.penalise_bias = true;
    options.epoch_callback = take_loss;
    options.ctx = m;
    return options;
}

static bool create(const moons_task *task, double *loss, moons_chain *m) {
    costate_chain_layer layers[MOONS_MAX_LAYER];
    const size_t n_layer = task->shape.n_layer;
    for (size_t l = 0; l < n_layer; l++) {
        layers[l] =
            costate_chain_dense(task->shape.width[l + 1], l + 1 < n_layer ? COSTATE_ACT_RELU : COSTATE_ACT_IDENTITY);
    }
    *m = (moons_chain){.task = task, .p = malloc(task->n_param * sizeof *m->p), .loss = loss};
    const costate_chain_train_options options = training(m);
    if (!m->p || costate_chain_create(costate_shape_vector(2), n_layer, layers, NULL, &m->chain, NULL) != COSTATE_OK) {
        return false;
    }
    memcpy(m->p, task->p, task->n_param * sizeof *m->p);
    return costate_chain_trainer_create(m->chain, &options, NULL, &m->trainer) == COSTATE_OK;
}

bool moons_train_chain(const moons_task *task, double *loss, moons_phases *phases) {
    moons_chain m;
    bool ok = create(task, loss, &m);
    if (ok) {
        const costate_batch_f64 batch = {.n = task->n, .x = task->x, .target = task->label};
        costate_chain_train_outcome outcome;
        loss[0] = penalty(&m);
        ok = costate_chain_train_f64(m.trainer, MOONS_N_STEP, &batch, NULL, m.p, &outcome) == COSTATE_OK;
        *phases = (moons_phases){.total = ok ? outcome.seconds : 0.0};
    }
    costate_chain_trainer_destroy(m.trainer);
    costate_chain_destroy(m.chain);
    free(m.p);
    return ok;
}
