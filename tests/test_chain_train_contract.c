/* SPDX-License-Identifier: MIT */
/* Trainers as objects: callbacks, numbers that are not finite, few samples, refused options and calls, memory. */
#include "chain_train_fixture.h"
#include "support/allocators.h"
#include "support/malloc_count.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What callbacks saw, and when they end the training. */
typedef struct calls {
    costate_chain_trainer *trainer;
    train_case *contract;
    size_t n_epoch, n_step;
    size_t stop_step, stop_epoch; /* 0: never */
} calls;

static int on_step(const costate_chain_train_progress *progress, void *ctx) {
    calls *c = ctx;
    c->n_step++;
    assert_int_equal(progress->step, c->n_step);
    assert_int_equal(progress->n_step, 3 * CASE_EPOCH);
    assert_int_equal(progress->epoch, (c->n_step + 2) / 3);
    assert_true(progress->loss > 0.0 && progress->accuracy >= 0.0 && progress->accuracy <= 1.0);
    assert_true(progress->gradient_norm > 0.0 && isfinite(progress->gradient_norm));
    assert_true(isnan(progress->validation_loss) && isnan(progress->validation_accuracy));
    assert_close(progress->rate, 0.02, 1e-15, 0.0);
    assert_status(CSI_REAL(costate_chain_train)(c->trainer, 1, &c->contract->batch, NULL, c->contract->p, NULL),
                  COSTATE_ERR_STATE);
    return c->n_step == c->stop_step;
}

static int on_epoch(const costate_chain_train_progress *progress, void *ctx) {
    calls *c = ctx;
    const costate_chain_train_history history = costate_chain_trainer_history(c->trainer);
    costate_chain_result result;
    c->n_epoch++;
    assert_int_equal(progress->epoch, c->n_epoch);
    assert_int_equal(progress->n_epoch, CASE_EPOCH);
    assert_int_equal(progress->step, 3 * c->n_epoch);
    assert_int_equal(history.n_epoch, c->n_epoch);
    assert_same_bits_f64(&history.loss[c->n_epoch - 1], &progress->loss, 1);
    assert_same_bits_f64(&history.accuracy[c->n_epoch - 1], &progress->accuracy, 1);
    assert_same_bits_f64(&history.validation_loss[c->n_epoch - 1], &progress->validation_loss, 1);
    assert_same_bits_f64(&history.validation_accuracy[c->n_epoch - 1], &progress->validation_accuracy, 1);
    assert_true(progress->best_epoch >= 1 && progress->best_loss <= progress->validation_loss);
    assert_true(progress->seconds >= 0.0 && progress->seconds_left >= 0.0 && isfinite(progress->seconds_left));
    assert_true(progress->epoch < CASE_EPOCH || progress->seconds_left == 0.0);
    assert_ok(CSI_REAL(costate_chain_loss)(costate_chain_trainer_eval(c->trainer), c->contract->p, &c->contract->batch,
                                           &c->contract->options.loss, &result, NULL));
    return c->n_epoch == c->stop_epoch;
}

static costate_chain_trainer *watched_trainer(train_case *c, calls *seen) {
    costate_chain_train_options o = c->options;
    o.epoch_callback = on_epoch;
    o.step_callback = on_step;
    o.ctx = seen;
    costate_chain_trainer *trainer = trainer_make(c->chain, &o);
    seen->trainer = trainer;
    seen->contract = c;
    return trainer;
}

static void callbacks_see_progress_and_change_nothing(void **state) {
    train_case c = train_case_make(5);
    calls seen = {.stop_step = 0};
    costate_chain_trainer *watched = watched_trainer(&c, &seen);
    costate_chain_trainer *plain = trainer_make(c.chain, &c.options);
    (void)state;
    train_case_run(watched, CASE_EPOCH, &c, c.p);
    train_case_run(plain, CASE_EPOCH, &c, c.q);
    assert_int_equal(seen.n_epoch, CASE_EPOCH);
    assert_int_equal(seen.n_step, 3 * CASE_EPOCH);
    assert_same_reals(c.p, c.q, c.n_param);
    assert_same_history(watched, plain);
    costate_chain_trainer_destroy(watched);
    costate_chain_trainer_destroy(plain);
    train_case_release(&c);
}

