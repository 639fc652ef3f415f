/* SPDX-License-Identifier: MIT */
/* Embeddings: rows of the table, their gradients, numbers that name no row. */
#include "gather_tile.h"
#include "isa_environment.h"
#include "support/seeded_random.h"

#include <costate/chain_eval.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct shape_case {
    size_t n_word, n_out, height, width;
} shape_case;

static const shape_case shapes[] = {{7, 3, 1, 1}, {1, 1, 1, 5},   {12, 4, 1, 9}, {5, 50, 1, 13},
                                    {9, 8, 3, 2}, {40, 17, 1, 6}, {23, 1, 2, 4}, {3, 6, 2, 1}};
enum { N_SHAPE = sizeof shapes / sizeof *shapes };
static const size_t counts[][2] = {{1, 16},  {2, 16}, {15, 16},   {16, 16},  {17, 32},
                                   {33, 48}, {3, 64}, {200, 208}, {256, 256}};
enum { N_COUNT = sizeof counts / sizeof *counts };

static isa_environment saved;

static int save_environment(void **state) {
    (void)state;
    saved = isa_environment_save();
    return 0;
}

static int restore_environment(void **state) {
    (void)state;
    isa_environment_restore(&saved);
    return 0;
}

/* A call with random words, table and cotangents, and a gradient that holds something. */
typedef struct embedding_data {
    tile_call call;
    size_t n_place, n_table;
    double *p, *x, *v;
} embedding_data;

static embedding_data data_make(const shape_case *shape, const size_t *count, guard_side side) {
    costate_random random = test_random(shape->n_out * 1000 + count[0]);
    embedding_data data = {.n_place = shape->height * shape->width, .n_table = shape->n_word * shape->n_out};
    const size_t n_x = count[0] * data.n_place, n_y = n_x * shape->n_out;
    data.p = tile_random(&random, data.n_table);
    data.v = tile_random(&random, n_y);
    data.x = tile_zeros(n_x);
    for (size_t i = 0; i < n_x; i++) {
        data.x[i] = (double)costate_random_below(&random, shape->n_word);
    }
    data.call = (tile_call){.layer = costate_chain_embedding(shape->n_word, shape->n_out),
                            .in = {1, shape->height, shape->width},
                            .n = count[0],
                            .row = count[1],
                            .x_behind_is_nan = true,
                            .v_behind = 1e30,
                            .side = side,
                            .p = data.p,
                            .x = data.x,
                            .v = data.v,
                            .y = tile_zeros(n_y),
                            .xbar = tile_random(&random, n_x),
                            .pbar = tile_random(&random, data.n_table),
                            .y_behind = tile_zeros((count[1] - count[0]) * data.n_place * shape->n_out)};
    return data;
}

