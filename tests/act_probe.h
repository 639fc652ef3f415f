/* SPDX-License-Identifier: MIT */
/* Activations at many points at once, through the public layer and network calls. */
#ifndef ACT_PROBE_H
#define ACT_PROBE_H

#include <costate/act.h>
#include <stddef.h>

/*
 * a = act(z) and d = act'(z) at n points, either NULL if not wanted: a layer of n units whose weight column is z, at x = 1. A product
 * with 1 is exact; only the sign of a zero may be lost.
 */
void act_probe_f64(costate_act act, costate_accuracy accuracy, size_t n, const double *z, double *a, double *d);
void act_probe_f32(costate_act act, costate_accuracy accuracy, size_t n, const float *z, float *a, float *d);

/* act''(z) at n points: the Hessian at x = 0 of n units with weight 1 and bias z. */
void act_probe_curvature_f64(costate_act act, costate_accuracy accuracy, size_t n, const double *z, double *dd);
void act_probe_curvature_f32(costate_act act, costate_accuracy accuracy, size_t n, const float *z, float *dd);

#endif
