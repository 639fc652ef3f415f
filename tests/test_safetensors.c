/* SPDX-License-Identifier: MIT */
/* safetensors: the bytes of a file, what comes back, and every way in which a file can be wrong. */
#include "scratch_file.h"
#include "support/allocators.h"
#include "support/asserts.h"

#include <costate/safetensors.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file made by hand: header, then `elements` bytes that count 0, 1, 2, ... */
typedef struct raw_file {
    unsigned char bytes[4096];
    size_t n;
} raw_file;

static raw_file raw(const char *header, size_t n_element_bytes) {
    raw_file file = {.n = 8 + strlen(header) + n_element_bytes};
    assert_true(file.n <= sizeof(file.bytes));
    for (size_t b = 0; b < 8; b++) {
        file.bytes[b] = (unsigned char)((uint64_t)strlen(header) >> (8 * b));
    }
    memcpy(file.bytes + 8, header, strlen(header));
    for (size_t k = 0; k < n_element_bytes; k++) {
        file.bytes[8 + strlen(header) + k] = (unsigned char)k;
    }
    return file;
}

/* From a block of exactly n bytes, so that AddressSanitizer sees a read behind it. */
static costate_status parse(const void *bytes, size_t n, const costate_safetensors_options *options,
                            const costate_allocator *alloc, costate_safetensors **file, costate_message *message) {
    void *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    const costate_status status = costate_safetensors_parse(copy, n, options, alloc, file, message);
    free(copy);
    assert_true((status == COSTATE_OK) == (*file != NULL));
    return status;
}

static void expect_refusal(const raw_file *from, const costate_safetensors_options *options, costate_status status,
                           const char *text) {
    costate_safetensors *file;
    costate_message message;
    const costate_status got = parse(from->bytes, from->n, options, NULL, &file, &message);
    costate_safetensors_destroy(file);
    if (got != status || strcmp(message.text, text) != 0) {
        fail_msg("%.200s: %s '%s' instead of %s '%s'", (const char *)from->bytes + 8, costate_status_name(got),
                 message.text, costate_status_name(status), text);
    }
    assert_status(parse(from->bytes, from->n, options, NULL, &file, NULL), status);
}

