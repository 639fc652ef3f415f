/* SPDX-License-Identifier: MIT */
/* The options of the program. */
#include "command_line.h"

#include "complain.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "Usage: neural_ode [options] [FILE]\n"
    "\n"
    "Fits a neural ODE, dy/dt = N(y; p) with a dense network N, to a time series, and draws the fit.\n"
    "FILE is a CSV file with a header, a column of increasing times and one or more columns of states; without it, "
    "the\n"
    "hare and lynx pelts of the Hudson's Bay Company, 1900-1920.\n"
    "\n"
    "  --data FILE          the same as FILE\n"
    "  --hidden N,N,...     units of the hidden layers (default 16,16; with --spiral 50)\n"
    "  --activation NAME    of the hidden layers (default tanh), one of\n"
    "                       %s\n"
    "  --time-input         dy/dt = N(y, t; p): the field may change with time\n"
    "  --solver NAME        tsit5 (default): explicit; dop853: the same for --rtol 1e-8 and below; sdirk4: implicit,\n"
    "                       for stiff fields; auto: changes between tsit5 and sdirk4;\n"
    "                       adams, or for stiff fields bdf: multistep methods, by CVODE\n"
    "  --rtol X             relative tolerance of the solver (default 1e-6; with --spiral 1e-3)\n"
    "  --optimizer NAME     lbfgs (default): Adam, then L-BFGS; adam: Adam alone (always so with --spiral)\n"
    "  --iterations N       of the optimisers, all stages together (default 2000; with --spiral 500)\n"
    "  --ridge X            weight of the squared parameters in the loss (default 0.001)\n"
    "  --seed N             of the initial parameters (default 1)\n"
    "  --output PREFIX      write PREFIX.csv and PREFIX.png, or .svg (default neural_ode; with --spiral spiral)\n"
    "  --spiral             fit the cubic spiral instead: 252 parameters on y^3, 30 points, 500 steps of Adam\n"
    "  --quiet              no progress\n"
    "  --help, --version\n"
    "\n"
    "The loss is the sum of the squared errors of the states, each scaled to mean 0 and standard deviation 1. The "
    "first\n"
    "stage fits short pieces that start at the data; the pieces double in length until the last stage fits the whole\n"
    "record from a free initial state. The same seed gives the same result.\n"
    "Exit status: 0 success; 1 the fit failed or is no better than a constant; 2 wrong input or options.\n";

static void print_help(void) {
    char names[512] = "";
    size_t used = 0;
    for (int k = 0; k < COSTATE_ACT_COUNT && used < sizeof(names); k++) {
        const int n = snprintf(names + used, sizeof(names) - used, "%s%s",
                               k == 0   ? ""
                               : k == 7 ? "\n                       "
                                        : " ",
                               costate_act_name((costate_act)k));
        used += n > 0 ? (size_t)n : 0;
    }
    printf(HELP, names);
}

/* Each parser gets the text of one value and says what it expected if that is not it; NULL: taken. */
typedef const char *(*parser)(const char *text, command_line *options);

static bool parse_count(const char *text, size_t low, size_t high, size_t *count) {
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < low || value > high) {
        return false;
    }
    *count = (size_t)value;
    return true;
}

