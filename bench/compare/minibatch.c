/* SPDX-License-Identifier: MIT */
/* Training in shuffled mini-batches in single precision. */
#include "compare/minibatch.h"

#include <stdlib.h>
#include <string.h>

static void *count_bytes(size_t bytes, void *ctx) {
    *(size_t *)ctx += bytes;
    return malloc(bytes);
}

static void release(void *block, void *ctx) {
    (void)ctx;
    free(block);
}

/* First parameter that is trained; n_param if none is. */
static size_t first_trained(const costate_chain *chain) {
    for (size_t i = 0; i < costate_chain_n_block(chain); i++) {
        costate_chain_block block;
        if (costate_chain_block_at(chain, i, &block) == COSTATE_OK && !block.frozen) {
            return block.offset;
        }
    }
    return costate_chain_n_param(chain);
}

static bool set_up(minibatch *m, const costate_chain *chain) {
    const costate_allocator counting = {count_bytes, release, &m->n_byte};
    costate_chain_eval_options eval = costate_chain_eval_options_default();
    eval.precision = COSTATE_CHAIN_F32;
    eval.n_thread = m->options.n_thread;
    eval.n_piece = m->options.n_piece;
    costate_update_options update = costate_update_options_default(COSTATE_UPDATE_ADAM);
    update.precision = COSTATE_UPDATE_F32;
    update.schedule.rate = m->options.rate;
    m->p = malloc(m->n_param * sizeof *m->p);
    m->pbar = malloc(m->n_param * sizeof *m->pbar);
    m->order = malloc(m->n_order * sizeof *m->order);
    return m->p && m->pbar && m->order && costate_chain_eval_create(chain, &eval, &counting, &m->eval) == COSTATE_OK &&
           costate_update_create(&update, m->n_param - m->first, &counting, &m->update) == COSTATE_OK &&
           costate_chain_init_f32(chain, &m->random, m->p) == COSTATE_OK;
}

bool minibatch_create(minibatch *m, const costate_chain *chain, const minibatch_options *options, size_t n_sample) {
    *m = (minibatch){.options = *options,
                     .n_param = costate_chain_n_param(chain),
                     .first = first_trained(chain),
                     .random = costate_random_seed(options->seed, 0),
                     .n_order = n_sample};
    if (!set_up(m, chain)) {
        minibatch_destroy(m);
        return false;
    }
    return true;
}

void minibatch_destroy(minibatch *m) {
    costate_chain_eval_destroy(m->eval);
    costate_update_destroy(m->update);
    free(m->p);
    free(m->pbar);
    free(m->order);
    *m = (minibatch){0};
}

static void shuffle(costate_random *random, size_t n, size_t *order) {
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)costate_random_below(random, i);
        const size_t swapped = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swapped;
    }
}

void minibatch_permutation(costate_random *random, size_t n, size_t *index) {
    for (size_t i = 0; i < n; i++) {
        index[i] = i;
    }
    shuffle(random, n, index);
}

static bool step(minibatch *m, const costate_batch_f32 *batch, double *loss) {
    const size_t n = m->n_param - m->first;
    costate_chain_result result;
    memset(m->pbar + m->first, 0, n * sizeof *m->pbar);
    if (costate_chain_loss_f32(m->eval, m->p, batch, &m->options.loss, &result, m->pbar) != COSTATE_OK) {
        return false;
    }
    *loss = result.value;
    return costate_update_step_f32(m->update, m->p + m->first, m->pbar + m->first) == COSTATE_OK;
}

bool minibatch_epoch(minibatch *m, const minibatch_set *set, double *mean_loss) {
    if (set->n == 0 || set->n > m->n_order) {
        return false;
    }
    for (size_t i = 0; i < set->n; i++) {
        m->order[i] = set->index ? set->index[i] : i;
    }
    shuffle(&m->random, set->n, m->order);
    double sum = 0.0;
    size_t n_step = 0;
    for (size_t k = 0; k < set->n; k += m->options.n_batch, n_step++) {
        const size_t rest = set->n - k;
        const costate_batch_f32 batch = {.n = rest < m->options.n_batch ? rest : m->options.n_batch,
                                         .index = m->order + k,
                                         .x = set->x,
                                         .target = set->target,
                                         .label = set->label};
        double loss;
        if (!step(m, &batch, &loss)) {
            return false;
        }
        sum += loss;
    }
    *mean_loss = sum / (double)n_step;
    return true;
}

bool minibatch_score(minibatch *m, const minibatch_set *set, costate_chain_result *result) {
    const costate_batch_f32 batch = {
        .n = set->n, .index = set->index, .x = set->x, .target = set->target, .label = set->label};
    return costate_chain_loss_f32(m->eval, m->p, &batch, &m->options.loss, result, NULL) == COSTATE_OK;
}
