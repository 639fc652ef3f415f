/* SPDX-License-Identifier: MIT */
/* Weights of the samples of a batch: their check and the factor that a reduction puts on every term. */
#ifndef CSI_BATCH_WEIGHT_H
#define CSI_BATCH_WEIGHT_H

#include "core/real.h"

#include <costate/batch_loss.h>
#include <stdbool.h>

static inline bool reduction_known(costate_batch_reduction reduction) {
    return reduction == COSTATE_BATCH_SUM || reduction == COSTATE_BATCH_MEAN;
}

/* Total weight of n samples, of which sample i is index[i] of the weights, or i without index; false if one is negative. A NaN is
 * none, and makes the total NaN. */
static inline bool total_weight(size_t n, const size_t *index, const real *weight, double *total) {
    double sum = weight ? 0.0 : (double)n;
    for (size_t i = 0; weight && i < n; i++) {
        const real w = weight[index ? index[i] : i];
        if (w < 0) {
            return false;
        }
        sum += (double)w;
    }
    *total = sum;
    return true;
}

/* Factor on the sum over n_term terms of weight `total` each. */
static inline double reduction_factor(costate_batch_reduction reduction, double total, size_t n_term) {
    const double divisor = total * (double)n_term;
    if (reduction == COSTATE_BATCH_SUM) {
        return 1.0;
    }
    return divisor == 0.0 ? 0.0 : 1.0 / divisor;
}

#endif
