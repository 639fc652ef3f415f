/* SPDX-License-Identifier: MIT */
/* Smoothing splines against the dense normal equations they solve, and what they do with awkward data. */
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/spline.h>
#include <math.h>
#include <string.h>

enum { MAX_N = 40 };

typedef long double matrix[MAX_N][MAX_N];

/* x = a⁻¹ b column by column (Gauss–Jordan with pivoting); both are destroyed, b holds x. */
static void dense_solve(size_t n, size_t n_column, matrix a, matrix b) {
    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;
        for (size_t i = k + 1; i < n; i++) {
            if (fabsl(a[i][k]) > fabsl(a[pivot][k])) {
                pivot = i;
            }
        }
        for (size_t j = 0; j < MAX_N; j++) {
            const long double keep_a = a[k][j];
            const long double keep_b = b[k][j];
            a[k][j] = a[pivot][j];
            b[k][j] = b[pivot][j];
            a[pivot][j] = keep_a;
            b[pivot][j] = keep_b;
        }
        for (size_t i = 0; i < n; i++) {
            const long double factor = i == k ? 0.0L : a[i][k] / a[k][k];
            for (size_t j = 0; j < n; j++) {
                a[i][j] -= factor * a[k][j];
            }
            for (size_t j = 0; j < n_column; j++) {
                b[i][j] -= factor * b[k][j];
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n_column; j++) {
            b[i][j] /= a[i][i];
        }
    }
}

/* K = Q R⁻¹ Qᵀ: gᵀKg is the integral of the squared second derivative of the natural spline through g. */
static void dense_penalty(size_t n, const double *t, matrix k) {
    static matrix q, r, x;
    const size_t m = n - 2;
    memset(q, 0, sizeof q);
    memset(r, 0, sizeof r);
    memset(x, 0, sizeof x);
    for (size_t j = 0; j < m; j++) {
        const long double left = (long double)t[j + 1] - (long double)t[j];
        const long double right = (long double)t[j + 2] - (long double)t[j + 1];
        q[j][j] = 1.0L / left;
        q[j + 1][j] = -1.0L / left - 1.0L / right;
        q[j + 2][j] = 1.0L / right;
        r[j][j] = (left + right) / 3.0L;
        if (j + 1 < m) {
            r[j][j + 1] = r[j + 1][j] = right / 6.0L;
        }
    }
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            x[i][j] = q[j][i];
        }
    }
    dense_solve(m, n, r, x);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            k[i][j] = 0.0L;
            for (size_t l = 0; l < m; l++) {
                k[i][j] += q[i][l] * x[l][j];
            }
        }
    }
}

/* Values and trace of the influence matrix of the spline: (W + λK) g = W y. */
static double dense_spline(size_t n, const double *t, const double *y, const double *w, double lambda, double *g) {
    static matrix a, b, k;
    dense_penalty(n, t, k);
    memset(b, 0, sizeof b);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            a[i][j] = (i == j ? (long double)w[i] : 0.0L) + (long double)lambda * k[i][j];
        }
        b[i][i] = (long double)w[i];
    }
    dense_solve(n, n, a, b);
    long double trace = 0.0L;
    for (size_t i = 0; i < n; i++) {
        long double sum = 0.0L;
        for (size_t j = 0; j < n; j++) {
            sum += b[i][j] * (long double)y[j];
        }
        g[i] = (double)sum;
        trace += b[i][i];
    }
    return (double)trace;
}

typedef struct data {
    double t[MAX_N];
    double y[MAX_N];
    double w[MAX_N];
} data;

static data random_data(costate_random *random, size_t n) {
    data d;
    double t = -2.0;
    for (size_t i = 0; i < n; i++) {
        t += 0.05 + costate_random_uniform(random);
        d.t[i] = t;
        d.y[i] = sin(t) + 0.3 * costate_random_normal(random);
        d.w[i] = 0.2 + 3.0 * costate_random_uniform(random);
    }
    return d;
}

static costate_spline *fit(size_t n, const double *t, const double *y, const double *w, double smoothing) {
    costate_spline *spline = NULL;
    assert_ok(costate_spline_fit(n, t, y, w, smoothing, NULL, &spline));
    assert_non_null(spline);
    return spline;
}

