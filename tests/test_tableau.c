/* SPDX-License-Identifier: MIT */
/* Order conditions of every tableau by rooted trees, and what the implicit one promises on stiff components. */
#include "ode/explicit_stages.h"
#include "ode/tableau.h"
#include "support/asserts.h"

#include <complex.h>
#include <math.h>
#include <string.h>

enum { TREE_MAX = 9 };

/* A method with the orders it is to have. */
typedef struct expected_tableau {
    const csi_tableau *tableau;
    int order, estimate_order, low_order, dense_order;
    double rounding; /* what the printed digits of the coefficients give */
} expected_tableau;

static const expected_tableau tableaux[] = {
    {&csi_tsit5, 5, 4, 0, 4, 2e-14}, {&csi_sdirk4, 4, 3, 0, 4, 1e-14}, {&csi_dop853, 8, 5, 3, 7, 1e-13}};
enum { N_TABLEAU = sizeof tableaux / sizeof tableaux[0] };

/* A rooted tree by the levels of its nodes in depth-first order; the root's is 0. */
typedef struct tree {
    int n;
    int level[TREE_MAX];
} tree;

static tree first_tree(int n) {
    tree t = {.n = n};
    for (int i = 0; i < n; i++)
        t.level[i] = i;
    return t;
}

/* The successor of Beyer & Hedetniemi (1980); false after the last tree with n nodes. */
static bool next_tree(tree *t) {
    int p = t->n - 1;
    while (p > 0 && t->level[p] <= 1)
        p--;
    if (p <= 0) return false;
    int q = p - 1;
    while (t->level[q] != t->level[p] - 1)
        q--;
    for (int i = p; i < t->n; i++)
        t->level[i] = t->level[i - (p - q)];
    return true;
}

/* Stage weights of a tree (Butcher's elementary weights before the last sum), extra stages included, and its density. */
static double tree_weights(const csi_tableau *tableau, const tree *t, double *weight) {
    double node[TREE_MAX][CSI_STAGE_MAX] = {{0.0}};
    int size[TREE_MAX];
    for (int v = 0; v < t->n; v++) {
        size[v] = 1;
        for (int i = 0; i < csi_tableau_n_slope(tableau); i++)
            node[v][i] = 1.0;
    }
    for (int v = t->n - 1; v > 0; v--) {
        int parent = v - 1;
        while (t->level[parent] != t->level[v] - 1)
            parent--;
        size[parent] += size[v];
        for (int i = 0; i < csi_tableau_n_slope(tableau); i++) {
            double sum = 0.0;
            for (int j = 0; j < csi_tableau_n_slope(tableau); j++)
                sum += tableau->a[i][j] * node[v][j];
            node[parent][i] *= sum;
        }
    }
    memcpy(weight, node[0], sizeof node[0]);
    double density = 1.0;
    for (int v = 0; v < t->n; v++)
        density *= size[v];
    return density;
}

/* The largest |Σ b_i φ_i(t) − value/γ(t)| over all trees of n nodes. */
static double worst_condition(const csi_tableau *tableau, const double *b, int n, double value) {
    double worst = 0.0;
    tree t = first_tree(n);
    do {
        double weight[CSI_STAGE_MAX], sum = 0.0;
        const double density = tree_weights(tableau, &t, weight);
        for (int i = 0; i < csi_tableau_n_slope(tableau); i++)
            sum += b[i] * weight[i];
        worst = fmax(worst, fabs(sum - value / density));
    } while (next_tree(&t));
    return worst;
}

static void there_are_as_many_trees_as_there_should_be(void **state) {
    (void)state;
    static const int expected[] = {1, 1, 2, 4, 9, 20, 48, 115, 286};
    for (int n = 1; n <= TREE_MAX; n++) {
        int count = 1;
        for (tree t = first_tree(n); next_tree(&t);)
            count++;
        assert_int_equal(count, expected[n - 1]);
    }
}

