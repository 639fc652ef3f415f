/* SPDX-License-Identifier: MIT */
/* Dense output over one step against long double, and its VJP against the output itself. */
#include "ode/dense_output.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>

enum { N_MAX = 9, N_ROW = 23, DEGREE = CSI_DENSE_DEGREE };

/* A step of n states, with random numbers everywhere and times across it, both ends among them. */
typedef struct sample {
    csi_tableau tableau;
    csi_step_record record;
    size_t n;
    double y[N_MAX];
    double k[CSI_STAGE_MAX * N_MAX];
    double coef[DEGREE * N_MAX];
    double t[N_ROW];
    double rows[N_ROW * N_MAX];
} sample;

/* Powers of theta up to 4 and, with extra slopes, the alternating products up to degree 7. */
static void sample_make(sample *made, costate_random *random, size_t n, int n_slope, bool alternating, double h) {
    *made = (sample){.n = n};
    made->tableau.n_extra = alternating ? 3 : 0;
    made->tableau.n_stage = n_slope - made->tableau.n_extra;
    made->tableau.dense_degree = alternating ? 7 : 4;
    made->tableau.alternating = alternating;
    for (int s = 0; s < n_slope; s++) {
        fill_normal(random, made->tableau.dense[s], DEGREE, 1.0);
    }
    made->record = (csi_step_record){.tableau = &made->tableau, .t = 0.7, .t_end = 0.7 + h, .h = h};
    made->record.y = made->y;
    made->record.k = made->k;
    fill_normal(random, made->y, n, 1.0);
    fill_normal(random, made->k, (size_t)n_slope * n, 1.0);
    for (size_t r = 0; r < N_ROW; r++) {
        made->t[r] = r == 0 ? made->record.t : r == 1 ? made->record.t_end : 0.7 + h * costate_random_uniform(random);
    }
}

static void sample_evaluate(sample *made) {
    csi_dense_coefficients(&made->record, made->n, made->coef);
    csi_dense_rows(&made->record, made->n, made->coef, N_ROW, made->t, made->rows);
}

typedef void (*sample_check)(sample *made, costate_random *random);

/* Every n up to N_MAX, two numbers of slopes, both forms, both directions of time. */
static void for_each_sample(sample_check check, uint64_t stream) {
    costate_random random = test_random(stream);
    for (size_t n = 1; n <= N_MAX; n++) {
        for (int trial = 0; trial < 8; trial++) {
            sample made;
            sample_make(&made, &random, n, trial % 2 ? 5 : CSI_STAGE_MAX, trial >= 4, trial & 2 ? -0.31 : 0.013);
            sample_evaluate(&made);
            check(&made, &random);
        }
    }
}

/* phi_d of the tableau or its derivative. */
static long double function(const csi_tableau *tableau, int d, long double theta, bool slope) {
    const int rise = tableau->alternating ? d / 2 + 1 : d + 1, fall = d + 1 - rise;
    const long double up = powl(theta, rise), down = powl(1.0L - theta, fall);
    if (!slope) return up * down;
    return rise * powl(theta, rise - 1) * down - (fall ? fall * up * powl(1.0L - theta, fall - 1) : 0.0L);
}

/* Element i of y (or of dy/dt) at time t, from the definition. */
static long double reference(const sample *made, size_t i, double t, bool slope) {
    const long double h = (long double)made->record.h;
    const long double theta = ((long double)t - (long double)made->record.t) / h;
    long double sum = slope ? 0.0L : (long double)made->y[i];
    for (int s = 0; s < csi_tableau_n_slope(&made->tableau); s++) {
        for (int d = 0; d < made->tableau.dense_degree; d++) {
            const long double value = (slope ? 1.0L : h) * function(&made->tableau, d, theta, slope);
            sum += (long double)made->tableau.dense[s][d] * value * (long double)made->k[(size_t)s * made->n + i];
        }
    }
    return sum;
}

static void check_values(sample *made, costate_random *random) {
    (void)random;
    double y[N_MAX], dydt[N_MAX];
    for (size_t r = 0; r < N_ROW; r++) {
        const double theta = csi_dense_position(&made->record, made->t[r]);
        csi_dense_value(&made->record, made->n, made->coef, theta, y);
        csi_dense_slope(&made->record, made->n, made->coef, theta, dydt);
        for (size_t i = 0; i < made->n; i++) {
            assert_close(made->rows[r * made->n + i], reference(made, i, made->t[r], false), 0.0, 2e-14);
            assert_close(y[i], reference(made, i, made->t[r], false), 0.0, 2e-14);
            assert_close(dydt[i], reference(made, i, made->t[r], true), 0.0, 4e-13);
        }
    }
}

