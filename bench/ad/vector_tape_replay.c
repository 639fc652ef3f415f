/* SPDX-License-Identifier: MIT */
/* Forward and reverse pass of the vector tape. */
#include "vector_tape.h"

#include "vector_tape_loops.h"

/* A node and its operands where they lie now; y is the node, NULL the grad of what does not vary. */
typedef struct operands {
    const ad_tape_node *node;
    const ad_tape_node *node_a;
    const ad_tape_node *node_b;
    size_t n;   /* elements of y */
    size_t n_a; /* elements of a */
    double *y;
    double *kept;
    const double *a;
    const double *b;
    const double *v; /* grad of y */
    double *abar;
    double *bbar;
} operands;

static double *grad_of(const ad_tape *t, const ad_tape_node *node) {
    return node->varies ? t->grads.at + node->grad : NULL;
}

static operands find(const ad_tape *t, const ad_tape_node *node) {
    const ad_tape_node *a = &t->nodes[node->a];
    const ad_tape_node *b = &t->nodes[node->b];
    return (operands){.node = node,
                      .node_a = a,
                      .node_b = b,
                      .n = node->n_row * node->n_col,
                      .n_a = a->n_row * a->n_col,
                      .y = t->values.at + node->value,
                      .kept = t->values.at + node->kept,
                      .a = t->values.at + a->value,
                      .b = t->values.at + b->value,
                      .v = grad_of(t, node),
                      .abar = grad_of(t, a),
                      .bbar = grad_of(t, b)};
}

static void forward_two(ad_tape_op op, size_t n, const double *a, const double *b, double *restrict y) {
    switch (op) {
    case AD_TAPE_ADD:
        for (size_t i = 0; i < n; i++) {
            y[i] = a[i] + b[i];
        }
        break;
    case AD_TAPE_SUB:
        for (size_t i = 0; i < n; i++) {
            y[i] = a[i] - b[i];
        }
        break;
    case AD_TAPE_MUL:
        for (size_t i = 0; i < n; i++) {
            y[i] = a[i] * b[i];
        }
        break;
    default:
        for (size_t i = 0; i < n; i++) {
            y[i] = a[i] / b[i];
        }
        break;
    }
}

static void forward_one(ad_tape_op op, size_t n, const double *a, double *restrict y) {
    switch (op) {
    case AD_TAPE_SIN:
        for (size_t i = 0; i < n; i++) {
            y[i] = sin(a[i]);
        }
        break;
    case AD_TAPE_COS:
        for (size_t i = 0; i < n; i++) {
            y[i] = cos(a[i]);
        }
        break;
    case AD_TAPE_EXP:
        for (size_t i = 0; i < n; i++) {
            y[i] = exp(a[i]);
        }
        break;
    case AD_TAPE_LOG:
        for (size_t i = 0; i < n; i++) {
            y[i] = log(a[i]);
        }
        break;
    case AD_TAPE_TANH:
        for (size_t i = 0; i < n; i++) {
            y[i] = tanh(a[i]);
        }
        break;
    default:
        for (size_t i = 0; i < n; i++) {
            y[i] = a[i] <= 0.0 ? 0.0 : a[i];
        }
        break;
    }
}

static double sum_of(size_t n, const double *a) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i];
    }
    return sum;
}

static void forward_product(const operands *o) {
    const size_t n_row = o->node->n_row;
    const size_t n_col = o->node->n_col;
    memset(o->y, 0, o->n * sizeof *o->y);
    if (o->node->op == AD_TAPE_MATMUL) {
        tape_add_product(n_row, o->node_a->n_col, n_col, o->a, o->b, o->y);
    } else {
        tape_add_product_t(n_row, o->node_a->n_col, n_col, o->a, o->b, o->y);
    }
}

