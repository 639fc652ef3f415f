/* SPDX-License-Identifier: MIT */
/* A tile of samples on its way through the layers, forth and back, in one precision. Part of chain_run.c. */
#ifndef CSI_CHAIN_PASS_H
#define CSI_CHAIN_PASS_H

#include "chain/chain_eval_internal.h"
#include "chain/chain_rows.h"

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

#endif
