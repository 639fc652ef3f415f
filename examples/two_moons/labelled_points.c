/* SPDX-License-Identifier: MIT */
/* Points of the plane in two classes, drawn or read from a file. */
#include "labelled_points.h"

#include "half_moons.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { STREAM_POINTS, STREAM_ORDER };

static bool reserve(size_t n, labelled_points *points) {
    *points =
        (labelled_points){.n = n, .x = calloc(n, 2 * sizeof(*points->x)), .target = calloc(n, sizeof(*points->target))};
    if (!points->x || !points->target) {
        fprintf(stderr, "two_moons: no memory for %zu points\n", n);
        return false;
    }
    return true;
}

bool labelled_points_draw(size_t n, double noise, uint64_t seed, labelled_points *points) {
    costate_random random = costate_random_seed(seed, STREAM_POINTS);
    if (!reserve(n, points)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        double x[2];
        const bool lower = i % 2 == 1;
        half_moons_draw(lower, noise, &random, x);
        points->x[2 * i] = (float)x[0];
        points->x[2 * i + 1] = (float)x[1];
        points->target[i] = lower ? 1.0F : 0.0F;
    }
    return true;
}

/* Point i of the file goes to a place among the first i + 1, whose point moves to place i. */
static void insert(size_t i, const double x[2], double label, costate_random *random, labelled_points *points) {
    const size_t place = (size_t)costate_random_below(random, i + 1);
    for (size_t k = 0; k < 2; k++) {
        points->x[2 * i + k] = points->x[2 * place + k];
        points->x[2 * place + k] = (float)x[k];
    }
    points->target[i] = points->target[place];
    points->target[place] = label > 0.0 ? 1.0F : 0.0F;
}

static bool check(const char *path, const costate_moons *moons) {
    const size_t n = costate_moons_n_point(moons);
    const double *x = costate_moons_x(moons);
    const double *label = costate_moons_label(moons);
    size_t n_first = 0;
    if (n < N_POINT_MIN) {
        fprintf(stderr, "two_moons: %s: %zu points, at least %d are needed\n", path, n, N_POINT_MIN);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        n_first += label[i] == label[0];
        if (!isfinite((float)x[2 * i]) || !isfinite((float)x[2 * i + 1])) {
            fprintf(stderr, "two_moons: %s: point %zu is too large for single precision\n", path, i);
            return false;
        }
    }
    if (n_first == n) {
        fprintf(stderr, "two_moons: %s: all points have the label %g\n", path, label[0]);
        return false;
    }
    return true;
}

bool labelled_points_read(const char *path, uint64_t seed, labelled_points *points) {
    costate_random random = costate_random_seed(seed, STREAM_ORDER);
    costate_moons *moons;
    costate_message message;
    *points = (labelled_points){0};
    if (costate_moons_read(path, NULL, NULL, &moons, &message) != COSTATE_OK) {
        fprintf(stderr, "two_moons: %s\n", message.text);
        return false;
    }
    const bool right = check(path, moons) && reserve(costate_moons_n_point(moons), points);
    for (size_t i = 0; right && i < points->n; i++) {
        insert(i, costate_moons_x(moons) + 2 * i, costate_moons_label(moons)[i], &random, points);
    }
    costate_moons_destroy(moons);
    return right;
}

void labelled_points_free(labelled_points *points) {
    free(points->x);
    free(points->target);
    *points = (labelled_points){0};
}
