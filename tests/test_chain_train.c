/* SPDX-License-Identifier: MIT */
/* Training loops against loops written by hand; threads, random layers, penalties; a problem learned. */
#include "chain_train_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_SAMPLE = 50, N_EPOCH = 12 };

/* What a loop by hand needs. */
typedef struct hand_loop {
    costate_chain_eval *eval;
    costate_update *update;
    real *p, *grad;
    size_t n_param;
} hand_loop;

static hand_loop hand_make(const costate_chain *chain, const costate_update_options *options) {
    hand_loop hand = {.n_param = costate_chain_n_param(chain)};
    costate_chain_eval_options eval = costate_chain_eval_options_default();
    costate_update_options update = *options;
    eval.precision = TRAIN_PRECISION;
    update.precision = TRAIN_PRECISION == COSTATE_CHAIN_F64 ? COSTATE_UPDATE_F64 : COSTATE_UPDATE_F32;
    assert_ok(costate_chain_eval_create(chain, &eval, NULL, &hand.eval));
    assert_ok(costate_update_create(&update, hand.n_param, NULL, &hand.update));
    hand.p = initial_parameters(chain);
    hand.grad = calloc(hand.n_param, sizeof(real));
    assert_non_null(hand.grad);
    return hand;
}

static void hand_release(hand_loop *hand) {
    costate_chain_eval_destroy(hand->eval);
    costate_update_destroy(hand->update);
    free(hand->p);
    free(hand->grad);
}

static costate_chain_result hand_step(hand_loop *hand, const train_batch *batch, const costate_chain_loss *loss) {
    costate_chain_result result;
    memset(hand->grad, 0, hand->n_param * sizeof(real));
    assert_ok(CSI_REAL(costate_chain_loss)(hand->eval, hand->p, batch, loss, &result, hand->grad));
    assert_ok(CSI_REAL(costate_update_step)(hand->update, hand->p, hand->grad));
    return result;
}

/* A layer that is random: its factor depends on the draw. */
static costate_status plan_factor(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    (void)layer;
    plan->out = in;
    return COSTATE_OK;
}

static void factor_rows(const CSI_REAL(costate_chain_tile) * tile, const real *from, real *to) {
    const real factor = tile->training ? (real)(1.0 + (double)(tile->draw % 1009) / 1024.0) : (real)0.5;
    for (size_t i = 0; i < costate_shape_size(tile->in) * tile->row; i++) {
        to[i] = factor * from[i];
    }
}

static costate_status factor_forward(const CSI_REAL(costate_chain_tile) * tile) {
    factor_rows(tile, tile->x, tile->y);
    return COSTATE_OK;
}

static costate_status factor_vjp(const CSI_REAL(costate_chain_tile) * tile) {
    if (tile->xbar != NULL) {
        factor_rows(tile, tile->v, tile->xbar);
    }
    return COSTATE_OK;
}

static const costate_chain_kind factor_kind = {
    .name = "factor", .plan = plan_factor, .CSI_REAL(forward) = factor_forward, .CSI_REAL(vjp) = factor_vjp};

static void random_layers_draw_by_seed_and_step(void **state) {
    moons_data data = moons_make(N_SAMPLE, 10);
    const train_batch batch = moons_batch(&data);
    const costate_chain_layer layers[2] = {costate_chain_dense(1, COSTATE_ACT_IDENTITY), {.kind = &factor_kind}};
    costate_chain *chain;
    (void)state;
    assert_ok(costate_chain_create(costate_shape_vector(2), 2, layers, NULL, &chain, NULL));
    for (uint64_t seed = 0; seed < 3; seed++) {
        costate_chain_train_options o = train_options(1);
        costate_chain_result result;
        o.batch_size = 0;
        o.seed = seed;
        costate_chain_trainer *trainer = trainer_make(chain, &o);
        hand_loop hand = hand_make(chain, &o.update);
        real *p = initial_parameters(chain);
        assert_ok(CSI_REAL(costate_chain_train)(trainer, 2, &batch, &batch, p, NULL));
        for (uint64_t k = 0; k < 2; k++) {
            costate_chain_eval_training(hand.eval, true, seed * UINT64_C(4294967296) + k);
            (void)hand_step(&hand, &batch, &o.loss);
        }
        assert_same_reals(p, hand.p, hand.n_param);
        costate_chain_eval_training(hand.eval, false, 0);
        assert_ok(CSI_REAL(costate_chain_loss)(hand.eval, p, &batch, &o.loss, &result, NULL));
        assert_same_bits_f64(&costate_chain_trainer_history(trainer).validation_loss[1], &result.value, 1);
        free(p);
        hand_release(&hand);
        costate_chain_trainer_destroy(trainer);
    }
    costate_chain_destroy(chain);
    moons_release(&data);
}

