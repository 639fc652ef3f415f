/* SPDX-License-Identifier: MIT */
/* LU factorisation: factors multiply to the matrix, solves leave no residual, singular matrices are refused. */
#include "ode/dense_lu.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { N_MAX = 40 };

static double matrix[N_MAX * N_MAX], factors[N_MAX * N_MAX];
static int64_t pivot[N_MAX];

/* Row i of P A is row order[i] of A. */
static void row_order(size_t n, size_t *order) {
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t k = 0; k < n; k++) {
        const size_t held = order[k];
        order[k] = order[pivot[k]];
        order[pivot[k]] = held;
    }
}

/* (L U)_ij in extended precision */
static double product(size_t n, size_t i, size_t j) {
    long double sum = 0.0L;
    for (size_t k = 0; k <= i && k <= j; k++) {
        const long double lower = k == i ? 1.0L : (long double)factors[i + n * k];
        const long double upper = k == j ? 1.0L / (long double)factors[k + n * k] : (long double)factors[k + n * j];
        sum += lower * upper;
    }
    return (double)sum;
}

static void factors_multiply_to_the_matrix_with_multipliers_of_at_most_one(void **state) {
    (void)state;
    costate_random random = test_random(1);
    for (size_t n = 1; n <= N_MAX; n++) {
        fill_normal(&random, matrix, n * n, 1.0);
        memcpy(factors, matrix, sizeof matrix);
        assert_true(csi_lu_factor(n, factors, pivot));
        size_t order[N_MAX];
        row_order(n, order);
        for (size_t j = 0; j < n; j++)
            for (size_t i = 0; i < n; i++) {
                assert_close(product(n, i, j), matrix[order[i] + n * j], 0.0, 1e-14 * (double)n);
                if (i > j) assert_true(fabs(factors[i + n * j]) <= 1.0 + 2 * DBL_EPSILON);
            }
    }
}

/* |A x − b| or |Aᵀ x − b|, relative to |A| |x| */
static double residual(size_t n, bool transposed, const double *x, const double *b) {
    double worst = 0.0;
    for (size_t i = 0; i < n; i++) {
        long double sum = -(long double)b[i], size = 0.0L;
        for (size_t j = 0; j < n; j++) {
            const double entry = transposed ? matrix[j + n * i] : matrix[i + n * j];
            const long double term = (long double)entry * (long double)x[j];
            sum += term;
            size += fabsl(term);
        }
        const double share = (double)(fabsl(sum) / size);
        worst = share <= worst ? worst : share;
    }
    return worst;
}

static void solves_leave_no_residual(void **state) {
    (void)state;
    costate_random random = test_random(2);
    for (size_t n = 1; n <= N_MAX; n++) {
        double b[N_MAX], x[N_MAX];
        fill_normal(&random, matrix, n * n, 1.0);
        fill_normal(&random, b, n, 1.0);
        memcpy(factors, matrix, sizeof matrix);
        assert_true(csi_lu_factor(n, factors, pivot));
        memcpy(x, b, sizeof b);
        csi_lu_solve(n, factors, pivot, x);
        assert_close(residual(n, false, x, b), 0.0, 0.0, 1e-13);
        memcpy(x, b, sizeof b);
        csi_lu_solve_transposed(n, factors, pivot, x);
        assert_close(residual(n, true, x, b), 0.0, 0.0, 1e-13);
    }
}

/* Cyclic shifts: every pivot but the last is off the diagonal, and the solution is a permutation of the right side. */
static void shifts_are_undone_exactly(void **state) {
    (void)state;
    for (size_t n = 1; n <= N_MAX; n++) {
        double x[N_MAX], y[N_MAX];
        memset(factors, 0, sizeof factors);
        for (size_t j = 0; j < n; j++) {
            factors[(j + 1) % n + n * j] = 4.0; /* (A x)_{j+1} = 4 x_j */
            x[j] = y[j] = (double)(j + 1);
        }
        assert_true(csi_lu_factor(n, factors, pivot));
        csi_lu_solve(n, factors, pivot, x);
        csi_lu_solve_transposed(n, factors, pivot, y);
        for (size_t j = 0; j < n; j++) {
            assert_true(x[j] == (double)((j + 1) % n + 1) / 4.0);
            assert_true(y[(j + 1) % n] == (double)(j + 1) / 4.0);
        }
    }
}

static void a_known_system_is_solved(void **state) {
    (void)state;
    /* Rows (1e-20 1), (1 1): without exchange of rows the first unknown would be lost. */
    double a[] = {1e-20, 1.0, 1.0, 1.0}, x[] = {1.0, 2.0}, y[] = {3.0, 2.0};
    assert_true(csi_lu_factor(2, a, pivot));
    csi_lu_solve(2, a, pivot, x);
    csi_lu_solve_transposed(2, a, pivot, y);
    assert_close_array(x, ((double[]){1.0, 1.0}), 2, 1e-15, 0.0);
    assert_close_array(y, ((double[]){-1.0, 3.0}), 2, 1e-15, 0.0);
}

static void singular_and_not_finite_matrices_are_refused(void **state) {
    (void)state;
    costate_random random = test_random(3);
    for (size_t n = 1; n <= N_MAX; n++)
        for (size_t hit = 0; hit < n; hit++) {
            fill_normal(&random, matrix, n * n, 1.0);
            memcpy(factors, matrix, sizeof matrix);
            memset(factors + n * hit, 0, n * sizeof *factors);
            assert_false(csi_lu_factor(n, factors, pivot));
            memcpy(factors, matrix, sizeof matrix);
            for (size_t j = 0; j < n; j++)
                factors[hit + n * j] = 0.0;
            assert_false(csi_lu_factor(n, factors, pivot));
            const double bad[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
            for (size_t k = 0; k < 3; k++) {
                memcpy(factors, matrix, sizeof matrix);
                factors[hit + n * (hit * 7 % n)] = bad[k];
                assert_false(csi_lu_factor(n, factors, pivot));
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_multiply_to_the_matrix_with_multipliers_of_at_most_one),
        cmocka_unit_test(solves_leave_no_residual),
        cmocka_unit_test(shifts_are_undone_exactly),
        cmocka_unit_test(a_known_system_is_solved),
        cmocka_unit_test(singular_and_not_finite_matrices_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
