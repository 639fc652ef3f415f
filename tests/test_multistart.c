/* SPDX-License-Identifier: MIT */
/* Many starts give the same sorted results in any number of threads, and say what failed. */
#define _POSIX_C_SOURCE 200809L

#include "support/allocators.h"
#include "support/asserts.h"

#include <costate/multistart.h>
#include <costate/random.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { N_START = 40, N_X = 2, MAX_THREAD = 5 };

typedef struct study {
    size_t n_thread;
    atomic_int busy[MAX_THREAD];
    atomic_int n_fault; /* two starts at a time with the same worker, or a worker that does not exist */
    atomic_int n_run;
    bool fail_all;
    bool delay; /* lower numbers take longer */
    size_t ran[N_START];
} study;

/* A lattice point drawn from k; its value is the squared distance from the origin, so that many are equal. */
static costate_status start(size_t k, size_t worker, double *x, double *value, void *ctx) {
    study *s = ctx;
    if (worker >= s->n_thread || atomic_exchange(&s->busy[worker], 1) != 0 || x[0] != 0.0 || x[1] != 0.0) {
        atomic_fetch_add(&s->n_fault, 1);
    }
    if (s->delay) {
        const struct timespec pause = {.tv_nsec = (long)(N_START - k) * 20000};
        (void)nanosleep(&pause, NULL);
    }
    costate_random random = costate_random_seed(7, k);
    for (size_t i = 0; i < N_X; i++) {
        x[i] = rint(3.0 * costate_random_normal(&random));
    }
    *value = x[0] * x[0] + x[1] * x[1];
    s->ran[k]++;
    atomic_fetch_add(&s->n_run, 1);
    atomic_store(&s->busy[worker], 0);
    if (k % 11 == 5) {
        *value = (double)NAN;
    }
    return s->fail_all || k % 7 == 3 ? COSTATE_ERR_OPTIMIZER : COSTATE_OK;
}

typedef struct found {
    costate_multistart_result results[N_START];
    double x[N_START * N_X];
    size_t n_ok;
    costate_status status;
    int n_run;
} found;

static found search(size_t n_thread, double target, bool delay) {
    found f = {0};
    study s = {.n_thread = n_thread, .delay = delay};
    costate_multistart_options options = costate_multistart_options_default();
    options.n_thread = n_thread;
    options.target = target;
    f.status = costate_multistart(N_START, N_X, start, &s, &options, NULL, f.results, N_START, f.x, &f.n_ok);
    assert_int_equal(atomic_load(&s.n_fault), 0);
    f.n_run = atomic_load(&s.n_run);
    return f;
}

static void results_are_sorted_and_complete(void **state) {
    (void)state;
    const found f = search(1, -HUGE_VAL, false);
    size_t seen[N_START] = {0};
    assert_ok(f.status);
    assert_int_equal(f.n_run, N_START);
    assert_int_equal(f.n_ok, 31); /* 40 less 6 that fail, 4 that are NaN, and one that is both */
    for (size_t i = 0; i < N_START; i++) {
        const costate_multistart_result *r = &f.results[i];
        const double *x = f.x + i * N_X;
        seen[r->start]++;
        assert_status(r->status, r->start % 7 == 3    ? COSTATE_ERR_OPTIMIZER
                                 : r->start % 11 == 5 ? COSTATE_ERR_NONFINITE
                                                      : COSTATE_OK);
        assert_int_equal(r->status == COSTATE_OK, i < f.n_ok);
        if (r->status == COSTATE_OK) {
            assert_close(x[0] * x[0] + x[1] * x[1], r->value, 0.0, 0.0);
        } else {
            assert_true(isnan(x[0]) && isnan(x[1]) && r->value > 1e300);
        }
        if (i > 0 && i != f.n_ok) {
            assert_true(f.results[i - 1].value <= r->value);
            assert_true(f.results[i - 1].value < r->value || f.results[i - 1].start < r->start);
        }
    }
    for (size_t k = 0; k < N_START; k++) {
        assert_int_equal(seen[k], 1);
    }
}

static void expect_same(const found *a, const found *b) {
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->n_ok, b->n_ok);
    for (size_t i = 0; i < N_START; i++) {
        assert_int_equal(a->results[i].start, b->results[i].start);
        assert_int_equal(a->results[i].status, b->results[i].status);
        assert_same_bits_f64(&a->results[i].value, &b->results[i].value, 1);
    }
    assert_same_bits_f64(a->x, b->x, N_START * N_X);
}

static void number_of_threads_makes_no_difference(void **state) {
    (void)state;
    const found one = search(1, -HUGE_VAL, false);
    for (size_t n_thread = 2; n_thread <= MAX_THREAD; n_thread++) {
        const found many = search(n_thread, -HUGE_VAL, true);
        expect_same(&many, &one);
    }
}

static void target_ends_the_search_at_the_same_start(void **state) {
    (void)state;
    const found all = search(1, -HUGE_VAL, false);
    const double target = 5.0;
    size_t first = N_START;
    for (size_t i = 0; i < all.n_ok; i++) {
        if (all.results[i].value <= target && all.results[i].start < first) {
            first = all.results[i].start;
        }
    }
    assert_true(first > 0 && first < N_START - MAX_THREAD);
    const found one = search(1, target, false);
    assert_int_equal(one.n_run, first + 1);
    for (size_t i = 0; i < N_START; i++) {
        assert_int_equal(one.results[i].start > first, one.results[i].status == COSTATE_ERR_INTERRUPTED);
    }
    for (size_t n_thread = 2; n_thread <= MAX_THREAD; n_thread++) {
        /* With the delay a later start may reach the target before. */
        const found many = search(n_thread, target, true);
        expect_same(&many, &one);
        assert_true(many.n_run < N_START);
    }
}