static void callbacks_end_the_training(void **state) {
    train_case c = train_case_make(5);
    calls seen = {.stop_epoch = 4};
    costate_chain_train_outcome outcome;
    costate_chain_trainer *watched = watched_trainer(&c, &seen);
    (void)state;
    assert_ok(CSI_REAL(costate_chain_train)(watched, CASE_EPOCH, &c.batch, NULL, c.p, &outcome));
    assert_int_equal(outcome.end, COSTATE_CHAIN_TRAIN_CALLBACK);
    assert_int_equal(outcome.n_epoch, 4);
    assert_int_equal(outcome.n_step, 12);
    costate_chain_trainer_destroy(watched);

    seen = (calls){.stop_step = 8};
    watched = watched_trainer(&c, &seen);
    assert_ok(CSI_REAL(costate_chain_train)(watched, CASE_EPOCH, &c.batch, NULL, c.q, &outcome));
    assert_int_equal(outcome.end, COSTATE_CHAIN_TRAIN_CALLBACK);
    assert_int_equal(outcome.n_epoch, 2);
    assert_int_equal(outcome.n_step, 8);
    assert_same_bits_f64(&outcome.loss, &costate_chain_trainer_history(watched).loss[1], 1);
    costate_chain_trainer_destroy(watched);

    /* An epoch that is not finished is not validated, which would fail here. */
    seen = (calls){.stop_step = 2};
    c.options.split = COSTATE_CHAIN_SPLIT_LAST;
    c.data.label[50] = 2;
    watched = watched_trainer(&c, &seen);
    assert_ok(CSI_REAL(costate_chain_train)(watched, CASE_EPOCH, &c.batch, NULL, c.q, &outcome));
    assert_int_equal(outcome.n_epoch, 0);
    assert_int_equal(outcome.n_step, 2);
    assert_true(isnan(outcome.loss) && outcome.best_epoch == 0);
    costate_chain_trainer_destroy(watched);
    train_case_release(&c);
}

/* NaN in the last batch: the steps before it are undone; with mended data training goes on as if nothing had been. */
static void failed_epochs_are_undone(void **state) {
    train_case c = train_case_make(6);
    costate_chain_train_outcome outcome = {.n_epoch = 99};
    (void)state;
    c.options.shuffle = false;
    c.options.split = COSTATE_CHAIN_SPLIT_LAST;
    costate_chain_trainer *trainer = trainer_make(c.chain, &c.options);
    costate_chain_trainer *expected = trainer_make(c.chain, &c.options);
    train_case_run(expected, 2, &c, c.q);
    train_case_run(trainer, 2, &c, c.p);
    const real kept = c.data.x[2 * 40];
    c.data.x[2 * 40] = (real)NAN;
    assert_status(CSI_REAL(costate_chain_train)(trainer, 1, &c.batch, NULL, c.p, &outcome), COSTATE_ERR_NONFINITE);
    assert_int_equal(outcome.n_epoch, 99);
    assert_same_history(trainer, expected);
    assert_same_reals(c.p, c.q, c.n_param);
    c.data.x[2 * 40] = kept;
    /* A label of those held out, so that the epoch fails in its validation. */
    c.data.label[50] = 2;
    assert_status(CSI_REAL(costate_chain_train)(trainer, 1, &c.batch, NULL, c.p, &outcome), COSTATE_ERR_ARGUMENT);
    assert_same_reals(c.p, c.q, c.n_param);
    c.data.label[50] = 0;
    train_case_run(trainer, 2, &c, c.p);
    train_case_run(expected, 2, &c, c.q);
    assert_same_history(trainer, expected);
    assert_same_reals(c.p, c.q, c.n_param);
    costate_chain_trainer_destroy(trainer);
    costate_chain_trainer_destroy(expected);
    train_case_release(&c);
}

/* A loss whose value and gradient are what ctx says, whatever the outputs. */
typedef struct given_loss {
    double value;
    real slope;
    double norm; /* of its gradient, √2·slope */
} given_loss;

static int check_norm(const costate_chain_train_progress *progress, void *ctx) {
    const given_loss *given = ctx;
    assert_true(given->norm == 0.0 || fabs(progress->gradient_norm / given->norm - 1.0) < 1e-6);
    return 0;
}

static costate_status give(size_t n, size_t first, const real *h, double *value, real *hbar, void *ctx) {
    const given_loss *given = ctx;
    (void)first;
    (void)h;
    *value = given->value;
    for (size_t k = 0; k < n && hbar != NULL; k++) {
        hbar[k] = given->slope;
    }
    return COSTATE_OK;
}

