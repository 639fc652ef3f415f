/* SPDX-License-Identifier: MIT */
/* Evaluation of a chain over a batch in one precision: tiles through all layers forth and back, pieces over threads. */
#include "chain/chain_eval_internal.h"
#include "chain/chain_rows.h"
#include "core/memory.h"
#include "core/message.h"

#include <string.h>

#if CSI_REAL_BITS == 64
#define CALLS(link) ((link)->f64)
#define OWN(loss) ((loss)->own_f64)
#define PRECISION COSTATE_CHAIN_F64
#else
#define CALLS(link) ((link)->f32)
#define OWN(loss) ((loss)->own_f32)
#define PRECISION COSTATE_CHAIN_F32
#endif

typedef CSI_REAL(costate_chain_tile) chain_tile;

/* Parameters of the gradient that one task adds up. */
#define ADD_LENGTH ((size_t)8192)

/* One call over a batch; of the arrays those are not NULL that the call is about. */
typedef struct chain_job {
    costate_chain_eval *eval;
    const real *p;
    const real_batch *batch;
    size_t n_tile, n_piece; /* tiles and pieces of this batch */
    const costate_chain_loss *loss;
    double factor; /* on the terms of the loss */
    real *y;
    const real *v;
    real *xbar;
    real *pbar;
    size_t lowest;      /* the layer that the reverse pass ends with; the number of layers for none */
    size_t first_param; /* the first parameter of the lowest layer that learns */
} chain_job;

/* A tile on its way through the layers. */
typedef struct chain_pass {
    const chain_job *job;
    csi_chain_piece *piece;
    real *gradient; /* of the piece; NULL if not wanted */
    size_t first, n, row;
    real *rows, *cotangent[2], *scratch;
    real *h, *hbar, *target, *weight; /* of the samples, one after the other */
    uint32_t *label;
} chain_pass;

static chain_pass pass_of(const chain_job *job, size_t worker, csi_chain_piece *piece, real *gradient) {
    const costate_chain_eval *eval = job->eval;
    const costate_chain *chain = eval->chain;
    const size_t row = eval->n_tile, outputs = chain->n_out * row;
    chain_pass pass = {.job = job, .piece = piece, .gradient = gradient};
    pass.rows = (real *)(void *)(eval->work + worker * eval->work_bytes);
    pass.cotangent[0] = pass.rows + chain->n_value_row * row;
    pass.cotangent[1] = pass.cotangent[0] + chain->n_widest * row;
    pass.scratch = pass.cotangent[1] + chain->n_widest * row;
    pass.h = pass.scratch + chain->n_scratch * row;
    pass.hbar = pass.h + outputs;
    pass.target = pass.hbar + outputs;
    pass.weight = pass.target + outputs;
    pass.label = (uint32_t *)(void *)(pass.weight + row);
    return pass;
}

/* The pass's call of one layer. */
static chain_tile tile_of(const chain_pass *pass, size_t index) {
    const costate_chain_eval *eval = pass->job->eval;
    const csi_chain_link *link = &eval->chain->links[index];
    return (chain_tile){.layer = &link->layer,
                        .in = link->in,
                        .out = link->plan.out,
                        .n = pass->n,
                        .row = pass->row,
                        .first = pass->first,
                        .layer_index = index,
                        .draw = eval->draw,
                        .training = eval->training,
                        .p = pass->job->p + link->offset,
                        .x = pass->rows + link->x_row * pass->row,
                        .y = pass->rows + link->y_row * pass->row,
                        .kept = pass->rows + link->kept_row * pass->row,
                        .scratch = pass->scratch};
}

static costate_status failed(chain_pass *pass, size_t link, costate_status status) {
    pass->piece->status = status;
    pass->piece->link = link;
    pass->piece->first = pass->first;
    pass->piece->count = pass->n;
    return status;
}

static costate_status run_forth(chain_pass *pass) {
    const costate_chain *chain = pass->job->eval->chain;
    rows_pack_input(pass->job->batch, chain->n_in, pass->first, pass->n, pass->row, pass->rows);
    for (size_t i = 0; i < chain->n_link; i++) {
        if (!chain->links[i].plan.is_view) {
            const chain_tile tile = tile_of(pass, i);
            const costate_status status = CALLS(&chain->links[i]).forward(&tile);
            if (status != COSTATE_OK) {
                return failed(pass, i, status);
            }
        }
    }
    return COSTATE_OK;
}

