/* SPDX-License-Identifier: MIT */
/* The error of a step in units of the tolerance. */
#ifndef CSI_STEP_ERROR_H
#define CSI_STEP_ERROR_H

#include "ode/step_history.h"

/* What an error is measured by. */
typedef struct csi_step_tolerance {
    size_t n;
    double rtol;
    const double *atol; /* n */
} csi_step_tolerance;

/* Squared norm of the error estimate of an explicit step; NaN or infinite if the step is not finite. */
double csi_step_error_explicit(const csi_step_record *record, const csi_step_tolerance *tolerance, const double *y_end);

/* The same of a given estimate. */
double csi_step_error_given(const csi_step_record *record, const csi_step_tolerance *tolerance, const double *y_end,
                            const double *error);

#endif
