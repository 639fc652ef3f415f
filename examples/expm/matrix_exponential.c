/* SPDX-License-Identifier: MIT */
/* The exponential of a 2 by 2 matrix, by two ways. */
#include "matrix_exponential.h"

#include <math.h>
#include <string.h>

void matrix_exponential(const double a[4], double e[4]) {
    const double mean = 0.5 * (a[0] + a[3]);
    const double half = 0.5 * (a[0] - a[3]);
    const double d = half * half + a[1] * a[2];
    const double root = sqrt(fabs(d));
    const double even = d >= 0.0 ? cosh(root) : cos(root);
    const double odd = root == 0.0 ? 1.0 : (d > 0.0 ? sinh(root) : sin(root)) / root;
    const double factor = exp(mean);
    e[0] = factor * (even + odd * half);
    e[1] = factor * odd * a[1];
    e[2] = factor * odd * a[2];
    e[3] = factor * (even - odd * half);
}

static void multiply(const double a[4], const double b[4], double c[4]) {
    const double product[4] = {a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2],
                               a[2] * b[1] + a[3] * b[3]};
    memcpy(c, product, sizeof(product));
}

void matrix_exponential_by_squaring(const double a[4], double e[4]) {
    enum { N_TERM = 16 };
    double scaled[4];
    double term[4] = {1.0, 0.0, 0.0, 1.0};
    int n_square = 0;
    const double norm = fabs(a[0]) + fabs(a[1]) + fabs(a[2]) + fabs(a[3]);
    frexp(norm, &n_square);
    n_square = n_square > -1 ? n_square + 1 : 0;
    for (int i = 0; i < 4; i++) {
        scaled[i] = ldexp(a[i], -n_square);
        e[i] = term[i];
    }
    for (int k = 1; k <= N_TERM; k++) {
        multiply(term, scaled, term);
        for (int i = 0; i < 4; i++) {
            term[i] /= k;
            e[i] += term[i];
        }
    }
    for (int k = 0; k < n_square; k++) {
        multiply(e, e, e);
    }
}
