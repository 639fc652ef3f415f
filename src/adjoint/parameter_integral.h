/* SPDX-License-Identifier: MIT */
/* The parameter integral of the adjoint: Gauss quadrature over backward steps, accumulated by the fused VJP. */
#ifndef CSI_PARAMETER_INTEGRAL_H
#define CSI_PARAMETER_INTEGRAL_H

#include "ode/integrator.h"

#include <costate/adjoint.h>

/* Steps that one rule may span. */
#define CSI_PART_MAX 4

/* [t_from, t_to] inside one backward step. */
typedef struct csi_part {
    csi_step step;
    double t_from;
    double t_to;
} csi_part;

/* Neighbouring parts of about the same length wait here until one rule is applied to all of them. */
typedef struct csi_parameter_integral {
    double *coef; /* interpolants of λ of the waiting parts, each of (CSI_ORDER_MAX + 1)·n_y elements */
    csi_part part[CSI_PART_MAX];
    int n_part;
    double extent;                           /* length of the waiting parts in units of the integrand's time scale */
    double n_step;                           /* their length in steps */
    double relative_step[CSI_ORDER_MAX + 1]; /* by order: one step in units of the integrand's time scale */
    double tolerance;                        /* per step */
} csi_parameter_integral;

/* For a new sweep with its relative tolerance. */
void csi_parameter_integral_begin(costate_adjoint *adjoint);

/* pbar += ∫ (∂f/∂p)ᵀ λ dt over a part of the last step, whose interpolant of λ is `coef`; now or at the next flush. */
costate_status csi_parameter_integral_add(costate_adjoint *adjoint, const csi_part *part, const double *coef);

/* Completes what waits: before λ jumps, and at the end. */
costate_status csi_parameter_integral_flush(costate_adjoint *adjoint);

#endif
