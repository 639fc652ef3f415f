/* SPDX-License-Identifier: MIT */
/* Points on the map of the probability with the decision boundary; beside it the losses of all epochs. */
#ifndef MOONS_PICTURE_H
#define MOONS_PICTURE_H

#include "moons_map.h"

typedef struct moons_picture {
    const labelled_points *points;
    const moons_map *map;
    costate_chain_train_history history;
    size_t best_epoch;
} moons_picture;

/* False with a line on standard error if gnuplot is there and cannot draw. */
bool moons_picture_draw(const moons_picture *picture, const char *path);

#endif
