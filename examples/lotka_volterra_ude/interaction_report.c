/* SPDX-License-Identifier: MIT */
/* What the program prints and writes. */
#include "interaction_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void report_print(const report *r, double seconds) {
    const populations *data = r->data;
    const learned_interaction *l = r->learned;
    const double last = data->t[data->n - 1];
    printf("search     %zu of %zu starts succeeded, the best is number %zu, loss %.9g, %.1f s\n", r->best->n_ok,
           r->search->starts, r->best->best, r->best->loss, seconds);
    printf("rates      growth %.4f, death %.4f, %s\n", r->best->p[GROWTH], r->best->p[DEATH],
           r->fit->estimate_rates ? "estimated" : "known");
    for (size_t k = 0; k < N_STATE; k++) {
        printf("%-9s  %zu data, residual %.4g, estimated error %.4g, variance explained %.2f %%\n", data->name[k],
               data->n, l->residual[k], r->best->noise[k], 100.0 * l->explained[k]);
    }
    for (size_t k = 0; k < N_STATE && data->has_truth; k++) {
        printf("N%zu         root mean square error %.2f %%, largest %.2f %%, truth inside the 95 %% band at %.0f %%\n",
               k + 1, 100.0 * l->error[k], 100.0 * l->worst[k], 100.0 * l->covered[k]);
    }
    if (!l->has_band) {
        printf("no band: the weights are not determined\n");
    }
    if (data->has_truth) {
        printf("slopes     root mean square error %.2f %%\n", 100.0 * l->slope_error);
    }
    printf("N = rate * product of populations, fitted to t <= %g: %.4g, %.4g\n", last + data->origin, l->rate[PREY],
           l->rate[PREDATOR]);
}

/* The data at their times, NaN between and after them. */
static double *spread_data(const report *r) {
    const size_t n_t = r->learned->n_t;
    double *y = malloc(n_t * N_STATE * sizeof(double));
    for (size_t i = 0; y && i < n_t; i++) {
        const bool datum = i % N_PART == 0 && i / N_PART < r->data->n;
        for (size_t k = 0; k < N_STATE; k++) {
            y[i * N_STATE + k] = datum ? r->data->y[i / N_PART * N_STATE + k] : (double)NAN;
        }
    }
    return y;
}

bool report_write_csv(const report *r, const char *path) {
    enum { N_COLUMN = 1 + 6 * N_STATE, NAME_BYTES = 32 };
    static const char *const what[] = {"data", "fit", "true", "interaction", "interaction_error", "true_interaction"};
    static const char *const who[N_STATE] = {"prey", "predator"};
    const learned_interaction *l = r->learned;
    double *data = spread_data(r);
    double *t = malloc(l->n_t * sizeof(double));
    const double *const tables[] = {data, l->y, l->true_y, l->u, l->u_error, l->true_u};
    char names[N_COLUMN][NAME_BYTES];
    costate_csv_column columns[N_COLUMN] = {{.name = "t", .x = t}};
    costate_message message = {.text = "no memory"};
    for (size_t c = 1; c < N_COLUMN; c++) {
        const size_t k = (c - 1) % N_STATE;
        snprintf(names[c], NAME_BYTES, "%s_%s", who[k], what[(c - 1) / N_STATE]);
        columns[c] = (costate_csv_column){.name = names[c], .x = tables[(c - 1) / N_STATE] + k, .stride = N_STATE};
    }
    for (size_t i = 0; t && i < l->n_t; i++) {
        t[i] = l->t[i] + r->data->origin;
    }
    const bool written = data && t && costate_csv_write(path, l->n_t, N_COLUMN, columns, NULL, &message) == COSTATE_OK;
    if (!written) {
        fprintf(stderr, "lotka_volterra_ude: --csv: %s\n", message.text);
    }
    free(data);
    free(t);
    return written;
}
