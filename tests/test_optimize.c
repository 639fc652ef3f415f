/* SPDX-License-Identifier: MIT */
/* What Adam and L-BFGS have in common: stop criteria, progress, failures, statuses, memory. */
#include "analytic_objective.h"
#include "support/allocators.h"
#include "support/asserts.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N = 4 };

/* An optimiser with the options that a test sets on both. */
typedef costate_status (*minimizer)(const costate_stop_criteria *stop, analytic_objective *f,
                                    const costate_allocator *alloc, double *x, costate_optimum *optimum);

static costate_status adam(const costate_stop_criteria *stop, analytic_objective *f, const costate_allocator *alloc,
                           double *x, costate_optimum *optimum) {
    costate_adam_options options = costate_adam_options_default();
    options.rate = 0.1;
    options.stop = *stop;
    return costate_minimize_adam(f->n, analytic_evaluate, f, &options, alloc, x, optimum);
}

static costate_status lbfgs(const costate_stop_criteria *stop, analytic_objective *f, const costate_allocator *alloc,
                            double *x, costate_optimum *optimum) {
    costate_lbfgs_options options = costate_lbfgs_options_default();
    options.stop = *stop;
    return costate_minimize_lbfgs(f->n, analytic_evaluate, f, &options, alloc, x, optimum);
}

static const minimizer minimizers[] = {adam, lbfgs};
#define FOR_EACH_MINIMIZER(m) for (size_t m##_k = 0; m##_k < 2; m##_k++)
#define MINIMIZE(m) minimizers[m##_k]

static costate_stop_criteria limit(size_t max_iteration) {
    return (costate_stop_criteria){.max_iteration = max_iteration, .value = -HUGE_VAL};
}

static void start(double *x) {
    for (size_t i = 0; i < N; i++) {
        x[i] = 5.0 - 2.0 * (double)i;
    }
}

static double value_at(const analytic_objective *f, const double *x) {
    analytic_objective copy = analytic(f->kind, f->n);
    double value;
    double grad[ANALYTIC_MAX_N];
    copy.scale = f->scale;
    assert_ok(analytic_evaluate(x, &value, grad, &copy));
    return value;
}

static void stop_text_of_each_reason_is_known(void **state) {
    (void)state;
    assert_string_equal(costate_stop_text(COSTATE_STOP_MAX_ITERATION), "iteration limit");
    assert_string_equal(costate_stop_text(COSTATE_STOP_FAILURE), "no feasible point could be found");
    assert_string_equal(costate_stop_text((costate_stop)99), "unknown");
}

static void minimize_quadratic_finds_minimum(void **state) {
    (void)state;
    const double expected[N] = {0.0, 1.0, 2.0, 3.0};
    FOR_EACH_MINIMIZER(m) {
        analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
        costate_stop_criteria stop = limit(5000);
        costate_optimum optimum;
        double x[N];
        start(x);
        stop.grad_norm = 1e-7;
        assert_ok(MINIMIZE(m)(&stop, &f, NULL, x, &optimum));
        assert_int_equal(optimum.stop, COSTATE_STOP_GRADIENT);
        assert_close_array(x, expected, N, 0.0, 1e-6);
        assert_close(optimum.value, value_at(&f, x), 0.0, 0.0);
        assert_true(optimum.grad_norm <= 1e-7);
        assert_int_equal(optimum.n_eval, f.n_call);
        assert_int_equal(optimum.n_fail, 0);
        assert_true(optimum.seconds >= 0.0 && optimum.seconds < 60.0);
    }
}

static void minimize_iteration_limit_stops_there(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        for (size_t n = 1; n <= 7; n++) {
            analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
            const costate_stop_criteria stop = limit(n);
            costate_optimum optimum;
            double x[N];
            start(x);
            assert_ok(MINIMIZE(m)(&stop, &f, NULL, x, &optimum));
            assert_int_equal(optimum.stop, COSTATE_STOP_MAX_ITERATION);
            assert_int_equal(optimum.n_iteration, n);
            assert_int_equal(f.n_call, MINIMIZE(m) == adam ? n + 1 : n);
        }
    }
}

static void minimize_value_target_stops_below_it(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
        costate_stop_criteria stop = limit(5000);
        costate_optimum optimum;
        double x[N];
        start(x);
        stop.value = 0.5;
        assert_ok(MINIMIZE(m)(&stop, &f, NULL, x, &optimum));
        assert_int_equal(optimum.stop, COSTATE_STOP_VALUE);
        assert_true(optimum.value <= 0.5 && optimum.value > 0.0);
        assert_close(optimum.value, value_at(&f, x), 0.0, 0.0);
    }
}

