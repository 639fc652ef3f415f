/* SPDX-License-Identifier: MIT */
/* Any bytes as an IDX file, plain or packed: an array of which every element can be had, or a refusal with a reason. */
#include "fuzz_target.h"

#include <costate/idx.h>
#include <string.h>

static void check_array(const costate_idx *idx) {
    costate_idx_type type;
    size_t n = 1;
    FUZZ_CHECK(costate_idx_type_of(idx, &type) == COSTATE_OK && costate_idx_type_bytes(type) > 0);
    FUZZ_CHECK(costate_idx_n_dim(idx) >= 1 && costate_idx_n_dim(idx) <= COSTATE_IDX_MAX_DIM);
    for (size_t k = 0; k < costate_idx_n_dim(idx); k++) {
        n *= costate_idx_dim(idx, k);
    }
    FUZZ_CHECK(n == costate_idx_n_element(idx));
    double *x = malloc((n + 1) * sizeof(*x));
    float *x32 = malloc((n + 1) * sizeof(*x32));
    FUZZ_CHECK(x && x32);
    FUZZ_CHECK(costate_idx_numbers_f64(idx, 0, n, 1.0, x) == COSTATE_OK);
    FUZZ_CHECK(costate_idx_numbers_f32(idx, 0, n, 0.5, x32) == COSTATE_OK);
    FUZZ_CHECK(costate_idx_numbers_f64(idx, 0, n + 1, 1.0, x) == COSTATE_ERR_ARGUMENT);
    const unsigned char *bytes = costate_idx_elements(idx);
    for (size_t i = 0; i < n && type == COSTATE_IDX_U8; i++) {
        FUZZ_CHECK(x[i] == (double)bytes[i] && x32[i] == 0.5F * (float)bytes[i]);
    }
    free(x);
    free(x32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const costate_idx_options options = {.max_bytes = (size_t)1 << 22};
    costate_idx *idx;
    costate_message message;
    const costate_status status = costate_idx_parse(data, size, &options, NULL, &idx, &message);
    FUZZ_CHECK(status == COSTATE_OK || status == COSTATE_ERR_FORMAT);
    FUZZ_CHECK((idx != NULL) == (status == COSTATE_OK));
    FUZZ_CHECK((strlen(message.text) > 0) == (status != COSTATE_OK));
    if (idx) {
        check_array(idx);
    }
    costate_idx_destroy(idx);
    return 0;
}

#ifdef COSTATE_LIBFUZZER
#include <zlib.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* 0 if it is no gzip stream or does not fit. */
static size_t repack(const uint8_t *from, size_t size, uint8_t *to, size_t room, int (*step)(z_stream *, int)) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)from, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)room};
    const int packs = step == deflate;
    if ((packs ? deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) : inflateInit2(&z, 15 + 16)) != Z_OK) {
        return 0;
    }
    const size_t n = step(&z, Z_FINISH) == Z_STREAM_END ? room - z.avail_out : 0;
    (void)(packs ? deflateEnd(&z) : inflateEnd(&z));
    return n;
}

/* Every other time changes what is packed: else hardly an input came further than the checksum. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    enum { MAX_BYTES = 4096 };
    uint8_t content[MAX_BYTES];
    if (seed % 2 == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    size_t n = repack(data, size, content, MAX_BYTES, inflate);
    if (n == 0) {
        n = size < MAX_BYTES ? size : MAX_BYTES;
        memcpy(content, data, n);
    }
    n = repack(content, LLVMFuzzerMutate(content, n, MAX_BYTES), data, max_size, deflate);
    return n > 0 ? n : LLVMFuzzerMutate(data, size, max_size);
}
#endif
