/* SPDX-License-Identifier: MIT */
/* The models that come with the package. */
#include "costate_r.h"
#include <math.h>
#include <string.h>

/* Lotka–Volterra: x' = a x − b x y, y' = −c y + d x y. */
static int lv_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    dydt[0] = p[0] * y[0] - p[1] * y[0] * y[1];
    dydt[1] = -p[2] * y[1] + p[3] * y[0] * y[1];
    return COSTATE_ANSWER_OK;
}

static int lv_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    jac[0] = p[0] - p[1] * y[1];
    jac[1] = p[3] * y[1];
    jac[2] = -p[1] * y[0];
    jac[3] = -p[2] + p[3] * y[0];
    return COSTATE_ANSWER_OK;
}

static int lv_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar, double *pbar,
                  void *work, void *ctx) {
    if (ybar != NULL) {
        double jac[4];
        lv_jac(t, y, p, jac, work, ctx);
        ybar[0] = jac[0] * v[0] + jac[1] * v[1];
        ybar[1] = jac[2] * v[0] + jac[3] * v[1];
    }
    if (pbar != NULL) {
        pbar[0] += scale * v[0] * y[0];
        pbar[1] -= scale * v[0] * y[0] * y[1];
        pbar[2] -= scale * v[1] * y[1];
        pbar[3] += scale * v[1] * y[0] * y[1];
    }
    return COSTATE_ANSWER_OK;
}

/*
 * One compartment, first-order absorption, in units of concentration: depot g = (amount absorbed from)·ke/Cl,
 * g' = −ka g, c' = ka g − ke c, g(0) = dose·ke/Cl, c(0) = 0; p = (log ke, log ka, log Cl).
 */
static int pk_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    const double absorbed = exp(p[1]) * y[0];
    dydt[0] = -absorbed;
    dydt[1] = absorbed - exp(p[0]) * y[1];
    return COSTATE_ANSWER_OK;
}

static int pk_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)y, (void)work, (void)ctx;
    jac[0] = -exp(p[1]);
    jac[1] = exp(p[1]);
    jac[2] = 0;
    jac[3] = -exp(p[0]);
    return COSTATE_ANSWER_OK;
}

static int pk_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar, double *pbar,
                  void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    const double ke = exp(p[0]);
    const double ka = exp(p[1]);
    if (ybar != NULL) {
        ybar[0] = ka * (v[1] - v[0]);
        ybar[1] = -ke * v[1];
    }
    if (pbar != NULL) {
        pbar[0] -= scale * v[1] * ke * y[1];
        pbar[1] += scale * (v[1] - v[0]) * ka * y[0];
    }
    return COSTATE_ANSWER_OK;
}

static void pk_start(const double *p, double dose, double *y0) {
    y0[0] = dose * exp(p[0] - p[2]);
    y0[1] = 0;
}

static void pk_start_vjp(const double *p, double dose, const double *y0bar, double *pbar) {
    const double slope = y0bar[0] * dose * exp(p[0] - p[2]);
    pbar[0] += slope;
    pbar[2] -= slope;
}

static const char *const lv_state[] = {"x", "y"};
static const char *const lv_param[] = {"a", "b", "c", "d"};
static const char *const pk_state[] = {"depot", "conc"};
static const char *const pk_param[] = {"lKe", "lKa", "lCl"};

static const struct cr_model models[] = {
    {.name = "lotka_volterra",
     .rhs = {.n_y = 2, .n_p = 4, .f = lv_f, .vjp = lv_vjp, .jac = lv_jac},
     .state = lv_state,
     .param = lv_param},
    {.name = "one_compartment",
     .rhs = {.n_y = 2, .n_p = 3, .f = pk_f, .vjp = pk_vjp, .jac = pk_jac},
     .state = pk_state,
     .param = pk_param,
     .start = pk_start,
     .start_vjp = pk_start_vjp},
};

const struct cr_model *cr_builtin_model(const char *name) {
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (strcmp(name, models[i].name) == 0) {
            return &models[i];
        }
    }
    return NULL;
}