static void format_gives_these_bytes(void **state) {
    (void)state;
    const double a[] = {1.0, -2.0};
    const float b = 0.5F;
    const uint8_t c[] = {7, 8, 9};
    const int64_t d = -2;
    const int32_t e = 258;
    const costate_tensor tensors[] = {
        {.name = "c", .dtype = COSTATE_DTYPE_U8, .n_dim = 1, .shape = {3}, .data = c},
        {.name = "a", .dtype = COSTATE_DTYPE_F64, .n_dim = 2, .shape = {1, 2}, .data = a},
        {.name = "b", .dtype = COSTATE_DTYPE_F32, .data = &b},
        {.name = "d", .dtype = COSTATE_DTYPE_I64, .n_dim = 1, .shape = {1}, .data = &d},
        {.name = "e", .dtype = COSTATE_DTYPE_I32, .n_dim = 1, .shape = {1}, .data = &e},
        {.name = "none", .dtype = COSTATE_DTYPE_F64, .n_dim = 2, .shape = {0, 5}},
    };
    const costate_metadata metadata[] = {{"k\"", "v\n\x01"}, {"\xC3\xA9", ""}};
    static const char header[] = "{\"__metadata__\":{\"k\\\"\":\"v\\n\\u0001\",\"\xC3\xA9\":\"\"},"
                                 "\"a\":{\"dtype\":\"F64\",\"shape\":[1,2],\"data_offsets\":[0,16]},"
                                 "\"d\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[16,24]},"
                                 "\"none\":{\"dtype\":\"F64\",\"shape\":[0,5],\"data_offsets\":[24,24]},"
                                 "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[24,28]},"
                                 "\"e\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[28,32]},"
                                 "\"c\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[32,35]}}";
    static const unsigned char elements[] = {0, 0, 0, 0,    0,    0,    0xF0, 0x3F, 0,    0,    0,    0,
                                             0, 0, 0, 0xC0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                             0, 0, 0, 0x3F, 2,    1,    0,    0,    7,    8,    9};
    unsigned char *bytes;
    size_t n;
    costate_message message;
    assert_ok(costate_safetensors_format(6, tensors, 2, metadata, NULL, (void **)&bytes, &n, &message));
    assert_string_equal(message.text, "");
    const size_t padded = (sizeof(header) - 1 + 7) / 8 * 8;
    assert_int_equal(n, 8 + padded + sizeof(elements));
    assert_int_equal(bytes[0] + 256 * bytes[1], padded);
    assert_memory_equal(bytes + 2, "\0\0\0\0\0\0", 6);
    assert_memory_equal(bytes + 8, header, sizeof(header) - 1);
    for (size_t k = sizeof(header) - 1; k < padded; k++) {
        assert_int_equal(bytes[8 + k], ' ');
    }
    assert_memory_equal(bytes + 8 + padded, elements, sizeof(elements));

    costate_safetensors *file;
    assert_ok(parse(bytes, n, NULL, NULL, &file, NULL));
    assert_int_equal(costate_safetensors_n_tensor(file), 6);
    for (size_t k = 0; k < 6; k++) {
        size_t at;
        costate_tensor back;
        assert_ok(costate_safetensors_find(file, tensors[k].name, &at));
        assert_ok(costate_safetensors_tensor(file, at, &back));
        assert_string_equal(back.name, tensors[k].name);
        assert_int_equal(back.dtype, tensors[k].dtype);
        assert_int_equal(back.n_dim, tensors[k].n_dim);
        assert_memory_equal(back.shape, tensors[k].shape, sizeof(back.shape));
        assert_int_equal((uintptr_t)back.data % 8, 0);
        const size_t sizes[] = {3, 16, 4, 8, 4, 0};
        assert_true(sizes[k] == 0 || memcmp(back.data, tensors[k].data, sizes[k]) == 0);
    }
    assert_int_equal(costate_safetensors_n_metadata(file), 2);
    for (size_t k = 0; k < 2; k++) {
        costate_metadata entry;
        assert_ok(costate_safetensors_metadata(file, k, &entry));
        assert_string_equal(entry.key, metadata[k].key);
        assert_string_equal(entry.value, metadata[k].value);
        assert_string_equal(costate_safetensors_value(file, metadata[k].key), metadata[k].value);
    }
    assert_null(costate_safetensors_value(file, "k"));
    costate_safetensors_destroy(file);
    free(bytes);
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    const double a[] = {1.0, -2.0, 3.0};
    const costate_tensor tensor = {.name = "a", .dtype = COSTATE_DTYPE_F64, .n_dim = 1, .shape = {3}, .data = a};
    void *bytes;
    size_t n;
    costate_safetensors *file;
    assert_ok(costate_safetensors_format(1, &tensor, 0, NULL, NULL, &bytes, &n, NULL));
    for (size_t k = 0; k < n; k++) {
        assert_status(parse(bytes, k, NULL, NULL, &file, NULL), COSTATE_ERR_FORMAT);
    }
    assert_ok(parse(bytes, n, NULL, NULL, &file, NULL));
    costate_safetensors_destroy(file);
    free(bytes);
}

