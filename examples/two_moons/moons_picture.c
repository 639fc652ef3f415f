/* SPDX-License-Identifier: MIT */
/* Points on the map of the probability with the decision boundary; beside it the losses of all epochs. */
#include "moons_picture.h"

#include "../support/gnuplot.h"

#include <stdio.h>

/* Tints of blue and orange, so that the points stand out from the map. */
static const char PALETTE[] = "set palette defined (0 '#a6cfea', 0.5 '#ffffff', 1 '#f8c9a4')\n"
                              "set cbrange [0:1]\nset cbtics 0,0.25,1\n"
                              "set colorbox horizontal user origin screen 0.19, 0.12 size screen 0.3, 0.02\n"
                              "set cblabel 'learned probability of the lower moon' offset 0,0.5\n";

static void write_map(FILE *script, const moons_map *map) {
    fputs("$map << END\n", script);
    for (size_t i = 0; i < N_MAP; i++) {
        fprintf(script, "%.6g %.6g %.6g\n%s", map->x[i], map->y[i], map->probability[i],
                i % N_MAP_Y == N_MAP_Y - 1 ? "\n" : "");
    }
    fputs("END\n", script);
}

/* Those of one class. */
static void write_points(FILE *script, const char *name, const labelled_points *points, float target) {
    fprintf(script, "$%s << END\n", name);
    for (size_t i = 0; i < points->n; i++) {
        if (points->target[i] == target) {
            fprintf(script, "%.6g %.6g\n", (double)points->x[2 * i], (double)points->x[2 * i + 1]);
        }
    }
    fputs("END\n", script);
}

static void write_plane(FILE *script, const moons_picture *picture) {
    write_map(script, picture->map);
    write_points(script, "upper", picture->points, 0.0F);
    write_points(script, "lower", picture->points, 1.0F);
    fputs("set contour base\nunset surface\nset cntrparam levels discrete 0.5\n"
          "set table $boundary\nsplot $map using 1:2:3 with lines\nunset table\nunset contour\n"
          "set lmargin at screen 0.085\nset rmargin at screen 0.60\nset key at screen 0.3425, 0.905\n"
          "set autoscale xfix\nset autoscale yfix\nset title 'Points and decision boundary (black)'\n"
          "set xlabel 'x_1'\nset ylabel 'x_2' offset 1.5,0\n",
          script);
    fputs(PALETTE, script);
    fprintf(script,
            "plot $map using 1:2:3 with image notitle, "
            "$upper using 1:2 with points pt 7 ps 0.55 lc rgb '%s' notitle, "
            "$lower using 1:2 with points pt 7 ps 0.55 lc rgb '%s' notitle, "
            "$boundary using 1:2 with lines lw 3 lc rgb 'black' notitle, "
            "NaN with points pt 7 ps 1.2 lc rgb '%s' title 'upper moon', "
            "NaN with points pt 7 ps 1.2 lc rgb '%s' title 'lower moon'\n",
            GNUPLOT_BLUE, GNUPLOT_ORANGE, GNUPLOT_BLUE, GNUPLOT_ORANGE);
}

static void write_losses(FILE *script, const moons_picture *picture) {
    const costate_chain_train_history *h = &picture->history;
    const size_t best = picture->best_epoch;
    const double *const columns[] = {h->loss, h->validation_loss};
    gnuplot_block(script, "loss", h->n_epoch, 2, columns);
    fprintf(script,
            "set lmargin at screen 0.71\nset rmargin at screen 0.98\nset key inside top right vertical\nset autoscale\n"
            "set title 'Losses' offset 0,0\nset xlabel 'epoch'\nset ylabel 'mean logistic loss'\nset xrange [0:*]\nset "
            "yrange [0:*]\n"
            "set arrow from %zu, graph 0 to %zu, graph 0.66 nohead dt 3 lw 2 lc rgb '#777777'\n"
            "set label 'best' at %zu, graph 0.7 center textcolor rgb '#555555'\n"
            "plot $loss using ($0+1):1 with lines lw 2.5 lc rgb '%s' title 'training', "
            "$loss using ($0+1):2 with lines lw 2.5 lc rgb '%s' title 'validation'\n",
            best, best, best, GNUPLOT_GREEN, GNUPLOT_PURPLE);
}

static void write_picture(FILE *script, const void *ctx) {
    fputs("set multiplot\nset tmargin at screen 0.88\nset bmargin at screen 0.26\n"
          "set title offset 0,1.6\nset key center horizontal samplen 2\n",
          script);
    write_plane(script, ctx);
    write_losses(script, ctx);
    fputs("unset multiplot\n", script);
}

bool moons_picture_draw(const moons_picture *picture, const char *path) {
    return gnuplot_draw("two_moons", path, write_picture, picture);
}
