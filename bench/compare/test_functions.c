/* SPDX-License-Identifier: MIT */
/* Rosenbrock's and Ackley's functions with gradients by hand and by a scalar graph. */
#include "compare/test_functions.h"

static const double pi = 3.14159265358979323846;

/* Σ (1 − x_i)² + 100 (x_{i+1} − x_i²)². */
double rosenbrock_by_hand(size_t n, const double *x, double *gradient) {
    double value = 0.0;
    gradient[0] = 0.0;
    for (size_t i = 0; i + 1 < n; i++) {
        const double a = 1.0 - x[i];
        const double b = x[i + 1] - x[i] * x[i];
        value += a * a + 100.0 * b * b;
        gradient[i] += -2.0 * a - 400.0 * b * x[i];
        gradient[i + 1] = 200.0 * b;
    }
    return value;
}

/* 20 + e − 20 exp(−0.2 √(Σ x_i² / n)) − exp(Σ cos(2π x_i) / n). */
double ackley_by_hand(size_t n, const double *x, double *gradient) {
    const double scale = 1.0 / (double)n;
    double squares = 0.0;
    double cosines = 0.0;
    for (size_t i = 0; i < n; i++) {
        squares += x[i] * x[i];
        cosines += cos(2.0 * pi * x[i]);
    }
    const double root = sqrt(scale * squares);
    const double bowl = 20.0 * exp(-0.2 * root);
    const double waves = exp(scale * cosines);
    for (size_t i = 0; i < n; i++) {
        gradient[i] = 0.2 * bowl * scale * x[i] / root + waves * scale * 2.0 * pi * sin(2.0 * pi * x[i]);
    }
    return 20.0 + exp(1.0) - bowl - waves;
}

static void make_variables(ad_graph *g, size_t n, const double *x) {
    ad_graph_rewind(g, 1);
    for (size_t i = 0; i < n; i++) {
        ad_variable(g, x[i]);
    }
}

/* Variable i is node 1 + i. */
static double finish(ad_graph *g, ad_ref root, size_t n, double *gradient) {
    ad_graph_backward(g, root, 1.0);
    for (size_t i = 0; i < n; i++) {
        gradient[i] = g->failed ? (double)NAN : g->nodes[1 + i].grad;
    }
    return ad_value(g, root);
}

double rosenbrock_graph(ad_graph *g, size_t n, const double *x, double *gradient) {
    make_variables(g, n, x);
    const ad_ref one = ad_constant(g, 1.0);
    const ad_ref hundred = ad_constant(g, 100.0);
    ad_ref sum = ad_constant(g, 0.0);
    for (ad_ref i = 1; i < n; i++) {
        const ad_ref a = ad_sub(g, one, i);
        const ad_ref b = ad_sub(g, i + 1, ad_mul(g, i, i));
        sum = ad_add(g, sum, ad_add(g, ad_mul(g, a, a), ad_mul(g, hundred, ad_mul(g, b, b))));
    }
    return finish(g, sum, n, gradient);
}

double ackley_graph(ad_graph *g, size_t n, const double *x, double *gradient) {
    make_variables(g, n, x);
    const ad_ref scale = ad_constant(g, 1.0 / (double)n);
    const ad_ref turn = ad_constant(g, 2.0 * pi);
    ad_ref squares = ad_constant(g, 0.0);
    ad_ref cosines = ad_constant(g, 0.0);
    for (ad_ref i = 1; i <= n; i++) {
        squares = ad_add(g, squares, ad_mul(g, i, i));
        cosines = ad_add(g, cosines, ad_cos(g, ad_mul(g, turn, i)));
    }
    const ad_ref root = ad_pow(g, ad_mul(g, scale, squares), ad_constant(g, 0.5));
    const ad_ref bowl = ad_mul(g, ad_constant(g, 20.0), ad_exp(g, ad_mul(g, ad_constant(g, -0.2), root)));
    const ad_ref waves = ad_exp(g, ad_mul(g, scale, cosines));
    const ad_ref top = ad_constant(g, 20.0 + exp(1.0));
    return finish(g, ad_sub(g, ad_sub(g, top, bowl), waves), n, gradient);
}
