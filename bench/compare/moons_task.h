/* SPDX-License-Identifier: MIT */
/* Two moons and the initial weights of a classifier, read from files or made up. */
#ifndef BENCH_MOONS_TASK_H
#define BENCH_MOONS_TASK_H

#include "harness.h"

enum { MOONS_MAX_LAYER = 4 };

/* Widths of a network: input 2, hidden, output 1. */
typedef struct moons_shape {
    size_t n_layer;
    size_t width[MOONS_MAX_LAYER + 1];
} moons_shape;

typedef struct moons_task {
    moons_shape shape;
    bool real; /* points and weights both come from files */
    size_t n;
    double *x;     /* n × 2 */
    double *label; /* n, each −1 or 1 */
    size_t n_param;
    double *p; /* layer by layer the rows of W, then b */
} moons_task;

/*
 * Reads FOLDER/moons/moons_N.json and weights_2_…_1.json; where one of them does not exist, both points and weights are
 * drawn from a fixed seed. False, counted as a failure, for a file that is not what it should be or without memory.
 */
bool moons_task_create(bench *b, const char *folder, const moons_shape *shape, size_t n, moons_task *task);
void moons_task_destroy(moons_task *task);

/* "2-16-1" with the given separator; text holds at least 64 characters. */
const char *moons_shape_name(const moons_shape *shape, char separator, char *text);

#endif
