/* SPDX-License-Identifier: MIT */
/* The network's values against the slopes of a spline through the data: a first fit that solves no equation. */
#ifndef ROBER_SLOPES_H
#define ROBER_SLOPES_H

#include "rober_network.h"

#include <stdbool.h>

/*
 * With a = N(u_i) and b the slope of the spline at t_i in the unit of N, the loss is the mean of
 *
 *     (asinh a - asinh b)^2                                 magnitudes; or
 *     (asinh(K a t_i / t_end) - asinh(K b t_i / t_end))^2 / K^2     otherwise.
 *
 * The slopes range from 1e8 to 1e-2. The first form brings a network that starts near 1 to the right powers of ten. The
 * second compares slopes with respect to ln t, which say by how much the solution would go astray per e-fold of time:
 * an early slope may be wrong by thousands, a late one must not be by a tenth. Its asinh keeps gross errors finite.
 */
typedef struct rober_slopes {
    const costate_net *net;
    const rober_data *data;
    double slope[ROBER_N_T * ROBER_N_Y]; /* in the unit of N */
    bool magnitudes;
    void *work;
    size_t work_bytes;
} rober_slopes;

/* data and net must outlive slopes. */
costate_status rober_slopes_create(const rober_data *data, const costate_net *net, rober_slopes *slopes);
void rober_slopes_destroy(rober_slopes *slopes);

/* A costate_objective_fn; ctx is a rober_slopes. */
costate_status rober_slopes_objective(const double *p, double *value, double *grad, void *ctx);

#endif
