/* SPDX-License-Identifier: MIT */
/* Bytes in memory, unpacked on the way if they are gzip (RFC 1952). */
#include "data/idx_source.h"

#include "core/memory.h"
#include "core/message.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

/* Deflate gives at most 258 bytes for two bits; what is still in its window or bit buffer is less than the slack. */
enum { MOST_PER_BYTE = 1032, SLACK_BYTES = 1 << 17 };

/* Tells zlib to expect a gzip header and trailer. */
enum { GZIP_WINDOW_BITS = 15 + 16 };

static void *allocate(void *alloc, uInt count, uInt size) { return csi_alloc(alloc, count, size); }

static void release(void *alloc, void *block) { csi_release(alloc, block); }

static size_t n_left(const csi_idx_source *source) { return (size_t)(source->end - source->next); }

static bool at_member(const csi_idx_source *source) {
    return n_left(source) >= 2 && source->next[0] == 0x1F && source->next[1] == 0x8B;
}

costate_status csi_idx_source_open(csi_idx_source *source, const void *bytes, size_t n_bytes,
                                   const costate_allocator *alloc, costate_message *message) {
    const unsigned char *begin = n_bytes > 0 ? bytes : (const unsigned char *)"";
    *source = (csi_idx_source){.begin = begin, .next = begin, .end = begin + n_bytes};
    if (at_member(source)) {
        source->z = (z_stream){.zalloc = allocate, .zfree = release, .opaque = (void *)alloc};
        if (inflateInit2(&source->z, GZIP_WINDOW_BITS) != Z_OK) {
            return csi_say(message, COSTATE_ERR_MEMORY, "no memory to unpack it");
        }
        source->packed = true;
    }
    return COSTATE_OK;
}

void csi_idx_source_close(csi_idx_source *source) {
    if (source->packed) {
        (void)inflateEnd(&source->z);
    }
}

static uInt at_most_uint(size_t n) { return n < UINT_MAX ? (uInt)n : UINT_MAX; }

/* One call of zlib; *got bytes more. */
static int inflate_some(csi_idx_source *source, unsigned char *to, size_t n, size_t *got) {
    z_stream *z = &source->z;
    const uInt room = at_most_uint(n);
    const uInt offered = at_most_uint(n_left(source));
    z->next_in = source->next;
    z->avail_in = offered;
    z->next_out = to;
    z->avail_out = room;
    const int code = inflate(z, Z_NO_FLUSH);
    source->next += offered - z->avail_in;
    *got += room - z->avail_out;
    return code;
}

static costate_status say_damage(const csi_idx_source *source, int code, costate_message *message) {
    const size_t at = (size_t)(source->next - source->begin);
    if (code == Z_MEM_ERROR) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory to unpack it");
    }
    if (code == Z_BUF_ERROR) {
        return csi_say(message, COSTATE_ERR_FORMAT, "byte %zu: the gzip stream is truncated", at);
    }
    return csi_say(message, COSTATE_ERR_FORMAT, "byte %zu: the gzip stream is damaged (%s)", at,
                   source->z.msg ? source->z.msg : "no reason is known");
}

/* Another member may follow; anything else is wrong. */
static costate_status end_member(csi_idx_source *source, costate_message *message) {
    source->ended = n_left(source) == 0;
    if (source->ended || (at_member(source) && inflateReset(&source->z) == Z_OK)) {
        return COSTATE_OK;
    }
    return csi_say(message, COSTATE_ERR_FORMAT, "byte %zu: %zu bytes follow the gzip stream",
                   (size_t)(source->next - source->begin), n_left(source));
}

static costate_status unpack(csi_idx_source *source, unsigned char *to, size_t n, size_t *got,
                             costate_message *message) {
    while (*got < n && !source->ended) {
        const int code = inflate_some(source, to + *got, n - *got, got);
        if (code != Z_OK && code != Z_STREAM_END) {
            return say_damage(source, code, message);
        }
        const costate_status status = code == Z_STREAM_END ? end_member(source, message) : COSTATE_OK;
        if (status != COSTATE_OK) {
            return status;
        }
    }
    return COSTATE_OK;
}

costate_status csi_idx_source_read(csi_idx_source *source, void *to, size_t n, size_t *got, costate_message *message) {
    costate_status status = COSTATE_OK;
    *got = 0;
    if (source->packed) {
        status = unpack(source, to, n, got, message);
    } else if (n > 0) {
        *got = n < n_left(source) ? n : n_left(source);
        memcpy(to, source->next, *got);
        source->next += *got;
    }
    source->at += *got;
    return status;
}

size_t csi_idx_source_most(const csi_idx_source *source) {
    const size_t n = n_left(source);
    if (!source->packed) {
        return n;
    }
    return n < (SIZE_MAX - SLACK_BYTES) / MOST_PER_BYTE ? n * MOST_PER_BYTE + SLACK_BYTES : SIZE_MAX;
}

const char *csi_idx_source_unit(const csi_idx_source *source) { return source->packed ? "unpacked byte" : "byte"; }