/* From the cotangents of the outputs, which are in cotangent[0], down to layer `lowest`. */
static costate_status run_back(chain_pass *pass) {
    const chain_job *job = pass->job;
    const costate_chain *chain = job->eval->chain;
    real *v = pass->cotangent[0], *under = pass->cotangent[1];
    for (size_t i = chain->n_link; i-- > job->lowest;) {
        const csi_chain_link *link = &chain->links[i];
        if (link->plan.is_view) {
            continue;
        }
        chain_tile tile = tile_of(pass, i);
        tile.v = v;
        tile.xbar = i > job->lowest || job->xbar != NULL ? under : NULL;
        tile.pbar = pass->gradient == NULL || link->layer.frozen ? NULL : pass->gradient + link->offset;
        const costate_status status = CALLS(link).vjp(&tile);
        if (status != COSTATE_OK) {
            return failed(pass, i, status);
        }
        under = v;
        v = tile.xbar;
    }
    if (job->xbar != NULL) {
        rows_unpack(v, chain->n_in, pass->n, pass->row, job->xbar + pass->first * chain->n_in);
    }
    return COSTATE_OK;
}

/* Elements of the pass's samples, `width` each, in the order of the batch. */
static const real *gather(const chain_pass *pass, size_t width, const real *from, real *to) {
    const real_batch *batch = pass->job->batch;
    if (from == NULL || batch->index == NULL) {
        return from == NULL ? NULL : from + pass->first * width;
    }
    for (size_t s = 0; s < pass->n; s++) {
        memcpy(to + s * width, from + batch->index[pass->first + s] * width, width * sizeof *to);
    }
    return to;
}

static const uint32_t *gather_labels(const chain_pass *pass) {
    const real_batch *batch = pass->job->batch;
    if (batch->label == NULL || batch->index == NULL) {
        return batch->label == NULL ? NULL : batch->label + pass->first;
    }
    for (size_t s = 0; s < pass->n; s++) {
        pass->label[s] = batch->label[batch->index[pass->first + s]];
    }
    return pass->label;
}

/* True if the loss is one whose outputs answer yes or no. */
static bool is_binary(const costate_chain_loss *loss) {
    return loss->kind == COSTATE_CHAIN_LOSS_OUTPUT &&
           (loss->output.kind == COSTATE_BATCH_LOSS_HINGE || loss->output.kind == COSTATE_BATCH_LOSS_LOGISTIC);
}

/* Terms of the loss and right answers of the tile's outputs, which are in h, and the cotangents of the sum of terms. */
static costate_status tile_loss(const chain_pass *pass, double *value, size_t *n_right, real *hbar) {
    const costate_chain_loss *loss = pass->job->loss;
    const real_batch *batch = pass->job->batch;
    const size_t n = pass->n, n_out = pass->job->eval->chain->n_out;
    const uint32_t *label = gather_labels(pass);
    const real *weight = gather(pass, 1, batch->weight, pass->weight);
    costate_status status;
    *n_right = 0;
    if (loss->kind == COSTATE_CHAIN_LOSS_OWN) {
        status = OWN(loss)(n, pass->first, pass->h, value, hbar, loss->ctx);
    } else if (loss->kind == COSTATE_CHAIN_LOSS_SOFTMAX) {
        status = CSI_REAL(costate_batch_softmax_loss)(COSTATE_BATCH_SUM, n, n_out, pass->h, label, weight, value, hbar);
    } else {
        const real *target = gather(pass, n_out, batch->target, pass->target);
        costate_batch_loss sum = loss->output;
        sum.reduction = COSTATE_BATCH_SUM;
        status = CSI_REAL(costate_batch_loss)(&sum, n, n_out, pass->h, target, weight, value, hbar);
        if (status == COSTATE_OK && is_binary(loss)) {
            status = CSI_REAL(costate_batch_sign_count)(n * n_out, pass->h, target, n_right);
        }
    }
    if (status == COSTATE_OK && label != NULL && !is_binary(loss)) {
        status = CSI_REAL(costate_batch_class_count)(n, n_out, pass->h, label, n_right);
    }
    return status;
}

/* Any loss, on the outputs one sample after the other. */
static costate_status loss_by_sample(const chain_pass *pass, const real *outputs, double *value, size_t *n_right) {
    const chain_job *job = pass->job;
    const size_t n_out = job->eval->chain->n_out;
    rows_unpack(outputs, n_out, pass->n, pass->row, pass->h);
    const costate_status status = tile_loss(pass, value, n_right, job->pbar == NULL ? NULL : pass->hbar);
    if (status == COSTATE_OK && job->pbar != NULL) {
        rows_pack_cotangent(pass->hbar, (real)job->factor, n_out, pass->n, pass->row, pass->cotangent[0]);
    }
    return status;
}

