/* SPDX-License-Identifier: MIT */
/* Concentrations of a drug in several subjects, read from a CSV file. */
#include "subjects.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The columns of the file. */
typedef struct columns {
    size_t name;     /* index of the column of names */
    size_t *subject; /* 0, 1, … in the order of appearance */
    double *dose;
    double *time;
    double *concentration;
} columns;

static bool read_numbers(const costate_csv *table, const char *name, double *x) {
    costate_message message;
    size_t column;
    costate_status status = costate_csv_find(table, name, &column, &message);
    if (status == COSTATE_OK) {
        status = costate_csv_numbers(table, column, COSTATE_CSV_MISSING_REFUSE, x, &message);
    }
    if (status != COSTATE_OK) {
        fprintf(stderr, "theophylline: %s\n", message.text);
    }
    return status == COSTATE_OK;
}

static bool read_columns(subjects *s, columns *c) {
    costate_message message;
    if (costate_csv_find(s->table, "Subject", &c->name, &message) != COSTATE_OK) {
        fprintf(stderr, "theophylline: %s\n", message.text);
        return false;
    }
    return costate_csv_groups(s->table, c->name, c->subject, &s->n) == COSTATE_OK &&
           read_numbers(s->table, "Dose", c->dose) && read_numbers(s->table, "Time", c->time) &&
           read_numbers(s->table, "conc", c->concentration);
}

static bool complain_of(const char *path, const subjects *s, size_t row, const char *what) {
    fprintf(stderr, "theophylline: %s: line %zu: %s\n", path, costate_csv_line(s->table, row), what);
    return false;
}

/* Appends the rows of one subject. */
static bool collect(const char *path, subjects *s, const columns *c, size_t subject, size_t *end) {
    const size_t first = *end;
    for (size_t row = 0; row < s->n_observation; row++) {
        if (c->subject[row] != subject) {
            continue;
        }
        if (c->time[row] < (*end > first ? s->time[*end - 1] : 0.0)) {
            return complain_of(path, s, row, "times have to begin at 0 or later and must not decrease");
        }
        if (!(c->dose[row] > 0.0) || (*end > first && c->dose[row] != s->dose[subject])) {
            return complain_of(path, s, row, "the dose has to be positive and the same for all rows of a subject");
        }
        if (*end == first) {
            s->name[subject] = costate_csv_text(s->table, row, c->name);
        }
        s->dose[subject] = c->dose[row];
        s->time[*end] = c->time[row];
        s->concentration[*end] = c->concentration[row];
        s->longest = fmax(s->longest, c->time[row]);
        s->highest = fmax(s->highest, c->concentration[row]);
        ++*end;
    }
    s->series[subject] = (costate_series){
        .n_t = *end - first, .t = s->time + first, .data = s->concentration + first, .covariate = &s->dose[subject]};
    return true;
}

static bool collect_all(const char *path, subjects *s, const columns *c) {
    size_t end = 0;
    s->dose = calloc(s->n, sizeof(double));
    s->series = calloc(s->n, sizeof(costate_series));
    s->name = calloc(s->n, sizeof(char *));
    s->time = calloc(s->n_observation, sizeof(double));
    s->concentration = calloc(s->n_observation, sizeof(double));
    bool right = s->dose && s->series && s->name && s->time && s->concentration;
    for (size_t k = 0; right && k < s->n; k++) {
        right = collect(path, s, c, k, &end);
    }
    return right;
}

bool subjects_read(const char *path, subjects *s) {
    costate_message message;
    *s = (subjects){0};
    if (costate_csv_read(path, NULL, NULL, &s->table, &message) != COSTATE_OK) {
        fprintf(stderr, "theophylline: %s\n", message.text);
        return false;
    }
    s->n_observation = costate_csv_n_row(s->table);
    if (s->n_observation == 0) {
        fprintf(stderr, "theophylline: %s: there are no rows of data\n", path);
        return false;
    }
    columns c = {.subject = malloc(s->n_observation * sizeof(size_t)),
                 .dose = malloc(s->n_observation * sizeof(double)),
                 .time = malloc(s->n_observation * sizeof(double)),
                 .concentration = malloc(s->n_observation * sizeof(double))};
    const bool right =
        c.subject && c.dose && c.time && c.concentration && read_columns(s, &c) && collect_all(path, s, &c);
    free(c.subject);
    free(c.dose);
    free(c.time);
    free(c.concentration);
    return right;
}

void subjects_free(subjects *s) {
    costate_csv_destroy(s->table);
    free(s->dose);
    free(s->series);
    free(s->name);
    free(s->time);
    free(s->concentration);
    *s = (subjects){0};
}
