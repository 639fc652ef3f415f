/* SPDX-License-Identifier: MIT */
/* Full-batch gradient descent on two moons, by three routes that take the same steps. */
#ifndef BENCH_MOONS_TRAINING_H
#define BENCH_MOONS_TRAINING_H

#include "compare/moons_task.h"

enum { MOONS_N_STEP = 100 };
#define MOONS_PENALTY 1e-4

/* Seconds over all steps. */
typedef struct moons_phases {
    double total;
    double forward; /* this and the next two are zero where they cannot be told apart */
    double backward;
    double update;
} moons_phases;

/*
 * MOONS_N_STEP steps p ← p − (1 − 0.9 k/100) ∂loss/∂p on loss = mean max(0, 1 − label·score) + 1e-4 Σ p², from the
 * weights of the task; loss[k] is that before step k. False without memory.
 */
typedef bool moons_training(const moons_task *task, double *loss, moons_phases *phases);

/* A scalar graph, one node for every operation, of a few samples at a time so that it stays in cache. */
moons_training moons_train_graph;

/* The library's kernels over the whole batch; their backward phase repeats the forward pass. */
moons_training moons_train_fused;

/* The library's trainer, whose loss and gradient are one pass. */
moons_training moons_train_chain;

double moons_rate(size_t step);

#endif