static void wrong_lengths_are_refused(void **state) {
    (void)state;
    raw_file file = {.n = 5};
    expect_refusal(&file, NULL, COSTATE_ERR_FORMAT, "truncated: 5 bytes have no room for the length of a header");
    file = raw("{}", 0);
    file.bytes[0] = 3;
    expect_refusal(&file, NULL, COSTATE_ERR_FORMAT, "truncated: a header of 3 bytes is claimed, 2 are there");
    memset(file.bytes, 0xFF, 8);
    expect_refusal(&file, NULL, COSTATE_ERR_FORMAT,
                   "a header of 18446744073709551615 bytes is claimed; at most 16777216 are possible");
    file = raw("{}", 0);
    file.bytes[0] = 1;
    expect_refusal(&file, NULL, COSTATE_ERR_FORMAT, "the header: no JSON from byte 1 on");
    file = raw("", 0);
    expect_refusal(&file, NULL, COSTATE_ERR_FORMAT, "the header does not begin with '{'");
    file = raw("{}", 3);
    expect_refusal(&file, NULL, COSTATE_ERR_FORMAT, "3 bytes at the end belong to no tensor");
    file = raw("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2);
    expect_refusal(&file, &(costate_safetensors_options){.max_bytes = file.n - 1}, COSTATE_ERR_FORMAT,
                   "63 bytes are more than the 62 allowed");
    file.n--;
    expect_refusal(&file, NULL, COSTATE_ERR_FORMAT, "tensor 'a': ends at byte 2 of 1; the file is truncated");
}

#define TENSOR(name, dtype, shape, begin, end)                                                                         \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static void wrong_headers_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t n;
        costate_status status;
        const char *text;
    } cases[] = {
        {" {}", 0, COSTATE_ERR_FORMAT, "the header does not begin with '{'"},
        {"[]", 0, COSTATE_ERR_FORMAT, "the header does not begin with '{'"},
        {"{} x", 0, COSTATE_ERR_FORMAT, "the header: no JSON from byte 3 on"},
        {"{\"a\":\"\\u0000\"}", 0, COSTATE_ERR_FORMAT, "the header: a string with a zero character in it"},
        {"{\"\xFF\":1}", 0, COSTATE_ERR_FORMAT, "the header: no JSON, which is UTF-8 without control characters"},
        {"{\"\x01\":1}", 0, COSTATE_ERR_FORMAT, "the header: no JSON, which is UTF-8 without control characters"},
        {"{\"a\":1}", 0, COSTATE_ERR_FORMAT, "tensor 'a': dtype, shape and data_offsets are needed, once each"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 0, COSTATE_ERR_FORMAT,
         "tensor 'a': dtype, shape and data_offsets are needed, once each"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"shape\":[],\"data_offsets\":[0,1]}}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': dtype, shape and data_offsets are needed, once each"},
        {"{\"a\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,1]}}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': dtype is no string"},
        {"{" TENSOR("a", "F16", "[]", 0, 2) "}", 2, COSTATE_ERR_UNSUPPORTED,
         "tensor 'a': elements of type 'F16' are not supported"},
        {"{" TENSOR("a", "f64", "[]", 0, 8) "}", 8, COSTATE_ERR_UNSUPPORTED,
         "tensor 'a': elements of type 'f64' are not supported"},
        {"{" TENSOR("a", "U8", "1", 0, 1) "}", 1, COSTATE_ERR_FORMAT, "tensor 'a': shape is no array"},
        {"{" TENSOR("a", "U8", "[1,-1]", 0, 1) "}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': a length in its shape is no size"},
        {"{" TENSOR("a", "U8", "[1.5]", 0, 1) "}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': a length in its shape is no size"},
        {"{" TENSOR("a", "U8", "[\"1\"]", 0, 1) "}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': a length in its shape is no size"},
        {"{" TENSOR("a", "U8", "[1e99]", 0, 1) "}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': a length in its shape is no size"},
        {"{" TENSOR("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1, COSTATE_ERR_UNSUPPORTED,
         "tensor 'a': more than 8 dimensions"},
        {"{" TENSOR("a", "U8", "[4294967296,4294967296,4294967296]", 0, 1) "}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': the product of its shape overflows"},
        {"{" TENSOR("a", "F64", "[2305843009213693952]", 0, 0) "}", 0, COSTATE_ERR_FORMAT,
         "tensor 'a': a length in its shape is no size"},
        {"{" TENSOR("a", "F64", "[9007199254740992,512]", 0, 0) "}", 0, COSTATE_ERR_FORMAT,
         "tensor 'a': the product of its shape overflows"},
        {"{" TENSOR("a", "F64", "[2]", 0, 8) "}", 8, COSTATE_ERR_FORMAT,
         "tensor 'a': its shape needs 16 bytes, data_offsets give it 8"},
        {"{" TENSOR("a", "U8", "[1]", 1, 0) "}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': data_offsets are not two positions in order"},
        {"{" TENSOR("a", "U8", "[1]", -1, 0) "}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': data_offsets are not two positions in order"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': data_offsets are not two positions in order"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': data_offsets are not two positions in order"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":{}}}", 1, COSTATE_ERR_FORMAT,
         "tensor 'a': data_offsets are not two positions in order"},
        {"{" TENSOR("a", "U8", "[2]", 1, 3) "}", 3, COSTATE_ERR_FORMAT, "tensor 'a': a hole of 1 bytes before it"},
        {"{" TENSOR("b", "U8", "[1]", 3, 4) "," TENSOR("a", "U8", "[2]", 0, 2) "}", 4, COSTATE_ERR_FORMAT,
         "tensor 'b': a hole of 1 bytes before it"},
        {"{" TENSOR("b", "U8", "[2]", 1, 3) "," TENSOR("a", "U8", "[2]", 0, 2) "}", 3, COSTATE_ERR_FORMAT,
         "tensors 'a' and 'b' overlap"},
        {"{" TENSOR("b", "U8", "[2]", 0, 2) "," TENSOR("a", "U8", "[2]", 0, 2) "}", 2, COSTATE_ERR_FORMAT,
         "tensors 'a' and 'b' overlap"},
        {"{" TENSOR("b", "U8", "[0]", 1, 1) "," TENSOR("a", "U8", "[2]", 0, 2) "}", 2, COSTATE_ERR_FORMAT,
         "tensors 'a' and 'b' overlap"},
        {"{" TENSOR("a", "U8", "[1]", 0, 1) "," TENSOR("a", "U8", "[1]", 1, 2) "}", 2, COSTATE_ERR_FORMAT,
         "the name 'a' is there twice"},
        {"{" TENSOR("a", "U8", "[1]", 0, 1) "," TENSOR("\\u0061", "U8", "[1]", 1, 2) "}", 2, COSTATE_ERR_FORMAT,
         "the name 'a' is there twice"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, COSTATE_ERR_FORMAT, "the name '__metadata__' is there twice"},
        {"{\"__metadata__\":[]}", 0, COSTATE_ERR_FORMAT, "the metadata are no object"},
        {"{\"__metadata__\":{\"a\":1}}", 0, COSTATE_ERR_FORMAT, "metadata 'a': no string"},
        {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, COSTATE_ERR_FORMAT, "the name 'a' is there twice"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        const raw_file file = raw(cases[k].header, cases[k].n);
        expect_refusal(&file, NULL, cases[k].status, cases[k].text);
    }
}

