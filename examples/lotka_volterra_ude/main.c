/* SPDX-License-Identifier: MIT */
/*
 * Prey and predators whose interaction is learned (scenario 1 of Rackauckas et al., arXiv 2001.04385, 2020).
 *
 *     x' = a x + N1(x, y),   y' = N2(x, y) - d y
 *
 * is fitted to 31 noisy points of x' = a x - b x y, y' = c x y - d y in [0, 3]: growth a and death d are known, N is a
 * 2-5-5-5-2 network with the activation exp(-z^2). Half an orbit cannot tell what happens to more prey than it has seen, so
 * one thing is assumed of the time until t = 16.5: neither population becomes negative or exceeds 2.5 times the largest datum.
 * The last line of the default run reads
 *
 *     learned interaction within 1.8 % and 2.4 % of the true one, populations to t = 12 from 0.073 to 4.63
 *
 * the errors being root mean squares over the visited states; the digits differ where the arithmetic does.
 */
#define _POSIX_C_SOURCE 200809L

#include "../support/option_list.h"
#include "../support/readable_path.h"
#include "interaction_file.h"
#include "interaction_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char HELP[] =
    "Usage: lotka_volterra_ude [options]\n"
    "\n"
    "Learns how predators and prey act upon each other, x' = a x + N1(x, y), y' = N2(x, y) - d y, from 31 noisy points "
    "of\n"
    "the Lotka-Volterra equations, and goes on to four times their time span; or from a record.\n"
    "\n"
    "  --record          lynx and hares, 1900-1920, instead of the scenario; growth and death are estimated\n"
    "  --data FILE       the same with a CSV whose first three columns are time, prey and predators\n"
    "  --estimate-rates  growth and death are estimated in the scenario, too\n"
    "  --growth X        growth a: known, or a guess (default 1.3; record 0.5)\n"
    "  --death X         death d: known, or a guess (default 1.8; record 0.8)\n"
    "  --seed N          of noise and initial networks (default 1)\n"
    "  --starts N        initial networks (default 8); the one with the least loss is the result\n"
    "  --threads N       threads that share the starts; 0 (default): one per processor. The result does not depend on "
    "it\n"
    "  --iterations N    of L-BFGS on the data, and again with the time after them (default 2400)\n"
    "  --ridge X         weight of the squared network parameters (default 0.03; record 0.3)\n"
    "  --limit X         populations after the data, in units of the largest datum (default 2.5); 0: nothing is "
    "assumed\n"
    "  --csv FILE        write trajectory and interaction, with the truth if there is one\n"
    "  --picture FILE    draw them with gnuplot, as PNG or, if the name ends in .svg, SVG\n"
    "  --model FILE      save the trained model, in the safetensors format\n"
    "  --journal FILE    checkpoints, FILE.0, FILE.1, ...: a run that was killed goes on from them, to the same "
    "result\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 success; 1 the result is not as good as it has to be, or something failed; 2 wrong options or "
    "data.\n";

enum { EXIT_FIT = 1, EXIT_INPUT = 2, MAX_STARTS = 1000, MAX_THREADS = 1024, COUNT_MAX = 1000000 };

/* What makes a run a success. */
static const double MOST_ERROR = 0.10;      /* of each learned term, relative to the true one */
static const double LEAST_EXPLAINED = 0.85; /* of the variance of each population of a record */
static const double MOST_POPULATION = 3.0;  /* until t_end, in units of the largest datum */
static const double LEAST_POPULATION = -0.05;

/* Steps of multiple shooting for a record, whose splines are a poor start: few points, large errors. */
enum { SHOOTING_STEPS = 3 };

typedef struct command_line {
    fit_settings fit;
    search_settings search;
    bool record;
    const char *data;
    const char *csv;
    const char *picture;
    const char *model;
} command_line;

/* Zero stands for a default that depends on the data. */
static option_result parse(int argc, char **argv, command_line *options) {
    fit_settings *fit = &options->fit;
    search_settings *search = &options->search;
    const option list[] = {{"--record", OPTION_SWITCH, &options->record, 0, 0},
                           {"--data", OPTION_TEXT, &options->data, 0, 0},
                           {"--estimate-rates", OPTION_SWITCH, &fit->estimate_rates, 0, 0},
                           {"--growth", OPTION_REAL, &fit->rates[GROWTH], 1e-6, 1e6},
                           {"--death", OPTION_REAL, &fit->rates[DEATH], 1e-6, 1e6},
                           {"--seed", OPTION_SEED, &search->seed, 0, 0},
                           {"--starts", OPTION_COUNT, &search->starts, 1, MAX_STARTS},
                           {"--threads", OPTION_COUNT, &search->threads, 0, MAX_THREADS},
                           {"--iterations", OPTION_COUNT, &search->iterations, 1, COUNT_MAX},
                           {"--ridge", OPTION_REAL, &fit->ridge, 1e-9, 1e9},
                           {"--limit", OPTION_REAL, &fit->limit, 0, 1e6},
                           {"--csv", OPTION_TEXT, &options->csv, 0, 0},
                           {"--picture", OPTION_TEXT, &options->picture, 0, 0},
                           {"--model", OPTION_TEXT, &options->model, 0, 0},
                           {"--journal", OPTION_TEXT, &search->journal, 0, 0}};
    *options = (command_line){.fit = {.limit = 2.5}, .search = {.seed = 1, .starts = 8, .iterations = 2400}};
    return option_list_parse("lotka_volterra_ude", HELP, sizeof(list) / sizeof(list[0]), list, argc, argv);
}

