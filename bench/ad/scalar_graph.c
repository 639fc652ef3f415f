/* SPDX-License-Identifier: MIT */
/* Memory and reverse sweep of the scalar graph. */
#include "scalar_graph.h"

#include <stdlib.h>

static bool resize(ad_graph *g, size_t capacity) {
    ad_node *nodes = capacity <= SIZE_MAX / sizeof *nodes ? realloc(g->nodes, capacity * sizeof *nodes) : NULL;
    if (!nodes) {
        return false;
    }
    g->nodes = nodes;
    g->capacity = capacity;
    return true;
}

bool ad_graph_create(size_t n_node, ad_graph *g) {
    *g = (ad_graph){0};
    if (n_node >= UINT32_MAX || !resize(g, n_node + 1)) {
        return false;
    }
    g->nodes[0] = (ad_node){.value = (double)NAN, .op = AD_CONSTANT};
    g->n = 1;
    return true;
}

void ad_graph_destroy(ad_graph *g) {
    free(g->nodes);
    *g = (ad_graph){0};
}

bool ad_graph_grow(ad_graph *g) {
    const size_t largest = UINT32_MAX;
    const size_t capacity = g->capacity <= largest / 2 ? 2 * g->capacity : largest;
    if (g->capacity == largest || !resize(g, capacity)) {
        g->failed = true;
        return false;
    }
    return true;
}

static void pull_pow(ad_node *nodes, const ad_node *node, double v) {
    ad_node *a = &nodes[node->a];
    ad_node *b = &nodes[node->b];
    a->grad += b->value == 0.0 ? 0.0 : v * b->value * pow(a->value, b->value - 1.0);
    if (b->op != AD_CONSTANT) {
        b->grad += node->value == 0.0 ? 0.0 : v * node->value * log(a->value);
    }
}

static void pull(ad_node *nodes, const ad_node *node, double v) {
    ad_node *a = &nodes[node->a];
    ad_node *b = &nodes[node->b];
    switch (node->op) {
    case AD_ADD:
        a->grad += v;
        b->grad += v;
        break;
    case AD_SUB:
        a->grad += v;
        b->grad -= v;
        break;
    case AD_MUL:
        a->grad += v * b->value;
        b->grad += v * a->value;
        break;
    case AD_DIV:
        a->grad += v / b->value;
        b->grad -= v * node->value / b->value;
        break;
    case AD_POW: pull_pow(nodes, node, v); break;
    case AD_EXP: a->grad += v * node->value; break;
    case AD_LOG: a->grad += v / a->value; break;
    case AD_SIN: a->grad += v * cos(a->value); break;
    case AD_COS: a->grad -= v * sin(a->value); break;
    case AD_TANH: a->grad += v * (1.0 - node->value * node->value); break;
    case AD_RELU: a->grad += node->value <= 0.0 ? 0.0 : v; break;
    case AD_CONSTANT:
    case AD_VARIABLE: break;
    }
}

void ad_graph_backward(ad_graph *g, ad_ref root, double seed) {
    ad_node *nodes = g->nodes;
    nodes[root].grad += seed;
    for (size_t i = root; i > 0; i--) {
        const double v = nodes[i].grad;
        if (nodes[i].op == AD_VARIABLE || v == 0.0) {
            continue;
        }
        nodes[i].grad = 0.0;
        pull(nodes, &nodes[i], v);
    }
}