static void the_form_is_as_agreed(void **state) {
    (void)state;
    for (int k = 0; k < N_TABLEAU; k++) {
        const csi_tableau *tableau = tableaux[k].tableau;
        const int last = tableau->n_stage - 1, n_slope = csi_tableau_n_slope(tableau);
        assert_true(n_slope <= CSI_STAGE_MAX && tableau->dense_degree <= CSI_DENSE_DEGREE);
        assert_true(tableau->c[0] == 0.0 && tableau->c[last] == 1.0);
        for (int i = 0; i < CSI_STAGE_MAX; i++) {
            double sum = 0.0;
            for (int j = 0; j < CSI_STAGE_MAX; j++) {
                sum += tableau->a[i][j];
                assert_true(j < i || tableau->a[i][j] == (i == j && i > 0 && i <= last ? tableau->gamma : 0.0));
                assert_true(i < n_slope || tableau->a[i][j] == 0.0);
            }
            assert_close(sum, tableau->c[i], 0.0, tableaux[k].rounding);
            assert_true(tableau->c[i] >= 0.0 && tableau->c[i] <= 1.0);
            for (int d = 0; d < CSI_DENSE_DEGREE; d++)
                assert_true((i < n_slope && d < tableau->dense_degree) || tableau->dense[i][d] == 0.0);
            assert_true(i <= last || (tableau->e[i] == 0.0 && tableau->e_low[i] == 0.0));
        }
        assert_true(csi_tableau_is_implicit(tableau) == (tableau->gamma > 0.0));
    }
    assert_false(csi_tableau_is_implicit(&csi_tsit5));
    assert_false(csi_tableau_is_implicit(&csi_dop853));
    assert_true(csi_tableau_is_implicit(&csi_sdirk4));
}

static void the_solution_has_its_order_and_no_more(void **state) {
    (void)state;
    for (int k = 0; k < N_TABLEAU; k++) {
        const csi_tableau *tableau = tableaux[k].tableau;
        const double *b = tableau->a[tableau->n_stage - 1];
        assert_int_equal(tableau->order, tableaux[k].order);
        for (int n = 1; n <= tableau->order; n++)
            assert_close(worst_condition(tableau, b, n, 1.0), 0.0, 0.0, tableaux[k].rounding);
        assert_true(worst_condition(tableau, b, tableau->order + 1, 1.0) > 1e-7);
    }
}

static void check_estimate(const csi_tableau *tableau, const double *e, int order, double rounding) {
    for (int n = 1; n <= order; n++)
        assert_close(worst_condition(tableau, e, n, 0.0), 0.0, 0.0, rounding);
    assert_true(worst_condition(tableau, e, order + 1, 0.0) > 1e-5);
}

static void the_error_estimates_have_their_orders_and_no_more(void **state) {
    (void)state;
    for (int k = 0; k < N_TABLEAU; k++) {
        const expected_tableau *expected = &tableaux[k];
        const csi_tableau *tableau = expected->tableau;
        check_estimate(tableau, tableau->e, expected->estimate_order, expected->rounding);
        if (expected->low_order > 0) {
            check_estimate(tableau, tableau->e_low, expected->low_order, expected->rounding);
            /* Combined as tableau.h says, they fall like ε²/ε_low. */
            assert_int_equal(tableau->error_order + 1, 2 * (expected->estimate_order + 1) - (expected->low_order + 1));
        } else {
            assert_int_equal(tableau->error_order, expected->estimate_order);
            for (int i = 0; i < CSI_STAGE_MAX; i++)
                assert_true(tableau->e_low[i] == 0.0);
        }
    }
}

/* Steps and sweeps leave out the terms that these lists say are zero. */
static void listed_stages_leave_out_zeros_alone(void **state) {
    (void)state;
    bool used[2][CSI_STAGE_MAX][CSI_STAGE_MAX] = {{{false}}}, used_back[2][CSI_STAGE_MAX][CSI_STAGE_MAX] = {{{false}}};
    int method = 0;
#define MARK(i, first)                                                                                                 \
    for (int j = 0; j < (i); j++)                                                                                      \
        used[method][i][j] = j == 0 || j >= (first);
#define MARK_BACK(i, first, last)                                                                                      \
    for (int j = 0; j < (i); j++)                                                                                      \
        assert_true(used[method][i][j] == (j == 0 || j >= (first)));                                                   \
    for (int j = (i) + 1; j <= (last); j++)                                                                            \
        used_back[method][j][i] = true;
    CSI_TSIT5_STAGES(MARK)
    CSI_TSIT5_LAST_STAGE(MARK)
    CSI_TSIT5_STAGES_BACK(MARK_BACK)
    method = 1;
    CSI_DOP853_STAGES(MARK)
    CSI_DOP853_LAST_STAGE(MARK)
    CSI_DOP853_EXTRA_STAGES(MARK)
    CSI_DOP853_STAGES_BACK(MARK_BACK)
#undef MARK_BACK
#undef MARK
    for (method = 0; method < 2; method++) {
        const csi_tableau *tableau = method ? &csi_dop853 : &csi_tsit5;
        for (int i = 1; i < csi_tableau_n_slope(tableau); i++)
            for (int j = 0; j < i; j++) {
                assert_true(used[method][i][j] || tableau->a[i][j] == 0.0);
                assert_true(j == 0 || i >= tableau->n_stage || used_back[method][i][j] || tableau->a[i][j] == 0.0);
            }
    }
}