static void complete(command_line *options) {
    const double rates[N_RATE] = {options->record ? 0.5 : true_growth, options->record ? 0.8 : true_death};
    for (size_t k = 0; k < N_RATE; k++) {
        options->fit.rates[k] = options->fit.rates[k] > 0.0 ? options->fit.rates[k] : rates[k];
    }
    options->fit.ridge = options->fit.ridge > 0.0 ? options->fit.ridge : options->record ? 0.3 : 0.03;
    options->fit.estimate_rates = options->fit.estimate_rates || options->record;
    options->search.shooting = options->record ? SHOOTING_STEPS : 0;
    options->search.progress = isatty(STDERR_FILENO);
}

/* The record that comes with the library: in the source tree, else where it was installed. */
static const char *shipped_record(void) {
    return readable_path(COSTATE_SOURCE_DATA "/hudson-bay-lynx-hare.csv",
                         COSTATE_INSTALLED_DATA "/hudson-bay-lynx-hare.csv");
}

static bool get_data(command_line *options, populations *data) {
    options->record = options->record || options->data;
    if (options->record) {
        options->data = options->data ? options->data : shipped_record();
        return populations_read(options->data, data);
    }
    const costate_status status = populations_simulate(options->search.seed, data);
    if (status != COSTATE_OK) {
        fprintf(stderr, "lotka_volterra_ude: the scenario: %s\n", costate_status_message(status));
    }
    return status == COSTATE_OK;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int complain(const char *what) {
    fprintf(stderr, "lotka_volterra_ude: %s\n", what);
    return EXIT_FIT;
}

/* With rates that are estimated the data determine the whole right-hand side, not how it is split. */
static int verify_scenario(const command_line *options, const populations *data, const learned_interaction *l) {
    if (options->fit.estimate_rates) {
        printf("learned slopes within %.1f %% of the true ones, populations to t = %g from %.3f to %.2f\n",
               100.0 * l->slope_error, data->t_end, l->least, l->most);
        return l->slope_error <= MOST_ERROR ? EXIT_SUCCESS : complain("the slopes are off by more than 10 %");
    }
    printf("learned interaction within %.1f %% and %.1f %% of the true one, populations to t = %g from %.3f to %.2f\n",
           100.0 * l->error[PREY], 100.0 * l->error[PREDATOR], data->t_end, l->least, l->most);
    return l->error[PREY] <= MOST_ERROR && l->error[PREDATOR] <= MOST_ERROR
               ? EXIT_SUCCESS
               : complain("the interaction is off by more than 10 %");
}

static int verify_record(const populations *data, const learned_interaction *l) {
    printf("variance explained: %s %.1f %%, %s %.1f %%, populations to t = %g from %.3g to %.3g\n", data->name[PREY],
           100.0 * l->explained[PREY], data->name[PREDATOR], 100.0 * l->explained[PREDATOR], data->t_end + data->origin,
           l->least, l->most);
    return l->explained[PREY] >= LEAST_EXPLAINED && l->explained[PREDATOR] >= LEAST_EXPLAINED
               ? EXIT_SUCCESS
               : complain("less than 85 % of a population's variance is explained");
}

static int verify(const command_line *options, const populations *data, const learned_interaction *l) {
    const int status = data->has_truth ? verify_scenario(options, data, l) : verify_record(data, l);
    const bool bounded = l->least >= LEAST_POPULATION * data->largest && l->most <= MOST_POPULATION * data->largest;
    return bounded ? status : complain("the extrapolation leaves the range from 0 to 3 times the largest datum");
}

static bool write_files(const command_line *options, const interaction_model *model, const report *r) {
    char source[256];
    snprintf(source, sizeof(source), "lotka_volterra_ude of costate %s, %s, seed %" PRIu64, costate_version(),
             r->data->has_truth ? "31 simulated points" : "a record", options->search.seed);
    return (!options->csv || report_write_csv(r, options->csv)) &&
           (!options->picture || report_draw(r, options->picture)) &&
           (!options->model || interaction_file_save(options->model, r->data, model, r->best, source));
}

static int run(const command_line *options, const populations *data, const interaction_model *model) {
    search_result best;
    learned_interaction learned = {0};
    int code;
    const double begin = seconds_now();
    costate_status status = interaction_search_run(data, model, &options->fit, &options->search, &best);
    status = status ? status : learned_interaction_examine(data, model, &options->fit, &best, &learned);
    if (status == COSTATE_OK) {
        const report r = {data, &options->fit, &options->search, &best, &learned};
        report_print(&r, seconds_now() - begin);
        code = write_files(options, model, &r) ? verify(options, data, &learned) : EXIT_INPUT;
    } else {
        const bool journal_refused =
            status == COSTATE_ERR_IO || status == COSTATE_ERR_FORMAT || status == COSTATE_ERR_MISMATCH;
        code = journal_refused ? EXIT_INPUT : EXIT_FIT;
    }
    learned_interaction_free(&learned);
    search_result_free(&best);
    return code;
}

int main(int argc, char **argv) {
    command_line options;
    populations data = {0};
    interaction_model model = {0};
    int code = EXIT_INPUT;
    switch (parse(argc, argv, &options)) {
    case OPTION_WRONG: return EXIT_INPUT;
    case OPTION_DONE: return EXIT_SUCCESS;
    case OPTION_RUN: break;
    }
    if (get_data(&options, &data)) {
        complete(&options);
        const costate_status status = interaction_model_create(&data, &model);
        code = status == COSTATE_OK ? run(&options, &data, &model) : complain(costate_status_message(status));
    }
    interaction_model_destroy(&model);
    populations_free(&data);
    return code;
}
