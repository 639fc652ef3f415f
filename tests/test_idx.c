/* SPDX-License-Identifier: MIT */
/* IDX: what is read, plain and packed, and what is refused and with which words. */
#include "scratch_file.h"
#include "support/allocators.h"
#include "support/asserts.h"

#include <costate/idx.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define BYTES(text) (text), sizeof(text) - 1

/* 2 × 3 bytes. */
static const char small[] = "\0\0\x08\x02\0\0\0\x02\0\0\0\x03\x00\x01\x7F\x80\xFE\xFF";
enum { SMALL_BYTES = sizeof(small) - 1, PACKED_BYTES = 4096 };

/* A gzip member; returns its length. */
static size_t pack(const void *bytes, size_t n_bytes, unsigned char *packed, size_t room) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)bytes;
    z.avail_in = (uInt)n_bytes;
    z.next_out = packed;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t n = room - z.avail_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
    return n;
}

/* From a block that is exactly as large, so that AddressSanitizer sees a read behind it. */
static costate_status parse(const void *bytes, size_t n_bytes, const costate_idx_options *options, costate_idx **idx,
                            costate_message *message) {
    unsigned char *exact = malloc(n_bytes > 0 ? n_bytes : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, n_bytes);
    const costate_status status = costate_idx_parse(exact, n_bytes, options, NULL, idx, message);
    free(exact);
    assert_true((*idx != NULL) == (status == COSTATE_OK));
    assert_true((message->text[0] == '\0') == (status == COSTATE_OK));
    return status;
}

static costate_idx *parse_ok(const void *bytes, size_t n_bytes) {
    costate_idx *idx;
    costate_message message;
    if (parse(bytes, n_bytes, NULL, &idx, &message) != COSTATE_OK) {
        fail_msg("%s", message.text);
    }
    return idx;
}

static void expect_refusal(const void *bytes, size_t n_bytes, const costate_idx_options *options, const char *why) {
    costate_idx *idx;
    costate_message message;
    assert_status(parse(bytes, n_bytes, options, &idx, &message), COSTATE_ERR_FORMAT);
    assert_string_equal(message.text, why);
}

static void expect_small(const costate_idx *idx) {
    costate_idx_type type;
    assert_ok(costate_idx_type_of(idx, &type));
    assert_int_equal(type, COSTATE_IDX_U8);
    assert_int_equal(costate_idx_n_dim(idx), 2);
    assert_int_equal(costate_idx_dim(idx, 0), 2);
    assert_int_equal(costate_idx_dim(idx, 1), 3);
    assert_int_equal(costate_idx_dim(idx, 2), 0);
    assert_int_equal(costate_idx_n_element(idx), 6);
    assert_memory_equal(costate_idx_elements(idx), small + 12, 6);
}

static void parse_every_type_gives_its_elements(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n_bytes;
        costate_idx_type type;
        const char *name;
        size_t element_bytes;
        double x[3];
    } cases[] = {
        {BYTES("\0\0\x08\x01\0\0\0\x03\x00\x80\xFF"), COSTATE_IDX_U8, "unsigned byte", 1, {0.0, 128.0, 255.0}},
        {BYTES("\0\0\x09\x01\0\0\0\x03\x7F\x80\xFF"), COSTATE_IDX_I8, "signed byte", 1, {127.0, -128.0, -1.0}},
        {BYTES("\0\0\x0B\x01\0\0\0\x03\x01\x02\x80\x00\xFF\xFE"), COSTATE_IDX_I16, "short", 2, {258.0, -32768.0, -2.0}},
        {BYTES("\0\0\x0C\x01\0\0\0\x03\x01\x02\x03\x04\x80\0\0\0\xFF\xFF\xFF\xFD"),
         COSTATE_IDX_I32,
         "int",
         4,
         {16909060.0, -2147483648.0, -3.0}},
        {BYTES("\0\0\x0D\x01\0\0\0\x03\x3F\xC0\0\0\xC0\x49\x0F\xDB\x7F\x80\0\0"),
         COSTATE_IDX_F32,
         "float",
         4,
         {1.5, -0x1.921FB6p1, (double)INFINITY}},
        {BYTES("\0\0\x0E\x01\0\0\0\x03\x3F\xF8\0\0\0\0\0\0\x40\x09\x21\xFB\x54\x44\x2D\x18\x80\0\0\0\0\0\0\0"),
         COSTATE_IDX_F64,
         "double",
         8,
         {1.5, 0x1.921FB54442D18p1, -0.0}},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        double x[3];
        float x32[3];
        costate_idx_type type;
        costate_idx *idx = parse_ok(cases[k].bytes, cases[k].n_bytes);
        assert_ok(costate_idx_type_of(idx, &type));
        assert_int_equal(type, cases[k].type);
        assert_string_equal(costate_idx_type_name(type), cases[k].name);
        assert_int_equal(costate_idx_type_bytes(type), cases[k].element_bytes);
        assert_int_equal((uintptr_t)costate_idx_elements(idx) % 64, 0);
        assert_ok(costate_idx_numbers_f64(idx, 0, 3, 1.0, x));
        assert_same_bits_f64(x, cases[k].x, 3);
        assert_ok(costate_idx_numbers_f32(idx, 0, 3, 1.0, x32));
        for (size_t i = 0; i < 3; i++) {
            const float expected = (float)cases[k].x[i];
            assert_same_bits_f32(&x32[i], &expected, 1);
        }
        costate_idx_destroy(idx);
    }
    assert_int_equal(costate_idx_type_bytes((costate_idx_type)0x0A), 0);
    assert_string_equal(costate_idx_type_name((costate_idx_type)0x0A), "unknown");
}

