/* SPDX-License-Identifier: MIT */
/* The environment variable COSTATE_ISA: setting it for part of a test and putting it back. */
#ifndef ISA_ENVIRONMENT_H
#define ISA_ENVIRONMENT_H

#include <stdbool.h>

typedef struct isa_environment {
    bool was_set;
    char value[32];
} isa_environment;

isa_environment isa_environment_save(void);
void isa_environment_restore(const isa_environment *saved);

/* NULL removes the variable. */
void isa_environment_set(const char *value);

#endif
