/* SPDX-License-Identifier: MIT */
/* Adjoint without restarts: n_y independent solutions Φ of λ′ = −(∂f/∂y)ᵀ λ are integrated past the observations, at
 * which only the constants c of λ = Φ c change (doc/math.md, equations 10–12). */
#ifndef CSI_PROPAGATOR_H
#define CSI_PROPAGATOR_H

#include "adjoint/adjoint_internal.h"

/* Leaves adjoint->propagator NULL where restarts are always cheaper: bdf, one state, many states. */
costate_status csi_propagator_create(costate_adjoint *adjoint);
void csi_propagator_destroy(csi_propagator *propagator, const costate_allocator *alloc);

/* True if, for the cotangents at hand, one long integration of Φ is expected to cost less than a restart of λ at
 * each of them. */
bool csi_propagator_pays(const costate_adjoint *adjoint);

/* Brings an active λ towards t0, to which it may not come: where Φ c cancels too often, the rest is left to
 * restarts. */
costate_status csi_propagator_sweep(costate_adjoint *adjoint);

#endif
