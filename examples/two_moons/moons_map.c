/* SPDX-License-Identifier: MIT */
/* The learned probability on a grid of the plane. */
#include "moons_map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double MARGIN = 0.08;

/* Range of coordinate k of the points, with a margin on both sides. */
static void find_range(const labelled_points *points, size_t k, double *low, double *high) {
    *low = (double)points->x[k];
    *high = *low;
    for (size_t i = 1; i < points->n; i++) {
        *low = fmin(*low, (double)points->x[2 * i + k]);
        *high = fmax(*high, (double)points->x[2 * i + k]);
    }
    const double margin = MARGIN * (*high - *low);
    *low -= margin;
    *high += margin;
}

static void place(const labelled_points *points, moons_map *map, float *x) {
    double low[2];
    double high[2];
    find_range(points, 0, &low[0], &high[0]);
    find_range(points, 1, &low[1], &high[1]);
    for (size_t i = 0; i < N_MAP; i++) {
        const size_t column = i / N_MAP_Y;
        const size_t row = i % N_MAP_Y;
        map->x[i] = low[0] + (high[0] - low[0]) * (double)column / (N_MAP_X - 1);
        map->y[i] = low[1] + (high[1] - low[1]) * (double)row / (N_MAP_Y - 1);
        x[2 * i] = (float)map->x[i];
        x[2 * i + 1] = (float)map->y[i];
    }
}

costate_status moons_map_evaluate(moons_classifier *classifier, const labelled_points *points, moons_map *map) {
    costate_status status = COSTATE_ERR_MEMORY;
    float *x = calloc(N_MAP, 2 * sizeof(float));
    float *probability = calloc(N_MAP, sizeof(float));
    *map = (moons_map){.x = calloc(N_MAP, sizeof(double)),
                       .y = calloc(N_MAP, sizeof(double)),
                       .probability = calloc(N_MAP, sizeof(double))};
    if (x && probability && map->x && map->y && map->probability) {
        place(points, map, x);
        status = moons_classifier_probability(classifier, N_MAP, x, probability);
    }
    for (size_t i = 0; status == COSTATE_OK && i < N_MAP; i++) {
        map->probability[i] = (double)probability[i];
    }
    free(x);
    free(probability);
    return status;
}

void moons_map_free(moons_map *map) {
    free(map->x);
    free(map->y);
    free(map->probability);
    *map = (moons_map){0};
}

bool moons_map_write_csv(const moons_map *map, const char *path) {
    costate_message message;
    const costate_csv_column columns[] = {
        {.name = "x", .x = map->x}, {.name = "y", .x = map->y}, {.name = "probability", .x = map->probability}};
    const bool ok = costate_csv_write(path, N_MAP, 3, columns, NULL, &message) == COSTATE_OK;
    if (!ok) {
        fprintf(stderr, "two_moons: --csv: %s\n", message.text);
    }
    return ok;
}
