/* SPDX-License-Identifier: MIT */
/* The differentiation table by the vector tape, recorded once and replayed. */
#include "ad/vector_tape.h"
#include "compare/ad_table_route.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_BLOCK = 2 * AD_TABLE_MAX_LAYER };

typedef struct recording {
    const ad_table_task *task;
    ad_tape tape;
    ad_tape_ref blocks[MAX_BLOCK]; /* the inputs in the order of x */
    size_t n_block;
    ad_tape_ref root;
} recording;

static bool takes(const ad_table_task *task) {
    (void)task;
    return true;
}

static ad_tape_ref record_loop(ad_tape *t, ad_tape_ref x) {
    ad_tape_ref r = ad_tape_constant(t, 1, 1, &(double){1.0});
    for (size_t k = 0; k < AD_TABLE_N_STEP; k++) {
        r = ad_tape_mul(t, r, ad_tape_sin(t, x));
    }
    return r;
}

static ad_tape_ref record_network(recording *r) {
    const ad_table_task *task = r->task;
    ad_tape *t = &r->tape;
    const double *p = task->x;
    ad_tape_ref y = ad_tape_constant(t, 1, task->width[0], task->sample);
    for (size_t l = 0; l < task->n_layer; l++) {
        const size_t n_in = task->width[l];
        const size_t n_out = task->width[l + 1];
        const ad_tape_ref weight = ad_tape_input(t, n_out, n_in, p);
        const ad_tape_ref bias = ad_tape_input(t, 1, n_out, p + n_out * n_in);
        p += n_out * (n_in + 1);
        y = ad_tape_bias(t, ad_tape_matvec(t, weight, y), bias);
        y = l + 1 < task->n_layer ? ad_tape_relu(t, y) : y;
        r->blocks[r->n_block++] = weight;
        r->blocks[r->n_block++] = bias;
    }
    return ad_tape_softmax_loss(t, y, &task->label);
}

static ad_tape_ref record(recording *r) {
    if (r->task->function == AD_TABLE_NETWORK) {
        return record_network(r);
    }
    const ad_tape_ref x = ad_tape_input(&r->tape, 1, r->task->n_x, r->task->x);
    r->blocks[r->n_block++] = x;
    switch (r->task->function) {
    case AD_TABLE_SIN_COS: return ad_tape_sin(&r->tape, ad_tape_cos(&r->tape, x));
    case AD_TABLE_LOOP: return record_loop(&r->tape, x);
    default: return ad_tape_log_sum_exp(&r->tape, x);
    }
}

static void destroy(void *state) {
    recording *r = state;
    if (r) {
        ad_tape_destroy(&r->tape);
        free(r);
    }
}

static void *create(const ad_table_task *task) {
    recording *r = calloc(1, sizeof *r);
    if (!r || !ad_tape_create(&r->tape)) {
        free(r);
        return NULL;
    }
    r->task = task;
    r->root = record(r);
    if (r->tape.failed) {
        destroy(r);
        return NULL;
    }
    return r;
}

static double primal(void *state) {
    recording *r = state;
    ad_tape_forward(&r->tape);
    return ad_tape_value(&r->tape, r->root)[0];
}

static double gradient(void *state) {
    recording *r = state;
    ad_tape_forward(&r->tape);
    ad_tape_reverse(&r->tape, r->root, &(double){1.0});
    return ad_tape_value(&r->tape, r->root)[0];
}

static void read(const void *state, double *gradient) {
    const recording *r = state;
    for (size_t k = 0; k < r->n_block; k++) {
        const ad_tape_node *node = &r->tape.nodes[r->blocks[k]];
        const size_t n = node->n_row * node->n_col;
        memcpy(gradient, ad_tape_grad(&r->tape, r->blocks[k]), n * sizeof *gradient);
        gradient += n;
    }
}

const ad_table_route ad_table_tape = {"vector tape", takes, create, primal, gradient, read, destroy};
