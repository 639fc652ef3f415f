/* SPDX-License-Identifier: MIT */
/* The data to fit: a time column and state columns of a CSV file. */
#ifndef DATA_RECORD_H
#define DATA_RECORD_H

#include <costate/csv.h>
#include <stdbool.h>
#include <stddef.h>

enum { RECORD_MAX_STATES = 32, RECORD_MAX_ROWS = 100000 };

/* Numbers are no larger, so that their squares cannot overflow. */
#define RECORD_MAX_NUMBER 1e100

typedef struct data_record {
    costate_csv *table;
    size_t n_row;   /* rows of data, >= 2 */
    size_t n_state; /* columns after the first, >= 1 */
    char **names;   /* n_state + 1 column names, that of time first */
    double *time;   /* n_row elements, strictly increasing */
    double *state;  /* n_row x n_state, row-major */
} data_record;

/* Reads a file. When it is not what it should be, says so in one line that names file, row and column, and returns false. */
bool data_record_read(const char *path, data_record *record);

/* Releases what data_record_read() allocated; a zeroed record has no effect. */
void data_record_free(data_record *record);

#endif
