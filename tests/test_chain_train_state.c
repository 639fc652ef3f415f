/* SPDX-License-Identifier: MIT */
/* What a trainer remembers: between calls, in saved states, of its best epoch. */
#include "chain_train_fixture.h"
#include "support/allocators.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void several_calls_have_the_bits_of_one(void **state) {
    train_case c = train_case_make(1);
    costate_chain_trainer *one = trainer_make(c.chain, &c.options);
    costate_chain_trainer *many = trainer_make(c.chain, &c.options);
    (void)state;
    train_case_run(one, CASE_EPOCH, &c, c.p);
    train_case_run(many, 2, &c, c.q);
    train_case_run(many, 0, &c, c.q);
    train_case_run(many, 1, &c, c.q);
    train_case_run(many, CASE_EPOCH - 3, &c, c.q);
    assert_same_reals(c.q, c.p, c.n_param);
    assert_same_history(many, one);
    costate_chain_trainer_destroy(one);

    real *again = initial_parameters(c.chain);
    costate_chain_trainer_reset(many);
    costate_chain_trainer_reset(NULL);
    assert_int_equal(costate_chain_trainer_history(many).n_epoch, 0);
    assert_status(CSI_REAL(costate_chain_trainer_best)(many, again), COSTATE_ERR_STATE);
    train_case_run(many, CASE_EPOCH, &c, again);
    assert_same_reals(again, c.p, c.n_param);
    free(again);
    costate_chain_trainer_destroy(many);
    train_case_release(&c);
}

/* A checkpoint that a callback takes. */
typedef struct checkpoint {
    costate_chain_trainer *trainer;
    const real *p;
    size_t n_param, at;
    unsigned char *block;
    size_t n_bytes;
    real *saved;
} checkpoint;

static int save_at(const costate_chain_train_progress *progress, void *ctx) {
    checkpoint *c = ctx;
    if (progress->epoch == c->at) {
        c->n_bytes = costate_chain_trainer_state_bytes(c->trainer);
        c->block = malloc(c->n_bytes + 1);
        c->saved = malloc(c->n_param * sizeof(real));
        assert_non_null(c->block);
        assert_non_null(c->saved);
        assert_status(costate_chain_trainer_save(c->trainer, c->block, c->n_bytes - 1), COSTATE_ERR_WORKSPACE);
        assert_ok(costate_chain_trainer_save(c->trainer, c->block + 1, c->n_bytes));
        memcpy(c->saved, c->p, c->n_param * sizeof(real));
        assert_status(costate_chain_trainer_restore(c->trainer, c->block + 1, c->n_bytes), COSTATE_ERR_STATE);
        costate_chain_trainer_reset(c->trainer);
    }
    return 0;
}

/* Saved in a callback, because p is the best afterwards; taken up by a trainer with more threads. */
static void restored_trainers_go_on_with_the_same_bits(void **state) {
    (void)state;
    for (size_t at = 1; at <= CASE_EPOCH; at += 4) {
        train_case c = train_case_make(2);
        c.options.restore_best = true;
        costate_chain_train_options with_save = c.options;
        checkpoint saved = {.p = c.p, .n_param = c.n_param, .at = at};
        with_save.epoch_callback = save_at;
        with_save.ctx = &saved;
        costate_chain_trainer *one = trainer_make(c.chain, &with_save);
        saved.trainer = one;
        train_case_run(one, CASE_EPOCH, &c, c.p);
        c.options.eval.n_thread = 3;
        costate_chain_trainer *two = trainer_make(c.chain, &c.options);
        train_case_run(two, 2, &c, c.q);
        assert_ok(costate_chain_trainer_restore(two, saved.block + 1, saved.n_bytes));
        train_case_run(two, CASE_EPOCH - at, &c, saved.saved);
        assert_same_reals(saved.saved, c.p, c.n_param);
        assert_same_history(two, one);
        free(saved.block);
        free(saved.saved);
        costate_chain_trainer_destroy(one);
        costate_chain_trainer_destroy(two);
        train_case_release(&c);
    }
}

