/* SPDX-License-Identifier: MIT */
/* Choice of the kernel variant. */
#define _POSIX_C_SOURCE 200809L

#include "core/cpu.h"
#include "support/asserts.h"

#include <costate/isa.h>
#include <stdlib.h>
#include <string.h>

static const costate_isa variants[] = {
#define VARIANT(name, text) COSTATE_ISA_##name,
    COSTATE_ISA_LIST(VARIANT)
#undef VARIANT
};
enum { N_VARIANT = sizeof variants / sizeof *variants };

static char *saved_value;

static int save_environment(void **state) {
    (void)state;
    const char *value = getenv("COSTATE_ISA");
    saved_value = value ? strdup(value) : NULL;
    return unsetenv("COSTATE_ISA");
}

static int restore_environment(void **state) {
    (void)state;
    int result = saved_value ? setenv("COSTATE_ISA", saved_value, 1) : unsetenv("COSTATE_ISA");
    free(saved_value);
    return result;
}

static costate_status select_with(const char *value, costate_isa *isa) {
    assert_int_equal(setenv("COSTATE_ISA", value, 1), 0);
    return costate_isa_select(isa);
}

static void name_of_each_variant_is_as_listed(void **state) {
    (void)state;
    assert_string_equal(costate_isa_name(COSTATE_ISA_GENERIC), "generic");
    assert_string_equal(costate_isa_name(COSTATE_ISA_FMA), "fma");
    assert_string_equal(costate_isa_name(COSTATE_ISA_AVX2), "avx2");
    assert_string_equal(costate_isa_name(COSTATE_ISA_AVX512), "avx512");
    assert_string_equal(costate_isa_name((costate_isa)N_VARIANT), "unknown");
    assert_string_equal(costate_isa_name((costate_isa)-1), "unknown");
}

static void cpu_has_each_variant_below_one_it_has(void **state) {
    (void)state;
    assert_true(csi_cpu_has(COSTATE_ISA_GENERIC));
    for (size_t i = 1; i < N_VARIANT; i++) {
        if (csi_cpu_has(variants[i])) {
            assert_true(csi_cpu_has(variants[i - 1]));
        }
    }
    assert_false(csi_cpu_has((costate_isa)N_VARIANT));
}

static void cpu_has_what_the_compiler_runtime_finds(void **state) {
    (void)state;
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
    __builtin_cpu_init();
    int fma = __builtin_cpu_supports("fma");
    int avx2 = fma && __builtin_cpu_supports("avx2");
    int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    assert_int_equal(csi_cpu_has(COSTATE_ISA_FMA), fma != 0);
    assert_int_equal(csi_cpu_has(COSTATE_ISA_AVX2), avx2 != 0);
    assert_int_equal(csi_cpu_has(COSTATE_ISA_AVX512), avx512 != 0);
#else
    skip();
#endif
}

static void select_with_each_name_gives_it_or_says_unsupported(void **state) {
    (void)state;
    for (size_t i = 0; i < N_VARIANT; i++) {
        costate_isa isa = (costate_isa)77;
        costate_status status = select_with(costate_isa_name(variants[i]), &isa);
        if (status == COSTATE_OK) {
            assert_int_equal(isa, variants[i]);
            assert_true(csi_cpu_has(isa));
        } else {
            assert_status(status, COSTATE_ERR_UNSUPPORTED);
            assert_int_equal(isa, 77);
        }
    }
    costate_isa isa = (costate_isa)77;
    assert_ok(select_with("generic", &isa));
    assert_int_equal(isa, COSTATE_ISA_GENERIC);
}

static void select_without_a_name_gives_the_best_that_can_be_named(void **state) {
    (void)state;
    costate_isa best = COSTATE_ISA_GENERIC;
    for (size_t i = 0; i < N_VARIANT; i++) {
        costate_isa isa;
        if (select_with(costate_isa_name(variants[i]), &isa) == COSTATE_OK) {
            best = isa;
        }
    }
    costate_isa chosen = (costate_isa)77;
    assert_ok(select_with("", &chosen));
    assert_int_equal(chosen, best);
    chosen = (costate_isa)77;
    assert_int_equal(unsetenv("COSTATE_ISA"), 0);
    assert_ok(costate_isa_select(&chosen));
    assert_int_equal(chosen, best);
}

static void select_with_an_unknown_name_is_an_argument_error(void **state) {
    (void)state;
    const char *const unknown[] = {"sse2", "AVX2", "avx2 ", "avx51", "avx5122", "0", "unknown"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        costate_isa isa = (costate_isa)77;
        assert_status(select_with(unknown[i], &isa), COSTATE_ERR_ARGUMENT);
        assert_int_equal(isa, 77);
    }
}

static void select_into_null_is_refused(void **state) {
    (void)state;
    assert_status(costate_isa_select(NULL), COSTATE_ERR_NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_of_each_variant_is_as_listed),
        cmocka_unit_test(cpu_has_each_variant_below_one_it_has),
        cmocka_unit_test(cpu_has_what_the_compiler_runtime_finds),
        cmocka_unit_test(select_with_each_name_gives_it_or_says_unsupported),
        cmocka_unit_test(select_without_a_name_gives_the_best_that_can_be_named),
        cmocka_unit_test(select_with_an_unknown_name_is_an_argument_error),
        cmocka_unit_test(select_into_null_is_refused),
    };
    return cmocka_run_group_tests(tests, save_environment, restore_environment);
}
