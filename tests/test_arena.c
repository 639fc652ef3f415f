/* SPDX-License-Identifier: MIT */
/* Workspace arena: measured sizes, alignment, limits and red zones. */
#include "core/arena.h"
#include "core/poison.h"
#include "support/asserts.h"

#include <stdlib.h>
#include <string.h>

#define MARGIN 128 /* bytes around the workspace that must stay untouched */

typedef struct request {
    size_t count;
    size_t size;
} request;

static const request requests[] = {{3, 8}, {1, 1}, {0, 8}, {64, 1}, {65, 1}, {5, 0}, {7, 4}, {1, 200}, {0, 8}};
enum { N_REQUEST = sizeof requests / sizeof *requests };

static void take_all(csi_arena *arena, unsigned char **blocks) {
    for (size_t i = 0; i < N_REQUEST; i++) {
        blocks[i] = csi_arena_take(arena, requests[i].count, requests[i].size);
    }
}

static size_t measured_bytes(void) {
    csi_arena arena = csi_arena_measure();
    unsigned char *blocks[N_REQUEST];
    take_all(&arena, blocks);
    for (size_t i = 0; i < N_REQUEST; i++) {
        assert_null(blocks[i]);
    }
    assert_true(csi_arena_fits(&arena));
    return csi_arena_bytes(&arena);
}

static void measured_size_of_nothing_is_zero(void **state) {
    (void)state;
    csi_arena arena = csi_arena_measure();
    assert_int_equal(csi_arena_bytes(&arena), 0);
    assert_null(csi_arena_take(&arena, 0, 8));
    assert_int_equal(csi_arena_bytes(&arena), 0);
    assert_true(csi_arena_fits(&arena));

    arena = csi_arena_open(NULL, 0);
    assert_null(csi_arena_take(&arena, 0, 8));
    assert_true(csi_arena_fits(&arena));
    csi_arena_close(&arena);
}

static void measured_size_covers_blocks_and_alignment(void **state) {
    (void)state;
    csi_arena arena = csi_arena_measure();
    (void)csi_arena_take(&arena, 1, 1);
    assert_true(csi_arena_bytes(&arena) >= 1 + CSI_ALIGNMENT - 1);
    (void)csi_arena_take(&arena, 3, 8);
    assert_true(csi_arena_bytes(&arena) >= CSI_ALIGNMENT + 24 + CSI_ALIGNMENT - 1);
}

/* Fills every block with its own number, then checks that none was overwritten. */
static void fill_and_check(unsigned char *const *blocks) {
    for (size_t i = 0; i < N_REQUEST; i++) {
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % CSI_ALIGNMENT, 0);
        memset(blocks[i], (int)i + 1, requests[i].count * requests[i].size);
    }
    for (size_t i = 0; i < N_REQUEST; i++) {
        for (size_t k = 0; k < requests[i].count * requests[i].size; k++) {
            assert_int_equal(blocks[i][k], i + 1);
        }
    }
}

static void open_with_the_measured_size_fits_at_every_address(void **state) {
    (void)state;
    size_t bytes = measured_bytes();
    size_t total = bytes + 2 * MARGIN + CSI_ALIGNMENT;
    unsigned char *memory = malloc(total);
    assert_non_null(memory);
    for (size_t offset = 0; offset < CSI_ALIGNMENT; offset++) {
        memset(memory, 0xEE, total);
        unsigned char *workspace = memory + MARGIN + offset;
        csi_arena arena = csi_arena_open(workspace, bytes);
        unsigned char *blocks[N_REQUEST];
        take_all(&arena, blocks);
        assert_true(csi_arena_fits(&arena));
        fill_and_check(blocks);
        csi_arena_close(&arena);
        for (unsigned char *byte = memory; byte < memory + total; byte++) {
            if (byte < workspace || byte >= workspace + bytes) {
                assert_int_equal(*byte, 0xEE);
            }
        }
    }
    free(memory);
}