static void value_and_slope_are_those_of_the_definition(void **state) {
    (void)state;
    for_each_sample(check_values, 1);
}

static void check_start(sample *made, costate_random *random) {
    (void)random;
    assert_same_bits_f64(made->rows, made->y, made->n);
}

static void value_at_the_start_is_the_state_to_the_bit(void **state) {
    (void)state;
    for_each_sample(check_start, 2);
}

/* The moments start from numbers other than zero, and so do the cotangents of the slopes. */
static void check_pull_back(sample *made, costate_random *random) {
    const size_t n = made->n;
    const size_t n_k = (size_t)csi_tableau_n_slope(&made->tableau) * n;
    double v[N_ROW * N_MAX], kbar[CSI_STAGE_MAX * N_MAX], moment[(DEGREE + 1) * N_MAX] = {0.0};
    fill_normal(random, v, N_ROW * n, 1.0);
    fill_normal(random, kbar, n_k, 1.0);
    double forward = 0.0, backward = 0.0;
    for (size_t i = 0; i < N_ROW * n; i++) {
        forward += v[i] * made->rows[i];
    }
    for (size_t i = 0; i < n_k; i++) {
        forward += kbar[i] * made->k[i];
    }
    csi_dense_moments_of_rows(&made->record, n, N_ROW / 2, made->t, v, moment);
    csi_dense_moments_of_rows(&made->record, n, N_ROW - N_ROW / 2, made->t + N_ROW / 2, v + N_ROW / 2 * n, moment);
    csi_dense_pull_back(&made->record, n, moment, kbar);
    for (size_t i = 0; i < n; i++) {
        backward += moment[i] * made->y[i];
    }
    for (size_t i = 0; i < n_k; i++) {
        backward += kbar[i] * made->k[i];
    }
    assert_close(backward, forward, 1e-13, 1e-12);
}

static void pull_back_is_the_transpose_of_the_rows(void **state) {
    (void)state;
    for_each_sample(check_pull_back, 3);
}

static void check_moments(sample *made, costate_random *random) {
    const size_t n = made->n;
    const size_t n_moment = ((size_t)made->tableau.dense_degree + 1) * n;
    double v[N_ROW * N_MAX], moment[(DEGREE + 1) * N_MAX];
    long double expected[(DEGREE + 1) * N_MAX];
    fill_normal(random, v, N_ROW * n, 1.0);
    fill_normal(random, moment, n_moment, 1.0);
    for (size_t i = 0; i < n_moment; i++) {
        expected[i] = (long double)moment[i];
    }
    for (size_t r = 0; r < N_ROW; r++) {
        const double theta = csi_dense_position(&made->record, made->t[r]);
        for (size_t i = 0; i < n_moment; i++) {
            const int d = (int)(i / n) - 1;
            const long double weight = d < 0 ? 1.0L : function(&made->tableau, d, (long double)theta, false);
            expected[i] += (long double)v[r * n + i % n] * weight;
        }
    }
    csi_dense_moments_of_rows(&made->record, n, N_ROW, made->t, v, moment);
    for (size_t i = 0; i < n_moment; i++) {
        assert_close(moment[i], expected[i], 0.0, 2e-14);
    }
}

static void moments_add_up_to_sums_of_the_functions(void **state) {
    (void)state;
    for_each_sample(check_moments, 4);
}

static void no_rows_leave_everything_as_it_was(void **state) {
    (void)state;
    costate_random random = test_random(5);
    sample made;
    sample_make(&made, &random, 2, 5, false, 0.1);
    csi_dense_coefficients(&made.record, 2, made.coef);
    double moment[(DEGREE + 1) * 2], before[(DEGREE + 1) * 2];
    fill_normal(&random, moment, (DEGREE + 1) * 2, 1.0);
    for (size_t i = 0; i < (DEGREE + 1) * 2; i++) {
        before[i] = moment[i];
    }
    csi_dense_rows(&made.record, 2, made.coef, 0, made.t, NULL);
    csi_dense_moments_of_rows(&made.record, 2, 0, made.t, NULL, moment);
    assert_same_bits_f64(moment, before, (DEGREE + 1) * 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_and_slope_are_those_of_the_definition),
        cmocka_unit_test(value_at_the_start_is_the_state_to_the_bit),
        cmocka_unit_test(pull_back_is_the_transpose_of_the_rows),
        cmocka_unit_test(moments_add_up_to_sums_of_the_functions),
        cmocka_unit_test(no_rows_leave_everything_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
