/* SPDX-License-Identifier: MIT */
/* Reverse-mode differentiation one scalar operation at a time: a graph of nodes in one growing array. */
#ifndef BENCH_AD_SCALAR_GRAPH_H
#define BENCH_AD_SCALAR_GRAPH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ad_op {
    AD_CONSTANT,
    AD_VARIABLE,
    AD_ADD,
    AD_SUB,
    AD_MUL,
    AD_DIV,
    AD_POW,
    AD_EXP,
    AD_LOG,
    AD_SIN,
    AD_COS,
    AD_TANH,
    AD_RELU
} ad_op;

/* Operands come before the node that uses them, so that the array is in topological order. */
typedef struct ad_node {
    double value;
    double grad;
    uint32_t a;
    uint32_t b;
    ad_op op;
} ad_node;

/* Index of a node. 0 is a NaN that stands for a node there was no memory for. */
typedef uint32_t ad_ref;

typedef struct ad_graph {
    ad_node *nodes;
    size_t n;
    size_t capacity;
    bool failed; /* a node could not be made */
} ad_graph;

/* A graph with room for n_node nodes before it has to grow; false without memory, and the graph is then empty. */
bool ad_graph_create(size_t n_node, ad_graph *g);
void ad_graph_destroy(ad_graph *g);

/* Room for one more node; false, and the graph has failed, without memory or indices. */
bool ad_graph_grow(ad_graph *g);

/* Forgets every node made after there were n; their memory is used again. */
static inline void ad_graph_rewind(ad_graph *g, size_t n) {
    if (n >= 1 && n < g->n) {
        g->n = n;
    }
}

/*
 * Adds seed · ∂root/∂x to the grad of every variable x. One loop in reverse order of creation; a node whose cotangent is
 * zero passes nothing on, which skips what the root does not depend on. The grads of inner nodes are zero before and
 * after.
 */
void ad_graph_backward(ad_graph *g, ad_ref root, double seed);

static inline ad_ref ad_push(ad_graph *g, double value, ad_op op, ad_ref a, ad_ref b) {
    if (g->n == g->capacity && !ad_graph_grow(g)) {
        return 0;
    }
    g->nodes[g->n] = (ad_node){.value = value, .a = a, .b = b, .op = op};
    return (ad_ref)g->n++;
}

static inline double ad_value(const ad_graph *g, ad_ref a) { return g->nodes[a].value; }

static inline ad_ref ad_constant(ad_graph *g, double value) { return ad_push(g, value, AD_CONSTANT, 0, 0); }
static inline ad_ref ad_variable(ad_graph *g, double value) { return ad_push(g, value, AD_VARIABLE, 0, 0); }

static inline ad_ref ad_add(ad_graph *g, ad_ref a, ad_ref b) {
    return ad_push(g, ad_value(g, a) + ad_value(g, b), AD_ADD, a, b);
}

static inline ad_ref ad_sub(ad_graph *g, ad_ref a, ad_ref b) {
    return ad_push(g, ad_value(g, a) - ad_value(g, b), AD_SUB, a, b);
}

static inline ad_ref ad_mul(ad_graph *g, ad_ref a, ad_ref b) {
    return ad_push(g, ad_value(g, a) * ad_value(g, b), AD_MUL, a, b);
}

static inline ad_ref ad_div(ad_graph *g, ad_ref a, ad_ref b) {
    return ad_push(g, ad_value(g, a) / ad_value(g, b), AD_DIV, a, b);
}

/* The derivative with respect to a constant exponent is not formed: it needs the logarithm of the base. */
static inline ad_ref ad_pow(ad_graph *g, ad_ref a, ad_ref b) {
    return ad_push(g, pow(ad_value(g, a), ad_value(g, b)), AD_POW, a, b);
}

static inline ad_ref ad_exp(ad_graph *g, ad_ref a) { return ad_push(g, exp(ad_value(g, a)), AD_EXP, a, 0); }
static inline ad_ref ad_log(ad_graph *g, ad_ref a) { return ad_push(g, log(ad_value(g, a)), AD_LOG, a, 0); }
static inline ad_ref ad_sin(ad_graph *g, ad_ref a) { return ad_push(g, sin(ad_value(g, a)), AD_SIN, a, 0); }
static inline ad_ref ad_cos(ad_graph *g, ad_ref a) { return ad_push(g, cos(ad_value(g, a)), AD_COS, a, 0); }
static inline ad_ref ad_tanh(ad_graph *g, ad_ref a) { return ad_push(g, tanh(ad_value(g, a)), AD_TANH, a, 0); }

/* max(0, a), with derivative 0 at 0; a NaN stays one. */
static inline ad_ref ad_relu(ad_graph *g, ad_ref a) {
    const double x = ad_value(g, a);
    return ad_push(g, x <= 0.0 ? 0.0 : x, AD_RELU, a, 0);
}

#endif
