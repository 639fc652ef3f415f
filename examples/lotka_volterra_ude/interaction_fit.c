/* SPDX-License-Identifier: MIT */
/* The fit: its loss, on the data alone and with the assumption about the time after them. */
#include "interaction_fit.h"

#include <math.h>
#include <stdlib.h>

/* Times after the data at which the populations' range is looked at. */
enum { N_LATER = 36, N_PRIOR = 5 };

static const double RTOL = 1e-7;
static const double ATOL = 1e-9; /* in units of the largest datum */

/* Standard deviation of the error, guessed as a share of the mean; what is known of its logarithm. */
static const double NOISE_GUESS = 0.05;
static const double LOG_NOISE_DEVIATION = 1.0;

static const double LOG_RATE_DEVIATION = 0.25;

/* An excess of 10 % is as bad as a datum one standard deviation away. */
static const double EXCESS_DEVIATION = 0.1;
static const double LITTLE = 0.05;

static const double LONGER = 1.5;

double interaction_fit_horizon(const populations *data) {
    const double last = data->t[data->n - 1];
    return last + LONGER * (data->t_end - last);
}

static double precision(double deviation) { return 0.5 / (deviation * deviation); }

static costate_status create(const interaction_fit *f, const double *p, const costate_series *series,
                             const costate_observable *observable, costate_fit **fit) {
    static const costate_noise additive[N_OBSERVED] = {COSTATE_NOISE_ADDITIVE, COSTATE_NOISE_ADDITIVE,
                                                       COSTATE_NOISE_ADDITIVE, COSTATE_NOISE_ADDITIVE};
    static costate_noise_model of_data = {.n_h = N_STATE, .kind = additive};
    static costate_noise_model of_both = {.n_h = N_OBSERVED, .kind = additive};
    double noise[N_OBSERVED];
    double log_noise[N_STATE];
    double log_rates[N_RATE];
    for (size_t k = 0; k < N_STATE; k++) {
        noise[k] = NOISE_GUESS * f->data->mean[k];
        noise[N_STATE + k] = EXCESS_DEVIATION;
        log_noise[k] = log(noise[k]);
        log_rates[k] = log(f->settings.rates[k]);
    }
    const costate_estimate estimates[N_PRIOR] = {
        {.part = COSTATE_FIT_PARAMETER,
         .n = N_RATE,
         .fixed = !f->settings.estimate_rates,
         .transform = COSTATE_TRANSFORM_LOG,
         .l2 = precision(LOG_RATE_DEVIATION),
         .mean = log_rates},
        {.part = COSTATE_FIT_PARAMETER, .first = N_RATE, .l2 = f->settings.ridge},
        {.part = COSTATE_FIT_NOISE, .fixed = true},
        {.part = COSTATE_FIT_NOISE,
         .n = N_STATE,
         .transform = COSTATE_TRANSFORM_LOG,
         .l2 = precision(LOG_NOISE_DEVIATION),
         .mean = log_noise},
        {.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES}};
    const costate_fit_spec spec = {.rhs = &f->model->rhs,
                                   .n_series = 1,
                                   .series = series,
                                   .observable = observable,
                                   .loss = costate_loss_gaussian(observable ? &of_both : &of_data),
                                   .p = p,
                                   .noise = noise,
                                   .n_estimate = N_PRIOR,
                                   .estimates = estimates};
    costate_fit_options options = costate_fit_options_default();
    options.solver.rtol = RTOL;
    options.solver.atol = ATOL * f->data->largest;
    return costate_fit_create(&spec, &options, NULL, fit);
}

/* Row i of the longer series: the datum, or zero excess after the data. */
static void fill_row(const populations *data, size_t i, double *t, double *row) {
    const double last = data->t[data->n - 1];
    const bool later = i >= data->n;
    t[i] = later ? last + (interaction_fit_horizon(data) - last) * (double)(i + 1 - data->n) / N_LATER : data->t[i];
    for (size_t k = 0; k < N_STATE; k++) {
        row[k] = later ? (double)NAN : data->y[i * N_STATE + k];
        row[N_STATE + k] = later ? 0.0 : (double)NAN;
    }
}

static costate_status create_with_habitat(interaction_fit *f, const double *p) {
    const size_t n = f->data->n + N_LATER;
    const costate_observable observable = habitat_observable(&f->range);
    double *t = malloc(n * sizeof(double));
    double *observed = malloc(n * N_OBSERVED * sizeof(double));
    costate_status status = COSTATE_ERR_MEMORY;
    if (t && observed) {
        for (size_t i = 0; i < n; i++) {
            fill_row(f->data, i, t, observed + i * N_OBSERVED);
        }
        const costate_series series = {.n_t = n, .t = t, .data = observed, .t0 = t[0], .y0 = observed};
        status = create(f, p, &series, &observable, &f->with_habitat);
    }
    free(t);
    free(observed);
    return status;
}

costate_status interaction_fit_create(const populations *data, const interaction_model *model,
                                      const fit_settings *settings, const double *p, interaction_fit *fit) {
    *fit = (interaction_fit){.data = data,
                             .model = model,
                             .settings = *settings,
                             .range = {settings->limit * data->largest, LITTLE * data->largest}};
    const costate_series series = {.n_t = data->n, .t = data->t, .data = data->y, .t0 = data->t[0], .y0 = data->y};
    costate_status status = create(fit, p, &series, NULL, &fit->on_data);
    if (status == COSTATE_OK && settings->limit > 0.0) {
        status = create_with_habitat(fit, p);
    } else {
        fit->with_habitat = fit->on_data;
    }
    return status;
}

void interaction_fit_destroy(interaction_fit *fit) {
    if (fit->with_habitat != fit->on_data) {
        costate_fit_destroy(fit->with_habitat);
    }
    costate_fit_destroy(fit->on_data);
    *fit = (interaction_fit){0};
}

size_t interaction_fit_n_x(const interaction_fit *fit) { return costate_fit_n_x(fit->on_data); }
