/* SPDX-License-Identifier: MIT */
/* The picture of a fit, drawn by gnuplot. */
#define _POSIX_C_SOURCE 200809L

#include "picture.h"

#include "../support/gnuplot.h"
#include "complain.h"
#include "output_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* States whose spread differs by more than this get panels of their own. */
static const double PANEL_RATIO = 20.0;

/* Okabe and Ito's palette, which colour-blind people can tell apart. */
static const char *const COLOURS[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};
enum { N_COLOUR = sizeof(COLOURS) / sizeof(COLOURS[0]) };

/* A gnuplot string; control characters of a CSV header become blanks. */
static void write_string(FILE *script, const char *text) {
    fputc('\'', script);
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputc('\'', script);
        }
        fputc((unsigned char)*text < ' ' ? ' ' : *text, script);
    }
    fputc('\'', script);
}

static void write_title(FILE *script, const char *name, const char *what) {
    char title[256];
    snprintf(title, sizeof(title), "%s, %s", name, what);
    write_string(script, title);
    fputs(" noenhanced", script);
}

/* A path that gnuplot takes for a file whatever it begins with. */
static void write_path(FILE *script, const char *prefix, const char *suffix) {
    char path[4096];
    snprintf(path, sizeof(path), "%s%s%s", prefix[0] == '/' ? "" : "./", prefix, suffix);
    write_string(script, path);
}

static bool needs_panels(const curves *c) {
    double low = curves_rmse_of_constant(c, 0);
    double high = low;
    for (size_t j = 1; j < c->n_state; j++) {
        const double spread = curves_rmse_of_constant(c, j);
        low = spread < low ? spread : low;
        high = spread > high ? spread : high;
    }
    return high > PANEL_RATIO * low;
}

/* The curve and the points of one state. */
static void write_state(FILE *script, const fit_result *result, const char *prefix, size_t j) {
    const char *name = result->names[j + 1];
    const char *colour = COLOURS[j % N_COLOUR];
    write_path(script, prefix, ".csv");
    fprintf(script, " using 1:%zu with lines lw 2.5 lc rgb '%s' title ", 2 + j, colour);
    write_title(script, name, "fit");
    fputs(", ", script);
    write_path(script, prefix, ".csv");
    fprintf(script, " using 1:%zu with points pt 7 ps 1.1 lc rgb '%s' title ", 2 + result->curves.n_state + j, colour);
    write_title(script, name, "data");
}

/* The vertical axis: the names of the states from first to end - 1, as far as there is room. */
static void write_label(FILE *script, const fit_result *result, size_t first, size_t end) {
    char label[64];
    size_t used = 0;
    for (size_t j = first; j < end && used < sizeof(label); j++) {
        const int n =
            snprintf(label + used, sizeof(label) - used, "%s%s", j == first ? "" : ", ", result->names[j + 1]);
        used += n > 0 ? (size_t)n : 0;
    }
    write_string(script, used < sizeof(label) ? label : "states");
    fputs(" noenhanced\n", script);
}

static void write_time_plots(FILE *script, const fit_result *result, const char *prefix) {
    const size_t n_state = result->curves.n_state;
    const bool panels = needs_panels(&result->curves);
    if (panels) {
        fprintf(script, "set key inside\nset lmargin 12\nset multiplot layout %zu,1 title title noenhanced\n", n_state);
    } else {
        fputs("set title title noenhanced\n", script);
    }
    for (size_t j = 0; j < n_state; j++) {
        if (panels || j == 0) {
            fputs("set ylabel ", script);
            write_label(script, result, panels ? j : 0, panels ? j + 1 : n_state);
            fputs("plot ", script);
        }
        write_state(script, result, prefix, j);
        fputs(panels || j + 1 == n_state ? "\n" : ", ", script);
    }
    if (panels) {
        fputs("unset multiplot\n", script);
    }
}

static void write_phase_plot(FILE *script, const fit_result *result, const char *prefix) {
    fputs("set title title noenhanced\nset size ratio -1\nset key inside center center\nset xlabel ", script);
    write_string(script, result->names[1]);
    fputs("\nset ylabel ", script);
    write_string(script, result->names[2]);
    fputs("\nplot ", script);
    write_path(script, prefix, ".csv");
    fprintf(script, " using 2:3 with lines lw 2.5 lc rgb '%s' title 'fit', ", COLOURS[0]);
    write_path(script, prefix, ".csv");
    fprintf(script, " using 4:5 with points pt 7 ps 1.1 lc rgb '%s' title 'data'\n", COLOURS[1]);
}

static void write_script(FILE *script, const fit_result *result, const char *prefix, const char *picture, bool svg) {
    const curves *c = &result->curves;
    char title[256];
    snprintf(title, sizeof(title), "Neural ODE %s, root-mean-square error %.3g", result->network,
             curves_rmse(c, c->n_state));
    if (svg) {
        fputs("set terminal svg size 960,600 font 'Helvetica,16' background 'white'\n", script);
    } else {
        fputs("set terminal pngcairo size 1200,750 font 'Sans,15' background 'white'\n", script);
    }
    fputs("set output ", script);
    write_path(script, picture, "");
    fputs("\ntitle = ", script);
    write_string(script, title);
    fputs("\nset datafile separator comma\n"
          "set key outside right top spacing 1.2\n"
          "set grid lc rgb '#dddddd' lt 1\n"
          "set border 3 lc rgb '#555555'\n"
          "set tics nomirror out\n"
          "set xlabel ",
          script);
    write_string(script, result->names[0]);
    fputs(" noenhanced\n", script);
    fprintf(script, "set xrange [%.15g:%.15g]\n", c->time[0], c->time[c->n_point - 1]);
    fputs("set offsets graph 0.02, graph 0.02, graph 0.03, graph 0.03\n", script);
    if (result->phase_plane) {
        fputs("set autoscale x\n", script);
        write_phase_plot(script, result, prefix);
    } else {
        write_time_plots(script, result, prefix);
    }
    fputs("unset output\n", script);
}

static gnuplot_outcome draw(const fit_result *result, const char *prefix, bool svg) {
    const char *suffix = svg ? ".svg" : ".png";
    output_file picture;
    struct stat drawn;
    FILE *script = tmpfile();
    if (!script) {
        return GNUPLOT_FAILED;
    }
    if (!output_file_open(&picture, prefix, suffix)) {
        fclose(script);
        return GNUPLOT_FAILED;
    }
    output_file_close(&picture);
    write_script(script, result, prefix, picture.temporary, svg);
    gnuplot_outcome outcome = gnuplot_run(script);
    fclose(script);
    if (outcome == GNUPLOT_DONE && (stat(picture.temporary, &drawn) != 0 || drawn.st_size == 0)) {
        outcome = GNUPLOT_FAILED;
    }
    if (outcome != GNUPLOT_DONE) {
        output_file_abandon(&picture);
    } else if (output_file_commit(&picture)) {
        printf("wrote     %s%s\n", prefix, suffix);
    }
    return outcome;
}

void picture_draw(const fit_result *result, const char *prefix) {
    gnuplot_outcome outcome = draw(result, prefix, false);
    if (outcome == GNUPLOT_FAILED) {
        outcome = draw(result, prefix, true);
    }
    if (outcome == GNUPLOT_ABSENT) {
        printf("no picture: gnuplot is not installed\n");
    } else if (outcome == GNUPLOT_FAILED) {
        printf("no picture: gnuplot could not draw it\n");
    }
}
