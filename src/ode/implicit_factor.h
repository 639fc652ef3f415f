/* SPDX-License-Identifier: MIT */
/* The matrix 1 − hγJ of implicit stages, for steps and their adjoint. */
#ifndef CSI_IMPLICIT_FACTOR_H
#define CSI_IMPLICIT_FACTOR_H

#include "ode/rhs_calls.h"

#include <stdint.h>

/* ∂f/∂y at (t, y), finite. Returns an outcome (stage.h). */
int csi_implicit_jacobian(csi_rhs_calls *calls, size_t n, double t, const double *y, double *jac);

/* Factorises 1 − hγJ. Returns an outcome. */
int csi_implicit_factor(csi_rhs_calls *calls, size_t n, double h_gamma, const double *jac, double *factors,
                        int64_t *pivot);

#endif
