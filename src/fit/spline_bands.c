/* SPDX-License-Identifier: MIT */
/* The banded system of a natural cubic smoothing spline. */
#include "fit/spline_bands.h"

#include "core/memory.h"

#include <math.h>

enum { ARRAYS = 11 };

/* Q has three entries in column j, which belongs to the inner knot j + 1. */
static double q_entry(const csi_spline_bands *b, size_t i, size_t j) {
    switch (i - j) {
    case 0: return 1.0 / b->h[j];
    case 1: return -1.0 / b->h[j] - 1.0 / b->h[j + 1];
    default: return 1.0 / b->h[j + 1];
    }
}

static void fill(csi_spline_bands *b, const double *u) {
    for (size_t i = 0; i + 1 < b->n; i++) {
        b->h[i] = u[i + 1] - u[i];
    }
    for (size_t j = 0; j < b->m; j++) {
        b->r[0][j] = (b->h[j] + b->h[j + 1]) / 3.0;
        b->r[1][j] = b->h[j + 1] / 6.0;
        b->rhs[j] = (b->y[j + 2] - b->y[j + 1]) / b->h[j + 1] - (b->y[j + 1] - b->y[j]) / b->h[j];
        for (size_t k = 0; k < 3; k++) {
            b->c[k][j] = 0.0;
            for (size_t i = j + k; j + k < b->m && i <= j + 2; i++) {
                b->c[k][j] += q_entry(b, i, j) * q_entry(b, i, j + k) / b->w[i];
            }
        }
    }
}

bool csi_spline_bands_create(csi_spline_bands *bands, size_t n, const double *u, const double *y, const double *w,
                             const costate_allocator *alloc) {
    size_t count;
    *bands = (csi_spline_bands){.n = n, .m = n - 2, .y = y, .w = w};
    bands->block = csi_size_mul(n, ARRAYS, &count) ? csi_alloc(alloc, count, sizeof(double)) : NULL;
    if (!bands->block) {
        return false;
    }
    double *next = bands->block;
    double **arrays[ARRAYS] = {&bands->h,    &bands->r[0], &bands->r[1], &bands->c[0], &bands->c[1], &bands->c[2],
                               &bands->l[0], &bands->l[1], &bands->l[2], &bands->rhs,  &bands->gamma};
    for (size_t k = 0; k < ARRAYS; k++, next += n) {
        *arrays[k] = next;
    }
    fill(bands, u);
    return true;
}

void csi_spline_bands_destroy(csi_spline_bands *bands, const costate_allocator *alloc) {
    csi_release(alloc, bands->block);
    bands->block = NULL;
}

/* L D Lᵀ of a symmetric matrix of bandwidth two. */
static bool factor(csi_spline_bands *b, double lambda) {
    double *d = b->l[0];
    double *l1 = b->l[1];
    double *l2 = b->l[2];
    for (size_t j = 0; j < b->m; j++) {
        double pivot = b->r[0][j] + lambda * b->c[0][j];
        double off1 = b->r[1][j] + lambda * b->c[1][j];
        const double off2 = lambda * b->c[2][j];
        if (j >= 1) {
            pivot -= d[j - 1] * l1[j - 1] * l1[j - 1];
            off1 -= d[j - 1] * l1[j - 1] * l2[j - 1];
        }
        if (j >= 2) {
            pivot -= d[j - 2] * l2[j - 2] * l2[j - 2];
        }
        if (!(pivot > 0.0) || isinf(pivot)) {
            return false;
        }
        d[j] = pivot;
        l1[j] = j + 1 < b->m ? off1 / pivot : 0.0;
        l2[j] = j + 2 < b->m ? off2 / pivot : 0.0;
    }
    return true;
}

bool csi_spline_bands_solve(csi_spline_bands *b, double lambda) {
    double *x = b->gamma;
    if (!factor(b, lambda)) {
        return false;
    }
    for (size_t j = 0; j < b->m; j++) {
        x[j] = b->rhs[j] - (j >= 1 ? b->l[1][j - 1] * x[j - 1] : 0.0) - (j >= 2 ? b->l[2][j - 2] * x[j - 2] : 0.0);
    }
    for (size_t k = b->m; k > 0; k--) {
        const size_t j = k - 1;
        x[j] = x[j] / b->l[0][j] - (j + 1 < b->m ? b->l[1][j] * x[j + 1] : 0.0) -
               (j + 2 < b->m ? b->l[2][j] * x[j + 2] : 0.0);
    }
    return true;
}

double csi_spline_bands_bend(const csi_spline_bands *b, size_t i) {
    double sum = 0.0;
    for (size_t j = i < 2 ? 0 : i - 2; j <= i && j < b->m; j++) {
        sum += q_entry(b, i, j) * b->gamma[j];
    }
    return sum;
}

double csi_spline_bands_roughness(const csi_spline_bands *b) {
    double sum = 0.0;
    for (size_t i = 0; i < b->n; i++) {
        const double bend = csi_spline_bands_bend(b, i);
        sum += bend * bend / b->w[i];
    }
    return sum;
}

/* The five central bands of the inverse, from its last row up (Hutchinson & de Hoog 1985): e[0] e1[..] of the rows behind. */
double csi_spline_bands_trace(const csi_spline_bands *b) {
    double trace = 0.0;
    double next0 = 0.0;  /* inverse at (j + 1, j + 1) */
    double next1 = 0.0;  /* (j + 1, j + 2) */
    double after0 = 0.0; /* (j + 2, j + 2) */
    for (size_t k = b->m; k > 0; k--) {
        const size_t j = k - 1;
        const double e1 = -b->l[1][j] * next0 - b->l[2][j] * next1;
        const double e2 = -b->l[1][j] * next1 - b->l[2][j] * after0;
        const double e0 = 1.0 / b->l[0][j] - b->l[1][j] * e1 - b->l[2][j] * e2;
        trace += e0 * b->c[0][j] + 2.0 * (e1 * b->c[1][j] + e2 * b->c[2][j]);
        after0 = next0;
        next0 = e0;
        next1 = e1;
    }
    return trace;
}
