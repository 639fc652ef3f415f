/* SPDX-License-Identifier: MIT */
/* Results in single precision beside those in double. */
#include "compare/single_precision.h"

#include <math.h>
#include <stdlib.h>

double *single_widen(size_t n, const float *from) {
    double *to = malloc(n * sizeof *to);
    for (size_t i = 0; to && i < n; i++) {
        to[i] = (double)from[i];
    }
    return to;
}

double single_distance(size_t n, const float *a, const double *reference) {
    double difference = 0.0;
    double norm = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double error = (double)a[i] - reference[i];
        difference += error * error;
        norm += reference[i] * reference[i];
    }
    return sqrt(difference / norm);
}
