/* SPDX-License-Identifier: MIT */
/* The spiral neural ODE (Chen et al. 2018) as a benchmark: a network on y^3 against points of the true field. */
#ifndef BENCH_SPIRAL_H
#define BENCH_SPIRAL_H

#include "gradient_task.h"
#include <costate/net.h>

/*
 * Network 2 -> hidden (tanh) -> 2 on y^3 with parameters p_k = 0.1 sqrt(50 / hidden) sin(1 + 0.7 k), k counting
 * through W1, b1, W2, b2 row by row; the factor keeps the dynamics alike at every width and is 1 at the published one.
 * Data: y0' = -0.1 y0^3 - 2 y1^3, y1' = 2 y0^3 - 0.1 y1^3 at n_t equispaced times in [0, 1.5] from (2, 0), both ends
 * included; one observation is that of the end.
 */
typedef struct spiral {
    costate_net *net;
    costate_rhs rhs;
    size_t n_p;
    double *p;
    size_t n_t;
    double *t;
    double *data; /* n_t x 2 */
    char shape[48];
    gradient_task task; /* the loss is the sum of squares of all deviations */
} spiral;

/* The task refers to this object, which must stay where it is. */
bool spiral_create(size_t hidden, size_t n_t, spiral *s);
void spiral_destroy(spiral *s);

#endif
