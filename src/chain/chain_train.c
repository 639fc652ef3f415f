/* SPDX-License-Identifier: MIT */
/* Creation of trainers: options and their check, penalties from the blocks of a chain, memory. */
#include "chain/chain_train_internal.h"
#include "core/memory.h"

#include <math.h>
#include <stdint.h>

costate_chain_train_options costate_chain_train_options_default(void) {
    return (costate_chain_train_options){
        .eval = costate_chain_eval_options_default(),
        .loss = {.kind = COSTATE_CHAIN_LOSS_OUTPUT,
                 .output = {.kind = COSTATE_BATCH_LOSS_SQUARED, .reduction = COSTATE_BATCH_MEAN, .delta = 1.0}},
        .update = costate_update_options_default(COSTATE_UPDATE_ADAM),
        .batch_size = 32,
        .shuffle = true,
    };
}

static bool loss_valid(const costate_chain_loss *loss) {
    const costate_batch_reduction reduction = loss->output.reduction;
    if (loss->kind == COSTATE_CHAIN_LOSS_OUTPUT) {
        return costate_batch_loss_f64(&loss->output, 0, 0, NULL, NULL, NULL, NULL, NULL) == COSTATE_OK;
    }
    return (loss->kind == COSTATE_CHAIN_LOSS_SOFTMAX || loss->kind == COSTATE_CHAIN_LOSS_OWN) &&
           (reduction == COSTATE_BATCH_SUM || reduction == COSTATE_BATCH_MEAN);
}

static bool options_valid(const costate_chain_train_options *o) {
    const bool split = o->split == COSTATE_CHAIN_SPLIT_LAST || o->split == COSTATE_CHAIN_SPLIT_RANDOM;
    return split && loss_valid(&o->loss) && o->validation_fraction >= 0.0 && o->validation_fraction < 1.0 &&
           o->min_delta >= 0.0 && isfinite(o->min_delta);
}

static bool own_loss_missing(const costate_chain_train_options *o) {
    return o->loss.kind == COSTATE_CHAIN_LOSS_OWN &&
           (o->eval.precision == COSTATE_CHAIN_F32 ? o->loss.own_f32 == NULL : o->loss.own_f64 == NULL);
}

/* The first parameter that is not frozen; the number of parameters if there is none. */
static size_t first_learning(const costate_chain *chain) {
    for (size_t i = 0; i < costate_chain_n_block(chain); i++) {
        costate_chain_block block;
        if (costate_chain_block_at(chain, i, &block) == COSTATE_OK && !block.frozen) {
            return block.offset;
        }
    }
    return costate_chain_n_param(chain);
}

/* Ranges of the blocks that penalties and decay act on, counted from parameter `first`. There is at least one, if an empty one: none
 * would mean all. */
static size_t penalty_ranges(const costate_chain *chain, const costate_chain_train_options *o, size_t first,
                             costate_penalty_range *range) {
    size_t n = 0;
    for (size_t i = 0; i < costate_chain_n_block(chain); i++) {
        costate_chain_block block;
        if (costate_chain_block_at(chain, i, &block) != COSTATE_OK || block.frozen ||
            (block.is_bias && !o->penalise_bias)) {
            continue;
        }
        range[n++] = (costate_penalty_range){.offset = block.offset - first,
                                             .length = block.length,
                                             .l1 = o->layer_l1 == NULL ? o->l1 : o->layer_l1[block.layer],
                                             .l2 = o->layer_l2 == NULL ? o->l2 : o->layer_l2[block.layer]};
    }
    if (n == 0) {
        range[n++] = (costate_penalty_range){.l1 = o->l1, .l2 = o->l2};
    }
    return n;
}

static costate_status create_update(costate_chain_trainer *trainer, const costate_chain *chain,
                                    const costate_chain_train_options *o) {
    costate_update_options options = o->update;
    costate_penalty_range *range = NULL;
    options.precision = o->eval.precision == COSTATE_CHAIN_F32 ? COSTATE_UPDATE_F32 : COSTATE_UPDATE_F64;
    if (options.n_range == 0) {
        range = csi_alloc(&trainer->alloc, costate_chain_n_block(chain) + 1, sizeof *range);
        if (range == NULL) {
            return COSTATE_ERR_MEMORY;
        }
        trainer->first_updated = first_learning(chain);
        options.n_range = penalty_ranges(chain, o, trainer->first_updated, range);
        options.range = range;
    }
    const costate_status status =
        costate_update_create(&options, trainer->n_param - trainer->first_updated, &trainer->alloc, &trainer->update);
    csi_release(&trainer->alloc, range);
    return status;
}