static bool parse_real(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

static const char *parse_hidden(const char *text, command_line *options) {
    static const char expected[] = "1 to 8 widths from 1 to 1024, such as 16,16, are expected";
    options->n_hidden = 0;
    for (;;) {
        char number[8];
        const size_t length = strcspn(text, ",");
        if (options->n_hidden == MAX_HIDDEN || length >= sizeof(number)) {
            return expected;
        }
        memcpy(number, text, length);
        number[length] = '\0';
        if (!parse_count(number, 1, MAX_WIDTH, &options->hidden[options->n_hidden])) {
            return expected;
        }
        options->n_hidden++;
        if (text[length] == '\0') {
            return NULL;
        }
        text += length + 1;
    }
}

static const char *parse_activation(const char *text, command_line *options) {
    return costate_act_from_name(text, &options->activation) == COSTATE_OK ? NULL : "no such activation, see --help";
}

static const char *parse_solver(const char *text, command_line *options) {
#define METHOD_NAME(enumerator, name) " " name
    static const char expected[] = "one of these is expected:" COSTATE_METHOD_LIST(METHOD_NAME);
#undef METHOD_NAME
    return costate_method_from_name(text, &options->solver) == COSTATE_OK ? NULL : expected;
}

static const char *parse_rtol(const char *text, command_line *options) {
    return parse_real(text, &options->rtol) && options->rtol >= 1e-12 && options->rtol <= 0.1
               ? NULL
               : "a number from 1e-12 to 0.1 is expected";
}

static const char *parse_optimizer(const char *text, command_line *options) {
    if (strcmp(text, "lbfgs") != 0 && strcmp(text, "adam") != 0) {
        return "lbfgs or adam is expected";
    }
    options->optimizer = text[0] == 'l' ? OPTIMIZER_LBFGS : OPTIMIZER_ADAM;
    return NULL;
}

static const char *parse_iterations(const char *text, command_line *options) {
    return parse_count(text, 1, 1000000000, &options->iterations) ? NULL : "a number from 1 to 1000000000 is expected";
}

static const char *parse_ridge(const char *text, command_line *options) {
    return parse_real(text, &options->ridge) && options->ridge >= 0.0 ? NULL : "a number of at least 0 is expected";
}

static const char *parse_seed(const char *text, command_line *options) {
    char *end;
    errno = 0;
    const unsigned long long seed = strtoull(text, &end, 10);
    options->seed = seed;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && seed <= UINT64_MAX
               ? NULL
               : "a number from 0 to 18446744073709551615 is expected";
}

static const char *parse_output(const char *text, command_line *options) {
    options->output = text;
    return text[0] != '\0' && text[strlen(text) - 1] != '/' ? NULL : "the beginning of a file name is expected";
}

static const char *parse_data(const char *text, command_line *options) {
    const bool again = options->data != NULL;
    options->data = text;
    return again ? "there is more than one data file" : text[0] == '\0' ? "a file name is expected" : NULL;
}

static const struct {
    const char *name;
    parser parse;
} valued[] = {
    {"--data", parse_data},
    {"--hidden", parse_hidden},
    {"--activation", parse_activation},
    {"--solver", parse_solver},
    {"--rtol", parse_rtol},
    {"--optimizer", parse_optimizer},
    {"--iterations", parse_iterations},
    {"--ridge", parse_ridge},
    {"--seed", parse_seed},
    {"--output", parse_output},
};

/* True if the argument is an option without value. */
static bool parse_switch(const char *argument, command_line *options) {
    if (strcmp(argument, "--spiral") == 0) {
        options->spiral = true;
    } else if (strcmp(argument, "--quiet") == 0) {
        options->quiet = true;
    } else if (strcmp(argument, "--time-input") == 0) {
        options->time_input = true;
    } else {
        return false;
    }
    return true;
}

/* One option with its value, as "--name value" or "--name=value"; *k moves on to the last argument used. */
static bool parse_valued(int argc, char **argv, int *k, command_line *options) {
    const char *argument = argv[*k];
    const size_t length = strcspn(argument, "=");
    for (size_t i = 0; i < sizeof(valued) / sizeof(valued[0]); i++) {
        if (strlen(valued[i].name) != length || strncmp(argument, valued[i].name, length) != 0) {
            continue;
        }
        const char *value = argument + length + 1;
        if (argument[length] == '\0') {
            if (*k + 1 == argc) {
                complain("%s: a value is missing", valued[i].name);
                return false;
            }
            value = argv[++*k];
        }
        const char *expected = valued[i].parse(value, options);
        if (expected) {
            complain("%s '%s': %s", valued[i].name, value, expected);
        }
        return !expected;
    }
    complain("unknown option '%s', see --help", argument);
    return false;
}

static bool parse_argument(int argc, char **argv, int *k, bool only_files, command_line *options) {
    const char *argument = argv[*k];
    if (argument[0] == '-' && argument[1] != '\0' && !only_files) {
        return parse_switch(argument, options) || parse_valued(argc, argv, k, options);
    }
    const char *wrong = parse_data(argument, options);
    if (wrong) {
        complain("'%s': %s", argument, wrong);
    }
    return !wrong;
}

static bool finish(command_line *options) {
    if (options->spiral && options->data) {
        complain("--spiral: has its own data, '%s' cannot be used", options->data);
        return false;
    }
    if (options->spiral && options->time_input) {
        complain("--time-input: cannot be combined with --spiral");
        return false;
    }
    if (options->n_hidden == 0) {
        options->n_hidden = options->spiral ? 1 : 2;
        options->hidden[0] = options->spiral ? 50 : 16;
        options->hidden[1] = 16;
    }
    if (options->rtol == 0.0) {
        options->rtol = options->spiral ? 1e-3 : 1e-6;
    }
    if (options->iterations == 0) {
        options->iterations = options->spiral ? 500 : 2000;
    }
    if (!options->output) {
        options->output = options->spiral ? "spiral" : "neural_ode";
    }
    return true;
}

command_line_result command_line_parse(int argc, char **argv, command_line *options) {
    bool only_files = false;
    *options = (command_line){.activation = COSTATE_ACT_TANH,
                              .solver = COSTATE_METHOD_TSIT5,
                              .optimizer = OPTIMIZER_LBFGS,
                              .ridge = 1e-3,
                              .seed = 1};
    for (int k = 1; k < argc; k++) {
        if (!only_files && strcmp(argv[k], "--help") == 0) {
            print_help();
            return COMMAND_LINE_DONE;
        }
        if (!only_files && strcmp(argv[k], "--version") == 0) {
            printf("neural_ode (costate %s)\n", costate_version());
            return COMMAND_LINE_DONE;
        }
        if (!only_files && strcmp(argv[k], "--") == 0) {
            only_files = true;
        } else if (!parse_argument(argc, argv, &k, only_files, options)) {
            return COMMAND_LINE_WRONG;
        }
    }
    return finish(options) ? COMMAND_LINE_RUN : COMMAND_LINE_WRONG;
}
