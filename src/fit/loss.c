/* SPDX-License-Identifier: MIT */
/* Losses without noise parameters: squared, absolute, Huber. */
#include <costate/loss.h>
#include <costate/rhs.h>
#include <math.h>

static double weight_of(const costate_observation *observation, size_t k) {
    return observation->weight ? observation->weight[k] : 1.0;
}

/* h − datum, 0 where the datum is missing. */
static double error_of(const costate_observation *observation, size_t k) {
    const double datum = observation->data[k];
    return isnan(datum) ? 0.0 : observation->h[k] - datum;
}

/* One row per quantity: √curvature in its place. Gives 0 past the last. */
static int single_row(const costate_observation *observation, size_t row, double curvature, double *hbar) {
    if (row >= observation->n_h) {
        return 0;
    }
    for (size_t k = 0; k < observation->n_h; k++) {
        hbar[k] = 0.0;
    }
    hbar[row] = isnan(observation->data[row]) ? 0.0 : sqrt(curvature * weight_of(observation, row));
    return 1;
}

static void weighted_residual(const costate_observation *observation, double *residual, void *ctx) {
    (void)ctx;
    for (size_t k = 0; k < observation->n_h; k++) {
        residual[k] = sqrt(weight_of(observation, k)) * (observation->data[k] - observation->h[k]);
    }
}

static int squared_value(const costate_observation *observation, double *value, double *hbar, double *noisebar,
                         void *ctx) {
    (void)noisebar;
    (void)ctx;
    double sum = 0.0;
    for (size_t k = 0; k < observation->n_h; k++) {
        const double weighted = weight_of(observation, k) * error_of(observation, k);
        sum += weighted * error_of(observation, k);
        if (hbar) {
            hbar[k] = 2.0 * weighted;
        }
    }
    *value = sum;
    return COSTATE_ANSWER_OK;
}

static int squared_information(const costate_observation *observation, size_t row, double *hbar, double *noisebar,
                               void *ctx) {
    (void)noisebar;
    (void)ctx;
    return single_row(observation, row, 2.0, hbar);
}

costate_loss costate_loss_squared(void) {
    return (costate_loss){.value = squared_value, .information = squared_information, .residual = weighted_residual};
}

static int absolute_value(const costate_observation *observation, double *value, double *hbar, double *noisebar,
                          void *ctx) {
    (void)noisebar;
    (void)ctx;
    double sum = 0.0;
    for (size_t k = 0; k < observation->n_h; k++) {
        const double weight = weight_of(observation, k);
        const double error = error_of(observation, k);
        sum += weight * fabs(error);
        if (hbar) {
            hbar[k] = error == 0.0 ? 0.0 : copysign(weight, error);
        }
    }
    *value = sum;
    return COSTATE_ANSWER_OK;
}

costate_loss costate_loss_absolute(void) {
    return (costate_loss){.value = absolute_value, .residual = weighted_residual};
}

static int huber_value(const costate_observation *observation, double *value, double *hbar, double *noisebar,
                       void *ctx) {
    (void)noisebar;
    const double *delta = ctx;
    if (!delta || !(*delta > 0.0)) {
        return COSTATE_ANSWER_FAIL;
    }
    double sum = 0.0;
    for (size_t k = 0; k < observation->n_h; k++) {
        const double weight = weight_of(observation, k);
        const double error = error_of(observation, k);
        const double size = fabs(error);
        sum += weight * (size <= *delta ? 0.5 * size * size : *delta * (size - 0.5 * *delta));
        if (hbar) {
            hbar[k] = weight * (size <= *delta ? error : copysign(*delta, error));
        }
    }
    *value = sum;
    return COSTATE_ANSWER_OK;
}

static int huber_information(const costate_observation *observation, size_t row, double *hbar, double *noisebar,
                             void *ctx) {
    (void)noisebar;
    const double *delta = ctx;
    const bool quadratic = row < observation->n_h && delta && fabs(error_of(observation, row)) <= *delta;
    return single_row(observation, row, quadratic ? 1.0 : 0.0, hbar);
}

costate_loss costate_loss_huber(const double *delta) {
    /* The callbacks only read it. */
    return (costate_loss){
        .ctx = (void *)delta, .value = huber_value, .information = huber_information, .residual = weighted_residual};
}
