/* SPDX-License-Identifier: MIT */
/* The discrete adjoint of a one-step method: the reverse of every accepted step (doc/math.md). */
#ifndef CSI_DISCRETE_SWEEP_H
#define CSI_DISCRETE_SWEEP_H

#include "adjoint/adjoint_internal.h"

costate_status csi_discrete_create(costate_adjoint *adjoint);
void csi_discrete_destroy(csi_discrete *discrete, const costate_allocator *alloc);

/* From the cotangents in adjoint->v: adds to adjoint->pbar, points `lam` to the gradient with respect to y0. t0bar may be NULL. */
costate_status csi_discrete_sweep(costate_adjoint *adjoint, double *t0bar, const double **lam);

#endif