/* What is remembered of the best epoch and of those since counts after a restart too. */
static void restored_patience_ends_where_it_would_have(void **state) {
    train_case c = train_case_make(3);
    costate_chain_train_outcome whole;
    costate_chain_train_outcome rest;
    (void)state;
    c.options.patience = 5;
    c.options.min_delta = 0.02;
    costate_chain_trainer *one = trainer_make(c.chain, &c.options);
    assert_ok(CSI_REAL(costate_chain_train)(one, 2000, &c.batch, NULL, c.p, &whole));
    assert_int_equal(whole.end, COSTATE_CHAIN_TRAIN_PATIENCE);
    costate_chain_trainer_reset(one);
    train_case_run(one, whole.n_epoch - 2, &c, c.q);
    const size_t n_bytes = costate_chain_trainer_state_bytes(one);
    unsigned char *block = malloc(n_bytes);
    assert_non_null(block);
    assert_ok(costate_chain_trainer_save(one, block, n_bytes));
    costate_chain_trainer *two = trainer_make(c.chain, &c.options);
    assert_ok(costate_chain_trainer_restore(two, block, n_bytes));
    assert_ok(CSI_REAL(costate_chain_train)(two, 2000, &c.batch, NULL, c.q, &rest));
    assert_int_equal(rest.end, COSTATE_CHAIN_TRAIN_PATIENCE);
    assert_int_equal(rest.n_epoch, whole.n_epoch);
    assert_int_equal(rest.best_epoch, whole.best_epoch);
    assert_same_bits_f64(&rest.best_loss, &whole.best_loss, 1);
    assert_same_reals(c.q, c.p, c.n_param);
    assert_ok(CSI_REAL(costate_chain_trainer_best)(one, c.p));
    assert_ok(CSI_REAL(costate_chain_trainer_best)(two, c.q));
    assert_same_reals(c.q, c.p, c.n_param);
    free(block);
    costate_chain_trainer_destroy(one);
    costate_chain_trainer_destroy(two);
    train_case_release(&c);
}

static void foreign_states_are_refused(void **state) {
    train_case c = train_case_make(4);
    costate_chain_trainer *trainer = trainer_make(c.chain, &c.options);
    (void)state;
    train_case_run(trainer, 2, &c, c.p);
    const size_t n_bytes = costate_chain_trainer_state_bytes(trainer);
    unsigned char *block = malloc(n_bytes + 40);
    assert_non_null(block);
    assert_ok(costate_chain_trainer_save(trainer, block, n_bytes));
    assert_status(costate_chain_trainer_restore(trainer, block, n_bytes - 1), COSTATE_ERR_SIZE);
    assert_status(costate_chain_trainer_restore(trainer, block, n_bytes + 40), COSTATE_ERR_SIZE);
    assert_status(costate_chain_trainer_restore(trainer, block, n_bytes - 40), COSTATE_ERR_SIZE);
    assert_status(costate_chain_trainer_restore(trainer, block, 0), COSTATE_ERR_SIZE);
    c.options.seed++;
    costate_chain_trainer *reseeded = trainer_make(c.chain, &c.options);
    assert_status(costate_chain_trainer_restore(reseeded, block, n_bytes), COSTATE_ERR_MISMATCH);
    c.options.seed--;
    c.options.update.kind = COSTATE_UPDATE_ADAMW;
    costate_chain_trainer *other = trainer_make(c.chain, &c.options);
    assert_status(costate_chain_trainer_restore(other, block, n_bytes), COSTATE_ERR_MISMATCH);
    assert_int_equal(costate_chain_trainer_history(other).n_epoch, 0);
    block[0] ^= 1;
    assert_status(costate_chain_trainer_restore(trainer, block, n_bytes), COSTATE_ERR_MISMATCH);
    assert_int_equal(costate_chain_trainer_history(trainer).n_epoch, 2);
    block[0] ^= 1;
    assert_ok(costate_chain_trainer_restore(trainer, block, n_bytes));
    assert_status(costate_chain_trainer_restore(NULL, block, n_bytes), COSTATE_ERR_NULL);
    assert_status(costate_chain_trainer_restore(trainer, NULL, n_bytes), COSTATE_ERR_NULL);
    assert_status(costate_chain_trainer_save(NULL, block, n_bytes), COSTATE_ERR_NULL);
    assert_status(costate_chain_trainer_save(trainer, NULL, n_bytes), COSTATE_ERR_NULL);
    assert_int_equal(costate_chain_trainer_state_bytes(NULL), 0);
    free(block);
    costate_chain_trainer_destroy(trainer);
    costate_chain_trainer_destroy(reseeded);
    costate_chain_trainer_destroy(other);
    train_case_release(&c);
}

