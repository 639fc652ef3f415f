/* SPDX-License-Identifier: MIT */
/* Two interleaving half-circles with normal noise, and the best classifier there can be for them. */
#include "half_moons.h"

#include <math.h>

static const double PI = 3.141592653589793;

/* Below this the densities are too steep for their quadrature, and the nearer moon is the likelier one anyway. */
static const double NOISE_MIN = 0.02;

static void centre(bool lower, double t, double point[2]) {
    point[0] = lower ? 1.0 - cos(t) : cos(t);
    point[1] = lower ? 0.5 - sin(t) : sin(t);
}

void half_moons_draw(bool lower, double noise, costate_random *random, double point[2]) {
    centre(lower, PI * costate_random_uniform(random), point);
    point[0] += noise * costate_random_normal(random);
    point[1] += noise * costate_random_normal(random);
}

/* Logarithm of the density but for a constant, by the midpoint rule; its largest term is taken out: no underflow. */
static double log_density(bool lower, double noise, const double point[2]) {
    enum { N_NODE = 400 };
    double exponent[N_NODE];
    double largest = -HUGE_VAL;
    double sum = 0.0;
    for (int k = 0; k < N_NODE; k++) {
        double c[2];
        centre(lower, PI * (k + 0.5) / N_NODE, c);
        const double dx = (point[0] - c[0]) / noise;
        const double dy = (point[1] - c[1]) / noise;
        exponent[k] = -0.5 * (dx * dx + dy * dy);
        largest = fmax(largest, exponent[k]);
    }
    for (int k = 0; k < N_NODE; k++) {
        sum += exp(exponent[k] - largest);
    }
    return largest + log(sum);
}

bool half_moons_is_lower(double noise, const double point[2]) {
    const double sd = fmax(noise, NOISE_MIN);
    return log_density(true, sd, point) > log_density(false, sd, point);
}
