/* SPDX-License-Identifier: MIT */
/* Penalties on ranges of the parameters, in one precision. */
#include "core/real.h"
#include "batch/update_internal.h"

#include <math.h>

static double range_value(const costate_penalty_range *r, const real *p) {
    double sum1 = 0.0;
    double sum2 = 0.0;
    for (size_t i = 0; i < r->length; i++) {
        const double x = (double)p[i];
        sum1 += fabs(x);
        sum2 += x * x;
    }
    return r->l1 * sum1 + r->l2 * sum2;
}

static void range_gradient(const costate_penalty_range *r, const real *restrict p, real *restrict pbar) {
    const real l1 = (real)r->l1;
    const real twice_l2 = (real)(2.0 * r->l2);
    for (size_t i = 0; i < r->length; i++) {
        const real sign = (real)(p[i] > 0 ? 1 : 0) - (real)(p[i] < 0 ? 1 : 0);
        pbar[i] += l1 * sign + twice_l2 * p[i];
    }
}

costate_status CSI_REAL(costate_penalty)(size_t n_range, const costate_penalty_range *range, size_t n, const real *p,
                                         double *value, real *pbar) {
    double sum = 0.0;
    if ((n_range > 0 && !range) || (n_range > 0 && n > 0 && !p)) {
        return COSTATE_ERR_NULL;
    }
    if (!csi_penalty_ranges_valid(n_range, range, n)) {
        return COSTATE_ERR_ARGUMENT;
    }
    for (size_t i = 0; i < n_range; i++) {
        if (range[i].length == 0) {
            continue;
        }
        sum += range_value(&range[i], p + range[i].offset);
        if (pbar) {
            range_gradient(&range[i], p + range[i].offset, pbar + range[i].offset);
        }
    }
    if (value) {
        *value = sum;
    }
    return COSTATE_OK;
}