/* Weights of the dense output and of its slope at theta, by the products that tableau.h defines. */
static void dense_weights(const csi_tableau *tableau, double theta, double *b, double *slope) {
    for (int i = 0; i < csi_tableau_n_slope(tableau); i++) {
        double factor = 1.0, change = 0.0;
        b[i] = slope[i] = 0.0;
        for (int d = 0; d < tableau->dense_degree; d++) {
            const bool turned = tableau->alternating && d % 2 == 1;
            change = change * (turned ? 1.0 - theta : theta) + (turned ? -factor : factor);
            factor *= turned ? 1.0 - theta : theta;
            b[i] += tableau->dense[i][d] * factor;
            slope[i] += tableau->dense[i][d] * change;
        }
    }
}

static void the_dense_output_has_its_order_everywhere_and_no_more(void **state) {
    (void)state;
    for (int k = 0; k < N_TABLEAU; k++) {
        const csi_tableau *tableau = tableaux[k].tableau;
        const int order = tableaux[k].dense_order;
        double worst = 0.0, b[CSI_STAGE_MAX], slope[CSI_STAGE_MAX];
        for (int step = 0; step <= 20; step++) {
            const double theta = step / 20.0;
            dense_weights(tableau, theta, b, slope);
            for (int n = 1; n <= order; n++) {
                assert_close(worst_condition(tableau, b, n, pow(theta, n)), 0.0, 0.0, 3 * tableaux[k].rounding);
                assert_close(worst_condition(tableau, slope, n, n * pow(theta, n - 1)), 0.0, 0.0,
                             20 * tableaux[k].rounding);
            }
            worst = fmax(worst, worst_condition(tableau, b, order + 1, pow(theta, order + 1)));
        }
        assert_true(worst > 1e-7);
    }
}

static void the_dense_output_meets_both_ends(void **state) {
    (void)state;
    for (int k = 0; k < N_TABLEAU; k++) {
        const csi_tableau *tableau = tableaux[k].tableau;
        const int last = tableau->n_stage - 1;
        double b[CSI_STAGE_MAX], slope[CSI_STAGE_MAX];
        dense_weights(tableau, 1.0, b, slope);
        for (int i = 0; i < csi_tableau_n_slope(tableau); i++) {
            assert_close(b[i], tableau->a[last][i], 0.0, tableaux[k].rounding);
            assert_close(slope[i], i == last, 0.0, 10 * tableaux[k].rounding);
        }
        dense_weights(tableau, 0.0, b, slope);
        for (int i = 0; i < csi_tableau_n_slope(tableau); i++) {
            assert_true(b[i] == 0.0);
            if (!csi_tableau_is_implicit(tableau)) assert_close(slope[i], i == 0, 0.0, 10 * tableaux[k].rounding);
        }
    }
}

/* Stages of y' = λy, y = 1 at z = λh; returns k_0 … as multiples of λ. */
static void stages(const csi_tableau *tableau, double complex z, double complex *y) {
    for (int i = 0; i < tableau->n_stage; i++) {
        double complex sum = 1.0;
        for (int j = 0; j < i; j++)
            sum += z * tableau->a[i][j] * y[j];
        y[i] = sum / (1.0 - z * tableau->a[i][i]);
    }
}

static double complex apply(const csi_tableau *tableau, const double *b, double complex z, const double complex *y) {
    double complex sum = 0.0;
    for (int i = 0; i < tableau->n_stage; i++)
        sum += z * b[i] * y[i];
    return sum;
}