/* Two steps with a sample (1, 0) through one linear unit, p = (1, 1, 1). */
static costate_status train_given(given_loss given, double rate, double clip, real p[3]) {
    static const real x[4] = {1, 0, 1, 0};
    const costate_chain_layer layer = costate_chain_dense(1, COSTATE_ACT_IDENTITY);
    const train_batch batch = {.n = 2, .x = x};
    costate_chain_train_options o = train_options(1);
    costate_chain *chain;
    assert_ok(costate_chain_create(costate_shape_vector(2), 1, &layer, NULL, &chain, NULL));
    o.batch_size = 1;
    o.loss = (costate_chain_loss){.kind = COSTATE_CHAIN_LOSS_OWN, .ctx = &given};
    o.loss.CSI_REAL(own) = give;
    o.update = costate_update_options_default(COSTATE_UPDATE_DESCENT);
    o.update.schedule.rate = rate;
    o.update.clip_norm = clip;
    o.step_callback = check_norm;
    o.ctx = &given;
    costate_chain_trainer *trainer = trainer_make(chain, &o);
    p[0] = p[1] = p[2] = 1;
    const costate_status status = CSI_REAL(costate_chain_train)(trainer, 1, &batch, NULL, p, NULL);
    costate_chain_trainer_destroy(trainer);
    costate_chain_destroy(chain);
    return status;
}

static void what_is_not_finite_is_not_trained_on(void **state) {
    const real one[3] = {1, 1, 1};
    const double large = CSI_REAL_BITS == 64 ? 1e200 : 1e30;
    real p[3];
    (void)state;
    const given_loss wrong[] = {
        {.value = (double)NAN, .slope = 1},
        {.value = HUGE_VAL, .slope = 1},
        {.value = 1.0, .slope = (real)NAN},
        {.value = 1.0, .slope = (real)-HUGE_VAL},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_status(train_given(wrong[i], 0.1, HUGE_VAL, p), COSTATE_ERR_NONFINITE);
        assert_same_reals(p, one, 3);
        assert_status(train_given(wrong[i], 0.1, 1.0, p), COSTATE_ERR_NONFINITE);
        assert_same_reals(p, one, 3);
    }
    /* The update itself leaves the range of numbers. */
    assert_status(train_given((given_loss){1.0, (real)large, 0.0}, large, HUGE_VAL, p), COSTATE_ERR_NONFINITE);
    assert_same_reals(p, one, 3);
    /* The squares of the gradient do, the gradient does not. */
    assert_ok(train_given((given_loss){1.0, (real)large, sqrt(2.0) * large}, 2.0 / large, HUGE_VAL, p));
    assert_close(p[0], -3.0, 1e-6, 0.0);
    assert_close(p[1], 1.0, 0.0, 0.0);
    assert_close(p[2], -3.0, 1e-6, 0.0);
}

static void few_samples_are_trained_on(void **state) {
    train_case c = train_case_make(7);
    costate_chain_train_outcome outcome;
    (void)state;
    c.options.batch_size = 1000;
    c.options.validation_fraction = 0.99;
    costate_chain_trainer *trainer = trainer_make(c.chain, &c.options);
    c.batch.n = 1;
    assert_int_equal(costate_chain_train_n_step(&c.options, 1, false), 1);
    assert_ok(CSI_REAL(costate_chain_train)(trainer, 3, &c.batch, NULL, c.p, &outcome));
    assert_int_equal(outcome.n_step, 3);
    assert_true(outcome.loss > 0.0 && isnan(outcome.validation_loss));
    c.batch.n = 2;
    assert_ok(CSI_REAL(costate_chain_train)(trainer, 3, &c.batch, NULL, c.p, &outcome));
    assert_int_equal(outcome.n_step, 6);
    assert_true(isfinite(outcome.validation_loss));

    /* Without any sample of its own validation takes those held out; without weight there is no loss. */
    const train_batch none = {.n = 0};
    assert_ok(CSI_REAL(costate_chain_train)(trainer, 1, &c.batch, &none, c.p, &outcome));
    assert_true(isfinite(outcome.validation_loss));
    memset(c.data.weight, 0, 2 * sizeof(real));
    c.batch.weight = c.data.weight;
    assert_ok(CSI_REAL(costate_chain_train)(trainer, 1, &c.batch, NULL, c.p, &outcome));
    assert_true(outcome.loss == 0.0 && outcome.validation_loss == 0.0);

    c.batch.n = 0;
    assert_int_equal(costate_chain_train_n_step(&c.options, 0, false), 0);
    assert_int_equal(costate_chain_train_n_step(NULL, 5, false), 0);
    c.options.validation_fraction = -1.0;
    assert_int_equal(costate_chain_train_n_step(&c.options, 5, false), 0);
    c.options.validation_fraction = (double)NAN;
    assert_int_equal(costate_chain_train_n_step(&c.options, 5, false), 0);
    c.options.validation_fraction = 1.0;
    assert_int_equal(costate_chain_train_n_step(&c.options, 5, false), 0);
    assert_int_equal(costate_chain_train_n_step(&c.options, 5, true), 1);
    assert_status(CSI_REAL(costate_chain_train)(trainer, 1, &c.batch, NULL, c.p, &outcome), COSTATE_ERR_ARGUMENT);
    costate_chain_trainer_destroy(trainer);
    train_case_release(&c);
}

