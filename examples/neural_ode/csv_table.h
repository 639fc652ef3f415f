/* SPDX-License-Identifier: MIT */
/* A table of numbers read from a CSV file: a header, a time column, state columns. */
#ifndef CSV_TABLE_H
#define CSV_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { CSV_MAX_STATES = 32, CSV_MAX_ROWS = 100000 };

/* Numbers are finite and no larger, so that their squares cannot overflow. */
#define CSV_MAX_NUMBER 1e100

typedef struct csv_table {
    size_t n_row;   /* rows of data, >= 2 */
    size_t n_state; /* columns after the first, >= 1 */
    char **names;   /* n_state + 1 column names, that of time first */
    double *time;   /* n_row elements, strictly increasing */
    double *state;  /* n_row x n_state, row-major */
} csv_table;

/*
 * Reads a file: comma-separated, fields may be quoted, lines may end in CRLF, empty lines at the end and a UTF-8 byte-order mark do not matter.
 * When it is not what it should be, says so in one line that names file, row (the header is row 1) and column, and returns false.
 */
bool csv_table_read(const char *path, csv_table *table);

/* Releases what csv_table_read() allocated; a zeroed table has no effect. */
void csv_table_free(csv_table *table);

#endif
