/* SPDX-License-Identifier: MIT */
/* What the routes that evaluate the table's functions on plain numbers have in common: all but the gradient. */
#ifndef BENCH_AD_TABLE_PLAIN_H
#define BENCH_AD_TABLE_PLAIN_H

#include "compare/ad_table_route.h"

typedef struct ad_table_plain {
    const ad_table_task *task;
    double *gradient;
} ad_table_plain;

/* True for every function but networks. */
bool ad_table_plain_takes(const ad_table_task *task);
void *ad_table_plain_create(const ad_table_task *task);
double ad_table_plain_primal(void *state);
void ad_table_plain_read(const void *state, double *gradient);
void ad_table_plain_destroy(void *state);

#endif
