/* SPDX-License-Identifier: MIT */
/* Scales a record: states to mean 0 and standard deviation 1, time to 0 … 10. */
#ifndef RECORD_SCALE_H
#define RECORD_SCALE_H

#include "data_record.h"
#include "piece_objective.h"

#include <stddef.h>

/* Length of the record in scaled time: a network with outputs of order one can then follow several oscillations. */
#define SCALED_DURATION 10.0

typedef struct record_scale {
    double time_origin;
    double time_unit;
    double mean[RECORD_MAX_STATES];
    double unit[RECORD_MAX_STATES]; /* standard deviation; 1 for a constant state */
    double *time;
    double *state;
    scaled_record record; /* refers to the above */
} record_scale;

void record_scale_create(record_scale *scale, const data_record *record);
void record_scale_free(record_scale *scale);

/* n times of the data in scaled time. */
void record_scale_times(const record_scale *scale, size_t n, const double *time, double *scaled);

/* n scaled states back in units of the data, in place. */
void record_scale_undo(const record_scale *scale, size_t n, double *state);

#endif
