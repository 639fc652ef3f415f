/* SPDX-License-Identifier: MIT */
/* Derivatives of a mechanism that has none, by differences of second order along lines (doc/math.md, equations 32–33). */
#include "core/finite.h"
#include "ude/ude_mechanism.h"

#include <math.h>
#include <string.h>

/* ∛ε: the step, relative to x, for which the errors of truncation and of rounding are about the same. */
#define RELATIVE_STEP 6.0554544523933429e-6

/* The line centre + s · direction in the space of (y, θ, u); all arrays are parts of the caller's scratch. */
typedef struct line {
    const csi_mechanism *g;
    double t;
    double *centre, *direction, *point;  /* csi_mechanism_n() elements each */
    double *f0, *f_above, *f_below, *df; /* n_y elements each */
} line;

static line line_at(const csi_mechanism *g, double t, const double *y, const double *theta, const double *u,
                    double *scratch) {
    const size_t n_y = g->given.n_y, n = csi_mechanism_n(g);
    line on = {.g = g, .t = t, .centre = scratch, .direction = scratch + n, .point = scratch + 2 * n};
    double *slopes = scratch + CSI_MECHANISM_POINTS * n;
    on.f0 = slopes;
    on.f_above = slopes + n_y;
    on.f_below = slopes + 2 * n_y;
    on.df = slopes + 3 * n_y;
    memcpy(on.centre, y, n_y * sizeof *y);
    if (g->given.n_theta > 0) {
        memcpy(on.centre + n_y, theta, g->given.n_theta * sizeof *theta);
    }
    if (g->given.n_u > 0) {
        memcpy(on.centre + n_y + g->given.n_theta, u, g->given.n_u * sizeof *u);
    }
    memset(on.direction, 0, n * sizeof *on.direction);
    return on;
}

/* g at centre + s · direction; RETRY also where the result is not finite. */
static int evaluate(const line *on, double s, double *dydt) {
    const size_t n_y = on->g->given.n_y, n_theta = on->g->given.n_theta, n = csi_mechanism_n(on->g);
    for (size_t i = 0; i < n; i++) {
        on->point[i] = on->centre[i] + s * on->direction[i];
    }
    const int answer = csi_mechanism_f(on->g, on->t, on->point, on->point + n_y,
                                       on->g->given.n_u > 0 ? on->point + n_y + n_theta : NULL, dydt);
    return answer == COSTATE_ANSWER_OK && !csi_all_finite(dydt, n_y) ? COSTATE_ANSWER_RETRY : answer;
}

/* From f(0), f(s) and f(2s), where the other side cannot be had; f(s) is in `near`. */
static int one_sided(const line *on, double s, const double *near, double *far, double *df) {
    int answer = evaluate(on, 0, on->f0);
    if (answer == COSTATE_ANSWER_OK) {
        answer = evaluate(on, 2 * s, far);
    }
    for (size_t i = 0; answer == COSTATE_ANSWER_OK && i < on->g->given.n_y; i++) {
        df[i] = (4 * (near[i] - on->f0[i]) - (far[i] - on->f0[i])) / (2 * s);
    }
    return answer;
}

/* df = dg/ds at the centre, by step s; FAIL at once where g answers so. */
static int slope(const line *on, double s, double *df) {
    const int above = evaluate(on, s, on->f_above);
    const int below = above < 0 ? above : evaluate(on, -s, on->f_below);
    if (above < 0 || below < 0) {
        return below;
    }
    if (above == COSTATE_ANSWER_OK && below == COSTATE_ANSWER_OK) {
        for (size_t i = 0; i < on->g->given.n_y; i++) {
            df[i] = (on->f_above[i] - on->f_below[i]) / (2 * s);
        }
        return COSTATE_ANSWER_OK;
    }
    return above == COSTATE_ANSWER_OK   ? one_sided(on, s, on->f_above, on->f_below, df)
           : below == COSTATE_ANSWER_OK ? one_sided(on, -s, on->f_below, on->f_above, df)
                                        : above;
}

static double magnitude(const line *on, size_t k) {
    return fmax(fabs(on->centre[k]), on->g->typical != NULL ? on->g->typical[k] : 1);
}

/* *product = ⟨v, ∂g/∂x⟩, x being element k of (y, θ, u). */
static int product_along(const line *on, size_t k, const double *v, double *product) {
    const volatile double above = on->centre[k] + RELATIVE_STEP * magnitude(on, k);
    on->direction[k] = 1;
    const int answer = slope(on, above - on->centre[k], on->df);
    on->direction[k] = 0;
    double sum = 0;
    for (size_t i = 0; answer == COSTATE_ANSWER_OK && i < on->g->given.n_y; i++) {
        sum += v[i] * on->df[i];
    }
    *product = sum;
    return answer;
}

int csi_mechanism_vjp_by_differences(const csi_mechanism *g, double t, const double *y, const double *theta,
                                     const double *u, const double *v, double scale, double *ybar, double *thetabar,
                                     double *ubar, double *scratch) {
    const size_t n_y = g->given.n_y, n_theta = g->given.n_theta, n_u = g->given.n_u;
    const line on = line_at(g, t, y, theta, u, scratch);
    int answer = COSTATE_ANSWER_OK;
    for (size_t k = 0; ybar != NULL && k < n_y && answer == COSTATE_ANSWER_OK; k++) {
        answer = product_along(&on, k, v, &ybar[k]);
    }
    for (size_t k = 0; ubar != NULL && k < n_u && answer == COSTATE_ANSWER_OK; k++) {
        answer = product_along(&on, n_y + n_theta + k, v, &ubar[k]);
    }
    for (size_t k = 0; thetabar != NULL && k < n_theta && answer == COSTATE_ANSWER_OK; k++) {
        double product;
        answer = product_along(&on, n_y + k, v, &product);
        thetabar[k] += scale * product;
    }
    return answer;
}

/* The step for which the element that moves most, in units of its magnitude, moves by RELATIVE_STEP; 0 if none moves. */
static double step_along(const line *on) {
    const size_t n = csi_mechanism_n(on->g);
    double fastest = 0;
    for (size_t k = 0; k < n; k++) {
        fastest = fmax(fastest, fabs(on->direction[k]) / magnitude(on, k));
    }
    return fastest > 0 ? RELATIVE_STEP / fastest : 0;
}

int csi_mechanism_jvp_by_differences(const csi_mechanism *g, double t, const double *y, const double *theta,
                                     const double *u, const double *yu, const double *thetau, const double *uu,
                                     double *ju, double *scratch) {
    const size_t n_y = g->given.n_y, n_theta = g->given.n_theta;
    const line on = line_at(g, t, y, theta, u, scratch);
    memcpy(on.direction, yu, n_y * sizeof *yu);
    if (thetau != NULL && n_theta > 0) {
        memcpy(on.direction + n_y, thetau, n_theta * sizeof *thetau);
    }
    if (uu != NULL && g->given.n_u > 0) {
        memcpy(on.direction + n_y + n_theta, uu, g->given.n_u * sizeof *uu);
    }
    if (!csi_all_finite(on.direction, csi_mechanism_n(g))) {
        return COSTATE_ANSWER_RETRY;
    }
    const double s = step_along(&on);
    if (s == 0) {
        memset(ju, 0, n_y * sizeof *ju);
        return COSTATE_ANSWER_OK;
    }
    return slope(&on, s, ju);
}