static void right_headers_are_read(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t n;
        size_t n_tensor;
    } cases[] = {
        {"{}", 0, 0},
        {"{}       ", 0, 0},
        {"{\"__metadata__\":{}}", 0, 0},
        {"{\"\":{\"data_offsets\" : [ 0 , 1 ], \"shape\":[],\n\"dtype\":\"U8\"}}", 1, 1},
        {"{" TENSOR("b", "F64", "[1]", 1, 9) "," TENSOR("a", "U8", "[1,1,1,1,1,1,1,1]", 0, 1) "}", 9, 2},
        {"{" TENSOR("b", "U8", "[0]", 2, 2) "," TENSOR("c", "F64", "[3,0]", 0, 0) "," TENSOR("a", "U8", "[2]", 0,
                                                                                             2) "}",
         2, 3},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        const raw_file from = raw(cases[k].header, cases[k].n);
        costate_safetensors *file;
        costate_message message;
        assert_ok(parse(from.bytes, from.n, &(costate_safetensors_options){.finite = true}, NULL, &file, &message));
        assert_int_equal(costate_safetensors_n_tensor(file), cases[k].n_tensor);
        costate_safetensors_destroy(file);
    }
    const raw_file from = raw(cases[4].header, cases[4].n);
    const unsigned char expected[] = {1, 2, 3, 4, 5, 6, 7, 8};
    costate_safetensors *file;
    costate_tensor b;
    assert_ok(parse(from.bytes, from.n, NULL, NULL, &file, NULL));
    assert_ok(costate_safetensors_tensor(file, 1, &b));
    uint64_t bits;
    memcpy(&bits, b.data, 8);
    for (size_t k = 0; k < 8; k++) {
        assert_int_equal((bits >> (8 * k)) & 0xFF, expected[k]);
    }
    costate_safetensors_destroy(file);
}