static void minimize_start_that_meets_the_target_is_evaluated_once(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
        costate_stop_criteria stop = limit(5000);
        costate_optimum optimum;
        double x[N];
        double x0[N];
        start(x);
        start(x0);
        stop.value = 1e6;
        assert_ok(MINIMIZE(m)(&stop, &f, NULL, x, &optimum));
        assert_int_equal(optimum.stop, COSTATE_STOP_VALUE);
        assert_int_equal(f.n_call, 1);
        assert_same_bits_f64(x, x0, N);
    }
}

static void minimize_stationary_start_stops_for_gradient(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
        const costate_stop_criteria stop = limit(50);
        costate_optimum optimum;
        double x[N] = {0.0, 1.0, 2.0, 3.0};
        assert_ok(MINIMIZE(m)(&stop, &f, NULL, x, &optimum));
        assert_int_equal(optimum.stop, COSTATE_STOP_GRADIENT);
        assert_int_equal(f.n_call, 1);
        assert_close(optimum.grad_norm, 0.0, 0.0, 0.0);
    }
}

static costate_status slow_evaluate(const double *x, double *value, double *grad, void *ctx) {
    volatile double waste = 0.0;
    for (int i = 0; i < 200000; i++) {
        waste = waste + 1.0;
    }
    return analytic_evaluate(x, value, grad, ctx);
}

static void minimize_time_limit_stops(void **state) {
    (void)state;
    analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
    costate_adam_options options = costate_adam_options_default();
    costate_optimum optimum;
    double x[N];
    start(x);
    options.stop = limit(1000000);
    options.stop.max_seconds = 0.02;
    assert_ok(costate_minimize_adam(N, slow_evaluate, &f, &options, NULL, x, &optimum));
    assert_int_equal(optimum.stop, COSTATE_STOP_TIME);
    assert_true(optimum.seconds >= 0.02 && optimum.seconds < 20.0);

    analytic_objective g = analytic(ANALYTIC_ROSENBROCK, N);
    costate_lbfgs_options quick = costate_lbfgs_options_default();
    start(x);
    quick.stop.max_seconds = 1e-9;
    assert_ok(costate_minimize_lbfgs(N, slow_evaluate, &g, &quick, NULL, x, &optimum));
    assert_int_equal(optimum.stop, COSTATE_STOP_TIME);
    assert_int_equal(g.n_call, 1);
}

typedef struct recorder {
    const analytic_objective *f;
    size_t n_call;
    size_t stop_at; /* answer non-zero at this call, from 1; 0: never */
    double best;    /* smallest value so far, found independently; starts with that of the start */
    bool consistent;
} recorder;

static int record(const costate_progress *progress, void *ctx) {
    recorder *r = ctx;
    r->n_call++;
    r->best = fmin(r->best, progress->value);
    r->consistent = r->consistent && progress->iteration == r->n_call && progress->n_eval == r->f->n_call &&
                    progress->n_fail == r->f->n_faulty && progress->seconds >= 0.0 && progress->seconds_left >= 0.0 &&
                    isfinite(progress->seconds_left) && isfinite(progress->value) && progress->best == r->best &&
                    progress->grad_norm >= 0.0 && isfinite(progress->grad_norm) &&
                    value_at(r->f, progress->x) == progress->value;
    return r->n_call == r->stop_at;
}

static void minimize_progress_is_called_after_each_iteration(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
        recorder r = {.f = &f, .consistent = true};
        costate_stop_criteria stop = limit(30);
        costate_optimum optimum;
        double x[N];
        start(x);
        r.best = value_at(&f, x);
        f.first = 9;
        f.n_bad = 3;
        stop.progress = record;
        stop.progress_ctx = &r;
        assert_ok(MINIMIZE(m)(&stop, &f, NULL, x, &optimum));
        assert_int_equal(optimum.n_iteration, r.n_call);
        assert_int_equal(optimum.n_iteration, 30);
        assert_int_equal(optimum.n_fail, 3);
        assert_true(r.consistent);
        assert_close(optimum.value, r.best, 0.0, 0.0);
    }
}