/* The weights of the two dense layers of moons_chain(8, 1). */
static const costate_penalty_range weights_of_8[2] = {{0, 16, 0.001, 0.01}, {24, 8, 0.002, 0.02}};

static int note_norm(const costate_chain_train_progress *progress, void *ctx) {
    double *norms = ctx;
    norms[progress->step - 1] = progress->gradient_norm;
    return 0;
}

static void full_batches_equal_a_loop_by_hand(void **state) {
    double norms[N_EPOCH];
    moons_data data = moons_make(N_SAMPLE, 1);
    costate_chain *chain = moons_chain(8, 1);
    real *p = initial_parameters(chain);
    train_batch batch = moons_batch(&data);
    costate_chain_train_options o = train_options(1);
    (void)state;
    batch.weight = data.weight;
    o.batch_size = 0;
    o.step_callback = note_norm;
    o.ctx = norms;
    o.update.schedule = (costate_schedule){COSTATE_SCHEDULE_COSINE, 0.05, 0.001, N_EPOCH, 2};
    o.update.clip_norm = 0.1;
    o.layer_l1 = (const double[2]){0.001, 0.002};
    o.layer_l2 = (const double[2]){0.01, 0.02};
    costate_chain_trainer *trainer = trainer_make(chain, &o);
    costate_chain_train_outcome outcome;
    assert_ok(CSI_REAL(costate_chain_train)(trainer, N_EPOCH, &batch, NULL, p, &outcome));
    assert_int_equal(outcome.end, COSTATE_CHAIN_TRAIN_EPOCHS);
    assert_int_equal(outcome.n_epoch, N_EPOCH);
    assert_int_equal(outcome.n_step, N_EPOCH);

    o.update.n_range = 2;
    o.update.range = weights_of_8;
    hand_loop hand = hand_make(chain, &o.update);
    const costate_chain_train_history history = costate_chain_trainer_history(trainer);
    assert_int_equal(history.n_epoch, N_EPOCH);
    for (size_t e = 0; e < N_EPOCH; e++) {
        const costate_chain_result result = hand_step(&hand, &batch, &o.loss);
        const double rate = costate_schedule_rate(&o.update.schedule, e);
        assert_same_bits_f64(&history.loss[e], &result.value, 1);
        assert_close(history.accuracy[e], (double)result.n_right / N_SAMPLE, 1e-15, 0.0);
        assert_same_bits_f64(&history.rate[e], &rate, 1);
        double square = 0.0;
        for (size_t i = 0; i < hand.n_param; i++) {
            square += (double)hand.grad[i] * (double)hand.grad[i];
        }
        assert_close(norms[e], sqrt(square), 1e-14, 0.0);
        assert_true(isnan(history.validation_loss[e]) && isnan(history.validation_accuracy[e]));
    }
    assert_same_reals(p, hand.p, hand.n_param);
    assert_same_bits_f64(&outcome.loss, &history.loss[N_EPOCH - 1], 1);
    hand_release(&hand);
    costate_chain_trainer_destroy(trainer);
    costate_chain_destroy(chain);
    free(p);
    moons_release(&data);
}

/* Batches of 8 samples of `index`, 50 = 6·8 + 2; loss and accuracy are those over all samples. */
static void check_batches(const costate_chain_train_options *options, train_batch batch, const size_t *index) {
    enum { SIZE = 8 };
    costate_chain *chain = moons_chain(8, 2);
    real *p = initial_parameters(chain);
    costate_chain_trainer *trainer = trainer_make(chain, options);
    hand_loop hand = hand_make(chain, &options->update);
    assert_ok(CSI_REAL(costate_chain_train)(trainer, 2, &batch, NULL, p, NULL));
    const costate_chain_train_history history = costate_chain_trainer_history(trainer);
    for (size_t e = 0; e < 2; e++) {
        double sum = 0.0;
        double weight = 0.0;
        size_t n_right = 0;
        for (size_t first = 0; first < N_SAMPLE; first += SIZE) {
            train_batch part = batch;
            part.n = first + SIZE <= N_SAMPLE ? SIZE : N_SAMPLE - first;
            part.index = index + e * N_SAMPLE + first;
            const costate_chain_result result = hand_step(&hand, &part, &options->loss);
            double here = 0.0;
            for (size_t k = 0; k < part.n; k++) {
                here += batch.weight ? (double)batch.weight[part.index[k]] : 1.0;
            }
            sum += options->loss.output.reduction == COSTATE_BATCH_MEAN ? result.value * here : result.value;
            weight += here;
            n_right += result.n_right;
        }
        const bool mean = options->loss.output.reduction == COSTATE_BATCH_MEAN;
        assert_close(history.loss[e], mean ? sum / weight : sum, 1e-14, 0.0);
        assert_close(history.accuracy[e], (double)n_right / N_SAMPLE, 1e-15, 0.0);
    }
    assert_int_equal(costate_update_count(hand.update), 14);
    assert_same_reals(p, hand.p, hand.n_param);
    hand_release(&hand);
    costate_chain_trainer_destroy(trainer);
    costate_chain_destroy(chain);
    free(p);
}

