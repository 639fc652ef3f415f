/* SPDX-License-Identifier: MIT */
/* Arrays of either precision against inaccessible memory, for calls that are tested through double arrays. */
#ifndef PLACED_ARRAY_H
#define PLACED_ARRAY_H

#include "net_calls.h"
#include "support/guard_page.h"

typedef struct placed {
    guard_buffer buffer;
    void *data;
    size_t n;
    net_real real;
} placed;

/* n elements with these values (NaN without any), of the precision and where `calls` says; ends by guard_destroy(). */
placed place(const net_calls *calls, const double *values, size_t n);

/* The values, to be released with free(). */
double *values_of(const placed *array);

#endif
