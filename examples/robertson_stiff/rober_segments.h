/* SPDX-License-Identifier: MIT */
/* The solution of the network's equation against the data, in segments that start at data. */
#ifndef ROBER_SEGMENTS_H
#define ROBER_SEGMENTS_H

#include "rober_network.h"

#include <stdbool.h>

/*
 * The time axis is cut into segments of `length` observations. Each is solved from the datum before its first
 * observation (the first segment from time 0); with length = ROBER_N_T there is one, the solution itself. The loss is the
 * mean over all observations and species of e^2, or of |e|, with e = (solution - datum) / yscale.
 */
typedef struct rober_segments {
    const rober_data *data;
    costate_solver *solver;
    costate_adjoint *adjoint;
    size_t n_p;
    size_t length;
    bool absolute;
} rober_segments;

/* data and the context of rhs must outlive segments. */
costate_status rober_segments_create(const rober_data *data, const costate_rhs *rhs, costate_method method, double rtol,
                                     rober_segments *segments);
void rober_segments_destroy(rober_segments *segments);

/* A costate_objective_fn; ctx is a rober_segments. */
costate_status rober_segments_objective(const double *p, double *value, double *grad, void *ctx);

#endif
