/* SPDX-License-Identifier: MIT */
/* Evaluators of chains: sizes of tiles, pieces and workspaces, creation and release. */
#include "chain/chain_eval_internal.h"
#include "core/memory.h"

/* Bytes of a tile's rows that are worth having: a small part of a second-level cache. */
#define CACHED_TILE ((size_t)131072)
#define MOST_TILE ((size_t)256)
/* Bytes of all pieces' gradients that are worth having, and the fewest pieces. */
#define CACHED_GRADIENTS ((size_t)262144)
#define FEWEST_PIECES ((size_t)4)
#define MOST_PIECES ((size_t)64)

costate_chain_eval_options costate_chain_eval_options_default(void) {
    return (costate_chain_eval_options){.precision = COSTATE_CHAIN_F64, .n_thread = 1};
}

/* Rows of a tile: values, kept, two cotangents, scratch. */
static bool count_rows(const costate_chain *chain, size_t *n_row) {
    size_t widest;
    return csi_size_mul(chain->n_widest, 2, &widest) && csi_size_add(chain->n_value_row, widest, n_row) &&
           csi_size_add(*n_row, chain->n_scratch, n_row);
}

/* Samples of a full tile: many where they stay in the cache, since what is done once per tile is then shared by more. */
static size_t choose_tile(size_t n_row, size_t real_bytes) {
    const size_t vectors = CACHED_TILE / real_bytes / CSI_CHAIN_LANES / n_row, most = MOST_TILE / CSI_CHAIN_LANES;
    const size_t n = vectors == 0 ? 1 : vectors > most ? most : vectors > 4 ? vectors / 4 * 4 : vectors;
    return n * CSI_CHAIN_LANES;
}

static size_t choose_pieces(size_t n_param, size_t real_bytes) {
    const size_t n = CACHED_GRADIENTS / real_bytes / (n_param + 1);
    return n < FEWEST_PIECES ? FEWEST_PIECES : n > MOST_PIECES ? MOST_PIECES : n;
}

/* Of one thread: the rows of a tile, then outputs, cotangents and targets of its samples, weights and labels. */
static bool count_work(costate_chain_eval *eval, size_t n_row) {
    size_t rows;
    size_t samples;
    size_t outputs;
    return csi_size_mul(n_row, eval->n_tile, &rows) && csi_size_mul(eval->chain->n_out, 3, &outputs) &&
           csi_size_add(outputs, 2, &outputs) && csi_size_mul(outputs, eval->n_tile, &samples) &&
           csi_size_add(rows, samples, &rows) && csi_size_mul(rows, eval->real_bytes, &rows) &&
           csi_size_align(rows, &eval->work_bytes);
}

/* False if the workspaces of all threads, or the gradients of all pieces, do not fit in size_t. */
static bool is_countable(const costate_chain_eval *eval, size_t n_thread) {
    size_t bytes;
    return csi_size_mul(eval->work_bytes, n_thread, &bytes) &&
           csi_size_mul(eval->gradient_bytes, eval->n_piece, &bytes);
}

static costate_status take_memory(costate_chain_eval *eval, size_t n_thread) {
    eval->work = csi_alloc_aligned(&eval->alloc, n_thread, eval->work_bytes, &eval->work_block);
    eval->gradients = csi_alloc_aligned(&eval->alloc, eval->n_piece, eval->gradient_bytes, &eval->gradient_block);
    eval->pieces = csi_alloc(&eval->alloc, eval->n_piece, sizeof *eval->pieces);
    if (eval->work == NULL || eval->gradients == NULL || eval->pieces == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    return csi_thread_pool_create(n_thread, &eval->alloc, &eval->pool);
}

static costate_status set_up(costate_chain_eval *eval, const costate_chain_eval_options *options) {
    const size_t n_thread = options->n_thread > 0 ? options->n_thread : csi_processor_count();
    size_t n_row;
    size_t gradient;
    if (!count_rows(eval->chain, &n_row) || !csi_size_mul(eval->chain->n_param, eval->real_bytes, &gradient) ||
        !csi_size_align(gradient, &eval->gradient_bytes)) {
        return COSTATE_ERR_OVERFLOW;
    }
    eval->n_tile = choose_tile(n_row, eval->real_bytes);
    eval->n_piece = options->n_piece > 0 ? options->n_piece : choose_pieces(eval->chain->n_param, eval->real_bytes);
    if (!count_work(eval, n_row) || !is_countable(eval, n_thread)) {
        return COSTATE_ERR_OVERFLOW;
    }
    return take_memory(eval, n_thread);
}

static bool has_calls(const costate_chain *chain, costate_chain_precision precision) {
    for (size_t i = 0; i < chain->n_link; i++) {
        const csi_chain_link *link = &chain->links[i];
        const bool missing = precision == COSTATE_CHAIN_F64 ? link->f64.forward == NULL || link->f64.vjp == NULL
                                                            : link->f32.forward == NULL || link->f32.vjp == NULL;
        if (missing && !link->plan.is_view) {
            return false;
        }
    }
    return true;
}

costate_status costate_chain_eval_create(const costate_chain *chain, const costate_chain_eval_options *options,
                                         const costate_allocator *alloc, costate_chain_eval **eval) {
    const costate_chain_eval_options usual = costate_chain_eval_options_default();
    const costate_chain_eval_options *wanted = options == NULL ? &usual : options;
    if (eval == NULL) {
        return COSTATE_ERR_NULL;
    }
    *eval = NULL;
    if (chain == NULL) {
        return COSTATE_ERR_NULL;
    }
    if ((wanted->precision != COSTATE_CHAIN_F64 && wanted->precision != COSTATE_CHAIN_F32) ||
        wanted->n_thread > CSI_THREADS_MOST || wanted->n_piece > CSI_THREADS_MOST) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!has_calls(chain, wanted->precision)) {
        return COSTATE_ERR_UNSUPPORTED;
    }
    const costate_allocator memory = csi_allocator(alloc);
    costate_chain_eval *made = csi_alloc(&memory, 1, sizeof *made);
    if (made == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->alloc = memory;
    made->chain = chain;
    made->precision = wanted->precision;
    made->real_bytes = wanted->precision == COSTATE_CHAIN_F64 ? sizeof(double) : sizeof(float);
    const costate_status status = set_up(made, wanted);
    if (status != COSTATE_OK) {
        costate_chain_eval_destroy(made);
        return status;
    }
    *eval = made;
    return COSTATE_OK;
}

void costate_chain_eval_destroy(costate_chain_eval *eval) {
    if (eval != NULL) {
        const costate_allocator alloc = eval->alloc;
        csi_thread_pool_destroy(eval->pool);
        csi_release(&alloc, eval->pieces);
        csi_release(&alloc, eval->gradient_block);
        csi_release(&alloc, eval->work_block);
        csi_release(&alloc, eval);
    }
}

void costate_chain_eval_training(costate_chain_eval *eval, bool training, uint64_t draw) {
    if (eval != NULL) {
        eval->training = training;
        eval->draw = draw;
    }
}

const char *costate_chain_eval_message(const costate_chain_eval *eval) {
    return eval == NULL ? "" : eval->message.text;
}
