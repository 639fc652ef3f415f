/* SPDX-License-Identifier: MIT */
/*
 * A network that learns the matrix exponential.
 *
 * N is a 4-32-16-4 tanh network of 756 parameters p. Adam, at a rate of 1e-3 and over all pairs at each step, minimises
 *
 *     (1 / 4n) sum_i |N(X_i; p) - exp(X_i)|^2
 *
 * over n = 10 000 random 2 by 2 matrices X_i with standard normal entries, by a chain in single precision; as
 * many other matrices tell what has been learnt. The last line of the default run reads
 *
 *     mean squared error: train 0.0923, test 0.0613
 *
 * after 5000 steps; the digits differ where the arithmetic does. A constant would give 4.9.
 */
#include "../support/option_list.h"
#include "exponential_pairs.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "Usage: expm [options]\n"
    "\n"
    "Learns the exponential of 2 by 2 matrices by a 4-32-16-4 tanh network and full-batch Adam.\n"
    "\n"
    "  --steps N         of Adam (default 5000)\n"
    "  --pairs N         matrices to learn from, and as many to test with (default 10000)\n"
    "  --seed N          of matrices and initial weights (default 1)\n"
    "  --precision NAME  f32 (default) or f64\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 success; 1 the test error is above what so many steps should reach, or something failed; 2 wrong\n"
    "options.\n";

enum { DEFAULT_STEPS = 5000, N_PAIR_MAX = 10000000, N_STEP_MAX = 1000000000, N_REPORT = 5, EXIT_WRONG_OPTION = 2 };

typedef struct command_line {
    size_t steps;
    size_t pairs;
    uint64_t seed;
    const char *precision;
} command_line;

typedef struct expm_run {
    bool single;
    costate_chain *chain;
    costate_chain_trainer *trainer;
    exponential_pairs to_learn;
    exponential_pairs to_test;
    float *p32; /* parameters; the precision that is not used has none */
    double *p64;
    costate_chain_train_outcome outcome;
} expm_run;

static const costate_chain_loss LOSS = {.kind = COSTATE_CHAIN_LOSS_OUTPUT,
                                        .output = {COSTATE_BATCH_LOSS_SQUARED, COSTATE_BATCH_MEAN, 0.0}};

/* The error of the best constant. */
static double variance(const exponential_pairs *pairs) {
    double sum[N_ENTRY] = {0.0};
    double squares = 0.0;
    const double n = (double)pairs->n;
    for (size_t i = 0; i < pairs->n * N_ENTRY; i++) {
        sum[i % N_ENTRY] += pairs->y[i];
        squares += pairs->y[i] * pairs->y[i];
    }
    for (size_t j = 0; j < N_ENTRY; j++) {
        squares -= sum[j] * sum[j] / n;
    }
    return squares / (n * N_ENTRY);
}

/* A line for every fifth of the way. */
static int show_progress(const costate_chain_train_progress *progress, void *ctx) {
    (void)ctx;
    const size_t interval = (progress->n_step + N_REPORT - 1) / N_REPORT;
    if (progress->step % interval == 0) {
        printf("step %7zu   train %.4g   %.1f s\n", progress->step, progress->loss, progress->seconds);
        fflush(stdout);
    }
    return 0;
}

static costate_status create_trainer(expm_run *run) {
    costate_chain_train_options train = costate_chain_train_options_default();
    train.eval.precision = run->single ? COSTATE_CHAIN_F32 : COSTATE_CHAIN_F64;
    train.loss = LOSS;
    train.batch_size = 0;
    train.step_callback = show_progress;
    return costate_chain_trainer_create(run->chain, &train, NULL, &run->trainer);
}