static void forward_rows(const operands *o) {
    const size_t n_col = o->node_a->n_col;
    double loss = 0.0;
    for (size_t r = 0; r < o->node_a->n_row; r++) {
        const double *a = o->a + r * n_col;
        if (o->node->op == AD_TAPE_BIAS) {
            forward_two(AD_TAPE_ADD, n_col, a, o->b, o->y + r * n_col);
            continue;
        }
        const double log_sum = tape_softmax(n_col, a, o->kept + r * n_col);
        if (o->node->op == AD_TAPE_LOG_SUM_EXP) {
            o->y[r] = log_sum;
        } else {
            const uint32_t label = o->node->label[r];
            loss += label < n_col ? log_sum - a[label] : (double)NAN;
        }
    }
    if (o->node->op == AD_TAPE_SOFTMAX_LOSS) {
        o->y[0] = loss;
    }
}

static void forward_node(const operands *o) {
    switch (o->node->op) {
    case AD_TAPE_CONSTANT:
    case AD_TAPE_INPUT: break;
    case AD_TAPE_ADD:
    case AD_TAPE_SUB:
    case AD_TAPE_MUL:
    case AD_TAPE_DIV: forward_two(o->node->op, o->n, o->a, o->b, o->y); break;
    case AD_TAPE_SCALE:
        for (size_t i = 0; i < o->n; i++) {
            o->y[i] = o->node->factor * o->a[i];
        }
        break;
    case AD_TAPE_SIN:
    case AD_TAPE_COS:
    case AD_TAPE_EXP:
    case AD_TAPE_LOG:
    case AD_TAPE_TANH:
    case AD_TAPE_RELU: forward_one(o->node->op, o->n, o->a, o->y); break;
    case AD_TAPE_SUM: o->y[0] = sum_of(o->n_a, o->a); break;
    case AD_TAPE_DOT: o->y[0] = tape_dot(o->n_a, o->a, o->b); break;
    case AD_TAPE_MATMUL:
    case AD_TAPE_MATMUL_T: forward_product(o); break;
    case AD_TAPE_BIAS:
    case AD_TAPE_LOG_SUM_EXP:
    case AD_TAPE_SOFTMAX_LOSS: forward_rows(o); break;
    }
}

void ad_tape_forward(ad_tape *t) {
    for (size_t i = 1; i < t->n; i++) {
        const operands o = find(t, &t->nodes[i]);
        forward_node(&o);
    }
}

/* out += factor·v, if it is wanted. */
static void pull(size_t n, double factor, const double *v, double *out) {
    if (out) {
        tape_add_scaled(n, factor, v, out);
    }
}

/* out += v·d element by element, if it is wanted. */
static void pull_product(size_t n, const double *v, const double *d, double *restrict out) {
    for (size_t i = 0; out && i < n; i++) {
        out[i] += v[i] * d[i];
    }
}

static void pull_quotient(size_t n, const double *v, const double *d, double *restrict out) {
    for (size_t i = 0; out && i < n; i++) {
        out[i] += v[i] / d[i];
    }
}

static void reverse_two(const operands *o) {
    switch (o->node->op) {
    case AD_TAPE_ADD:
        pull(o->n, 1.0, o->v, o->abar);
        pull(o->n, 1.0, o->v, o->bbar);
        break;
    case AD_TAPE_SUB:
        pull(o->n, 1.0, o->v, o->abar);
        pull(o->n, -1.0, o->v, o->bbar);
        break;
    case AD_TAPE_MUL:
        pull_product(o->n, o->v, o->b, o->abar);
        pull_product(o->n, o->v, o->a, o->bbar);
        break;
    default:
        pull_quotient(o->n, o->v, o->b, o->abar);
        for (size_t i = 0; o->bbar && i < o->n; i++) {
            o->bbar[i] -= o->v[i] * o->y[i] / o->b[i];
        }
        break;
    }
}

static void reverse_element(ad_tape_op op, size_t n, const double *v, const double *y, const double *a,
                            double *restrict abar) {
    switch (op) {
    case AD_TAPE_SIN:
        for (size_t i = 0; i < n; i++) {
            abar[i] += v[i] * cos(a[i]);
        }
        break;
    case AD_TAPE_COS:
        for (size_t i = 0; i < n; i++) {
            abar[i] -= v[i] * sin(a[i]);
        }
        break;
    case AD_TAPE_EXP: pull_product(n, v, y, abar); break;
    case AD_TAPE_LOG: pull_quotient(n, v, a, abar); break;
    case AD_TAPE_TANH:
        for (size_t i = 0; i < n; i++) {
            abar[i] += v[i] * (1.0 - y[i] * y[i]);
        }
        break;
    default:
        for (size_t i = 0; i < n; i++) {
            abar[i] += y[i] <= 0.0 ? 0.0 : v[i];
        }
        break;
    }
}

