/* SPDX-License-Identifier: MIT */
/* The forms in which the networks' outputs enter the mechanism (doc/math.md, equation 31). */
#include "ude/ude_internal.h"

#include <math.h>
#include <string.h>

static const double *form_u(const costate_ude *ude, const csi_form_point *at) {
    return ude->mechanism.given.n_u > 0 ? at->u : NULL;
}

static int g_f(const costate_ude *ude, const csi_form_point *at, double *dydt) {
    return csi_mechanism_f(&ude->mechanism, at->t, at->y, at->theta, form_u(ude, at), dydt);
}

static int g_vjp(const costate_ude *ude, const csi_form_point *at, const double *v, double scale, double *ybar,
                 double *thetabar, double *ubar) {
    const csi_mechanism *g = &ude->mechanism;
    if (ybar == NULL && ubar == NULL && (thetabar == NULL || g->given.n_theta == 0)) {
        return COSTATE_ANSWER_OK;
    }
    return g->vjp(g, at->t, at->y, at->theta, form_u(ude, at), v, scale, ybar, g->given.n_theta > 0 ? thetabar : NULL,
                  ubar, at->mechanism);
}

static int g_jvp(const costate_ude *ude, const csi_form_point *at, const double *yu, const double *thetau,
                 const double *uu, double *ju) {
    const csi_mechanism *g = &ude->mechanism;
    return g->jvp(g, at->t, at->y, at->theta, form_u(ude, at), yu, g->given.n_theta > 0 ? thetau : NULL, uu, ju,
                  at->mechanism);
}

/* x += B u. */
static void add_product(const costate_ude *ude, const double *u, double *x) {
    const size_t n_u = ude->n_u;
    const double *row = ude->matrix;
    for (size_t i = 0; i < ude->mechanism.given.n_y; i++, row += n_u) {
        for (size_t j = 0; j < n_u; j++) {
            x[i] += row[j] * u[j];
        }
    }
}

/* ubar = Bᵀ v. */
static void transposed_product(const costate_ude *ude, const double *v, double *ubar) {
    const size_t n_u = ude->n_u;
    const double *row = ude->matrix;
    for (size_t j = 0; j < n_u; j++) {
        ubar[j] = 0;
    }
    for (size_t i = 0; i < ude->mechanism.given.n_y; i++, row += n_u) {
        for (size_t j = 0; j < n_u; j++) {
            ubar[j] += row[j] * v[i];
        }
    }
}

/* ẏ = f(t, y, θ, u) */
static int general_vjp(const costate_ude *ude, const csi_form_point *at, const double *v, double scale, double *ybar,
                       double *thetabar, double *ubar) {
    return g_vjp(ude, at, v, scale, ybar, thetabar, ude->n_u > 0 ? ubar : NULL);
}

static int general_jvp(const costate_ude *ude, const csi_form_point *at, const double *yu, const double *thetau,
                       const double *uu, double *ju) {
    return g_jvp(ude, at, yu, thetau, ude->n_u > 0 ? uu : NULL, ju);
}

/* ẏ = g + B u */
static int additive_f(const costate_ude *ude, const csi_form_point *at, double *dydt) {
    const int answer = g_f(ude, at, dydt);
    add_product(ude, at->u, dydt);
    return answer;
}

static int additive_vjp(const costate_ude *ude, const csi_form_point *at, const double *v, double scale, double *ybar,
                        double *thetabar, double *ubar) {
    const int answer = g_vjp(ude, at, v, scale, ybar, thetabar, NULL);
    transposed_product(ude, v, ubar);
    return answer;
}

static int additive_jvp(const costate_ude *ude, const csi_form_point *at, const double *yu, const double *thetau,
                        const double *uu, double *ju) {
    const int answer = g_jvp(ude, at, yu, thetau, NULL, ju);
    add_product(ude, uu, ju);
    return answer;
}

