/* SPDX-License-Identifier: MIT */
/* A whole file in memory. */
#ifndef CSI_WHOLE_FILE_H
#define CSI_WHOLE_FILE_H

#include <costate/alloc.h>
#include <costate/message.h>
#include <costate/status.h>
#include <stddef.h>

/*
 * Reads at most max_bytes; *bytes, to be released through the same allocator, has a zero byte behind the last one. It is NULL after a
 * failure: COSTATE_ERR_IO, COSTATE_ERR_FORMAT (the file is larger) or COSTATE_ERR_MEMORY, with a message that does not name the file.
 */
costate_status csi_read_whole_file(const char *path, size_t max_bytes, const costate_allocator *alloc, char **bytes,
                                   size_t *n_bytes, costate_message *message);

#endif
