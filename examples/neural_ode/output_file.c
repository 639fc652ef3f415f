/* SPDX-License-Identifier: MIT */
/* Files that appear complete or not at all: written under a temporary name, then renamed. */
#define _POSIX_C_SOURCE 200809L

#include "output_file.h"

#include "complain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(const char *a, const char *b) {
    const size_t bytes = strlen(a) + strlen(b) + 1;
    char *text = allocate(bytes, 1);
    snprintf(text, bytes, "%s%s", a, b);
    return text;
}

bool output_file_open(output_file *output, const char *prefix, const char *suffix) {
    char ending[48];
    snprintf(ending, sizeof(ending), ".%ld.tmp", (long)getpid());
    output->path = join(prefix, suffix);
    output->temporary = join(output->path, ending);
    output->file = NULL;
    const int descriptor = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (descriptor >= 0) {
        output->file = fdopen(descriptor, "w");
    }
    if (!output->file) {
        complain("--output: %s cannot be written: %s", output->path, strerror(errno));
        if (descriptor >= 0) {
            close(descriptor);
            unlink(output->temporary);
        }
        free(output->path);
        free(output->temporary);
        return false;
    }
    return true;
}

void output_file_close(output_file *output) {
    if (output->file) {
        fclose(output->file);
        output->file = NULL;
    }
}

bool output_file_commit(output_file *output) {
    const bool written = !output->file || (fflush(output->file) == 0 && !ferror(output->file));
    const bool closed = !output->file || fclose(output->file) == 0;
    output->file = NULL;
    if (!written || !closed || rename(output->temporary, output->path) != 0) {
        complain("--output: %s cannot be written: %s", output->path, strerror(errno));
        output_file_abandon(output);
        return false;
    }
    free(output->path);
    free(output->temporary);
    return true;
}

void output_file_abandon(output_file *output) {
    output_file_close(output);
    unlink(output->temporary);
    free(output->path);
    free(output->temporary);
}

static bool check_one(const char *prefix, const char *suffix, const char *input) {
    struct stat existing;
    struct stat read_from;
    output_file probe;
    if (!output_file_open(&probe, prefix, suffix)) {
        return false;
    }
    const char *wrong = NULL;
    if (stat(probe.path, &existing) == 0) {
        if (S_ISDIR(existing.st_mode)) {
            wrong = "is a directory";
        } else if (input && stat(input, &read_from) == 0 && existing.st_dev == read_from.st_dev &&
                   existing.st_ino == read_from.st_ino) {
            wrong = "is the input";
        }
    }
    if (wrong) {
        complain("--output: %s %s", probe.path, wrong);
    }
    output_file_abandon(&probe);
    return !wrong;
}

bool output_file_check(const char *prefix, const char *input) {
    return check_one(prefix, ".csv", input) && check_one(prefix, ".png", input) && check_one(prefix, ".svg", input);
}