/* ẏ = g ∘ (1 + B u); prepared: g, then 1 + B u */
static int multiplicative_prepare(const costate_ude *ude, const csi_form_point *at, double *form) {
    const size_t n_y = ude->mechanism.given.n_y;
    double *factor = form + n_y;
    for (size_t i = 0; i < n_y; i++) {
        factor[i] = 1;
    }
    add_product(ude, at->u, factor);
    return g_f(ude, at, form);
}

static int multiplicative_f(const costate_ude *ude, const csi_form_point *at, double *dydt) {
    const size_t n_y = ude->mechanism.given.n_y;
    for (size_t i = 0; i < n_y; i++) {
        dydt[i] = at->form[i] * at->form[n_y + i];
    }
    return COSTATE_ANSWER_OK;
}

static int multiplicative_vjp(const costate_ude *ude, const csi_form_point *at, const double *v, double scale,
                              double *ybar, double *thetabar, double *ubar) {
    const size_t n_y = ude->mechanism.given.n_y;
    for (size_t i = 0; i < n_y; i++) {
        at->scratch[i] = v[i] * at->form[i];
    }
    transposed_product(ude, at->scratch, ubar);
    for (size_t i = 0; i < n_y; i++) {
        at->scratch[i] = v[i] * at->form[n_y + i];
    }
    return g_vjp(ude, at, at->scratch, scale, ybar, thetabar, NULL);
}

static int multiplicative_jvp(const costate_ude *ude, const csi_form_point *at, const double *yu, const double *thetau,
                              const double *uu, double *ju) {
    const size_t n_y = ude->mechanism.given.n_y;
    const int answer = g_jvp(ude, at, yu, thetau, NULL, ju);
    memset(at->scratch, 0, n_y * sizeof *at->scratch);
    add_product(ude, uu, at->scratch);
    for (size_t i = 0; i < n_y; i++) {
        ju[i] = ju[i] * at->form[n_y + i] + at->form[i] * at->scratch[i];
    }
    return answer;
}

/* ẏ = g(t, y, θ′); prepared: θ′ */
static int replace_prepare(const costate_ude *ude, const csi_form_point *at, double *form) {
    const size_t n_theta = ude->mechanism.given.n_theta;
    for (size_t k = 0; k < n_theta; k++) {
        form[k] = at->theta[k];
    }
    for (size_t j = 0; j < ude->n_u; j++) {
        form[ude->index[j]] = at->u[j];
    }
    return COSTATE_ANSWER_OK;
}

static csi_form_point replaced(const csi_form_point *at) {
    csi_form_point there = *at;
    there.theta = at->form;
    return there;
}

static int replace_f(const costate_ude *ude, const csi_form_point *at, double *dydt) {
    return csi_mechanism_f(&ude->mechanism, at->t, at->y, at->form, NULL, dydt);
}

static int replace_vjp(const costate_ude *ude, const csi_form_point *at, const double *v, double scale, double *ybar,
                       double *thetabar, double *ubar) {
    const size_t n_theta = ude->mechanism.given.n_theta;
    const csi_form_point there = replaced(at);
    double *bar = at->scratch;
    for (size_t k = 0; k < n_theta; k++) {
        bar[k] = 0;
    }
    const int answer = g_vjp(ude, &there, v, 1, ybar, bar, NULL);
    for (size_t j = 0; j < ude->n_u; j++) {
        ubar[j] = bar[ude->index[j]];
        bar[ude->index[j]] = 0;
    }
    for (size_t k = 0; thetabar != NULL && k < n_theta; k++) {
        thetabar[k] += scale * bar[k];
    }
    return answer;
}

static int replace_jvp(const costate_ude *ude, const csi_form_point *at, const double *yu, const double *thetau,
                       const double *uu, double *ju) {
    const size_t n_theta = ude->mechanism.given.n_theta;
    const csi_form_point there = replaced(at);
    for (size_t k = 0; k < n_theta; k++) {
        at->scratch[k] = thetau != NULL ? thetau[k] : 0;
    }
    for (size_t j = 0; j < ude->n_u; j++) {
        at->scratch[ude->index[j]] = uu[j];
    }
    return g_jvp(ude, &there, yu, at->scratch, NULL, ju);
}

