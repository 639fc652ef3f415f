/* SPDX-License-Identifier: MIT */
/* Fitted curves and the data they were fitted to. */
#include "curves.h"

#include "complain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WANTED_POINTS = 400 };

void curves_create(curves *c, size_t n_data, size_t n_state, const double *time, const double *data) {
    const size_t parts = n_data < WANTED_POINTS ? WANTED_POINTS / (n_data - 1) + 1 : 1;
    c->n_state = n_state;
    c->n_point = (n_data - 1) * parts + 1;
    c->time = allocate(c->n_point, sizeof(double));
    c->fit = allocate(c->n_point * n_state, sizeof(double));
    c->data = allocate(n_data * n_state, sizeof(double));
    c->row = allocate(c->n_point, sizeof(double *));
    memcpy(c->data, data, n_data * n_state * sizeof(double));
    for (size_t k = 0; k < c->n_point; k++) {
        const size_t i = k / parts;
        const double part = (double)(k % parts) / (double)parts;
        c->time[k] = k % parts == 0 ? time[i] : (1.0 - part) * time[i] + part * time[i + 1];
        c->row[k] = k % parts == 0 ? c->data + i * n_state : NULL;
    }
}

void curves_free(curves *c) {
    free(c->time);
    free(c->fit);
    free(c->data);
    free(c->row);
    *c = (curves){0};
}

/* Mean over the data of one state. */
static double mean_of(const curves *c, size_t state) {
    double sum = 0.0;
    size_t n = 0;
    for (size_t k = 0; k < c->n_point; k++) {
        if (c->row[k]) {
            sum += c->row[k][state];
            n++;
        }
    }
    return sum / (double)n;
}

static double rmse(const curves *c, size_t state, bool of_constant) {
    const size_t first = state < c->n_state ? state : 0;
    const size_t end = state < c->n_state ? state + 1 : c->n_state;
    double sum = 0.0;
    size_t n = 0;
    for (size_t j = first; j < end; j++) {
        const double mean = of_constant ? mean_of(c, j) : 0.0;
        for (size_t k = 0; k < c->n_point; k++) {
            if (c->row[k]) {
                const double residual = (of_constant ? mean : c->fit[k * c->n_state + j]) - c->row[k][j];
                sum += residual * residual;
                n++;
            }
        }
    }
    return sqrt(sum / (double)n);
}

double curves_rmse(const curves *c, size_t state) { return rmse(c, state, false); }

double curves_rmse_of_constant(const curves *c, size_t state) { return rmse(c, state, true); }

double curves_largest_datum(const curves *c) {
    double largest = 0.0;
    for (size_t k = 0; k < c->n_point; k++) {
        for (size_t j = 0; c->row[k] && j < c->n_state; j++) {
            largest = fmax(largest, fabs(c->row[k][j]));
        }
    }
    return largest;
}

bool curves_all_finite(const curves *c) {
    for (size_t k = 0; k < c->n_point * c->n_state; k++) {
        if (!isfinite(c->fit[k])) {
            return false;
        }
    }
    return true;
}

/* A name as a quoted field. */
static void write_name(const char *before, const char *name, const char *suffix, FILE *file) {
    fprintf(file, "%s\"", before);
    for (; *name != '\0'; name++) {
        if (*name == '"') {
            fputc('"', file);
        }
        fputc(*name, file);
    }
    fprintf(file, "%s\"", suffix);
}

void curves_write_csv(const curves *c, char *const *names, FILE *file) {
    write_name("", names[0], "", file);
    for (size_t j = 0; j < c->n_state; j++) {
        write_name(",", names[j + 1], " fit", file);
    }
    for (size_t j = 0; j < c->n_state; j++) {
        write_name(",", names[j + 1], "", file);
    }
    fputc('\n', file);
    for (size_t k = 0; k < c->n_point; k++) {
        fprintf(file, "%.15g", c->time[k]);
        for (size_t j = 0; j < c->n_state; j++) {
            fprintf(file, ",%.8g", c->fit[k * c->n_state + j]);
        }
        for (size_t j = 0; j < c->n_state; j++) {
            fputc(',', file);
            if (c->row[k]) {
                fprintf(file, "%.15g", c->row[k][j]);
            }
        }
        fputc('\n', file);
    }
}
