/* SPDX-License-Identifier: MIT */
/* Gauss-Legendre rules: exact up to their degree, and as wrong as their error constant says for the next power. */
#include "adjoint/gauss_legendre.h"
#include "support/asserts.h"

#include <math.h>

static double apply(int n_node, int power) {
    const double *node = csi_gauss_nodes(n_node), *weight = csi_gauss_weights(n_node);
    double sum = 0.0;
    for (int j = 0; j < n_node; j++)
        sum += weight[j] * pow(node[j], power);
    return sum;
}

static double integral(int power) { return power % 2 ? 0.0 : 2.0 / (power + 1); }

static void rule_is_exact_to_its_degree_and_wrong_by_its_constant_beyond(void **state) {
    (void)state;
    for (int n_node = 1; n_node <= CSI_GAUSS_MAX; n_node++) {
        for (int power = 0; power <= 2 * n_node - 1; power++)
            assert_close(apply(n_node, power), integral(power), 1e-14, 1e-15);
        double error = integral(2 * n_node) - apply(n_node, 2 * n_node);
        assert_close(error, csi_gauss_error_constant(n_node) * pow(2.0, 2 * n_node + 1) * tgamma(2 * n_node + 1), 1e-3,
                     0.0);
    }
}

static void nodes_ascend_inside_the_interval(void **state) {
    (void)state;
    for (int n_node = 1; n_node <= CSI_GAUSS_MAX; n_node++)
        for (int j = 0; j < n_node; j++) {
            const double *node = csi_gauss_nodes(n_node);
            assert_true(node[j] > -1.0 && node[j] < 1.0 && (j == 0 || node[j] > node[j - 1]));
            assert_true(csi_gauss_weights(n_node)[j] > 0.0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_is_exact_to_its_degree_and_wrong_by_its_constant_beyond),
        cmocka_unit_test(nodes_ascend_inside_the_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
