/* SPDX-License-Identifier: MIT */
/* Evaluation of a chain over a batch in one precision: tiles through all layers forth and back, pieces over threads. */
#include "batch/batch_weight.h"
#include "chain/chain_loss.h"
#include "core/memory.h"
#include "core/message.h"

#include <string.h>

/* Parameters of the gradient that one task adds up. */
#define ADD_LENGTH ((size_t)8192)

static costate_status run_tile(chain_pass *pass) {
    const chain_job *job = pass->job;
    const costate_chain *chain = job->eval->chain;
    const size_t n_out = chain->n_out;
    costate_status status = run_forth(pass);
    if (status != COSTATE_OK) {
        return status;
    }
    const real *outputs = pass->rows + chain->links[chain->n_link - 1].y_row * pass->row;
    if (job->y != NULL) {
        rows_unpack(outputs, n_out, pass->n, pass->row, job->y + pass->first * n_out);
    }
    if (job->loss != NULL) {
        status = run_loss(pass, outputs);
    } else if (job->v != NULL) {
        rows_pack_cotangent(job->v + pass->first * n_out, 1, n_out, pass->n, pass->row, pass->cotangent[0]);
    }
    const bool back = job->xbar != NULL || (job->pbar != NULL && job->lowest < chain->n_link);
    return status == COSTATE_OK && back ? run_back(pass) : status;
}

static real *gradient_of(const chain_job *job, size_t piece) {
    return (real *)(void *)(job->eval->gradients + piece * job->eval->gradient_bytes);
}

/* The tiles of a piece, in their order. */
static void run_piece(size_t index, size_t worker, void *ctx) {
    const chain_job *job = ctx;
    costate_chain_eval *eval = job->eval;
    csi_chain_piece *piece = &eval->pieces[index];
    real *gradient = job->pbar == NULL ? NULL : gradient_of(job, index);
    chain_pass pass = pass_of(job, worker, piece, gradient);
    /* The first n_tile % n_piece pieces have one tile more. */
    const size_t share = job->n_tile / job->n_piece, more = job->n_tile % job->n_piece;
    const size_t begin = index * share + (index < more ? index : more), end = begin + share + (index < more);
    *piece = (csi_chain_piece){.status = COSTATE_OK};
    if (gradient != NULL) {
        memset(gradient + job->first_param, 0, (eval->chain->n_param - job->first_param) * sizeof *gradient);
    }
    for (size_t tile = begin; tile < end; tile++) {
        pass.first = tile * eval->n_tile;
        const size_t left = job->batch->n - pass.first;
        pass.n = left < eval->n_tile ? left : eval->n_tile;
        pass.row = (pass.n + CSI_CHAIN_LANES - 1) / CSI_CHAIN_LANES * CSI_CHAIN_LANES;
        if (run_tile(&pass) != COSTATE_OK) {
            return;
        }
    }
}

/* pbar += the sum over the pieces, in their order, of parameters begin … end − 1. */
static void add_pieces(const chain_job *job, size_t begin, size_t end) {
    real *total = gradient_of(job, 0);
    for (size_t piece = 1; piece < job->n_piece; piece++) {
        const real *gradient = gradient_of(job, piece);
        for (size_t i = begin; i < end; i++) {
            total[i] += gradient[i];
        }
    }
    for (size_t i = begin; i < end; i++) {
        job->pbar[i] += total[i];
    }
}

/* One range of parameters, without those of frozen layers. */
static void add_range(size_t index, size_t worker, void *ctx) {
    const chain_job *job = ctx;
    const costate_chain *chain = job->eval->chain;
    const size_t begin = job->first_param + index * ADD_LENGTH;
    const size_t end = chain->n_param - begin < ADD_LENGTH ? chain->n_param : begin + ADD_LENGTH;
    (void)worker;
    for (size_t i = 0; i < chain->n_link; i++) {
        const csi_chain_link *link = &chain->links[i];
        const size_t behind = link->offset + link->n_param;
        if (!link->layer.frozen && link->offset < end && behind > begin) {
            add_pieces(job, link->offset > begin ? link->offset : begin, behind < end ? behind : end);
        }
    }
}

static void describe_failure(costate_chain_eval *eval, const csi_chain_piece *piece) {
    const size_t last = piece->first + piece->count - 1;
    const char *why = costate_status_message(piece->status);
    if (piece->link < eval->chain->n_link) {
        csi_message_write(&eval->message, "layer %zu (%s), samples %zu to %zu of the batch: %s", piece->link,
                          eval->chain->links[piece->link].layer.kind->name, piece->first, last, why);
    } else {
        csi_message_write(&eval->message, "loss, samples %zu to %zu of the batch: %s", piece->first, last, why);
    }
}

static costate_status first_failure(costate_chain_eval *eval, size_t n_piece) {
    for (size_t i = 0; i < n_piece; i++) {
        if (eval->pieces[i].status != COSTATE_OK) {
            describe_failure(eval, &eval->pieces[i]);
            return eval->pieces[i].status;
        }
    }
    return COSTATE_OK;
}

/* The lowest layer whose parameters have a gradient; the number of layers if there is none. */
static size_t lowest_learner(const costate_chain *chain) {
    size_t i = 0;
    while (i < chain->n_link && (chain->links[i].n_param == 0 || chain->links[i].layer.frozen)) {
        i++;
    }
    return i;
}

