/* SPDX-License-Identifier: MIT */
/*
 * Theophylline in twelve subjects: a known absorption, and an elimination that is learned.
 *
 *     gut' = -ka gut,   blood' = ka gut ke / Cl - ke blood,   gut(0) = dose,   blood(0) = 0
 *
 * is fitted by least squares to all subjects together, and to each alone; then the elimination ke blood of all together is
 * replaced by blood softplus(N(blood)), N a 1-4-1 tanh network, which cannot make the concentration negative. The last line
 * of the default run reads
 *
 *     residual sum of squares: 274.4491 first order, 47.0658 each alone, 271.4 learned
 */
#include "../support/option_list.h"
#include "../support/readable_path.h"
#include "report.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const char HELP[] =
    "Usage: theophylline [options]\n"
    "\n"
    "Fits a one-compartment model with first-order absorption to concentrations of a drug in several subjects: with\n"
    "first-order elimination to all together and to each alone, then to all with an elimination that a network "
    "learns.\n"
    "\n"
    "  --data FILE       CSV with the columns Subject, Dose (mg/kg), Time (h) and conc (mg/L); default: theophylline "
    "in\n"
    "                    twelve subjects\n"
    "  --hidden N        units of the network's hidden layer (default 4)\n"
    "  --ridge X         weight of the squared network parameters (default 0.1)\n"
    "  --iterations N    of the fit with the network, at most (default 1000)\n"
    "  --seed N          of the network's initial weights (default 1)\n"
    "  --csv FILE        write the learned elimination with its standard error\n"
    "  --picture FILE    draw data, curves and elimination with gnuplot, as PNG or, if the name ends in .svg, SVG\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 success; 1 a fit failed, or learning did worse than first order; 2 wrong options or data.\n";

enum { EXIT_FIT = 1, EXIT_INPUT = 2, MAX_HIDDEN = 256, COUNT_MAX = 1000000 };

typedef struct command_line {
    const char *data;
    const char *csv;
    const char *picture;
    learned_options learned;
} command_line;

static option_result parse(int argc, char **argv, command_line *options) {
    const option list[] = {{"--data", OPTION_TEXT, &options->data, 0, 0},
                           {"--hidden", OPTION_COUNT, &options->learned.n_hidden, 1, MAX_HIDDEN},
                           {"--ridge", OPTION_REAL, &options->learned.ridge, 1e-9, 1e9},
                           {"--iterations", OPTION_COUNT, &options->learned.max_iteration, 1, COUNT_MAX},
                           {"--seed", OPTION_SEED, &options->learned.seed, 0, 0},
                           {"--csv", OPTION_TEXT, &options->csv, 0, 0},
                           {"--picture", OPTION_TEXT, &options->picture, 0, 0}};
    *options = (command_line){.learned = {.n_hidden = 4, .ridge = 0.1, .max_iteration = 1000, .seed = 1}};
    return option_list_parse("theophylline", HELP, sizeof(list) / sizeof(list[0]), list, argc, argv);
}

/* The record that comes with the library: in the source tree, else where it was installed. */
static const char *default_data(void) {
    return readable_path(COSTATE_SOURCE_DATA "/theophylline.csv", COSTATE_INSTALLED_DATA "/theophylline.csv");
}

static bool failed(costate_status status, const char *what) {
    if (status != COSTATE_OK) {
        fprintf(stderr, "theophylline: %s: %s\n", what, costate_status_message(status));
    }
    return status != COSTATE_OK;
}

/* A start that is good for hours and litres per kilogram; each subject alone starts from what fits all. */
static int fit_all(const command_line *options, findings *f) {
    const double start[LINEAR_DOSE] = {0.1, 1.0, 0.05};
    if (failed(linear_fit(f->s->series, f->s->n, start, &f->pooled), "the fit to all subjects")) {
        return EXIT_FIT;
    }
    report_pooled(f);
    for (size_t k = 0; k < f->s->n; k++) {
        if (failed(linear_fit(&f->s->series[k], 1, f->pooled.theta, &f->single[k]), "the fit to a single subject")) {
            return EXIT_FIT;
        }
        f->single_sum += f->single[k].square_sum;
    }
    report_singles(f);
    if (failed(learned_fit(f->s, &f->pooled, &options->learned, &f->learned), "the fit with a learned elimination")) {
        return EXIT_FIT;
    }
    report_learned(f);
    return EXIT_SUCCESS;
}

/* A richer model that starts from the poorer one's optimum has to do at least as well. */
static int verify(const findings *f) {
    printf("residual sum of squares: %.4f first order, %.4f each alone, %.1f learned\n", f->pooled.square_sum,
           f->single_sum, f->learned.square_sum);
    const double pooled = f->pooled.square_sum * (1.0 + 1e-9);
    if (f->learned.square_sum <= pooled && f->single_sum <= pooled) {
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "theophylline: a model with more freedom fits worse\n");
    return EXIT_FIT;
}

static int run(const command_line *options, findings *f) {
    const int status = fit_all(options, f);
    if (status != EXIT_SUCCESS) {
        return status;
    }
    if ((options->csv && !report_write_csv(f, options->csv)) ||
        (options->picture && !report_draw(f, options->picture))) {
        return EXIT_INPUT;
    }
    return verify(f);
}

int main(int argc, char **argv) {
    command_line options;
    subjects s;
    int status = EXIT_INPUT;
    switch (parse(argc, argv, &options)) {
    case OPTION_WRONG: return EXIT_INPUT;
    case OPTION_DONE: return EXIT_SUCCESS;
    case OPTION_RUN: break;
    }
    if (subjects_read(options.data ? options.data : default_data(), &s)) {
        findings f = {.s = &s, .single = calloc(s.n, sizeof(linear_result))};
        status = f.single ? run(&options, &f) : EXIT_FIT;
        learned_result_free(&f.learned);
        free(f.single);
    }
    subjects_free(&s);
    return status;
}