static void batches_in_order_equal_a_loop_by_hand(void **state) {
    moons_data data = moons_make(N_SAMPLE, 2);
    costate_chain_train_options o = train_options(2);
    train_batch batch = moons_batch(&data);
    size_t index[2 * N_SAMPLE];
    (void)state;
    o.batch_size = 8;
    o.shuffle = false;
    for (size_t k = 0; k < 2 * N_SAMPLE; k++) {
        index[k] = k % N_SAMPLE;
    }
    check_batches(&o, batch, index);
    batch.weight = data.weight;
    check_batches(&o, batch, index);
    o.loss.output.reduction = COSTATE_BATCH_SUM;
    check_batches(&o, batch, index);
    for (size_t k = 0; k < 2 * N_SAMPLE; k++) {
        index[k] = N_SAMPLE - 1 - k % N_SAMPLE;
    }
    batch.index = index;
    check_batches(&o, batch, index);
    /* Two targets per sample. */
    o.loss.kind = COSTATE_CHAIN_LOSS_OUTPUT;
    o.loss.output = (costate_batch_loss){COSTATE_BATCH_LOSS_SQUARED, COSTATE_BATCH_MEAN, 1.0};
    batch.target = data.x;
    check_batches(&o, batch, index);
    batch.index = NULL;
    for (size_t k = 0; k < 2 * N_SAMPLE; k++) {
        index[k] = k % N_SAMPLE;
    }
    check_batches(&o, batch, index);
    moons_release(&data);
}

/* Feature by feature, where the part of a batch begins at another place. */
static void batches_of_features_have_the_bits_of_samples(void **state) {
    moons_data data = moons_make(N_SAMPLE, 2);
    costate_chain *chain = moons_chain(8, 2);
    costate_chain_train_options o = train_options(2);
    train_batch batch = moons_batch(&data);
    real turned[2 * N_SAMPLE];
    real *p[2];
    (void)state;
    o.batch_size = 8;
    o.shuffle = false;
    for (size_t s = 0; s < N_SAMPLE; s++) {
        turned[s] = data.x[2 * s];
        turned[N_SAMPLE + s] = data.x[2 * s + 1];
    }
    for (size_t i = 0; i < 2; i++) {
        costate_chain_trainer *trainer = trainer_make(chain, &o);
        p[i] = initial_parameters(chain);
        assert_ok(CSI_REAL(costate_chain_train)(trainer, 2, &batch, NULL, p[i], NULL));
        batch.x = turned;
        batch.feature_stride = N_SAMPLE;
        costate_chain_trainer_destroy(trainer);
    }
    assert_same_reals(p[1], p[0], costate_chain_n_param(chain));
    free(p[0]);
    free(p[1]);
    costate_chain_destroy(chain);
    moons_release(&data);
}

static void permutation_of(uint64_t seed, uint64_t epoch, size_t n, size_t *order) {
    costate_random random = costate_random_seed(seed, epoch);
    for (size_t i = 0; i < n; i++) {
        order[i] = i;
    }
    for (size_t last = n - 1; last > 0; last--) {
        const size_t with = (size_t)costate_random_below(&random, last + 1);
        const size_t kept = order[with];
        order[with] = order[last];
        order[last] = kept;
    }
}

static void shuffled_batches_equal_a_loop_by_hand(void **state) {
    moons_data data = moons_make(N_SAMPLE, 3);
    costate_chain_train_options o = train_options(2);
    size_t index[2 * N_SAMPLE];
    (void)state;
    o.batch_size = 8;
    o.seed = 77;
    permutation_of(77, 0, N_SAMPLE, index);
    permutation_of(77, 1, N_SAMPLE, index + N_SAMPLE);
    assert_memory_not_equal(index, index + N_SAMPLE, N_SAMPLE * sizeof(size_t));
    check_batches(&o, moons_batch(&data), index);
    moons_release(&data);
}

