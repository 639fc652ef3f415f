/* SPDX-License-Identifier: MIT */
/* Permutations of axes: where every element goes, and back. */
#include "gather_tile.h"
#include "support/seeded_random.h"

#include <costate/chain_eval.h>
#include <stdlib.h>

static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
enum { N_ORDER = sizeof orders / sizeof *orders };
static const costate_shape shapes[] = {{2, 3, 4}, {5, 1, 7}, {1, 4, 3}, {1, 1, 6}, {3, 2, 1}, {1, 1, 1}};
enum { N_SHAPE = sizeof shapes / sizeof *shapes };

/* Element of the input that becomes element `i` of the output, by its coordinates. */
static size_t source_of(costate_shape in, const size_t *order, size_t i) {
    const size_t extent[3] = {in.n_channel, in.height, in.width};
    size_t at[3];
    for (size_t axis = 3; axis-- > 0;) {
        at[order[axis]] = i % extent[order[axis]];
        i /= extent[order[axis]];
    }
    return (at[0] * extent[1] + at[1]) * extent[2] + at[2];
}

static void check_tile(costate_shape in, const size_t *order, size_t n, size_t row, bool is_double) {
    costate_random random = test_random(n);
    const size_t n_element = costate_shape_size(in);
    double *x = tile_random(&random, n * n_element), *v = tile_random(&random, n * n_element);
    double *y = tile_zeros(n * n_element), *xbar = tile_zeros(n * n_element);
    const tile_call call = {.layer = costate_chain_permute(order[0], order[1], order[2]),
                            .in = in,
                            .n = n,
                            .row = row,
                            .side = n % 2 == 0 ? GUARD_AFTER : GUARD_BEFORE,
                            .x = x,
                            .v = v,
                            .y = y,
                            .xbar = xbar};
    assert_ok(is_double ? tile_call_run_f64(&call) : tile_call_run_f32(&call));
    for (size_t s = 0; s < n; s++) {
        for (size_t i = 0; i < n_element; i++) {
            const size_t from = source_of(in, order, i);
            assert_same_bits_f64(&y[s * n_element + i], &x[s * n_element + from], 1);
            assert_same_bits_f64(&xbar[s * n_element + from], &v[s * n_element + i], 1);
        }
    }
    double *arrays[] = {x, v, y, xbar};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

static void permute_on_any_tile_moves_every_element(void **state) {
    static const size_t counts[][2] = {{1, 16}, {15, 16}, {16, 16}, {17, 32}, {33, 48}, {256, 256}};
    (void)state;
    for (size_t k = 0; k < N_SHAPE; k++) {
        for (size_t o = 0; o < N_ORDER; o++) {
            for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
                check_tile(shapes[k], orders[o], counts[c][0], counts[c][1], true);
                check_tile(shapes[k], orders[o], counts[c][0], counts[c][1], false);
            }
        }
    }
}

/* Whether the layer is a view or moves something, a chain of it gives the same. */
static void chain_of_a_permutation_moves_every_element(void **state) {
    enum { N = 40 };
    (void)state;
    for (size_t k = 0; k < N_SHAPE; k++) {
        for (size_t o = 0; o < N_ORDER; o++) {
            const size_t *order = orders[o], n_element = costate_shape_size(shapes[k]);
            const costate_chain_layer layer = costate_chain_permute(order[0], order[1], order[2]);
            const size_t extent[3] = {shapes[k].n_channel, shapes[k].height, shapes[k].width};
            costate_random random = test_random(k);
            double *x = tile_random(&random, N * n_element), *v = tile_random(&random, N * n_element);
            double *y = tile_zeros(N * n_element), *xbar = tile_zeros(N * n_element), no_parameter = 0;
            const costate_batch_f64 batch = {.n = N, .x = x};
            costate_chain *chain;
            costate_chain_eval *eval;
            costate_shape out;
            assert_ok(costate_chain_create(shapes[k], 1, &layer, NULL, &chain, NULL));
            assert_ok(costate_chain_shape(chain, 1, &out));
            assert_true(out.n_channel == extent[order[0]] && out.height == extent[order[1]] &&
                        out.width == extent[order[2]]);
            assert_int_equal(costate_chain_n_param(chain), 0);
            assert_ok(costate_chain_eval_create(chain, NULL, NULL, &eval));
            assert_ok(costate_chain_forward_f64(eval, &no_parameter, &batch, y));
            assert_ok(costate_chain_vjp_f64(eval, &no_parameter, &batch, v, xbar, NULL));
            for (size_t i = 0; i < N * n_element; i++) {
                const size_t from = i / n_element * n_element + source_of(shapes[k], order, i % n_element);
                assert_same_bits_f64(&y[i], &x[from], 1);
                assert_same_bits_f64(&xbar[from], &v[i], 1);
            }
            costate_chain_eval_destroy(eval);
            costate_chain_destroy(chain);
            double *arrays[] = {x, v, y, xbar};
            for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
                free(arrays[i]);
            }
        }
    }
}

static void chain_create_with_an_order_that_is_none_is_refused(void **state) {
    static const size_t wrong[][3] = {{0, 0, 1}, {0, 1, 1}, {2, 1, 2}, {0, 1, 3}, {SIZE_MAX, 1, 2}, {1, 1, 1}};
    costate_chain *chain;
    (void)state;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        const costate_chain_layer layer = costate_chain_permute(wrong[k][0], wrong[k][1], wrong[k][2]);
        assert_status(costate_chain_create(shapes[0], 1, &layer, NULL, &chain, NULL), COSTATE_ERR_ARGUMENT);
        assert_null(chain);
    }
}

int main(void) {
    if (!tile_isa_available()) {
        return TILE_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permute_on_any_tile_moves_every_element),
        cmocka_unit_test(chain_of_a_permutation_moves_every_element),
        cmocka_unit_test(chain_create_with_an_order_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
