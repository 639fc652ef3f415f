/* SPDX-License-Identifier: MIT */
/* Test of a whole array for NaN and infinity. */
#ifndef CSI_FINITE_H
#define CSI_FINITE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* x·0 is 0 for every finite x and NaN otherwise, so one comparison serves the whole array. */
static inline bool csi_all_finite(const double *x, size_t n) {
    double zero = 0.0;
    for (size_t i = 0; i < n; i++) {
        zero += x[i] * 0.0;
    }
    return zero == 0.0;
}

/* Index of the first element that is NaN or infinite; n if there is none. */
static inline size_t csi_first_nonfinite(const double *x, size_t n) {
    size_t i = 0;
    while (i < n && isfinite(x[i])) {
        i++;
    }
    return i;
}

#endif