/* A failed evaluation is passed on with its text; once the data are right the epoch is begun again. */
static void wrong_labels_are_told_and_can_be_mended(void **state) {
    train_case c = train_case_make(8);
    (void)state;
    costate_chain_trainer *trainer = trainer_make(c.chain, &c.options);
    c.data.label[0] = 2;
    assert_status(CSI_REAL(costate_chain_train)(trainer, 1, &c.batch, NULL, c.p, NULL), COSTATE_ERR_ARGUMENT);
    assert_string_not_equal(costate_chain_trainer_message(trainer), "");
    assert_int_equal(costate_chain_trainer_history(trainer).n_epoch, 0);
    c.data.label[0] = 0;
    train_case_run(trainer, 1, &c, c.p);
    assert_string_equal(costate_chain_trainer_message(trainer), "");
    c.batch.label = NULL;
    assert_status(CSI_REAL(costate_chain_train)(trainer, 1, &c.batch, NULL, c.p, NULL), COSTATE_ERR_NULL);
    costate_chain_trainer_destroy(trainer);
    train_case_release(&c);
}

static void refused(const train_case *c, costate_chain_train_options options, costate_status status) {
    costate_chain_trainer *trainer = (costate_chain_trainer *)&options;
    assert_status(costate_chain_trainer_create(c->chain, &options, NULL, &trainer), status);
    assert_null(trainer);
}

#define REFUSED(field, value_, status)                                                                                 \
    do {                                                                                                               \
        costate_chain_train_options o_ = c.options;                                                                    \
        o_.field = (value_);                                                                                           \
        refused(&c, o_, (status));                                                                                     \
    } while (0)

static void options_outside_their_range_are_refused(void **state) {
    train_case c = train_case_make(9);
    const costate_penalty_range past = {.offset = 0, .length = 1000};
    (void)state;
    REFUSED(validation_fraction, 1.0, COSTATE_ERR_ARGUMENT);
    REFUSED(validation_fraction, -0.1, COSTATE_ERR_ARGUMENT);
    REFUSED(validation_fraction, (double)NAN, COSTATE_ERR_ARGUMENT);
    REFUSED(min_delta, -1.0, COSTATE_ERR_ARGUMENT);
    REFUSED(min_delta, HUGE_VAL, COSTATE_ERR_ARGUMENT);
    REFUSED(split, (costate_chain_split)7, COSTATE_ERR_ARGUMENT);
    REFUSED(loss.output.reduction, (costate_batch_reduction)7, COSTATE_ERR_ARGUMENT);
    REFUSED(loss, ((costate_chain_loss){.output.kind = (costate_batch_loss_kind)99}), COSTATE_ERR_ARGUMENT);
    REFUSED(loss.kind, (costate_chain_loss_kind)9, COSTATE_ERR_ARGUMENT);
    REFUSED(loss.kind, COSTATE_CHAIN_LOSS_OWN, COSTATE_ERR_NULL);
    REFUSED(l1, -1.0, COSTATE_ERR_ARGUMENT);
    REFUSED(l2, (double)NAN, COSTATE_ERR_ARGUMENT);
    REFUSED(layer_l2, ((const double[2]){0.0, -1.0}), COSTATE_ERR_ARGUMENT);
    REFUSED(update.schedule.rate, 0.0, COSTATE_ERR_ARGUMENT);
    REFUSED(eval.n_thread, 5000, COSTATE_ERR_ARGUMENT);
    c.options.update.n_range = 1;
    REFUSED(update.range, NULL, COSTATE_ERR_NULL);
    REFUSED(update.range, &past, COSTATE_ERR_ARGUMENT);
    train_case_release(&c);
}

