/* SPDX-License-Identifier: MIT */
/* Which samples a training uses in which order: split, permutations of the epochs. */
#include "chain/chain_train_internal.h"
#include "core/memory.h"

#include <costate/random.h>
#include <string.h>

/* Stream of the split; those of the epochs count from 0. */
static const uint64_t SPLIT_STREAM = UINT64_MAX;

size_t csi_train_n_held(const costate_chain_train_options *options, size_t n, bool validated) {
    /* A fraction below 1 is at most 1 − 2^-53, with which the product is not rounded up to n. */
    return validated ? 0 : (size_t)(options->validation_fraction * (double)n);
}

size_t csi_train_batch_size(const costate_chain_train_options *options, size_t n_train) {
    const size_t size = options->batch_size;
    return size == 0 || size > n_train ? n_train : size;
}

size_t costate_chain_train_n_step(const costate_chain_train_options *options, size_t n, bool validated) {
    if (options == NULL || n == 0 ||
        !(validated || (options->validation_fraction >= 0.0 && options->validation_fraction < 1.0))) {
        return 0;
    }
    const size_t n_train = n - csi_train_n_held(options, n, validated);
    const size_t size = csi_train_batch_size(options, n_train);
    return n_train / size + (n_train % size != 0);
}

static costate_status reserve_places(costate_chain_trainer *trainer, size_t count) {
    size_t bytes;
    if (count <= trainer->place_capacity) {
        return COSTATE_OK;
    }
    if (!csi_size_mul(count, sizeof *trainer->places, &bytes)) {
        return COSTATE_ERR_OVERFLOW;
    }
    size_t *places = csi_alloc(&trainer->alloc, bytes, 1);
    if (places == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    csi_release(&trainer->alloc, trainer->places);
    trainer->places = places;
    trainer->place_capacity = count;
    return COSTATE_OK;
}

/* Every set of n_held samples with the same probability; both parts rise. */
static void split_at_random(uint64_t seed, size_t n_train, size_t n_held, const size_t *index, size_t *member) {
    costate_random random = costate_random_seed(seed, SPLIT_STREAM);
    const size_t n = n_train + n_held;
    size_t *train = member;
    size_t *held = member + n_train;
    for (size_t i = 0; i < n; i++) {
        const size_t held_left = n_held - (size_t)(held - (member + n_train));
        const size_t place = index == NULL ? i : index[i];
        if (costate_random_below(&random, n - i) < held_left) {
            *held++ = place;
        } else {
            *train++ = place;
        }
    }
}

costate_status csi_train_choose(costate_chain_trainer *trainer, size_t n, const size_t *index, bool validated,
                                csi_train_samples *samples) {
    const costate_chain_train_options *o = &trainer->options;
    const size_t n_held = csi_train_n_held(o, n, validated);
    const size_t n_train = n - n_held;
    const bool drawn = n_held > 0 && o->split == COSTATE_CHAIN_SPLIT_RANDOM;
    const bool shuffled = o->shuffle && csi_train_batch_size(o, n_train) < n_train;
    const size_t n_member = drawn ? n : 0;
    size_t count;
    if (!csi_size_add(n_member, shuffled ? n_train : 0, &count)) {
        return COSTATE_ERR_OVERFLOW;
    }
    const costate_status status = reserve_places(trainer, count);
    if (status != COSTATE_OK) {
        return status;
    }
    *samples = (csi_train_samples){.n_train = n_train,
                                   .n_held = n_held,
                                   .member = drawn ? trainer->places : index,
                                   .order = shuffled ? trainer->places + n_member : NULL};
    if (drawn) {
        split_at_random(o->seed, n_train, n_held, index, trainer->places);
    }
    return COSTATE_OK;
}

void csi_train_shuffle(const costate_chain_trainer *trainer, size_t epoch, const csi_train_samples *samples) {
    size_t *order = samples->order;
    if (order == NULL) {
        return;
    }
    costate_random random = costate_random_seed(trainer->options.seed, epoch);
    for (size_t i = 0; i < samples->n_train; i++) {
        order[i] = samples->member == NULL ? i : samples->member[i];
    }
    for (size_t i = samples->n_train; i-- > 1;) {
        const size_t j = (size_t)costate_random_below(&random, i + 1);
        const size_t place = order[i];
        order[i] = order[j];
        order[j] = place;
    }
}