static void numbers_that_are_not_finite_are_refused_where_asked(void **state) {
    (void)state;
    const costate_safetensors_options finite = {.finite = true};
    const double spoilt[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
    for (size_t k = 0; k < 6; k++) {
        const double wide[] = {1.0, spoilt[k % 3]};
        const float narrow[] = {1.0F, (float)spoilt[k % 3]};
        const bool is_wide = k < 3;
        const costate_tensor tensor = {.name = "x",
                                       .dtype = is_wide ? COSTATE_DTYPE_F64 : COSTATE_DTYPE_F32,
                                       .n_dim = 1,
                                       .shape = {2},
                                       .data = is_wide ? (const void *)wide : (const void *)narrow};
        void *bytes;
        size_t n;
        costate_safetensors *file;
        costate_message message;
        assert_ok(costate_safetensors_format(1, &tensor, 0, NULL, NULL, &bytes, &n, NULL));
        assert_status(parse(bytes, n, &finite, NULL, &file, &message), COSTATE_ERR_NONFINITE);
        assert_string_equal(message.text, "tensor 'x': a value is NaN or infinite");
        assert_ok(parse(bytes, n, NULL, NULL, &file, &message));
        costate_safetensors_destroy(file);
        free(bytes);
    }
}

static void format_wrong_arguments_are_refused(void **state) {
    (void)state;
    const double x[2] = {0.0};
    const costate_tensor good = {.name = "x", .dtype = COSTATE_DTYPE_F64, .n_dim = 1, .shape = {2}, .data = x};
    const struct {
        costate_tensor tensors[2];
        costate_metadata metadata[2];
        size_t n_tensor, n_metadata;
        costate_status status;
    } cases[] = {
        {.n_tensor = 1, .tensors = {{.dtype = COSTATE_DTYPE_F64, .data = x}}, .status = COSTATE_ERR_NULL},
        {.n_tensor = 1, .tensors = {{.name = "x", .dtype = COSTATE_DTYPE_F64}}, .status = COSTATE_ERR_NULL},
        {.n_tensor = 1, .tensors = {{.name = "__metadata__", .data = x}}, .status = COSTATE_ERR_ARGUMENT},
        {.n_tensor = 1, .tensors = {{.name = "\xC0\x80", .data = x}}, .status = COSTATE_ERR_ARGUMENT},
        {.n_tensor = 1,
         .tensors = {{.name = "x", .dtype = COSTATE_DTYPE_COUNT, .data = x}},
         .status = COSTATE_ERR_ARGUMENT},
        {.n_tensor = 1, .tensors = {{.name = "x", .n_dim = 9, .data = x}}, .status = COSTATE_ERR_ARGUMENT},
        {.n_tensor = 1,
         .tensors = {{.name = "x", .n_dim = 2, .shape = {SIZE_MAX / 2, 3}, .data = x}},
         .status = COSTATE_ERR_OVERFLOW},
        {.n_tensor = 1,
         .tensors = {{.name = "x", .n_dim = 1, .shape = {SIZE_MAX / 7}, .data = x}},
         .status = COSTATE_ERR_OVERFLOW},
        {.n_tensor = 2, .tensors = {good, good}, .status = COSTATE_ERR_ARGUMENT},
        {.n_metadata = 1, .metadata = {{NULL, "v"}}, .status = COSTATE_ERR_NULL},
        {.n_metadata = 1, .metadata = {{"k", NULL}}, .status = COSTATE_ERR_NULL},
        {.n_metadata = 1, .metadata = {{"k", "\xED\xA0\x80"}}, .status = COSTATE_ERR_ARGUMENT},
        {.n_metadata = 1, .metadata = {{"\xF4\x90\x80\x80", "v"}}, .status = COSTATE_ERR_ARGUMENT},
        {.n_metadata = 2, .metadata = {{"k", "v"}, {"k", "w"}}, .status = COSTATE_ERR_ARGUMENT},
    };
    void *bytes;
    size_t n;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        costate_message message;
        bytes = &n;
        assert_status(costate_safetensors_format(cases[k].n_tensor, cases[k].tensors, cases[k].n_metadata,
                                                 cases[k].metadata, NULL, &bytes, &n, &message),
                      cases[k].status);
        assert_null(bytes);
        assert_int_equal(n, 0);
        assert_true(strlen(message.text) > 0);
    }
    assert_status(costate_safetensors_format(1, NULL, 0, NULL, NULL, &bytes, &n, NULL), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_format(0, NULL, 1, NULL, NULL, &bytes, &n, NULL), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_format(1, &good, 0, NULL, NULL, NULL, &n, NULL), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_format(1, &good, 0, NULL, NULL, &bytes, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_save(NULL, 1, &good, 0, NULL, NULL, NULL), COSTATE_ERR_NULL);
    char *large = calloc(COSTATE_SAFETENSORS_MAX_HEADER + 1, 1);
    assert_non_null(large);
    memset(large, 'a', COSTATE_SAFETENSORS_MAX_HEADER);
    assert_status(costate_safetensors_format(0, NULL, 1, &(costate_metadata){"k", large}, NULL, &bytes, &n, NULL),
                  COSTATE_ERR_OVERFLOW);
    free(large);
}

static void queries_of_what_is_not_there_are_refused(void **state) {
    (void)state;
    const raw_file from = raw("{\"__metadata__\":{\"k\":\"v\"}," TENSOR("a", "U8", "[]", 0, 1) "}", 1);
    costate_safetensors *file;
    costate_tensor tensor;
    costate_metadata entry;
    size_t k = 77;
    assert_ok(parse(from.bytes, from.n, NULL, NULL, &file, NULL));
    assert_status(costate_safetensors_tensor(file, 1, &tensor), COSTATE_ERR_ARGUMENT);
    assert_status(costate_safetensors_tensor(NULL, 0, &tensor), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_tensor(file, 0, NULL), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_find(file, "b", &k), COSTATE_ERR_ARGUMENT);
    assert_status(costate_safetensors_find(NULL, "a", &k), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_find(file, NULL, &k), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_find(file, "a", NULL), COSTATE_ERR_NULL);
    assert_int_equal(k, 77);
    assert_status(costate_safetensors_metadata(file, 1, &entry), COSTATE_ERR_ARGUMENT);
    assert_status(costate_safetensors_metadata(NULL, 0, &entry), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_metadata(file, 0, NULL), COSTATE_ERR_NULL);
    assert_null(costate_safetensors_value(NULL, "k"));
    assert_null(costate_safetensors_value(file, NULL));
    assert_int_equal(costate_safetensors_n_tensor(NULL) + costate_safetensors_n_metadata(NULL), 0);
    assert_int_equal(costate_dtype_bytes(COSTATE_DTYPE_COUNT), 0);
    assert_string_equal(costate_dtype_name(COSTATE_DTYPE_COUNT), "unknown");
    costate_safetensors_destroy(file);
    costate_safetensors_destroy(NULL);
    assert_status(costate_safetensors_parse(NULL, 1, NULL, NULL, &file, NULL), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_parse("", 0, NULL, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_load(NULL, NULL, NULL, &file, NULL), COSTATE_ERR_NULL);
    assert_status(costate_safetensors_load("x", NULL, NULL, NULL, NULL), COSTATE_ERR_NULL);
}

static void saved_file_is_loaded_and_messages_name_it(void **state) {
    (void)state;
    const double x[] = {0.1, -0.0, 5e-324};
    const costate_tensor tensor = {.name = "x", .dtype = COSTATE_DTYPE_F64, .n_dim = 1, .shape = {3}, .data = x};
    scratch_file at = scratch_file_create("old", 3);
    costate_safetensors *file;
    costate_tensor back;
    costate_message message;
    char expected[200];
    assert_status(costate_safetensors_load(at.path, NULL, NULL, &file, &message), COSTATE_ERR_FORMAT);
    assert_null(file);
    (void)snprintf(expected, sizeof(expected), "%s: truncated: 3 bytes have no room for the length of a header",
                   at.path);
    assert_string_equal(message.text, expected);
    assert_ok(costate_safetensors_save(at.path, 1, &tensor, 0, NULL, NULL, &message));
    assert_string_equal(message.text, "");
    assert_int_equal(scratch_file_count(&at), 1);
    assert_ok(costate_safetensors_load(at.path, NULL, NULL, &file, &message));
    assert_ok(costate_safetensors_tensor(file, 0, &back));
    assert_same_bits_f64(back.data, x, 3);
    costate_safetensors_destroy(file);
    assert_status(costate_safetensors_save(at.folder, 1, &tensor, 0, NULL, NULL, &message), COSTATE_ERR_IO);
    (void)snprintf(expected, sizeof(expected), "%s: cannot be written: it is a directory", at.folder);
    assert_string_equal(message.text, expected);
    scratch_file_remove(&at);
    assert_status(costate_safetensors_load(at.path, NULL, NULL, &file, &message), COSTATE_ERR_IO);
}

static void failed_allocation_is_reported(void **state) {
    (void)state;
    const double x[] = {1.0, 2.0};
    const costate_tensor tensor = {.name = "x", .dtype = COSTATE_DTYPE_F64, .n_dim = 1, .shape = {2}, .data = x};
    const costate_metadata metadata = {"k", "v"};
    scratch_file at = scratch_file_create("old", 3);
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_safetensors *file = NULL;
        costate_status status = costate_safetensors_save(at.path, 1, &tensor, 1, &metadata, &hooks, NULL);
        assert_int_equal(counts.n_live, 0);
        assert_int_equal(scratch_file_count(&at), 1);
        if (status == COSTATE_OK) {
            status = costate_safetensors_load(at.path, NULL, &hooks, &file, NULL);
            assert_true((status == COSTATE_OK) == (file != NULL));
            costate_safetensors_destroy(file);
        }
        assert_int_equal(counts.n_live, 0);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 10);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
    }
    scratch_file_remove(&at);
}