static void calls_check_their_arguments(void **state) {
    train_case c = train_case_make(9);
    costate_chain_trainer *trainer = trainer_make(c.chain, NULL);
    costate_chain_trainer *none = trainer;
    double p64[64] = {0.0};
    float p32[64] = {0.0f};
    const costate_batch_f64 batch64 = {.n = 1};
    const costate_batch_f32 batch32 = {.n = 1};
    (void)state;
    assert_status(costate_chain_trainer_create(NULL, NULL, NULL, &none), COSTATE_ERR_NULL);
    assert_null(none);
    assert_status(costate_chain_trainer_create(c.chain, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_chain_train_f64(NULL, 1, &batch64, NULL, p64, NULL), COSTATE_ERR_NULL);
    assert_status(costate_chain_train_f64(trainer, 1, NULL, NULL, p64, NULL), COSTATE_ERR_NULL);
    assert_status(costate_chain_train_f64(trainer, 1, &batch64, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_chain_train_f64(trainer, 1, &batch64, NULL, p64, NULL), COSTATE_ERR_NULL);
    assert_status(costate_chain_train_f64(trainer, SIZE_MAX, &batch64, NULL, p64, NULL), COSTATE_ERR_OVERFLOW);
    const costate_batch_f64 all = {.n = SIZE_MAX};
    costate_chain_train_options o = costate_chain_train_options_default();
    o.shuffle = false;
    costate_chain_trainer *in_order = trainer_make(c.chain, &o);
    assert_status(costate_chain_train_f64(in_order, 1, &all, NULL, p64, NULL), COSTATE_ERR_OVERFLOW);
    assert_status(costate_chain_train_f64(trainer, 1, &all, NULL, p64, NULL), COSTATE_ERR_OVERFLOW);
    costate_chain_trainer_destroy(in_order);
    assert_status(costate_chain_train_f32(trainer, 1, &batch32, NULL, p32, NULL), COSTATE_ERR_UNSUPPORTED);
    assert_status(costate_chain_trainer_best_f32(trainer, p32), COSTATE_ERR_UNSUPPORTED);
    assert_status(costate_chain_trainer_best_f64(NULL, p64), COSTATE_ERR_NULL);
    assert_status(costate_chain_trainer_best_f64(trainer, NULL), COSTATE_ERR_NULL);
    assert_status(costate_chain_trainer_best_f64(trainer, p64), COSTATE_ERR_STATE);
    assert_int_equal(costate_chain_trainer_history(NULL).n_epoch, 0);
    assert_int_equal(costate_chain_trainer_history(trainer).n_epoch, 0);
    assert_null(costate_chain_trainer_eval(NULL));
    assert_string_equal(costate_chain_trainer_message(NULL), "");
    costate_chain_trainer_destroy(trainer);
    costate_chain_trainer_destroy(NULL);
    train_case_release(&c);
}

static void every_failed_allocation_is_reported(void **state) {
    train_case c = train_case_make(10);
    (void)state;
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_chain_trainer *trainer;
        costate_status status = costate_chain_trainer_create(c.chain, &c.options, &hooks, &trainer);
        if (status == COSTATE_OK) {
            status = CSI_REAL(costate_chain_train)(trainer, 2, &c.batch, NULL, c.p, NULL);
        } else {
            assert_null(trainer);
        }
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 8);
            costate_chain_trainer_destroy(trainer);
            assert_int_equal(counts.n_live, 0);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_same_reals(c.p, c.q, c.n_param);
        costate_chain_trainer_destroy(trainer);
        assert_int_equal(counts.n_live, 0);
    }
    train_case_release(&c);
}

/* From the end of the first epoch to the end of the last. */
static int count_epochs(const costate_chain_train_progress *progress, void *ctx) {
    malloc_counts *counts = ctx;
    if (progress->epoch == 1) {
        malloc_count_start();
    }
    if (progress->epoch == progress->n_epoch) {
        *counts = malloc_count_stop();
    }
    return 0;
}

static void epochs_allocate_nothing(void **state) {
    malloc_counts counts = {1, 1, 1};
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    train_case c = train_case_make(10);
    c.options.eval.n_thread = 2;
    c.options.patience = 100;
    c.options.epoch_callback = count_epochs;
    c.options.ctx = &counts;
    costate_chain_trainer *trainer = trainer_make(c.chain, &c.options);
    train_case_run(trainer, CASE_EPOCH, &c, c.p);
    assert_int_equal(counts.here, 0);
    assert_int_equal(counts.other, 0);
    costate_chain_trainer_destroy(trainer);
    train_case_release(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callbacks_see_progress_and_change_nothing),
        cmocka_unit_test(callbacks_end_the_training),
        cmocka_unit_test(failed_epochs_are_undone),
        cmocka_unit_test(what_is_not_finite_is_not_trained_on),
        cmocka_unit_test(few_samples_are_trained_on),
        cmocka_unit_test(wrong_labels_are_told_and_can_be_mended),
        cmocka_unit_test(options_outside_their_range_are_refused),
        cmocka_unit_test(calls_check_their_arguments),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(epochs_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
