/* SPDX-License-Identifier: MIT */
/* Training in shuffled mini-batches in single precision. */
#include "compare/minibatch.h"

#include <stdlib.h>

static void *count_bytes(size_t bytes, void *ctx) {
    *(size_t *)ctx += bytes;
    return malloc(bytes);
}

static void release(void *block, void *ctx) {
    (void)ctx;
    free(block);
}

bool minibatch_create(minibatch *m, const costate_chain *chain, const minibatch_options *options) {
    const costate_allocator counting = {count_bytes, release, &m->n_byte};
    costate_random random = costate_random_seed(options->seed, 0);
    costate_chain_train_options train = costate_chain_train_options_default();
    train.eval = (costate_chain_eval_options){
        .precision = COSTATE_CHAIN_F32, .n_thread = options->n_thread, .n_piece = options->n_piece};
    train.loss = options->loss;
    train.update.schedule.rate = options->rate;
    train.batch_size = options->n_batch;
    train.seed = options->seed;
    *m = (minibatch){.options = *options, .p = malloc(costate_chain_n_param(chain) * sizeof *m->p)};
    if (!m->p || costate_chain_trainer_create(chain, &train, &counting, &m->trainer) != COSTATE_OK ||
        costate_chain_init_f32(chain, &random, m->p) != COSTATE_OK) {
        minibatch_destroy(m);
        return false;
    }
    return true;
}

void minibatch_destroy(minibatch *m) {
    costate_chain_trainer_destroy(m->trainer);
    free(m->p);
    *m = (minibatch){0};
}

void minibatch_permutation(costate_random *random, size_t n, size_t *index) {
    for (size_t i = 0; i < n; i++) {
        index[i] = i;
    }
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)costate_random_below(random, i);
        const size_t swapped = index[i - 1];
        index[i - 1] = index[j];
        index[j] = swapped;
    }
}

static costate_batch_f32 batch_of(const minibatch_set *set) {
    return (costate_batch_f32){
        .n = set->n, .index = set->index, .x = set->x, .target = set->target, .label = set->label};
}

bool minibatch_epoch(minibatch *m, const minibatch_set *set, double *mean_loss) {
    const costate_batch_f32 batch = batch_of(set);
    costate_chain_train_outcome outcome;
    if (costate_chain_train_f32(m->trainer, 1, &batch, NULL, m->p, &outcome) != COSTATE_OK) {
        return false;
    }
    *mean_loss = outcome.loss;
    return true;
}

bool minibatch_score(minibatch *m, const minibatch_set *set, costate_chain_result *result) {
    const costate_batch_f32 batch = batch_of(set);
    costate_chain_eval *eval = costate_chain_trainer_eval(m->trainer);
    costate_chain_eval_training(eval, false, 0);
    return costate_chain_loss_f32(eval, m->p, &batch, &m->options.loss, result, NULL) == COSTATE_OK;
}
