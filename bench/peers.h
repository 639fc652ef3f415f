/* SPDX-License-Identifier: MIT */
/* Benchmarks of other libraries, written in Python, run as child processes. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "gradient_run.h"

/*
 * Runs every script of the peers directory for one task ("obs30" or "terminal") and adds its rows to the CSV file and
 * its curves to the result. The interpreter is COSTATE_PYTHON from the environment, or python3. A peer whose packages
 * are missing is skipped with a line that says so.
 */
void peers_run(bench *b, const char *task, const gradient_rtols *rtols, gradient_result *result);

#endif
