/* SPDX-License-Identifier: MIT */
/* The functions of the differentiation table, and the ways of differentiating them. */
#ifndef BENCH_AD_TABLE_ROUTE_H
#define BENCH_AD_TABLE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ad_table_function {
    AD_TABLE_SIN_COS,     /* sin(cos x) */
    AD_TABLE_LOOP,        /* r = 1, and AD_TABLE_N_STEP times r *= sin x */
    AD_TABLE_LOG_SUM_EXP, /* log Σ exp x_i */
    AD_TABLE_NETWORK      /* softmax cross-entropy of a dense network, relu between its layers, one sample */
} ad_table_function;

enum { AD_TABLE_N_STEP = 500, AD_TABLE_MAX_LAYER = 2 };

typedef struct ad_table_task {
    const char *shape;
    size_t n_layer; /* of a network, else 0 */
    size_t width[AD_TABLE_MAX_LAYER + 1];
    size_t n_x;
    const double *x;      /* what is differentiated by; of a network the parameters, layer by layer W row-major and b */
    const double *sample; /* input of a network */
    uint32_t label;       /* its class */
    ad_table_function function;
} ad_table_task;

/* Both passes return the value. The gradient stays where the route keeps it until it is read. */
typedef struct ad_table_route {
    const char *variant;
    bool (*takes)(const ad_table_task *task);
    void *(*create)(const ad_table_task *task); /* NULL: no memory */
    double (*primal)(void *state);
    double (*gradient)(void *state);
    void (*read)(const void *state, double *gradient); /* in the order of x */
    void (*destroy)(void *state);                      /* NULL is accepted */
} ad_table_route;

/* The library's kernels; plain loops with derivatives by hand; the operation-by-operation comparators. */
extern const ad_table_route ad_table_fused, ad_table_by_hand, ad_table_tape, ad_table_graph, ad_table_dual;

#endif
