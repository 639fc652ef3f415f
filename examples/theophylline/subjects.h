/* SPDX-License-Identifier: MIT */
/* Concentrations of a drug in several subjects, read from a CSV file. */
#ifndef SUBJECTS_H
#define SUBJECTS_H

#include <costate/costate.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct subjects {
    size_t n;               /* subjects */
    size_t n_observation;   /* of all */
    double *time;           /* h, subject by subject */
    double *concentration;  /* mg/L */
    double *dose;           /* n elements, mg/kg */
    costate_series *series; /* n elements that refer to the above; the dose is the covariate */
    const char **name;      /* n elements */
    costate_csv *table;     /* owns the names */
    double longest;         /* last time */
    double highest;         /* largest concentration */
} subjects;

/* Columns Subject, Dose, Time and conc; the rows of a subject in the order of time, its dose the same in all. Says what is
 * wrong on standard error and returns false if it cannot. */
bool subjects_read(const char *path, subjects *s);

void subjects_free(subjects *s);

#endif
