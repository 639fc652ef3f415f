/* SPDX-License-Identifier: MIT */
/* The most memory that this process had at once. */
#ifndef BENCH_PEAK_MEMORY_H
#define BENCH_PEAK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* From now on peak_memory_mib() counts; false where it goes on counting from the start of the process. */
bool peak_memory_reset(void);

/* Largest resident set in MiB. */
double peak_memory_mib(void);

#endif