/* The history of a restored state may need memory, here beyond the 64 epochs that the first call makes room for, as that of a call that cannot have it; nothing changes then. */
static void history_without_memory_leaves_the_trainer_as_it_was(void **state) {
    train_case c = train_case_make(4);
    test_allocator counts = {0};
    const costate_allocator hooks = test_allocator_hooks(&counts);
    costate_chain_trainer *trainer;
    costate_chain_trainer *plain = trainer_make(c.chain, &c.options);
    (void)state;
    assert_ok(costate_chain_trainer_create(c.chain, &c.options, &hooks, &trainer));
    train_case_run(plain, 66, &c, c.q);
    const size_t n_bytes = costate_chain_trainer_state_bytes(plain);
    unsigned char *block = malloc(n_bytes);
    assert_non_null(block);
    assert_ok(costate_chain_trainer_save(plain, block, n_bytes));
    train_case_run(trainer, 64, &c, c.p);
    counts.fail_at = counts.n_alloc + 1;
    assert_status(costate_chain_trainer_restore(trainer, block, n_bytes), COSTATE_ERR_MEMORY);
    counts.fail_at = counts.n_alloc + 1;
    assert_status(CSI_REAL(costate_chain_train)(trainer, 1, &c.batch, NULL, c.p, NULL), COSTATE_ERR_MEMORY);
    assert_int_equal(costate_chain_trainer_history(trainer).n_epoch, 64);
    train_case_run(trainer, 2, &c, c.p);
    assert_same_reals(c.p, c.q, c.n_param);
    assert_same_history(trainer, plain);
    free(block);
    costate_chain_trainer_destroy(trainer);
    assert_int_equal(counts.n_live, 0);
    costate_chain_trainer_destroy(plain);
    train_case_release(&c);
}

/* Targets of validation that are less sure than those of training: its loss falls for a while, then rises. */
static void patience_ends_at_the_best_parameters(void **state) {
    enum { PATIENCE = 4 };
    moons_data data = moons_make(CASE_SAMPLE, 8);
    costate_chain *chain = moons_chain(8, 1);
    const size_t n_param = costate_chain_n_param(chain);
    const train_batch batch = moons_batch(&data);
    train_batch against = batch;
    real doubtful[CASE_SAMPLE];
    costate_chain_train_options o = train_options(1);
    costate_chain_train_outcome outcome;
    (void)state;
    for (size_t s = 0; s < CASE_SAMPLE; s++) {
        doubtful[s] = (real)(data.label[s] == 0 ? 0.3 : 0.6);
    }
    against.target = doubtful;
    o.update.schedule.rate = 0.01;
    o.patience = PATIENCE;
    o.restore_best = true;
    costate_chain_trainer *trainer = trainer_make(chain, &o);
    real *p = initial_parameters(chain);
    real *best = initial_parameters(chain);
    real *expected = initial_parameters(chain);
    assert_ok(CSI_REAL(costate_chain_train)(trainer, 1000, &batch, &against, p, &outcome));
    assert_int_equal(outcome.end, COSTATE_CHAIN_TRAIN_PATIENCE);
    assert_in_range(outcome.best_epoch, 2, 900);
    assert_int_equal(outcome.n_epoch, outcome.best_epoch + PATIENCE);
    const costate_chain_train_history history = costate_chain_trainer_history(trainer);
    for (size_t e = 0; e < history.n_epoch; e++) {
        assert_true(history.validation_loss[e] >= outcome.best_loss);
    }
    assert_same_bits_f64(&history.validation_loss[outcome.best_epoch - 1], &outcome.best_loss, 1);
    assert_ok(CSI_REAL(costate_chain_trainer_best)(trainer, best));
    assert_same_reals(p, best, n_param);

    o.patience = 0;
    o.restore_best = false;
    costate_chain_trainer *plain = trainer_make(chain, &o);
    assert_ok(CSI_REAL(costate_chain_train)(plain, outcome.best_epoch, &batch, NULL, expected, NULL));
    assert_same_reals(p, expected, n_param);

    /* Nothing falls by so much: the first epoch stays the best. */
    o.patience = PATIENCE;
    o.min_delta = 1e6;
    costate_chain_trainer *strict = trainer_make(chain, &o);
    real *start = initial_parameters(chain);
    assert_ok(CSI_REAL(costate_chain_train)(strict, 1000, &batch, &against, start, &outcome));
    free(start);
    assert_int_equal(outcome.best_epoch, 1);
    assert_int_equal(outcome.n_epoch, 1 + PATIENCE);
    costate_chain_trainer_destroy(trainer);
    costate_chain_trainer_destroy(plain);
    costate_chain_trainer_destroy(strict);
    costate_chain_destroy(chain);
    free(p);
    free(best);
    free(expected);
    moons_release(&data);
}

