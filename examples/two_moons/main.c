/* SPDX-License-Identifier: MIT */
/*
 * Two interleaving half-moons told apart.
 *
 * A 2-32-16-1 chain N learns from three quarters of the points x_i with classes d_i, 0 or 1, by AdamW in shuffled
 * batches; the loss is the mean of
 *
 *     log(1 + exp N(x_i)) - d_i N(x_i)
 *
 * and the parameters that are best on the other quarter are kept. Synthetic points have known densities, so that the
 * best accuracy there can be on these very points is known too. The last line of the default run reads
 *
 *     accuracy: 97.7 % training, 97.6 % validation, 97.6 % possible
 *
 * where the digits differ if the arithmetic does.
 */
#include "../support/option_list.h"
#include "half_moons.h"
#include "moons_picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "Usage: two_moons [options]\n"
    "\n"
    "Learns to tell the points of two interleaving half-moons apart by a 2-32-16-1 network.\n"
    "\n"
    "  --points N        synthetic points, a quarter of them held out for validation (default 1000)\n"
    "  --noise X         their standard deviation in both coordinates (default 0.2)\n"
    "  --data FILE       read the points from a file in the two-moons JSON format instead\n"
    "  --accuracy X      share of right answers in validation that is required (default: what the noise allows; with\n"
    "                    --data 0.9)\n"
    "  --activation NAME relu (default) or tanh\n"
    "  --epochs N        at most (default 500)\n"
    "  --batch N         points of a batch (default 32)\n"
    "  --rate X          of AdamW (default 0.005)\n"
    "  --seed N          of points, initial weights and batches (default 1)\n"
    "  --csv FILE        write the probability on a grid\n"
    "  --picture FILE    draw points, boundary and losses with gnuplot, as PNG or, if the name ends in .svg, SVG\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 success; 1 the accuracy is below what is required, or something failed; 2 wrong options or data.\n";

enum { EXIT_LEARNING = 1, EXIT_INPUT = 2, N_POINT_MAX = 1000000, N_EPOCH_MAX = 1000000 };

static const double REQUIRED_OF_FILE = 0.9;

/* How far below the best the accuracy may be: a finite sample leaves some of the boundary open. */
static const double MISSED_SHARE = 0.02;
static const double MISSED_POINTS = 5.0;

typedef struct command_line {
    size_t n_point;
    double noise;
    const char *data;
    double accuracy; /* NaN: not given */
    const char *activation;
    moons_classifier_options learning;
    const char *csv;
    const char *picture;
} command_line;

static option_result parse(int argc, char **argv, command_line *options) {
    moons_classifier_options *learning = &options->learning;
    const option list[] = {{"--points", OPTION_COUNT, &options->n_point, N_POINT_MIN, N_POINT_MAX},
                           {"--noise", OPTION_REAL, &options->noise, 0, 1},
                           {"--data", OPTION_TEXT, &options->data, 0, 0},
                           {"--accuracy", OPTION_REAL, &options->accuracy, 0, 1},
                           {"--activation", OPTION_TEXT, &options->activation, 0, 0},
                           {"--epochs", OPTION_COUNT, &learning->n_epoch, 1, N_EPOCH_MAX},
                           {"--batch", OPTION_COUNT, &learning->batch_size, 1, N_POINT_MAX},
                           {"--rate", OPTION_REAL, &learning->rate, 1e-9, 10},
                           {"--seed", OPTION_SEED, &learning->seed, 0, 0},
                           {"--csv", OPTION_TEXT, &options->csv, 0, 0},
                           {"--picture", OPTION_TEXT, &options->picture, 0, 0}};
    *options = (command_line){.n_point = 1000,
                              .noise = 0.2,
                              .accuracy = (double)NAN,
                              .activation = "relu",
                              .learning = {.n_epoch = 500, .batch_size = 32, .rate = 0.005, .seed = 1}};
    const option_result result = option_list_parse("two_moons", HELP, sizeof(list) / sizeof(list[0]), list, argc, argv);
    const bool relu = strcmp(options->activation, "relu") == 0;
    if (result == OPTION_RUN && !relu && strcmp(options->activation, "tanh") != 0) {
        fprintf(stderr, "two_moons: --activation '%s': relu or tanh is expected\n", options->activation);
        return OPTION_WRONG;
    }
    learning->act = relu ? COSTATE_ACT_RELU : COSTATE_ACT_TANH;
    return result;
}

