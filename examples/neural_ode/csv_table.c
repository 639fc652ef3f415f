/* SPDX-License-Identifier: MIT */
/* A table of numbers read from a CSV file: a header, a time column, state columns. */
#include "csv_table.h"

#include "complain.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE_BYTES = 64 * 1024 * 1024, MAX_COLUMNS = CSV_MAX_STATES + 1, SHOWN_BYTES = 40 };

typedef struct reader {
    const char *path;
    size_t row; /* of the line being read; the header is row 1 */
    size_t n_column;
    char *fields[MAX_COLUMNS];
} reader;

static char *read_whole_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        complain("%s: cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    size_t capacity = 1 << 16;
    char *text = allocate(capacity, 1);
    *size = 0;
    for (;;) {
        *size += fread(text + *size, 1, capacity - 1 - *size, file);
        if (*size < capacity - 1 || capacity > MAX_FILE_BYTES) {
            break;
        }
        capacity *= 2;
        text = reallocate(text, capacity, 1);
    }
    text[*size] = '\0';
    const bool failed = ferror(file) != 0;
    const int error = errno;
    fclose(file);
    if (failed) {
        complain("%s: cannot be read: %s", path, strerror(error));
    } else if (*size > MAX_FILE_BYTES) {
        complain("%s: is larger than %d MiB", path, MAX_FILE_BYTES / (1024 * 1024));
    } else {
        return text;
    }
    free(text);
    return NULL;
}

/* Cuts the line off the text; NULL at the end. Its end may be LF, CRLF or the end of the text. */
static char *next_line(char **text) {
    char *line = *text;
    if (*line == '\0') {
        return NULL;
    }
    char *end = strchr(line, '\n');
    *text = end ? end + 1 : line + strlen(line);
    end = end ? end : *text;
    if (end > line && end[-1] == '\r') {
        end--;
    }
    *end = '\0';
    return line;
}

static bool is_blank(const char *text) { return text[strspn(text, " \t\r")] == '\0'; }

static char *trim(char *text) {
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        length--;
    }
    text[length] = '\0';
    return text;
}

/* Removes the quotes of a quoted field in place ("" is one quote) and returns what follows the closing one, NULL if there is none. */
static char *unquote(char *field) {
    char *to = field;
    for (char *from = field + 1; *from != '\0'; from++) {
        if (*from == '"') {
            if (from[1] != '"') {
                *to = '\0';
                return from + 1;
            }
            from++;
        }
        *to++ = *from;
    }
    return NULL;
}

/* Splits a line into reader->fields; *n is the number of columns, also of those that do not fit. */
static bool split(reader *r, char *line, size_t *n) {
    *n = 0;
    for (char *at = line; at;) {
        char *field = at + strspn(at, " \t");
        char *end;
        if (*field == '"') {
            end = unquote(field);
            if (!end || end[strspn(end, " \t")] == '\0') {
                at = NULL;
            } else {
                end += strspn(end, " \t");
                at = *end == ',' ? end + 1 : NULL;
                end = *end == ',' ? end : NULL;
            }
            if (!end) {
                complain("%s: row %zu, column %zu: the quotes do not match", r->path, r->row, *n + 1);
                return false;
            }
        } else {
            end = strchr(field, ',');
            at = end ? end + 1 : NULL;
            if (end) {
                *end = '\0';
            }
            field = trim(field);
        }
        if (*n < MAX_COLUMNS) {
            r->fields[*n] = field;
        }
        (*n)++;
    }
    return true;
}

static bool parse_number(const char *text, double *value) {
    char *end;
    if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0') {
        return false;
    }
    *value = strtod(text, &end);
    return *end == '\0';
}

/* Also recognises the spellings of values that are no numbers. */
static bool is_nonfinite_word(const char *text) {
    char *end;
    const double value = strtod(text, &end);
    return end != text && *end == '\0' && !isfinite(value);
}

static bool read_header(reader *r, char *line, csv_table *table) {
    size_t n;
    double unused;
    bool all_numbers = true;
    if (!split(r, line, &n)) {
        return false;
    }
    if (n < 2) {
        complain("%s: row 1: there is no state column; a time column and at least one state column are needed",
                 r->path);
        return false;
    }
    if (n > MAX_COLUMNS) {
        complain("%s: row 1 has %zu columns; at most %d states are supported", r->path, n, CSV_MAX_STATES);
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        if (r->fields[k][0] == '\0') {
            complain("%s: row 1, column %zu: the column has no name", r->path, k + 1);
            return false;
        }
        all_numbers = all_numbers && parse_number(r->fields[k], &unused);
    }
    if (all_numbers) {
        complain("%s: row 1 holds numbers; a header with the names of the columns is needed", r->path);
        return false;
    }
    r->n_column = n;
    table->n_state = n - 1;
    table->names = allocate(n, sizeof(char *));
    for (size_t k = 0; k < n; k++) {
        const size_t bytes = strlen(r->fields[k]) + 1;
        table->names[k] = allocate(bytes, 1);
        memcpy(table->names[k], r->fields[k], bytes);
    }
    return true;
}

