/* SPDX-License-Identifier: MIT */
/* Losses over a batch: values by hand, a long-double reference, differences, extreme logits, counts of right answers. */
#include "support/asserts.h"
#include "support/malloc_count.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { MAX = 700, N_KIND = 5 };

static const double DELTA = 0.7;

typedef struct batch {
    size_t n;
    size_t k;
    double h[MAX];
    double target[MAX];
    double weight[MAX];
    uint32_t label[MAX];
} batch;

static costate_batch_loss loss_of(int kind, costate_batch_reduction reduction) {
    return (costate_batch_loss){.kind = (costate_batch_loss_kind)kind, .reduction = reduction, .delta = DELTA};
}

/* Numbers that single precision holds exactly, so that one batch serves both. */
static void fill_batch(batch *b, size_t n, size_t k, int kind, uint64_t stream) {
    costate_random random = test_random(stream);
    b->n = n;
    b->k = k;
    for (size_t i = 0; i < n * k; i++) {
        const double uniform = costate_random_uniform(&random);
        b->h[i] = (double)(float)(2.0 * costate_random_normal(&random));
        b->target[i] = kind == COSTATE_BATCH_LOSS_HINGE      ? (uniform < 0.5 ? -1.0 : 1.0)
                       : kind == COSTATE_BATCH_LOSS_LOGISTIC ? (double)(float)uniform
                                                             : (double)(float)costate_random_normal(&random);
    }
    for (size_t i = 0; i < n; i++) {
        b->weight[i] = (double)(float)costate_random_uniform(&random);
        b->label[i] = (uint32_t)(costate_random_bits(&random) % (k > 0 ? k : 1));
    }
}

static long double reference_term(int kind, long double h, long double d, long double *slope) {
    const long double r = h - d;
    switch (kind) {
    case COSTATE_BATCH_LOSS_SQUARED: *slope = 2.0L * r; return r * r;
    case COSTATE_BATCH_LOSS_ABSOLUTE: *slope = r > 0.0L ? 1.0L : -1.0L; return fabsl(r);
    case COSTATE_BATCH_LOSS_HUBER:
        *slope = fabsl(r) <= (long double)DELTA ? r : copysignl((long double)DELTA, r);
        return fabsl(r) <= (long double)DELTA ? r * r / 2.0L
                                              : (long double)DELTA * (fabsl(r) - (long double)DELTA / 2.0L);
    case COSTATE_BATCH_LOSS_HINGE: *slope = d * h < 1.0L ? -d : 0.0L; return d * h < 1.0L ? 1.0L - d * h : 0.0L;
    default: *slope = 1.0L / (1.0L + expl(-h)) - d; return logl(1.0L + expl(h)) - d * h;
    }
}

/* Value and cotangents of a batch as the header defines them; kind N_KIND is the softmax. */
static long double reference(const batch *b, int kind, bool mean, bool weighted, long double *hbar) {
    long double value = 0.0L;
    long double total = 0.0L;
    for (size_t i = 0; i < b->n; i++) {
        const long double w = weighted ? (long double)b->weight[i] : 1.0L;
        const double *h = b->h + i * b->k;
        long double norm = 0.0L;
        total += w * (kind == N_KIND ? 1.0L : (long double)b->k);
        for (size_t j = 0; j < b->k; j++) {
            norm += expl((long double)h[j]);
        }
        for (size_t j = 0; j < b->k; j++) {
            long double slope = expl((long double)h[j]) / norm - (j == b->label[i] ? 1.0L : 0.0L);
            if (kind < N_KIND) {
                value += w * reference_term(kind, (long double)h[j], (long double)b->target[i * b->k + j], &slope);
            }
            hbar[i * b->k + j] = w * slope;
        }
        value += kind == N_KIND ? w * (logl(norm) - (long double)h[b->label[i]]) : 0.0L;
    }
    for (size_t i = 0; mean && i < b->n * b->k; i++) {
        hbar[i] /= total;
    }
    return mean && total > 0.0L ? value / total : value;
}