/* Share of the validation points that their densities tell apart. */
static double best_accuracy(double noise, const labelled_points *points, const moons_classifier_result *result) {
    size_t n_right = 0;
    for (size_t i = result->n_training; i < points->n; i++) {
        const double point[2] = {(double)points->x[2 * i], (double)points->x[2 * i + 1]};
        n_right += half_moons_is_lower(noise, point) == (points->target[i] > 0.5F);
    }
    return (double)n_right / (double)result->n_validation;
}

/* True if the accuracy in validation is what it should be. */
static bool report(const command_line *options, const labelled_points *points, const moons_classifier_result *result) {
    const double accuracy = (double)result->validation.n_right / (double)result->n_validation;
    double required = REQUIRED_OF_FILE;
    printf("%zu epochs, the best was %zu: loss %.4f training, %.4f validation\n", result->outcome.n_epoch,
           result->outcome.best_epoch, result->training.value, result->validation.value);
    printf("accuracy: %.1f %% training, %.1f %% validation",
           100.0 * (double)result->training.n_right / (double)result->n_training, 100.0 * accuracy);
    if (!options->data) {
        const double best = best_accuracy(options->noise, points, result);
        required = best - MISSED_SHARE - MISSED_POINTS / (double)result->n_validation;
        printf(", %.1f %% possible", 100.0 * best);
    }
    putchar('\n');
    required = isnan(options->accuracy) ? required : options->accuracy;
    if (accuracy < required) {
        fprintf(stderr, "two_moons: the accuracy in validation is below %.1f %%\n", 100.0 * required);
    }
    return accuracy >= required;
}

/* The files that are wanted. */
static int write_files(const command_line *options, moons_classifier *classifier, const labelled_points *points,
                       const moons_classifier_result *result) {
    moons_map map;
    int code = EXIT_SUCCESS;
    if (moons_map_evaluate(classifier, points, &map) != COSTATE_OK) {
        fputs("two_moons: the grid could not be evaluated\n", stderr);
        code = EXIT_LEARNING;
    } else {
        const moons_picture picture = {points, &map, costate_chain_trainer_history(classifier->trainer),
                                       result->outcome.best_epoch};
        if ((options->csv && !moons_map_write_csv(&map, options->csv)) ||
            (options->picture && !moons_picture_draw(&picture, options->picture))) {
            code = EXIT_INPUT;
        }
    }
    moons_map_free(&map);
    return code;
}

static int learn(const command_line *options, const labelled_points *points) {
    moons_classifier classifier;
    moons_classifier_result result;
    int code = EXIT_LEARNING;
    costate_status status = moons_classifier_create(&options->learning, points->n, &classifier);
    if (status == COSTATE_OK) {
        status = moons_classifier_train(&classifier, options->learning.n_epoch, points, &result);
    }
    if (status == COSTATE_OK) {
        code = options->csv || options->picture ? write_files(options, &classifier, points, &result) : EXIT_SUCCESS;
    } else {
        fprintf(stderr, "two_moons: %s\n", costate_status_message(status));
    }
    if (status == COSTATE_OK && code == EXIT_SUCCESS && !report(options, points, &result)) {
        code = EXIT_LEARNING;
    }
    moons_classifier_destroy(&classifier);
    return code;
}

int main(int argc, char **argv) {
    command_line options;
    labelled_points points;
    switch (parse(argc, argv, &options)) {
    case OPTION_WRONG: return EXIT_INPUT;
    case OPTION_DONE: return EXIT_SUCCESS;
    case OPTION_RUN: break;
    }
    const uint64_t seed = options.learning.seed;
    const bool right = options.data ? labelled_points_read(options.data, seed, &points)
                                    : labelled_points_draw(options.n_point, options.noise, seed, &points);
    const int code = right ? learn(&options, &points) : EXIT_INPUT;
    labelled_points_free(&points);
    return code;
}