static costate_status run(chain_job *job) {
    costate_chain_eval *eval = job->eval;
    const costate_chain *chain = eval->chain;
    const size_t n = job->batch->n, learner = lowest_learner(chain);
    job->lowest = job->xbar == NULL ? learner : 0;
    job->first_param = learner < chain->n_link ? chain->links[learner].offset : chain->n_param;
    job->n_tile = n / eval->n_tile + (n % eval->n_tile > 0);
    job->n_piece = job->n_tile < eval->n_piece ? job->n_tile : eval->n_piece;
    csi_thread_pool_run(eval->pool, job->n_piece, run_piece, job);
    const costate_status status = first_failure(eval, job->n_piece);
    if (status == COSTATE_OK && job->pbar != NULL && job->n_piece > 0) {
        const size_t n_add = chain->n_param - job->first_param;
        csi_thread_pool_run(eval->pool, n_add / ADD_LENGTH + (n_add % ADD_LENGTH > 0), add_range, job);
    }
    return status;
}

/* What all three calls check. */
static costate_status check(costate_chain_eval *eval, const real *p, const real_batch *batch) {
    size_t n_in;
    size_t n_out;
    if (eval == NULL) {
        return COSTATE_ERR_NULL;
    }
    csi_message_clear(&eval->message);
    if (p == NULL || batch == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (eval->precision != PRECISION) {
        return COSTATE_ERR_UNSUPPORTED;
    }
    if (!csi_size_mul(batch->n, eval->chain->n_in, &n_in) || !csi_size_mul(batch->n, eval->chain->n_out, &n_out)) {
        return COSTATE_ERR_OVERFLOW;
    }
    return batch->n > 0 && batch->x == NULL ? COSTATE_ERR_NULL : COSTATE_OK;
}

costate_status CSI_REAL(costate_chain_forward)(costate_chain_eval *eval, const real *p, const real_batch *batch,
                                               real *y) {
    const costate_status status = check(eval, p, batch);
    if (status != COSTATE_OK) {
        return status;
    }
    if (batch->n > 0 && y == NULL) {
        return COSTATE_ERR_NULL;
    }
    chain_job job = {.eval = eval, .p = p, .batch = batch, .y = y};
    return run(&job);
}

costate_status CSI_REAL(costate_chain_vjp)(costate_chain_eval *eval, const real *p, const real_batch *batch,
                                           const real *v, real *xbar, real *pbar) {
    const costate_status status = check(eval, p, batch);
    if (status != COSTATE_OK) {
        return status;
    }
    if (batch->n > 0 && v == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (xbar == NULL && pbar == NULL) {
        return COSTATE_OK;
    }
    chain_job job = {.eval = eval, .p = p, .batch = batch, .v = v, .xbar = xbar, .pbar = pbar};
    return run(&job);
}

/* What a batch of no sample is answered, so that an unknown loss is refused whatever the batch. */
static costate_status check_output_loss(const costate_batch_loss *loss) {
    return CSI_REAL(costate_batch_loss)(loss, 0, 0, NULL, NULL, NULL, NULL, NULL);
}

static costate_status check_loss(const real_batch *batch, const costate_chain_loss *loss) {
    if (loss == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (!reduction_known(loss->output.reduction)) {
        return COSTATE_ERR_ARGUMENT;
    }
    switch (loss->kind) {
    case COSTATE_CHAIN_LOSS_OUTPUT:
        return batch->n > 0 && batch->target == NULL ? COSTATE_ERR_NULL : check_output_loss(&loss->output);
    case COSTATE_CHAIN_LOSS_SOFTMAX: return batch->n > 0 && batch->label == NULL ? COSTATE_ERR_NULL : COSTATE_OK;
    case COSTATE_CHAIN_LOSS_OWN: return OWN(loss) == NULL ? COSTATE_ERR_NULL : COSTATE_OK;
    }
    return COSTATE_ERR_ARGUMENT;
}

costate_status CSI_REAL(costate_chain_loss)(costate_chain_eval *eval, const real *p, const real_batch *batch,
                                            const costate_chain_loss *loss, costate_chain_result *result, real *pbar) {
    double total;
    costate_status status = check(eval, p, batch);
    if (status == COSTATE_OK) {
        status = check_loss(batch, loss);
    }
    if (status == COSTATE_OK && !total_weight(batch->n, batch->index, batch->weight, &total)) {
        status = COSTATE_ERR_ARGUMENT;
    }
    if (status != COSTATE_OK) {
        return status;
    }
    chain_job job = {.eval = eval, .p = p, .batch = batch, .loss = loss, .pbar = pbar};
    const size_t n_term = loss->kind == COSTATE_CHAIN_LOSS_OUTPUT ? eval->chain->n_out : 1;
    job.factor = reduction_factor(loss->output.reduction, total, n_term);
    status = run(&job);
    if (status == COSTATE_OK && result != NULL) {
        double sum = 0.0;
        size_t n_right = 0;
        for (size_t i = 0; i < job.n_piece; i++) {
            sum += eval->pieces[i].value;
            n_right += eval->pieces[i].n_right;
        }
        *result = (costate_chain_result){.value = job.factor * sum, .n_right = n_right};
    }
    return status;
}
