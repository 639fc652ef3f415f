/* SPDX-License-Identifier: MIT */
/* All comparators of one network in one precision, set up, verified and ready to be timed. */
#ifndef BENCH_KERNEL_SET_H
#define BENCH_KERNEL_SET_H

#include "dense_stack.h"
#include "harness.h"

#define KERNEL_MAX_CASE 7

typedef struct kernel_set kernel_set;

/* What differs between the precisions. */
typedef struct kernel_precision {
    const char *name; /* "f64" or "f32" */
    size_t real_bytes;
    double tolerance; /* largest bench_difference() from the naive loops in double precision that passes */

    /* NULL, after bench_fail(), when something could not be created. */
    kernel_set *(*create)(bench *b, const chain *c);
    void (*destroy)(kernel_set *set);

    /* Runs every comparator once and compares; false after bench_fail(). */
    bool (*verify)(bench *b, kernel_set *set);

    /*
     * Writes the comparators of forward or VJP and returns how many: ours first, and as the last five naive loops,
     * the same with -ffast-math, unfused calls, SLEEF's activations alone, ours alone.
     */
    size_t (*cases)(kernel_set *set, bool vjp, bench_case *cases);
} kernel_precision;

extern const kernel_precision kernel_precision_f64;
extern const kernel_precision kernel_precision_f32;

#endif