static void values_and_freedom_are_those_of_the_normal_equations(void **state) {
    (void)state;
    static const double lambdas[] = {1e-8, 1e-4, 1e-2, 0.3, 1.0, 10.0, 1e3, 1e6};
    costate_random random = test_random(1);
    for (size_t n = 3; n <= MAX_N; n += n < 8 ? 1 : 8) {
        const data d = random_data(&random, n);
        for (size_t l = 0; l < sizeof lambdas / sizeof *lambdas; l++) {
            double g[MAX_N];
            double rss = 0.0;
            costate_spline *s = fit(n, d.t, d.y, d.w, lambdas[l]);
            const costate_spline_info *info = costate_spline_get_info(s);
            const double freedom = dense_spline(n, d.t, d.y, d.w, lambdas[l], g);
            for (size_t i = 0; i < n; i++) {
                assert_close(costate_spline_eval(s, d.t[i]), g[i], 1e-9, 1e-9);
                rss += d.w[i] * (d.y[i] - g[i]) * (d.y[i] - g[i]);
            }
            assert_close(info->smoothing, lambdas[l], 1e-12, 0.0);
            assert_close(info->freedom, freedom, 1e-9, 1e-9);
            if ((double)n - freedom > 1e-3) {
                assert_close(info->gcv, (double)n * rss / pow((double)n - freedom, 2.0), 1e-6, 1e-12);
                assert_close(info->variance, rss / ((double)n - freedom), 1e-6, 1e-12);
            }
            costate_spline_destroy(s);
        }
    }
}

static void cross_validation_finds_the_smallest_score(void **state) {
    (void)state;
    costate_random random = test_random(2);
    for (int run = 0; run < 20; run++) {
        const size_t n = 4 + costate_random_below(&random, MAX_N - 3);
        const data d = random_data(&random, n);
        costate_spline *best = fit(n, d.t, d.y, d.w, COSTATE_SPLINE_GCV);
        const double score = costate_spline_get_info(best)->gcv;
        assert_true(isfinite(score));
        for (double lambda = 1e-4; lambda < 1e5; lambda *= 1.7) {
            costate_spline *s = fit(n, d.t, d.y, d.w, lambda);
            const costate_spline_info *info = costate_spline_get_info(s);
            assert_true((double)n - info->freedom < 1e-3 * (double)n || score <= info->gcv * (1.0 + 1e-4));
            costate_spline_destroy(s);
        }
        costate_spline_destroy(best);
    }
}

static void cross_validation_recovers_curve_and_noise(void **state) {
    (void)state;
    enum { N = 200 };
    static double t[N], y[N];
    costate_random random = test_random(3);
    for (size_t i = 0; i < N; i++) {
        t[i] = 1e-3 * (double)i; /* the result may not depend on the unit of time */
        y[i] = sin(2e3 * 3.14159265358979 * t[i] / N) + 0.1 * costate_random_normal(&random);
    }
    costate_spline *s = fit(N, t, y, NULL, COSTATE_SPLINE_GCV);
    double error = 0.0;
    double slope_error = 0.0;
    const double omega = 2e3 * 3.14159265358979 / N;
    for (size_t i = 10; i + 10 < N; i++) {
        error = fmax(error, fabs(costate_spline_eval(s, t[i]) - sin(omega * t[i])));
        slope_error = fmax(slope_error, fabs(costate_spline_slope(s, t[i]) / omega - cos(omega * t[i])));
    }
    assert_true(error < 0.08);
    assert_true(slope_error < 0.25);
    assert_close(costate_spline_get_info(s)->variance, 0.01, 0.3, 0.0);
    costate_spline_destroy(s);
}

static void slope_is_the_derivative_and_smooth(void **state) {
    (void)state;
    costate_random random = test_random(4);
    const size_t n = 12;
    const data d = random_data(&random, n);
    costate_spline *s = fit(n, d.t, d.y, d.w, 0.02);
    const double width = d.t[n - 1] - d.t[0];
    for (int k = -20; k <= 120; k++) {
        const double t = d.t[0] + width * (double)k / 100.0;
        const double h = 1e-5;
        const double numeric = (costate_spline_eval(s, t + h) - costate_spline_eval(s, t - h)) / (2.0 * h);
        assert_close(costate_spline_slope(s, t), numeric, 1e-6, 1e-6);
    }
    for (size_t i = 0; i < n; i++) {
        const double below = nextafter(d.t[i], -HUGE_VAL);
        assert_close(costate_spline_eval(s, d.t[i]), costate_spline_eval(s, below), 1e-12, 1e-12);
        assert_close(costate_spline_slope(s, d.t[i]), costate_spline_slope(s, below), 1e-9, 1e-9);
    }
    /* Linear beyond the ends. */
    assert_close(costate_spline_slope(s, d.t[0] - 5.0), costate_spline_slope(s, d.t[0]), 1e-12, 0.0);
    assert_close(costate_spline_eval(s, d.t[n - 1] + 2.0),
                 costate_spline_eval(s, d.t[n - 1]) + 2.0 * costate_spline_slope(s, d.t[n - 1]), 1e-12, 1e-12);
    costate_spline_destroy(s);
}

