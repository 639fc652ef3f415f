/* SPDX-License-Identifier: MIT */
/* State of an update as a block of bytes: a header that says whose it is, then the vectors. */
#include "batch/update_internal.h"

#include <stdint.h>
#include <string.h>

/* Read with the other byte order it is another number. */
static const uint32_t TAG = 0x31757363;

typedef struct state_header {
    uint32_t tag;
    uint16_t kind;
    uint16_t precision;
    uint64_t n;
    uint64_t count;
} state_header;

static state_header header_of(const costate_update *u) {
    return (state_header){.tag = TAG,
                          .kind = (uint16_t)u->options.kind,
                          .precision = (uint16_t)u->options.precision,
                          .n = u->n,
                          .count = u->count};
}

size_t costate_update_state_bytes(const costate_update *update) {
    return update ? sizeof(state_header) + update->state_bytes : 0;
}

costate_status costate_update_save(const costate_update *update, void *block, size_t block_bytes) {
    if (!update || !block) {
        return COSTATE_ERR_NULL;
    }
    if (block_bytes < costate_update_state_bytes(update)) {
        return COSTATE_ERR_WORKSPACE;
    }
    const state_header header = header_of(update);
    memcpy(block, &header, sizeof(header));
    memcpy((unsigned char *)block + sizeof(header), update->state[0], update->state_bytes);
    return COSTATE_OK;
}

costate_status costate_update_restore(costate_update *update, const void *block, size_t block_bytes) {
    if (!update || !block) {
        return COSTATE_ERR_NULL;
    }
    if (block_bytes != costate_update_state_bytes(update)) {
        return COSTATE_ERR_SIZE;
    }
    const state_header expected = header_of(update);
    state_header header;
    memcpy(&header, block, sizeof(header));
    if (header.tag != expected.tag || header.kind != expected.kind || header.precision != expected.precision ||
        header.n != expected.n || header.count > SIZE_MAX / 2) {
        return COSTATE_ERR_MISMATCH;
    }
    memcpy(update->state[0], (const unsigned char *)block + sizeof(header), update->state_bytes);
    update->count = (size_t)header.count;
    return COSTATE_OK;
}
