/* SPDX-License-Identifier: MIT */
/* Matrices with their exponentials, in both precisions. */
#ifndef EXPONENTIAL_PAIRS_H
#define EXPONENTIAL_PAIRS_H

#include <costate/costate.h>
#include <stddef.h>

enum { N_ENTRY = 4 };

/* Row i of x is a 2 by 2 matrix with standard normal entries, row i of y its exponential; both row-major. */
typedef struct exponential_pairs {
    size_t n;
    double *x; /* n * N_ENTRY elements, as the others */
    double *y;
    float *x32;
    float *y32;
} exponential_pairs;

/* COSTATE_ERR_MISMATCH if two ways to an exponential disagree. */
costate_status exponential_pairs_draw(size_t n, costate_random *random, exponential_pairs *pairs);
void exponential_pairs_free(exponential_pairs *pairs);

#endif
