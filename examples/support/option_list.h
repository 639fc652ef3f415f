/* SPDX-License-Identifier: MIT */
/* Options of a program as a table: names, kinds, ranges, where the values go. */
#ifndef OPTION_LIST_H
#define OPTION_LIST_H

#include <stddef.h>

typedef enum option_kind {
    OPTION_COUNT,  /* value is a size_t, from low to high */
    OPTION_SEED,   /* value is a uint64_t */
    OPTION_REAL,   /* value is a double, from low to high */
    OPTION_TEXT,   /* value is a const char *, not empty */
    OPTION_METHOD, /* value is a costate_method */
    OPTION_SWITCH  /* value is a bool, set to true; takes no argument */
} option_kind;

typedef struct option {
    const char *name; /* with its dashes, e.g. "--seed" */
    option_kind kind;
    void *value; /* overwritten only when the option is given */
    double low;
    double high;
} option;

typedef enum option_result { OPTION_RUN, OPTION_DONE, OPTION_WRONG } option_result;

/*
 * Reads "--name value" and "--name=value". DONE: --help or --version was printed. WRONG: one line on standard error, which
 * begins with the program's name, told what is wrong with which option; values read before it have been written.
 */
option_result option_list_parse(const char *program, const char *help, size_t n_option, const option *options, int argc,
                                char **argv);

#endif
