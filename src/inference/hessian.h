/* SPDX-License-Identifier: MIT */
/* Products of the Hessian of a fit's objective with vectors: the adjoint of the tangent solve. */
#ifndef CSI_HESSIAN_H
#define CSI_HESSIAN_H

#include "core/arena.h"
#include "fit/fit_internal.h"
#include "inference/tangent_rhs.h"

/* Tangents are named as in the headers: u is to a value what x + offset · u is to x. Rows of Y hold y and its tangent. */
typedef struct csi_hessian {
    costate_fit *fit;
    csi_tangent_rhs tangent;
    costate_rhs rhs; /* of Y = (y, s) */
    costate_ensemble *ensemble;
    void *block;
    csi_arena arena;
    void *rhs_work;

    double *x;            /* n_x */
    double *slope;        /* n_x: dq/dx */
    double *uq;           /* n_q: tangent of q */
    double *qbar;         /* n_q: gradient of the derivative along u with respect to q */
    double *uqbar;        /* n_q: with respect to uq, which is the gradient of the objective itself */
    double *magnitude;    /* n_y */
    double *unit;         /* n_y */
    double *start;        /* n_segment × 2 n_y: Y at an observation at the initial time */
    double *startbar;     /* n_segment × 2 n_y: cotangents of those */
    double *initial;      /* n_segment × 2 n_y: Y that is solved from */
    double *initialbar;   /* n_segment × 2 n_y */
    double *parameter;    /* n_segment × 2 n_p */
    double *parameterbar; /* n_segment × 2 n_p */
    double *state;        /* n_row × 2 n_y */
    double *statebar;     /* n_row × 2 n_y */
    double *slopes;       /* 2 n_y: Y′ at an initial time */
    double *point_y;      /* n_y: a point of a line */
    double *point_p;      /* n_p */
    double *point_noise;  /* n_noise */
    double *ybar;         /* n_y */
    double *pbar;         /* n_p */
    double *noisebar;     /* n_noise */
    double *sum;          /* n_y + n_p + n_noise */
    double q_size;        /* the largest tangent of parameters and noise in units of their values */
} csi_hessian;

costate_status csi_hessian_create(costate_fit *fit, csi_hessian *hessian);
void csi_hessian_clear(csi_hessian *hessian);

/* Sets the point; the fit must not be used for anything else as long as there are products to come. */
costate_status csi_hessian_at(csi_hessian *hessian, const double *x);

/* hu = H u, n_x elements each. */
costate_status csi_hessian_apply(csi_hessian *hessian, const double *u, double *hu);

/* One observation of trajectory j: cotangents of its row (2 n_y elements), of parameters and noise (hessian_rows.c). */
costate_status csi_hessian_observe(csi_hessian *hessian, size_t j, size_t k);

/* Y at the start of trajectory j, and the pullback of its cotangent (hessian_start.c). */
costate_status csi_hessian_start(csi_hessian *hessian, size_t j);
costate_status csi_hessian_pull_start(csi_hessian *hessian, size_t j);

#endif