/* The JSON library allocates by itself: what it cannot get is a lack of memory too, and never a wrong file. */
static size_t json_allocations_left;
static size_t json_blocks;

static void *limited_malloc(size_t bytes) {
    if (json_allocations_left == 0) {
        errno = ENOMEM;
        return NULL;
    }
    json_allocations_left--;
    json_blocks++;
    return malloc(bytes);
}

static void counted_free(void *block) {
    json_blocks -= block ? 1 : 0;
    free(block);
}

static void failed_allocation_of_json_is_reported(void **state) {
    (void)state;
    const double x[] = {1.0, 2.0};
    const costate_tensor tensor = {.name = "x", .dtype = COSTATE_DTYPE_F64, .n_dim = 1, .shape = {2}, .data = x};
    const costate_metadata metadata = {"k", "v"};
    const raw_file from = raw("{\"__metadata__\":{\"k\":\"v\"}," TENSOR("a", "U8", "[]", 0, 1) "}", 1);
    cJSON_Hooks hooks = {limited_malloc, counted_free};
    bool done[2] = {false, false};
    cJSON_InitHooks(&hooks);
    for (size_t k = 0; !done[0] || !done[1]; k++) {
        void *bytes;
        size_t n;
        json_allocations_left = k;
        costate_status status = costate_safetensors_format(1, &tensor, 1, &metadata, NULL, &bytes, &n, NULL);
        done[0] = status == COSTATE_OK;
        assert_true(done[0] || status == COSTATE_ERR_MEMORY);
        free(bytes);
        costate_safetensors *file;
        json_allocations_left = k;
        status = parse(from.bytes, from.n, NULL, NULL, &file, NULL);
        done[1] = status == COSTATE_OK;
        assert_true(done[1] || status == COSTATE_ERR_MEMORY);
        costate_safetensors_destroy(file);
        assert_int_equal(json_blocks, 0);
        assert_true(k > 10 || !done[0] || !done[1]);
    }
    cJSON_InitHooks(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_gives_these_bytes),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(wrong_lengths_are_refused),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(right_headers_are_read),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused_where_asked),
        cmocka_unit_test(format_wrong_arguments_are_refused),
        cmocka_unit_test(queries_of_what_is_not_there_are_refused),
        cmocka_unit_test(saved_file_is_loaded_and_messages_name_it),
        cmocka_unit_test(failed_allocation_is_reported),
        cmocka_unit_test(failed_allocation_of_json_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
