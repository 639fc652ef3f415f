/* SPDX-License-Identifier: MIT */
/* The mechanism g(t, y, θ, u) with every derivative: those given, or what can be had without them. */
#ifndef CSI_UDE_MECHANISM_H
#define CSI_UDE_MECHANISM_H

#include <costate/status.h>
#include <costate/ude.h>

typedef struct csi_mechanism csi_mechanism;

/* Derivatives of g as the public ones, with scratch of csi_mechanism_scratch() elements. */
typedef int csi_mechanism_vjp(const csi_mechanism *g, double t, const double *y, const double *theta, const double *u,
                              const double *v, double scale, double *ybar, double *thetabar, double *ubar,
                              double *scratch);
typedef int csi_mechanism_jvp(const csi_mechanism *g, double t, const double *y, const double *theta, const double *u,
                              const double *yu, const double *thetau, const double *uu, double *ju, double *scratch);

struct csi_mechanism {
    costate_mechanism given;
    csi_mechanism_vjp *vjp;
    csi_mechanism_jvp *jvp;
    double *typical; /* magnitudes of (y, θ, u) for differences; NULL: 1 */
};

/* By how `given` is equipped; a mechanism without f becomes the zero field, with *g as its context. */
void csi_mechanism_complete(csi_mechanism *g);

/* Elements of (y, θ, u), which fit in memory. */
static inline size_t csi_mechanism_n(const csi_mechanism *g) { return g->given.n_y + g->given.n_theta + g->given.n_u; }

/* Arrays of csi_mechanism_n() and arrays of n_y elements that the scratch holds, in this order. */
enum { CSI_MECHANISM_POINTS = 3, CSI_MECHANISM_SLOPES = 4 };

static inline int csi_mechanism_f(const csi_mechanism *g, double t, const double *y, const double *theta,
                                  const double *u, double *dydt) {
    return g->given.f(t, y, theta, u, dydt, g->given.ctx);
}

/* The derivatives by differences of g (ude_difference.c). */
csi_mechanism_vjp csi_mechanism_vjp_by_differences;
csi_mechanism_jvp csi_mechanism_jvp_by_differences;

#endif
