/* SPDX-License-Identifier: MIT */
/* The two-moons training by a scalar graph in Python. */
#ifndef BENCH_MICROGRAD_PEER_H
#define BENCH_MICROGRAD_PEER_H

#include "compare/moons_task.h"

/*
 * One trial on the files of a task that is real, its last loss compared with `loss` to a relative `tolerance`; prints a
 * row of the table whose first row took `first` seconds.
 */
void micrograd_peer_run(bench *b, const char *folder, const moons_task *task, double loss, double tolerance,
                        double first);

#endif
