/* SPDX-License-Identifier: MIT */
/* The loops that the vector tape is made of: sums of products, matrix products, softmax. */
#ifndef BENCH_AD_VECTOR_TAPE_LOOPS_H
#define BENCH_AD_VECTOR_TAPE_LOOPS_H

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Compilers keep the order of a sum, hence one dependent chain of additions; this fixes an order with 32 chains. */
static inline double tape_dot(size_t n, const double *x, const double *y) {
    typedef double lanes __attribute__((vector_size(64)));
    enum { WIDTH = sizeof(lanes) / sizeof(double), N_CHAIN = 4, N_PER_PASS = N_CHAIN * WIDTH };
    lanes sum[N_CHAIN] = {{0.0}};
    size_t i = 0;
    for (; i + N_PER_PASS <= n; i += N_PER_PASS) {
        for (size_t k = 0; k < N_CHAIN; k++) {
            lanes u;
            lanes w;
            memcpy(&u, x + i + k * WIDTH, sizeof u);
            memcpy(&w, y + i + k * WIDTH, sizeof w);
            sum[k] += u * w;
        }
    }
    const lanes all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    double total = 0.0;
    for (size_t k = 0; k < WIDTH; k++) {
        total += all[k];
    }
    for (; i < n; i++) {
        total += x[i] * y[i];
    }
    return total;
}

/* y += factor·x. */
static inline void tape_add_scaled(size_t n, double factor, const double *x, double *restrict y) {
    for (size_t i = 0; i < n; i++) {
        y[i] += factor * x[i];
    }
}

/* c += a·b with shapes n × k, k × m. */
static inline void tape_add_product(size_t n, size_t k, size_t m, const double *a, const double *b, double *c) {
    for (size_t i = 0; i < n; i++) {
        for (size_t l = 0; l < k; l++) {
            tape_add_scaled(m, a[i * k + l], b + l * m, c + i * m);
        }
    }
}

/* c += a·bᵀ with shapes n × k, m × k. */
static inline void tape_add_product_t(size_t n, size_t k, size_t m, const double *a, const double *b, double *c) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < m; j++) {
            c[i * m + j] += tape_dot(k, a + i * k, b + j * k);
        }
    }
}

/* c += aᵀ·b with shapes k × n, k × m. */
static inline void tape_add_t_product(size_t n, size_t k, size_t m, const double *a, const double *b, double *c) {
    for (size_t l = 0; l < k; l++) {
        for (size_t i = 0; i < n; i++) {
            tape_add_scaled(m, a[l * n + i], b + l * m, c + i * m);
        }
    }
}

/* p = softmax of x; returns log Σ exp x. */
static inline double tape_softmax(size_t n, const double *x, double *p) {
    double top = x[0];
    for (size_t i = 1; i < n; i++) {
        top = x[i] > top ? x[i] : top;
    }
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        p[i] = exp(x[i] - top);
        sum += p[i];
    }
    const double inverse = 1.0 / sum;
    for (size_t i = 0; i < n; i++) {
        p[i] *= inverse;
    }
    return top + log(sum);
}

#endif
