/* SPDX-License-Identifier: MIT */
/* A fit in which everything bends: three series, a covariate, observed quantities that depend on parameters, noise. */
#include "inference_fixture.h"

#include "support/asserts.h"

#include <math.h>
#include <string.h>

static const size_t covariate_index[] = {1};

static int observe(double t, const double *y, const double *p, double *h, void *ctx) {
    (void)ctx;
    h[0] = y[0] * y[0] + p[3] * y[1] + 0.2 * t;
    h[1] = exp(-0.3 * y[1]) + p[0] * p[0];
    return COSTATE_ANSWER_OK;
}

static int observe_vjp(double t, const double *y, const double *p, const double *v, double *ybar, double *pbar,
                       void *ctx) {
    (void)t;
    (void)ctx;
    ybar[0] = v[0] * 2.0 * y[0];
    ybar[1] = v[0] * p[3] - v[1] * 0.3 * exp(-0.3 * y[1]);
    pbar[3] += v[0] * y[1];
    pbar[0] += v[1] * 2.0 * p[0];
    return COSTATE_ANSWER_OK;
}

static const costate_observable observable = {.n_h = TRIAL_N_H, .f = observe, .vjp = observe_vjp};

static int start(size_t series, const double *p, double *y0, void *ctx) {
    (void)ctx;
    y0[0] = 1.0 + 0.1 * p[0] * p[2] * (double)(series + 1);
    y0[1] = p[1] / (0.5 + p[3]);
    return COSTATE_ANSWER_OK;
}

static int start_vjp(size_t series, const double *p, const double *y0bar, double *pbar, void *ctx) {
    (void)ctx;
    const double s = 0.5 + p[3];
    pbar[0] += y0bar[0] * 0.1 * p[2] * (double)(series + 1);
    pbar[2] += y0bar[0] * 0.1 * p[0] * (double)(series + 1);
    pbar[1] += y0bar[1] / s;
    pbar[3] -= y0bar[1] * p[1] / (s * s);
    return COSTATE_ANSWER_OK;
}

const costate_initial trial_initial = {.f = start, .vjp = start_vjp};

void trial_fill(trial *e) {
    *e = (trial){.p = {1.2, 0.8, 1.7, 1.1}, .noise = {0.6, 0.3, 0.4}};
    e->kinds[0] = COSTATE_NOISE_COMBINED;
    e->kinds[1] = COSTATE_NOISE_LOGNORMAL;
    e->model = (costate_noise_model){TRIAL_N_H, e->kinds};
    for (size_t s = 0; s < TRIAL_N_SERIES; s++) {
        const double t0 = 0.15 * (double)s;
        for (size_t i = 0; i < TRIAL_N_T; i++) {
            e->t[s][i] = t0 + 0.4 * (double)i + (s == 1 ? 0.0 : 0.2);
            for (size_t k = 0; k < TRIAL_N_H; k++) {
                e->data[s][i * TRIAL_N_H + k] = 2.2 + sin((double)(5 * s + 3 * i + 2 * k));
            }
        }
        e->data[s][3 + s] = (double)NAN;
        e->y0[s][0] = 1.1 + 0.2 * (double)s;
        e->y0[s][1] = 0.9;
        e->covariate[s] = 0.6 + 0.2 * (double)s;
        e->series[s] = (costate_series){.n_t = s == 2 ? TRIAL_N_T - 1 : TRIAL_N_T,
                                        .t = e->t[s],
                                        .data = e->data[s],
                                        .t0 = t0,
                                        .y0 = e->y0[s],
                                        .covariate = &e->covariate[s]};
    }
    e->options = costate_fit_options_default();
    e->options.solver.rtol = 1e-10;
    e->options.solver.atol = 1e-12;
    e->spec = (costate_fit_spec){.rhs = &problem_lotka_volterra.rhs,
                                 .n_series = TRIAL_N_SERIES,
                                 .series = e->series,
                                 .observable = &observable,
                                 .loss = costate_loss_gaussian(&e->model),
                                 .p = e->p,
                                 .noise = e->noise,
                                 .n_covariate = 1,
                                 .covariate_index = covariate_index,
                                 .estimates = e->estimates};
}

void trial_estimate(trial *e, costate_estimate estimate) {
    assert_true(e->spec.n_estimate < sizeof e->estimates / sizeof *e->estimates);
    e->estimates[e->spec.n_estimate++] = estimate;
}

costate_fit *trial_create(const trial *e) {
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&e->spec, &e->options, NULL, &fit));
    assert_true(costate_fit_n_x(fit) <= TRIAL_MAX_X);
    return fit;
}

void trial_point(costate_fit *fit, double *x) {
    assert_ok(costate_fit_start(fit, x));
    for (size_t i = 0; i < costate_fit_n_x(fit); i++) {
        x[i] += 0.02 * cos((double)(i + 1));
    }
}

void difference_product(costate_fit *fit, const double *x, const double *u, double *hu) {
    static const double weights[4] = {1.0 / 12.0, -2.0 / 3.0, 2.0 / 3.0, -1.0 / 12.0};
    static const double offsets[4] = {-2.0, -1.0, 1.0, 2.0};
    const double step = 1e-3;
    const size_t n = costate_fit_n_x(fit);
    double point[TRIAL_MAX_X];
    double grad[TRIAL_MAX_X];
    double value;
    assert_true(n <= TRIAL_MAX_X);
    memset(hu, 0, n * sizeof(double));
    for (int k = 0; k < 4; k++) {
        for (size_t i = 0; i < n; i++) {
            point[i] = x[i] + offsets[k] * step * u[i];
        }
        assert_ok(costate_fit_objective(point, &value, grad, fit));
        for (size_t i = 0; i < n; i++) {
            hu[i] += weights[k] / step * grad[i];
        }
    }
}