static bool check_time(const reader *r, const csv_table *table, double time) {
    const double previous = table->time[table->n_row - 1];
    if (time > previous) {
        return true;
    }
    if (time == previous) {
        complain("%s: row %zu, column 1 (%s): the time %.15g is that of the row above", r->path, r->row,
                 table->names[0], time);
    } else {
        complain("%s: row %zu, column 1 (%s): the time %.15g comes after %.15g; times must increase", r->path, r->row,
                 table->names[0], time, previous);
    }
    return false;
}

static bool read_row(reader *r, char *line, csv_table *table) {
    size_t n;
    if (!split(r, line, &n)) {
        return false;
    }
    if (n < r->n_column) {
        complain("%s: row %zu, column %zu (%s): missing; the header has %zu columns, this row %zu", r->path, r->row,
                 n + 1, table->names[n], r->n_column, n);
        return false;
    }
    if (n > r->n_column) {
        complain("%s: row %zu, column %zu: one too many; the header has %zu columns, this row %zu", r->path, r->row,
                 r->n_column + 1, r->n_column, n);
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        const char *field = r->fields[k];
        double value = 0.0;
        const char *wrong = NULL;
        if (field[0] == '\0') {
            wrong = "is empty";
        } else if (is_nonfinite_word(field)) {
            wrong = "is not a finite number";
        } else if (!parse_number(field, &value)) {
            wrong = "is not a number";
        } else if (fabs(value) > CSV_MAX_NUMBER) {
            wrong = "is too large";
        }
        if (wrong) {
            complain("%s: row %zu, column %zu (%s): '%.*s' %s", r->path, r->row, k + 1, table->names[k], SHOWN_BYTES,
                     field, wrong);
            return false;
        }
        if (k > 0) {
            table->state[table->n_row * table->n_state + k - 1] = value;
        } else if (table->n_row > 0 && !check_time(r, table, value)) {
            return false;
        } else {
            table->time[table->n_row] = value;
        }
    }
    table->n_row++;
    return true;
}

/* Only empty lines may follow an empty line. */
static bool check_rest(const reader *r, char *text) {
    char *line = next_line(&text);
    while (line && is_blank(line)) {
        line = next_line(&text);
    }
    if (line) {
        complain("%s: row %zu, column 1: the row is empty", r->path, r->row);
    }
    return !line;
}

static bool read_rows(reader *r, char *text, csv_table *table) {
    size_t capacity = 0;
    for (char *line = next_line(&text); line; line = next_line(&text)) {
        r->row++;
        if (is_blank(line)) {
            return check_rest(r, text);
        }
        if (table->n_row == CSV_MAX_ROWS) {
            complain("%s: row %zu: more than %d rows of data", r->path, r->row, CSV_MAX_ROWS);
            return false;
        }
        if (table->n_row == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 64;
            table->time = reallocate(table->time, capacity, sizeof(double));
            table->state = reallocate(table->state, capacity * table->n_state, sizeof(double));
        }
        if (!read_row(r, line, table)) {
            return false;
        }
    }
    return true;
}

static bool read_text(reader *r, char *text, size_t size, csv_table *table) {
    char *start = memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
    if (strlen(text) != size) {
        complain("%s: holds a zero byte; it is no text file in UTF-8", r->path);
        return false;
    }
    char *line = next_line(&start);
    r->row = 1;
    if (!line || is_blank(line)) {
        complain(line ? "%s: row 1 is empty; a header is needed" : "%s: is empty", r->path);
        return false;
    }
    if (!read_header(r, line, table) || !read_rows(r, start, table)) {
        return false;
    }
    if (table->n_row < 2) {
        complain(table->n_row == 0 ? "%s: there is only a header, no row of data"
                                   : "%s: row 2 is the only row of data; at least two are needed",
                 r->path);
        return false;
    }
    return true;
}

bool csv_table_read(const char *path, csv_table *table) {
    reader r = {.path = path};
    size_t size;
    *table = (csv_table){0};
    char *text = read_whole_file(path, &size);
    if (!text) {
        return false;
    }
    const bool good = read_text(&r, text, size, table);
    free(text);
    if (!good) {
        csv_table_free(table);
    }
    return good;
}

void csv_table_free(csv_table *table) {
    for (size_t k = 0; table->names && k <= table->n_state; k++) {
        free(table->names[k]);
    }
    free(table->names);
    free(table->time);
    free(table->state);
    *table = (csv_table){0};
}