static void data_release(embedding_data *data) {
    double *arrays[] = {data->p, data->x, data->v, data->call.y, data->call.xbar, data->call.pbar, data->call.y_behind};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

static double *copy_of(const double *x, size_t n) {
    double *copy = tile_zeros(n);
    memcpy(copy, x, n * sizeof *x);
    return copy;
}

static void check_outputs(const embedding_data *data) {
    const tile_call *call = &data->call;
    const size_t n_out = call->layer.n_out, n_place = data->n_place;
    for (size_t s = 0; s < call->row; s++) {
        const double *x = data->x + (s < call->n ? s : call->n - 1) * n_place;
        const double *y =
            s < call->n ? call->y + s * n_place * n_out : call->y_behind + (s - call->n) * n_place * n_out;
        for (size_t e = 0; e < n_out; e++) {
            for (size_t place = 0; place < n_place; place++) {
                assert_same_bits_f64(&y[e * n_place + place], &data->p[(size_t)x[place] * n_out + e], 1);
            }
        }
    }
}

/* The sums of a naive loop in long double; `before` is what was there. */
static void check_gradient(const embedding_data *data, const double *before, double rtol) {
    const tile_call *call = &data->call;
    const size_t n_out = call->layer.n_out, n_place = data->n_place;
    long double *sum = calloc(data->n_table, sizeof *sum);
    assert_non_null(sum);
    for (size_t s = 0; s < call->n; s++) {
        for (size_t place = 0; place < n_place; place++) {
            for (size_t e = 0; e < n_out; e++) {
                sum[(size_t)data->x[s * n_place + place] * n_out + e] +=
                    (long double)data->v[(s * n_out + e) * n_place + place];
            }
        }
    }
    for (size_t i = 0; i < data->n_table; i++) {
        assert_close(call->pbar[i], (double)((long double)before[i] + sum[i]), rtol,
                     rtol * (double)(call->n * n_place));
    }
    for (size_t i = 0; i < call->n * n_place; i++) {
        assert_true(call->xbar[i] == 0);
    }
    free(sum);
}

static void embedding_on_any_tile_gathers_and_scatters_rows(void **state) {
    (void)state;
    for (size_t k = 0; k < N_SHAPE; k++) {
        for (size_t c = 0; c < N_COUNT; c++) {
            embedding_data data = data_make(&shapes[k], counts[c], c % 2 == 0 ? GUARD_AFTER : GUARD_BEFORE);
            double *before = copy_of(data.call.pbar, data.n_table);
            assert_ok(tile_call_run_f64(&data.call));
            check_outputs(&data);
            check_gradient(&data, before, 1e-15);
            memcpy(data.call.pbar, before, data.n_table * sizeof *before);
            assert_ok(tile_call_run_f32(&data.call));
            check_outputs(&data);
            check_gradient(&data, before, 1e-6);
            free(before);
            data_release(&data);
        }
    }
}

static void embedding_vjp_without_a_gradient_wanted_gives_zero(void **state) {
    embedding_data data = data_make(&shapes[3], counts[4], GUARD_AFTER);
    double *pbar = data.call.pbar, *xbar = data.call.xbar;
    double *before = copy_of(pbar, data.n_table);
    (void)state;
    data.call.pbar = NULL;
    assert_ok(tile_call_run_f64(&data.call));
    for (size_t i = 0; i < data.call.n * data.n_place; i++) {
        assert_true(xbar[i] == 0);
    }
    data.call.pbar = pbar;
    data.call.xbar = NULL;
    assert_ok(tile_call_run_f64(&data.call));
    data.call.xbar = xbar;
    check_gradient(&data, before, 1e-15);
    free(before);
    data_release(&data);
}

/* Words that meet in one place of the table are added in one order on every instruction set. */
static void embedding_on_every_isa_gives_the_same_bits(void **state) {
    static const char *const names[] = {"generic", "fma", "avx2", "avx512"};
    embedding_data data = data_make(&shapes[3], counts[7], GUARD_AFTER);
    double *before = copy_of(data.call.pbar, data.n_table), *first[2] = {NULL, NULL};
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        for (size_t is_single = 0; is_single < 2 && tile_select(names[k]); is_single++) {
            memcpy(data.call.pbar, before, data.n_table * sizeof *before);
            assert_ok(is_single ? tile_call_run_f32(&data.call) : tile_call_run_f64(&data.call));
            if (first[is_single] == NULL) {
                first[is_single] = copy_of(data.call.pbar, data.n_table);
            }
            assert_same_bits_f64(data.call.pbar, first[is_single], data.n_table);
        }
    }
    isa_environment_restore(&saved);
    free(before);
    free(first[0]);
    free(first[1]);
    data_release(&data);
}

static void embedding_of_no_row_is_refused(void **state) {
    static const double wrong[] = {-1, 5, 5.5, 0.5, 1e30, -1e30};
    (void)state;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong + 3; k++) {
        const double extra[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
        embedding_data data = data_make(&shapes[3], counts[4], GUARD_AFTER);
        double *before = copy_of(data.call.pbar, data.n_table);
        const size_t places[] = {0, 16 * data.n_place, 17 * data.n_place - 1};
        const size_t n_wrong = sizeof wrong / sizeof *wrong, place = places[k % 3];
        const double right = data.x[place];
        data.x[place] = k < n_wrong ? wrong[k] : extra[k - n_wrong];
        assert_status(tile_call_run_f64(&data.call), COSTATE_ERR_ARGUMENT);
        assert_status(tile_call_run_f32(&data.call), COSTATE_ERR_ARGUMENT);
        assert_same_bits_f64(data.call.pbar, before, data.n_table);
        data.x[place] = right == 0 ? -0.0 : right;
        assert_ok(tile_call_run_f64(&data.call));
        free(before);
        data_release(&data);
    }
}

static void embedding_of_more_words_than_a_float_counts_is_refused_in_single_precision(void **state) {
    const size_t n_word = ((size_t)1 << 24) + 1;
    double word = 16777216;
    double y = 0;
    tile_call call = {.layer = costate_chain_embedding(n_word, 1), .in = {1, 1, 1}, .n = 1, .row = 16, .x = &word};
    (void)state;
    double *p = tile_zeros(n_word);
    p[n_word - 1] = 0.25;
    call.p = p;
    call.y = &y;
    assert_ok(tile_call_run_f64(&call));
    assert_true(y == 0.25);
    word = 0;
    assert_status(tile_call_run_f32(&call), COSTATE_ERR_ARGUMENT);
    free(p);
}

