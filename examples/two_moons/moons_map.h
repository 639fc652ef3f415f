/* SPDX-License-Identifier: MIT */
/* The learned probability on a grid of the plane. */
#ifndef MOONS_MAP_H
#define MOONS_MAP_H

#include "moons_classifier.h"

enum { N_MAP_X = 161, N_MAP_Y = 121, N_MAP = N_MAP_X * N_MAP_Y };

/* N_MAP elements each; y runs fastest. */
typedef struct moons_map {
    double *x;
    double *y;
    double *probability;
} moons_map;

/* On a rectangle that the points leave a margin in. Free also after a failure. */
costate_status moons_map_evaluate(moons_classifier *classifier, const labelled_points *points, moons_map *map);
void moons_map_free(moons_map *map);

/* Columns x, y and probability. False with a line on standard error if the file cannot be written. */
bool moons_map_write_csv(const moons_map *map, const char *path);

#endif
