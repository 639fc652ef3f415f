/* SPDX-License-Identifier: MIT */
/* What is assumed of the time after the data: populations stay between nothing and what the habitat can carry. */
#include "habitat.h"

#include <math.h>

static double excess(const habitat *h, double y) {
    return y > h->limit ? log(y / h->limit) : y < 0.0 ? log1p(-y / h->unit) : 0.0;
}

static double excess_slope(const habitat *h, double y) {
    return y > h->limit ? 1.0 / y : y < 0.0 ? 1.0 / (y - h->unit) : 0.0;
}

static int observe(double t, const double *y, const double *p, double *observed, void *ctx) {
    (void)t, (void)p;
    for (size_t k = 0; k < N_STATE; k++) {
        observed[k] = y[k];
        observed[N_STATE + k] = excess(ctx, y[k]);
    }
    return COSTATE_ANSWER_OK;
}

static int observe_vjp(double t, const double *y, const double *p, const double *v, double *ybar, double *pbar,
                       void *ctx) {
    (void)t, (void)p, (void)pbar;
    for (size_t k = 0; k < N_STATE; k++) {
        ybar[k] = v[k] + v[N_STATE + k] * excess_slope(ctx, y[k]);
    }
    return COSTATE_ANSWER_OK;
}

costate_observable habitat_observable(habitat *h) {
    return (costate_observable){.n_h = N_OBSERVED, .ctx = h, .f = observe, .vjp = observe_vjp};
}
