/* SPDX-License-Identifier: MIT */
/* When `auto` changes between explicit and implicit steps. */
#include "ode/stiffness.h"

#include <float.h>
#include <math.h>

/*
 * |λh| above which an explicit step counts as held back by stability, which tsit5 keeps for y' = λy down to
 * λh = −3.507: the step control then hovers below that point, and smooth components in the estimate lower it further.
 * Counting as DOPRI5 does (Hairer & Wanner II, IV.2): 15 such steps, forgotten after 6 others in a row.
 */
#define STIFF_FROM 2.75
#define STIFF_STEPS 15
#define MISSES 6

/*
 * |λh| below which an implicit step could as well be explicit: half of tsit5's interval, so that the longer step tsit5
 * may take is not seen as stiff at once. 10 of them in a row, so that the end of every short transient is not a change.
 */
#define EASY_BELOW 1.75
#define EASY_STEPS 10

void csi_stiffness_begin(csi_stiffness *stiffness) { *stiffness = (csi_stiffness){0}; }

bool csi_stiffness_appears(csi_stiffness *stiffness, const csi_step_record *record, size_t n, double rtol,
                           const double *atol, const double *stage, const double *y_end) {
    const int last = record->tableau->n_stage - 1;
    const double *slope = record->k + (size_t)last * n;
    const double *slope_before = slope - n;
    double rise = 0.0;
    double run = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double weight = rtol * fabs(y_end[i]) + atol[i] + DBL_MIN;
        const double dk = (slope[i] - slope_before[i]) / weight;
        const double dy = (y_end[i] - stage[i]) / weight;
        rise += dk * dk;
        run += dy * dy;
    }
    if (record->h * record->h * rise > STIFF_FROM * STIFF_FROM * run) {
        stiffness->n_for++;
        stiffness->n_against = 0;
    } else if (++stiffness->n_against == MISSES) {
        stiffness->n_for = 0;
    }
    return stiffness->n_for >= STIFF_STEPS;
}

/* The least of the norms of n × n `jac` that are summed up easily; none is below the spectral radius. */
static double spectral_bound(size_t n, const double *jac) {
    double column_most = 0.0;
    double row_most = 0.0;
    double square = 0.0;
    for (size_t i = 0; i < n; i++) {
        double column = 0.0;
        double row = 0.0;
        for (size_t j = 0; j < n; j++) {
            const double below = fabs(jac[j + n * i]);
            column += below;
            row += fabs(jac[i + n * j]);
            square += below * below;
        }
        column_most = fmax(column_most, column);
        row_most = fmax(row_most, row);
    }
    return fmin(sqrt(square), fmin(column_most, row_most));
}

bool csi_stiffness_is_over(csi_stiffness *stiffness, const csi_step_record *record, size_t n, const double *jac) {
    stiffness->n_for = fabs(record->h) * spectral_bound(n, jac) < EASY_BELOW ? stiffness->n_for + 1 : 0;
    return stiffness->n_for >= EASY_STEPS;
}
