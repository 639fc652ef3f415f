/* SPDX-License-Identifier: MIT */
/* A training plan runs the stages it names, gives the same bits every time, and finds what the data hold. */
#include "problems.h"
#include "scratch_file.h"
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_T = 21, N_Y = 2, N_P = 4, N_SERIES = 3, N_X = 8 };

static const double true_p[N_P] = {1.5, 1.0, 3.0, 1.0};

/* Lotka-Volterra series with noise; initial states of the first two are estimated, the third is held out. */
typedef struct study {
    double t[N_T];
    double data[N_SERIES][N_T * N_Y];
    double y0[N_SERIES][N_Y];
    double p[N_P];
    costate_fit *fit;
    double x[N_X];
} study;

static costate_fit *make_fit(const costate_series *series, const double *p, const costate_observable *observable) {
    const costate_estimate free_start = {
        .part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES, .transform = COSTATE_TRANSFORM_LOG};
    const costate_fit_spec spec = {.rhs = &problem_lotka_volterra.rhs,
                                   .n_series = N_SERIES,
                                   .series = series,
                                   .observable = observable,
                                   .p = p,
                                   .n_estimate = 1,
                                   .estimates = &free_start};
    costate_fit *fit = NULL;
    assert_ok(costate_fit_create(&spec, NULL, NULL, &fit));
    return fit;
}

/* start: factor on the true parameters. */
static study make_study(double noise, double start, bool held_out, const costate_observable *observable) {
    study s;
    costate_series series[N_SERIES];
    costate_random random = test_random(3);
    memset(&s, 0, sizeof s);
    for (size_t i = 0; i < N_T; i++) {
        s.t[i] = 0.3 * (double)i;
    }
    for (size_t k = 0; k < N_SERIES; k++) {
        s.y0[k][0] = 1.0 + 0.3 * (double)k;
        s.y0[k][1] = 1.0;
        series[k] =
            (costate_series){.n_t = N_T, .t = s.t, .data = s.data[k], .y0 = s.y0[k], .held_out = held_out && k == 2};
    }
    costate_fit *truth = make_fit(series, true_p, NULL);
    double x[N_X + N_Y];
    assert_ok(costate_fit_start(truth, x));
    for (size_t k = 0; k < N_SERIES; k++) {
        assert_ok(costate_fit_predict(truth, x, k, N_T, s.t, s.data[k], NULL));
        for (size_t i = 0; i < (size_t)N_T * N_Y; i++) {
            s.data[k][i] += noise * costate_random_normal(&random);
        }
    }
    costate_fit_destroy(truth);
    for (size_t j = 0; j < N_P; j++) {
        s.p[j] = start * true_p[j];
    }
    s.fit = make_fit(series, s.p, observable);
    if (held_out) {
        assert_int_equal(costate_fit_n_x(s.fit), N_X);
        assert_ok(costate_fit_start(s.fit, s.x));
    }
    return s;
}

static costate_train_plan short_plan(void) {
    costate_train_plan plan = costate_train_plan_default();
    plan.collocation_effort = (costate_train_effort){.adam = 5, .lbfgs = 30};
    plan.effort = (costate_train_effort){.adam = 5, .lbfgs = 10};
    return plan;
}

static void default_plan_finds_the_parameters(void **state) {
    (void)state;
    study s = make_study(0.05, 0.5, true, NULL);
    costate_train_outcome outcome;
    double value;
    assert_ok(costate_train(s.fit, NULL, NULL, s.x, &outcome));
    assert_close_array(s.x, true_p, N_P, 0.03, 0.0);
    assert_int_equal(outcome.n_run, 4);
    assert_ok(costate_fit_objective(s.x, &value, NULL, s.fit));
    assert_close(outcome.value, value, 0.0, 0.0);
    /* Of 84 values with variance 0.0025. */
    assert_close(value, 84 * 0.0025, 0.3, 0.0);
    assert_close(outcome.validation, 0.0025, 0.5, 0.0);
    costate_fit_destroy(s.fit);
}

typedef struct watch {
    size_t n_call;
    size_t n_stop;      /* calls after which it stops; 0: none */
    double validation;  /* smallest seen */
    size_t n_validated; /* times it changed */
    double last;
    costate_train_kind kinds[4];
    size_t n_kind;
} watch;

