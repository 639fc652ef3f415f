/* SPDX-License-Identifier: MIT */
/* Populations with their extrapolation on the left, learned and true interaction on the right. */
#include "../support/gnuplot.h"
#include "interaction_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const COLOURS[N_STATE] = {GNUPLOT_BLUE, GNUPLOT_ORANGE};

typedef struct picture {
    const report *r;
    double *t;
    double *table; /* one column after another, n_t elements each */
} picture;

/* A column of a table with two interleaved columns. */
static const double *column(const picture *p, size_t position, const double *interleaved, size_t k) {
    const size_t n_t = p->r->learned->n_t;
    double *to = p->table + position * n_t;
    for (size_t i = 0; i < n_t; i++) {
        to[i] = interleaved[i * N_STATE + k];
    }
    return to;
}

static void write_data(FILE *script, const picture *p) {
    const populations *data = p->r->data;
    fputs("$data << END\n", script);
    for (size_t i = 0; i < data->n; i++) {
        fprintf(script, "%.9g %.9g %.9g\n", data->t[i] + data->origin, data->y[i * N_STATE], data->y[i * N_STATE + 1]);
    }
    fputs("END\n", script);
}

static void write_populations(FILE *script, const picture *p) {
    const report *r = p->r;
    const learned_interaction *l = r->learned;
    const double last = r->data->t[r->data->n - 1] + r->data->origin;
    const double *const columns[] = {p->t, column(p, 0, l->y, 0), column(p, 1, l->y, 1), column(p, 2, l->true_y, 0),
                                     column(p, 3, l->true_y, 1)};
    gnuplot_block(script, "fit", l->n_t, 5, columns);
    write_data(script, p);
    fprintf(script,
            "set title 'Populations, extrapolated'\nset xlabel 't'\nset yrange [0:*]\n"
            "set arrow from %g, graph 0 to %g, graph 1 nohead dt 3 lc rgb '#777777'\nplot ",
            last, last);
    for (size_t k = 0; k < N_STATE; k++) {
        if (r->data->has_truth) {
            fprintf(script, "$fit using 1:%zu with lines lw 2 lc rgb '#bbbbbb' %s, ", k + 4,
                    k == 0 ? "title 'true'" : "notitle");
        }
        fprintf(script, "$fit using 1:%zu with lines lw 2.5 lc rgb '%s' notitle, ", k + 2, COLOURS[k]);
        fprintf(script, "$data using 1:%zu with points pt 7 ps 0.7 lc rgb '%s' title '%s'%s", k + 2, COLOURS[k],
                k == PREY ? "prey" : "predators", k == 0 ? ", " : "\n");
    }
    fputs("unset arrow\nset yrange [*:*]\n", script);
}

/* Term k with its band and what it is compared with: the truth or, for a record, mass action. */
static void write_term(FILE *script, const picture *p, size_t k) {
    const learned_interaction *l = p->r->learned;
    const size_t n_t = l->n_t;
    const double band = learned_interaction_band();
    double *low = p->table + n_t;
    double *high = p->table + 2 * n_t;
    double *other = p->table + 3 * n_t;
    char name[] = "term0";
    name[4] = (char)('0' + k);
    for (size_t i = 0; i < n_t; i++) {
        const size_t at = i * N_STATE + k;
        const double mass_action = (k == PREY ? -1.0 : 1.0) * l->rate[k] * l->y[i * N_STATE] * l->y[i * N_STATE + 1];
        low[i] = l->u[at] - band * l->u_error[at];
        high[i] = l->u[at] + band * l->u_error[at];
        other[i] = p->r->data->has_truth ? l->true_u[at] : mass_action;
    }
    const double *const columns[] = {p->t, column(p, 0, l->u, k), low, high, other};
    gnuplot_block(script, name, l->n_visited, 5, columns);
}

static void write_interaction(FILE *script, const picture *p) {
    const bool has_truth = p->r->data->has_truth;
    for (size_t k = 0; k < N_STATE; k++) {
        write_term(script, p, k);
    }
    fputs("set title 'Interaction where there were data'\nset xlabel 't'\nplot ", script);
    for (size_t k = 0; k < N_STATE; k++) {
        fprintf(script,
                "$term%zu using 1:3:4 with filledcurves fs solid 0.2 noborder lc rgb '%s' notitle, "
                "$term%zu using 1:2 with lines lw 2.5 lc rgb '%s' title 'N%zu, learned', "
                "$term%zu using 1:5 with lines lw 2 dt 2 lc rgb 'black' %s%s",
                k, COLOURS[k], k, COLOURS[k], k + 1, k,
                k == 0      ? "notitle"
                : has_truth ? "title 'true'"
                            : "title 'rate x y'",
                k == 0 ? ", " : "\n");
    }
}

static void write_picture(FILE *script, const void *ctx) {
    fputs("set multiplot layout 1,2\nset key outside bottom center horizontal\n", script);
    write_populations(script, ctx);
    write_interaction(script, ctx);
    fputs("unset multiplot\n", script);
}

bool report_draw(const report *r, const char *path) {
    const learned_interaction *l = r->learned;
    picture p = {.r = r, .t = malloc(l->n_t * sizeof(double)), .table = malloc(4 * l->n_t * sizeof(double))};
    bool drawn = false;
    if (p.t && p.table) {
        for (size_t i = 0; i < l->n_t; i++) {
            p.t[i] = l->t[i] + r->data->origin;
        }
        drawn = gnuplot_draw("lotka_volterra_ude", path, write_picture, &p);
    } else {
        fputs("lotka_volterra_ude: --picture: no memory\n", stderr);
    }
    free(p.t);
    free(p.table);
    return drawn;
}