static void limits_are_interpolation_and_a_straight_line(void **state) {
    (void)state;
    costate_random random = test_random(5);
    const size_t n = 15;
    const data d = random_data(&random, n);
    costate_spline *s = fit(n, d.t, d.y, d.w, 0.0);
    for (size_t i = 0; i < n; i++) {
        assert_close(costate_spline_eval(s, d.t[i]), d.y[i], 1e-12, 1e-12);
    }
    assert_close(costate_spline_get_info(s)->freedom, (double)n, 1e-12, 0.0);
    costate_spline_destroy(s);

    costate_spline *line = fit(n, d.t, d.y, d.w, HUGE_VAL);
    costate_spline *nearly = fit(n, d.t, d.y, d.w, 1e7);
    for (size_t i = 0; i < n; i++) {
        assert_close(costate_spline_slope(line, d.t[i]), costate_spline_slope(line, 0.0), 1e-12, 0.0);
        assert_close(costate_spline_eval(line, d.t[i]), costate_spline_eval(nearly, d.t[i]), 1e-4, 1e-4);
    }
    assert_close(costate_spline_get_info(line)->freedom, 2.0, 0.0, 0.0);
    costate_spline_destroy(nearly);
    costate_spline_destroy(line);
}

static void straight_data_give_the_line(void **state) {
    (void)state;
    double t[10], y[10];
    for (size_t i = 0; i < 10; i++) {
        t[i] = (double)i;
        y[i] = 3.0 - 0.5 * t[i];
    }
    costate_spline *s = fit(10, t, y, NULL, COSTATE_SPLINE_GCV);
    assert_close(costate_spline_eval(s, 4.25), 3.0 - 0.5 * 4.25, 1e-12, 0.0);
    assert_close(costate_spline_slope(s, 20.0), -0.5, 1e-9, 0.0);
    costate_spline_destroy(s);
}

static void order_missing_values_and_equal_times_do_not_matter(void **state) {
    (void)state;
    const double t[] = {0.0, 1.0, 2.0, 3.5, 4.0, 6.0};
    const double y[] = {1.0, 2.0, 0.5, 0.7, 2.5, 1.0};
    const double w[] = {1.0, 3.0, 1.0, 2.0, 1.0, 1.0};
    const double t2[] = {4.0, 1.0, 9.0, 0.0, 2.0, 6.0, 1.0, 3.5, 5.0};
    const double y2[] = {2.5, 1.0, 50.0, 1.0, 0.5, 1.0, 2.5, 0.7, (double)NAN};
    const double w2[] = {1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 1.0};
    costate_spline *a = fit(6, t, y, w, 0.1);
    costate_spline *b = fit(9, t2, y2, w2, 0.1);
    assert_int_equal(costate_spline_get_info(b)->n_knot, 6);
    for (double at = -1.0; at < 7.0; at += 0.1) {
        assert_close(costate_spline_eval(b, at), costate_spline_eval(a, at), 1e-13, 1e-13);
    }
    costate_spline_destroy(a);
    costate_spline_destroy(b);
}

static void few_data_give_lower_orders(void **state) {
    (void)state;
    const double t[] = {1.0, 2.0, 4.0};
    const double y[] = {5.0, 7.0, 6.0};
    costate_spline *s = fit(1, t, y, NULL, COSTATE_SPLINE_GCV);
    assert_close(costate_spline_eval(s, -3.0), 5.0, 0.0, 0.0);
    assert_close(costate_spline_slope(s, 1.0), 0.0, 0.0, 0.0);
    costate_spline_destroy(s);
    s = fit(2, t, y, NULL, COSTATE_SPLINE_GCV);
    assert_close(costate_spline_eval(s, 4.0), 11.0, 1e-14, 0.0);
    costate_spline_destroy(s);
    s = fit(3, t, y, NULL, COSTATE_SPLINE_GCV);
    assert_close(costate_spline_slope(s, 1.0), 3.0 / 14.0, 1e-12, 0.0);
    costate_spline_destroy(s);
    s = fit(3, t, y, NULL, 0.0);
    assert_close(costate_spline_eval(s, 2.0), 7.0, 1e-14, 0.0);
    assert_true(costate_spline_slope(s, 1.0) > 2.0);
    costate_spline_destroy(s);
}

