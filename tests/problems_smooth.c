/* SPDX-License-Identifier: MIT */
/* Small smooth problems, most of them with a closed form, and Van der Pol's oscillator. */
#include "problems.h"

#include <math.h>

static int decay_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    dydt[0] = -p[0] * y[0];
    return COSTATE_ANSWER_OK;
}

static int decay_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                     double *pbar, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    if (ybar) ybar[0] = -p[0] * v[0];
    if (pbar) pbar[0] -= scale * y[0] * v[0];
    return COSTATE_ANSWER_OK;
}

static int decay_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                     void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    ju[0] = -p[0] * u[0] - (up ? up[0] * y[0] : 0.0);
    return COSTATE_ANSWER_OK;
}

static int decay_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)y, (void)work, (void)ctx;
    jac[0] = -p[0];
    return COSTATE_ANSWER_OK;
}

static void decay_exact(double t, const double *p, double t0, const double *y0, double *y) {
    y[0] = y0[0] * exp(-p[0] * (t - t0));
}

const problem problem_decay = {
    .name = "decay",
    .rhs = {.n_y = 1, .n_p = 1, .f = decay_f, .vjp = decay_vjp, .jvp = decay_jvp, .jac = decay_jac},
    .t_end = 3.0,
    .y0 = (const double[]){1.5},
    .p = (const double[]){0.8},
    .exact = decay_exact,
};

static int linear_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    dydt[0] = p[0] * y[0] + p[1] * y[1];
    dydt[1] = p[2] * y[0] + p[3] * y[1];
    return COSTATE_ANSWER_OK;
}

static int linear_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                      double *pbar, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    if (ybar) {
        ybar[0] = p[0] * v[0] + p[2] * v[1];
        ybar[1] = p[1] * v[0] + p[3] * v[1];
    }
    if (pbar) {
        pbar[0] += scale * v[0] * y[0];
        pbar[1] += scale * v[0] * y[1];
        pbar[2] += scale * v[1] * y[0];
        pbar[3] += scale * v[1] * y[1];
    }
    return COSTATE_ANSWER_OK;
}

static int linear_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                      void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    ju[0] = p[0] * u[0] + p[1] * u[1];
    ju[1] = p[2] * u[0] + p[3] * u[1];
    if (up) {
        ju[0] += up[0] * y[0] + up[1] * y[1];
        ju[1] += up[2] * y[0] + up[3] * y[1];
    }
    return COSTATE_ANSWER_OK;
}

static int linear_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)y, (void)work, (void)ctx;
    jac[0] = p[0];
    jac[1] = p[2];
    jac[2] = p[1];
    jac[3] = p[3];
    return COSTATE_ANSWER_OK;
}

/* exp(A t) = e^(m t) (c I + s (A - m I)) with m = tr A / 2, q^2 = m^2 - det A, c = cosh q t, s = sinh(q t) / q. */
static void linear_exact(double t, const double *p, double t0, const double *y0, double *y) {
    double m = 0.5 * (p[0] + p[3]);
    double q2 = m * m - (p[0] * p[3] - p[1] * p[2]);
    double q = sqrt(fabs(q2)), h = t - t0;
    double c = q2 > 0.0 ? cosh(q * h) : cos(q * h);
    double s = q2 > 0.0 ? sinh(q * h) / q : q2 < 0.0 ? sin(q * h) / q : h;
    double e = exp(m * h);
    y[0] = e * (c * y0[0] + s * ((p[0] - m) * y0[0] + p[1] * y0[1]));
    y[1] = e * (c * y0[1] + s * (p[2] * y0[0] + (p[3] - m) * y0[1]));
}

const problem problem_linear = {
    .name = "linear",
    .rhs = {.n_y = 2, .n_p = 4, .f = linear_f, .vjp = linear_vjp, .jvp = linear_jvp, .jac = linear_jac},
    .t_end = 4.0,
    .y0 = (const double[]){1.0, -0.5},
    .p = (const double[]){-0.3, 1.7, -1.1, -0.4},
    .exact = linear_exact,
};

static int logistic_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    dydt[0] = p[0] * y[0] * (1.0 - y[0] / p[1]);
    return COSTATE_ANSWER_OK;
}

