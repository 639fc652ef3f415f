/* SPDX-License-Identifier: MIT */
/* The picture of a fit, drawn by gnuplot. */
#ifndef PICTURE_H
#define PICTURE_H

#include "fit_result.h"

/*
 * Draws PREFIX.csv as PREFIX.png, or as PREFIX.svg when this gnuplot cannot write PNG, and prints the name. Says so when there is no gnuplot: the
 * picture is an extra.
 */
void picture_draw(const fit_result *result, const char *prefix);

#endif