static void extremely_uneven_times_are_followed(void **state) {
    (void)state;
    double t[30], y[30];
    for (size_t i = 0; i < 30; i++) {
        t[i] = pow(10.0, -6.0 + 0.4 * (double)i);
        y[i] = log10(t[i]);
    }
    costate_spline *s = fit(30, t, y, NULL, 0.0);
    for (size_t i = 0; i < 30; i++) {
        assert_close(costate_spline_eval(s, t[i]), y[i], 1e-9, 1e-9);
    }
    costate_spline_destroy(s);
    s = fit(30, t, y, NULL, COSTATE_SPLINE_GCV);
    assert_true(isfinite(costate_spline_eval(s, 1.0)));
    costate_spline_destroy(s);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    const double t[] = {0.0, 1.0, 2.0, 3.0, 4.0};
    const double y[] = {0.0, 1.0, 0.0, 1.0, 0.0};
    const double missing[] = {(double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    const double negative[] = {1.0, 1.0, -1.0, 1.0, 1.0};
    const double infinite[] = {1.0, HUGE_VAL, 1.0, 1.0, 1.0};
    costate_spline *s = NULL;
    assert_status(costate_spline_fit(5, NULL, y, NULL, 1.0, NULL, &s), COSTATE_ERR_NULL);
    assert_status(costate_spline_fit(5, t, NULL, NULL, 1.0, NULL, &s), COSTATE_ERR_NULL);
    assert_status(costate_spline_fit(5, t, y, NULL, 1.0, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_spline_fit(0, t, y, NULL, 1.0, NULL, &s), COSTATE_ERR_ARGUMENT);
    assert_status(costate_spline_fit(5, t, missing, NULL, 1.0, NULL, &s), COSTATE_ERR_ARGUMENT);
    assert_status(costate_spline_fit(5, t, y, negative, 1.0, NULL, &s), COSTATE_ERR_ARGUMENT);
    assert_status(costate_spline_fit(5, t, y, NULL, -0.5, NULL, &s), COSTATE_ERR_ARGUMENT);
    assert_status(costate_spline_fit(5, t, y, NULL, (double)NAN, NULL, &s), COSTATE_ERR_ARGUMENT);
    assert_status(costate_spline_fit(5, t, infinite, NULL, 1.0, NULL, &s), COSTATE_ERR_NONFINITE);
    assert_status(costate_spline_fit(5, missing, y, NULL, 1.0, NULL, &s), COSTATE_ERR_NONFINITE);
    assert_status(costate_spline_fit(5, t, y, infinite, 1.0, NULL, &s), COSTATE_ERR_NONFINITE);
    assert_status(costate_spline_fit(SIZE_MAX / 4, t, y, NULL, 1.0, NULL, &s), COSTATE_ERR_OVERFLOW);
    assert_null(s);
    assert_true(isnan(costate_spline_eval(NULL, 0.0)));
    assert_true(isnan(costate_spline_slope(NULL, 0.0)));
    assert_null(costate_spline_get_info(NULL));
    costate_spline_destroy(NULL);
}

static void failing_allocation_leaves_nothing_behind(void **state) {
    (void)state;
    const double t[] = {0.0, 1.0, 2.0, 3.0, 4.0};
    const double y[] = {0.0, 1.0, 0.0, 1.0, 0.0};
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_spline *s = NULL;
        const costate_status status = costate_spline_fit(5, t, y, NULL, COSTATE_SPLINE_GCV, &hooks, &s);
        if (counts.n_failed == 0) {
            assert_ok(status);
            costate_spline_destroy(s);
            assert_int_equal(counts.n_live, 0);
            assert_true(k > 4);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_null(s);
        assert_int_equal(counts.n_live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_freedom_are_those_of_the_normal_equations),
        cmocka_unit_test(cross_validation_finds_the_smallest_score),
        cmocka_unit_test(cross_validation_recovers_curve_and_noise),
        cmocka_unit_test(slope_is_the_derivative_and_smooth),
        cmocka_unit_test(limits_are_interpolation_and_a_straight_line),
        cmocka_unit_test(straight_data_give_the_line),
        cmocka_unit_test(order_missing_values_and_equal_times_do_not_matter),
        cmocka_unit_test(few_data_give_lower_orders),
        cmocka_unit_test(extremely_uneven_times_are_followed),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(failing_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