static void elements_are_in_host_order(void **state) {
    (void)state;
    costate_idx *idx = parse_ok(BYTES("\0\0\x0B\x01\0\0\0\x02\x01\x02\xFF\xFE"));
    const int16_t expected[] = {258, -2};
    assert_memory_equal(costate_idx_elements(idx), expected, sizeof(expected));
    costate_idx_destroy(idx);
}

static void numbers_are_scaled_and_from_where_they_are_asked(void **state) {
    (void)state;
    double x[6] = {0.0};
    float x32[6] = {0.0F};
    costate_idx *idx = parse_ok(small, SMALL_BYTES);
    assert_ok(costate_idx_numbers_f64(idx, 2, 3, 0.5, x));
    assert_ok(costate_idx_numbers_f32(idx, 2, 3, 0.5, x32));
    assert_close_array(x, ((const double[]){63.5, 64.0, 127.0, 0.0}), 4, 0.0, 0.0);
    assert_close_array_f32(x32, ((const float[]){63.5F, 64.0F, 127.0F, 0.0F}), 4, 0.0, 0.0);
    assert_ok(costate_idx_numbers_f64(idx, 5, 1, 1.0 / 255.0, x));
    assert_close(x[0], 1.0, 0.0, 0.0);
    assert_ok(costate_idx_numbers_f64(idx, 6, 0, 1.0, x));
    const double before = x[1];
    assert_status(costate_idx_numbers_f64(idx, 0, 7, 1.0, x), COSTATE_ERR_ARGUMENT);
    assert_status(costate_idx_numbers_f64(idx, 7, 0, 1.0, x), COSTATE_ERR_ARGUMENT);
    assert_status(costate_idx_numbers_f64(idx, 1, (size_t)-1, 1.0, x), COSTATE_ERR_ARGUMENT);
    assert_status(costate_idx_numbers_f32(idx, 6, 1, 1.0, x32), COSTATE_ERR_ARGUMENT);
    assert_status(costate_idx_numbers_f32(idx, 0, 1, (double)NAN, x32), COSTATE_ERR_ARGUMENT);
    assert_status(costate_idx_numbers_f64(idx, 0, 1, (double)INFINITY, x), COSTATE_ERR_ARGUMENT);
    assert_same_bits_f64(&x[1], &before, 1);
    costate_idx_destroy(idx);
}

static void large_doubles_are_infinite_as_floats(void **state) {
    (void)state;
    float x;
    const float inf = INFINITY;
    costate_idx *idx = parse_ok(BYTES("\0\0\x0E\x01\0\0\0\x01\x7F\xEF\xFF\xFF\xFF\xFF\xFF\xFF"));
    assert_ok(costate_idx_numbers_f32(idx, 0, 1, 1.0, &x));
    assert_same_bits_f32(&x, &inf, 1);
    costate_idx_destroy(idx);
}

static void parse_without_elements_is_an_array(void **state) {
    (void)state;
    double x;
    costate_idx *idx = parse_ok(BYTES("\0\0\x0C\x03\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0"));
    assert_int_equal(costate_idx_n_dim(idx), 3);
    assert_true(costate_idx_dim(idx, 1) == 0xFFFFFFFFU);
    assert_int_equal(costate_idx_dim(idx, 2), 0);
    assert_int_equal(costate_idx_n_element(idx), 0);
    assert_non_null(costate_idx_elements(idx));
    assert_ok(costate_idx_numbers_f64(idx, 0, 0, 1.0, &x));
    costate_idx_destroy(idx);
}

