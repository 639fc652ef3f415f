/* SPDX-License-Identifier: MIT */
/* Messages to the user, and memory that is there or ends the program. */
#include "complain.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("neural_ode: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static void *check(void *block) {
    if (!block) {
        complain("out of memory");
        exit(EXIT_FIT);
    }
    return block;
}

void *allocate(size_t count, size_t size) { return check(calloc(count > 0 ? count : 1, size)); }

void *reallocate(void *block, size_t count, size_t size) {
    return check(count > SIZE_MAX / size ? NULL : realloc(block, count * size));
}
