/* SPDX-License-Identifier: MIT */
/* Points of the plane in two classes, drawn or read from a file. */
#ifndef LABELLED_POINTS_H
#define LABELLED_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { N_POINT_MIN = 100 };

/* In random order, so that the last of them are as good a sample as any. */
typedef struct labelled_points {
    size_t n;
    float *x;      /* 2 n elements, point by point */
    float *target; /* n elements: 1 for the lower moon, in files the label 1; else 0 */
} labelled_points;

/* n points, every other one of the lower moon. False if there is no memory, which is said on standard error. */
bool labelled_points_draw(size_t n, double noise, uint64_t seed, labelled_points *points);

/* The points of a two-moons file in an order drawn with the seed. False, with a line on standard error that names the
 * file, if it cannot be read or is no data to learn two classes from. */
bool labelled_points_read(const char *path, uint64_t seed, labelled_points *points);

void labelled_points_free(labelled_points *points);

#endif
