/* SPDX-License-Identifier: MIT */
/* Dual numbers of every size: hand values of each operation, a mixture against differences, independent partials. */
#include "ad/dual.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#define AD_DUAL_EACH "ad_dual_cases.h"
#include "ad/dual_each.h"

static void hinge_has_derivative_zero_at_zero(void **state) {
    (void)state;
    const ad_dual2 r = ad_dual2_relu(ad_dual2_variable(0.0, 1));
    assert_close(r.value, 0.0, 0.0, 0.0);
    assert_close(r.partial[1], 0.0, 0.0, 0.0);
    assert_true(isnan(ad_dual2_relu(ad_dual2_constant((double)NAN)).value));
    const ad_dual2 negative = ad_dual2_pow(ad_dual2_variable(-3.0, 0), 2.0);
    assert_close(negative.partial[0], -6.0, 0.0, 0.0);
}

#define BOTH_CASES(n)                                                                                                  \
    cmocka_unit_test(operations_have_their_derivatives_##n), cmocka_unit_test(mixture_agrees_with_differences_##n)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH_CASES(1), BOTH_CASES(2), BOTH_CASES(3),
        BOTH_CASES(4), BOTH_CASES(5), BOTH_CASES(6),
        BOTH_CASES(7), BOTH_CASES(8), cmocka_unit_test(hinge_has_derivative_zero_at_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
