/* SPDX-License-Identifier: MIT */
/* How the networks' outputs u enter: ẏ = F(t, y, θ, u) made of the mechanism g, with its derivatives. */
#ifndef CSI_UDE_FORM_H
#define CSI_UDE_FORM_H

#include <costate/ude.h>

/* Where F is evaluated. */
typedef struct csi_form_point {
    double t;
    const double *y, *theta, *u;
    const double *form; /* what prepare() wrote */
    double *scratch;    /* csi_form_scratch() elements */
    double *mechanism;  /* scratch of the mechanism */
} csi_form_point;

/* Calls of one form; each returns a costate_answer. */
typedef struct csi_form_calls {
    /* What the others and a later VJP need of g and u, into `form`; NULL: nothing. */
    int (*prepare)(const costate_ude *ude, const csi_form_point *at, double *form);
    int (*f)(const costate_ude *ude, const csi_form_point *at, double *dydt);
    /* ybar and ubar overwritten, thetabar += scale · ; each but ubar may be NULL. */
    int (*vjp)(const costate_ude *ude, const csi_form_point *at, const double *v, double scale, double *ybar,
               double *thetabar, double *ubar);
    /* thetau may be NULL. */
    int (*jvp)(const costate_ude *ude, const csi_form_point *at, const double *yu, const double *thetau,
               const double *uu, double *ju);
    bool vjp_takes_u; /* vjp, or prepare before it, reads u */
} csi_form_calls;

/* NULL for an unknown form. */
const csi_form_calls *csi_form_calls_of(costate_ude_form form);

/* Elements that prepare() writes, and those of the scratch. */
size_t csi_form_kept(const costate_ude *ude);
size_t csi_form_scratch(const costate_ude *ude);

#endif
