/* SPDX-License-Identifier: MIT */
/* The continuous adjoint: λ backwards by CVODE, restarted at observations (doc/math.md, equations 3–7). */
#ifndef CSI_CONTINUOUS_SWEEP_H
#define CSI_CONTINUOUS_SWEEP_H

#include "adjoint/adjoint_internal.h"

costate_status csi_continuous_create(costate_adjoint *adjoint);
void csi_continuous_destroy(costate_adjoint *adjoint);

/* From the cotangents in adjoint->v: adds to adjoint->pbar, points `lam` to the gradient with respect to y0. t0bar may be NULL. */
costate_status csi_continuous_sweep(costate_adjoint *adjoint, double *t0bar, const double **lam);

#endif
