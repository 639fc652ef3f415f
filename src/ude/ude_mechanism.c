/* SPDX-License-Identifier: MIT */
/* Derivatives of the mechanism: as given, or a product of one kind by products of the other. */
#include "ude/ude_mechanism.h"

#include <string.h>

static int given_vjp(const csi_mechanism *g, double t, const double *y, const double *theta, const double *u,
                     const double *v, double scale, double *ybar, double *thetabar, double *ubar, double *scratch) {
    (void)scratch;
    return g->given.vjp(t, y, theta, u, v, scale, ybar, thetabar, ubar, g->given.ctx);
}

static int given_jvp(const csi_mechanism *g, double t, const double *y, const double *theta, const double *u,
                     const double *yu, const double *thetau, const double *uu, double *ju, double *scratch) {
    (void)scratch;
    return g->given.jvp(t, y, theta, u, yu, thetau, uu, ju, g->given.ctx);
}

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* One JVP along element k of (y, θ, u), and ⟨v, it⟩. */
static int product_along(const csi_mechanism *g, double t, const double *y, const double *theta, const double *u,
                         const double *v, size_t k, double *direction, double *ju, double *product) {
    const costate_mechanism *given = &g->given;
    direction[k] = 1;
    const int answer = given->jvp(t, y, theta, u, direction, given->n_theta > 0 ? direction + given->n_y : NULL,
                                  given->n_u > 0 ? direction + given->n_y + given->n_theta : NULL, ju, given->ctx);
    direction[k] = 0;
    *product = dot(v, ju, given->n_y);
    return answer;
}

/* One JVP for every element asked for. */
static int vjp_by_jvp(const csi_mechanism *g, double t, const double *y, const double *theta, const double *u,
                      const double *v, double scale, double *ybar, double *thetabar, double *ubar, double *scratch) {
    const size_t n_y = g->given.n_y, n_theta = g->given.n_theta, n_u = g->given.n_u, n = csi_mechanism_n(g);
    double *direction = scratch, *ju = scratch + CSI_MECHANISM_POINTS * n, product;
    memset(direction, 0, n * sizeof *direction);
    int answer = COSTATE_ANSWER_OK;
    for (size_t k = 0; ybar != NULL && k < n_y && answer == COSTATE_ANSWER_OK; k++) {
        answer = product_along(g, t, y, theta, u, v, k, direction, ju, &product);
        ybar[k] = product;
    }
    for (size_t k = 0; ubar != NULL && k < n_u && answer == COSTATE_ANSWER_OK; k++) {
        answer = product_along(g, t, y, theta, u, v, n_y + n_theta + k, direction, ju, &product);
        ubar[k] = product;
    }
    for (size_t k = 0; thetabar != NULL && k < n_theta && answer == COSTATE_ANSWER_OK; k++) {
        answer = product_along(g, t, y, theta, u, v, n_y + k, direction, ju, &product);
        thetabar[k] += scale * product;
    }
    return answer;
}

/* One VJP for every element of ju: row i of the Jacobian times the tangent. */
static int jvp_by_vjp(const csi_mechanism *g, double t, const double *y, const double *theta, const double *u,
                      const double *yu, const double *thetau, const double *uu, double *ju, double *scratch) {
    const size_t n_y = g->given.n_y, n_theta = g->given.n_theta, n_u = g->given.n_u, n = csi_mechanism_n(g);
    double *ybar = scratch, *ubar = uu != NULL && n_u > 0 ? ybar + n_y + n_theta : NULL;
    double *thetabar = thetau != NULL && n_theta > 0 ? ybar + n_y : NULL, *unit = scratch + CSI_MECHANISM_POINTS * n;
    memset(unit, 0, n_y * sizeof *unit);
    int answer = COSTATE_ANSWER_OK;
    for (size_t i = 0; i < n_y && answer == COSTATE_ANSWER_OK; i++) {
        unit[i] = 1;
        memset(ybar, 0, n * sizeof *ybar);
        answer = g->given.vjp(t, y, theta, u, unit, 1, ybar, thetabar, ubar, g->given.ctx);
        ju[i] = dot(ybar, yu, n_y) + (thetabar != NULL ? dot(thetabar, thetau, n_theta) : 0) +
                (ubar != NULL ? dot(ubar, uu, n_u) : 0);
        unit[i] = 0;
    }
    return answer;
}

/* The zero field: what a structured form has for g when there is none. Its context is the csi_mechanism. */
static void zero(const csi_mechanism *g, double *array) {
    if (array != NULL) {
        memset(array, 0, g->given.n_y * sizeof *array);
    }
}

static int zero_f(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)t, (void)y, (void)theta, (void)u;
    zero(ctx, dydt);
    return COSTATE_ANSWER_OK;
}

static int zero_vjp(double t, const double *y, const double *theta, const double *u, const double *v, double scale,
                    double *ybar, double *thetabar, double *ubar, void *ctx) {
    (void)t, (void)y, (void)theta, (void)u, (void)v, (void)scale, (void)thetabar, (void)ubar;
    zero(ctx, ybar);
    return COSTATE_ANSWER_OK;
}

static int zero_jvp(double t, const double *y, const double *theta, const double *u, const double *yu,
                    const double *thetau, const double *uu, double *ju, void *ctx) {
    (void)t, (void)y, (void)theta, (void)u, (void)yu, (void)thetau, (void)uu;
    zero(ctx, ju);
    return COSTATE_ANSWER_OK;
}

void csi_mechanism_complete(csi_mechanism *g) {
    costate_mechanism *given = &g->given;
    if (given->f == NULL) {
        given->f = zero_f;
        given->vjp = zero_vjp;
        given->jvp = zero_jvp;
        given->ctx = g;
    }
    g->vjp = given->vjp != NULL ? given_vjp : given->jvp != NULL ? vjp_by_jvp : csi_mechanism_vjp_by_differences;
    g->jvp = given->jvp != NULL ? given_jvp : given->vjp != NULL ? jvp_by_vjp : csi_mechanism_jvp_by_differences;
}