static void minimize_callback_that_says_so_stops(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
        recorder r = {.f = &f, .best = HUGE_VAL, .consistent = true, .stop_at = 5};
        costate_stop_criteria stop = limit(100);
        costate_optimum optimum;
        double x[N];
        start(x);
        stop.progress = record;
        stop.progress_ctx = &r;
        assert_ok(MINIMIZE(m)(&stop, &f, NULL, x, &optimum));
        assert_int_equal(optimum.stop, COSTATE_STOP_CALLBACK);
        assert_int_equal(optimum.n_iteration, 5);
        assert_int_equal(r.n_call, 5);
        assert_true(f.n_call <= 6);
        assert_close(optimum.value, value_at(&f, x), 0.0, 0.0);
    }
}

static void minimize_failing_start_leaves_x_unchanged(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        for (int fault = ANALYTIC_STATUS; fault <= ANALYTIC_INFINITE_VALUE; fault++) {
            analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
            const costate_stop_criteria stop = limit(100);
            costate_optimum optimum;
            double x[N];
            double x0[N];
            start(x);
            start(x0);
            f.fault = (analytic_fault)fault;
            f.n_bad = SIZE_MAX;
            assert_status(MINIMIZE(m)(&stop, &f, NULL, x, &optimum), COSTATE_ERR_OPTIMIZER);
            assert_int_equal(optimum.stop, COSTATE_STOP_FAILURE);
            assert_int_equal(f.n_call, 1);
            assert_int_equal(optimum.n_fail, 1);
            assert_same_bits_f64(x, x0, N);
        }
    }
}

/* The way to the minimum (1, 1, 1, 1) passes a wall beyond which nothing can be evaluated. */
static void minimize_backs_off_from_infeasible_region(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        for (int fault = ANALYTIC_STATUS; fault <= ANALYTIC_INFINITE_VALUE; fault++) {
            analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
            const costate_stop_criteria stop = limit(20000);
            costate_optimum optimum;
            double x[N] = {-1.2, 1.0, -1.2, 1.0};
            f.fault = (analytic_fault)fault;
            f.wall = 1.01;
            const double first = value_at(&f, x);
            assert_ok(MINIMIZE(m)(&stop, &f, NULL, x, &optimum));
            assert_true(x[0] <= f.wall);
            assert_true(isfinite(optimum.value) && optimum.value < 0.05 * first);
            assert_close(optimum.value, value_at(&f, x), 0.0, 0.0);
            assert_true(f.n_faulty > 0);
            assert_int_equal(optimum.n_fail, f.n_faulty);
        }
    }
}

static void minimize_fatal_status_is_returned_with_best_point(void **state) {
    (void)state;
    const costate_status fatal[] = {COSTATE_ERR_INTERRUPTED, COSTATE_ERR_MEMORY, COSTATE_ERR_NULL,
                                    COSTATE_ERR_ARGUMENT,    COSTATE_ERR_SIZE,   COSTATE_ERR_STATE};
    FOR_EACH_MINIMIZER(m) {
        for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
            for (size_t call = 0; call < 9; call += 4) {
                analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
                const costate_stop_criteria stop = limit(100);
                costate_optimum optimum;
                double x[N];
                double x0[N];
                start(x);
                start(x0);
                f.status = fatal[i];
                f.first = call;
                f.n_bad = SIZE_MAX;
                assert_status(MINIMIZE(m)(&stop, &f, NULL, x, &optimum), fatal[i]);
                assert_int_equal(f.n_call, call + 1);
                if (call == 0) {
                    assert_same_bits_f64(x, x0, N);
                } else {
                    assert_true(value_at(&f, x) < value_at(&f, x0));
                    assert_close(optimum.value, value_at(&f, x), 0.0, 0.0);
                }
            }
        }
    }
}

static void minimize_returns_best_point_and_not_the_last(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        for (size_t n = 2; n < 40; n++) {
            analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
            recorder r = {.f = &f, .consistent = true};
            costate_stop_criteria stop = limit(n);
            costate_optimum optimum;
            double x[N] = {-1.2, 1.0, -1.2, 1.0}; /* the way from here goes up and down */
            r.best = value_at(&f, x);
            stop.progress = record;
            stop.progress_ctx = &r;
            assert_ok(MINIMIZE(m)(&stop, &f, NULL, x, &optimum));
            assert_true(r.consistent);
            assert_close(value_at(&f, x), r.best, 0.0, 0.0);
            assert_close(optimum.value, r.best, 0.0, 0.0);
        }
    }
}

static void minimize_same_start_gives_same_bits(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        double x[2][N];
        for (int run = 0; run < 2; run++) {
            analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
            const costate_stop_criteria stop = limit(50);
            start(x[run]);
            assert_ok(MINIMIZE(m)(&stop, &f, NULL, x[run], NULL));
        }
        assert_same_bits_f64(x[0], x[1], N);
    }
}

