/* SPDX-License-Identifier: MIT */
/* Columns of the Jacobian of a right-hand side by extrapolated central differences. */
#ifndef CSI_DIFFERENCE_H
#define CSI_DIFFERENCE_H

#include <costate/rhs.h>

/* Scratch of n_y elements each, and of rhs->work_bytes. */
typedef struct csi_difference {
    double *f_above;
    double *f_below;
    double *central;      /* difference quotient of the last step length */
    double *extrapolated; /* Richardson value of the last two */
    double *error;        /* estimated error of what is in the column so far */
    void *work;
} csi_difference;

/*
 * column = ∂f/∂x at (t, y, p), where x is one element of y or p; it is displaced and put back. A step for which f
 * answers RETRY or is not finite is left out; COSTATE_ERR_RHS_FAIL or COSTATE_ERR_NONFINITE if too few remain.
 * COSTATE_ERR_RHS_FAIL at once for FAIL.
 */
costate_status csi_difference_column(const csi_difference *scratch, const costate_rhs *rhs, double t, const double *y,
                                     const double *p, double *x, double *column);

#endif
