/* SPDX-License-Identifier: MIT */
/*
 * Robertson's stiff reaction learnt by a network (Kim, Ji, Deng, Ma & Rackauckas, Chaos 31, 093122, 2021).
 *
 * Three concentrations u, which change on time scales from 1e-3 to 1e5, are observed at 50 times 10^-5 ... 10^5 and fitted by
 *
 *     u' = N(u / yscale; p) yscale / t_end,   u(0) = (1, 0, 0),   t_end = 1e5,   yscale = the largest datum of each species,
 *
 * with a dense 3-5-5-5-5-5-5-3 gelu network N of 188 parameters p. N has to be 1e8 at first and 1e-2 in the end. 10 000
 * iterations of Adam on the solution from random weights leave an error of 5 to 11 %, most of it in the first rise of the
 * intermediate; so the network first learns slopes, then pieces of the solution, then the whole of it (rober_training.h).
 * The last line of the default run reads
 *
 *     mean relative error over 11 decades: 0.16 %
 *
 * that is the mean over species and times from 1e-6 to 1e5 of |u - reaction| / yscale; the digits differ where the
 * arithmetic does.
 */
#include "rober_output.h"
#include "rober_training.h"
#include "rober_verdict.h"

#include "../support/option_list.h"

#include <stdio.h>
#include <stdlib.h>

static const char HELP[] =
    "Usage: robertson_stiff [options]\n"
    "\n"
    "Learns Robertson's stiff reaction from 50 observations in (0, 1e5) as u' = N(u / yscale; p) yscale / t_end, with "
    "a\n"
    "dense network N of 6 hidden layers of 5 gelu units.\n"
    "\n"
    "  --seed N          of the initial networks (default 1)\n"
    "  --starts N        initial networks that may be tried (default 20)\n"
    "  --iterations N    of each stage that solves the equation (default 300); the others have 15 N\n"
    "  --target X        mean relative error that ends the training (default 0.01)\n"
    "  --method NAME     auto (default): explicit steps, and implicit ones where the field is stiff; sdirk4: implicit; "
    "bdf:\n"
    "                    multistep, by CVODE; tsit5, dop853, adams: explicit, slow where the field is stiff\n"
    "  --rtol X          relative tolerance of the solver (default 1e-6)\n"
    "  --csv FILE        write the solutions of reaction and network, 20 times per decade\n"
    "  --picture FILE    draw them with gnuplot, as PNG or, if the name ends in .svg, SVG\n"
    "  --help, --version\n"
    "\n"
    "The same seed gives the same result.\n"
    "Exit status: 0 success; 1 the mean relative error is above 2 %, or something failed; 2 wrong options.\n";

enum { EXIT_WRONG_OPTION = 2, COUNT_MAX = 1000000 };

static const double GOAL = 0.02;

typedef struct command_line {
    rober_training_options training;
    const char *csv;
    const char *picture;
} command_line;

static option_result parse(int argc, char **argv, command_line *options) {
    rober_training_options *training = &options->training;
    const option list[] = {{"--seed", OPTION_SEED, &training->seed, 0, 0},
                           {"--starts", OPTION_COUNT, &training->starts, 1, COUNT_MAX},
                           {"--iterations", OPTION_COUNT, &training->iterations, 1, COUNT_MAX},
                           {"--target", OPTION_REAL, &training->target, 0, 1},
                           {"--method", OPTION_METHOD, &training->method, 0, 0},
                           {"--rtol", OPTION_REAL, &training->rtol, 1e-12, 1e-2},
                           {"--csv", OPTION_TEXT, &options->csv, 0, 0},
                           {"--picture", OPTION_TEXT, &options->picture, 0, 0}};
    *options = (command_line){
        .training = {
            .seed = 1, .method = COSTATE_METHOD_AUTO, .rtol = 1e-6, .iterations = 300, .starts = 20, .target = 0.01}};
    return option_list_parse("robertson_stiff", HELP, sizeof(list) / sizeof(list[0]), list, argc, argv);
}

static void print_table(const command_line *options, const rober_training_result *result,
                        const rober_verdict *verdict) {
    printf("training  %zu start%s, %zu losses with gradient, %.1f s\n", result->n_start,
           result->n_start == 1 ? "" : "s", result->n_eval, result->seconds);
    printf("solver    %s, rtol %.0e: %zu steps", costate_method_name(options->training.method), options->training.rtol,
           result->n_step);
    if (options->training.method == COSTATE_METHOD_AUTO) {
        printf(", %zu of them implicit", result->n_implicit);
    }
    printf("\n");
    printf("species   mean |error|/yscale   largest   median |error|/|u|\n");
    for (size_t k = 0; k < ROBER_N_Y; k++) {
        printf("u%zu %21.2f %% %11.2f %% %16.2f %%\n", k + 1, 100.0 * verdict->species[k], 100.0 * verdict->largest[k],
               100.0 * verdict->relative[k]);
    }
    printf("mean relative error at the data: %.2f %%\n", 100.0 * verdict->error_at_data);
}

/* Exit status for a network that was trained. */
static int report(const command_line *options, const rober_data *data, const rober_training_result *result,
                  const rober_verdict *verdict) {
    print_table(options, result, verdict);
    if (options->csv && !rober_output_csv(options->csv, verdict)) {
        return EXIT_FAILURE;
    }
    if (options->picture && !rober_output_picture(options->picture, data, verdict)) {
        return EXIT_FAILURE;
    }
    printf("mean relative error over %d decades: %.2f %%\n", ROBER_N_DECADE, 100.0 * verdict->error);
    if (verdict->error <= GOAL && verdict->error_at_data <= GOAL) {
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "robertson_stiff: the mean relative error is above %.0f %%\n", 100.0 * GOAL);
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    command_line options;
    rober_data data;
    rober_verdict verdict;
    rober_training_result result = {0};
    costate_net *net = NULL;
    costate_rhs rhs;
    switch (parse(argc, argv, &options)) {
    case OPTION_WRONG: return EXIT_WRONG_OPTION;
    case OPTION_DONE: return EXIT_SUCCESS;
    case OPTION_RUN: break;
    }
    costate_status status = rober_data_fill(&data);
    if (status == COSTATE_OK) {
        status = rober_network_create(&data, &net, &rhs);
    }
    if (status == COSTATE_OK) {
        status = rober_training_run(&data, net, &rhs, &options.training, &result);
    }
    if (status == COSTATE_OK) {
        status = rober_verdict_reach(&data, &rhs, result.p, &verdict);
    }
    if (status != COSTATE_OK) {
        fprintf(stderr, "robertson_stiff: %s\n", costate_status_message(status));
    }
    const int code = status == COSTATE_OK ? report(&options, &data, &result, &verdict) : EXIT_FAILURE;
    costate_net_destroy(net);
    free(result.p);
    return code;
}
