/* SPDX-License-Identifier: MIT */
/* Fitted curves and the data they were fitted to. */
#ifndef CURVES_H
#define CURVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A fine grid of times that contains those of the data, and the fit there. */
typedef struct curves {
    size_t n_state;
    size_t n_point;     /* points of the grid */
    double *time;       /* n_point elements */
    double *fit;        /* n_point x n_state */
    double *data;       /* a copy of the data */
    const double **row; /* n_point elements: the n_state data at this time, or NULL */
} curves;

/* The grid over the times of n_data >= 2 rows of data; fit is still to be computed. */
void curves_create(curves *c, size_t n_data, size_t n_state, const double *time, const double *data);
void curves_free(curves *c);

/* Root-mean-square difference of fit and data of one state, or of all with state == n_state. */
double curves_rmse(const curves *c, size_t state);

/* The same for the best constants instead of the fit: the standard deviation of the data. */
double curves_rmse_of_constant(const curves *c, size_t state);

/* Largest absolute value of the data. */
double curves_largest_datum(const curves *c);

bool curves_all_finite(const curves *c);

/*
 * Writes rows "time, fit of every state, data of every state" under a header made of the names of time and states; the data columns are empty
 * between the data.
 */
void curves_write_csv(const curves *c, char *const *names, FILE *file);

#endif
