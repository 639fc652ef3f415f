/* SPDX-License-Identifier: MIT */
/* Networks of the differentiation table by the library: forward pass, loss, VJP. */
#include "compare/ad_table_route.h"

#include <costate/batch_loss.h>
#include <costate/net.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct fused {
    const ad_table_task *task;
    costate_net *net;
    size_t n_out;
    size_t kept_bytes;
    size_t work_bytes;
    double *p;
    double *pbar;
    double *logit;
    double *v;
    void *kept;
    void *work;
} fused;

static bool takes(const ad_table_task *task) { return task->function == AD_TABLE_NETWORK; }

static bool create_net(const ad_table_task *task, costate_net **net) {
    costate_layer_spec layers[AD_TABLE_MAX_LAYER] = {{0}};
    for (size_t l = 0; l < task->n_layer; l++) {
        layers[l].n_out = task->width[l + 1];
        layers[l].act = l + 1 < task->n_layer ? COSTATE_ACT_RELU : COSTATE_ACT_IDENTITY;
    }
    const costate_net_spec spec = {.n_in = task->width[0], .n_layer = task->n_layer, .layers = layers};
    return costate_net_create(&spec, NULL, net) == COSTATE_OK;
}

static void destroy(void *state) {
    fused *f = state;
    if (f) {
        costate_net_destroy(f->net);
        free(f->p);
        free(f->pbar);
        free(f->logit);
        free(f->v);
        free(f->kept);
        free(f->work);
        free(f);
    }
}

/* The peers' arrays begin with a cache line, too. */
static void *array(size_t bytes) { return aligned_alloc(64, (bytes + 64) / 64 * 64); }

static void *create(const ad_table_task *task) {
    fused *f = calloc(1, sizeof *f);
    if (!f || !create_net(task, &f->net)) {
        free(f);
        return NULL;
    }
    f->task = task;
    f->n_out = costate_net_n_out(f->net);
    f->kept_bytes = costate_net_kept_bytes_f64(f->net);
    f->work_bytes = costate_net_work_bytes_f64(f->net);
    f->p = array(task->n_x * sizeof *f->p);
    f->pbar = array(task->n_x * sizeof *f->pbar);
    f->logit = array(f->n_out * sizeof *f->logit);
    f->v = array(f->n_out * sizeof *f->v);
    f->kept = array(f->kept_bytes);
    f->work = array(f->work_bytes);
    if (!f->p || !f->pbar || !f->logit || !f->v || !f->kept || !f->work ||
        costate_net_import_f64(f->net, COSTATE_ORDER_ROW_MAJOR, task->x, f->p) != COSTATE_OK) {
        destroy(f);
        return NULL;
    }
    return f;
}

static double loss(const fused *f, double *v) {
    double value;
    return costate_batch_softmax_loss_f64(COSTATE_BATCH_SUM, 1, f->n_out, f->logit, &f->task->label, NULL, &value, v) ==
                   COSTATE_OK
               ? value
               : (double)NAN;
}

static double primal(void *state) {
    fused *f = state;
    return costate_net_forward_f64(f->net, f->p, f->task->sample, f->logit, f->work, f->work_bytes) == COSTATE_OK
               ? loss(f, NULL)
               : (double)NAN;
}

static double gradient(void *state) {
    fused *f = state;
    const double *x = f->task->sample;
    if (costate_net_forward_keep_f64(f->net, f->p, x, f->logit, f->kept, f->kept_bytes) != COSTATE_OK) {
        return (double)NAN;
    }
    const double value = loss(f, f->v);
    memset(f->pbar, 0, f->task->n_x * sizeof *f->pbar);
    return costate_net_vjp_kept_f64(f->net, f->p, x, f->v, 1.0, NULL, f->pbar, f->kept, f->kept_bytes, f->work,
                                    f->work_bytes) == COSTATE_OK
               ? value
               : (double)NAN;
}

static void read(const void *state, double *gradient) {
    const fused *f = state;
    costate_net_export_f64(f->net, COSTATE_ORDER_ROW_MAJOR, f->pbar, gradient);
}

const ad_table_route ad_table_fused = {"fused VJP", takes, create, primal, gradient, read, destroy};