/* Gradient, first and best parameters, each at the start of a cache line. */
static costate_status create_reals(costate_chain_trainer *trainer) {
    size_t padded;
    size_t bytes;
    if (!csi_size_mul(trainer->n_param, trainer->real_bytes, &padded) || !csi_size_align(padded, &padded) ||
        !csi_size_mul(padded, 3, &bytes)) {
        return COSTATE_ERR_OVERFLOW;
    }
    unsigned char *block = csi_alloc_aligned(&trainer->alloc, bytes, 1, &trainer->real_block);
    if (block == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    trainer->gradient = block;
    trainer->begin = block + padded;
    trainer->best = block + 2 * padded;
    return COSTATE_OK;
}

static costate_status fill(costate_chain_trainer *trainer, const costate_chain *chain,
                           const costate_chain_train_options *o) {
    costate_status status = create_update(trainer, chain, o);
    if (status == COSTATE_OK) {
        status = create_reals(trainer);
    }
    if (status == COSTATE_OK) {
        trainer->begin_state = csi_alloc(&trainer->alloc, costate_update_state_bytes(trainer->update), 1);
        status = trainer->begin_state == NULL ? COSTATE_ERR_MEMORY : COSTATE_OK;
    }
    return status == COSTATE_OK ? costate_chain_eval_create(chain, &o->eval, &trainer->alloc, &trainer->eval) : status;
}

costate_status costate_chain_trainer_create(const costate_chain *chain, const costate_chain_train_options *options,
                                            const costate_allocator *alloc, costate_chain_trainer **trainer) {
    const costate_chain_train_options o = options != NULL ? *options : costate_chain_train_options_default();
    const costate_allocator a = csi_allocator(alloc);
    if (trainer == NULL) {
        return COSTATE_ERR_NULL;
    }
    *trainer = NULL;
    if (chain == NULL || own_loss_missing(&o)) {
        return COSTATE_ERR_NULL;
    }
    if (!options_valid(&o)) {
        return COSTATE_ERR_ARGUMENT;
    }
    costate_chain_trainer *t = csi_alloc(&a, 1, sizeof *t);
    if (t == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    *t = (costate_chain_trainer){.alloc = a,
                                 .options = o,
                                 .n_param = costate_chain_n_param(chain),
                                 .n_in = costate_chain_n_in(chain),
                                 .n_out = costate_chain_n_out(chain),
                                 .real_bytes = o.eval.precision == COSTATE_CHAIN_F32 ? sizeof(float) : sizeof(double),
                                 .best_loss = HUGE_VAL};
    t->options.layer_l1 = NULL;
    t->options.layer_l2 = NULL;
    t->options.update.range = NULL;
    const costate_status status = fill(t, chain, &o);
    if (status != COSTATE_OK) {
        costate_chain_trainer_destroy(t);
        return status;
    }
    *trainer = t;
    return COSTATE_OK;
}

void costate_chain_trainer_destroy(costate_chain_trainer *trainer) {
    if (trainer != NULL) {
        const costate_allocator a = trainer->alloc;
        costate_chain_eval_destroy(trainer->eval);
        costate_update_destroy(trainer->update);
        csi_release(&a, trainer->real_block);
        csi_release(&a, trainer->begin_state);
        csi_release(&a, trainer->history);
        csi_release(&a, trainer->places);
        csi_release(&a, trainer);
    }
}

costate_chain_eval *costate_chain_trainer_eval(costate_chain_trainer *trainer) {
    return trainer == NULL ? NULL : trainer->eval;
}

size_t costate_chain_trainer_sample(const costate_chain_trainer *trainer, size_t place, bool *validation) {
    if (validation != NULL) {
        *validation = trainer->validating;
    }
    return trainer->index == NULL ? trainer->first + place : trainer->index[place];
}

const char *costate_chain_trainer_message(const costate_chain_trainer *trainer) {
    return trainer == NULL ? "" : costate_chain_eval_message(trainer->eval);
}