/* A loss of single outputs, all of the same weight, on the outputs as they lie. */
static costate_status loss_by_row(const chain_pass *pass, const real *outputs, double *value, size_t *n_right) {
    const chain_job *job = pass->job;
    const size_t n_out = job->eval->chain->n_out, n = pass->n, row = pass->row;
    /* Full rows are one. */
    const size_t n_row = n == row ? 1 : n_out, length = n == row ? n_out * row : n;
    costate_batch_loss sum = job->loss->output;
    costate_status status = COSTATE_OK;
    sum.reduction = COSTATE_BATCH_SUM;
    *value = 0.0;
    *n_right = 0;
    rows_pack(job->batch, job->batch->target, n_out, pass->first, n, row, pass->target);
    for (size_t i = 0; i < n_row && status == COSTATE_OK; i++) {
        const real *h = outputs + i * row, *target = pass->target + i * row;
        double term = 0.0;
        size_t n_term_right = 0;
        status = CSI_REAL(costate_batch_loss)(&sum, 1, length, h, target, NULL, &term,
                                              job->pbar == NULL ? NULL : pass->cotangent[0] + i * row);
        if (status == COSTATE_OK && is_binary(job->loss)) {
            status = CSI_REAL(costate_batch_sign_count)(length, h, target, &n_term_right);
        }
        *value += term;
        *n_right += n_term_right;
    }
    if (job->pbar != NULL) {
        rows_scale((real)job->factor, n_out, n, row, pass->cotangent[0]);
    }
    return status;
}

static costate_status run_loss(chain_pass *pass, const real *outputs) {
    const chain_job *job = pass->job;
    const real_batch *batch = job->batch;
    const bool by_row = job->loss->kind == COSTATE_CHAIN_LOSS_OUTPUT && batch->weight == NULL && batch->label == NULL;
    double value;
    size_t n_right;
    const costate_status status =
        by_row ? loss_by_row(pass, outputs, &value, &n_right) : loss_by_sample(pass, outputs, &value, &n_right);
    if (status != COSTATE_OK) {
        return failed(pass, job->eval->chain->n_link, status);
    }
    pass->piece->value += value;
    pass->piece->n_right += n_right;
    return COSTATE_OK;
}

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

/* Total weight of the batch; false if a weight is negative. A NaN is none, and makes the total NaN. */
static bool total_weight(const real_batch *batch, double *total) {
    *total = batch->weight == NULL ? (double)batch->n : 0.0;
    for (size_t k = 0; batch->weight != NULL && k < batch->n; k++) {
        const real weight = batch->weight[batch_place(batch, k)];
        if (weight < 0) {
            return false;
        }
        *total += (double)weight;
    }
    return true;
}

/* What a batch of no sample is answered, so that an unknown loss is refused whatever the batch. */
static costate_status check_output_loss(const costate_batch_loss *loss) {
    return CSI_REAL(costate_batch_loss)(loss, 0, 0, NULL, NULL, NULL, NULL, NULL);
}

static costate_status check_loss(const real_batch *batch, const costate_chain_loss *loss) {
    if (loss == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (loss->output.reduction != COSTATE_BATCH_SUM && loss->output.reduction != COSTATE_BATCH_MEAN) {
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

/* What a mean divides by: terms of the whole weight. */
static double reduction_factor(const costate_chain_loss *loss, double total, size_t n_out) {
    const double divisor = loss->kind == COSTATE_CHAIN_LOSS_OUTPUT ? total * (double)n_out : total;
    if (loss->output.reduction == COSTATE_BATCH_SUM) {
        return 1.0;
    }
    return divisor == 0.0 ? 0.0 : 1.0 / divisor;
}

costate_status CSI_REAL(costate_chain_loss)(costate_chain_eval *eval, const real *p, const real_batch *batch,
                                            const costate_chain_loss *loss, costate_chain_result *result, real *pbar) {
    double total;
    costate_status status = check(eval, p, batch);
    if (status == COSTATE_OK) {
        status = check_loss(batch, loss);
    }
    if (status == COSTATE_OK && !total_weight(batch, &total)) {
        status = COSTATE_ERR_ARGUMENT;
    }
    if (status != COSTATE_OK) {
        return status;
    }
    chain_job job = {.eval = eval, .p = p, .batch = batch, .loss = loss, .pbar = pbar};
    job.factor = reduction_factor(loss, total, eval->chain->n_out);
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
