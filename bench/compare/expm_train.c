/* SPDX-License-Identifier: MIT */
/* Errors of training: three times 10 000 steps, Adam beginning anew each time, from ten seeds. */
#include "compare/expm_groups.h"

enum { N_PAIR = 10000, N_PART = 3, N_STEP = 10000, N_STEP_QUICK = 200, MAX_SEED = 10 };

/* A constant would leave 4.9. */
#define MOST_ERROR 0.7
#define MOST_ERROR_QUICK 4.9

/* Mean squared errors of an element, by part and seed. */
typedef struct training_errors {
    double train[N_PART][MAX_SEED];
    double test[N_PART][MAX_SEED];
} training_errors;

static costate_status train_part(expm_model *model, const costate_batch_f32 *batch, size_t n_step) {
    costate_status status = COSTATE_OK;
    double error;
    costate_update_reset(model->adam);
    for (size_t step = 0; status == COSTATE_OK && step < n_step; step++) {
        status = expm_model_step(model, batch, &error);
    }
    return status;
}

static costate_status train_parts(size_t n_part, size_t n_step, size_t seed, const exponential_pairs *learnt,
                                  const exponential_pairs *others, training_errors *errors) {
    const costate_batch_f32 train = expm_batch(learnt, learnt->n);
    const costate_batch_f32 test = expm_batch(others, others->n);
    expm_model model;
    costate_status status = expm_model_create(0, seed, &model);
    for (size_t part = 0; status == COSTATE_OK && part < n_part; part++) {
        status = train_part(&model, &train, n_step);
        if (status == COSTATE_OK) {
            status = expm_model_error(&model, &train, &errors->train[part][seed]);
        }
        if (status == COSTATE_OK) {
            status = expm_model_error(&model, &test, &errors->test[part][seed]);
        }
    }
    expm_model_destroy(&model);
    return status;
}

static costate_status train_seed(size_t n_part, size_t n_step, size_t seed, training_errors *errors) {
    exponential_pairs learnt;
    exponential_pairs others;
    costate_random to_learn = costate_random_seed(seed, 0);
    costate_random to_test = costate_random_seed(seed, 1);
    costate_status status = exponential_pairs_draw(N_PAIR, &to_learn, &learnt);
    const costate_status drawn = exponential_pairs_draw(N_PAIR, &to_test, &others);
    status = status == COSTATE_OK ? drawn : status;
    if (status == COSTATE_OK) {
        status = train_parts(n_part, n_step, seed, &learnt, &others, errors);
    }
    exponential_pairs_free(&learnt);
    exponential_pairs_free(&others);
    return status;
}

static const char *shape_of(size_t n_step, size_t size, char *shape) {
    snprintf(shape, size, "SYNTHETIC training " EXPM_WIDTHS " f32 %zu steps", n_step);
    return shape;
}

static void report(bench *b, const char *shape, size_t n_seed, double *train, double *test) {
    char variant[32];
    snprintf(variant, sizeof variant, n_seed > 1 ? "median of %zu seeds" : "%zu seed", n_seed);
    const double train_median = bench_median(n_seed, train);
    const double test_median = bench_median(n_seed, test);
    const double most = b->quick ? MOST_ERROR_QUICK : MOST_ERROR;
    if (!(train_median <= most) || !(test_median <= most)) {
        bench_fail(b, "expm %s: errors %.4g and %.4g are above %g", shape, train_median, test_median, most);
    }
    printf("  %-44s train %.4g (%.4g to %.4g), test %.4g (%.4g to %.4g)\n", shape, train_median, train[0],
           train[n_seed - 1], test_median, test[0], test[n_seed - 1]);
    bench_row(b, "expm", shape, variant, train_median, "mse_train");
    bench_row(b, "expm", shape, variant, test_median, "mse_test");
}

/* Parts up to the last one that is wanted. */
static size_t count_parts(const bench *b, size_t n_step) {
    size_t n = 0;
    for (size_t part = 0; part < (b->quick ? 1 : N_PART); part++) {
        char shape[64];
        n = bench_wanted(b, "expm", shape_of((part + 1) * n_step, sizeof shape, shape)) ? part + 1 : n;
    }
    return n;
}

void expm_train(bench *b) {
    const size_t n_seed = b->quick ? 1 : MAX_SEED;
    const size_t n_step = b->quick ? N_STEP_QUICK : N_STEP;
    const size_t n_part = count_parts(b, n_step);
    training_errors errors;
    if (n_part == 0) {
        return;
    }
    for (size_t seed = 0; seed < n_seed; seed++) {
        const costate_status status = train_seed(n_part, n_step, seed, &errors);
        if (status != COSTATE_OK) {
            bench_fail(b, "expm: training: %s", costate_status_message(status));
            return;
        }
    }
    printf(
        "\nexpm training, mean squared error of an element after Adam over %d pairs, median of %zu (least to most)\n",
        (int)N_PAIR, n_seed);
    for (size_t part = 0; part < n_part; part++) {
        char shape[64];
        report(b, shape_of((part + 1) * n_step, sizeof shape, shape), n_seed, errors.train[part], errors.test[part]);
    }
    bench_note(b, "expm",
               "errors are means over elements; SimpleChains.jl prints half the sum over the four outputs, "
               "which is twice as much");
}
