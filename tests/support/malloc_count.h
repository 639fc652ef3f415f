/* SPDX-License-Identifier: MIT */
/*
 * Counts calls of malloc, calloc, realloc and aligned allocation in the whole process, by the module that made them. A
 * test uses it by adding `SOURCES support/malloc_count.c` to its costate_test() line. Tests link the library
 * statically, so `here` is the library plus the test itself: a test that allocates nothing between start and stop sees
 * the library alone.
 */
#ifndef TEST_MALLOC_COUNT_H
#define TEST_MALLOC_COUNT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct malloc_counts {
    size_t here;     /* from the test executable: the library (and the test) */
    size_t sundials; /* from a SUNDIALS library */
    size_t other;    /* from anything else: libc itself, NLopt, ... */
} malloc_counts;

/* False under sanitizers and C libraries other than glibc; a test then calls skip(). */
bool malloc_count_available(void);

/* Counts from zero until malloc_count_stop(), over all threads. */
void malloc_count_start(void);
malloc_counts malloc_count_stop(void);

/* From now on the k-th allocation (first is 1) made from `here` returns NULL; 0 ends that. */
void malloc_fail_at(size_t k);
/* True once it did. */
bool malloc_fail_happened(void);

#endif
