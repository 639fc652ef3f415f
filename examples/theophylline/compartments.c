/* SPDX-License-Identifier: MIT */
/* One compartment with first-order absorption: the amount in the gut, mg/kg, and the concentration in the blood, mg/L. */
#include "compartments.h"

const size_t linear_dose = LINEAR_DOSE;
const size_t learned_dose = LEARNED_DOSE;

static int linear_f(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)t;
    (void)u;
    (void)ctx;
    const double absorbed = theta[LINEAR_KA] * y[GUT];
    dydt[GUT] = -absorbed;
    dydt[BLOOD] = absorbed * theta[LINEAR_KE] / theta[LINEAR_CL] - theta[LINEAR_KE] * y[BLOOD];
    return COSTATE_ANSWER_OK;
}

static int linear_vjp(double t, const double *y, const double *theta, const double *u, const double *v, double scale,
                      double *ybar, double *thetabar, double *ubar, void *ctx) {
    (void)t;
    (void)u;
    (void)ubar;
    (void)ctx;
    const double per_volume = theta[LINEAR_KE] / theta[LINEAR_CL];
    const double absorbedbar = v[BLOOD] * per_volume - v[GUT];
    const double per_volumebar = v[BLOOD] * theta[LINEAR_KA] * y[GUT];
    if (ybar) {
        ybar[GUT] = absorbedbar * theta[LINEAR_KA];
        ybar[BLOOD] = -theta[LINEAR_KE] * v[BLOOD];
    }
    if (thetabar) {
        thetabar[LINEAR_KA] += scale * absorbedbar * y[GUT];
        thetabar[LINEAR_KE] += scale * (per_volumebar / theta[LINEAR_CL] - v[BLOOD] * y[BLOOD]);
        thetabar[LINEAR_CL] -= scale * per_volumebar * per_volume / theta[LINEAR_CL];
    }
    return COSTATE_ANSWER_OK;
}

static int absorption_f(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)t;
    (void)u;
    (void)ctx;
    dydt[GUT] = -theta[LEARNED_KA] * y[GUT];
    dydt[BLOOD] = theta[LEARNED_KA] * y[GUT] / theta[LEARNED_V];
    return COSTATE_ANSWER_OK;
}

static int absorption_vjp(double t, const double *y, const double *theta, const double *u, const double *v,
                          double scale, double *ybar, double *thetabar, double *ubar, void *ctx) {
    (void)t;
    (void)u;
    (void)ubar;
    (void)ctx;
    const double absorbedbar = v[BLOOD] / theta[LEARNED_V] - v[GUT];
    if (ybar) {
        ybar[GUT] = absorbedbar * theta[LEARNED_KA];
        ybar[BLOOD] = 0.0;
    }
    if (thetabar) {
        thetabar[LEARNED_KA] += scale * absorbedbar * y[GUT];
        thetabar[LEARNED_V] -= scale * v[BLOOD] * theta[LEARNED_KA] * y[GUT] / (theta[LEARNED_V] * theta[LEARNED_V]);
    }
    return COSTATE_ANSWER_OK;
}

const costate_mechanism linear_elimination = {.n_y = N_STATE, .n_theta = N_LINEAR, .f = linear_f, .vjp = linear_vjp};
const costate_mechanism absorption_alone = {
    .n_y = N_STATE, .n_theta = N_LEARNED, .f = absorption_f, .vjp = absorption_vjp};

static int start(size_t series, const double *p, double *y0, void *ctx) {
    (void)series;
    y0[GUT] = p[*(const size_t *)ctx];
    y0[BLOOD] = 0.0;
    return COSTATE_ANSWER_OK;
}

static int start_vjp(size_t series, const double *p, const double *y0bar, double *pbar, void *ctx) {
    (void)series;
    (void)p;
    pbar[*(const size_t *)ctx] += y0bar[GUT];
    return COSTATE_ANSWER_OK;
}

costate_initial dose_in_gut(const size_t *dose) {
    return (costate_initial){.ctx = (void *)dose, .f = start, .vjp = start_vjp};
}

static int observe(double t, const double *y, const double *p, double *h, void *ctx) {
    (void)t;
    (void)p;
    (void)ctx;
    h[0] = y[BLOOD];
    return COSTATE_ANSWER_OK;
}

static int observe_vjp(double t, const double *y, const double *p, const double *v, double *ybar, double *pbar,
                       void *ctx) {
    (void)t;
    (void)y;
    (void)p;
    (void)pbar;
    (void)ctx;
    ybar[GUT] = 0.0;
    ybar[BLOOD] = v[0];
    return COSTATE_ANSWER_OK;
}

const costate_observable concentration = {.n_h = 1, .f = observe, .vjp = observe_vjp};
