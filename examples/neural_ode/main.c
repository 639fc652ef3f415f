/* SPDX-License-Identifier: MIT */
/*
 * A neural ODE fitted to data.
 *
 * The hare and lynx pelts of the Hudson's Bay Company, 1900-1920, are fitted by
 *
 *     dy/dt = N(y; p),   y(0) = y0,
 *
 * with a dense 2-16-16-2 tanh network N of 354 parameters p; p and y0 are found by minimising the squared error, whose gradient is the
 * adjoint of the solve. Any other CSV file can be given: see --help. The last line of the default run reads
 *
 *     RMSE over all states: 1.9
 *
 * in thousand pelts; the last digits differ where the arithmetic does. A constant would give 18.7.
 */
#include "../support/readable_path.h"
#include "command_line.h"
#include "complain.h"
#include "data_record.h"
#include "fit_result.h"
#include "output_file.h"
#include "picture.h"
#include "record_fit.h"
#include "spiral_benchmark.h"

#include <stdio.h>
#include <stdlib.h>

/* The record that comes with the library: in the source tree, else where it was installed. */
static const char *default_data(void) {
    return readable_path(COSTATE_SOURCE_DATA "/hudson-bay-lynx-hare.csv",
                         COSTATE_INSTALLED_DATA "/hudson-bay-lynx-hare.csv");
}

/* Checks the fit, then writes PREFIX.csv, PREFIX.png and the summary. */
static int report(const fit_result *result, const char *prefix) {
    const curves *c = &result->curves;
    output_file csv;
    if (!fit_result_check(result)) {
        return EXIT_FIT;
    }
    if (!output_file_open(&csv, prefix, ".csv")) {
        return EXIT_INPUT;
    }
    curves_write_csv(c, result->names, csv.file);
    if (!output_file_commit(&csv)) {
        return EXIT_INPUT;
    }
    fit_result_print(result);
    printf("wrote     %s.csv\n", prefix);
    picture_draw(result, prefix);
    printf("RMSE over all states: %.3g\n", curves_rmse(c, c->n_state));
    return EXIT_SUCCESS;
}

static int fit_record(const command_line *options, fit_result *result) {
    const char *path = options->data ? options->data : default_data();
    data_record record;
    if (!data_record_read(path, &record)) {
        return EXIT_INPUT;
    }
    int status = EXIT_INPUT;
    if (output_file_check(options->output, path)) {
        printf("data      %s: %zu rows, %zu state%s\n", path, record.n_row, record.n_state,
               record.n_state == 1 ? "" : "s");
        status = record_fit(&record, options, result);
    }
    if (status == EXIT_SUCCESS) {
        status = report(result, options->output);
    }
    data_record_free(&record);
    return status;
}

static int fit_spiral(const command_line *options, fit_result *result) {
    if (!output_file_check(options->output, NULL)) {
        return EXIT_INPUT;
    }
    printf("data      the cubic spiral, 30 points\n");
    const int status = spiral_benchmark(options, result);
    return status == EXIT_SUCCESS ? report(result, options->output) : status;
}

int main(int argc, char **argv) {
    command_line options;
    fit_result result = {0};
    switch (command_line_parse(argc, argv, &options)) {
    case COMMAND_LINE_WRONG: return EXIT_INPUT;
    case COMMAND_LINE_DONE: return EXIT_SUCCESS;
    case COMMAND_LINE_RUN: break;
    }
    const int status = options.spiral ? fit_spiral(&options, &result) : fit_record(&options, &result);
    curves_free(&result.curves);
    return status;
}