static void parse_wrong_bytes_are_refused_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n_bytes;
        const char *why;
    } cases[] = {
        {BYTES(""), "byte 0: truncated: the magic number should end at byte 4"},
        {BYTES("\0\0\x08"), "byte 3: truncated: the magic number should end at byte 4"},
        {BYTES("\x01\0\x08\x01\0\0\0\0"), "byte 0: no IDX file, which begins with 00 00, not with 01 00"},
        {BYTES("\0\xFE\x08\x01\0\0\0\0"), "byte 1: no IDX file, which begins with 00 00, not with 00 fe"},
        {BYTES("\0\0\x07\x01\0\0\0\0"), "byte 2: 07 is no type of elements"},
        {BYTES("\0\0\x0A\x01\0\0\0\0"), "byte 2: 0a is no type of elements"},
        {BYTES("\0\0\x0F\x01\0\0\0\0"), "byte 2: 0f is no type of elements"},
        {BYTES("\0\0\x08\x00\0\0\0\0"), "byte 3: 0 dimensions; 1 to 8 are allowed"},
        {BYTES("\0\0\x08\x09\0\0\0\0"), "byte 3: 9 dimensions; 1 to 8 are allowed"},
        {BYTES("\0\0\x08\xFF\0\0\0\0"), "byte 3: 255 dimensions; 1 to 8 are allowed"},
        {BYTES("\0\0\x08\x02\0\0\0\x01\0\0"), "byte 10: truncated: the dimensions should end at byte 12"},
        {BYTES("\0\0\x0B\x01\0\0\0\x02\x01\x02\x03"),
         "byte 8: truncated: the dimensions ask for 4 bytes of elements; there are 3"},
        {BYTES("\0\0\x08\x01\0\0\0\x01\x01\x02"), "byte 9: there are bytes behind the last element"},
        {BYTES("\0\0\x08\x01\0\0\0\0\x01"), "byte 8: there are bytes behind the last element"},
        {BYTES("\0\0\x0E\x02\0\x01\0\0\0\x01\0\0"),
         "byte 8: with this dimension (65536) the elements are more than the 1073741824 bytes allowed"},
        {BYTES("\0\0\x08\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
               "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
         "byte 4: with this dimension (4294967295) the elements are more than the 1073741824 bytes allowed"},
        {BYTES("\0\0\x08\x04\x80\0\0\0\x80\0\0\0\0\0\0\x04\0\0\0\x01!"),
         "byte 4: with this dimension (2147483648) the elements are more than the 1073741824 bytes allowed"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        expect_refusal(cases[k].bytes, cases[k].n_bytes, NULL, cases[k].why);
    }
}

static void parse_limits_are_kept(void **state) {
    (void)state;
    unsigned char packed[PACKED_BYTES];
    const size_t n = pack(small, SMALL_BYTES, packed, sizeof(packed));
    costate_idx *idx;
    costate_message message;
    assert_ok(parse(small, SMALL_BYTES, &(costate_idx_options){.max_bytes = SMALL_BYTES}, &idx, &message));
    costate_idx_destroy(idx);
    expect_refusal(small, SMALL_BYTES, &(costate_idx_options){.max_bytes = SMALL_BYTES - 1},
                   "18 bytes are more than the 17 allowed");
    assert_ok(parse(packed, n, &(costate_idx_options){.max_bytes = n}, &idx, &message));
    costate_idx_destroy(idx);
}

static void packed_is_the_same_as_plain(void **state) {
    (void)state;
    unsigned char packed[PACKED_BYTES];
    const size_t n = pack(small, SMALL_BYTES, packed, sizeof(packed));
    costate_idx *idx = parse_ok(packed, n);
    expect_small(idx);
    costate_idx_destroy(idx);
    for (size_t cut = 0; cut <= SMALL_BYTES; cut++) {
        const size_t first = pack(small, cut, packed, sizeof(packed));
        const size_t second = pack(small + cut, SMALL_BYTES - cut, packed + first, sizeof(packed) - first);
        idx = parse_ok(packed, first + second);
        expect_small(idx);
        costate_idx_destroy(idx);
    }
}

static void plain_truncated_anywhere_is_refused(void **state) {
    (void)state;
    for (size_t n = 0; n < SMALL_BYTES; n++) {
        costate_idx *idx;
        costate_message message;
        char place[32];
        (void)snprintf(place, sizeof(place), "byte %zu: truncated: ", n < 12 ? n : 12);
        assert_status(parse(small, n, NULL, &idx, &message), COSTATE_ERR_FORMAT);
        assert_memory_equal(message.text, place, strlen(place));
    }
}

static void packed_truncated_anywhere_is_refused(void **state) {
    (void)state;
    unsigned char packed[PACKED_BYTES];
    const size_t n = pack(small, SMALL_BYTES, packed, sizeof(packed));
    for (size_t k = 2; k < n; k++) {
        char why[64];
        (void)snprintf(why, sizeof(why), "byte %zu: the gzip stream is truncated", k);
        expect_refusal(packed, k, NULL, why);
    }
}

static void packed_damaged_anywhere_is_refused(void **state) {
    (void)state;
    unsigned char packed[PACKED_BYTES];
    const size_t n = pack(small, SMALL_BYTES, packed, sizeof(packed));
    for (size_t k = 0; k < 8 * n; k++) {
        costate_idx *idx;
        costate_message message;
        packed[k / 8] ^= (unsigned char)(1U << (k % 8));
        const costate_status status = parse(packed, n, NULL, &idx, &message);
        /* Of the header, time, level and system mean nothing here; neither does a text flag. */
        const bool without_meaning = (k / 8 >= 4 && k / 8 < 10) || k == 24;
        assert_status(status, without_meaning ? COSTATE_OK : COSTATE_ERR_FORMAT);
        costate_idx_destroy(idx);
        packed[k / 8] ^= (unsigned char)(1U << (k % 8));
    }
    packed[n - 8] ^= 1;
    char why[96];
    (void)snprintf(why, sizeof(why), "byte %zu: the gzip stream is damaged (incorrect data check)", n - 4);
    expect_refusal(packed, n, NULL, why);
}

static void packed_wrong_content_is_refused_with_its_place(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n_bytes;
        const char *why;
    } cases[] = {
        {BYTES(""), "unpacked byte 0: truncated: the magic number should end at byte 4"},
        {BYTES("\0\0\x07\x01\0\0\0\0"), "unpacked byte 2: 07 is no type of elements"},
        {BYTES("\0\0\x08\x02\0\0\0\x01\0\0"), "unpacked byte 10: truncated: the dimensions should end at byte 12"},
        {BYTES("\0\0\x0B\x01\0\0\0\x02\x01\x02\x03"),
         "unpacked byte 11: truncated: the elements should end at byte 12"},
        {BYTES("\0\0\x08\x01\0\0\0\x01\x01\x02"), "unpacked byte 9: there are bytes behind the last element"},
        {BYTES("\0\0\x08\x01\x80\0\0\0\x01\x02"),
         "unpacked byte 4: with this dimension (2147483648) the elements are more than the 1073741824 bytes allowed"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        unsigned char packed[PACKED_BYTES];
        const size_t n = pack(cases[k].bytes, cases[k].n_bytes, packed, sizeof(packed));
        expect_refusal(packed, n, NULL, cases[k].why);
    }
}

static void packed_trailing_bytes_are_refused(void **state) {
    (void)state;
    unsigned char packed[PACKED_BYTES] = {0};
    char why[96];
    const size_t n = pack(small, SMALL_BYTES, packed, sizeof(packed));
    (void)snprintf(why, sizeof(why), "byte %zu: 3 bytes follow the gzip stream", n);
    memset(packed + n, 0, 3);
    expect_refusal(packed, n + 3, NULL, why);
    (void)snprintf(why, sizeof(why), "byte %zu: 1 bytes follow the gzip stream", n);
    packed[n] = 0x1F;
    expect_refusal(packed, n + 1, NULL, why);
    (void)snprintf(why, sizeof(why), "byte %zu: the gzip stream is truncated", n + 2);
    packed[n + 1] = 0x8B;
    expect_refusal(packed, n + 2, NULL, why);
    const size_t more = pack("x", 1, packed + n, sizeof(packed) - n);
    expect_refusal(packed, n + more, NULL, "unpacked byte 18: there are bytes behind the last element");
}

/* A long run behind a small array, and a small stream that claims to be a large one: neither gets the memory. */
static void packed_bomb_costs_no_memory(void **state) {
    (void)state;
    enum { RUN = 8 << 20, ROOM = 1 << 16 };
    unsigned char *run = calloc(RUN, 1);
    unsigned char *packed = malloc(ROOM);
    costate_idx *idx;
    costate_message message;
    assert_non_null(run);
    assert_non_null(packed);
    memcpy(run, small, SMALL_BYTES);
    size_t n = pack(run, RUN, packed, ROOM);
    test_allocator counts = {0};
    costate_allocator hooks = test_allocator_hooks(&counts);
    assert_status(costate_idx_parse(packed, n, NULL, &hooks, &idx, &message), COSTATE_ERR_FORMAT);
    assert_string_equal(message.text, "unpacked byte 18: there are bytes behind the last element");
    assert_true(counts.peak_bytes < 100000);
    assert_int_equal(counts.n_live, 0);
    n = pack("\0\0\x08\x01\x3F\0\0\0", 8, packed, ROOM);
    counts = (test_allocator){0};
    hooks = test_allocator_hooks(&counts);
    assert_status(costate_idx_parse(packed, n, NULL, &hooks, &idx, &message), COSTATE_ERR_FORMAT);
    assert_non_null(strstr(message.text, "unpacked byte 8: truncated: the dimensions ask for 1056964608 bytes"));
    assert_true(counts.peak_bytes < 100000);
    assert_int_equal(counts.n_live, 0);
    free(run);
    free(packed);
}

/* The most that deflate can do is not taken for a truncation. */
static void packed_run_is_read_whole(void **state) {
    (void)state;
    enum { RUN = 4 << 20, ROOM = 1 << 16 };
    unsigned char *run = calloc(RUN + 8, 1);
    unsigned char *packed = malloc(ROOM);
    assert_non_null(run);
    assert_non_null(packed);
    memcpy(run, "\0\0\x08\x01\0\x40\0\0", 8);
    run[RUN + 7] = 9;
    costate_idx *idx = parse_ok(packed, pack(run, RUN + 8, packed, ROOM));
    assert_int_equal(costate_idx_n_element(idx), RUN);
    assert_memory_equal(costate_idx_elements(idx), run + 8, RUN);
    costate_idx_destroy(idx);
    free(run);
    free(packed);
}

static void read_names_the_file(void **state) {
    (void)state;
    costate_idx *idx;
    costate_message message;
    char expected[256];
    scratch_file file = scratch_file_create(small, SMALL_BYTES);
    assert_ok(costate_idx_read(file.path, NULL, NULL, &idx, &message));
    assert_string_equal(message.text, "");
    expect_small(idx);
    costate_idx_destroy(idx);
    assert_status(costate_idx_read(file.path, &(costate_idx_options){.max_bytes = 10}, NULL, &idx, &message),
                  COSTATE_ERR_FORMAT);
    assert_null(idx);
    (void)snprintf(expected, sizeof(expected), "%s: is larger than 10 bytes", file.path);
    assert_string_equal(message.text, expected);
    scratch_file_remove(&file);
    assert_status(costate_idx_read(file.path, NULL, NULL, &idx, &message), COSTATE_ERR_IO);
    assert_null(idx);
    assert_memory_equal(message.text, file.path, strlen(file.path));
    file = scratch_file_create(BYTES("\0\0\x08\x01\0\0\0\x01\x01\x02"));
    assert_status(costate_idx_read(file.path, NULL, NULL, &idx, &message), COSTATE_ERR_FORMAT);
    (void)snprintf(expected, sizeof(expected), "%s: byte 9: there are bytes behind the last element", file.path);
    assert_string_equal(message.text, expected);
    scratch_file_remove(&file);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    costate_idx *idx;
    costate_idx_type type = COSTATE_IDX_F64;
    double x;
    float x32;
    assert_status(costate_idx_parse(small, SMALL_BYTES, NULL, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_idx_parse(NULL, 1, NULL, NULL, &idx, NULL), COSTATE_ERR_NULL);
    assert_null(idx);
    assert_status(costate_idx_parse(NULL, 0, NULL, NULL, &idx, NULL), COSTATE_ERR_FORMAT);
    assert_status(costate_idx_read(NULL, NULL, NULL, &idx, NULL), COSTATE_ERR_NULL);
    assert_status(costate_idx_read("x", NULL, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_idx_type_of(NULL, &type), COSTATE_ERR_NULL);
    assert_status(costate_idx_numbers_f64(NULL, 0, 0, 1.0, &x), COSTATE_ERR_NULL);
    idx = parse_ok(small, SMALL_BYTES);
    assert_status(costate_idx_type_of(idx, NULL), COSTATE_ERR_NULL);
    assert_status(costate_idx_numbers_f64(idx, 0, 1, 1.0, NULL), COSTATE_ERR_NULL);
    assert_status(costate_idx_numbers_f32(NULL, 0, 1, 1.0, &x32), COSTATE_ERR_NULL);
    assert_int_equal(type, COSTATE_IDX_F64);
    assert_int_equal(costate_idx_n_dim(NULL) + costate_idx_dim(NULL, 0) + costate_idx_n_element(NULL), 0);
    assert_null(costate_idx_elements(NULL));
    costate_idx_destroy(idx);
    costate_idx_destroy(NULL);
}

static void failed_allocation_is_reported(void **state) {
    (void)state;
    unsigned char packed[PACKED_BYTES];
    const size_t n = pack(small, SMALL_BYTES, packed, sizeof(packed));
    scratch_file file = scratch_file_create(packed, n);
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_idx *idx;
        costate_message message;
        const costate_status status = costate_idx_read(file.path, NULL, &hooks, &idx, &message);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 4);
            costate_idx_destroy(idx);
            assert_int_equal(counts.n_live, 0);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_non_null(strstr(message.text, "no memory"));
        assert_null(idx);
        assert_int_equal(counts.n_live, 0);
    }
    scratch_file_remove(&file);
}

/* The real digits, where the folder COSTATE_DATA_DIR has them. */
static void real_digits_are_read(void **state) {
    (void)state;
    enum { N = 10000, PIXELS = 28 * 28 };
    const char *folder = getenv("COSTATE_DATA_DIR");
    char path[2][512];
    costate_idx *images;
    costate_idx *labels;
    costate_message message;
    if (!folder) {
        print_message("skipped: COSTATE_DATA_DIR names no folder\n");
        skip();
    }
    (void)snprintf(path[0], sizeof(path[0]), "%s/mnist/t10k-images-idx3-ubyte.gz", folder);
    (void)snprintf(path[1], sizeof(path[1]), "%s/mnist/t10k-labels-idx1-ubyte.gz", folder);
    const costate_status status = costate_idx_read(path[0], NULL, NULL, &images, &message);
    if (status == COSTATE_ERR_IO) {
        print_message("skipped: %s\n", message.text);
        skip();
    }
    assert_ok(status);
    assert_ok(costate_idx_read(path[1], NULL, NULL, &labels, &message));
    assert_int_equal(costate_idx_n_dim(images), 3);
    assert_int_equal(costate_idx_dim(images, 0), N);
    assert_int_equal(costate_idx_n_element(images), (size_t)N * PIXELS);
    assert_int_equal(costate_idx_n_element(labels), N);
    const unsigned char *digit = costate_idx_elements(labels);
    size_t count[10] = {0};
    for (size_t i = 0; i < N; i++) {
        assert_true(digit[i] < 10);
        count[digit[i]]++;
    }
    /* Images of each digit in the test set. */
    const size_t expected[] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
    assert_memory_equal(count, expected, sizeof(expected));
    assert_int_equal(digit[0], 7);
    costate_idx_destroy(images);
    costate_idx_destroy(labels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_every_type_gives_its_elements),
        cmocka_unit_test(elements_are_in_host_order),
        cmocka_unit_test(numbers_are_scaled_and_from_where_they_are_asked),
        cmocka_unit_test(large_doubles_are_infinite_as_floats),
        cmocka_unit_test(parse_without_elements_is_an_array),
        cmocka_unit_test(parse_wrong_bytes_are_refused_with_their_place),
        cmocka_unit_test(parse_limits_are_kept),
        cmocka_unit_test(packed_is_the_same_as_plain),
        cmocka_unit_test(plain_truncated_anywhere_is_refused),
        cmocka_unit_test(packed_truncated_anywhere_is_refused),
        cmocka_unit_test(packed_damaged_anywhere_is_refused),
        cmocka_unit_test(packed_wrong_content_is_refused_with_its_place),
        cmocka_unit_test(packed_trailing_bytes_are_refused),
        cmocka_unit_test(packed_bomb_costs_no_memory),
        cmocka_unit_test(packed_run_is_read_whole),
        cmocka_unit_test(read_names_the_file),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(failed_allocation_is_reported),
        cmocka_unit_test(real_digits_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
