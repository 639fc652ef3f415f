/* SPDX-License-Identifier: MIT */
/* Scales a record: states to mean 0 and standard deviation 1, time to 0 … 10. */
#include "record_scale.h"

#include "complain.h"

#include <math.h>
#include <stdlib.h>

/* Smaller deviations, relative to the mean, are rounding. */
static const double SMALLEST_DEVIATION = 1e-12;

static void find_unit(record_scale *scale, const data_record *record, size_t k) {
    const double n = (double)record->n_row;
    double mean = 0.0;
    double square = 0.0;
    for (size_t i = 0; i < record->n_row; i++) {
        mean += record->state[i * record->n_state + k] / n;
    }
    for (size_t i = 0; i < record->n_row; i++) {
        const double d = record->state[i * record->n_state + k] - mean;
        square += d * d / n;
    }
    scale->mean[k] = mean;
    scale->unit[k] = sqrt(square) > SMALLEST_DEVIATION * fabs(mean) ? sqrt(square) : 1.0;
}

void record_scale_create(record_scale *scale, const data_record *record) {
    const size_t n_state = record->n_state;
    *scale = (record_scale){.time_origin = record->time[0],
                            .time_unit = (record->time[record->n_row - 1] - record->time[0]) / SCALED_DURATION};
    scale->time = allocate(record->n_row, sizeof(double));
    scale->state = allocate(record->n_row * n_state, sizeof(double));
    record_scale_times(scale, record->n_row, record->time, scale->time);
    for (size_t k = 0; k < n_state; k++) {
        find_unit(scale, record, k);
        for (size_t i = 0; i < record->n_row; i++) {
            const size_t at = i * n_state + k;
            scale->state[at] = (record->state[at] - scale->mean[k]) / scale->unit[k];
        }
    }
    scale->record = (scaled_record){
        .n_row = record->n_row, .n_state = n_state, .time = scale->time, .state = scale->state, .unit = scale->unit};
}

void record_scale_free(record_scale *scale) {
    free(scale->time);
    free(scale->state);
    *scale = (record_scale){0};
}

void record_scale_times(const record_scale *scale, size_t n, const double *time, double *scaled) {
    for (size_t i = 0; i < n; i++) {
        scaled[i] = (time[i] - scale->time_origin) / scale->time_unit;
    }
}

void record_scale_undo(const record_scale *scale, size_t n, double *state) {
    const size_t n_state = scale->record.n_state;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n_state; k++) {
            state[i * n_state + k] = scale->mean[k] + scale->unit[k] * state[i * n_state + k];
        }
    }
}
