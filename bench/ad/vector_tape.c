/* SPDX-License-Identifier: MIT */
/* Memory and recording of the vector tape. */
#include "vector_tape.h"

#include <stdlib.h>
#include <string.h>

/* Elements of a cache line: no vector load of a longer array straddles two. */
enum { LINE = 8, FIRST_CAPACITY = 64 };

static const size_t max_element = SIZE_MAX / 4 / sizeof(double);

static bool grow(ad_tape_arena *arena, size_t least) {
    const size_t doubled = 2 * arena->capacity;
    const size_t capacity = ((doubled > least ? doubled : least) + LINE - 1) / LINE * LINE;
    double *at = aligned_alloc(LINE * sizeof *at, capacity * sizeof *at);
    if (!at) {
        return false;
    }
    if (arena->n > 0) {
        memcpy(at, arena->at, arena->n * sizeof *at);
    }
    free(arena->at);
    arena->at = at;
    arena->capacity = capacity;
    return true;
}

/* Zeroed room for n elements. */
static bool take(ad_tape_arena *arena, size_t n, size_t *offset) {
    const size_t begin = n < LINE ? arena->n : (arena->n + LINE - 1) / LINE * LINE;
    if (n > max_element - begin || (begin + n > arena->capacity && !grow(arena, begin + n))) {
        return false;
    }
    memset(arena->at + arena->n, 0, (begin + n - arena->n) * sizeof *arena->at);
    arena->n = begin + n;
    *offset = begin;
    return true;
}

static bool grow_nodes(ad_tape *t) {
    const size_t capacity = t->capacity > 0 ? 2 * t->capacity : FIRST_CAPACITY;
    ad_tape_node *nodes = capacity <= UINT32_MAX ? realloc(t->nodes, capacity * sizeof *nodes) : NULL;
    if (!nodes) {
        return false;
    }
    t->nodes = nodes;
    t->capacity = capacity;
    return true;
}

bool ad_tape_create(ad_tape *t) {
    *t = (ad_tape){0};
    if (!grow_nodes(t) || !grow(&t->values, FIRST_CAPACITY) || !grow(&t->grads, FIRST_CAPACITY)) {
        ad_tape_destroy(t);
        return false;
    }
    t->nodes[0] = (ad_tape_node){.op = AD_TAPE_CONSTANT};
    t->n = 1;
    return true;
}

void ad_tape_destroy(ad_tape *t) {
    free(t->nodes);
    free(t->values.at);
    free(t->grads.at);
    *t = (ad_tape){0};
}

static bool keeps_softmax(ad_tape_op op) { return op == AD_TAPE_LOG_SUM_EXP || op == AD_TAPE_SOFTMAX_LOSS; }

/* Takes the node's memory; n_row and n_col are not zero. */
static bool place(ad_tape *t, ad_tape_node *node) {
    const ad_tape_node *a = &t->nodes[node->a];
    return node->n_row <= max_element / node->n_col && take(&t->values, node->n_row * node->n_col, &node->value) &&
           (!node->varies || take(&t->grads, node->n_row * node->n_col, &node->grad)) &&
           (!keeps_softmax(node->op) || take(&t->values, a->n_row * a->n_col, &node->kept));
}

static ad_tape_ref push(ad_tape *t, ad_tape_node node) {
    if (node.n_row == 0 || node.n_col == 0 || (t->n == t->capacity && !grow_nodes(t)) || !place(t, &node)) {
        t->failed = true;
        return 0;
    }
    t->nodes[t->n] = node;
    return (ad_tape_ref)t->n++;
}

static ad_tape_ref push_array(ad_tape *t, ad_tape_op op, size_t n_row, size_t n_col, const double *x) {
    const ad_tape_ref r =
        push(t, (ad_tape_node){.op = op, .n_row = n_row, .n_col = n_col, .varies = op == AD_TAPE_INPUT});
    if (r) {
        memcpy(ad_tape_value(t, r), x, n_row * n_col * sizeof *x);
    }
    return r;
}

static bool same_shape(const ad_tape_node *a, const ad_tape_node *b) {
    return a->n_row == b->n_row && a->n_col == b->n_col;
}

/* Shape of the node from those of its operands; false if these do not go together. */
static bool set_shape(ad_tape_node *node, const ad_tape_node *a, const ad_tape_node *b) {
    node->n_row = a->n_row;
    node->n_col = a->n_col;
    switch (node->op) {
    case AD_TAPE_ADD:
    case AD_TAPE_SUB:
    case AD_TAPE_MUL:
    case AD_TAPE_DIV: return same_shape(a, b);
    case AD_TAPE_BIAS: return b->n_row == 1 && b->n_col == a->n_col;
    case AD_TAPE_MATMUL: node->n_col = b->n_col; return a->n_col == b->n_row;
    case AD_TAPE_MATMUL_T: node->n_col = b->n_row; return a->n_col == b->n_col;
    case AD_TAPE_LOG_SUM_EXP: node->n_col = 1; return true;
    case AD_TAPE_DOT: node->n_row = node->n_col = 1; return same_shape(a, b);
    case AD_TAPE_SUM:
    case AD_TAPE_SOFTMAX_LOSS: node->n_row = node->n_col = 1; return true;
    default: return true;
    }
}