static void call_f64(const batch *b, int kind, bool mean, bool weighted, double *value, double *hbar) {
    const costate_batch_reduction reduction = mean ? COSTATE_BATCH_MEAN : COSTATE_BATCH_SUM;
    const costate_batch_loss loss = loss_of(kind, reduction);
    const double *w = weighted ? b->weight : NULL;
    if (kind == N_KIND) {
        assert_ok(costate_batch_softmax_loss_f64(reduction, b->n, b->k, b->h, b->label, w, value, hbar));
    } else {
        assert_ok(costate_batch_loss_f64(&loss, b->n, b->k, b->h, b->target, w, value, hbar));
    }
}

static void call_f32(const batch *b, int kind, bool mean, bool weighted, double *value, float *hbar) {
    const costate_batch_reduction reduction = mean ? COSTATE_BATCH_MEAN : COSTATE_BATCH_SUM;
    const costate_batch_loss loss = loss_of(kind, reduction);
    float h[MAX];
    float target[MAX];
    float weight[MAX];
    for (size_t i = 0; i < b->n * b->k; i++) {
        h[i] = (float)b->h[i];
        target[i] = (float)b->target[i];
    }
    for (size_t i = 0; i < b->n; i++) {
        weight[i] = (float)b->weight[i];
    }
    const float *w = weighted ? weight : NULL;
    if (kind == N_KIND) {
        assert_ok(costate_batch_softmax_loss_f32(reduction, b->n, b->k, h, b->label, w, value, hbar));
    } else {
        assert_ok(costate_batch_loss_f32(&loss, b->n, b->k, h, target, w, value, hbar));
    }
}

static void check_batch(const batch *b, int kind, bool mean, bool weighted) {
    static long double expected[MAX];
    const size_t count = b->n * b->k;
    const double rounding = 1.0 / (double)(1u << 23);
    double hbar[MAX + 1];
    float hbar32[MAX + 1];
    double value;
    double value32;
    double alone;
    hbar[count] = 42.0;
    hbar32[count] = 42.0F;
    const long double expected_value = reference(b, kind, mean, weighted, expected);
    call_f64(b, kind, mean, weighted, &value, hbar);
    call_f32(b, kind, mean, weighted, &value32, hbar32);
    assert_close(value, (double)expected_value, 1e-14, 1e-18);
    for (size_t i = 0; i < count; i++) {
        assert_close(hbar[i], (double)expected[i], 1e-13, 1e-16);
        assert_close(hbar32[i], (double)expected[i], 2.0 * rounding, 1e-16);
    }
    assert_same_bits_f64(&value32, &value, 1);
    assert_true(hbar[count] == 42.0 && hbar32[count] == 42.0F);
    call_f64(b, kind, mean, weighted, &alone, NULL);
    assert_same_bits_f64(&alone, &value, 1);
    call_f64(b, kind, mean, weighted, NULL, hbar);
}

static void losses_agree_with_long_double(void **state) {
    static const size_t shape[][2] = {{1, 1}, {1, 7},  {2, 3},   {5, 1},   {3, 8},
                                      {7, 9}, {16, 1}, {33, 10}, {69, 10}, {0, 4}};
    static batch b;
    (void)state;
    for (size_t s = 0; s < sizeof(shape) / sizeof(shape[0]); s++) {
        for (int kind = 0; kind <= N_KIND; kind++) {
            fill_batch(&b, shape[s][0], shape[s][1], kind, s);
            for (int variant = 0; variant < 4; variant++) {
                check_batch(&b, kind, (variant & 1) != 0, (variant & 2) != 0);
            }
        }
    }
}

static void losses_have_the_derivatives_of_their_differences(void **state) {
    static batch b;
    const double step = 1e-6;
    (void)state;
    for (int kind = 0; kind <= N_KIND; kind++) {
        double hbar[MAX];
        double up;
        double down;
        fill_batch(&b, 9, 4, kind, 77);
        call_f64(&b, kind, true, true, NULL, hbar);
        for (size_t i = 0; i < b.n * b.k; i++) {
            const double kept = b.h[i];
            b.h[i] = kept + step;
            call_f64(&b, kind, true, true, &up, NULL);
            b.h[i] = kept - step;
            call_f64(&b, kind, true, true, &down, NULL);
            b.h[i] = kept;
            assert_close(hbar[i], (up - down) / (2.0 * step), 1e-6, 1e-8);
        }
    }
}

