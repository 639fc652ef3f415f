/* SPDX-License-Identifier: MIT */
/* Test of a whole array for NaN and infinity. */
#ifndef CSI_FINITE_H
#define CSI_FINITE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* x·0 is 0 for every finite x and NaN otherwise, so one comparison serves the whole array; four sums, because each
 * has to wait for its last addition. */
static inline bool csi_all_finite(const double *x, size_t n) {
    double zero[4] = {0.0, 0.0, 0.0, 0.0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (size_t k = 0; k < 4; k++) {
            zero[k] += x[i + k] * 0.0;
        }
    }
    for (; i < n; i++) {
        zero[0] += x[i] * 0.0;
    }
    return (zero[0] + zero[1]) + (zero[2] + zero[3]) == 0.0;
}

/* Index of the first element that is NaN or infinite; n if there is none. */
static inline size_t csi_first_nonfinite(const double *x, size_t n) {
    size_t i = csi_all_finite(x, n) ? n : 0;
    while (i < n && isfinite(x[i])) {
        i++;
    }
    return i;
}

#endif
