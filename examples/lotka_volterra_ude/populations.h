/* SPDX-License-Identifier: MIT */
/* Observed numbers of prey and predators: the published scenario, or a record read from a CSV file. */
#ifndef POPULATIONS_H
#define POPULATIONS_H

#include <costate/costate.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PREY, PREDATOR, N_STATE };

typedef struct populations {
    size_t n;                   /* observations */
    double *t;                  /* n elements, from 0 */
    double *y;                  /* n x 2, row-major */
    const char *name[N_STATE];  /* of the populations */
    double origin;              /* what was subtracted from the times of the file */
    double t_end;               /* end of the extrapolation */
    double mean[N_STATE];       /* of the data */
    double largest_of[N_STATE]; /* of the data */
    double largest;             /* of both */
    double slope[N_STATE];      /* root mean square slope of the smoothing splines through the data */
    bool has_truth;             /* the scenario: the equations behind the data are known */
    costate_csv *table;         /* owns the names of a record */
} populations;

/* Rates of the scenario: growth of the prey, predation, growth by predation, death of the predators. */
extern const double true_growth;
extern const double true_predation;
extern const double true_conversion;
extern const double true_death;

/* The solution of the scenario: row i of y is the state at t[i]. */
costate_status populations_truth(size_t n_t, const double *t, double *y);

/* The true interaction terms at a state of the scenario: -b x y and c x y. */
void populations_true_interaction(const double *y, double *u);

/* 31 points of the scenario with normal errors whose standard deviation is 0.5 % of each mean. */
costate_status populations_simulate(uint64_t seed, populations *data);

/* The first three columns are time, prey and predators; they are extrapolated for half of the record's time. Says what is
 * wrong on standard error and returns false if it cannot. */
bool populations_read(const char *path, populations *data);

void populations_free(populations *data);

#endif