static int on_progress(const costate_train_progress *progress, void *ctx) {
    watch *w = ctx;
    w->n_call++;
    if (w->n_kind == 0 || w->kinds[w->n_kind - 1] != progress->run->kind) {
        assert_true(w->n_kind < 4);
        w->kinds[w->n_kind++] = progress->run->kind;
    }
    assert_string_equal(progress->name, costate_train_kind_text(progress->run->kind));
    assert_true(progress->optimizer->iteration > 0);
    if (!isnan(progress->validation)) {
        w->validation = fmin(w->validation, progress->validation);
        w->n_validated += !(progress->validation >= w->last && progress->validation <= w->last);
        w->last = progress->validation;
        assert_close(progress->best_validation, fmin(progress->best_validation, progress->validation), 0.0, 0.0);
    }
    return w->n_call == w->n_stop;
}

static void stages_run_in_order(void **state) {
    (void)state;
    study s = make_study(0.05, 0.8, true, NULL);
    costate_train_plan plan = short_plan();
    costate_train_outcome o;
    watch w = {.validation = HUGE_VAL, .last = (double)NAN};
    plan.n_horizon = 2;
    plan.horizon_effort = (costate_train_effort){.adam = 4, .lbfgs = 3};
    plan.n_shooting = 3;
    plan.shooting_effort = (costate_train_effort){.lbfgs = 5};
    plan.progress = on_progress;
    plan.progress_ctx = &w;
    assert_ok(costate_train(s.fit, &plan, NULL, s.x, &o));
    static const costate_train_kind kinds[] = {
        COSTATE_TRAIN_COLLOCATION, COSTATE_TRAIN_COLLOCATION, COSTATE_TRAIN_HORIZON,  COSTATE_TRAIN_HORIZON,
        COSTATE_TRAIN_HORIZON,     COSTATE_TRAIN_HORIZON,     COSTATE_TRAIN_SHOOTING, COSTATE_TRAIN_SHOOTING,
        COSTATE_TRAIN_SHOOTING,    COSTATE_TRAIN_FULL,        COSTATE_TRAIN_FULL};
    static const bool lbfgs[] = {false, true, false, true, false, true, true, true, true, false, true};
    assert_int_equal(o.n_run, 11);
    for (size_t k = 0; k < o.n_run; k++) {
        assert_int_equal(o.runs[k].kind, kinds[k]);
        assert_int_equal(o.runs[k].lbfgs, lbfgs[k]);
        assert_ok(o.runs[k].status);
        assert_int_equal(o.runs[k].dropped, false);
    }
    assert_int_equal(o.runs[2].optimum.n_iteration, 4);
    assert_close(o.runs[2].horizon, s.t[6], 0.0, 0.0); /* 7 of 21 times, then 14 */
    assert_close(o.runs[4].horizon, s.t[13], 0.0, 0.0);
    assert_true(isinf(o.runs[9].horizon));
    assert_close(o.runs[6].shooting_weight, 1.0, 1e-14, 0.0);
    assert_close(o.runs[7].shooting_weight, 10.0, 1e-14, 0.0);
    assert_close(o.runs[8].shooting_weight, 100.0, 1e-14, 0.0);
    assert_int_equal(o.runs[8].step, 2);
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(w.kinds[k], k);
    }
    assert_int_equal(costate_fit_n_x(s.fit), N_X);
    assert_false(o.stopped);
    assert_false(o.stopped_early);
    assert_close_array(s.x, true_p, N_P, 0.05, 0.0);
    costate_fit_destroy(s.fit);
}

/* From starts so bad that the loss of all data leads elsewhere. */
static void every_strategy_helps_from_a_bad_start(void **state) {
    (void)state;
    for (int strategy = 0; strategy < 4; strategy++) {
        study s = make_study(0.02, 0.3, true, NULL);
        costate_train_plan plan = costate_train_plan_default();
        plan.collocation = strategy == 0;
        plan.n_horizon = strategy == 1 ? 4 : 0;
        plan.horizon_effort = (costate_train_effort){.lbfgs = 60};
        plan.n_shooting = strategy == 2 ? 4 : 0;
        plan.effort.adam = 0;
        const costate_status status = costate_train(s.fit, &plan, NULL, s.x, NULL);
        if (strategy < 3) {
            assert_ok(status);
            assert_close_array(s.x, true_p, N_P, 0.03, 0.0);
        } else {
            assert_true(fabs(s.x[0] / true_p[0] - 1.0) > 0.3 || fabs(s.x[2] / true_p[2] - 1.0) > 0.3);
        }
        costate_fit_destroy(s.fit);
    }
}

