/* SPDX-License-Identifier: MIT */
/* The list of problems, and the cubic spiral (Chen et al. 2018), which has no parameters. */
#include "problems.h"

static int cubic_spiral_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)p, (void)work, (void)ctx;
    double a = y[0] * y[0] * y[0], b = y[1] * y[1] * y[1];
    dydt[0] = -0.1 * a - 2.0 * b;
    dydt[1] = 2.0 * a - 0.1 * b;
    return COSTATE_ANSWER_OK;
}

static int cubic_spiral_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                            double *pbar, void *work, void *ctx) {
    (void)t, (void)p, (void)scale, (void)pbar, (void)work, (void)ctx;
    if (ybar) {
        ybar[0] = 3.0 * y[0] * y[0] * (-0.1 * v[0] + 2.0 * v[1]);
        ybar[1] = 3.0 * y[1] * y[1] * (-2.0 * v[0] - 0.1 * v[1]);
    }
    return COSTATE_ANSWER_OK;
}

static int cubic_spiral_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                            void *work, void *ctx) {
    (void)t, (void)p, (void)up, (void)work, (void)ctx;
    double a = 3.0 * y[0] * y[0] * u[0], b = 3.0 * y[1] * y[1] * u[1];
    ju[0] = -0.1 * a - 2.0 * b;
    ju[1] = 2.0 * a - 0.1 * b;
    return COSTATE_ANSWER_OK;
}

static int cubic_spiral_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)p, (void)work, (void)ctx;
    double a = 3.0 * y[0] * y[0], b = 3.0 * y[1] * y[1];
    jac[0] = -0.1 * a;
    jac[1] = 2.0 * a;
    jac[2] = -2.0 * b;
    jac[3] = -0.1 * b;
    return COSTATE_ANSWER_OK;
}

const problem problem_cubic_spiral = {
    .name = "cubic_spiral",
    .rhs = {.n_y = 2, .f = cubic_spiral_f, .vjp = cubic_spiral_vjp, .jvp = cubic_spiral_jvp, .jac = cubic_spiral_jac},
    .t_end = 1.5,
    .y0 = (const double[]){2.0, 0.0},
};

const problem *const problem_list[] = {
    &problem_decay,
    &problem_linear,
    &problem_logistic,
    &problem_oscillator,
    &problem_gaussian,
    &problem_lotka_volterra,
    &problem_vdpol,
    &problem_cubic_spiral,
    &problem_rober,
    &problem_rober_log,
    &problem_hires,
    &problem_pollu,
    NULL,
};
