/* SPDX-License-Identifier: MIT */
/* Interpolation in an (error, time) curve. */
#include "equal_error.h"

#include <math.h>

double equal_error_seconds(size_t n, const error_point *points, double error, error_match *match) {
    if (points[0].error <= error) {
        *match = ERROR_MATCH_AT_MOST;
        return points[0].seconds;
    }
    for (size_t i = 1; i < n; i++) {
        const error_point *loose = &points[i - 1];
        const error_point *tight = &points[i];
        if (tight->error <= error) {
            const double weight = log(loose->error / error) / log(loose->error / tight->error);
            *match = ERROR_MATCH_INTERPOLATED;
            return exp((1.0 - weight) * log(loose->seconds) + weight * log(tight->seconds));
        }
    }
    *match = ERROR_MATCH_AT_LEAST;
    return points[n - 1].seconds;
}
