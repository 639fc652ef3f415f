/* SPDX-License-Identifier: MIT */
/* Files that appear complete or not at all: written under a temporary name, put on the disk, then renamed. */
#ifndef CSI_ATOMIC_FILE_H
#define CSI_ATOMIC_FILE_H

#include <costate/alloc.h>
#include <costate/message.h>
#include <costate/status.h>
#include <stdio.h>

typedef struct csi_atomic_file {
    costate_allocator alloc;
    const char *path; /* the caller's */
    char *temporary;  /* "<path>.<process>.<k>.tmp", in the same folder */
    FILE *file;       /* to write to; errors of single writes may be left to the commit */
} csi_atomic_file;

/*
 * Opens the temporary file. COSTATE_ERR_IO (also when path is there and no regular file) or COSTATE_ERR_MEMORY, with a message that does not
 * name the file; nothing has to be undone then.
 */
costate_status csi_atomic_file_open(csi_atomic_file *file, const char *path, const costate_allocator *alloc,
                                    costate_message *message);

/*
 * Puts file, new name and folder on the disk, in that order: after a crash at any moment the old or the new content is there. COSTATE_ERR_IO
 * leaves the old one, unless the last step failed. Ends the use of *file in either case.
 */
costate_status csi_atomic_file_commit(csi_atomic_file *file, costate_message *message);

/* Removes the temporary file instead. */
void csi_atomic_file_abandon(csi_atomic_file *file);

/* All of the above: path gets the bytes as its content. The message names the file. */
costate_status csi_replace_file(const char *path, const void *bytes, size_t n_bytes, const costate_allocator *alloc,
                                costate_message *message);

#endif
