/* SPDX-License-Identifier: MIT */
/* A file in a new folder of its own, so that a test sees what else a call leaves there. */
#define _POSIX_C_SOURCE 200809L

#include "scratch_file.h"

#include "support/asserts.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

scratch_file scratch_file_create(const void *bytes, size_t n_bytes) {
    scratch_file made = {.folder = "/tmp/costate-test-XXXXXX"};
    assert_non_null(mkdtemp(made.folder));
    (void)snprintf(made.path, sizeof(made.path), "%s/file", made.folder);
    FILE *file = fopen(made.path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n_bytes, file), n_bytes);
    assert_int_equal(fclose(file), 0);
    return made;
}

size_t scratch_file_read(const scratch_file *file, void *bytes, size_t max_bytes) {
    FILE *stream = fopen(file->path, "rb");
    assert_non_null(stream);
    const size_t n = fread(bytes, 1, max_bytes, stream);
    assert_int_equal(fclose(stream), 0);
    return n;
}

size_t scratch_file_count(const scratch_file *file) {
    size_t n = 0;
    DIR *folder = opendir(file->folder);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        n += entry->d_name[0] != '.' ? 1 : 0;
    }
    assert_int_equal(closedir(folder), 0);
    return n;
}

void scratch_file_remove(const scratch_file *file) {
    assert_int_equal(unlink(file->path), 0);
    assert_int_equal(rmdir(file->folder), 0);
}
