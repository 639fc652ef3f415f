/* SPDX-License-Identifier: MIT */
/* The data to fit: a time column and state columns of a CSV file. */
#include "data_record.h"

#include "complain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool check_shape(const char *path, const costate_csv *table) {
    const size_t n_column = costate_csv_n_column(table);
    const size_t n_row = costate_csv_n_row(table);
    if (n_column < 2) {
        complain("%s: row 1: there is no state column; a time column and at least one state column are needed", path);
    } else if (n_column > RECORD_MAX_STATES + 1) {
        complain("%s: row 1 has %zu columns; at most %d states are supported", path, n_column, RECORD_MAX_STATES);
    } else if (n_row == 0) {
        complain("%s: there is only a header, no row of data", path);
    } else if (n_row == 1) {
        complain("%s: row 2 is the only row of data; at least two are needed", path);
    } else {
        return true;
    }
    return false;
}

static bool check_times(const char *path, const data_record *record) {
    for (size_t i = 1; i < record->n_row; i++) {
        const double time = record->time[i];
        const double previous = record->time[i - 1];
        const size_t row = costate_csv_line(record->table, i);
        if (time == previous) {
            complain("%s: row %zu, column 1 (%s): the time %.15g is that of the row above", path, row, record->names[0],
                     time);
            return false;
        }
        if (time < previous) {
            complain("%s: row %zu, column 1 (%s): the time %.15g comes after %.15g; times must increase", path, row,
                     record->names[0], time, previous);
            return false;
        }
    }
    return true;
}

/* Column k to x[0], x[stride], ... */
static bool read_column(const char *path, const data_record *record, size_t k, double *x, size_t stride) {
    costate_message message;
    double *column = allocate(record->n_row, sizeof(double));
    bool good = costate_csv_numbers(record->table, k, COSTATE_CSV_MISSING_REFUSE, column, &message) == COSTATE_OK;
    if (!good) {
        complain("%s", message.text);
    }
    for (size_t i = 0; i < record->n_row && good; i++) {
        if (fabs(column[i]) > RECORD_MAX_NUMBER) {
            complain("%s: row %zu, column %zu (%s): '%.40s' is too large", path, costate_csv_line(record->table, i),
                     k + 1, record->names[k], costate_csv_text(record->table, i, k));
            good = false;
        }
        x[i * stride] = column[i];
    }
    free(column);
    return good;
}

static bool read_columns(const char *path, data_record *record) {
    record->n_row = costate_csv_n_row(record->table);
    record->n_state = costate_csv_n_column(record->table) - 1;
    record->names = allocate(record->n_state + 1, sizeof(*record->names));
    record->time = allocate(record->n_row, sizeof(double));
    record->state = allocate(record->n_row * record->n_state, sizeof(double));
    for (size_t k = 0; k <= record->n_state; k++) {
        const char *name = costate_csv_name(record->table, k);
        record->names[k] = allocate(strlen(name) + 1, 1);
        memcpy(record->names[k], name, strlen(name) + 1);
    }
    bool good = read_column(path, record, 0, record->time, 1);
    for (size_t k = 0; k < record->n_state && good; k++) {
        good = read_column(path, record, k + 1, record->state + k, record->n_state);
    }
    return good && check_times(path, record);
}

bool data_record_read(const char *path, data_record *record) {
    const costate_csv_options options = {.max_bytes = (size_t)64 << 20, .max_rows = RECORD_MAX_ROWS};
    costate_message message;
    *record = (data_record){0};
    if (costate_csv_read(path, &options, NULL, &record->table, &message) != COSTATE_OK) {
        complain("%s", message.text);
        return false;
    }
    if (!check_shape(path, record->table) || !read_columns(path, record)) {
        data_record_free(record);
        return false;
    }
    return true;
}

void data_record_free(data_record *record) {
    for (size_t k = 0; record->names && k <= record->n_state; k++) {
        free(record->names[k]);
    }
    free(record->names);
    costate_csv_destroy(record->table);
    free(record->time);
    free(record->state);
    *record = (data_record){0};
}
