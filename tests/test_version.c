/* SPDX-License-Identifier: MIT */
/* Version of the library. */
#include "support/asserts.h"

#include <costate/version.h>
#include <stdio.h>

static void version_of_the_library_is_that_of_the_header(void **state) {
    (void)state;
    assert_string_equal(costate_version(), COSTATE_VERSION);
}

static void version_text_is_made_of_the_numbers(void **state) {
    (void)state;
    char text[64];
    int length =
        snprintf(text, sizeof text, "%d.%d.%d", COSTATE_VERSION_MAJOR, COSTATE_VERSION_MINOR, COSTATE_VERSION_PATCH);
    assert_in_range(length, 5, sizeof text - 1);
    assert_string_equal(COSTATE_VERSION, text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_of_the_library_is_that_of_the_header),
        cmocka_unit_test(version_text_is_made_of_the_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
