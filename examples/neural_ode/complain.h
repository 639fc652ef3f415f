/* SPDX-License-Identifier: MIT */
/* Messages to the user, and memory that is there or ends the program. */
#ifndef COMPLAIN_H
#define COMPLAIN_H

#include <stddef.h>

/* How the program ends: 1 is a fit that went wrong, 2 is wrong input. */
enum { EXIT_FIT = 1, EXIT_INPUT = 2 };

/* One line on standard error: "neural_ode: " and the message. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void complain(const char *format, ...);

/* Zeroed memory for count elements; ends the program with EXIT_FIT when there is none. */
void *allocate(size_t count, size_t size);

/* Memory grown to count elements; the new ones are not initialised. */
void *reallocate(void *block, size_t count, size_t size);

#endif
