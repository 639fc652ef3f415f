/* SPDX-License-Identifier: MIT */
/* Data, chains and probes for the tests of trainers. */
#include "chain_train_fixture.h"
#include "support/seeded_random.h"

#include <math.h>
#include <stdlib.h>

static void *array_of(size_t n, size_t size) {
    void *block = calloc(n, size);
    assert_non_null(block);
    return block;
}

moons_data moons_make(size_t n, uint64_t stream) {
    const double pi = acos(-1.0);
    costate_random random = test_random(stream);
    moons_data data = {n, array_of(2 * n, sizeof(real)), array_of(n, sizeof(real)), array_of(n, sizeof(real)),
                       array_of(n, sizeof(uint32_t))};
    for (size_t s = 0; s < n; s++) {
        const double angle = pi * costate_random_uniform(&random);
        data.label[s] = (uint32_t)costate_random_below(&random, 2);
        const double side = data.label[s] == 0 ? 1.0 : -1.0;
        const double centre = data.label[s] == 0 ? 0.0 : 1.0;
        data.x[2 * s] = (real)(centre + side * cos(angle) + 0.08 * costate_random_normal(&random));
        data.x[2 * s + 1] = (real)(0.5 * centre + side * sin(angle) + 0.08 * costate_random_normal(&random));
        data.target[s] = (real)data.label[s];
        data.weight[s] = (real)(0.5 + costate_random_uniform(&random));
    }
    return data;
}

void moons_release(moons_data *data) {
    free(data->x);
    free(data->target);
    free(data->weight);
    free(data->label);
}

train_batch moons_batch(const moons_data *data) {
    return (train_batch){.n = data->n, .x = data->x, .target = data->target, .label = data->label};
}

costate_chain *moons_chain(size_t n_hidden, size_t n_out) {
    costate_chain *chain;
    const costate_chain_layer layers[2] = {costate_chain_dense(n_hidden, COSTATE_ACT_TANH),
                                           costate_chain_dense(n_out, COSTATE_ACT_IDENTITY)};
    assert_ok(costate_chain_create(costate_shape_vector(2), 2, layers, NULL, &chain, NULL));
    return chain;
}

real *initial_parameters(const costate_chain *chain) {
    costate_random random = costate_random_seed(11, 0);
    real *p = array_of(costate_chain_n_param(chain), sizeof(real));
    assert_ok(CSI_REAL(costate_chain_init)(chain, &random, p));
    return p;
}

costate_chain_train_options train_options(size_t n_out) {
    costate_chain_train_options o = costate_chain_train_options_default();
    o.eval.precision = TRAIN_PRECISION;
    if (n_out == 2) {
        o.loss.kind = COSTATE_CHAIN_LOSS_SOFTMAX;
    } else {
        o.loss.output.kind = COSTATE_BATCH_LOSS_LOGISTIC;
    }
    return o;
}

costate_chain_trainer *trainer_make(const costate_chain *chain, const costate_chain_train_options *options) {
    costate_chain_trainer *trainer;
    assert_ok(costate_chain_trainer_create(chain, options, NULL, &trainer));
    return trainer;
}

train_case train_case_make(uint64_t stream) {
    train_case c = {.data = moons_make(CASE_SAMPLE, stream), .chain = moons_chain(6, 2), .options = train_options(2)};
    c.batch = moons_batch(&c.data);
    c.options.batch_size = 16;
    c.options.seed = 3;
    c.options.validation_fraction = 0.25;
    c.options.split = COSTATE_CHAIN_SPLIT_RANDOM;
    c.options.update.schedule.rate = 0.02;
    c.n_param = costate_chain_n_param(c.chain);
    c.p = initial_parameters(c.chain);
    c.q = initial_parameters(c.chain);
    return c;
}

void train_case_release(train_case *c) {
    costate_chain_destroy(c->chain);
    moons_release(&c->data);
    free(c->p);
    free(c->q);
}

void train_case_run(costate_chain_trainer *trainer, size_t n_epoch, const train_case *c, real *p) {
    assert_ok(CSI_REAL(costate_chain_train)(trainer, n_epoch, &c->batch, NULL, p, NULL));
}

void assert_same_history(const costate_chain_trainer *actual, const costate_chain_trainer *expected) {
    const costate_chain_train_history a = costate_chain_trainer_history(actual);
    const costate_chain_train_history e = costate_chain_trainer_history(expected);
    assert_int_equal(a.n_epoch, e.n_epoch);
    assert_same_bits_f64(a.loss, e.loss, e.n_epoch);
    assert_same_bits_f64(a.accuracy, e.accuracy, e.n_epoch);
    assert_same_bits_f64(a.validation_loss, e.validation_loss, e.n_epoch);
    assert_same_bits_f64(a.validation_accuracy, e.validation_accuracy, e.n_epoch);
    assert_same_bits_f64(a.rate, e.rate, e.n_epoch);
}

/* The chains that this serves have one output. */
static costate_status visit(size_t n, size_t first, const real *h, double *value, real *hbar, void *ctx) {
    visit_counts *counts = ctx;
    *value = 0.0;
    for (size_t k = 0; k < n; k++) {
        bool validation;
        const size_t sample = costate_chain_trainer_sample(counts->trainer, first + k, &validation);
        if (sample >= counts->n) {
            return COSTATE_ERR_SIZE;
        }
        (validation ? counts->validation : counts->training)[sample]++;
        if (!validation) {
            counts->order[counts->n_order++ % 512] = sample;
        }
        *value += (double)h[k];
        if (hbar != NULL) {
            hbar[k] = 1;
        }
    }
    return COSTATE_OK;
}

costate_chain_loss visiting_loss(visit_counts *counts) {
    costate_chain_loss loss = {.kind = COSTATE_CHAIN_LOSS_OWN, .ctx = counts};
    loss.output.reduction = COSTATE_BATCH_SUM;
    loss.CSI_REAL(own) = visit;
    return loss;
}
