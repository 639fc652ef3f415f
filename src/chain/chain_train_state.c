/* SPDX-License-Identifier: MIT */
/* What a trainer remembers between epochs: history, best parameters, and both with the update's state in a block. */
#include "chain/chain_train_internal.h"
#include "core/memory.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Read with the other byte order it is another number. */
static const uint32_t TAG = 0x31747363;

typedef struct state_header {
    uint32_t tag;
    uint32_t precision;
    uint64_t seed;
    uint64_t n_param;
    uint64_t update_bytes;
    uint64_t n_epoch;
    uint64_t since_best;
    uint64_t best_epoch;
    double best_loss;
} state_header;

static state_header header_of(const costate_chain_trainer *t) {
    return (state_header){.tag = TAG,
                          .precision = (uint32_t)t->options.eval.precision,
                          .seed = t->options.seed,
                          .n_param = t->n_param,
                          .update_bytes = costate_update_state_bytes(t->update),
                          .n_epoch = t->n_epoch,
                          .since_best = t->since_best,
                          .best_epoch = t->best_epoch,
                          .best_loss = t->best_loss};
}

/* Room that the first call makes, so that calls for one epoch each seldom make more. */
#define FEWEST_EPOCHS ((size_t)64)

costate_status csi_train_reserve(costate_chain_trainer *trainer, size_t n_epoch) {
    const size_t doubled = trainer->history_capacity <= SIZE_MAX / 2 ? 2 * trainer->history_capacity : SIZE_MAX;
    const size_t least = doubled > FEWEST_EPOCHS ? doubled : FEWEST_EPOCHS;
    const size_t capacity = n_epoch > least ? n_epoch : least;
    size_t bytes;
    if (n_epoch <= trainer->history_capacity) {
        return COSTATE_OK;
    }
    if (!csi_size_mul(capacity, CSI_TRAIN_N_RECORD * sizeof *trainer->history, &bytes)) {
        return COSTATE_ERR_OVERFLOW;
    }
    double *history = csi_alloc(&trainer->alloc, bytes, 1);
    if (history == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    for (size_t k = 0; k < CSI_TRAIN_N_RECORD && trainer->n_epoch > 0; k++) {
        memcpy(history + k * capacity, trainer->history + k * trainer->history_capacity,
               trainer->n_epoch * sizeof *history);
    }
    csi_release(&trainer->alloc, trainer->history);
    trainer->history = history;
    trainer->history_capacity = capacity;
    return COSTATE_OK;
}

costate_chain_train_history costate_chain_trainer_history(const costate_chain_trainer *trainer) {
    if (trainer == NULL || trainer->history == NULL) {
        return (costate_chain_train_history){.n_epoch = 0};
    }
    const double *first = trainer->history;
    const size_t stride = trainer->history_capacity;
    return (costate_chain_train_history){.n_epoch = trainer->n_epoch,
                                         .loss = first,
                                         .accuracy = first + stride,
                                         .validation_loss = first + 2 * stride,
                                         .validation_accuracy = first + 3 * stride,
                                         .rate = first + 4 * stride};
}

void costate_chain_trainer_reset(costate_chain_trainer *trainer) {
    if (trainer != NULL && !trainer->running) {
        costate_update_reset(trainer->update);
        trainer->n_epoch = 0;
        trainer->since_best = 0;
        trainer->best_epoch = 0;
        trainer->best_loss = HUGE_VAL;
    }
}

static costate_status copy_best(const costate_chain_trainer *trainer, costate_chain_precision precision, void *p) {
    if (trainer == NULL || p == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (trainer->options.eval.precision != precision) {
        return COSTATE_ERR_UNSUPPORTED;
    }
    if (trainer->best_epoch == 0) {
        return COSTATE_ERR_STATE;
    }
    memcpy(p, trainer->best, trainer->n_param * trainer->real_bytes);
    return COSTATE_OK;
}

costate_status costate_chain_trainer_best_f64(const costate_chain_trainer *trainer, double *p) {
    return copy_best(trainer, COSTATE_CHAIN_F64, p);
}

costate_status costate_chain_trainer_best_f32(const costate_chain_trainer *trainer, float *p) {
    return copy_best(trainer, COSTATE_CHAIN_F32, p);
}

/* Bytes of a state apart from its history. */
static size_t fixed_bytes(const costate_chain_trainer *t) {
    return sizeof(state_header) + costate_update_state_bytes(t->update) + t->n_param * t->real_bytes;
}

size_t costate_chain_trainer_state_bytes(const costate_chain_trainer *trainer) {
    return trainer == NULL ? 0 : fixed_bytes(trainer) + trainer->n_epoch * CSI_TRAIN_N_RECORD * sizeof(double);
}

costate_status costate_chain_trainer_save(const costate_chain_trainer *trainer, void *block, size_t block_bytes) {
    if (trainer == NULL || block == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (block_bytes < costate_chain_trainer_state_bytes(trainer)) {
        return COSTATE_ERR_WORKSPACE;
    }
    const state_header header = header_of(trainer);
    const size_t row_bytes = trainer->n_epoch * sizeof(double);
    unsigned char *to = block;
    memcpy(to, &header, sizeof header);
    to += sizeof header;
    const costate_status status = costate_update_save(trainer->update, to, header.update_bytes);
    if (status != COSTATE_OK) {
        return status;
    }
    to += header.update_bytes;
    memcpy(to, trainer->best, trainer->n_param * trainer->real_bytes);
    to += trainer->n_param * trainer->real_bytes;
    for (size_t k = 0; k < CSI_TRAIN_N_RECORD && row_bytes > 0; k++) {
        memcpy(to + k * row_bytes, trainer->history + k * trainer->history_capacity, row_bytes);
    }
    return COSTATE_OK;
}

/* The header of a block whose size it fits, of a state of this trainer's. */
static costate_status read_header(const costate_chain_trainer *trainer, const void *block, size_t block_bytes,
                                  state_header *header) {
    const state_header expected = header_of(trainer);
    const size_t fixed = fixed_bytes(trainer);
    const size_t per_epoch = CSI_TRAIN_N_RECORD * sizeof(double);
    if (block_bytes < fixed || (block_bytes - fixed) % per_epoch != 0) {
        return COSTATE_ERR_SIZE;
    }
    memcpy(header, block, sizeof *header);
    if (header->tag != expected.tag || header->precision != expected.precision || header->seed != expected.seed ||
        header->n_param != expected.n_param || header->update_bytes != expected.update_bytes) {
        return COSTATE_ERR_MISMATCH;
    }
    if (header->n_epoch != (block_bytes - fixed) / per_epoch) {
        return COSTATE_ERR_SIZE;
    }
    const bool plausible = header->best_epoch <= header->n_epoch && header->since_best <= header->n_epoch;
    return plausible ? COSTATE_OK : COSTATE_ERR_MISMATCH;
}

costate_status costate_chain_trainer_restore(costate_chain_trainer *trainer, const void *block, size_t block_bytes) {
    state_header header;
    if (trainer == NULL || block == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (trainer->running) {
        return COSTATE_ERR_STATE;
    }
    costate_status status = read_header(trainer, block, block_bytes, &header);
    if (status == COSTATE_OK) {
        status = csi_train_reserve(trainer, (size_t)header.n_epoch);
    }
    const unsigned char *from = (const unsigned char *)block + sizeof header;
    if (status == COSTATE_OK) {
        status = costate_update_restore(trainer->update, from, header.update_bytes);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    from += header.update_bytes;
    memcpy(trainer->best, from, trainer->n_param * trainer->real_bytes);
    from += trainer->n_param * trainer->real_bytes;
    const size_t row_bytes = (size_t)header.n_epoch * sizeof(double);
    for (size_t k = 0; k < CSI_TRAIN_N_RECORD && row_bytes > 0; k++) {
        memcpy(trainer->history + k * trainer->history_capacity, from + k * row_bytes, row_bytes);
    }
    trainer->n_epoch = (size_t)header.n_epoch;
    trainer->since_best = (size_t)header.since_best;
    trainer->best_epoch = (size_t)header.best_epoch;
    trainer->best_loss = header.best_loss;
    return COSTATE_OK;
}