static void losses_have_values_known_by_hand(void **state) {
    static const double h[4] = {1.0, -2.0, 0.5, 3.0};
    static const double d[4] = {1.0, 1.0, -1.0, 1.0};
    static const double squared[4] = {0.0, -6.0, 3.0, 4.0};
    static const double absolute[4] = {0.0, -1.0, 1.0, 1.0};
    static const double hinge[4] = {0.0, -1.0, 1.0, 0.0};
    const double zero[2] = {0.0, 0.0};
    const uint32_t label[1] = {1};
    double value;
    double hbar[4];
    (void)state;
    costate_batch_loss loss = loss_of(COSTATE_BATCH_LOSS_SQUARED, COSTATE_BATCH_SUM);
    assert_ok(costate_batch_loss_f64(&loss, 2, 2, h, d, NULL, &value, hbar));
    assert_close(value, 9.0 + 2.25 + 4.0, 0.0, 0.0);
    assert_close_array(hbar, squared, 4, 0.0, 0.0);
    loss.kind = COSTATE_BATCH_LOSS_ABSOLUTE;
    assert_ok(costate_batch_loss_f64(&loss, 4, 1, h, d, NULL, &value, hbar));
    assert_close(value, 6.5, 0.0, 0.0);
    assert_close_array(hbar, absolute, 4, 0.0, 0.0);
    loss.kind = COSTATE_BATCH_LOSS_HINGE;
    assert_ok(costate_batch_loss_f64(&loss, 1, 4, h, d, NULL, &value, hbar));
    assert_close(value, 4.5, 0.0, 0.0);
    assert_close_array(hbar, hinge, 4, 0.0, 0.0);
    assert_ok(costate_batch_softmax_loss_f64(COSTATE_BATCH_MEAN, 1, 2, zero, label, NULL, &value, hbar));
    assert_close(value, log(2.0), 1e-15, 0.0);
    assert_close(hbar[0], 0.5, 0.0, 0.0);
    assert_close(hbar[1], -0.5, 0.0, 0.0);
}

static void logits_of_any_size_overflow_nothing(void **state) {
    static const double h[6] = {1e4, -1e4, 1e4, -1e4, 50.0, -50.0};
    static const double d[6] = {1.0, 0.0, 0.0, 1.0, 1.0, 0.0};
    static const double row[3] = {1e4, -1e4, 0.0};
    static const double close[2] = {50.0, 0.0};
    const costate_batch_loss loss = loss_of(COSTATE_BATCH_LOSS_LOGISTIC, COSTATE_BATCH_SUM);
    const uint32_t first = 0;
    const uint32_t second = 1;
    double hbar[6];
    double value;
    (void)state;
    assert_ok(costate_batch_loss_f64(&loss, 6, 1, h, d, NULL, &value, hbar));
    assert_close(value, 2e4, 1e-15, 0.0);
    assert_close(hbar[0], 0.0, 0.0, 0.0);
    assert_close(hbar[2], 1.0, 0.0, 0.0);
    assert_close(hbar[3], -1.0, 0.0, 0.0);
    assert_close(hbar[4], -exp(-50.0), 1e-14, 0.0);
    assert_close(hbar[5], exp(-50.0), 1e-14, 0.0);
    assert_ok(costate_batch_loss_f64(&loss, 1, 1, h + 4, d + 4, NULL, &value, NULL));
    assert_close(value, exp(-50.0), 1e-14, 0.0);

    assert_ok(costate_batch_softmax_loss_f64(COSTATE_BATCH_SUM, 1, 3, row, &second, NULL, &value, hbar));
    assert_close(value, 2e4, 1e-15, 0.0);
    assert_close(hbar[0], 1.0, 0.0, 0.0);
    assert_close(hbar[1], -1.0, 0.0, 0.0);
    assert_ok(costate_batch_softmax_loss_f64(COSTATE_BATCH_SUM, 1, 2, close, &first, NULL, &value, hbar));
    assert_close(value, exp(-50.0), 1e-14, 0.0);
    assert_close(hbar[0], -exp(-50.0), 1e-14, 0.0);
    const double infinite[2] = {(double)INFINITY, 0.0};
    assert_ok(costate_batch_softmax_loss_f64(COSTATE_BATCH_SUM, 1, 2, infinite, &first, NULL, &value, NULL));
    assert_close(value, 0.0, 0.0, 0.0);
    assert_ok(costate_batch_softmax_loss_f64(COSTATE_BATCH_SUM, 1, 2, infinite, &second, NULL, &value, NULL));
    assert_true(value == (double)INFINITY);
}