static void open_with_one_byte_less_is_refused_at_every_address(void **state) {
    (void)state;
    size_t bytes = measured_bytes();
    unsigned char *memory = malloc(bytes + CSI_ALIGNMENT);
    assert_non_null(memory);
    for (size_t offset = 0; offset < CSI_ALIGNMENT; offset++) {
        csi_arena arena = csi_arena_open(memory + offset, bytes - 1);
        unsigned char *blocks[N_REQUEST];
        take_all(&arena, blocks);
        assert_false(csi_arena_fits(&arena));
        assert_null(blocks[N_REQUEST - 1]);
        csi_arena_close(&arena);
        assert_false(csi_arena_fits(&arena));
    }
    free(memory);
}

static void open_on_less_than_the_alignment_refuses_any_block(void **state) {
    (void)state;
    unsigned char memory[CSI_ALIGNMENT];
    for (size_t bytes = 0; bytes < CSI_ALIGNMENT; bytes++) {
        csi_arena arena = csi_arena_open(memory, bytes);
        assert_null(csi_arena_take(&arena, 1, 1));
        assert_false(csi_arena_fits(&arena));
        csi_arena_close(&arena);
    }
}

static void open_on_null_refuses_any_block(void **state) {
    (void)state;
    csi_arena arena = csi_arena_open(NULL, 4096);
    assert_null(csi_arena_take(&arena, 1, 1));
    assert_false(csi_arena_fits(&arena));
    csi_arena_close(&arena);
}

static void take_of_an_overflowing_size_is_refused_for_good(void **state) {
    (void)state;
    const request overflowing[] = {
        {SIZE_MAX, 2}, {SIZE_MAX / 8 + 1, 8}, {SIZE_MAX, 1}, {SIZE_MAX - CSI_ALIGNMENT + 1, 1}};
    for (size_t i = 0; i < sizeof overflowing / sizeof *overflowing; i++) {
        csi_arena arena = csi_arena_measure();
        assert_null(csi_arena_take(&arena, overflowing[i].count, overflowing[i].size));
        assert_false(csi_arena_fits(&arena));
        assert_true(csi_arena_bytes(&arena) == SIZE_MAX);
        assert_null(csi_arena_take(&arena, 1, 1));
        assert_false(csi_arena_fits(&arena));
        assert_true(csi_arena_bytes(&arena) == SIZE_MAX);
    }
}

static void take_of_sizes_that_wrap_together_is_refused(void **state) {
    (void)state;
    csi_arena arena = csi_arena_measure();
    (void)csi_arena_take(&arena, SIZE_MAX / 4, 2);
    assert_true(csi_arena_fits(&arena));
    (void)csi_arena_take(&arena, SIZE_MAX / 4, 2);
    assert_false(csi_arena_fits(&arena));
    assert_true(csi_arena_bytes(&arena) == SIZE_MAX);
}

static void space_outside_the_blocks_is_poisoned_until_close(void **state) {
    (void)state;
#ifdef CSI_ASAN
    size_t bytes = measured_bytes();
    unsigned char *memory = malloc(bytes);
    assert_non_null(memory);
    csi_arena arena = csi_arena_open(memory, bytes);
    unsigned char *blocks[N_REQUEST];
    take_all(&arena, blocks);
    for (size_t i = 0; i < N_REQUEST; i++) {
        size_t used = requests[i].count * requests[i].size;
        assert_null(__asan_region_is_poisoned(blocks[i], used));
        for (size_t k = 0; k < CSI_ALIGNMENT && used > 0; k++) {
            assert_true(__asan_address_is_poisoned(blocks[i] + used + k));
        }
    }
    csi_arena_close(&arena);
    assert_null(__asan_region_is_poisoned(memory, bytes));
    free(memory);
#else
    skip();
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured_size_of_nothing_is_zero),
        cmocka_unit_test(measured_size_covers_blocks_and_alignment),
        cmocka_unit_test(open_with_the_measured_size_fits_at_every_address),
        cmocka_unit_test(open_with_one_byte_less_is_refused_at_every_address),
        cmocka_unit_test(open_on_less_than_the_alignment_refuses_any_block),
        cmocka_unit_test(open_on_null_refuses_any_block),
        cmocka_unit_test(take_of_an_overflowing_size_is_refused_for_good),
        cmocka_unit_test(take_of_sizes_that_wrap_together_is_refused),
        cmocka_unit_test(space_outside_the_blocks_is_poisoned_until_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
