/* SPDX-License-Identifier: MIT */
/* Gaussian noise models: likelihood, Fisher information, standardised residuals. */
#include <costate/loss.h>
#include <costate/rhs.h>
#include <math.h>

#define LOG_2_PI 1.8378770664093454836
#define SQRT_HALF 0.70710678118654752440
#define SQRT_2 1.41421356237309504880

/* Noise parameters of a kind; 0 for an unknown one. */
static size_t n_noise_of(costate_noise kind) {
    switch (kind) {
    case COSTATE_NOISE_ADDITIVE:
    case COSTATE_NOISE_PROPORTIONAL:
    case COSTATE_NOISE_LOGNORMAL: return 1;
    case COSTATE_NOISE_COMBINED: return 2;
    }
    return 0;
}

/* V = a² + b² h²; positions of a and b among the noise parameters, and how many the kind has. */
typedef struct noise_variance {
    bool has_a;
    bool has_b;
    double a;
    double b;
    double v;
} noise_variance;

static noise_variance variance_of(costate_noise kind, const double *noise, double h) {
    noise_variance result = {.has_a = kind != COSTATE_NOISE_PROPORTIONAL, .has_b = kind != COSTATE_NOISE_ADDITIVE};
    result.a = result.has_a ? noise[0] : 0.0;
    result.b = result.has_b ? noise[result.has_a ? 1 : 0] : 0.0;
    result.v = result.a * result.a + result.b * result.b * h * h;
    return result;
}

/* noisebar += factor · ∂V/∂(a, b). */
static void add_variance_slope(const noise_variance *variance, double h, double factor, double *noisebar) {
    if (variance->has_a) {
        noisebar[0] += factor * 2.0 * variance->a;
    }
    if (variance->has_b) {
        noisebar[variance->has_a ? 1 : 0] += factor * 2.0 * variance->b * h * h;
    }
}

/* −log density of one datum, and its derivatives; false where there is none. */
static bool normal_value(costate_noise kind, const double *noise, double h, double datum, double weight, double *value,
                         double *hbar, double *noisebar) {
    const noise_variance variance = variance_of(kind, noise, h);
    if (!(variance.v > 0.0)) {
        return false;
    }
    const double error = datum - h;
    *value = weight * 0.5 * (LOG_2_PI + log(variance.v) + error * error / variance.v);
    const double vbar = weight * 0.5 * (1.0 - error * error / variance.v) / variance.v;
    *hbar = -weight * error / variance.v + vbar * 2.0 * variance.b * variance.b * h;
    if (noisebar) {
        add_variance_slope(&variance, h, vbar, noisebar);
    }
    return true;
}

static bool lognormal_value(const double *noise, double h, double datum, double weight, double *value, double *hbar,
                            double *noisebar) {
    const double s = noise[0];
    if (!(s > 0.0) || !(h > 0.0) || !(datum > 0.0)) {
        return false;
    }
    const double z = (log(datum) - log(h)) / s;
    *value = weight * (0.5 * (LOG_2_PI + z * z) + log(s) + log(datum));
    *hbar = -weight * z / (s * h);
    if (noisebar) {
        noisebar[0] += weight * (1.0 - z * z) / s;
    }
    return true;
}

/* Whether the model is one of this observation's quantities, all of kinds that exist. */
static bool is_usable(const costate_noise_model *model, const costate_observation *observation) {
    bool usable = model && model->kind && model->n_h == observation->n_h;
    for (size_t k = 0; usable && k < model->n_h; k++) {
        usable = n_noise_of(model->kind[k]) > 0;
    }
    return usable;
}

