/* SPDX-License-Identifier: MIT */
/* Files that appear complete or not at all: written under a temporary name, then renamed. */
#ifndef OUTPUT_FILE_H
#define OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

typedef struct output_file {
    char *path;
    char *temporary;
    FILE *file; /* open for writing; NULL after output_file_close() */
} output_file;

/*
 * True if PREFIX.csv, .png and .svg can be written and none of them is the input (NULL: there is none). Leaves nothing behind; says why if not.
 */
bool output_file_check(const char *prefix, const char *input);

/* Opens the temporary file for PREFIX + suffix; says why and returns false if it cannot. */
bool output_file_open(output_file *output, const char *prefix, const char *suffix);

/* Closes the file but keeps the temporary name, for another program to write to. */
void output_file_close(output_file *output);

/* Gives the file its name; says why and returns false if it cannot. */
bool output_file_commit(output_file *output);

/* Removes the temporary file. */
void output_file_abandon(output_file *output);

#endif