static void sdirk4_is_l_stable(void **state) {
    (void)state;
    double complex y[CSI_STAGE_MAX];
    for (double size = 1e-3; size < 1e9; size *= 1.05)
        for (double angle = 0.0; angle < 1.0; angle += 0.0625) {
            const double complex z = -size * cexp(-acos(0.0) * (1.0 - angle) * csqrt(-1.0));
            stages(&csi_sdirk4, z, y);
            assert_true(cabs(y[csi_sdirk4.n_stage - 1]) <= 1.0 + 1e-12);
        }
    stages(&csi_sdirk4, -1e10, y);
    for (int i = 2; i < csi_sdirk4.n_stage; i++)
        assert_close(cabs(y[i]), 0.0, 0.0, 1e-8);
}

static void sdirk4_is_of_stage_order_two(void **state) {
    (void)state;
    const csi_tableau *tableau = &csi_sdirk4;
    for (int i = 0; i < tableau->n_stage; i++) {
        double sum = 0.0;
        for (int j = 0; j < tableau->n_stage; j++)
            sum += tableau->a[i][j] * tableau->c[j];
        assert_close(sum, 0.5 * tableau->c[i] * tableau->c[i], 0.0, 1e-15);
    }
}

static void error_and_dense_output_of_sdirk4_stay_small_on_stiff_components(void **state) {
    (void)state;
    double complex y[CSI_STAGE_MAX];
    for (double size = 1e-2; size < 1e7; size *= 1.5) {
        stages(&csi_sdirk4, -size, y);
        assert_true(cabs(apply(&csi_sdirk4, csi_sdirk4.e, -size, y)) < 0.05);
        for (int step = 0; step <= 50; step++) {
            double b[CSI_STAGE_MAX], slope[CSI_STAGE_MAX];
            dense_weights(&csi_sdirk4, step / 50.0, b, slope);
            const double value = 1.0 + creal(apply(&csi_sdirk4, b, -size, y));
            assert_true(value > -0.7 && value < 1.12);
        }
    }
    stages(&csi_sdirk4, -1e6, y);
    assert_close(cabs(apply(&csi_sdirk4, csi_sdirk4.e, -1e6, y)), 0.0, 0.0, 1e-5);
}

static void guesses_of_sdirk4_are_exact_for_slopes_linear_in_time(void **state) {
    (void)state;
    const csi_tableau *tableau = &csi_sdirk4;
    for (int i = 1; i < tableau->n_stage; i++) {
        double sum = 0.0, moment = 0.0;
        for (int j = 0; j < CSI_STAGE_MAX; j++) {
            assert_true(j < i || tableau->predict[i][j] == 0.0);
            sum += tableau->predict[i][j];
            moment += tableau->predict[i][j] * tableau->c[j];
        }
        assert_close(sum, 1.0, 0.0, 1e-15);
        if (i > 1) assert_close(moment, tableau->c[i], 0.0, 1e-15);
    }
}

static void tsit5_is_stable_for_real_decay_down_to_3_507(void **state) {
    (void)state;
    double complex y[CSI_STAGE_MAX];
    for (double z = 0.01; z < 3.5065; z += 0.01) {
        stages(&csi_tsit5, -z, y);
        assert_true(cabs(y[6]) <= 1.0);
    }
    stages(&csi_tsit5, -3.508, y);
    assert_true(cabs(y[6]) > 1.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_as_many_trees_as_there_should_be),
        cmocka_unit_test(the_form_is_as_agreed),
        cmocka_unit_test(the_solution_has_its_order_and_no_more),
        cmocka_unit_test(the_error_estimates_have_their_orders_and_no_more),
        cmocka_unit_test(listed_stages_leave_out_zeros_alone),
        cmocka_unit_test(the_dense_output_has_its_order_everywhere_and_no_more),
        cmocka_unit_test(the_dense_output_meets_both_ends),
        cmocka_unit_test(sdirk4_is_l_stable),
        cmocka_unit_test(sdirk4_is_of_stage_order_two),
        cmocka_unit_test(error_and_dense_output_of_sdirk4_stay_small_on_stiff_components),
        cmocka_unit_test(guesses_of_sdirk4_are_exact_for_slopes_linear_in_time),
        cmocka_unit_test(tsit5_is_stable_for_real_decay_down_to_3_507),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
