/* SPDX-License-Identifier: MIT */
/* Two interleaving half-circles with normal noise, and the best classifier there can be for them. */
#ifndef HALF_MOONS_H
#define HALF_MOONS_H

#include <costate/costate.h>
#include <stdbool.h>

/*
 * A point of the upper moon, (cos t, sin t), or of the lower one, (1 - cos t, 1/2 - sin t), t uniform in (0, pi), with
 * normal errors of standard deviation `noise` in both coordinates.
 */
void half_moons_draw(bool lower, double noise, costate_random *random, double point[2]);

/* True if the density of the lower moon is the larger one at a point: no classifier is right more often than this. */
bool half_moons_is_lower(double noise, const double point[2]);

#endif
