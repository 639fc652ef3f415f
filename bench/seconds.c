/* SPDX-License-Identifier: MIT */
/* The clock of the benchmarks. */
#include "seconds.h"

#include <time.h>

double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
