/* SPDX-License-Identifier: MIT */
/* Pictures drawn by gnuplot. */
#ifndef GNUPLOT_H
#define GNUPLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Okabe and Ito's palette, which colour-blind people can tell apart. */
#define GNUPLOT_BLUE "#0072B2"
#define GNUPLOT_ORANGE "#D55E00"
#define GNUPLOT_GREEN "#009E73"
#define GNUPLOT_PURPLE "#CC79A7"

/* Writes the commands of one picture; terminal, output, grid and borders are set already. */
typedef void (*gnuplot_writer)(FILE *script, const void *ctx);

/*
 * Draws `path`: SVG if the name ends in .svg, else PNG. The file appears complete or not at all. True also when gnuplot is
 * not installed, which is said on standard output: a picture is an extra. Any other failure is a line on standard error
 * that begins with the program's name.
 */
bool gnuplot_draw(const char *program, const char *path, gnuplot_writer write, const void *ctx);

/* What became of a script. */
typedef enum gnuplot_outcome { GNUPLOT_DONE, GNUPLOT_FAILED, GNUPLOT_ABSENT } gnuplot_outcome;

/* Runs a complete script, from its beginning; it was written to a file that can be rewound. */
gnuplot_outcome gnuplot_run(FILE *script);

/* Defines the data block $name of n_row rows; element i of column k is columns[k][i]. NaN is a gap. */
void gnuplot_block(FILE *script, const char *name, size_t n_row, size_t n_column, const double *const *columns);

#endif
