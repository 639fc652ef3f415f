/* SPDX-License-Identifier: MIT */
/* The options of the program. */
#ifndef COMMAND_LINE_H
#define COMMAND_LINE_H

#include <costate/costate.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_HIDDEN = 8, MAX_WIDTH = 1024 };

typedef enum optimizer_kind { OPTIMIZER_LBFGS, OPTIMIZER_ADAM } optimizer_kind;

typedef struct command_line {
    const char *data; /* NULL: the hare-lynx record */
    size_t n_hidden;
    size_t hidden[MAX_HIDDEN];
    costate_act activation;
    bool time_input;
    costate_method solver;
    double rtol;
    optimizer_kind optimizer;
    size_t iterations;
    double ridge;
    uint64_t seed;
    const char *output;
    bool spiral;
    bool quiet;
} command_line;

typedef enum command_line_result { COMMAND_LINE_RUN, COMMAND_LINE_DONE, COMMAND_LINE_WRONG } command_line_result;

/* DONE: --help or --version was printed. WRONG: one line on standard error named the offending option. */
command_line_result command_line_parse(int argc, char **argv, command_line *options);

#endif