/* NaN in element `at` of output, target or weight. */
static void nan_reaches_the_value(void **state) {
    static batch b;
    (void)state;
    for (int kind = 0; kind <= N_KIND; kind++) {
        for (size_t at = 0; at < 33; at++) {
            double hbar[MAX];
            double value;
            fill_batch(&b, 11, 3, kind, 3);
            b.h[at] = (double)NAN;
            call_f64(&b, kind, at % 2 == 0, at % 3 == 0, &value, hbar);
            assert_true(isnan(value) && isnan(hbar[at]));
            assert_true(isfinite(hbar[(at + 3) % 33]));
            fill_batch(&b, 11, 3, kind, 3);
            b.target[at] = (double)NAN;
            call_f64(&b, kind, true, false, &value, NULL);
            assert_true(isnan(value) || kind == N_KIND);
            b.weight[at / 3] = (double)NAN;
            call_f64(&b, kind, true, true, &value, NULL);
            assert_true(isnan(value));
        }
    }
}

static void nothing_to_average_is_zero(void **state) {
    static batch b;
    double value = 1.0;
    double hbar[MAX];
    (void)state;
    const costate_batch_loss loss = loss_of(COSTATE_BATCH_LOSS_SQUARED, COSTATE_BATCH_MEAN);
    assert_ok(costate_batch_loss_f64(&loss, 0, 3, NULL, NULL, NULL, &value, NULL));
    assert_close(value, 0.0, 0.0, 0.0);
    value = 1.0;
    assert_ok(costate_batch_loss_f32(&loss, 3, 0, NULL, NULL, NULL, &value, NULL));
    assert_close(value, 0.0, 0.0, 0.0);
    value = 1.0;
    assert_ok(costate_batch_softmax_loss_f32(COSTATE_BATCH_MEAN, 0, 3, NULL, NULL, NULL, &value, NULL));
    assert_close(value, 0.0, 0.0, 0.0);
    for (int kind = 0; kind <= N_KIND; kind++) {
        fill_batch(&b, 4, 3, kind, 5);
        memset(b.weight, 0, sizeof(b.weight));
        call_f64(&b, kind, true, true, &value, hbar);
        assert_close(value, 0.0, 0.0, 0.0);
        for (size_t i = 0; i < 12; i++) {
            assert_close(hbar[i], 0.0, 0.0, 0.0);
        }
    }
}

static void losses_refuse_what_they_do_not_know(void **state) {
    static const double h[2] = {1.0, 2.0};
    static const double half[2] = {1.0, 0.5};
    static const double minus[2] = {1.0, -1.0};
    const uint32_t label[2] = {0, 1};
    double value = 7.0;
    double hbar[2] = {7.0, 7.0};
    (void)state;
    costate_batch_loss loss = loss_of(COSTATE_BATCH_LOSS_HINGE, COSTATE_BATCH_SUM);
    assert_status(costate_batch_loss_f64(NULL, 2, 1, h, half, NULL, &value, hbar), COSTATE_ERR_NULL);
    assert_status(costate_batch_loss_f64(&loss, 2, 1, NULL, half, NULL, &value, hbar), COSTATE_ERR_NULL);
    assert_status(costate_batch_loss_f64(&loss, 2, 1, h, NULL, NULL, &value, hbar), COSTATE_ERR_NULL);
    assert_status(costate_batch_loss_f64(&loss, SIZE_MAX, 2, h, half, NULL, &value, hbar), COSTATE_ERR_OVERFLOW);
    assert_status(costate_batch_loss_f64(&loss, 2, 1, h, half, NULL, &value, hbar), COSTATE_ERR_ARGUMENT);
    assert_status(costate_batch_loss_f64(&loss, 2, 1, h, minus, minus, &value, hbar), COSTATE_ERR_ARGUMENT);
    loss.kind = COSTATE_BATCH_LOSS_LOGISTIC;
    assert_status(costate_batch_loss_f64(&loss, 2, 1, h, minus, NULL, &value, hbar), COSTATE_ERR_ARGUMENT);
    loss.kind = COSTATE_BATCH_LOSS_HUBER;
    loss.delta = (double)NAN;
    assert_status(costate_batch_loss_f64(&loss, 2, 1, h, half, NULL, &value, hbar), COSTATE_ERR_ARGUMENT);
    loss.kind = (costate_batch_loss_kind)17;
    assert_status(costate_batch_loss_f64(&loss, 2, 1, h, half, NULL, &value, hbar), COSTATE_ERR_ARGUMENT);
    loss = loss_of(COSTATE_BATCH_LOSS_SQUARED, (costate_batch_reduction)9);
    assert_status(costate_batch_loss_f64(&loss, 2, 1, h, half, NULL, &value, hbar), COSTATE_ERR_ARGUMENT);
    const costate_batch_reduction sum = COSTATE_BATCH_SUM;
    assert_status(costate_batch_softmax_loss_f64(sum, 2, 1, h, label, NULL, &value, hbar), COSTATE_ERR_ARGUMENT);
    assert_status(costate_batch_softmax_loss_f64(sum, 1, 0, h, label, NULL, &value, hbar), COSTATE_ERR_ARGUMENT);
    assert_status(costate_batch_softmax_loss_f64(sum, 1, 2, h, NULL, NULL, &value, hbar), COSTATE_ERR_NULL);
    assert_status(costate_batch_softmax_loss_f64(sum, 1, 2, NULL, label, NULL, &value, hbar), COSTATE_ERR_NULL);
    assert_status(costate_batch_softmax_loss_f64(sum, SIZE_MAX, 2, h, label, NULL, &value, hbar), COSTATE_ERR_OVERFLOW);
    assert_true(value == 7.0 && hbar[0] == 7.0 && hbar[1] == 7.0);
}

