/* SPDX-License-Identifier: MIT */
/* A straight line as a fit, y' = slope: everything about it is known from linear regression. */
#include "line_fixture.h"

#include "support/asserts.h"

#include <math.h>

static int line_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)y, (void)work, (void)ctx;
    dydt[0] = p[0];
    return COSTATE_ANSWER_OK;
}

static int line_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                    double *pbar, void *work, void *ctx) {
    (void)t, (void)y, (void)p, (void)work, (void)ctx;
    if (ybar) ybar[0] = 0.0;
    if (pbar) pbar[0] += scale * v[0];
    return COSTATE_ANSWER_OK;
}

static const costate_rhs line_rhs = {.n_y = 1, .n_p = 1, .f = line_f, .vjp = line_vjp};

void line_fill(line *e) {
    static const double data[LINE_N_T] = {1.2, 1.9, 1.7, 2.6, 2.4, (double)NAN, 3.9, 3.3};
    *e = (line){.weight = 1.0, .slope = 0.5, .intercept = 1.0, .noise = {0.3, 0.2}};
    for (size_t i = 0; i < LINE_N_T; i++) {
        e->t[i] = 0.4 * (double)i + (i == 3 ? 0.1 : 0.0);
        e->data[i] = data[i];
    }
}

costate_fit *line_create(line *e) {
    const costate_series series = {
        .n_t = LINE_N_T, .t = e->t, .data = e->data, .weight = &e->weight, .t0 = 0.0, .y0 = &e->intercept};
    const costate_estimate estimates[] = {
        {.part = COSTATE_FIT_INITIAL_STATE},
        {.part = COSTATE_FIT_PARAMETER, .fixed = e->fixed_slope},
        {.part = COSTATE_FIT_NOISE, .transform = COSTATE_TRANSFORM_NONE},
    };
    e->model = (costate_noise_model){1, &e->kind};
    const costate_fit_spec spec = {.rhs = &line_rhs,
                                   .n_series = 1,
                                   .series = &series,
                                   .loss = e->likelihood ? costate_loss_gaussian(&e->model) : costate_loss_squared(),
                                   .p = &e->slope,
                                   .noise = e->likelihood ? e->noise : NULL,
                                   .n_estimate = e->likelihood && e->natural_noise ? 3 : 2,
                                   .estimates = estimates};
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&spec, NULL, NULL, &fit));
    return fit;
}

void line_regress(const line *e, double estimate[2], double covariance[4]) {
    double n = 0.0;
    double t_mean = 0.0;
    double d_mean = 0.0;
    for (size_t i = 0; i < LINE_N_T; i++) {
        if (!isnan(e->data[i])) {
            n += 1.0;
            t_mean += e->t[i];
            d_mean += e->data[i];
        }
    }
    t_mean /= n;
    d_mean /= n;
    double square = 0.0;
    double product = 0.0;
    for (size_t i = 0; i < LINE_N_T; i++) {
        if (!isnan(e->data[i])) {
            square += (e->t[i] - t_mean) * (e->t[i] - t_mean);
            product += (e->t[i] - t_mean) * (e->data[i] - d_mean);
        }
    }
    estimate[0] = product / square;
    estimate[1] = d_mean - estimate[0] * t_mean;
    double rss = 0.0;
    for (size_t i = 0; i < LINE_N_T; i++) {
        const double r = e->data[i] - estimate[1] - estimate[0] * e->t[i];
        rss += isnan(r) ? 0.0 : r * r;
    }
    const double s2 = rss / (n - 2.0);
    covariance[0] = s2 / square;
    covariance[1] = covariance[2] = -s2 * t_mean / square;
    covariance[3] = s2 * (1.0 / n + t_mean * t_mean / square);
}