static costate_status create_network(uint64_t seed, expm_run *run) {
    const costate_chain_layer layers[] = {costate_chain_dense(32, COSTATE_ACT_TANH),
                                          costate_chain_dense(16, COSTATE_ACT_TANH),
                                          costate_chain_dense(N_ENTRY, COSTATE_ACT_IDENTITY)};
    costate_random weights = costate_random_seed(seed, 2);
    costate_status status = costate_chain_create(costate_shape_vector(N_ENTRY), 3, layers, NULL, &run->chain, NULL);
    if (status == COSTATE_OK) {
        status = create_trainer(run);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    const size_t n = costate_chain_n_param(run->chain);
    if (run->single) {
        run->p32 = calloc(n, sizeof(float));
        return run->p32 ? costate_chain_init_f32(run->chain, &weights, run->p32) : COSTATE_ERR_MEMORY;
    }
    run->p64 = calloc(n, sizeof(double));
    return run->p64 ? costate_chain_init_f64(run->chain, &weights, run->p64) : COSTATE_ERR_MEMORY;
}

static costate_status create(const command_line *options, expm_run *run) {
    costate_random to_learn = costate_random_seed(options->seed, 0);
    costate_random to_test = costate_random_seed(options->seed, 1);
    run->single = strcmp(options->precision, "f32") == 0;
    costate_status status = exponential_pairs_draw(options->pairs, &to_learn, &run->to_learn);
    if (status == COSTATE_OK) {
        status = exponential_pairs_draw(options->pairs, &to_test, &run->to_test);
    }
    return status == COSTATE_OK ? create_network(options->seed, run) : status;
}

static costate_batch_f32 batch_f32(const exponential_pairs *pairs) {
    return (costate_batch_f32){.n = pairs->n, .x = pairs->x32, .target = pairs->y32};
}

static costate_batch_f64 batch_f64(const exponential_pairs *pairs) {
    return (costate_batch_f64){.n = pairs->n, .x = pairs->x, .target = pairs->y};
}

/* In full batches an epoch is a step. */
static costate_status train(size_t n_step, expm_run *run) {
    const costate_batch_f32 pairs32 = batch_f32(&run->to_learn);
    const costate_batch_f64 pairs64 = batch_f64(&run->to_learn);
    return run->single ? costate_chain_train_f32(run->trainer, n_step, &pairs32, NULL, run->p32, &run->outcome)
                       : costate_chain_train_f64(run->trainer, n_step, &pairs64, NULL, run->p64, &run->outcome);
}

/* Mean squared error of the trained network. */
static costate_status find_error(expm_run *run, const exponential_pairs *pairs, double *error) {
    const costate_batch_f32 pairs32 = batch_f32(pairs);
    const costate_batch_f64 pairs64 = batch_f64(pairs);
    costate_chain_eval *eval = costate_chain_trainer_eval(run->trainer);
    costate_chain_result result = {0};
    const costate_status status = run->single ? costate_chain_loss_f32(eval, run->p32, &pairs32, &LOSS, &result, NULL)
                                              : costate_chain_loss_f64(eval, run->p64, &pairs64, &LOSS, &result, NULL);
    *error = result.value;
    return status;
}

/* False if the test error is above what so many steps should reach: eight seeds came to 7 % of the variance or less. */
static bool report(const command_line *options, const expm_run *run, double train_error, double test_error) {
    const double constant = variance(&run->to_test);
    const double bound = options->steps >= DEFAULT_STEPS ? 0.15 * constant : constant;
    const double per_step = 1e6 * run->outcome.seconds / (double)run->outcome.n_step;
    costate_isa isa = COSTATE_ISA_GENERIC;
    costate_isa_select(&isa);
    printf("precision   %s, %s kernels\n", options->precision, costate_isa_name(isa));
    printf("time        %.0f us per step of %zu pairs, %.1f s\n", per_step, options->pairs, run->outcome.seconds);
    printf("constant    %.4g\n", constant);
    printf("mean squared error: train %.4g, test %.4g\n", train_error, test_error);
    if (test_error <= bound) {
        return true;
    }
    fprintf(stderr, "expm: the test error is above %.4g\n", bound);
    return false;
}

static void destroy(expm_run *run) {
    costate_chain_trainer_destroy(run->trainer);
    costate_chain_destroy(run->chain);
    exponential_pairs_free(&run->to_test);
    exponential_pairs_free(&run->to_learn);
    free(run->p32);
    free(run->p64);
}

static option_result parse(int argc, char **argv, command_line *options) {
    const option list[] = {{"--steps", OPTION_COUNT, &options->steps, 1, N_STEP_MAX},
                           {"--pairs", OPTION_COUNT, &options->pairs, 1, N_PAIR_MAX},
                           {"--seed", OPTION_SEED, &options->seed, 0, 0},
                           {"--precision", OPTION_TEXT, &options->precision, 0, 0}};
    *options = (command_line){.steps = DEFAULT_STEPS, .pairs = 10000, .seed = 1, .precision = "f32"};
    const option_result result = option_list_parse("expm", HELP, sizeof(list) / sizeof(list[0]), list, argc, argv);
    if (result == OPTION_RUN && strcmp(options->precision, "f32") != 0 && strcmp(options->precision, "f64") != 0) {
        fprintf(stderr, "expm: --precision '%s': f32 or f64 is expected\n", options->precision);
        return OPTION_WRONG;
    }
    return result;
}

int main(int argc, char **argv) {
    command_line options;
    expm_run run = {0};
    switch (parse(argc, argv, &options)) {
    case OPTION_WRONG: return EXIT_WRONG_OPTION;
    case OPTION_DONE: return EXIT_SUCCESS;
    case OPTION_RUN: break;
    }
    double train_error = 0.0;
    double test_error = 0.0;
    costate_status status = create(&options, &run);
    if (status == COSTATE_OK) {
        status = train(options.steps, &run);
    }
    if (status == COSTATE_OK) {
        status = find_error(&run, &run.to_learn, &train_error);
    }
    if (status == COSTATE_OK) {
        status = find_error(&run, &run.to_test, &test_error);
    }
    if (status != COSTATE_OK) {
        fprintf(stderr, "expm: %s\n",
                status == COSTATE_ERR_MISMATCH ? "two ways to an exponential disagree"
                                               : costate_status_message(status));
    }
    const bool ok = status == COSTATE_OK && report(&options, &run, train_error, test_error);
    destroy(&run);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
