/* SPDX-License-Identifier: MIT */
/* The environment variable COSTATE_ISA: setting it for part of a test and putting it back. */
#define _POSIX_C_SOURCE 200112L
#include "isa_environment.h"

#include "support/asserts.h"
#include <stdio.h>
#include <stdlib.h>

isa_environment isa_environment_save(void) {
    isa_environment saved = {false, ""};
    const char *value = getenv("COSTATE_ISA");
    if (value) {
        saved.was_set = true;
        snprintf(saved.value, sizeof saved.value, "%s", value);
    }
    return saved;
}

void isa_environment_restore(const isa_environment *saved) {
    isa_environment_set(saved->was_set ? saved->value : NULL);
}

void isa_environment_set(const char *value) {
    assert_int_equal(value ? setenv("COSTATE_ISA", value, 1) : unsetenv("COSTATE_ISA"), 0);
}
