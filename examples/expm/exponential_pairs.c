/* SPDX-License-Identifier: MIT */
/* Matrices with their exponentials, in both precisions. */
#include "exponential_pairs.h"

#include "matrix_exponential.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static const double AGREEMENT = 1e-12;

/* Relative to the larger of the matrix's norms: single entries may vanish by cancellation. */
static bool agree(const double a[N_ENTRY], const double e[N_ENTRY]) {
    double other[N_ENTRY];
    double norm = 0.0;
    double difference = 0.0;
    matrix_exponential_by_squaring(a, other);
    for (int i = 0; i < N_ENTRY; i++) {
        norm = fmax(norm, fabs(other[i]));
        difference += fabs(e[i] - other[i]);
    }
    return difference <= AGREEMENT * norm;
}

costate_status exponential_pairs_draw(size_t n, costate_random *random, exponential_pairs *pairs) {
    *pairs = (exponential_pairs){.n = n,
                                 .x = calloc(n, N_ENTRY * sizeof(double)),
                                 .y = calloc(n, N_ENTRY * sizeof(double)),
                                 .x32 = calloc(n, N_ENTRY * sizeof(float)),
                                 .y32 = calloc(n, N_ENTRY * sizeof(float))};
    if (!pairs->x || !pairs->y || !pairs->x32 || !pairs->y32) {
        return COSTATE_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        double *x = pairs->x + i * N_ENTRY;
        double *y = pairs->y + i * N_ENTRY;
        for (size_t j = 0; j < N_ENTRY; j++) {
            x[j] = costate_random_normal(random);
        }
        matrix_exponential(x, y);
        if (!agree(x, y)) {
            return COSTATE_ERR_MISMATCH;
        }
        for (size_t j = 0; j < N_ENTRY; j++) {
            pairs->x32[i * N_ENTRY + j] = (float)x[j];
            pairs->y32[i * N_ENTRY + j] = (float)y[j];
        }
    }
    return COSTATE_OK;
}

void exponential_pairs_free(exponential_pairs *pairs) {
    free(pairs->x);
    free(pairs->y);
    free(pairs->x32);
    free(pairs->y32);
    *pairs = (exponential_pairs){0};
}
