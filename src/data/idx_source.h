/* SPDX-License-Identifier: MIT */
/* Bytes in memory, unpacked on the way if they are gzip. */
#ifndef CSI_IDX_SOURCE_H
#define CSI_IDX_SOURCE_H

#include <costate/alloc.h>
#include <costate/message.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

/* Input that zlib only reads. */
#define ZLIB_CONST
#include <zlib.h>

typedef struct csi_idx_source {
    const unsigned char *begin, *next, *end; /* of the bytes, packed or not; next is what has not been looked at */
    size_t at;                               /* bytes given so far */
    bool packed, ended;
    z_stream z;
} csi_idx_source;

/* The bytes must stay. The caller closes it, also after a failure: COSTATE_ERR_MEMORY. */
costate_status csi_idx_source_open(csi_idx_source *source, const void *bytes, size_t n_bytes,
                                   const costate_allocator *alloc, costate_message *message);
void csi_idx_source_close(csi_idx_source *source);

/*
 * The next n bytes, or those that are left: *got. COSTATE_ERR_FORMAT (a damaged or truncated gzip stream, or other bytes
 * behind it) or COSTATE_ERR_MEMORY. A checksum has been compared when *got < n.
 */
costate_status csi_idx_source_read(csi_idx_source *source, void *to, size_t n, size_t *got, costate_message *message);

/* A number that is not smaller than that of the bytes still to come. */
size_t csi_idx_source_most(const csi_idx_source *source);

/* "byte", or for what is unpacked "unpacked byte". */
const char *csi_idx_source_unit(const csi_idx_source *source);

#endif
