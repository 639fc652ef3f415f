/* SPDX-License-Identifier: MIT */
/* The published comparisons that the program `compare` reruns. */
#ifndef BENCH_COMPARISON_H
#define BENCH_COMPARISON_H

#include "harness.h"

/* What the command line asks of every comparison. */
typedef struct compare_options {
    const char *data; /* folder with the folders of data sets; synthetic data stand in for what it lacks */
    bool no_peers;
} compare_options;

typedef struct comparison {
    const char *name;
    const char *about;
    void (*run)(bench *b, const compare_options *options);
} comparison;

/* Each prints its tables and writes its rows; a wrong result is a failure of b. Shapes begin with REAL or SYNTHETIC. */
void compare_ad_table(bench *b, const compare_options *options);
void compare_blas(bench *b, const compare_options *options);
void compare_duals(bench *b, const compare_options *options);
void compare_expm(bench *b, const compare_options *options);
void compare_latency(bench *b, const compare_options *options);
void compare_lenet5(bench *b, const compare_options *options);
void compare_micrograd(bench *b, const compare_options *options);
void compare_textcnn(bench *b, const compare_options *options);

#endif
