/* SPDX-License-Identifier: MIT */
/* The differentiation table by PyTorch. */
#ifndef BENCH_AD_TABLE_PEER_H
#define BENCH_AD_TABLE_PEER_H

#include "compare/comparison.h"

enum { AD_TABLE_MAX_TASK = 6 };

/* What the peer says of one task; times in seconds. */
typedef struct ad_table_peer_result {
    const char *shape;
    char variant[64];
    double primal;
    double gradient;
    double value;
    double projection; /* ad_table_projection() of its gradient */
} ad_table_peer_result;

/* Σ_k g_k cos(k²): a gradient that is wrong anywhere has another one. */
double ad_table_projection(size_t n, const double *gradient);

/* Runs the peer on the n tasks whose shapes are set; times stay 0 where it was not run. Writes no row. */
void ad_table_peer_run(bench *b, size_t n, ad_table_peer_result *results);

#endif
