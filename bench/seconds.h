/* SPDX-License-Identifier: MIT */
/* The clock of the benchmarks. */
#ifndef BENCH_SECONDS_H
#define BENCH_SECONDS_H

/* Seconds since a fixed moment, monotonic. */
double seconds_now(void);

#endif
