/* SPDX-License-Identifier: MIT */
/* A file in a new folder of its own, so that a test sees what else a call leaves there. */
#ifndef SCRATCH_FILE_H
#define SCRATCH_FILE_H

#include <stddef.h>

typedef struct scratch_file {
    char folder[64];
    char path[80];
} scratch_file;

/* The test fails if it cannot be made. */
scratch_file scratch_file_create(const void *bytes, size_t n_bytes);

/* Reads at most max_bytes; returns how many there were. */
size_t scratch_file_read(const scratch_file *file, void *bytes, size_t max_bytes);

/* Files in the folder. */
size_t scratch_file_count(const scratch_file *file);

/* Removes the file and the folder, which must hold nothing else. */
void scratch_file_remove(const scratch_file *file);

#endif