static int gaussian_value(const costate_observation *observation, double *value, double *hbar, double *noisebar,
                          void *ctx) {
    const costate_noise_model *model = ctx;
    if (!is_usable(model, observation)) {
        return COSTATE_ANSWER_FAIL;
    }
    double sum = 0.0;
    size_t at = 0;
    for (size_t k = 0; k < model->n_h; k++) {
        const costate_noise kind = model->kind[k];
        const double *noise = observation->noise + at;
        double *bar = noisebar ? noisebar + at : NULL;
        double term = 0.0;
        double slope = 0.0;
        at += n_noise_of(kind);
        const double weight = observation->weight ? observation->weight[k] : 1.0;
        if (weight > 0.0 && !isnan(observation->data[k])) {
            const bool exists =
                kind == COSTATE_NOISE_LOGNORMAL
                    ? lognormal_value(noise, observation->h[k], observation->data[k], weight, &term, &slope, bar)
                    : normal_value(kind, noise, observation->h[k], observation->data[k], weight, &term, &slope, bar);
            if (!exists) {
                return COSTATE_ANSWER_FAIL;
            }
        }
        sum += term;
        if (hbar) {
            hbar[k] = slope;
        }
    }
    *value = sum;
    return COSTATE_ANSWER_OK;
}

/* Two rows per quantity, one for the mean and one for the variance: ∂h/√V and ∂V/(√2 V), which is the Fisher information
 * of a normal distribution; for log-normal data those of log d. */
static int gaussian_information(const costate_observation *observation, size_t row, double *hbar, double *noisebar,
                                void *ctx) {
    const costate_noise_model *model = ctx;
    const size_t k = row / 2;
    if (!is_usable(model, observation) || k >= model->n_h) {
        return 0;
    }
    size_t at = 0;
    size_t n_noise = 0;
    for (size_t j = 0; j < model->n_h; j++) {
        hbar[j] = 0.0;
        at = j == k ? n_noise : at;
        n_noise += n_noise_of(model->kind[j]);
    }
    for (size_t j = 0; j < n_noise; j++) {
        noisebar[j] = 0.0;
    }
    const double root = sqrt(observation->weight ? observation->weight[k] : 1.0);
    if (root == 0.0 || isnan(observation->data[k])) {
        return 1;
    }
    const double h = observation->h[k];
    const double *noise = observation->noise + at;
    const bool of_mean = row % 2 == 0;
    if (model->kind[k] == COSTATE_NOISE_LOGNORMAL) {
        hbar[k] = of_mean ? root / (h * noise[0]) : 0.0;
        noisebar[at] = of_mean ? 0.0 : root * SQRT_2 / noise[0];
        return 1;
    }
    const noise_variance variance = variance_of(model->kind[k], noise, h);
    if (of_mean) {
        hbar[k] = root / sqrt(variance.v);
    } else {
        const double factor = root * SQRT_HALF / variance.v;
        hbar[k] = factor * 2.0 * variance.b * variance.b * h;
        add_variance_slope(&variance, h, factor, noisebar + at);
    }
    return 1;
}

static void gaussian_residual(const costate_observation *observation, double *residual, void *ctx) {
    const costate_noise_model *model = ctx;
    const bool usable = is_usable(model, observation);
    size_t at = 0;
    for (size_t k = 0; k < observation->n_h; k++) {
        residual[k] = (double)NAN;
    }
    for (size_t k = 0; usable && k < observation->n_h; k++) {
        const double h = observation->h[k];
        const double *noise = observation->noise + at;
        residual[k] = model->kind[k] == COSTATE_NOISE_LOGNORMAL
                          ? (log(observation->data[k]) - log(h)) / noise[0]
                          : (observation->data[k] - h) / sqrt(variance_of(model->kind[k], noise, h).v);
        at += n_noise_of(model->kind[k]);
    }
}

costate_loss costate_loss_gaussian(const costate_noise_model *model) {
    /* The callbacks only read it. */
    costate_loss loss = {.likelihood = true,
                         .ctx = (void *)model,
                         .value = gaussian_value,
                         .information = gaussian_information,
                         .residual = gaussian_residual};
    for (size_t k = 0; model && model->kind && k < model->n_h; k++) {
        loss.n_noise += n_noise_of(model->kind[k]);
    }
    return loss;
}