static void embedding_of_a_nan_row_gives_nan_there_alone(void **state) {
    embedding_data data = data_make(&shapes[4], counts[3], GUARD_AFTER);
    const size_t n_out = data.call.layer.n_out;
    size_t n_nan = 0;
    (void)state;
    data.p[2 * n_out + 3] = (double)NAN;
    assert_ok(tile_call_run_f64(&data.call));
    for (size_t s = 0; s < data.call.n; s++) {
        for (size_t i = 0; i < data.n_place * n_out; i++) {
            const bool is_hit = (size_t)data.x[s * data.n_place + i % data.n_place] == 2 && i / data.n_place == 3;
            assert_int_equal(isnan(data.call.y[s * data.n_place * n_out + i]) != 0, is_hit);
            n_nan += is_hit;
        }
    }
    assert_true(n_nan > 0);
    data_release(&data);
}

static costate_status create(costate_shape in, costate_chain_layer layer, costate_chain **chain) {
    return costate_chain_create(in, 1, &layer, NULL, chain, NULL);
}

static void chain_create_with_an_embedding_checks_its_sizes(void **state) {
    costate_chain *chain;
    costate_chain_block block;
    costate_shape out;
    (void)state;
    assert_status(create((costate_shape){2, 1, 5}, costate_chain_embedding(7, 3), &chain), COSTATE_ERR_SIZE);
    assert_status(create((costate_shape){1, 1, 5}, costate_chain_embedding(0, 3), &chain), COSTATE_ERR_ARGUMENT);
    assert_status(create((costate_shape){1, 1, 5}, costate_chain_embedding(7, 0), &chain), COSTATE_ERR_ARGUMENT);
    assert_status(create((costate_shape){1, 1, 5}, costate_chain_embedding(SIZE_MAX / 2, 3), &chain),
                  COSTATE_ERR_OVERFLOW);
    assert_status(create((costate_shape){1, 1, 5}, costate_chain_embedding(1, SIZE_MAX / 2), &chain),
                  COSTATE_ERR_OVERFLOW);
    assert_ok(create((costate_shape){1, 2, 5}, costate_chain_embedding(7, 3), &chain));
    assert_int_equal(costate_chain_n_param(chain), 21);
    assert_int_equal(costate_chain_n_block(chain), 1);
    assert_ok(costate_chain_block_at(chain, 0, &block));
    assert_string_equal(block.name, "table");
    assert_false(block.is_bias);
    assert_ok(costate_chain_shape(chain, 1, &out));
    assert_true(out.n_channel == 3 && out.height == 2 && out.width == 5);
    costate_chain_destroy(chain);
}

/* The evaluator passes on what the layer refuses. */
static void chain_forward_with_a_wrong_word_answers_argument(void **state) {
    const double x[4] = {0, 1, 2, 7};
    double p[21] = {0}, y[12], pbar[21] = {0};
    const double v[12] = {1};
    const costate_batch_f64 batch = {.n = 4, .x = x};
    costate_chain *chain;
    costate_chain_eval *eval;
    (void)state;
    assert_ok(create(costate_shape_vector(1), costate_chain_embedding(7, 3), &chain));
    assert_ok(costate_chain_eval_create(chain, NULL, NULL, &eval));
    assert_status(costate_chain_forward_f64(eval, p, &batch, y), COSTATE_ERR_ARGUMENT);
    assert_true(strlen(costate_chain_eval_message(eval)) > 0);
    assert_status(costate_chain_vjp_f64(eval, p, &batch, v, NULL, pbar), COSTATE_ERR_ARGUMENT);
    for (size_t i = 0; i < 21; i++) {
        assert_true(pbar[i] == 0);
    }
    costate_chain_eval_destroy(eval);
    costate_chain_destroy(chain);
}

int main(void) {
    if (!tile_isa_available()) {
        return TILE_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embedding_on_any_tile_gathers_and_scatters_rows),
        cmocka_unit_test(embedding_vjp_without_a_gradient_wanted_gives_zero),
        cmocka_unit_test(embedding_on_every_isa_gives_the_same_bits),
        cmocka_unit_test(embedding_of_no_row_is_refused),
        cmocka_unit_test(embedding_of_more_words_than_a_float_counts_is_refused_in_single_precision),
        cmocka_unit_test(embedding_of_a_nan_row_gives_nan_there_alone),
        cmocka_unit_test(chain_create_with_an_embedding_checks_its_sizes),
        cmocka_unit_test(chain_forward_with_a_wrong_word_answers_argument),
    };
    return cmocka_run_group_tests(tests, save_environment, restore_environment);
}