static void counts_take_the_first_of_equal_outputs(void **state) {
    const double nan = (double)NAN;
    const double h[15] = {1.0, 3.0, 3.0, 2.0, 1.0, 2.0, 0.0, 0.0, 1.0, nan, 5.0, 1.0, 1.0, 5.0, nan};
    const uint32_t label[5] = {1, 2, 2, 1, 1};
    const float h32[6] = {0.0F, 1.0F, 1.0F, 9.0F, 8.0F, 9.0F};
    const uint32_t label32[2] = {1, 7};
    size_t right = 99;
    (void)state;
    assert_ok(costate_batch_class_count_f64(5, 3, h, label, &right));
    assert_int_equal(right, 2);
    assert_ok(costate_batch_class_count_f32(2, 3, h32, label32, &right));
    assert_int_equal(right, 1);
    assert_ok(costate_batch_class_count_f32(0, 3, NULL, NULL, &right));
    assert_int_equal(right, 0);
    assert_status(costate_batch_class_count_f64(1, 3, h, NULL, &right), COSTATE_ERR_NULL);
    assert_status(costate_batch_class_count_f64(SIZE_MAX, 3, h, label, &right), COSTATE_ERR_OVERFLOW);
    const double margin[7] = {0.1, -0.1, 0.0, 2.0, -2.0, nan, 1.0};
    const double target[7] = {1.0, 0.0, -1.0, -1.0, 1.0, 1.0, nan};
    assert_ok(costate_batch_sign_count_f64(7, margin, target, &right));
    assert_int_equal(right, 3);
    assert_ok(costate_batch_sign_count_f32(2, h32, h32, &right));
    assert_int_equal(right, 2);
    assert_status(costate_batch_sign_count_f64(7, margin, NULL, &right), COSTATE_ERR_NULL);
}

static void losses_allocate_nothing(void **state) {
    static batch b;
    double value;
    double hbar[MAX];
    float hbar32[MAX];
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    for (int kind = 0; kind <= N_KIND; kind++) {
        fill_batch(&b, 12, 5, kind, 8);
        malloc_count_start();
        call_f64(&b, kind, true, true, &value, hbar);
        call_f32(&b, kind, false, true, &value, hbar32);
        const malloc_counts counts = malloc_count_stop();
        assert_int_equal(counts.here + counts.other, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_agree_with_long_double),
        cmocka_unit_test(losses_have_the_derivatives_of_their_differences),
        cmocka_unit_test(losses_have_values_known_by_hand),
        cmocka_unit_test(logits_of_any_size_overflow_nothing),
        cmocka_unit_test(nan_reaches_the_value),
        cmocka_unit_test(nothing_to_average_is_zero),
        cmocka_unit_test(losses_refuse_what_they_do_not_know),
        cmocka_unit_test(counts_take_the_first_of_equal_outputs),
        cmocka_unit_test(losses_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
