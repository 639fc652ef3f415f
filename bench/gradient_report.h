/* SPDX-License-Identifier: MIT */
/* What the timed gradients amount to: cost at equal error, parts of a gradient, closing table. */
#ifndef BENCH_GRADIENT_REPORT_H
#define BENCH_GRADIENT_REPORT_H

#include "gradient_run.h"

/* Prints what each other method costs at the errors of the first. */
void gradient_report_equal_error(bench *b, const gradient_result *result);

/*
 * Prints the gradient of `ours` beside its solve alone (`solve`) and, where kernels were timed, beside what all its
 * calls of f and of its VJP take by themselves. `plain` is the solve without history, or NULL.
 */
void gradient_report_parts(bench *b, gradient_result *result, gradient_method ours, gradient_method solve,
                           const gradient_method *plain);

/* The first method at one tolerance and all others at its error, kept for the end of the run. */
typedef struct gradient_summary {
    size_t n;
    struct {
        char shape[48];
        char name[64];
        double rtol; /* of the first method; 0: this is another one */
        double error;
        double seconds;
        error_match match;
        double ratio;
    } lines[160];
} gradient_summary;

void gradient_summarise(gradient_summary *summary, const gradient_result *result, int decade);
void gradient_print_summary(const gradient_summary *summary);

#endif