static void same_plan_gives_the_same_bits(void **state) {
    (void)state;
    double first[N_X] = {0.0};
    for (int run = 0; run < 2; run++) {
        study s = make_study(0.05, 0.8, true, NULL);
        costate_train_plan plan = short_plan();
        plan.n_shooting = 2;
        assert_ok(costate_train(s.fit, &plan, NULL, s.x, NULL));
        if (run == 0) {
            memcpy(first, s.x, sizeof first);
        } else {
            assert_same_bits_f64(s.x, first, N_X);
        }
        costate_fit_destroy(s.fit);
    }
}

static void best_validation_is_returned(void **state) {
    (void)state;
    study s = make_study(0.6, 1.0, true, NULL);
    costate_train_plan plan = costate_train_plan_default();
    costate_train_outcome o;
    watch w = {.validation = HUGE_VAL, .last = (double)NAN};
    double start_validation, value;
    assert_ok(costate_fit_validation(s.fit, s.x, &start_validation));
    plan.collocation = false;
    plan.validate_every = 3;
    plan.patience = 24;
    plan.effort = (costate_train_effort){.adam = 400, .lbfgs = 400};
    plan.adam.rate = 0.03;
    plan.progress = on_progress;
    plan.progress_ctx = &w;
    assert_ok(costate_train(s.fit, &plan, NULL, s.x, &o));
    assert_true(o.stopped_early);
    assert_true(w.n_call >= 24 && w.n_call < 400);
    assert_int_equal(o.n_run, 1); /* L-BFGS was not run any more */
    assert_int_equal(o.runs[0].optimum.stop, COSTATE_STOP_CALLBACK);
    assert_true(w.n_validated > 5);
    assert_close(o.validation, fmin(w.validation, start_validation), 0.0, 0.0);
    assert_ok(costate_fit_validation(s.fit, s.x, &value));
    assert_close(value, o.validation, 0.0, 0.0);
    assert_true(o.validation < o.runs[0].optimum.value);
    costate_fit_destroy(s.fit);
}

static void progress_and_time_end_the_training(void **state) {
    (void)state;
    study s = make_study(0.05, 0.8, true, NULL);
    costate_train_outcome o;
    costate_train_plan plan = short_plan();
    watch w = {.n_stop = 3, .validation = HUGE_VAL};
    plan.progress = on_progress;
    plan.progress_ctx = &w;
    assert_ok(costate_train(s.fit, &plan, NULL, s.x, &o));
    assert_true(o.stopped);
    assert_int_equal(o.n_run, 1);
    assert_int_equal(w.n_call, 3);
    assert_true(isfinite(o.value));
    plan = short_plan();
    plan.max_seconds = 1e-9;
    assert_ok(costate_train(s.fit, &plan, NULL, s.x, &o));
    assert_true(o.stopped);
    assert_true(o.n_run <= 1);
    costate_fit_destroy(s.fit);
}

static costate_status train_with_journal(const scratch_file *file, double rate, study *s,
                                         costate_journal_counts *counts, costate_train_outcome *outcome) {
    costate_train_plan plan = short_plan();
    costate_journal *journal = NULL;
    plan.n_horizon = 1;
    plan.horizon_effort = (costate_train_effort){.adam = 6};
    plan.n_shooting = 2;
    plan.adam.rate = rate;
    plan.validate_every = 4;
    assert_ok(costate_journal_open(file->path, "train", NULL, &journal, NULL));
    plan.journal = journal;
    const costate_status status = costate_train(s->fit, &plan, NULL, s->x, outcome);
    *counts = *costate_journal_get_counts(journal);
    assert_ok(costate_journal_close(journal));
    return status;
}

/* Those of the optimisers, one look at the loss after collocation, and validations: first, last, and every few iterations. */
static size_t count_evaluations(const costate_train_outcome *o, size_t validate_every) {
    size_t n = 3;
    size_t n_iteration = 0;
    for (size_t k = 0; k < o->n_run; k++) {
        n += o->runs[k].optimum.n_eval;
        n_iteration += o->runs[k].kind == COSTATE_TRAIN_FULL ? o->runs[k].optimum.n_iteration : 0;
    }
    return n + n_iteration / validate_every;
}

