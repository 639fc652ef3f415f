/* SPDX-License-Identifier: MIT */
/* What the checks of a right-hand side's callbacks share: the point under check, scratch, and the worst entry so far. */
#ifndef CSI_RHS_CHECK_INTERNAL_H
#define CSI_RHS_CHECK_INTERNAL_H

#include "core/arena.h"
#include "core/difference.h"

#include <costate/rhs.h>

/* For f_keep and vjp_kept. */
typedef struct csi_check_kept_arrays {
    void *block;
    double *dydt;
    double *ybar;
    double *pbar;
} csi_check_kept_arrays;

/* For f_lanes and vjp_lanes: an element of every lane after the other, and the arrays of one lane. */
typedef struct csi_check_lanes_arrays {
    void *work;
    double *t;
    double *y;
    double *p;
    double *v;
    double *dydt;
    double *ybar;
    double *pbar;
    double *pbar_before;
    double *y_one;
    double *p_one;
    double *v_one;
} csi_check_lanes_arrays;

typedef struct csi_check {
    const costate_rhs *rhs;
    double t_centre;
    const double *y_centre;
    const double *p_centre;
    double scale;
    double tolerance;
    costate_random *random;
    size_t point;
    bool disagree;
    costate_rhs_report worst;
    csi_difference scratch;

    double t;
    double *y;
    double *p;
    double *v;
    double *u;
    double *up;

    double *column;       /* one column of differences */
    double *ybar_numeric; /* (∂f/∂y)ᵀ v by differences */
    double *pbar_numeric; /* (∂f/∂p)ᵀ v */
    double *ju_y_numeric; /* (∂f/∂y) u */
    double *ju_numeric;   /* (∂f/∂y) u + (∂f/∂p) up */

    double *dydt;
    double *ybar;
    double *pbar;
    double *pbar_before; /* what pbar held before the call */
    double *ju;
    double *jac;

    csi_check_kept_arrays kept;
    csi_check_lanes_arrays lanes;
} csi_check;

/* Standard normal numbers. */
void csi_check_draw(csi_check *c, double *x, size_t n);

/* A random point. */
void csi_check_draw_point(csi_check *c, double *t, double *y, double *p);

/* The callbacks' scratch; what a callback reads before writing shows up as NaN. */
void *csi_check_work(const csi_check *c);

/* Makes this the report, with NaN for numbers; returns status. */
costate_status csi_check_blame(csi_check *c, costate_status status, const char *callback, size_t index);

/* Remembers the entry if none was worse; COSTATE_ERR_NONFINITE, with blame, if `analytic` is not finite. */
costate_status csi_check_compare(csi_check *c, const char *callback, size_t index, double analytic, double numeric);

/* f_keep and vjp_kept against f and vjp at the point under check. */
void csi_check_carve_kept(csi_check *c, csi_arena *arena);
costate_status csi_check_kept(csi_check *c);

/* f_lanes and vjp_lanes against f and vjp at a random point per lane. */
void csi_check_carve_lanes(csi_check *c, csi_arena *arena);
costate_status csi_check_lanes(csi_check *c);

#endif
