/* SPDX-License-Identifier: MIT */
/* What the program prints, writes and draws. */
#ifndef REPORT_H
#define REPORT_H

#include "learned_fit.h"
#include "linear_fit.h"
#include "subjects.h"

#include <stdbool.h>

/* Everything that was found. */
typedef struct findings {
    const subjects *s;
    linear_result pooled;
    linear_result *single; /* one for each subject */
    double single_sum;     /* of their sums of squares */
    learned_result learned;
} findings;

void report_pooled(const findings *f);
void report_singles(const findings *f);
void report_learned(const findings *f);

/* The learned elimination as a table. Says so and returns false if it cannot be written. */
bool report_write_csv(const findings *f, const char *path);

/* Data with both models' curves, and the learned elimination. */
bool report_draw(const findings *f, const char *path);

#endif