static void journal_resumes_with_the_same_bits(void **state) {
    (void)state;
    enum { MAX_BYTES = 1 << 18 };
    static unsigned char bytes[MAX_BYTES];
    costate_journal_counts counts;
    costate_train_outcome o;
    study s = make_study(0.05, 0.8, true, NULL);
    const study start = s;
    scratch_file file = scratch_file_create("", 0);
    assert_ok(train_with_journal(&file, 0.02, &s, &counts, &o));
    const size_t n_all = counts.n_evaluated;
    assert_int_equal(n_all, count_evaluations(&o, 4));
    const size_t n_bytes = scratch_file_read(&file, bytes, MAX_BYTES);
    assert_true(n_all > 50 && n_bytes < MAX_BYTES);
    const size_t n_step = costate_fit_get_counts(s.fit)->forward.n_step;
    for (size_t part = 0; part <= 20; part++) {
        const size_t n_before = costate_fit_get_counts(s.fit)->forward.n_step;
        scratch_file_remove(&file);
        file = scratch_file_create(bytes, n_bytes * part / 20);
        study again = start;
        assert_ok(train_with_journal(&file, 0.02, &again, &counts, &o));
        assert_same_bits_f64(again.x, s.x, N_X);
        assert_int_equal(counts.n_recorded + counts.n_evaluated, n_all);
        /* What is left are the checks, the segment states of shooting, and the final losses. */
        assert_true(part < 20 || costate_fit_get_counts(s.fit)->forward.n_step - n_before < n_step / 8);
    }
    study other = start;
    assert_status(train_with_journal(&file, 0.03, &other, &counts, &o), COSTATE_ERR_MISMATCH);
    assert_all_finite(other.x, N_X);
    scratch_file_remove(&file);
    costate_fit_destroy(s.fit);
}

static int observe(double t, const double *y, const double *p, double *h, void *ctx) {
    (void)t, (void)p, (void)ctx;
    memcpy(h, y, N_Y * sizeof(double));
    return COSTATE_ANSWER_OK;
}

static int observe_vjp(double t, const double *y, const double *p, const double *v, double *ybar, double *pbar,
                       void *ctx) {
    (void)t, (void)y, (void)p, (void)pbar, (void)ctx;
    memcpy(ybar, v, N_Y * sizeof(double));
    return COSTATE_ANSWER_OK;
}

static void collocation_is_left_out_where_states_are_not_observed(void **state) {
    (void)state;
    const costate_observable observable = {.n_h = N_Y, .f = observe, .vjp = observe_vjp};
    study s = make_study(0.05, 0.9, true, &observable);
    costate_train_plan plan = short_plan();
    costate_train_outcome o;
    plan.n_shooting = 1;
    assert_ok(costate_train(s.fit, &plan, NULL, s.x, &o));
    assert_int_equal(o.n_run, 4);
    assert_status(o.runs[0].status, COSTATE_ERR_UNSUPPORTED);
    assert_int_equal(o.runs[0].kind, COSTATE_TRAIN_COLLOCATION);
    assert_int_equal(o.runs[0].optimum.n_eval, 0);
    assert_int_equal(o.runs[3].kind, COSTATE_TRAIN_FULL);
    costate_fit_destroy(s.fit);
}

static void without_held_out_series_the_best_loss_counts(void **state) {
    (void)state;
    study s = make_study(0.05, 0.9, false, NULL);
    double x[N_X + N_Y];
    costate_train_plan plan = short_plan();
    costate_train_outcome o;
    plan.patience = 1;
    assert_ok(costate_fit_start(s.fit, x));
    assert_ok(costate_train(s.fit, &plan, NULL, x, &o));
    assert_false(o.stopped_early);
    assert_true(isnan(o.validation));
    assert_close(o.value, o.runs[o.n_run - 1].optimum.value, 1e-14, 0.0);
    costate_fit_destroy(s.fit);
}

static void a_start_that_cannot_be_evaluated_is_an_error(void **state) {
    (void)state;
    study s = make_study(0.05, 0.9, true, NULL);
    costate_train_plan plan = short_plan();
    costate_train_outcome o;
    plan.collocation = false;
    s.x[0] = 1e6;
    const double start = s.x[1];
    assert_status(costate_train(s.fit, &plan, NULL, s.x, &o), COSTATE_ERR_OPTIMIZER);
    assert_int_equal(o.n_run, 2);
    assert_status(o.runs[0].status, COSTATE_ERR_OPTIMIZER);
    assert_true(isnan(o.value) && isnan(o.validation));
    assert_close(s.x[1], start, 0.0, 0.0);
    costate_fit_destroy(s.fit);
}

