/* SPDX-License-Identifier: MIT */
/* A UDE as a right-hand side: networks, form and mechanism composed (doc/math.md, equations 29–31). */
#include "ude/ude_internal.h"
#include <stdint.h>

static csi_form_point point_at(const costate_ude *ude, double t, const double *y, const double *p, const double *kept,
                               double *work) {
    const csi_ude_layout *layout = &ude->layout;
    return (csi_form_point){.t = t,
                            .y = y,
                            .theta = p,
                            .u = kept + layout->kept_u,
                            .form = kept + layout->kept_form,
                            .scratch = work + layout->form,
                            .mechanism = work + layout->mechanism};
}

static int prepare(const costate_ude *ude, const csi_form_point *at, double *kept) {
    return ude->calls->prepare == NULL ? COSTATE_ANSWER_OK : ude->calls->prepare(ude, at, kept + ude->layout.kept_form);
}

static int ude_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const costate_ude *ude = ctx;
    double *kept = (double *)work + ude->layout.kept;
    csi_ude_networks(ude, t, y, p, false, kept, work);
    const csi_form_point at = point_at(ude, t, y, p, kept, work);
    const int answer = prepare(ude, &at, kept);
    return answer != COSTATE_ANSWER_OK ? answer : ude->calls->f(ude, &at, dydt);
}

static int ude_f_keep(double t, const double *y, const double *p, double *dydt, void *kept, void *work, void *ctx) {
    const costate_ude *ude = ctx;
    csi_ude_networks(ude, t, y, p, true, kept, work);
    const csi_form_point at = point_at(ude, t, y, p, kept, work);
    const int answer = prepare(ude, &at, kept);
    return answer != COSTATE_ANSWER_OK ? answer : ude->calls->f(ude, &at, dydt);
}

static int ude_vjp_kept(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                        double *pbar, const void *kept, void *work, void *ctx) {
    const costate_ude *ude = ctx;
    if (ybar == NULL && pbar == NULL) {
        return COSTATE_ANSWER_OK;
    }
    const csi_form_point at = point_at(ude, t, y, p, kept, work);
    double *ubar = (double *)work + ude->layout.u_bar;
    const int answer = ude->calls->vjp(ude, &at, v, scale, ybar, pbar, ubar);
    if (answer == COSTATE_ANSWER_OK) {
        csi_ude_networks_vjp(ude, t, y, p, ubar, scale, ybar, pbar, kept, work);
    }
    return answer;
}

/* Networks and form before a VJP that is given nothing kept: into the work's own block. */
static int keep_in_work(const costate_ude *ude, double t, const double *y, const double *p, double *work) {
    double *kept = work + ude->layout.kept;
    csi_ude_networks(ude, t, y, p, true, kept, work);
    const csi_form_point at = point_at(ude, t, y, p, kept, work);
    return prepare(ude, &at, kept);
}

static int ude_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                   double *pbar, void *work, void *ctx) {
    const costate_ude *ude = ctx;
    if (ybar == NULL && pbar == NULL) {
        return COSTATE_ANSWER_OK;
    }
    const int answer = keep_in_work(ude, t, y, p, work);
    return answer != COSTATE_ANSWER_OK
               ? answer
               : ude_vjp_kept(t, y, p, v, scale, ybar, pbar, (double *)work + ude->layout.kept, work, ctx);
}

static int ude_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                   void *work, void *ctx) {
    const costate_ude *ude = ctx;
    double *kept = (double *)work + ude->layout.kept, *uu = (double *)work + ude->layout.u_bar;
    csi_ude_networks_jvp(ude, t, y, p, u, up, uu, kept, work);
    const csi_form_point at = point_at(ude, t, y, p, kept, work);
    const int answer = prepare(ude, &at, kept);
    return answer != COSTATE_ANSWER_OK ? answer : ude->calls->jvp(ude, &at, u, up, uu, ju);
}

static double *unit_vectors(const costate_ude *ude, double *work) {
    double *unit = work + ude->layout.unit;
    for (size_t i = 0; i < ude->mechanism.given.n_y; i++) {
        unit[i] = 0;
    }
    return unit;
}

/* Row by row, with one forward pass of the networks. */
static int jac_by_vjp(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    const costate_ude *ude = ctx;
    const size_t n = ude->mechanism.given.n_y;
    double *unit = unit_vectors(ude, work), *row = (double *)work + ude->layout.row;
    int answer = keep_in_work(ude, t, y, p, work);
    for (size_t i = 0; i < n && answer == COSTATE_ANSWER_OK; i++) {
        unit[i] = 1;
        answer = ude_vjp_kept(t, y, p, unit, 1, row, NULL, (double *)work + ude->layout.kept, work, ctx);
        for (size_t j = 0; j < n; j++) {
            jac[i + n * j] = row[j];
        }
        unit[i] = 0;
    }
    return answer;
}

static int jac_by_jvp(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    const costate_ude *ude = ctx;
    const size_t n = ude->mechanism.given.n_y;
    double *unit = unit_vectors(ude, work);
    int answer = COSTATE_ANSWER_OK;
    for (size_t j = 0; j < n && answer == COSTATE_ANSWER_OK; j++) {
        unit[j] = 1;
        answer = ude_jvp(t, y, p, unit, NULL, jac + n * j, work, ctx);
        unit[j] = 0;
    }
    return answer;
}

costate_status costate_ude_rhs(const costate_ude *ude, costate_rhs *rhs) {
    if (ude == NULL || rhs == NULL) {
        return COSTATE_ERR_NULL;
    }
    *rhs = (costate_rhs){.n_y = ude->mechanism.given.n_y,
                         .n_p = ude->n_p,
                         .work_bytes = ude->layout.n_work * sizeof(double),
                         .f = ude_f,
                         .vjp = ude_vjp,
                         .jvp = ude_jvp,
                         .jac = ude->mechanism.given.vjp != NULL ? jac_by_vjp : jac_by_jvp,
                         .kept_bytes = ude->layout.n_kept * sizeof(double)};
    rhs->ctx = (void *)(uintptr_t)ude; /* never written through: the callbacks take it as const */
    if (rhs->kept_bytes > 0) {
        rhs->f_keep = ude_f_keep;
        rhs->vjp_kept = ude_vjp_kept;
    }
    csi_ude_set_lanes(ude, rhs);
    return COSTATE_OK;
}

bool costate_ude_uses_differences(const costate_ude *ude) {
    return ude != NULL && ude->mechanism.given.vjp == NULL && ude->mechanism.given.jvp == NULL;
}