static void minimize_wrong_arguments_are_refused(void **state) {
    (void)state;
    const costate_stop_criteria wrong[] = {
        {.max_iteration = 0, .value = -HUGE_VAL},  {.max_iteration = 5, .value = (double)NAN},
        {.max_iteration = 5, .max_seconds = -1.0}, {.max_iteration = 5, .max_seconds = (double)NAN},
        {.max_iteration = 5, .grad_norm = -1.0},   {.max_iteration = 5, .grad_norm = (double)NAN},
        {.max_iteration = 5, .rel_change = -1.0},  {.max_iteration = 5, .rel_change = (double)NAN},
    };
    double x[N];
    double x0[N];
    start(x);
    start(x0);
    FOR_EACH_MINIMIZER(m) {
        analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
            assert_status(MINIMIZE(m)(&wrong[i], &f, NULL, x, NULL), COSTATE_ERR_ARGUMENT);
        }
        const costate_stop_criteria stop = limit(5);
        f.n = 0;
        assert_status(MINIMIZE(m)(&stop, &f, NULL, x, NULL), COSTATE_ERR_ARGUMENT);
        f.n = N;
        assert_status(MINIMIZE(m)(&stop, &f, NULL, NULL, NULL), COSTATE_ERR_NULL);
        assert_int_equal(f.n_call, 0);
    }
    assert_status(costate_minimize_adam(N, NULL, NULL, NULL, NULL, x, NULL), COSTATE_ERR_NULL);
    assert_status(costate_minimize_lbfgs(N, NULL, NULL, NULL, NULL, x, NULL), COSTATE_ERR_NULL);
    assert_same_bits_f64(x, x0, N);
}

static void minimize_failed_allocation_is_reported(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        for (size_t k = 1;; k++) {
            analytic_objective f = analytic(ANALYTIC_QUADRATIC, N);
            const costate_stop_criteria stop = limit(5);
            test_allocator counts = {.fail_at = k};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            double x[N];
            double x0[N];
            start(x);
            start(x0);
            const costate_status status = MINIMIZE(m)(&stop, &f, &hooks, x, NULL);
            assert_int_equal(counts.n_live, 0);
            if (counts.n_failed == 0) {
                assert_ok(status);
                assert_true(counts.n_alloc > 0);
                break;
            }
            assert_status(status, COSTATE_ERR_MEMORY);
            assert_int_equal(f.n_call, 0);
            assert_same_bits_f64(x, x0, N);
        }
    }
}

static void minimize_allocates_the_same_for_any_number_of_iterations(void **state) {
    (void)state;
    FOR_EACH_MINIMIZER(m) {
        size_t n_alloc[2];
        for (int run = 0; run < 2; run++) {
            analytic_objective f = analytic(ANALYTIC_ROSENBROCK, N);
            const costate_stop_criteria stop = limit(run == 0 ? 1 : 60);
            test_allocator counts = {0};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            double x[N];
            start(x);
            assert_ok(MINIMIZE(m)(&stop, &f, &hooks, x, NULL));
            n_alloc[run] = counts.n_alloc;
        }
        assert_int_equal(n_alloc[0], n_alloc[1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_text_of_each_reason_is_known),
        cmocka_unit_test(minimize_quadratic_finds_minimum),
        cmocka_unit_test(minimize_iteration_limit_stops_there),
        cmocka_unit_test(minimize_value_target_stops_below_it),
        cmocka_unit_test(minimize_start_that_meets_the_target_is_evaluated_once),
        cmocka_unit_test(minimize_stationary_start_stops_for_gradient),
        cmocka_unit_test(minimize_time_limit_stops),
        cmocka_unit_test(minimize_progress_is_called_after_each_iteration),
        cmocka_unit_test(minimize_callback_that_says_so_stops),
        cmocka_unit_test(minimize_failing_start_leaves_x_unchanged),
        cmocka_unit_test(minimize_backs_off_from_infeasible_region),
        cmocka_unit_test(minimize_fatal_status_is_returned_with_best_point),
        cmocka_unit_test(minimize_returns_best_point_and_not_the_last),
        cmocka_unit_test(minimize_same_start_gives_same_bits),
        cmocka_unit_test(minimize_wrong_arguments_are_refused),
        cmocka_unit_test(minimize_failed_allocation_is_reported),
        cmocka_unit_test(minimize_allocates_the_same_for_any_number_of_iterations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