static void expect_refusal(study *s, costate_train_plan plan, costate_status expected) {
    costate_train_outcome o = {.n_run = 7};
    assert_status(costate_train(s->fit, &plan, NULL, s->x, &o), expected);
    assert_int_equal(o.n_run, 0);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    study s = make_study(0.05, 0.9, true, NULL);
    const costate_train_plan good = short_plan();
    static const double scale[N_Y] = {1.0, -1.0};
    costate_train_plan plan = good;
    assert_status(costate_train(NULL, &good, NULL, s.x, NULL), COSTATE_ERR_NULL);
    assert_status(costate_train(s.fit, &good, NULL, NULL, NULL), COSTATE_ERR_NULL);
    plan.validate_every = 0;
    expect_refusal(&s, plan, COSTATE_ERR_ARGUMENT);
    plan = good;
    plan.n_horizon = 40;
    plan.n_shooting = 40;
    plan.horizon_effort = (costate_train_effort){.adam = 1};
    expect_refusal(&s, plan, COSTATE_ERR_ARGUMENT);
    plan = good;
    plan.n_horizon = SIZE_MAX;
    expect_refusal(&s, plan, COSTATE_ERR_ARGUMENT);
    plan = good;
    plan.n_shooting = 1;
    plan.shooting_weight = 0.0;
    expect_refusal(&s, plan, COSTATE_ERR_ARGUMENT);
    plan.shooting_weight = 1.0;
    plan.shooting_length = 0;
    expect_refusal(&s, plan, COSTATE_ERR_ARGUMENT);
    plan.shooting_length = 2;
    plan.shooting_scale = scale;
    expect_refusal(&s, plan, COSTATE_ERR_ARGUMENT);
    plan = good;
    plan.max_seconds = (double)NAN;
    expect_refusal(&s, plan, COSTATE_ERR_ARGUMENT);
    plan = good;
    plan.adam.rate = -1.0;
    assert_status(costate_train(s.fit, &plan, NULL, s.x, NULL), COSTATE_ERR_ARGUMENT);
    assert_ok(costate_fit_set_horizon(s.fit, 2.0));
    expect_refusal(&s, good, COSTATE_ERR_STATE);
    assert_ok(costate_fit_set_horizon(s.fit, HUGE_VAL));
    assert_ok(costate_fit_set_shooting(s.fit, 4, 1.0, NULL));
    expect_refusal(&s, good, COSTATE_ERR_STATE);
    assert_string_equal(costate_train_kind_text((costate_train_kind)99), "unknown");
    costate_fit_destroy(s.fit);
}

static void failing_allocation_leaves_nothing_behind(void **state) {
    (void)state;
    study s = make_study(0.05, 0.9, true, NULL);
    costate_train_plan plan = short_plan();
    plan.n_shooting = 1;
    plan.shooting_effort = (costate_train_effort){.lbfgs = 1};
    plan.collocation_effort = (costate_train_effort){.adam = 1, .lbfgs = 1};
    plan.effort = (costate_train_effort){.adam = 1, .lbfgs = 1};
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        double x[N_X];
        memcpy(x, s.x, sizeof x);
        const costate_status status = costate_train(s.fit, &plan, &hooks, x, NULL);
        assert_int_equal(counts.n_live, 0);
        assert_int_equal(costate_fit_n_x(s.fit), N_X);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 20);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
    }
    costate_fit_destroy(s.fit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_plan_finds_the_parameters),
        cmocka_unit_test(stages_run_in_order),
        cmocka_unit_test(every_strategy_helps_from_a_bad_start),
        cmocka_unit_test(same_plan_gives_the_same_bits),
        cmocka_unit_test(best_validation_is_returned),
        cmocka_unit_test(progress_and_time_end_the_training),
        cmocka_unit_test(journal_resumes_with_the_same_bits),
        cmocka_unit_test(collocation_is_left_out_where_states_are_not_observed),
        cmocka_unit_test(without_held_out_series_the_best_loss_counts),
        cmocka_unit_test(a_start_that_cannot_be_evaluated_is_an_error),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(failing_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