/* A node with operands; those of one operand alone have it as their second, too. */
static ad_tape_ref push_node(ad_tape *t, ad_tape_node node) {
    const ad_tape_node *a = &t->nodes[node.a];
    const ad_tape_node *b = &t->nodes[node.b];
    if (node.a == 0 || node.b == 0 || !set_shape(&node, a, b)) {
        t->failed = true;
        return 0;
    }
    node.varies = a->varies || b->varies;
    return push(t, node);
}

static ad_tape_ref push_one(ad_tape *t, ad_tape_op op, ad_tape_ref a) {
    return push_node(t, (ad_tape_node){.op = op, .a = a, .b = a});
}

static ad_tape_ref push_two(ad_tape *t, ad_tape_op op, ad_tape_ref a, ad_tape_ref b) {
    return push_node(t, (ad_tape_node){.op = op, .a = a, .b = b});
}

ad_tape_ref ad_tape_input(ad_tape *t, size_t n_row, size_t n_col, const double *x) {
    return push_array(t, AD_TAPE_INPUT, n_row, n_col, x);
}

ad_tape_ref ad_tape_constant(ad_tape *t, size_t n_row, size_t n_col, const double *x) {
    return push_array(t, AD_TAPE_CONSTANT, n_row, n_col, x);
}

ad_tape_ref ad_tape_add(ad_tape *t, ad_tape_ref a, ad_tape_ref b) { return push_two(t, AD_TAPE_ADD, a, b); }
ad_tape_ref ad_tape_sub(ad_tape *t, ad_tape_ref a, ad_tape_ref b) { return push_two(t, AD_TAPE_SUB, a, b); }
ad_tape_ref ad_tape_mul(ad_tape *t, ad_tape_ref a, ad_tape_ref b) { return push_two(t, AD_TAPE_MUL, a, b); }
ad_tape_ref ad_tape_div(ad_tape *t, ad_tape_ref a, ad_tape_ref b) { return push_two(t, AD_TAPE_DIV, a, b); }
ad_tape_ref ad_tape_sin(ad_tape *t, ad_tape_ref a) { return push_one(t, AD_TAPE_SIN, a); }
ad_tape_ref ad_tape_cos(ad_tape *t, ad_tape_ref a) { return push_one(t, AD_TAPE_COS, a); }
ad_tape_ref ad_tape_exp(ad_tape *t, ad_tape_ref a) { return push_one(t, AD_TAPE_EXP, a); }
ad_tape_ref ad_tape_log(ad_tape *t, ad_tape_ref a) { return push_one(t, AD_TAPE_LOG, a); }
ad_tape_ref ad_tape_tanh(ad_tape *t, ad_tape_ref a) { return push_one(t, AD_TAPE_TANH, a); }
ad_tape_ref ad_tape_relu(ad_tape *t, ad_tape_ref a) { return push_one(t, AD_TAPE_RELU, a); }
ad_tape_ref ad_tape_sum(ad_tape *t, ad_tape_ref a) { return push_one(t, AD_TAPE_SUM, a); }
ad_tape_ref ad_tape_dot(ad_tape *t, ad_tape_ref a, ad_tape_ref b) { return push_two(t, AD_TAPE_DOT, a, b); }
ad_tape_ref ad_tape_matmul(ad_tape *t, ad_tape_ref a, ad_tape_ref b) { return push_two(t, AD_TAPE_MATMUL, a, b); }
ad_tape_ref ad_tape_matmul_t(ad_tape *t, ad_tape_ref a, ad_tape_ref b) { return push_two(t, AD_TAPE_MATMUL_T, a, b); }
ad_tape_ref ad_tape_matvec(ad_tape *t, ad_tape_ref w, ad_tape_ref x) { return ad_tape_matmul_t(t, x, w); }
ad_tape_ref ad_tape_bias(ad_tape *t, ad_tape_ref a, ad_tape_ref b) { return push_two(t, AD_TAPE_BIAS, a, b); }
ad_tape_ref ad_tape_log_sum_exp(ad_tape *t, ad_tape_ref a) { return push_one(t, AD_TAPE_LOG_SUM_EXP, a); }

ad_tape_ref ad_tape_scale(ad_tape *t, ad_tape_ref a, double factor) {
    return push_node(t, (ad_tape_node){.op = AD_TAPE_SCALE, .a = a, .b = a, .factor = factor});
}

ad_tape_ref ad_tape_softmax_loss(ad_tape *t, ad_tape_ref a, const uint32_t *label) {
    return push_node(t, (ad_tape_node){.op = AD_TAPE_SOFTMAX_LOSS, .a = a, .b = a, .label = label});
}

double *ad_tape_value(const ad_tape *t, ad_tape_ref a) { return t->values.at + t->nodes[a].value; }
const double *ad_tape_grad(const ad_tape *t, ad_tape_ref a) { return t->grads.at + t->nodes[a].grad; }
