/* SPDX-License-Identifier: MIT */
/* Benchmarks of other libraries, written in Python, run as child processes. */
#ifndef BENCH_PEER_SCRIPT_H
#define BENCH_PEER_SCRIPT_H

#include "harness.h"

/* One row, its text fields pointing into the line that was parsed. */
typedef struct peer_row {
    const char *name;
    const char *shape;
    char *variant;
    double value;
    const char *unit;
} peer_row;

/*
 * Runs a script of the peers directory; every row it writes goes to the CSV file and then to `take`, every line that
 * begins with # to the output. `arguments` are ended by NULL, at most 12. The interpreter is COSTATE_PYTHON from the
 * environment, or python3. A script whose packages are missing is skipped with a line that says so; one that fails, or
 * writes a row with another name, counts as a failure.
 */
void peer_script_run(bench *b, const char *script, const char *name, const char *const *arguments,
                     void (*take)(const peer_row *row, void *ctx), void *ctx);

#endif