/* ẏ_i = g_i − y_i softplus(u_j); prepared: softplus(u), then its slopes */
static int positive_prepare(const costate_ude *ude, const csi_form_point *at, double *form) {
    const size_t n_u = ude->n_u;
    for (size_t j = 0; j < n_u; j++) {
        const double u = at->u[j], e = exp(-fabs(u));
        form[j] = (u > 0 ? u : 0) + log1p(e);
        form[n_u + j] = (u > 0 ? 1 : e) / (1 + e);
    }
    return COSTATE_ANSWER_OK;
}

static int positive_f(const costate_ude *ude, const csi_form_point *at, double *dydt) {
    const int answer = g_f(ude, at, dydt);
    for (size_t j = 0; j < ude->n_u; j++) {
        const size_t i = ude->index[j];
        dydt[i] -= at->y[i] * at->form[j];
    }
    return answer;
}

static int positive_vjp(const costate_ude *ude, const csi_form_point *at, const double *v, double scale, double *ybar,
                        double *thetabar, double *ubar) {
    const int answer = g_vjp(ude, at, v, scale, ybar, thetabar, NULL);
    for (size_t j = 0; j < ude->n_u; j++) {
        const size_t i = ude->index[j];
        ubar[j] = -v[i] * at->y[i] * at->form[ude->n_u + j];
        if (ybar != NULL) {
            ybar[i] -= v[i] * at->form[j];
        }
    }
    return answer;
}

static int positive_jvp(const costate_ude *ude, const csi_form_point *at, const double *yu, const double *thetau,
                        const double *uu, double *ju) {
    const int answer = g_jvp(ude, at, yu, thetau, NULL, ju);
    for (size_t j = 0; j < ude->n_u; j++) {
        const size_t i = ude->index[j];
        ju[i] -= yu[i] * at->form[j] + at->y[i] * at->form[ude->n_u + j] * uu[j];
    }
    return answer;
}

const csi_form_calls *csi_form_calls_of(costate_ude_form form) {
    static const csi_form_calls calls[] = {
        [COSTATE_UDE_GENERAL] = {NULL, g_f, general_vjp, general_jvp, true},
        [COSTATE_UDE_ADDITIVE] = {NULL, additive_f, additive_vjp, additive_jvp, false},
        [COSTATE_UDE_MULTIPLICATIVE] = {multiplicative_prepare, multiplicative_f, multiplicative_vjp,
                                        multiplicative_jvp, true},
        [COSTATE_UDE_REPLACE] = {replace_prepare, replace_f, replace_vjp, replace_jvp, true},
        [COSTATE_UDE_CONSERVING] = {NULL, additive_f, additive_vjp, additive_jvp, false},
        [COSTATE_UDE_POSITIVE] = {positive_prepare, positive_f, positive_vjp, positive_jvp, true},
    };
    return (unsigned)form < sizeof calls / sizeof *calls ? &calls[form] : NULL;
}

size_t csi_form_kept(const costate_ude *ude) {
    switch (ude->form) {
    case COSTATE_UDE_MULTIPLICATIVE: return 2 * ude->mechanism.given.n_y;
    case COSTATE_UDE_REPLACE: return ude->mechanism.given.n_theta;
    case COSTATE_UDE_POSITIVE: return 2 * ude->n_u;
    case COSTATE_UDE_GENERAL:
    case COSTATE_UDE_ADDITIVE:
    case COSTATE_UDE_CONSERVING: break;
    }
    return 0;
}

size_t csi_form_scratch(const costate_ude *ude) {
    switch (ude->form) {
    case COSTATE_UDE_MULTIPLICATIVE: return ude->mechanism.given.n_y;
    case COSTATE_UDE_REPLACE: return ude->mechanism.given.n_theta;
    case COSTATE_UDE_GENERAL:
    case COSTATE_UDE_ADDITIVE:
    case COSTATE_UDE_CONSERVING:
    case COSTATE_UDE_POSITIVE: break;
    }
    return 0;
}
