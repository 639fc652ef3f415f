/* SPDX-License-Identifier: MIT */
/* The solutions of reaction and network as a CSV file and as a picture. */
#include "rober_output.h"

#include "../support/gnuplot.h"

#include <stdio.h>

bool rober_output_csv(const char *path, const rober_verdict *verdict) {
    static const char *const names[2 * ROBER_N_Y] = {"u1", "u2", "u3", "n1", "n2", "n3"};
    costate_csv_column columns[1 + 2 * ROBER_N_Y] = {{.name = "t", .x = verdict->t}};
    costate_message message;
    for (size_t k = 0; k < 2 * (size_t)ROBER_N_Y; k++) {
        const double *solution = k < ROBER_N_Y ? verdict->reaction : verdict->network;
        columns[1 + k] = (costate_csv_column){.name = names[k], .x = solution + k % ROBER_N_Y, .stride = ROBER_N_Y};
    }
    const bool ok = costate_csv_write(path, ROBER_N_GRID, 1 + 2 * ROBER_N_Y, columns, NULL, &message) == COSTATE_OK;
    if (!ok) {
        fprintf(stderr, "robertson_stiff: --csv: %s\n", message.text);
    }
    return ok;
}

typedef struct picture {
    const rober_data *data;
    const rober_verdict *verdict;
} picture;

/* A block of gnuplot's with the times and the concentrations in units of yscale; n_t <= ROBER_N_GRID. */
static void write_block(FILE *script, const char *name, size_t n_t, const double *t, const double *u,
                        const double *scale) {
    double scaled[ROBER_N_Y][ROBER_N_GRID];
    const double *columns[1 + ROBER_N_Y] = {t};
    for (size_t k = 0; k < ROBER_N_Y; k++) {
        for (size_t i = 0; i < n_t; i++) {
            scaled[k][i] = u[i * ROBER_N_Y + k] / scale[k];
        }
        columns[1 + k] = scaled[k];
    }
    gnuplot_block(script, name, n_t, 1 + ROBER_N_Y, columns);
}

static void write_picture(FILE *script, const void *ctx) {
    static const char *const colours[ROBER_N_Y] = {GNUPLOT_BLUE, GNUPLOT_ORANGE, GNUPLOT_GREEN};
    const picture *p = ctx;
    write_block(script, "data", ROBER_N_T, p->data->t, p->data->u, p->data->scale);
    write_block(script, "network", ROBER_N_GRID, p->verdict->t, p->verdict->network, p->data->scale);
    fprintf(script,
            "set title \"Robertson's reaction learnt by a network, mean relative error %.2g %%\"\n"
            "set logscale x\n"
            "set format x '10^{%%T}'\n"
            "set xlabel 't'\n"
            "set ylabel 'u / yscale'\n"
            "set yrange [-0.05:1.05]\n"
            "set key outside right top\n"
            "plot ",
            100.0 * p->verdict->error);
    for (int k = 0; k < ROBER_N_Y; k++) {
        fprintf(script,
                "%s$network using 1:%d with lines lw 2.5 lc rgb '%s' title 'u%d, network', "
                "$data using 1:%d with points pt 7 ps 1.1 lc rgb '%s' title 'u%d, data'",
                k > 0 ? ", " : "", k + 2, colours[k], k + 1, k + 2, colours[k], k + 1);
    }
}

bool rober_output_picture(const char *path, const rober_data *data, const rober_verdict *verdict) {
    const picture p = {data, verdict};
    return gnuplot_draw("robertson_stiff", path, write_picture, &p);
}
