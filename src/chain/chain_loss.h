/* SPDX-License-Identifier: MIT */
/* The loss of a tile and its cotangents, in one precision. Part of chain_run.c. */
#ifndef CSI_CHAIN_LOSS_H
#define CSI_CHAIN_LOSS_H

#include "chain/chain_pass.h"

#include <string.h>

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

#endif