typedef struct report {
    size_t n_call;
    size_t n_fail;
    double best;
    size_t stop_at;
    atomic_int inside;
} report;

static int on_progress(const costate_multistart_progress *progress, void *ctx) {
    report *r = ctx;
    assert_int_equal(atomic_exchange(&r->inside, 1), 0);
    r->n_call++;
    r->best = fmin(r->best, progress->latest->value);
    r->n_fail += progress->latest->status != COSTATE_OK;
    assert_int_equal(progress->n_start, N_START);
    assert_int_equal(progress->n_done, r->n_call);
    assert_int_equal(progress->n_fail, r->n_fail);
    assert_close(progress->best, r->best, 0.0, 0.0);
    assert_true(progress->latest->status != COSTATE_OK ||
                progress->latest->value == progress->x[0] * progress->x[0] + progress->x[1] * progress->x[1]);
    atomic_store(&r->inside, 0);
    return r->n_call == r->stop_at;
}

static void progress_is_reported_by_one_thread_at_a_time(void **state) {
    (void)state;
    for (size_t n_thread = 1; n_thread <= MAX_THREAD; n_thread += 2) {
        study s = {.n_thread = n_thread};
        report r = {.best = HUGE_VAL};
        double x[N_X];
        const costate_multistart_options options = {
            .n_thread = n_thread, .target = -HUGE_VAL, .progress = on_progress, .progress_ctx = &r};
        assert_ok(costate_multistart(N_START, N_X, start, &s, &options, NULL, NULL, 1, x, NULL));
        assert_int_equal(r.n_call, N_START);
        assert_close(x[0] * x[0] + x[1] * x[1], r.best, 0.0, 0.0);
    }
}

static void progress_can_stop(void **state) {
    (void)state;
    study s = {.n_thread = 1};
    report r = {.best = HUGE_VAL, .stop_at = 5};
    costate_multistart_result results[N_START];
    double x[N_X];
    size_t n_ok;
    const costate_multistart_options options = {
        .n_thread = 1, .target = -HUGE_VAL, .progress = on_progress, .progress_ctx = &r};
    assert_ok(costate_multistart(N_START, N_X, start, &s, &options, NULL, results, 1, x, &n_ok));
    assert_int_equal(atomic_load(&s.n_run), 5);
    assert_int_equal(n_ok, 4);
    assert_status(results[N_START - 1].status, COSTATE_ERR_INTERRUPTED);
    assert_int_equal(results[N_START - 1].start, N_START - 1);
}

static void no_success_is_an_error(void **state) {
    (void)state;
    study s = {.n_thread = 1, .fail_all = true};
    costate_multistart_result results[N_START];
    double x[N_X] = {1.0, 2.0};
    size_t n_ok = 9;
    assert_status(costate_multistart(N_START, N_X, start, &s, NULL, NULL, results, 1, x, &n_ok), COSTATE_ERR_OPTIMIZER);
    assert_int_equal(n_ok, 0);
    assert_true(isnan(x[0]) && isnan(x[1]));
    assert_int_equal(results[0].start, 0);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    study s = {.n_thread = 1};
    double x[N_X];
    costate_multistart_options options = costate_multistart_options_default();
    assert_status(costate_multistart(1, N_X, NULL, &s, NULL, NULL, NULL, 1, x, NULL), COSTATE_ERR_NULL);
    assert_status(costate_multistart(1, N_X, start, &s, NULL, NULL, NULL, 1, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_multistart(0, N_X, start, &s, NULL, NULL, NULL, 1, x, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_multistart(1, 0, start, &s, NULL, NULL, NULL, 1, x, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_multistart(1, N_X, start, &s, NULL, NULL, NULL, 0, x, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_multistart(1, N_X, start, &s, NULL, NULL, NULL, 2, x, NULL), COSTATE_ERR_ARGUMENT);
    options.n_thread = 1025;
    assert_status(costate_multistart(1, N_X, start, &s, &options, NULL, NULL, 1, x, NULL), COSTATE_ERR_ARGUMENT);
    options = costate_multistart_options_default();
    options.target = (double)NAN;
    assert_status(costate_multistart(1, N_X, start, &s, &options, NULL, NULL, 1, x, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_multistart(SIZE_MAX / 4, SIZE_MAX / 4, start, &s, NULL, NULL, NULL, 1, x, NULL),
                  COSTATE_ERR_OVERFLOW);
    assert_int_equal(atomic_load(&s.n_run), 0);
}

static void failing_allocation_leaves_nothing_behind(void **state) {
    (void)state;
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        study s = {.n_thread = 2};
        double x[N_X];
        costate_multistart_options options = costate_multistart_options_default();
        options.n_thread = 2;
        const costate_status status = costate_multistart(N_START, N_X, start, &s, &options, &hooks, NULL, 1, x, NULL);
        assert_int_equal(counts.n_live, 0);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 2);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_int_equal(atomic_load(&s.n_run), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_sorted_and_complete),
        cmocka_unit_test(number_of_threads_makes_no_difference),
        cmocka_unit_test(target_ends_the_search_at_the_same_start),
        cmocka_unit_test(progress_is_reported_by_one_thread_at_a_time),
        cmocka_unit_test(progress_can_stop),
        cmocka_unit_test(no_success_is_an_error),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(failing_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
