/* SPDX-License-Identifier: MIT */
/* What the program prints, writes and draws. */
#ifndef INTERACTION_REPORT_H
#define INTERACTION_REPORT_H

#include "learned_interaction.h"

typedef struct report {
    const populations *data;
    const fit_settings *fit;
    const search_settings *search;
    const search_result *best;
    const learned_interaction *learned;
} report;

/* All but the last line. */
void report_print(const report *r, double seconds);

/* Trajectory and interaction as a table. Like the next, says what is wrong on standard error and returns false if it cannot. */
bool report_write_csv(const report *r, const char *path);

/* Populations on the left, their interaction on the right. */
bool report_draw(const report *r, const char *path);

#endif
