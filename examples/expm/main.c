/* SPDX-License-Identifier: MIT */
/*
 * A network that learns the matrix exponential.
 *
 * N is a 4-32-16-4 tanh network of 756 parameters p. Adam, at a rate of 1e-3 and over all pairs at each step, minimises
 *
 *     (1 / 4n) sum_i |N(X_i; p) - exp(X_i)|^2
 *
 * over n = 10 000 random 2 by 2 matrices X_i with standard normal entries, by the batch calls in single precision; as
 * many other matrices tell what has been learnt. The last line of the default run reads
 *
 *     mean squared error: train 0.101, test 0.0652
 *
 * after 5000 steps; the digits differ where the arithmetic does. A constant would give 4.9.
 */
#include "exponential_error.h"

#include "../support/option_list.h"

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
    costate_net *net;
    exponential_pairs train_pairs;
    exponential_pairs test_pairs;
    exponential_error train;
    exponential_error test;
    double *p;
    costate_optimum optimum;
    double test_error;
} expm_run;

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

static costate_status create(const command_line *options, expm_run *run) {
    const costate_layer_spec layers[] = {{.n_out = 32, .act = COSTATE_ACT_TANH},
                                         {.n_out = 16, .act = COSTATE_ACT_TANH},
                                         {.n_out = N_ENTRY, .act = COSTATE_ACT_IDENTITY}};
    const costate_net_spec spec = {.n_in = N_ENTRY, .n_layer = 3, .layers = layers};
    const bool single = strcmp(options->precision, "f32") == 0;
    costate_random to_learn = costate_random_seed(options->seed, 0);
    costate_random to_test = costate_random_seed(options->seed, 1);
    costate_random weights = costate_random_seed(options->seed, 2);
    costate_status status = exponential_pairs_draw(options->pairs, &to_learn, &run->train_pairs);
    if (status == COSTATE_OK) {
        status = exponential_pairs_draw(options->pairs, &to_test, &run->test_pairs);
    }
    if (status == COSTATE_OK) {
        status = costate_net_create(&spec, NULL, &run->net);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    run->p = calloc(costate_net_n_param(run->net), sizeof(double));
    if (!run->p || !exponential_error_create(run->net, &run->train_pairs, single, &run->train) ||
        !exponential_error_create(run->net, &run->test_pairs, single, &run->test)) {
        return COSTATE_ERR_MEMORY;
    }
    return costate_net_init_f64(run->net, COSTATE_INIT_GLOROT_UNIFORM, 1.0, &weights, run->p);
}

/* A line for every fifth of the way. */
static int show_progress(const costate_progress *progress, void *ctx) {
    (void)ctx;
    const size_t interval = (progress->max_iteration + N_REPORT - 1) / N_REPORT;
    if (progress->iteration % interval == 0) {
        printf("step %7zu   train %.4g   %.1f s\n", progress->iteration, progress->value, progress->seconds);
        fflush(stdout);
    }
    return 0;
}

static costate_status train(const command_line *options, expm_run *run) {
    costate_adam_options adam = costate_adam_options_default();
    adam.rate = 1e-3;
    adam.stop.max_iteration = options->steps;
    adam.stop.progress = show_progress;
    const costate_status status = costate_minimize_adam(costate_net_n_param(run->net), exponential_error_objective,
                                                        &run->train, &adam, NULL, run->p, &run->optimum);
    return status == COSTATE_OK ? exponential_error_objective(run->p, &run->test_error, NULL, &run->test) : status;
}

/* True if the test error is what so many steps should reach: eight seeds came to 7 % of the variance or less. */
static bool report(const command_line *options, const expm_run *run) {
    const double constant = variance(&run->test_pairs);
    const double bound = options->steps >= DEFAULT_STEPS ? 0.15 * constant : constant;
    const double per_step = 1e6 * run->optimum.seconds / (double)run->optimum.n_iteration;
    printf("precision   %s, %s kernels\n", options->precision, costate_isa_name(costate_net_isa(run->net)));
    printf("time        %.0f us per step of %zu pairs, %.1f s\n", per_step, options->pairs, run->optimum.seconds);
    printf("constant    %.4g\n", constant);
    printf("mean squared error: train %.4g, test %.4g\n", run->optimum.value, run->test_error);
    const bool ok = run->test_error <= bound;
    if (!ok) {
        fprintf(stderr, "expm: the test error is above %.4g\n", bound);
    }
    return ok;
}

static void destroy(expm_run *run) {
    exponential_error_destroy(&run->test);
    exponential_error_destroy(&run->train);
    exponential_pairs_free(&run->test_pairs);
    exponential_pairs_free(&run->train_pairs);
    costate_net_destroy(run->net);
    free(run->p);
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
    costate_status status = create(&options, &run);
    if (status == COSTATE_OK) {
        status = train(&options, &run);
    }
    if (status != COSTATE_OK) {
        fprintf(stderr, "expm: %s\n",
                status == COSTATE_ERR_MISMATCH ? "two ways to an exponential disagree"
                                               : costate_status_message(status));
    }
    const bool ok = status == COSTATE_OK && report(&options, &run);
    destroy(&run);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
