/* SPDX-License-Identifier: MIT */
/* Files that appear complete or not at all: written under a temporary name, put on the disk, then renamed. */
#define _POSIX_C_SOURCE 200809L

#include "core/atomic_file.h"

#include "core/memory.h"
#include "core/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for the ending, and names to try when a killed process or another thread has left or uses one. */
enum { ENDING_BYTES = 64, MAX_TRIES = 1000 };

/* -1 and errno when there is none. */
static int open_temporary(csi_atomic_file *file, size_t length) {
    int descriptor = -1;
    for (int k = 0; k < MAX_TRIES && descriptor < 0; k++) {
        (void)snprintf(file->temporary + length, ENDING_BYTES, ".%ld.%d.tmp", (long)getpid(), k);
        descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor < 0 && errno != EEXIST) {
            return -1;
        }
    }
    return descriptor;
}

static costate_status open_stream(csi_atomic_file *file, size_t length, costate_message *message) {
    const int descriptor = open_temporary(file, length);
    if (descriptor < 0) {
        return csi_say_errno(message, "cannot be written", errno);
    }
    file->file = fdopen(descriptor, "wb");
    if (!file->file) {
        const int error = errno;
        (void)close(descriptor);
        (void)unlink(file->temporary);
        return csi_say_errno(message, "cannot be written", error);
    }
    return COSTATE_OK;
}

costate_status csi_atomic_file_open(csi_atomic_file *file, const char *path, const costate_allocator *alloc,
                                    costate_message *message) {
    struct stat about;
    const size_t length = strlen(path);
    *file = (csi_atomic_file){.alloc = csi_allocator(alloc), .path = path};
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
        return S_ISDIR(about.st_mode) ? csi_say(message, COSTATE_ERR_IO, "cannot be written: it is a directory")
                                      : csi_say(message, COSTATE_ERR_IO, "cannot be written: it is no regular file");
    }
    file->temporary = length < SIZE_MAX - ENDING_BYTES ? csi_alloc(&file->alloc, length + ENDING_BYTES, 1) : NULL;
    if (!file->temporary) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the name");
    }
    memcpy(file->temporary, path, length);
    const costate_status status = open_stream(file, length, message);
    if (status != COSTATE_OK) {
        csi_release(&file->alloc, file->temporary);
    }
    return status;
}

/* The name of a new file is on the disk once its folder is; there are file systems that cannot be asked for that. */
static int sync_folder(char *temporary) {
    char *slash = strrchr(temporary, '/');
    if (slash) {
        slash[slash == temporary ? 1 : 0] = '\0';
    }
    const int descriptor = open(slash ? temporary : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return errno == EACCES ? 0 : errno;
    }
    const int error = fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
    (void)close(descriptor);
    return error;
}

/* 0 or the errno of what failed first. */
static int finish(csi_atomic_file *file) {
    int error = fflush(file->file) != 0 || ferror(file->file) ? (errno != 0 ? errno : EIO) : 0;
    if (error == 0 && fsync(fileno(file->file)) != 0 && errno != EINVAL && errno != ENOTSUP) {
        error = errno;
    }
    if (fclose(file->file) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0 && rename(file->temporary, file->path) != 0) {
        error = errno;
    }
    if (error != 0) {
        (void)unlink(file->temporary);
        return error;
    }
    return sync_folder(file->temporary);
}

costate_status csi_atomic_file_commit(csi_atomic_file *file, costate_message *message) {
    const int error = finish(file);
    csi_release(&file->alloc, file->temporary);
    return error == 0 ? COSTATE_OK : csi_say_errno(message, "cannot be written", error);
}

void csi_atomic_file_abandon(csi_atomic_file *file) {
    (void)fclose(file->file);
    (void)unlink(file->temporary);
    csi_release(&file->alloc, file->temporary);
}

costate_status csi_replace_file(const char *path, const void *bytes, size_t n_bytes, const costate_allocator *alloc,
                                costate_message *message) {
    csi_atomic_file file;
    costate_status status = csi_atomic_file_open(&file, path, alloc, message);
    if (status == COSTATE_OK) {
        /* What a short write leaves behind in the stream is found by the commit. */
        (void)fwrite(bytes, 1, n_bytes, file.file);
        status = csi_atomic_file_commit(&file, message);
    }
    csi_message_name_file(message, path);
    return status;
}
