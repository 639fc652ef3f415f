/* SPDX-License-Identifier: MIT */
/* The spiral neural ODE (Chen et al. 2018) as a benchmark: a network on y^3 against 30 points of the true field. */
#ifndef BENCH_SPIRAL_H
#define BENCH_SPIRAL_H

#include <costate/net.h>
#include <costate/rhs.h>
#include <stdbool.h>
#include <stddef.h>

#define SPIRAL_N_T 30

/*
 * Network 2 -> hidden (tanh) -> 2 on y^3 with parameters p_k = 0.1 sqrt(50 / hidden) sin(1 + 0.7 k), k counting
 * through W1, b1, W2, b2 row by row; the factor keeps the dynamics alike at every width and is 1 at the published one.
 * Data: y0' = -0.1 y0^3 - 2 y1^3, y1' = 2 y0^3 - 0.1 y1^3 at 30 equispaced times in [0, 1.5] from (2, 0).
 */
typedef struct spiral {
    costate_net *net;
    costate_rhs rhs;
    size_t n_p;
    double *p;
    double t[SPIRAL_N_T];
    double data[2 * SPIRAL_N_T];
} spiral;

/* Which observations the loss sums. */
typedef struct spiral_task {
    const spiral *problem;
    const char *shape; /* e.g. "spiral-252-obs30" */
    size_t first;      /* index of the first observation used */
    size_t n_t;
} spiral_task;

extern const double spiral_y0[2];

bool spiral_create(size_t hidden, spiral *s);
void spiral_destroy(spiral *s);

/* L = sum |y - data|^2 over the task's observations (y is n_t x 2) and its cotangents v; ctx is a spiral_task. */
double spiral_loss(const double *y, double *v, const void *ctx);

#endif
