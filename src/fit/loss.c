/* SPDX-License-Identifier: MIT */
/* Built-in losses. */
#include <costate/loss.h>
#include <costate/rhs.h>
#include <math.h>

int costate_loss_squared(const costate_observation *observation, double *value, double *ybar, void *ctx) {
    (void)ctx;
    double sum = 0.0;
    for (size_t k = 0; k < observation->n_y; k++) {
        const double datum = observation->data[k];
        const double weight = observation->weight ? observation->weight[k] : 1.0;
        const double residual = isnan(datum) ? 0.0 : observation->y[k] - datum;
        sum += weight * residual * residual;
        if (ybar) {
            ybar[k] = 2.0 * weight * residual;
        }
    }
    *value = sum;
    return COSTATE_ANSWER_OK;
}