static void threads_do_not_change_the_bits(void **state) {
    static const size_t threads[] = {1, 2, 5};
    enum { N = 700 };
    moons_data data = moons_make(N, 6);
    costate_chain *chain = moons_chain(16, 2);
    const train_batch batch = moons_batch(&data);
    real *p[3];
    double loss[3];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        costate_chain_train_options o = train_options(2);
        costate_chain_train_outcome outcome;
        o.eval.n_thread = threads[i];
        o.batch_size = 300;
        o.validation_fraction = 0.2;
        costate_chain_trainer *trainer = trainer_make(chain, &o);
        p[i] = initial_parameters(chain);
        assert_ok(CSI_REAL(costate_chain_train)(trainer, 5, &batch, NULL, p[i], &outcome));
        loss[i] = outcome.validation_loss;
        costate_chain_trainer_destroy(trainer);
        assert_same_reals(p[i], p[0], costate_chain_n_param(chain));
        assert_same_bits_f64(&loss[i], &loss[0], 1);
    }
    for (size_t i = 0; i < 3; i++) {
        free(p[i]);
    }
    costate_chain_destroy(chain);
    moons_release(&data);
}

static void two_moons_are_told_apart(void **state) {
    moons_data data = moons_make(1000, 7);
    (void)state;
    for (size_t n_out = 1; n_out <= 2; n_out++) {
        costate_chain *chain = moons_chain(16, n_out);
        const train_batch batch = moons_batch(&data);
        costate_chain_train_options o = train_options(n_out);
        costate_chain_train_outcome outcome;
        real *p = initial_parameters(chain);
        o.update.schedule.rate = 0.02;
        o.validation_fraction = 0.25;
        o.l2 = 1e-5;
        costate_chain_trainer *trainer = trainer_make(chain, &o);
        assert_ok(CSI_REAL(costate_chain_train)(trainer, 60, &batch, NULL, p, &outcome));
        assert_int_equal(outcome.n_step, 60 * 24);
        assert_true(outcome.accuracy >= 0.99);
        assert_true(outcome.validation_accuracy >= 0.99);
        assert_true(outcome.validation_loss < 0.05);
        free(p);
        costate_chain_trainer_destroy(trainer);
        costate_chain_destroy(chain);
    }
    moons_release(&data);
}

static costate_status no_loss(size_t n, size_t first, const real *h, double *value, real *hbar, void *ctx) {
    (void)first;
    (void)h;
    (void)ctx;
    *value = 0.0;
    for (size_t k = 0; k < n && hbar != NULL; k++) {
        hbar[k] = 0;
    }
    return COSTATE_OK;
}

/* Without a gradient AdamW multiplies what decays by 1 − rate·decay and leaves the rest alone. */
static void decay_leaves_biases_and_frozen_layers_alone(void **state) {
    moons_data data = moons_make(4, 1);
    const train_batch batch = moons_batch(&data);
    (void)state;
    for (int with_bias = 0; with_bias < 2; with_bias++) {
        for (int n_frozen = 0; n_frozen <= 2; n_frozen++) {
            costate_chain *chain;
            costate_chain_layer layers[2] = {costate_chain_dense(3, COSTATE_ACT_TANH),
                                             costate_chain_dense(1, COSTATE_ACT_IDENTITY)};
            layers[0].frozen = n_frozen > 0;
            layers[1].frozen = n_frozen > 1;
            assert_ok(costate_chain_create(costate_shape_vector(2), 2, layers, NULL, &chain, NULL));
            costate_chain_train_options o = train_options(1);
            o.loss = (costate_chain_loss){.kind = COSTATE_CHAIN_LOSS_OWN};
            o.loss.CSI_REAL(own) = no_loss;
            o.update = costate_update_options_default(COSTATE_UPDATE_ADAMW);
            o.update.schedule.rate = 0.5;
            o.update.decay = 0.5;
            o.penalise_bias = with_bias;
            costate_chain_trainer *trainer = trainer_make(chain, &o);
            real p[13];
            for (size_t i = 0; i < 13; i++) {
                p[i] = (real)(1 + i);
            }
            assert_int_equal(costate_chain_n_param(chain), 13);
            assert_ok(CSI_REAL(costate_chain_train)(trainer, 1, &batch, NULL, p, NULL));
            for (size_t i = 0; i < 13; i++) {
                const bool bias = (i >= 6 && i < 9) || i == 12;
                const bool frozen = i < 9 ? n_frozen > 0 : n_frozen > 1;
                const double kept = frozen || (bias && !with_bias) ? 1.0 : 0.75;
                assert_close(p[i], kept * (double)(1 + i), 1e-15, 0.0);
            }
            costate_chain_trainer_destroy(trainer);
            costate_chain_destroy(chain);
        }
    }
    moons_release(&data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_batches_equal_a_loop_by_hand),
        cmocka_unit_test(batches_in_order_equal_a_loop_by_hand),
        cmocka_unit_test(batches_of_features_have_the_bits_of_samples),
        cmocka_unit_test(random_layers_draw_by_seed_and_step),
        cmocka_unit_test(shuffled_batches_equal_a_loop_by_hand),
        cmocka_unit_test(threads_do_not_change_the_bits),
        cmocka_unit_test(two_moons_are_told_apart),
        cmocka_unit_test(decay_leaves_biases_and_frozen_layers_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
