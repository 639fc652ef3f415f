/* SPDX-License-Identifier: MIT */
/* A whole file in memory. */
#define _POSIX_C_SOURCE 200809L

#include "core/whole_file.h"

#include "core/memory.h"
#include "core/message.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Of a file that does not tell its size, such as a pipe. */
enum { FIRST_BYTES = 1 << 16 };

/* Room for the file, its zero byte and the byte that tells that it has grown; a device claims nothing. */
static size_t first_capacity(FILE *file, size_t max_bytes) {
    struct stat about;
    if (fstat(fileno(file), &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 &&
        (uintmax_t)about.st_size <= max_bytes) {
        return (size_t)about.st_size + 2;
    }
    return FIRST_BYTES;
}

/* Doubles the block; false when there is no memory, and the old block is still there. */
static bool grow(const costate_allocator *alloc, char **block, size_t *capacity) {
    char *larger = csi_alloc(alloc, *capacity, 2);
    if (!larger) {
        return false;
    }
    memcpy(larger, *block, *capacity);
    csi_release(alloc, *block);
    *block = larger;
    *capacity *= 2;
    return true;
}

static costate_status read_all(FILE *file, size_t max_bytes, const costate_allocator *alloc, char **block,
                               size_t *n_bytes, costate_message *message) {
    size_t capacity = first_capacity(file, max_bytes);
    *block = csi_alloc(alloc, capacity, 1);
    if (!*block) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the file");
    }
    for (;;) {
        errno = 0;
        *n_bytes += fread(*block + *n_bytes, 1, capacity - 1 - *n_bytes, file);
        if (ferror(file)) {
            return csi_say_errno(message, "cannot be read", errno);
        }
        if (*n_bytes > max_bytes) {
            return max_bytes < 1 << 20
                       ? csi_say(message, COSTATE_ERR_FORMAT, "is larger than %zu bytes", max_bytes)
                       : csi_say(message, COSTATE_ERR_FORMAT, "is larger than %zu MiB", max_bytes / (1 << 20));
        }
        if (*n_bytes < capacity - 1) {
            (*block)[*n_bytes] = '\0';
            return COSTATE_OK;
        }
        if (!grow(alloc, block, &capacity)) {
            return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the file");
        }
    }
}

costate_status csi_read_whole_file(const char *path, size_t max_bytes, const costate_allocator *alloc, char **bytes,
                                   size_t *n_bytes, costate_message *message) {
    *bytes = NULL;
    *n_bytes = 0;
    FILE *file = fopen(path, "rbe");
    if (!file) {
        return csi_say_errno(message, "cannot be opened", errno);
    }
    char *block;
    const costate_status status = read_all(file, max_bytes, alloc, &block, n_bytes, message);
    (void)fclose(file);
    if (status != COSTATE_OK) {
        csi_release(alloc, block);
        *n_bytes = 0;
        return status;
    }
    *bytes = block;
    return COSTATE_OK;
}
