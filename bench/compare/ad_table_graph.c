/* SPDX-License-Identifier: MIT */
/* The differentiation table by the scalar graph, which is made anew by every evaluation. */
#include "ad/scalar_graph.h"
#include "compare/ad_table_route.h"

#include <stdlib.h>

typedef struct graph_run {
    const ad_table_task *task;
    ad_graph graph;
    size_t mark;  /* nodes behind the variables and the sample, which stay */
    ad_ref *unit; /* room for the widest layer twice */
} graph_run;

enum { FIRST_VARIABLE = 1 };

static bool takes(const ad_table_task *task) {
    (void)task;
    return true;
}

static size_t widest(const ad_table_task *task) {
    size_t n = task->n_layer > 0 ? 0 : task->n_x;
    for (size_t l = 0; l <= task->n_layer; l++) {
        n = task->width[l] > n ? task->width[l] : n;
    }
    return n;
}

static void destroy(void *state) {
    graph_run *r = state;
    if (r) {
        ad_graph_destroy(&r->graph);
        free(r->unit);
        free(r);
    }
}

static void *create(const ad_table_task *task) {
    graph_run *r = calloc(1, sizeof *r);
    ad_ref *unit = malloc(2 * widest(task) * sizeof *unit);
    if (!r || !unit || !ad_graph_create(task->n_x, &r->graph)) {
        free(unit);
        free(r);
        return NULL;
    }
    r->task = task;
    r->unit = unit;
    for (size_t k = 0; k < task->n_x; k++) {
        ad_variable(&r->graph, task->x[k]);
    }
    for (size_t i = 0; task->n_layer > 0 && i < task->width[0]; i++) {
        ad_constant(&r->graph, task->sample[i]);
    }
    r->mark = r->graph.n;
    if (r->graph.failed) {
        destroy(r);
        return NULL;
    }
    return r;
}

static ad_ref loop(ad_graph *g, ad_ref x) {
    ad_ref r = ad_constant(g, 1.0);
    for (size_t k = 0; k < AD_TABLE_N_STEP; k++) {
        r = ad_mul(g, r, ad_sin(g, x));
    }
    return r;
}

/* log Σ exp, with the largest taken out as a constant, on which the value does not depend. */
static ad_ref log_sum_exp(ad_graph *g, size_t n, const ad_ref *x) {
    double largest = ad_value(g, x[0]);
    for (size_t i = 1; i < n; i++) {
        largest = fmax(largest, ad_value(g, x[i]));
    }
    const ad_ref top = ad_constant(g, largest);
    ad_ref sum = ad_exp(g, ad_sub(g, x[0], top));
    for (size_t i = 1; i < n; i++) {
        sum = ad_add(g, sum, ad_exp(g, ad_sub(g, x[i], top)));
    }
    return ad_add(g, ad_log(g, sum), top);
}

static ad_ref network(graph_run *r) {
    const ad_table_task *task = r->task;
    ad_graph *g = &r->graph;
    ad_ref *x = r->unit;
    ad_ref *y = r->unit + widest(task);
    ad_ref parameter = FIRST_VARIABLE;
    for (size_t i = 0; i < task->width[0]; i++) {
        x[i] = (ad_ref)(FIRST_VARIABLE + task->n_x + i);
    }
    for (size_t l = 0; l < task->n_layer; l++) {
        const size_t n_in = task->width[l];
        const size_t n_out = task->width[l + 1];
        const ad_ref bias = parameter + (ad_ref)(n_out * n_in);
        for (size_t j = 0; j < n_out; j++) {
            ad_ref sum = bias + (ad_ref)j;
            for (size_t i = 0; i < n_in; i++) {
                sum = ad_add(g, sum, ad_mul(g, parameter++, x[i]));
            }
            y[j] = l + 1 < task->n_layer ? ad_relu(g, sum) : sum;
        }
        parameter = bias + (ad_ref)n_out;
        ad_ref *const swap = x;
        x = y;
        y = swap;
    }
    return ad_sub(g, log_sum_exp(g, task->width[task->n_layer], x), x[task->label]);
}

static ad_ref build(graph_run *r) {
    ad_graph *g = &r->graph;
    ad_graph_rewind(g, r->mark);
    switch (r->task->function) {
    case AD_TABLE_SIN_COS: return ad_sin(g, ad_cos(g, FIRST_VARIABLE));
    case AD_TABLE_LOOP: return loop(g, FIRST_VARIABLE);
    case AD_TABLE_NETWORK: return network(r);
    default:
        for (size_t i = 0; i < r->task->n_x; i++) {
            r->unit[i] = (ad_ref)(FIRST_VARIABLE + i);
        }
        return log_sum_exp(g, r->task->n_x, r->unit);
    }
}

/* A node that there was no memory for makes the value NaN. */
static double primal(void *state) {
    graph_run *r = state;
    return ad_value(&r->graph, build(r));
}

static double gradient(void *state) {
    graph_run *r = state;
    for (size_t k = 0; k < r->task->n_x; k++) {
        r->graph.nodes[FIRST_VARIABLE + k].grad = 0.0;
    }
    const ad_ref root = build(r);
    ad_graph_backward(&r->graph, root, 1.0);
    return ad_value(&r->graph, root);
}

static void read(const void *state, double *gradient) {
    const graph_run *r = state;
    for (size_t k = 0; k < r->task->n_x; k++) {
        gradient[k] = r->graph.nodes[FIRST_VARIABLE + k].grad;
    }
}

const ad_table_route ad_table_graph = {"scalar graph", takes, create, primal, gradient, read, destroy};