static int logistic_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                        double *pbar, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    double z = y[0] / p[1];
    if (ybar) ybar[0] = p[0] * (1.0 - 2.0 * z) * v[0];
    if (pbar) {
        pbar[0] += scale * y[0] * (1.0 - z) * v[0];
        pbar[1] += scale * p[0] * z * z * v[0];
    }
    return COSTATE_ANSWER_OK;
}

static int logistic_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                        void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    double z = y[0] / p[1];
    ju[0] = p[0] * (1.0 - 2.0 * z) * u[0];
    if (up) ju[0] += y[0] * (1.0 - z) * up[0] + p[0] * z * z * up[1];
    return COSTATE_ANSWER_OK;
}

static int logistic_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    jac[0] = p[0] * (1.0 - 2.0 * y[0] / p[1]);
    return COSTATE_ANSWER_OK;
}

static void logistic_exact(double t, const double *p, double t0, const double *y0, double *y) {
    y[0] = p[1] / (1.0 + (p[1] / y0[0] - 1.0) * exp(-p[0] * (t - t0)));
}

const problem problem_logistic = {
    .name = "logistic",
    .rhs = {.n_y = 1, .n_p = 2, .f = logistic_f, .vjp = logistic_vjp, .jvp = logistic_jvp, .jac = logistic_jac},
    .t_end = 6.0,
    .y0 = (const double[]){0.2},
    .p = (const double[]){1.3, 2.5},
    .exact = logistic_exact,
};

static int oscillator_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    dydt[0] = y[1];
    dydt[1] = -p[0] * p[0] * y[0];
    return COSTATE_ANSWER_OK;
}

static int oscillator_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                          double *pbar, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    if (ybar) {
        ybar[0] = -p[0] * p[0] * v[1];
        ybar[1] = v[0];
    }
    if (pbar) pbar[0] -= scale * 2.0 * p[0] * y[0] * v[1];
    return COSTATE_ANSWER_OK;
}

static int oscillator_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                          void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    ju[0] = u[1];
    ju[1] = -p[0] * p[0] * u[0] - (up ? 2.0 * p[0] * up[0] * y[0] : 0.0);
    return COSTATE_ANSWER_OK;
}

static int oscillator_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)y, (void)work, (void)ctx;
    jac[0] = 0.0;
    jac[1] = -p[0] * p[0];
    jac[2] = 1.0;
    jac[3] = 0.0;
    return COSTATE_ANSWER_OK;
}

static void oscillator_exact(double t, const double *p, double t0, const double *y0, double *y) {
    double c = cos(p[0] * (t - t0)), s = sin(p[0] * (t - t0));
    y[0] = c * y0[0] + s / p[0] * y0[1];
    y[1] = c * y0[1] - s * p[0] * y0[0];
}

const problem problem_oscillator = {
    .name = "oscillator",
    .rhs = {.n_y = 2, .n_p = 1, .f = oscillator_f, .vjp = oscillator_vjp, .jvp = oscillator_jvp, .jac = oscillator_jac},
    .t_end = 10.0,
    .y0 = (const double[]){1.0, 0.3},
    .p = (const double[]){1.4},
    .exact = oscillator_exact,
};

static int gaussian_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)work, (void)ctx;
    dydt[0] = -p[0] * t * y[0];
    return COSTATE_ANSWER_OK;
}

static int gaussian_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                        double *pbar, void *work, void *ctx) {
    (void)work, (void)ctx;
    if (ybar) ybar[0] = -p[0] * t * v[0];
    if (pbar) pbar[0] -= scale * t * y[0] * v[0];
    return COSTATE_ANSWER_OK;
}

static int gaussian_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                        void *work, void *ctx) {
    (void)work, (void)ctx;
    ju[0] = -p[0] * t * u[0] - (up ? up[0] * t * y[0] : 0.0);
    return COSTATE_ANSWER_OK;
}

static int gaussian_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)y, (void)work, (void)ctx;
    jac[0] = -p[0] * t;
    return COSTATE_ANSWER_OK;
}

static void gaussian_exact(double t, const double *p, double t0, const double *y0, double *y) {
    y[0] = y0[0] * exp(-0.5 * p[0] * (t - t0) * (t + t0));
}

const problem problem_gaussian = {
    .name = "gaussian",
    .rhs = {.n_y = 1, .n_p = 1, .f = gaussian_f, .vjp = gaussian_vjp, .jvp = gaussian_jvp, .jac = gaussian_jac},
    .t0 = -0.5,
    .t_end = 2.0,
    .y0 = (const double[]){0.7},
    .p = (const double[]){0.9},
    .exact = gaussian_exact,
};

