/* SPDX-License-Identifier: MIT */
/* replay_<target> <file or folder>...: calls the target with every file, for compilers without a fuzzer. */
#define _POSIX_C_SOURCE 200809L

#include "fuzz_target.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_BYTES = 1 << 20 };

static bool replay_file(const char *path) {
    uint8_t *bytes = malloc(MAX_BYTES);
    FILE *file = fopen(path, "rb");
    if (!bytes || !file) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        free(bytes);
        if (file) {
            (void)fclose(file);
        }
        return false;
    }
    const size_t n = fread(bytes, 1, MAX_BYTES, file);
    (void)fclose(file);
    /* Exactly as large as the input, so that a read behind it is seen. */
    uint8_t *exact = malloc(n > 0 ? n : 1);
    if (exact) {
        memcpy(exact, bytes, n);
        (void)LLVMFuzzerTestOneInput(exact, n);
    }
    free(bytes);
    free(exact);
    return exact != NULL;
}

static bool replay_folder(const char *path, size_t *n_file) {
    DIR *folder = opendir(path);
    bool good = folder != NULL;
    for (const struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
        char name[4096];
        if (entry->d_name[0] != '.') {
            (void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
            good = replay_file(name);
            (*n_file)++;
        }
    }
    if (folder) {
        (void)closedir(folder);
    }
    return good;
}

int main(int argc, char **argv) {
    size_t n_file = 0;
    for (int k = 1; k < argc; k++) {
        struct stat about;
        const bool is_folder = stat(argv[k], &about) == 0 && S_ISDIR(about.st_mode);
        n_file += is_folder ? 0 : 1;
        if (is_folder ? !replay_folder(argv[k], &n_file) : !replay_file(argv[k])) {
            return EXIT_FAILURE;
        }
    }
    printf("%zu inputs\n", n_file);
    return n_file > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
