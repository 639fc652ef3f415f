/* SPDX-License-Identifier: MIT */
/*
 * Reverse-mode differentiation one array operation at a time: a tape of matrices, recorded once and replayed any number
 * of times. Recording fixes shapes and takes memory; ad_tape_forward() computes values, ad_tape_reverse() derivatives.
 */
#ifndef BENCH_AD_VECTOR_TAPE_H
#define BENCH_AD_VECTOR_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ad_tape_op {
    AD_TAPE_CONSTANT,
    AD_TAPE_INPUT,
    AD_TAPE_ADD,
    AD_TAPE_SUB,
    AD_TAPE_MUL,
    AD_TAPE_DIV,
    AD_TAPE_SCALE,
    AD_TAPE_SIN,
    AD_TAPE_COS,
    AD_TAPE_EXP,
    AD_TAPE_LOG,
    AD_TAPE_TANH,
    AD_TAPE_RELU,
    AD_TAPE_SUM,
    AD_TAPE_DOT,
    AD_TAPE_MATMUL,
    AD_TAPE_MATMUL_T,
    AD_TAPE_BIAS,
    AD_TAPE_LOG_SUM_EXP,
    AD_TAPE_SOFTMAX_LOSS
} ad_tape_op;

/* Index of a node. 0 stands for a node that could not be recorded; every operation on it is one, too. */
typedef uint32_t ad_tape_ref;

/* A row-major matrix; a vector has one row, a number one row and one column. */
typedef struct ad_tape_node {
    size_t n_row;
    size_t n_col;
    size_t value;          /* first element in the values */
    size_t grad;           /* first element in the grads, of a node that varies */
    size_t kept;           /* softmax of the operand, in the values */
    double factor;         /* of AD_TAPE_SCALE */
    const uint32_t *label; /* of AD_TAPE_SOFTMAX_LOSS, the caller's */
    ad_tape_ref a;
    ad_tape_ref b;
    ad_tape_op op;
    bool varies;  /* depends on an input */
    bool reached; /* the root of the reverse pass depends on it */
} ad_tape_node;

/* Memory that grows by moving: what lies in it is known by its offset. */
typedef struct ad_tape_arena {
    double *at;
    size_t n;
    size_t capacity;
} ad_tape_arena;

typedef struct ad_tape {
    ad_tape_node *nodes; /* operands before what uses them */
    size_t n;
    size_t capacity;
    ad_tape_arena values;
    ad_tape_arena grads;
    bool failed; /* shapes that do not fit, or no memory: a node is missing */
} ad_tape;

/* An empty tape; false without memory, and there is then nothing to destroy. */
bool ad_tape_create(ad_tape *t);
void ad_tape_destroy(ad_tape *t);

/* A matrix that is differentiated by, and one that is not; x is copied. */
ad_tape_ref ad_tape_input(ad_tape *t, size_t n_row, size_t n_col, const double *x);
ad_tape_ref ad_tape_constant(ad_tape *t, size_t n_row, size_t n_col, const double *x);

/* Element by element, of equal shapes. */
ad_tape_ref ad_tape_add(ad_tape *t, ad_tape_ref a, ad_tape_ref b);
ad_tape_ref ad_tape_sub(ad_tape *t, ad_tape_ref a, ad_tape_ref b);
ad_tape_ref ad_tape_mul(ad_tape *t, ad_tape_ref a, ad_tape_ref b);
ad_tape_ref ad_tape_div(ad_tape *t, ad_tape_ref a, ad_tape_ref b);

ad_tape_ref ad_tape_scale(ad_tape *t, ad_tape_ref a, double factor);
ad_tape_ref ad_tape_sin(ad_tape *t, ad_tape_ref a);
ad_tape_ref ad_tape_cos(ad_tape *t, ad_tape_ref a);
ad_tape_ref ad_tape_exp(ad_tape *t, ad_tape_ref a);
ad_tape_ref ad_tape_log(ad_tape *t, ad_tape_ref a);
ad_tape_ref ad_tape_tanh(ad_tape *t, ad_tape_ref a);
/* max(0, a), with derivative 0 at 0; a NaN stays one. */
ad_tape_ref ad_tape_relu(ad_tape *t, ad_tape_ref a);

/* Sum of all elements, of all products of elements. */
ad_tape_ref ad_tape_sum(ad_tape *t, ad_tape_ref a);
ad_tape_ref ad_tape_dot(ad_tape *t, ad_tape_ref a, ad_tape_ref b);

/* a·b, and a·bᵀ: rows of samples times weights that have a row per unit. */
ad_tape_ref ad_tape_matmul(ad_tape *t, ad_tape_ref a, ad_tape_ref b);
ad_tape_ref ad_tape_matmul_t(ad_tape *t, ad_tape_ref a, ad_tape_ref b);
/* w·x of a vector x, which is x·wᵀ as one row. */
ad_tape_ref ad_tape_matvec(ad_tape *t, ad_tape_ref w, ad_tape_ref x);
/* The vector b added to every row of a. */
ad_tape_ref ad_tape_bias(ad_tape *t, ad_tape_ref a, ad_tape_ref b);

/* log Σ exp of every row: a column. */
ad_tape_ref ad_tape_log_sum_exp(ad_tape *t, ad_tape_ref a);
/*
 * Cross-entropy of the softmax of every row with the class label[row], summed over the rows. Every replay reads the
 * labels; one that is no column makes the value NaN.
 */
ad_tape_ref ad_tape_softmax_loss(ad_tape *t, ad_tape_ref a, const uint32_t *label);

/* Elements of a node; those of inputs and constants may be written to. Pointers hold until something is recorded. */
double *ad_tape_value(const ad_tape *t, ad_tape_ref a);
/* Derivatives that the last reverse pass left, of a node that depends on an input. */
const double *ad_tape_grad(const ad_tape *t, ad_tape_ref a);

/* Computes every node from the inputs and constants as they are now. */
void ad_tape_forward(ad_tape *t);

/* After a forward pass: the grad of every node becomes (∂root/∂node)ᵀ v, where v has the elements of the root. */
void ad_tape_reverse(ad_tape *t, ad_tape_ref root, const double *v);

#endif