static int lotka_volterra_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    dydt[0] = p[0] * y[0] - p[1] * y[0] * y[1];
    dydt[1] = -p[2] * y[1] + p[3] * y[0] * y[1];
    return COSTATE_ANSWER_OK;
}

static int lotka_volterra_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                              double *pbar, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    double xy = y[0] * y[1];
    if (ybar) {
        ybar[0] = (p[0] - p[1] * y[1]) * v[0] + p[3] * y[1] * v[1];
        ybar[1] = -p[1] * y[0] * v[0] + (p[3] * y[0] - p[2]) * v[1];
    }
    if (pbar) {
        pbar[0] += scale * y[0] * v[0];
        pbar[1] -= scale * xy * v[0];
        pbar[2] -= scale * y[1] * v[1];
        pbar[3] += scale * xy * v[1];
    }
    return COSTATE_ANSWER_OK;
}

static int lotka_volterra_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                              void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    ju[0] = (p[0] - p[1] * y[1]) * u[0] - p[1] * y[0] * u[1];
    ju[1] = p[3] * y[1] * u[0] + (p[3] * y[0] - p[2]) * u[1];
    if (up) {
        ju[0] += up[0] * y[0] - up[1] * y[0] * y[1];
        ju[1] += up[3] * y[0] * y[1] - up[2] * y[1];
    }
    return COSTATE_ANSWER_OK;
}

static int lotka_volterra_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    jac[0] = p[0] - p[1] * y[1];
    jac[1] = p[3] * y[1];
    jac[2] = -p[1] * y[0];
    jac[3] = p[3] * y[0] - p[2];
    return COSTATE_ANSWER_OK;
}

const problem problem_lotka_volterra = {
    .name = "lotka_volterra",
    .rhs = {.n_y = 2,
            .n_p = 4,
            .f = lotka_volterra_f,
            .vjp = lotka_volterra_vjp,
            .jvp = lotka_volterra_jvp,
            .jac = lotka_volterra_jac},
    .t_end = 10.0,
    .y0 = (const double[]){1.0, 1.0},
    .p = (const double[]){1.5, 1.0, 3.0, 1.0},
    .y_end = (const double[]){1.026344767575084, 0.9096910781363453},
};

static int vdpol_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    dydt[0] = y[1];
    dydt[1] = ((1.0 - y[0] * y[0]) * y[1] - y[0]) / p[0];
    return COSTATE_ANSWER_OK;
}

static int vdpol_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                     double *pbar, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    if (ybar) {
        ybar[0] = -(2.0 * y[0] * y[1] + 1.0) / p[0] * v[1];
        ybar[1] = v[0] + (1.0 - y[0] * y[0]) / p[0] * v[1];
    }
    if (pbar) pbar[0] -= scale * ((1.0 - y[0] * y[0]) * y[1] - y[0]) / (p[0] * p[0]) * v[1];
    return COSTATE_ANSWER_OK;
}

static int vdpol_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                     void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    ju[0] = u[1];
    ju[1] = (-(2.0 * y[0] * y[1] + 1.0) * u[0] + (1.0 - y[0] * y[0]) * u[1]) / p[0];
    if (up) ju[1] -= ((1.0 - y[0] * y[0]) * y[1] - y[0]) / (p[0] * p[0]) * up[0];
    return COSTATE_ANSWER_OK;
}

static int vdpol_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)work, (void)ctx;
    jac[0] = 0.0;
    jac[1] = -(2.0 * y[0] * y[1] + 1.0) / p[0];
    jac[2] = 1.0;
    jac[3] = (1.0 - y[0] * y[0]) / p[0];
    return COSTATE_ANSWER_OK;
}

const problem problem_vdpol = {
    .name = "vdpol",
    .rhs = {.n_y = 2, .n_p = 1, .f = vdpol_f, .vjp = vdpol_vjp, .jvp = vdpol_jvp, .jac = vdpol_jac},
    .stiff = true,
    .t_end = 2.0,
    .y0 = (const double[]){2.0, 0.0},
    .p = (const double[]){1e-6},
    .y_end = (const double[]){.1706167732170483e1, -.8928097010247975},
};