static void reverse_product(const operands *o) {
    const size_t n = o->node->n_row;
    const size_t k = o->node_a->n_col;
    const size_t m = o->node->n_col;
    const bool transposed = o->node->op == AD_TAPE_MATMUL_T;
    if (o->abar && transposed) {
        tape_add_product(n, m, k, o->v, o->b, o->abar);
    } else if (o->abar) {
        tape_add_product_t(n, m, k, o->v, o->b, o->abar);
    }
    if (o->bbar && transposed) {
        tape_add_t_product(m, n, k, o->v, o->a, o->bbar);
    } else if (o->bbar) {
        tape_add_t_product(k, n, m, o->a, o->v, o->bbar);
    }
}

static void reverse_bias(const operands *o) {
    const size_t n_col = o->node->n_col;
    pull(o->n, 1.0, o->v, o->abar);
    for (size_t r = 0; r < o->node->n_row; r++) {
        pull(n_col, 1.0, o->v + r * n_col, o->bbar);
    }
}

static void reverse_softmax(const operands *o, double *abar) {
    const size_t n_col = o->node_a->n_col;
    const bool is_loss = o->node->op == AD_TAPE_SOFTMAX_LOSS;
    for (size_t r = 0; r < o->node_a->n_row; r++) {
        const double v = o->v[is_loss ? 0 : r];
        tape_add_scaled(n_col, v, o->kept + r * n_col, abar + r * n_col);
        if (is_loss && o->node->label[r] < n_col) {
            abar[r * n_col + o->node->label[r]] -= v;
        }
    }
}

/* Operations of one operand. */
static void reverse_one(const operands *o, double *abar) {
    switch (o->node->op) {
    case AD_TAPE_SCALE: tape_add_scaled(o->n, o->node->factor, o->v, abar); break;
    case AD_TAPE_SUM:
        for (size_t i = 0; i < o->n_a; i++) {
            abar[i] += o->v[0];
        }
        break;
    case AD_TAPE_LOG_SUM_EXP:
    case AD_TAPE_SOFTMAX_LOSS: reverse_softmax(o, abar); break;
    default: reverse_element(o->node->op, o->n, o->v, o->y, o->a, abar); break;
    }
}

static void reverse_node(const operands *o) {
    switch (o->node->op) {
    case AD_TAPE_CONSTANT:
    case AD_TAPE_INPUT: break;
    case AD_TAPE_ADD:
    case AD_TAPE_SUB:
    case AD_TAPE_MUL:
    case AD_TAPE_DIV: reverse_two(o); break;
    case AD_TAPE_DOT:
        pull(o->n_a, o->v[0], o->b, o->abar);
        pull(o->n_a, o->v[0], o->a, o->bbar);
        break;
    case AD_TAPE_MATMUL:
    case AD_TAPE_MATMUL_T: reverse_product(o); break;
    case AD_TAPE_BIAS: reverse_bias(o); break;
    default:
        if (o->abar) {
            reverse_one(o, o->abar);
        }
        break;
    }
}

void ad_tape_reverse(ad_tape *t, ad_tape_ref root, const double *v) {
    const ad_tape_node *last = &t->nodes[root];
    memset(t->grads.at, 0, t->grads.n * sizeof *t->grads.at);
    if (!last->varies) {
        return;
    }
    memcpy(t->grads.at + last->grad, v, last->n_row * last->n_col * sizeof *v);
    for (size_t i = 1; i <= root; i++) {
        t->nodes[i].reached = i == root;
    }
    /* What the root does not depend on is passed by: its cotangent is zero, but zero times infinity is not. */
    for (size_t i = root; i > 0; i--) {
        if (t->nodes[i].reached && t->nodes[i].varies) {
            const operands o = find(t, &t->nodes[i]);
            t->nodes[t->nodes[i].a].reached = true;
            t->nodes[t->nodes[i].b].reached = true;
            reverse_node(&o);
        }
    }
}