/* The best parameters are those whose loss was the smallest, which is that of the last epoch here: one update back. */
static void watched_training_loss_belongs_to_the_best_parameters(void **state) {
    moons_data data = moons_make(CASE_SAMPLE, 9);
    costate_chain *chain = moons_chain(8, 1);
    const train_batch batch = moons_batch(&data);
    costate_chain_train_options o = train_options(1);
    costate_chain_train_outcome outcome;
    costate_chain_result result;
    real *p = initial_parameters(chain);
    (void)state;
    o.batch_size = 0;
    o.restore_best = true;
    costate_chain_trainer *trainer = trainer_make(chain, &o);
    assert_ok(CSI_REAL(costate_chain_train)(trainer, CASE_EPOCH, &batch, NULL, p, &outcome));
    assert_int_equal(outcome.best_epoch, CASE_EPOCH);
    assert_ok(CSI_REAL(costate_chain_loss)(costate_chain_trainer_eval(trainer), p, &batch, &o.loss, &result, NULL));
    assert_same_bits_f64(&result.value, &outcome.best_loss, 1);
    costate_chain_trainer_destroy(trainer);
    costate_chain_destroy(chain);
    free(p);
    moons_release(&data);
}

/* In several batches it belongs to none in particular: those after the epoch count. */
static void best_parameters_of_watched_batches_are_those_after_the_epoch(void **state) {
    train_case c = train_case_make(9);
    costate_chain_train_outcome outcome;
    (void)state;
    c.options.validation_fraction = 0.0;
    costate_chain_trainer *plain = trainer_make(c.chain, &c.options);
    c.options.restore_best = true;
    costate_chain_trainer *trainer = trainer_make(c.chain, &c.options);
    train_case_run(plain, CASE_EPOCH, &c, c.q);
    assert_ok(CSI_REAL(costate_chain_train)(trainer, CASE_EPOCH, &c.batch, NULL, c.p, &outcome));
    assert_int_equal(outcome.best_epoch, CASE_EPOCH);
    assert_same_reals(c.p, c.q, c.n_param);
    costate_chain_trainer_destroy(plain);
    costate_chain_trainer_destroy(trainer);
    train_case_release(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_calls_have_the_bits_of_one),
        cmocka_unit_test(restored_trainers_go_on_with_the_same_bits),
        cmocka_unit_test(restored_patience_ends_where_it_would_have),
        cmocka_unit_test(foreign_states_are_refused),
        cmocka_unit_test(history_without_memory_leaves_the_trainer_as_it_was),
        cmocka_unit_test(patience_ends_at_the_best_parameters),
        cmocka_unit_test(watched_training_loss_belongs_to_the_best_parameters),
        cmocka_unit_test(best_parameters_of_watched_batches_are_those_after_the_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
