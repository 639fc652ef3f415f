/* SPDX-License-Identifier: MIT */
/* Rosenbrock's and Ackley's functions of n variables with gradients by hand, by dual numbers and by a scalar graph. */
#ifndef BENCH_TEST_FUNCTIONS_H
#define BENCH_TEST_FUNCTIONS_H

#include "ad/scalar_graph.h"

/* A gradient; returns the value. */
typedef double test_gradient(size_t n, const double *x, double *gradient);

test_gradient rosenbrock_by_hand, ackley_by_hand;

/* Forward mode: n / chunk evaluations of the function on numbers that carry `chunk` partials. */
test_gradient rosenbrock_dual1, rosenbrock_dual2, rosenbrock_dual3, rosenbrock_dual4, rosenbrock_dual5,
    rosenbrock_dual8;
test_gradient ackley_dual1, ackley_dual2, ackley_dual3, ackley_dual4, ackley_dual5, ackley_dual8;

/* Reverse mode: the graph is made anew in the memory of g, which may be used for any number of gradients. */
typedef double test_graph_gradient(ad_graph *g, size_t n, const double *x, double *gradient);
test_graph_gradient rosenbrock_graph, ackley_graph;

#endif
