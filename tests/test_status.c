/* SPDX-License-Identifier: MIT */
/* Names and messages of the status codes. */
#include "support/asserts.h"

#include <string.h>

typedef struct code {
    costate_status status;
    int value;
    const char *name;
    const char *message;
} code;

static const code codes[] = {
#define CODE(name, value, message) {COSTATE_##name, (value), "COSTATE_" #name, (message)},
    COSTATE_STATUS_LIST(CODE)
#undef CODE
};

enum { N_CODE = sizeof codes / sizeof *codes };

static void name_of_each_code_is_its_enumerator(void **state) {
    (void)state;
    for (size_t i = 0; i < N_CODE; i++) {
        assert_string_equal(costate_status_name(codes[i].status), codes[i].name);
    }
    assert_string_equal(costate_status_name(COSTATE_ERR_NULL), "COSTATE_ERR_NULL");
}

static void message_of_each_code_is_its_own(void **state) {
    (void)state;
    for (size_t i = 0; i < N_CODE; i++) {
        assert_string_equal(costate_status_message(codes[i].status), codes[i].message);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(codes[i].message, codes[k].message);
        }
    }
}

static void values_are_stable_and_success_is_zero(void **state) {
    (void)state;
    assert_int_equal(COSTATE_OK, 0);
    for (size_t i = 0; i < N_CODE; i++) {
        assert_int_equal((int)codes[i].status, codes[i].value);
        assert_int_equal(codes[i].value, (int)i);
    }
}

static void unknown_value_has_a_name_and_a_message(void **state) {
    (void)state;
    const int unknown[] = {N_CODE, -1, 1 << 20};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_string_equal(costate_status_name((costate_status)unknown[i]), "COSTATE_UNKNOWN");
        assert_true(strlen(costate_status_message((costate_status)unknown[i])) > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_of_each_code_is_its_enumerator),
        cmocka_unit_test(message_of_each_code_is_its_own),
        cmocka_unit_test(values_are_stable_and_success_is_zero),
        cmocka_unit_test(unknown_value_has_a_name_and_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
